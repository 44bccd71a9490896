//! Every setting, declared once: a flag, an environment variable (`GATEHOUSE_` and the flag's name), a default and a
//! sentence of help. `gatehouse serve --help` prints them. Knows nothing of what the settings are used for.

use std::{fmt, net::SocketAddr, num::NonZero, path::PathBuf, str::FromStr, thread, time::Duration};

use clap::{Args, ValueEnum, builder::BoolishValueParser};
use ipnet::IpNet;
use secrecy::SecretString;
use url::{Host, Url};

pub use self::database_url::DatabaseUrl;

mod database_url;

/// The settings of `gatehouse serve`.
#[derive(Debug, Clone, Args)]
pub struct Settings {
    /// Address and port to listen on; port 0 picks a free one
    #[arg(long, env = "GATEHOUSE_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,

    /// The one origin that people see, such as <https://login.example.org> [default: http:// + listen]
    #[arg(long, env = "GATEHOUSE_PUBLIC_URL")]
    pub public_url: Option<PublicUrl>,

    /// Serve plain http:// to other machines. Passwords then cross the network unprotected
    #[arg(long, env = "GATEHOUSE_ALLOW_INSECURE_HTTP", value_parser = BoolishValueParser::new())]
    pub allow_insecure_http: bool,

    /// Folder for the database file and the secret
    #[arg(long, env = "GATEHOUSE_DATA_DIR", default_value = "data")]
    pub data_dir: PathBuf,

    /// `sqlite:PATH` or `mysql://user:password@host:port/name` [default: sqlite: + data dir + /gatehouse.db]
    #[arg(long, env = "GATEHOUSE_DATABASE_URL", hide_env_values = true)]
    pub database_url: Option<SecretString>,

    /// Signing secret, at least 32 bytes. Better: a file, because other programs can see environment and flags
    #[arg(long, env = "GATEHOUSE_SECRET", hide_env_values = true, conflicts_with = "secret_file")]
    pub secret: Option<SecretString>,

    /// File with the signing secret [default: secret.key in the data dir, made at the first start]
    #[arg(long, env = "GATEHOUSE_SECRET_FILE")]
    pub secret_file: Option<PathBuf>,

    /// Former secrets, separated by commas: still good for checking, never for signing
    #[arg(long, env = "GATEHOUSE_PREVIOUS_SECRETS", hide_env_values = true, value_delimiter = ',')]
    pub previous_secrets: Vec<SecretString>,

    /// Networks of the proxies whose X-Forwarded-For is believed, separated by commas, such as 127.0.0.1/32
    #[arg(long, env = "GATEHOUSE_TRUSTED_PROXIES", value_delimiter = ',', value_parser = network)]
    pub trusted_proxies: Vec<IpNet>,

    /// Who may make an account
    #[arg(long, env = "GATEHOUSE_REGISTRATION", value_enum, default_value_t = Registration::Open)]
    pub registration: Registration,

    /// A session ends when it was not used for so long
    #[arg(long, env = "GATEHOUSE_SESSION_IDLE", default_value = "1h", value_parser = duration)]
    pub session_idle: Duration,

    /// A session ends so long after signing in, used or not
    #[arg(long, env = "GATEHOUSE_SESSION_LIFETIME", default_value = "12h", value_parser = duration)]
    pub session_lifetime: Duration,

    /// The same as session idle, for “keep me signed in”
    #[arg(long, env = "GATEHOUSE_REMEMBER_IDLE", default_value = "14d", value_parser = duration)]
    pub remember_idle: Duration,

    /// The same as session lifetime, for “keep me signed in”
    #[arg(long, env = "GATEHOUSE_REMEMBER_LIFETIME", default_value = "30d", value_parser = duration)]
    pub remember_lifetime: Duration,

    /// Who signed in longer ago is asked for the password before name, address or account are changed
    #[arg(long, env = "GATEHOUSE_RECENT_SIGN_IN", default_value = "10m", value_parser = duration)]
    pub recent_sign_in: Duration,

    /// How long it is kept what happened: sign-ins, failures, changes
    #[arg(long, env = "GATEHOUSE_EVENTS_KEPT", default_value = "90d", value_parser = duration)]
    pub events_kept: Duration,

    /// How long nobody else may take the user name of a deleted account
    #[arg(long, env = "GATEHOUSE_NAME_RESERVED", default_value = "30d", value_parser = duration)]
    pub name_reserved: Duration,

