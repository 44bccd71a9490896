//! The client of a request: address and browser. Never `connection_info()`, which trusts any client; a forwarded
//! address is trusted only from a proxy that the operator named.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{Arc, Once},
};

use actix_web::http::header::{self, HeaderMap, HeaderName};
use ipnet::IpNet;
use tracing::warn;

use crate::client::Client;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// Addresses that a chain of trusted proxies may have at most.
const MAX_HOPS: usize = 16;
/// The length of the database column, in characters.
const MAX_USER_AGENT: usize = 255;

/// Once, because every client can send the header.
static WARN_OF_UNTRUSTED_PROXY: Once = Once::new();

/// Returns the client of a request from `peer` with `headers`.
#[must_use]
pub(crate) fn client(headers: &HeaderMap, peer: Option<SocketAddr>, trusted: &[IpNet]) -> Client {
    let peer = peer.map_or(IpAddr::from([0, 0, 0, 0]), |peer| peer.ip().to_canonical());
    Client { address: address(headers, peer, trusted), user_agent: user_agent(headers) }
}

/// Each proxy appends the address it saw, so the client is the first address from the right that is not a trusted
/// proxy. If an entry is not an address, or there are too many, the peer is the client: there is always a client, so
/// limits always apply (authentik's CVE-2024-47070 skipped its check instead).
fn address(headers: &HeaderMap, peer: IpAddr, trusted: &[IpNet]) -> IpAddr {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
    if !is_trusted(&peer) {
        if headers.contains_key(FORWARDED_FOR) {
            WARN_OF_UNTRUSTED_PROXY.call_once(|| {
                warn!(
                    "X-Forwarded-For from an address outside GATEHOUSE_TRUSTED_PROXIES was ignored; if your reverse \
                     proxy sent it, add the proxy's address, or all its clients share one limit"
                );
            });
        }
        return peer;
    }
    let hops: Vec<&[u8]> = forwarded(headers).collect();
    let mut nearest = peer;
    for (number, hop) in hops.iter().rev().enumerate() {
        let Some(address) = parse(hop).filter(|_| number < MAX_HOPS) else {
            return peer;
        };
        nearest = address;
        if !is_trusted(&address) {
            break;
        }
    }
    nearest
}

/// Returns the entries of all `X-Forwarded-For` headers, as they were sent.
pub(crate) fn forwarded(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    headers.get_all(FORWARDED_FOR).flat_map(|header| header.as_bytes().split(|byte| *byte == b','))
}

/// Parses an address, also with a port, as some proxies write it.
fn parse(hop: &[u8]) -> Option<IpAddr> {
    let text = str::from_utf8(hop).ok()?.trim_matches([' ', '\t']);
    text.parse::<IpAddr>()
        .or_else(|_| text.parse::<SocketAddr>().map(|address| address.ip()))
        .ok()
        .map(|address| address.to_canonical())
}

fn user_agent(headers: &HeaderMap) -> Arc<str> {
    let bytes = headers.get(header::USER_AGENT).map_or(&b""[..], |value| value.as_bytes());
    if bytes.len() <= MAX_USER_AGENT
        && let Ok(text) = str::from_utf8(bytes)
        && text.is_ascii()
        && !text.contains(|letter: char| letter.is_ascii_control())
    {
        return text.into();
    }
    String::from_utf8_lossy(&bytes[..bytes.len().min(4 * MAX_USER_AGENT)])
        .chars()
        .filter(|letter| !letter.is_control())
        .take(MAX_USER_AGENT)
        .collect::<String>()
        .into()
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn seen(forwarded: &[&str], peer: &str) -> String {
        let trusted: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap(), "::1/128".parse().unwrap()];
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(FORWARDED_FOR, HeaderValue::from_str(value).unwrap());
        }
        client(&headers, Some(SocketAddr::new(peer.parse().unwrap(), 1)), &trusted).address.to_string()
    }

    #[test]
    fn forwarded_header_from_untrusted_peer_is_ignored() {
        assert_eq!(seen(&["198.51.100.7"], "192.0.2.1"), "192.0.2.1");
    }

    #[test]
    fn forwarded_addresses_are_read_from_right_to_left() {
        assert_eq!(seen(&["198.51.100.7"], "10.0.0.1"), "198.51.100.7");
        assert_eq!(seen(&["203.0.113.9, 198.51.100.7"], "10.0.0.1"), "198.51.100.7");
        assert_eq!(seen(&["203.0.113.9, 198.51.100.7, 10.0.0.2"], "10.0.0.1"), "198.51.100.7");
        assert_eq!(seen(&["203.0.113.9", "198.51.100.7"], "::1"), "198.51.100.7");
        assert_eq!(seen(&["198.51.100.7:4711"], "10.0.0.1"), "198.51.100.7");
        assert_eq!(seen(&["[2001:db8::7]:4711"], "10.0.0.1"), "2001:db8::7");
        assert_eq!(seen(&["::ffff:198.51.100.7"], "10.0.0.1"), "198.51.100.7");
        assert_eq!(seen(&["10.0.0.3, 10.0.0.2"], "10.0.0.1"), "10.0.0.3");
    }

    #[test]
    fn invalid_forwarded_address_falls_back_to_the_peer() {
        for nonsense in ["", "a", "unknown", "fe80::1%eth0", "198.51.100.7, unknown", "_hidden", "1.2.3", ","] {
            assert_eq!(seen(&[nonsense], "10.0.0.1"), "10.0.0.1", "{nonsense:?}");
        }
        assert_eq!(seen(&["10.0.0.9,".repeat(300).as_str()], "10.0.0.1"), "10.0.0.1");
        assert_eq!(seen(&[], "10.0.0.1"), "10.0.0.1");
    }

    proptest! {
        #[test]
        fn untrusted_peer_is_always_the_client(forwarded in "[ -~]{0,100}") {
            prop_assert_eq!(seen(&[&forwarded], "192.0.2.1"), "192.0.2.1");
        }

        #[test]
        fn address_appended_by_trusted_proxy_wins_over_client_input(forwarded in "[ -~]{0,100}") {
            let header = format!("{forwarded}, 198.51.100.7");
            prop_assert_eq!(seen(&[&header], "10.0.0.1"), "198.51.100.7");
        }
    }
}
