//! All settings. Each is declared once, with its flag, environment variable (`GATEHOUSE_` and the flag's name), default
//! and help text; `gatehouse serve --help` prints them.

use std::{net::SocketAddr, num::NonZero, path::PathBuf, thread, time::Duration};

use clap::{Args, ValueEnum, builder::BoolishValueParser};
use ipnet::IpNet;
use secrecy::{ExposeSecret, SecretString};
use tracing_subscriber::EnvFilter;

use crate::{identity::Username, language::Language};

use self::duration::{DAY, MINUTE, YEAR};
pub use self::{contact::Contact, database_url::DatabaseUrl, public_url::PublicUrl, rate::Rate, risks::Risk};

mod contact;
mod database_url;
pub(crate) mod duration;
mod public_url;
mod rate;
mod risks;

/// The settings of `gatehouse serve`.
#[derive(Debug, Clone, Args)]
pub struct Settings {
    /// Address and port to listen on; port 0 picks a free port
    #[arg(long, env = "GATEHOUSE_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,

    /// Origin that users see, such as <https://login.example.org> [default: http:// + listen address]
    #[arg(long, env = "GATEHOUSE_PUBLIC_URL")]
    pub public_url: Option<PublicUrl>,

    /// Serve plain http:// to other machines. Passwords then cross the network unencrypted
    #[arg(long, env = "GATEHOUSE_ALLOW_INSECURE_HTTP", value_parser = BoolishValueParser::new())]
    pub allow_insecure_http: bool,

    /// Folder for the database file and the signing secret
    #[arg(long, env = "GATEHOUSE_DATA_DIR", default_value = "data")]
    pub data_dir: PathBuf,

    /// `sqlite:PATH` or `mysql://user:password@host:port/name` [default: sqlite: + data dir + /gatehouse.db]
    #[arg(long, env = "GATEHOUSE_DATABASE_URL", hide_env_values = true)]
    pub database_url: Option<SecretString>,

    /// Certificate authority of the MySQL server, in PEM format. Connections then use TLS and trust no other authority
    #[arg(long, env = "GATEHOUSE_DATABASE_CA_FILE")]
    pub database_ca_file: Option<PathBuf>,

    /// Signing secret of at least 32 bytes. Prefer a file: other programs can read environment variables and flags
    #[arg(long, env = "GATEHOUSE_SECRET", hide_env_values = true, conflicts_with = "secret_file")]
    pub secret: Option<SecretString>,

    /// File with the signing secret [default: secret.key in the data dir, created at the first start]
    #[arg(long, env = "GATEHOUSE_SECRET_FILE")]
    pub secret_file: Option<PathBuf>,

    /// Former secrets, separated by commas. They verify existing signatures and sign nothing new
    #[arg(long, env = "GATEHOUSE_PREVIOUS_SECRETS", hide_env_values = true, value_delimiter = ',')]
    pub previous_secrets: Vec<SecretString>,

    /// Networks of the proxies whose X-Forwarded-For header is trusted, separated by commas, such as 127.0.0.1/32. They
    /// must not contain clients, which could then claim any address
    #[arg(long, env = "GATEHOUSE_TRUSTED_PROXIES", value_delimiter = ',', value_parser = network)]
    pub trusted_proxies: Vec<IpNet>,

    /// Who may register
    #[arg(long, env = "GATEHOUSE_REGISTRATION", value_enum, default_value_t = Registration::Open)]
    pub registration: Registration,

    /// A session expires when it has not been used for this long
    #[arg(long, env = "GATEHOUSE_SESSION_IDLE", default_value = "1h", value_parser = duration::up_to(YEAR))]
    pub session_idle: Duration,

    /// A session expires this long after sign-in, even if it is in use
    #[arg(long, env = "GATEHOUSE_SESSION_LIFETIME", default_value = "12h", value_parser = duration::up_to(YEAR))]
    pub session_lifetime: Duration,

    /// Like session idle, for sign-ins with “keep me signed in”
    #[arg(long, env = "GATEHOUSE_REMEMBER_IDLE", default_value = "14d", value_parser = duration::up_to(YEAR))]
    pub remember_idle: Duration,

    /// Like session lifetime, for sign-ins with “keep me signed in”
    #[arg(long, env = "GATEHOUSE_REMEMBER_LIFETIME", default_value = "30d", value_parser = duration::up_to(YEAR))]
    pub remember_lifetime: Duration,

    /// The JSON API for programs, below /api
    #[arg(long, env = "GATEHOUSE_API", value_enum, default_value_t = Switch::On)]
    pub api: Switch,

    /// How long an access token of the JSON API is valid; at most 1d
    #[arg(long, env = "GATEHOUSE_ACCESS_TOKEN_LIFETIME", default_value = "10m", value_parser = duration::up_to(DAY))]
    pub access_token_lifetime: Duration,

