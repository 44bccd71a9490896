//! `GATEHOUSE_DATABASE_URL`. The scheme alone selects the database.
//!
//! Diesel's derived `MultiConnection::establish` tries each backend in turn and drops the errors, so a mistyped MySQL
//! URL would create an empty SQLite file. This parser rejects unknown schemes.

use std::{
    fmt, fs,
    net::IpAddr,
    path::{Path, PathBuf},
    str::FromStr,
};

use secrecy::{ExposeSecret, SecretString};
use url::Url;

/// The location of the database. `Debug` and `Display` never show the password.
#[derive(Clone)]
pub enum DatabaseUrl {
    /// An SQLite file on this machine.
    Sqlite(PathBuf),
    /// A server that speaks the MySQL protocol. The URL holds a password.
    Mysql {
        /// The whole URL with user and password.
        url: SecretString,
        /// The URL without user and password.
        redacted: String,
        /// The certificate authority of the server, in PEM format. With it, connections use TLS.
        ca_file: Option<PathBuf>,
        /// Whether passwords and data cross a network without TLS, or without a verified certificate.
        is_exposed: bool,
    },
}

impl FromStr for DatabaseUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once(':') {
            Some(("sqlite", path)) => {
                let path = path.strip_prefix("//").unwrap_or(path);
                if path.is_empty() || path.starts_with(':') {
                    return Err("sqlite: needs the path of a file, for example sqlite:data/gatehouse.db".to_owned());
                }
                Ok(Self::Sqlite(PathBuf::from(path)))
            }
            Some(("mysql", _)) => mysql(text),
            // The text may contain a password, so the message repeats only the scheme.
            Some((scheme, _)) if scheme.len() <= 20 => Err(format!(
                "the scheme “{}” is not known; use sqlite:PATH or mysql://user:password@host:port/name",
                scheme.escape_debug()
            )),
            _ => Err("it has no scheme; use sqlite:PATH or mysql://user:password@host:port/name".to_owned()),
        }
    }
}

fn mysql(text: &str) -> Result<DatabaseUrl, String> {
    let url = Url::parse(text).map_err(|error| format!("it is not a URL: {error}"))?;
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or("mysql:// needs a host")?;
    let name = url.path().trim_start_matches('/');
    if name.is_empty() || name.contains('/') {
        return Err("mysql:// needs the name of one database after the host".to_owned());
    }
    let options = mysql_async::Opts::from_url(text).map_err(|error| error.to_string())?;
    let is_local = options.socket().is_some() || is_loopback(host);
    let is_verified = options.ssl_opts().is_some_and(|tls| !tls.accept_invalid_certs());
    let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
    Ok(DatabaseUrl::Mysql {
        redacted: format!("mysql://{host}{port}/{name}"),
        url: SecretString::from(text),
        ca_file: None,
        is_exposed: !is_local && !is_verified,
    })
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl DatabaseUrl {
    /// Returns the path of the SQLite file, or `None` for a server.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Sqlite(path) => Some(path),
            Self::Mysql { .. } => None,
        }
    }

    /// Returns the path of a SQLite file that does not exist.
    #[must_use]
    pub fn missing_file(&self) -> Option<&Path> {
        self.file().filter(|path| !path.exists())
    }

    /// Adds the certificate authority of the server.
    pub(super) fn with_ca_file(self, file: &Path) -> Result<Self, String> {
        let Self::Mysql { url, redacted, .. } = self else {
            return Err("is for a MySQL server; GATEHOUSE_DATABASE_URL names a file".to_owned());
        };
        let text = fs::read_to_string(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
        if !text.contains("-----BEGIN CERTIFICATE-----") {
            return Err(format!("{} has no certificate in PEM format", file.display()));
        }
        Ok(Self::Mysql { url, redacted, ca_file: Some(file.to_owned()), is_exposed: false })
    }

    /// Whether passwords and data cross a network without TLS, or without a verified certificate.
    #[must_use]
    pub fn is_exposed(&self) -> bool {
        matches!(self, Self::Mysql { is_exposed: true, .. })
    }

    /// Returns the whole URL with user and password, or `None` for a file.
    #[must_use]
    pub fn secret(&self) -> Option<&str> {
        match self {
            Self::Sqlite(_) => None,
            Self::Mysql { url, .. } => Some(url.expose_secret()),
        }
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Mysql { redacted, .. } => f.write_str(redacted),
        }
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_scheme_error_names_scheme_and_omits_password() {
        for text in ["mysq1://ann:hunter2@db/x", "postgres://ann:hunter2@db/x"] {
            let error = text.parse::<DatabaseUrl>().unwrap_err();
            assert!(error.contains(text.split(':').next().unwrap()), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn database_url_requires_scheme_and_file_or_database_name() {
        for text in
            ["", "gatehouse.db", "sqlite:", "sqlite::memory:", "mysql://ann:hunter2@db", "mysql:///x", "mysql://h/a/b"]
        {
            assert!(text.parse::<DatabaseUrl>().is_err(), "{text}");
        }
    }

    #[test]
    fn mysql_connection_over_a_network_needs_verified_tls() {
        for (text, exposed) in [
            ("mysql://ann@db.example/x", true),
            ("mysql://ann@192.0.2.7:3306/x", true),
            ("mysql://ann@[2001:db8::7]/x", true),
            ("mysql://ann@localhost.example/x", true),
            ("mysql://ann@db.example/x?require_ssl=true&verify_ca=false", true),
            ("mysql://ann@db.example/x?require_ssl=true", false),
            ("mysql://ann@localhost/x", false),
            ("mysql://ann@127.0.0.1:3306/x", false),
            ("mysql://ann@[::1]/x", false),
            ("mysql://ann@db.example/x?socket=%2Frun%2Fmysqld%2Fmysqld.sock", false),
            ("sqlite:x.db", false),
        ] {
            assert_eq!(text.parse::<DatabaseUrl>().unwrap().is_exposed(), exposed, "{text}");
        }
    }

    #[test]
    fn database_url_debug_and_display_redact_password() {
        let url: DatabaseUrl = "mysql://ann:hunter2@db.example:3307/accounts".parse().unwrap();
        assert_eq!(format!("{url} {url:?}"), "mysql://db.example:3307/accounts mysql://db.example:3307/accounts");
    }
}
