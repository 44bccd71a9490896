//! Values of the command line that stand in a configuration. They consist of characters that mean nothing to a proxy.

use std::{
    fmt,
    net::{Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

/// The most bytes of a name in the DNS (RFC 1035, 2.3.4).
const MAX_NAME_BYTES: usize = 253;

/// Host and port of an application behind a proxy.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Upstream {
    /// A name or an address. An IPv6 address has brackets.
    host: String,
    port: u16,
}

impl FromStr for Upstream {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "must be a host and a port, such as 127.0.0.1:8000, [::1]:8000 or app.internal:8000";
        let (host, port) = text.rsplit_once(':').ok_or(WRONG)?;
        if !is_host(host) || !port.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(WRONG);
        }
        match port.parse() {
            Ok(0) | Err(_) => Err(WRONG),
            Ok(port) => Ok(Self { host: host.to_owned(), port }),
        }
    }
}

/// As in a URL.
impl fmt::Display for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.host, self.port)
    }
}

impl Upstream {
    /// Returns the host without brackets.
    pub(super) fn host(&self) -> &str {
        self.host.trim_start_matches('[').trim_end_matches(']')
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }
}

fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        return address.parse::<Ipv6Addr>().is_ok();
    }
    let is_label = |label: &str| {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
        !label.is_empty() && !label.starts_with('-') && label.bytes().all(is_allowed)
    };
    // A name whose last part is a number is an address, or a mistake.
    let is_number = |label: &str| label.bytes().all(|byte| byte.is_ascii_digit());
    let is_name = || host.split('.').all(is_label) && !host.rsplit('.').next().is_some_and(is_number);
    host.len() <= MAX_NAME_BYTES && (host.parse::<Ipv4Addr>().is_ok() || is_name())
}

/// The path of a file that a proxy reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ConfigPath(String);

impl FromStr for ConfigPath {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"/._-+@=".contains(&byte);
        // Each proxy resolves other paths in its own way.
        if text.starts_with('/') && text.bytes().all(is_allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err("must be an absolute path of letters, digits and the characters / . _ - + @ =")
        }
    }
}

impl fmt::Display for ConfigPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl ConfigPath {
    /// Whether HAProxy finds this key when it loads `certificate`.
    pub(super) fn belongs_to(&self, certificate: &Self) -> bool {
        self == certificate || self.0.strip_suffix(".key") == Some(&certificate.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn upstream_is_a_host_and_a_port() {
        for text in ["127.0.0.1:8000", "[::1]:8000", "app.internal:80", "my_app:65535", "LOCALHOST:1"] {
            assert_eq!(text.parse::<Upstream>().unwrap().to_string(), text);
        }
        assert_eq!("[::1]:8000".parse::<Upstream>().unwrap().host(), "::1");
        for text in [
            "",
            "app",
            "app:",
            "app:0",
            "app:+80",
            "app:65536",
            ":80",
            "::1:80",
            "[::1:80",
            "1.2.3:80",
            "-app:80",
            "a..b:80",
            "a.:80",
            "http://app:80",
            "app:80/x",
            "a b:80",
            "a;b:80",
            "{a}:80",
            "a\n:80",
            "bücher:80",
            &format!("{}:80", "a".repeat(254)),
        ] {
            assert!(text.parse::<Upstream>().is_err(), "{text}");
        }
    }

    #[test]
    fn path_is_absolute_and_cannot_end_a_value() {
        for path in ["/etc/ssl/wiki.example.org_2026+a@b=c-d.pem", "/"] {
            assert_eq!(path.parse::<ConfigPath>().unwrap().to_string(), path);
        }
        for path in ["", "wiki.pem", "./a", "/a b", "/a;", "/a\"", "/a'", "/a{", "/$a", "/a#", "/a\n", "/a\\", "/é"] {
            assert!(path.parse::<ConfigPath>().is_err(), "{path}");
        }
    }

    #[test]
    fn haproxy_finds_a_key_only_at_the_certificate() {
        let belongs = |key: &str| key.parse::<ConfigPath>().unwrap().belongs_to(&"/a.pem".parse().unwrap());
        assert!(belongs("/a.pem") && belongs("/a.pem.key"));
        assert!(!belongs("/a.key") && !belongs("/b.pem.key"));
    }

    proptest! {
        #[test]
        fn accepted_values_hold_only_plain_characters(text in "[ -~\\n]{0,40}") {
            let is_plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.:[]/+@=".contains(&byte));
            prop_assert!(text.parse::<Upstream>().is_err() || is_plain);
            prop_assert!(text.parse::<ConfigPath>().is_err() || is_plain);
        }
    }
}