    /// The fewest characters a new password may have; at least 8
    #[arg(long, env = "GATEHOUSE_PASSWORD_MIN_LENGTH", default_value_t = 15,
          value_parser = clap::value_parser!(u16).range(8..=128))]
    pub password_min_length: u16,

    /// How long another process on the same database may still accept a session that was ended; 0s asks every time
    #[arg(long, env = "GATEHOUSE_SESSION_CACHE", default_value = "1s", value_parser = duration_or_zero)]
    pub session_cache: Duration,

    /// New accounts per client network (an IPv4 address, an IPv6 /64); 0 = no limit
    #[arg(long, env = "GATEHOUSE_REGISTRATION_RATE", default_value = "20/1h")]
    pub registration_rate: Rate,

    /// Failed sign-ins per client network, over all names; 0 = no limit
    #[arg(long, env = "GATEHOUSE_FAILURE_RATE", default_value = "100/1h")]
    pub failure_rate: Rate,

    /// Threads that hash passwords, 19 MiB each [default: the machine's cores]
    #[arg(long, env = "GATEHOUSE_HASH_THREADS")]
    pub hash_threads: Option<NonZero<u8>>,

    /// Passwords that may wait to be hashed; more are refused at once
    #[arg(long, env = "GATEHOUSE_HASH_QUEUE", default_value_t = 64)]
    pub hash_queue: u16,

    /// Shown in titles and headings
    #[arg(long, env = "GATEHOUSE_SITE_NAME", default_value = "Gatehouse", value_parser = site_name)]
    pub site_name: String,

    /// Folder with the style sheet and the pictures
    #[arg(long, env = "GATEHOUSE_STATIC_DIR", default_value = "static")]
    pub static_dir: PathBuf,

    /// What to log: error, warn, info, debug or a tracing filter. Text on a terminal, JSON lines otherwise
    #[arg(long, env = "GATEHOUSE_LOG", default_value = "info")]
    pub log: String,
}

/// A setting that cannot be used, named as the operator knows it.
#[derive(Debug, thiserror::Error)]
#[error("{setting}: {problem}")]
pub struct ConfigError {
    /// The environment variable's name.
    pub setting: &'static str,
    /// What is wrong with it, in words that do not repeat a secret.
    pub problem: String,
}

impl ConfigError {
    /// `problem` with `setting`.
    pub fn new(setting: &'static str, problem: impl Into<String>) -> Self {
        Self { setting, problem: problem.into() }
    }
}

impl Settings {
    /// Checks what one setting alone cannot tell.
    pub fn check(&self) -> Result<(), ConfigError> {
        if self.registration == Registration::Invite {
            return Err(ConfigError::new(
                "GATEHOUSE_REGISTRATION",
                "invitations do not exist yet; use “open” or “closed”",
            ));
        }
        Ok(())
    }

    /// The database to use.
    pub fn database(&self) -> Result<DatabaseUrl, ConfigError> {
        use secrecy::ExposeSecret;
        let Some(url) = &self.database_url else {
            return Ok(DatabaseUrl::Sqlite(self.data_dir.join("gatehouse.db")));
        };
        url.expose_secret().parse().map_err(|problem| ConfigError::new("GATEHOUSE_DATABASE_URL", problem as String))
    }

    /// The origin that people see, once it is known where the server listens.
    pub fn public_url(&self, listening: SocketAddr) -> Result<PublicUrl, ConfigError> {
        let fail = |problem: &str| Err(ConfigError::new("GATEHOUSE_PUBLIC_URL", problem));
        let public = match &self.public_url {
            Some(public) => public.clone(),
            None if listening.ip().is_unspecified() => {
                return fail(
                    "is needed when GATEHOUSE_LISTEN names no single address, for example https://login.example.org",
                );
            }
            None => format!("http://{listening}")
                .parse()
                .map_err(|problem| ConfigError::new("GATEHOUSE_PUBLIC_URL", problem as String))?,
        };
        if !public.is_https() && !public.is_loopback() && !self.allow_insecure_http {
            return fail(
                "plain http:// would send passwords over the network unprotected; use https://, or set GATEHOUSE_ALLOW_INSECURE_HTTP=true if you know that nobody can listen",
            );
        }
        Ok(public)
    }

    /// How many threads hash passwords.
    #[must_use]
    pub fn hash_threads(&self) -> usize {
        self.hash_threads.map_or_else(
            || thread::available_parallelism().map_or(2, NonZero::get),
            |threads| usize::from(threads.get()),
        )
    }
}

/// Who may make an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Registration {
    /// Everybody.
    Open,
    /// Those who were invited.
    Invite,
    /// Nobody.
    Closed,
}

/// At most `limit` times in `period`; a limit of 0 is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// How often; 0 = no limit.
    pub limit: u32,
    /// In how long.
    pub period: Duration,
}

impl FromStr for Rate {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.trim() == "0" {
            return Ok(Self { limit: 0, period: Duration::ZERO });
        }
        let example = "is not a rate; use a number, a slash and a duration, for example 20/1h, or 0 for no limit";
        let (limit, period) = text.split_once('/').ok_or(example)?;
        Ok(Self { limit: limit.trim().parse().map_err(|_| example)?, period: duration(period)? })
    }
}

