//! `GATEHOUSE_PUBLIC_URL` and the URLs of applications: origins that users see.

use std::{fmt, str::FromStr};

use url::{Host, Url};

/// The most bytes of a name in the DNS (RFC 1035, 2.3.4), without the dot at its end.
const MAX_HOST_BYTES: usize = 253;

/// An origin: scheme, host and port, without path, query or user name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl {
    url: Url,
    /// As browsers write it. Kept, because each request of a reverse proxy needs it.
    origin: String,
}

impl FromStr for PublicUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let url = Url::parse(text).map_err(|error| format!("is not a URL: {error}"))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err("must begin with https:// (or http://) and a host".to_owned());
        }
        if !url.host().is_some_and(|host| is_plain(&host)) {
            return Err("must have a host of at most 253 letters, digits, hyphens, underscores and dots".to_owned());
        }
        let is_origin = url.path() == "/"
            && url.query().is_none()
            && url.fragment().is_none()
            && url.username().is_empty()
            && url.password().is_none();
        if !is_origin {
            return Err(
                "must be an origin only, without path, query or user name, for example https://login.example.org"
                    .to_owned(),
            );
        }
        Ok(Self { origin: url.origin().ascii_serialization(), url })
    }
}

/// Whether a host is an address or a name that is fit for the DNS. A URL may have others, such as `*.example.org` or
/// `a;b`: the first looks like a pattern, and the second would end a value in the configuration of a proxy.
fn is_plain(host: &Host<&str>) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    match host {
        Host::Domain(name) => name.len() <= MAX_HOST_BYTES && name.bytes().all(is_allowed),
        Host::Ipv4(_) | Host::Ipv6(_) => true,
    }
}

impl fmt::Display for PublicUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.origin)
    }
}

impl PublicUrl {
    /// Returns the origin as browsers write it in the `Origin` header (RFC 6454, 6.2).
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Returns the origin as a base for links.
    #[must_use]
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// Whether browsers connect with TLS.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.url.scheme() == "https"
    }

    /// Whether both have the same host, on any port.
    #[must_use]
    pub fn has_host_of(&self, other: &Self) -> bool {
        self.url.host() == other.url.host()
    }

    /// Whether the host is a loopback address, `localhost` or a name below it (RFC 6761, 6.3).
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        match self.url.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_url_accepts_only_an_origin() {
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
            "https://*.example.org",
            "https://a;b.example.org",
            "https://a\"b.example.org",
            "https://{a}.example.org",
            "https://$a.example.org",
            &format!("https://{}.org", "a.".repeat(125)),
        ] {
            assert!(text.parse::<PublicUrl>().is_err(), "{text}");
        }
    }

    #[test]
    fn equal_origins_have_one_spelling() {
        for (text, origin) in [
            ("https://Bücher.example:443", "https://xn--bcher-kva.example"),
            ("HTTP://WIKI.example:80/", "http://wiki.example"),
            ("http://[::1]:8080", "http://[::1]:8080"),
            ("http://127.1", "http://127.0.0.1"),
        ] {
            assert_eq!(text.parse::<PublicUrl>().unwrap().origin(), origin);
        }
    }

    #[test]
    fn host_is_compared_without_case_scheme_and_port() {
        let url = |text: &str| text.parse::<PublicUrl>().unwrap();
        let wiki = url("https://wiki.example.org");
        for (other, is_same) in [
            ("http://WIKI.example.org:8443", true),
            ("https://example.org", false),
            ("https://a.wiki.example.org", false),
            ("https://wiki.example.org.evil.example", false),
        ] {
            assert_eq!(wiki.has_host_of(&url(other)), is_same, "{other}");
        }
        assert!(url("http://[::1]:80").has_host_of(&url("http://[0:0::1]:81")));
    }

    #[test]
    fn public_url_recognizes_loopback_hosts() {
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
}
