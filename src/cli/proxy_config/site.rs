//! What the templates are filled with. Every value is plain: none can end the text in which a template puts it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use url::Host;

use super::values::{ConfigPath, Upstream};
use crate::{
    apps::App,
    config::{ConfigError, PublicUrl},
};

/// The headers that say who a person is, as applications read them.
const IDENTITY_HEADERS: [&str; 5] = ["Remote-User", "Remote-Name", "Remote-Email", "Remote-Groups", "X-Gatehouse-Jwt"];
/// The headers in which a client could claim to come from a proxy, and which no template sets.
const OTHER_FORWARDED_HEADERS: [&str; 6] =
    ["Forwarded", "X-Forwarded-Prefix", "X-Forwarded-Port", "X-Real-Ip", "X-Original-Url", "X-Rewrite-Url"];
/// The letters that WSGI, CGI and PHP take for a hyphen in the name of a header.
const FOLDED: [char; 3] = ['-', '_', '.'];

/// An application and its surroundings.
pub(super) struct Site {
    /// The id of the application.
    pub(super) app: String,
    /// Its id in names that may have no hyphen.
    pub(super) name: String,
    pub(super) origin: String,
    /// The host of the origin. An IPv6 address has brackets.
    pub(super) host: String,
    /// Host and port as browsers send them.
    pub(super) authority: String,
    pub(super) port: u16,
    pub(super) is_https: bool,
    /// The address to listen on. `None` stands for all.
    pub(super) listen_on: Option<IpAddr>,
    /// Where Gatehouse listens.
    pub(super) gatehouse: SocketAddr,
    /// Where the application listens.
    pub(super) upstream: Upstream,
    pub(super) tls: Option<Tls>,
    pub(super) identity_headers: [&'static str; 5],
    /// The other names under which an application may find the identity headers.
    pub(super) aliases: Vec<String>,
    pub(super) other_forwarded_headers: [&'static str; 6],
}

/// The files for TLS.
pub(super) struct Tls {
    pub(super) certificate: ConfigPath,
    pub(super) key: ConfigPath,
}

impl Site {
    /// Fails if the application has no origin, or if the port of Gatehouse is not known.
    pub(super) fn new(
        app: &App,
        upstream: Upstream,
        tls: Option<Tls>,
        listen: SocketAddr,
    ) -> Result<Self, Box<dyn std::error::Error>> {
        let id = app.id.to_string();
        let Some(public) = &app.url else {
            let how = format!("gatehouse app set {id} --url https://{id}.example.org");
            return Err(format!("{id} has no origin that a proxy could serve; set one: {how}").into());
        };
        if listen.port() == 0 {
            return Err(ConfigError::new("GATEHOUSE_LISTEN", "must name the port that the proxy is to ask").into());
        }
        let url = public.url();
        let host = url.host_str().unwrap_or_default().to_owned();
        Ok(Self {
            name: id.replace('-', "_"),
            app: id,
            origin: public.origin().to_owned(),
            authority: url.port().map_or_else(|| host.clone(), |port| format!("{host}:{port}")),
            host,
            port: url.port_or_known_default().unwrap_or_default(),
            is_https: public.is_https(),
            listen_on: loopback_address(public),
            gatehouse: SocketAddr::new(reachable(listen.ip()), listen.port()),
            upstream,
            tls,
            identity_headers: IDENTITY_HEADERS,
            aliases: IDENTITY_HEADERS.into_iter().flat_map(|name| spellings(name).into_iter().skip(1)).collect(),
            other_forwarded_headers: OTHER_FORWARDED_HEADERS,
        })
    }

    /// Returns the scheme of the origin.
    pub(super) fn scheme(&self) -> &'static str {
        if self.is_https { "https" } else { "http" }
    }
}

/// Returns all spellings of a header, its own first.
fn spellings(header: &str) -> Vec<String> {
    let mut words = header.split('-');
    let first = vec![words.next().unwrap_or_default().to_owned()];
    words.fold(first, |heads, word| {
        heads.iter().flat_map(|head| FOLDED.map(|letter| format!("{head}{letter}{word}"))).collect()
    })
}

/// Returns the loopback address to listen on if only this machine can reach the origin.
fn loopback_address(url: &PublicUrl) -> Option<IpAddr> {
    url.is_loopback().then(|| match url.url().host() {
        Some(Host::Ipv4(address)) => address.into(),
        Some(Host::Ipv6(address)) => address.into(),
        _ => Ipv4Addr::LOCALHOST.into(),
    })
}

/// Returns the address at which this machine reaches a server that listens on `address`.
fn reachable(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(address) if address.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(address) if address.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::identity_headers;

    #[test]
    fn every_folded_spelling_of_a_header_is_known() {
        assert_eq!(spellings("Remote-User"), ["Remote-User", "Remote_User", "Remote.User"]);
        let spellings = spellings("X-Gatehouse-Jwt");
        assert_eq!(spellings.len(), 9);
        for name in ["X_Gatehouse_Jwt", "X.Gatehouse.Jwt", "X-Gatehouse_Jwt", "X.Gatehouse-Jwt"] {
            assert!(spellings.iter().any(|spelling| spelling == name), "{name}");
        }
    }

    #[test]
    fn identity_headers_are_those_that_the_doctor_looks_for() {
        assert_eq!(IDENTITY_HEADERS.map(str::to_lowercase), identity_headers::IDENTITY_HEADERS);
    }

    #[test]
    fn server_on_all_addresses_is_asked_at_loopback() {
        for (listen, asked) in [("0.0.0.0", "127.0.0.1"), ("::", "::1"), ("10.0.0.7", "10.0.0.7")] {
            assert_eq!(reachable(listen.parse().unwrap()), asked.parse::<IpAddr>().unwrap());
        }
    }
}
