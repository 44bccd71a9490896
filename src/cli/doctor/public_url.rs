//! Whether a request for the public URL reaches this instance, and what the reverse proxy makes of it.

use super::{
    Finding,
    request::{self, CLAIMED, Nonce, Response},
};
use crate::{
    clock::Clock,
    config::{PublicUrl, Settings},
    keys::Keys,
    web::probe::{self, Addresses, Answer},
};

const FORWARDED_LINE: &str = "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; (nginx; Caddy does it)";

/// Sends a request through the public URL. Without `keys` there is none that the server could answer.
pub(super) fn check(settings: &Settings, keys: Option<&Keys>, clock: &Clock) -> Vec<Finding> {
    // Both are findings of other checks.
    let (Ok(public_url), Some(keys)) = (settings.public_url(settings.listen), keys) else { return Vec::new() };
    let nonce = Nonce::new();
    let question = nonce.question(keys, clock);
    let url = format!("{}/healthz", public_url.origin());
    let Response { status, body, .. } = match request::get(&url, &[(probe::HEADER, &question)]) {
        Ok(response) => response,
        Err(error) => {
            return vec![Finding::failed(
                "public_url",
                format!("{public_url} does not answer this machine: {error}. Browsers may not reach it either"),
                "start gatehouse serve and the reverse proxy; check the DNS name, the port, the firewall and the \
                 certificate",
            )];
        }
    };
    let answer: Option<Answer> = probe::open(keys, body.trim().as_bytes());
    match answer.filter(|answer| nonce.is(&answer.nonce)) {
        Some(answer) => assess(&public_url, &answer),
        None if status == 200 && body == "alive\n" => vec![Finding::failed(
            "public_url",
            format!(
                "{public_url} leads to a Gatehouse that does not have this secret. Sessions of one would be unknown \
                 to the other"
            ),
            "restart the server if the secret was rotated; give all servers the same secret; compare their clocks; \
             check where the reverse proxy sends requests",
        )],
        None => vec![Finding::failed(
            "public_url",
            format!("{public_url}/healthz answers {status}, and not as Gatehouse does. Browsers see another site"),
            "check where the reverse proxy sends requests; it must pass all paths, and no page may come before it",
        )],
    }
}

fn assess(public_url: &PublicUrl, answer: &Answer) -> Vec<Finding> {
    vec![
        Finding::passed("public_url", format!("{public_url} reaches this instance")),
        host(public_url, answer),
        // The server itself has no TLS, so https means a proxy.
        forwarded_for("trusted_proxies", &answer.addresses, public_url.is_https()),
    ]
}

fn host(public_url: &PublicUrl, answer: &Answer) -> Finding {
    if answer.is_expected_host {
        return Finding::passed("host_header", format!("the server sees the host {}", answer.host));
    }
    Finding::failed(
        "host_header",
        format!(
            "the server sees the host “{}” and not that of {public_url}, so it refuses every page with 421",
            answer.host.escape_debug()
        ),
        "let the reverse proxy pass the Host header of its clients: proxy_set_header Host $http_host; (nginx; Caddy \
         does it)",
    )
}

/// The request has claimed an address. A proxy adds the address of its client behind it, or replaces it. `is_proxied`
/// says that there must be a proxy.
pub(super) fn forwarded_for(check: &'static str, addresses: &Addresses, is_proxied: bool) -> Finding {
    let peer = addresses.peer;
    let is_unchanged = addresses.forwarded == [CLAIMED];
    match (addresses.is_trusted_peer, addresses.forwarded.last().map(String::as_str)) {
        (true, None | Some("")) => Finding::failed(
            check,
            format!("the proxy at {peer} sends no X-Forwarded-For, so all clients share the limits of one address"),
            format!("let it add the address of its client: {FORWARDED_LINE}"),
        ),
        (true, Some(CLAIMED)) => Finding::failed(
            check,
            format!(
                "{peer} is trusted, but passes the X-Forwarded-For of its clients unchanged: every client can claim \
                 any address and so has no limits"
            ),
            format!(
                "let the proxy add the address of its client: {FORWARDED_LINE} If there is no proxy at {peer}, remove \
                 it from GATEHOUSE_TRUSTED_PROXIES"
            ),
        ),
        (true, Some(_)) => {
            // Seen where this machine is a trusted proxy itself.
            let is_claimed = addresses.client.to_string() == CLAIMED;
            let seen = if is_claimed { String::new() } else { format!(", for this machine {}", addresses.client) };
            Finding::passed(check, format!("{peer} is trusted and adds the address of its client{seen}"))
        }
        (false, _) if is_unchanged && !is_proxied => {
            Finding::passed(check, "requests come without a proxy, and X-Forwarded-For is ignored")
        }
        (false, _) => Finding::failed(
            check,
            format!(
                "requests come from a proxy at {peer}, which is not trusted, so all clients share the limits of one \
                 address"
            ),
            format!("add {peer} to GATEHOUSE_TRUSTED_PROXIES and restart the server"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(is_https: bool, is_trusted_peer: bool, forwarded: &[&str]) -> bool {
        let addresses = Addresses {
            peer: [10, 0, 0, 1].into(),
            is_trusted_peer,
            client: [10, 0, 0, 1].into(),
            forwarded: forwarded.iter().map(|entry| (*entry).to_owned()).collect(),
        };
        forwarded_for("trusted_proxies", &addresses, is_https).ok
    }

    #[test]
    fn trusted_proxy_must_add_the_address_of_its_client() {
        for is_https in [true, false] {
            assert!(outcome(is_https, true, &[CLAIMED, "198.51.100.7"]));
            assert!(outcome(is_https, true, &["198.51.100.7"]));
            assert!(!outcome(is_https, true, &[]));
            assert!(!outcome(is_https, true, &[CLAIMED]));
            assert!(!outcome(is_https, true, &["198.51.100.7", CLAIMED]));
        }
    }

    #[test]
    fn proxy_that_is_not_trusted_is_found() {
        for forwarded in [&[CLAIMED, "198.51.100.7"][..], &["198.51.100.7"], &[]] {
            assert!(!outcome(true, false, forwarded), "{forwarded:?}");
            assert!(!outcome(false, false, forwarded), "{forwarded:?}");
        }
        assert!(!outcome(true, false, &[CLAIMED]), "TLS ends at a proxy");
        assert!(outcome(false, false, &[CLAIMED]), "no proxy changes the header");
    }
}
