//! Warnings at start about settings that are allowed but risky.

use std::{fmt, time::Duration};

use super::{DatabaseUrl, PublicUrl, Settings, duration::DAY};

/// NIST SP 800-63B-4, 2.1.3: people authenticate again after at most 30 days.
const RECOMMENDED_LIFETIME: Duration = DAY.saturating_mul(30);

/// A risk of the settings. For the operator.
#[derive(Debug, Clone, Copy)]
pub struct Risk {
    /// What can happen.
    pub risk: &'static str,
    /// Which setting causes it, and what to do.
    pub advice: &'static str,
}

impl fmt::Display for Risk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.risk, self.advice)
    }
}

impl Settings {
    /// Returns the risks of the settings.
    #[must_use]
    pub fn risks(&self, public_url: &PublicUrl, database_url: &DatabaseUrl) -> Vec<Risk> {
        [
            (
                !public_url.is_https() && !public_url.is_loopback(),
                "passwords cross the network unencrypted",
                "GATEHOUSE_PUBLIC_URL is plain http",
            ),
            // The server itself has no TLS.
            (
                public_url.is_https() && self.trusted_proxies.is_empty(),
                "all clients share the limits of one address",
                "GATEHOUSE_PUBLIC_URL is https, so a reverse proxy is in front; add its address to \
                 GATEHOUSE_TRUSTED_PROXIES",
            ),
            (
                self.trusted_proxies.iter().any(|network| network.prefix_len() == 0),
                "every client can claim any address and so has no limits",
                "name only the addresses of your proxies in GATEHOUSE_TRUSTED_PROXIES",
            ),
            (
                database_url.is_exposed(),
                "data and password hashes cross the network without verified TLS",
                "set GATEHOUSE_DATABASE_CA_FILE, or add ?require_ssl=true to GATEHOUSE_DATABASE_URL",
            ),
            (
                self.session_lifetime > RECOMMENDED_LIFETIME || self.remember_lifetime > RECOMMENDED_LIFETIME,
                "sessions last longer than 30 days, the most that NIST SP 800-63B-4 allows",
                "see GATEHOUSE_SESSION_LIFETIME and GATEHOUSE_REMEMBER_LIFETIME",
            ),
        ]
        .into_iter()
        .filter_map(|(is_risk, risk, advice)| is_risk.then_some(Risk { risk, advice }))
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Arguments {
        #[command(flatten)]
        settings: Settings,
    }

    /// Returns the setting that each risk names last.
    fn risks(arguments: &[&str]) -> Vec<&'static str> {
        let base = ["gatehouse", "--allow-insecure-http"];
        let settings = Arguments::try_parse_from(base.iter().chain(arguments)).unwrap().settings;
        let public_url = settings.public_url(([127, 0, 0, 1], 8080).into()).unwrap();
        let risks = settings.risks(&public_url, &settings.database().unwrap());
        risks.into_iter().map(|risk| risk.advice.rsplit_once("GATEHOUSE_").unwrap().1).collect()
    }

    #[test]
    fn risky_settings_are_named() {
        assert_eq!(risks(&[]), [""; 0]);
        assert_eq!(risks(&["--public-url", "http://login.example"]), ["PUBLIC_URL is plain http"]);
        assert_eq!(risks(&["--public-url", "https://login.example"]), ["TRUSTED_PROXIES"]);
        assert_eq!(risks(&["--public-url", "https://login.example", "--trusted-proxies", "127.0.0.1"]), [""; 0]);
        assert_eq!(risks(&["--trusted-proxies", "0.0.0.0/0"]), ["TRUSTED_PROXIES"]);
        assert_eq!(risks(&["--database-url", "mysql://ann@db.example/x"]), ["DATABASE_URL"]);
        assert_eq!(risks(&["--database-url", "mysql://ann@db.example/x?require_ssl=true"]), [""; 0]);
        assert_eq!(risks(&["--remember-lifetime", "31d"]), ["REMEMBER_LIFETIME"]);
        assert_eq!(risks(&["--session-lifetime", "31d"]), ["REMEMBER_LIFETIME"]);
    }
}
