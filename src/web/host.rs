//! The host that a request is for. A page of another site can let its name point to this machine (DNS rebinding) and
//! then reads answers as its own, so a request for a name that is not the public URL's is refused.

use actix_web::{
    dev::RequestHead,
    http::{Version, header::HOST, uri::Authority},
};
use url::Url;

use super::error::Problem;
use crate::config::PublicUrl;

/// Paths that take any host: health checks, which a load balancer sends to an address, and public keys, which
/// applications read over a network of their own.
const ANY_HOST: &[&str] = &["/healthz", "/readyz", "/.well-known/jwks.json"];

/// The hosts that the server answers for.
#[derive(Debug)]
pub(crate) struct ExpectedHost {
    /// As in the public URL, without a default port.
    name: String,
    /// With the port, which is optional if it is the default port.
    name_and_port: String,
    /// Whether any name and port of this machine will do.
    is_loopback: bool,
}

impl ExpectedHost {
    /// Returns the hosts of a public URL.
    #[must_use]
    pub(crate) fn new(public: &PublicUrl) -> Self {
        let url: &Url = public.url();
        let host = url.host_str().unwrap_or_default();
        let with = |port: Option<u16>| port.map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        Self {
            name: with(url.port()),
            name_and_port: with(url.port_or_known_default()),
            is_loopback: public.is_loopback(),
        }
    }

    /// Rejects a request for another host. The authority of an absolute request target replaces the `Host` header (RFC
    /// 9112, 3.2.2).
    pub(crate) fn check(&self, request: &RequestHead) -> Result<(), Problem> {
        if ANY_HOST.contains(&request.uri.path()) {
            return Ok(());
        }
        let host = Self::of(request)?;
        if self.accepts(host) { Ok(()) } else { Err(Problem::MisdirectedRequest) }
    }

    /// Returns the host that a request is for.
    pub(crate) fn of(request: &RequestHead) -> Result<&str, Problem> {
        let mut headers = request.headers.get_all(HOST);
        let header = match (headers.next(), headers.next()) {
            (Some(host), None) => host.to_str().map_err(|_| Problem::Malformed)?,
            (None, None) if request.version < Version::HTTP_11 => "",
            // RFC 9112, 3.2: exactly one.
            _ => return Err(Problem::Malformed),
        };
        Ok(request.uri.authority().map_or(header, Authority::as_str))
    }

    /// Whether the server answers for `host`.
    pub(crate) fn accepts(&self, host: &str) -> bool {
        host.eq_ignore_ascii_case(&self.name)
            || host.eq_ignore_ascii_case(&self.name_and_port)
            || (self.is_loopback && is_loopback(host))
    }
}

/// Whether a host with or without a port is this machine.
fn is_loopback(host: &str) -> bool {
    format!("http://{host}").parse().is_ok_and(|url: PublicUrl| url.is_loopback())
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;

    use super::*;

    fn expected(public: &str) -> ExpectedHost {
        ExpectedHost::new(&public.parse().unwrap())
    }

    #[test]
    fn host_is_compared_without_case_and_with_an_optional_default_port() {
        for (public, host, accepted) in [
            ("https://login.example", "login.example", true),
            ("https://login.example", "LOGIN.Example:443", true),
            ("https://login.example", "login.example:80", false),
            ("https://login.example", "login.example:8443", false),
            ("https://login.example", "login.example.", false),
            ("https://login.example", "login.example.evil.example", false),
            ("https://login.example", "evil.example", false),
            ("https://login.example", "u@login.example", false),
            ("https://login.example", "127.0.0.1", false),
            ("https://login.example", "localhost", false),
            ("https://login.example", "", false),
            ("https://login.example:8443", "login.example:8443", true),
            ("https://login.example:8443", "login.example", false),
            ("https://[2001:db8::1]", "[2001:DB8::1]:443", true),
            ("http://login.example", "login.example:80", true),
            ("http://login.example", "login.example:443", false),
        ] {
            assert_eq!(expected(public).accepts(host), accepted, "{public} {host}");
        }
    }

    #[test]
    fn loopback_public_url_accepts_any_name_and_port_of_this_machine() {
        for (host, accepted) in [
            ("localhost", true),
            ("LOCALHOST:3000", true),
            ("login.localhost:8080", true),
            ("127.0.0.1", true),
            ("127.8.9.10:1", true),
            ("[::1]:8080", true),
            ("evil.example", false),
            ("localhost.evil.example", false),
            ("127.0.0.1.evil.example:8080", false),
            ("evil.example/localhost", false),
            ("evil.example#localhost", false),
            ("evil.example@localhost", false),
            ("192.168.0.1", false),
            ("[::2]", false),
            ("", false),
        ] {
            assert_eq!(expected("http://127.0.0.1:8080").accepts(host), accepted, "{host}");
        }
    }

    #[test]
    fn absolute_request_target_replaces_the_host_header() {
        let check = |target: &str, hosts: &[&str]| {
            let mut head = RequestHead::default();
            head.uri = target.parse().unwrap();
            for host in hosts {
                head.headers.append(HOST, HeaderValue::from_str(host).unwrap());
            }
            expected("https://login.example").check(&head).map_err(Problem::status).map_err(|status| status.as_u16())
        };
        assert_eq!(check("/login", &["login.example"]), Ok(()));
        assert_eq!(check("/login", &["evil.example"]), Err(421));
        assert_eq!(check("/login", &["login.example", "login.example"]), Err(400));
        assert_eq!(check("/login", &[]), Err(400));
        assert_eq!(check("http://login.example/login", &["evil.example"]), Ok(()));
        assert_eq!(check("http://evil.example/login", &["login.example"]), Err(421));
        assert_eq!(check("/healthz", &["evil.example"]), Ok(()));
        assert_eq!(check("/healthz/", &["evil.example"]), Err(421));
    }
}