    /// Like session idle, for programs that use the JSON API
    #[arg(long, env = "GATEHOUSE_REFRESH_IDLE", default_value = "7d", value_parser = duration::up_to(YEAR))]
    pub refresh_idle: Duration,

    /// Like session lifetime, for programs that use the JSON API
    #[arg(long, env = "GATEHOUSE_REFRESH_LIFETIME", default_value = "30d", value_parser = duration::up_to(YEAR))]
    pub refresh_lifetime: Duration,

    /// How long a refresh token that was used still returns its successor, for two requests at once; 0s = not at all
    #[arg(long, env = "GATEHOUSE_REFRESH_GRACE", default_value = "10s", value_parser = duration::up_to_or_zero(MINUTE))]
    pub refresh_grace: Duration,

    /// Ask for the password again before account changes if the last sign-in is older than this
    #[arg(long, env = "GATEHOUSE_RECENT_SIGN_IN", default_value = "10m", value_parser = duration::up_to(DAY))]
    pub recent_sign_in: Duration,

    /// How long the activity log (sign-ins, failures, changes) is kept
    #[arg(long, env = "GATEHOUSE_EVENTS_KEPT", default_value = "90d", value_parser = duration::parse)]
    pub events_kept: Duration,

    /// How long the user name of a deleted account stays reserved
    #[arg(long, env = "GATEHOUSE_NAME_RESERVED", default_value = "30d", value_parser = duration::parse)]
    pub name_reserved: Duration,

    /// Minimum length of new passwords in characters; at least 8
    #[arg(long, env = "GATEHOUSE_PASSWORD_MIN_LENGTH", default_value_t = 15,
          value_parser = clap::value_parser!(u16).range(8..=128))]
    pub password_min_length: u16,

    /// How long other processes on the same database may accept a session after it was revoked, at most 1m; 0s = not at
    /// all
    #[arg(long, env = "GATEHOUSE_SESSION_CACHE", default_value = "1s", value_parser = duration::up_to_or_zero(MINUTE))]
    pub session_cache: Duration,

    /// Sessions that an account may have. A sign-in beyond it ends the session that was used least recently
    #[arg(long, env = "GATEHOUSE_SESSIONS_PER_ACCOUNT", default_value_t = 50,
          value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub sessions_per_account: u16,

    /// Registrations per client network (an IPv4 address or an IPv6 /64); 0 = no limit
    #[arg(long, env = "GATEHOUSE_REGISTRATION_RATE", default_value = "20/1h")]
    pub registration_rate: Rate,

    /// Failed sign-ins per client network, over all user names, and refused registrations; 0 = no limit on either
    #[arg(long, env = "GATEHOUSE_FAILURE_RATE", default_value = "100/1h")]
    pub failure_rate: Rate,

    /// Successful sign-ins and account changes per account; 0 = no limit
    #[arg(long, env = "GATEHOUSE_SIGN_IN_RATE", default_value = "60/1h")]
    pub sign_in_rate: Rate,

    /// Reserved user names in addition to the built-in ones, separated by commas
    #[arg(long, env = "GATEHOUSE_RESERVED_NAMES", value_delimiter = ',', value_parser = reserved_name)]
    pub reserved_names: Vec<Username>,

    /// Threads that hash passwords, 19 MiB each [default: number of CPU cores]
    #[arg(long, env = "GATEHOUSE_HASH_THREADS")]
    pub hash_threads: Option<NonZero<u8>>,

    /// Passwords that may wait for a hashing thread; requests beyond that get 503 at once
    #[arg(long, env = "GATEHOUSE_HASH_QUEUE", default_value_t = 64,
          value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub hash_queue: u16,

    /// Name of the site, shown in titles and headings
    #[arg(long, env = "GATEHOUSE_SITE_NAME", default_value = "Gatehouse", value_parser = display_name)]
    pub site_name: String,

    /// E-mail address, URL or phone number for people who cannot sign in
    #[arg(long, env = "GATEHOUSE_CONTACT")]
    pub contact: Option<Contact>,

    /// Language of pages for people who chose none and whose browser asks for none of these
    #[arg(long, env = "GATEHOUSE_LANGUAGE", value_enum, default_value_t = Language::English)]
    pub language: Language,

    /// Folder that replaces the built-in static files, for a site's own style [default: compiled in]
    #[arg(long, env = "GATEHOUSE_STATIC_DIR")]
    pub static_dir: Option<PathBuf>,

    /// Address and port that serves metrics for Prometheus at /metrics, such as 127.0.0.1:9464. There is no access
    /// control, so choose an address that only Prometheus can reach [default: none]
    #[arg(long, env = "GATEHOUSE_METRICS_LISTEN")]
    pub metrics_listen: Option<SocketAddr>,

    /// What to log: error, warn, info, debug or a tracing filter. Text on a terminal, JSON lines otherwise
    #[arg(long, env = "GATEHOUSE_LOG", default_value = "info", value_parser = log_filter)]
    pub log: EnvFilter,
}