/// An origin: scheme, host and port, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl(Url);

impl FromStr for PublicUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url = Url::parse(text).map_err(|error| format!("is not a URL: {error}"))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err("has to begin with https:// (or http://) and a host".to_owned());
        }
        let bare = url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        if !bare {
            return Err(
                "has to be an origin only, without path, query or user name, for example https://login.example.org"
                    .to_owned(),
            );
        }
        Ok(Self(url))
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.origin())
    }
}

impl PublicUrl {
    /// As a browser writes it in the `Origin` header (RFC 6454).
    #[must_use]
    pub fn origin(&self) -> String {
        self.0.origin().ascii_serialization()
    }

    /// As a base for links.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.0
    }

    /// Whether browsers reach us over TLS.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.0.scheme() == "https"
    }

    /// Whether only this machine can reach it (RFC 6761 gives it all of `localhost`).
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        match self.0.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            None => false,
        }
    }
}

/// `90s`, `30m`, `12h`, `14d`, also `1h 30m`; at least a second, at most ten years.
fn duration(text: &str) -> Result<Duration, String> {
    match duration_or_zero(text)? {
        Duration::ZERO => Err("has to be longer than nothing".to_owned()),
        span => Ok(span),
    }
}

fn duration_or_zero(text: &str) -> Result<Duration, String> {
    const TEN_YEARS: Duration = Duration::from_hours(87840);
    let span = humantime::parse_duration(text.trim())
        .map_err(|_| "is not a duration; use for example 90s, 30m, 12h or 14d")?;
    if span > TEN_YEARS {
        return Err("is longer than ten years".to_owned());
    }
    if span > Duration::ZERO && span < Duration::from_secs(1) {
        return Err("is shorter than a second".to_owned());
    }
    Ok(span)
}

/// A network (`10.0.0.0/8`) or a single address.
fn network(text: &str) -> Result<IpNet, String> {
    let text = text.trim();
    text.parse()
        .or_else(|_| text.parse::<std::net::IpAddr>().map(IpNet::from))
        .map_err(|_| "is not a network; use for example 10.0.0.0/8, or an address".to_owned())
}

fn site_name(text: &str) -> Result<String, String> {
    let name = text.trim();
    match name.chars().count() {
        1..=60 if !name.chars().any(char::is_control) => Ok(name.to_owned()),
        _ => Err("has to be 1 to 60 printable characters".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_are_written_as_people_write_them() {
        for (text, seconds) in [("90s", 90), ("30m", 1800), ("12h", 43_200), ("14d", 1_209_600), ("1h 30m", 5400)] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for text in ["", "0s", "10", "-1h", "1 fortnight", "999999y", "1ms", "99999999999999999999s"] {
            assert!(duration(text).is_err(), "{text}");
        }
        assert_eq!(duration_or_zero("0s"), Ok(Duration::ZERO));
    }

    #[test]
    fn a_rate_is_a_number_in_a_time() {
        let rate: Rate = "20/1h".parse().unwrap();
        assert_eq!((rate.limit, rate.period), (20, Duration::from_hours(1)));
        assert_eq!("0".parse::<Rate>().unwrap().limit, 0);
        for text in ["", "20", "/1h", "20/", "20/0s", "-1/1h", "20/1h/1h"] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_public_url_is_an_origin_and_nothing_more() {
        let public: PublicUrl = "https://Login.Example.org:8443/".parse().unwrap();
        assert_eq!(public.origin(), "https://login.example.org:8443");
        for text in [
            "",
            "login.example.org",
            "ftp://x.org",
            "https://x.org/a",
            "https://x.org/?a",
            "https://u@x.org/",
            "https://",
        ] {
            assert!(text.parse::<PublicUrl>().is_err(), "{text}");
        }
    }

    #[test]
    fn loopback_is_told_from_the_network() {
        for (text, loopback) in [
            ("http://127.0.0.1:8080", true),
            ("http://[::1]:8080", true),
            ("http://localhost", true),
            ("http://localhost.example.org", false),
            ("http://127.0.0.1.example.org", false),
            ("http://192.168.0.1", false),
        ] {
            assert_eq!(text.parse::<PublicUrl>().unwrap().is_loopback(), loopback, "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_a_parser_of_settings_panic(text in ".{0,60}") {
            let _ = duration(&text);
            let _ = text.parse::<Rate>();
            let _ = text.parse::<PublicUrl>();
            let _ = text.parse::<DatabaseUrl>();
            let _ = network(&text);
            let _ = site_name(&text);
        }
    }
}