/// A setting with an invalid value. `Display` is the message for the operator.
#[derive(Debug, thiserror::Error)]
#[error("{setting}: {message}")]
pub struct ConfigError {
    /// The name of the environment variable.
    pub setting: &'static str,
    /// What is wrong and what to do. Never contains the value of a secret.
    pub message: String,
}

impl ConfigError {
    /// Returns an error for the environment variable `setting`.
    pub fn new(setting: &'static str, message: impl Into<String>) -> Self {
        Self { setting, message: message.into() }
    }
}

impl Settings {
    /// Returns the database to use.
    pub fn database(&self) -> Result<DatabaseUrl, ConfigError> {
        let url = match &self.database_url {
            None => DatabaseUrl::Sqlite(self.data_dir.join("gatehouse.db")),
            Some(url) => url
                .expose_secret()
                .parse()
                .map_err(|message| ConfigError::new("GATEHOUSE_DATABASE_URL", message as String))?,
        };
        match &self.database_ca_file {
            None => Ok(url),
            Some(file) => {
                url.with_ca_file(file).map_err(|message| ConfigError::new("GATEHOUSE_DATABASE_CA_FILE", message))
            }
        }
    }

    /// Returns the origin that users see, for a server that listens on `listening`.
    pub fn public_url(&self, listening: SocketAddr) -> Result<PublicUrl, ConfigError> {
        let fail = |message: &str| Err(ConfigError::new("GATEHOUSE_PUBLIC_URL", message));
        let public = match &self.public_url {
            Some(public) => public.clone(),
            None if listening.ip().is_unspecified() => {
                return fail(
                    "is needed when GATEHOUSE_LISTEN is not a single address, for example https://login.example.org",
                );
            }
            None => format!("http://{listening}")
                .parse()
                .map_err(|message| ConfigError::new("GATEHOUSE_PUBLIC_URL", message as String))?,
        };
        if !public.is_https() && !public.is_loopback() && !self.allow_insecure_http {
            return fail(
                "plain http:// sends passwords over the network unencrypted; use https://, or set \
                 GATEHOUSE_ALLOW_INSECURE_HTTP=true if the network is trusted",
            );
        }
        Ok(public)
    }

    /// Returns the number of threads that hash passwords.
    #[must_use]
    pub fn hash_threads(&self) -> usize {
        self.hash_threads.map_or_else(
            || thread::available_parallelism().map_or(2, NonZero::get),
            |threads| usize::from(threads.get()),
        )
    }
}

/// Whether something is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    /// It is
    On,
    /// It is not
    Off,
}

impl Switch {
    /// Whether it is there.
    #[must_use]
    pub fn is_on(self) -> bool {
        self == Self::On
    }
}

/// Who may register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Registration {
    /// All people
    Open,
    /// People with an invitation
    Invite,
    /// No new accounts
    Closed,
}

/// Parses a network (`10.0.0.0/8`) or a single address.
fn network(text: &str) -> Result<IpNet, String> {
    let text = text.trim();
    text.parse()
        .or_else(|_| text.parse::<std::net::IpAddr>().map(IpNet::from))
        .map_err(|_| "is not a network; use for example 10.0.0.0/8, or an address".to_owned())
}

fn reserved_name(text: &str) -> Result<Username, String> {
    Username::parse(text).map_err(|_| {
        let (min, max) = (Username::MIN_LENGTH, Username::MAX_LENGTH);
        format!("is not a user name; use {min} to {max} letters, digits, dots, hyphens and underscores")
    })
}

/// Parses the name of a site or an application.
pub(crate) fn display_name(text: &str) -> Result<String, String> {
    let name = text.trim();
    match name.chars().count() {
        1..=60 if !name.chars().any(char::is_control) => Ok(name.to_owned()),
        _ => Err("must be 1 to 60 printable characters".to_owned()),
    }
}

fn log_filter(text: &str) -> Result<EnvFilter, String> {
    // tracing-subscriber 0.3.23 panics on some filters with other characters (`directive.rs` cuts at a byte index).
    if !text.is_ascii() {
        return Err("is not a filter: it contains other than ASCII characters".to_owned());
    }
    EnvFilter::try_new(text).map_err(|error| format!("is not a filter: {error}"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn settings_parsers_never_panic_on_arbitrary_text(text in ".{0,60}") {
            let _ = duration::up_to_or_zero(YEAR)(&text);
            let _ = text.parse::<Rate>();
            let _ = text.parse::<PublicUrl>();
            let _ = text.parse::<DatabaseUrl>();
            let _ = network(&text);
            let _ = reserved_name(&text);
            let _ = display_name(&text);
            let _ = log_filter(&text);
        }
    }
}
