//! Whether a request for the public URL reaches this instance, and what the reverse proxy makes of it.

use std::{sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use ureq::{
    Agent,
    tls::{RootCerts, TlsConfig},
};

use super::Finding;
use crate::{
    clock::Clock,
    config::{PublicUrl, Settings},
    keys::Keys,
    random,
    web::probe::{self, Answer, Question},
};

/// How long the whole request may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The longest body that is read.
const MAX_BODY_BYTES: u64 = 16 << 10;
/// The address that the request claims in `X-Forwarded-For`, as a client could. No host has it (RFC 5737).
const CLAIMED: &str = "192.0.2.1";
const FORWARDED_LINE: &str = "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; (nginx; Caddy does it)";

/// Sends a request through the public URL. Without `keys` there is none that the server could answer.
pub(super) fn check(settings: &Settings, keys: Option<&Keys>, clock: &Clock) -> Vec<Finding> {
    // Both are findings of other checks.
    let (Ok(public_url), Some(keys)) = (settings.public_url(settings.listen), keys) else { return Vec::new() };
    let nonce = BASE64.encode(random::bytes::<16>());
    let question = Question { nonce: nonce.clone(), asked_at: clock.now().as_millis() };
    let (status, body) = match request(&public_url, &probe::seal(keys, &question)) {
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
    match answer.filter(|answer| answer.nonce == nonce) {
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

/// Returns status and body of the answer.
fn request(public_url: &PublicUrl, question: &str) -> Result<(u16, String), ureq::Error> {
    let tls = TlsConfig::builder()
        // As browsers on this machine: also an authority that the administrator has installed.
        .root_certs(RootCerts::PlatformVerifier)
        .unversioned_rustls_crypto_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
        .build();
    let agent: Agent = Agent::config_builder()
        .tls_config(tls)
        .timeout_global(Some(TIMEOUT))
        .max_redirects(0)
        .http_status_as_error(false)
        .proxy(None)
        .build()
        .into();
    let url = format!("{}/healthz", public_url.origin());
    let mut response = agent.get(url).header(probe::HEADER, question).header("x-forwarded-for", CLAIMED).call()?;
    let body = response.body_mut().with_config().limit(MAX_BODY_BYTES).lossy_utf8(true).read_to_string()?;
    Ok((response.status().as_u16(), body))
}

fn assess(public_url: &PublicUrl, answer: &Answer) -> Vec<Finding> {
    vec![
        Finding::passed("public_url", format!("{public_url} reaches this instance")),
        host(public_url, answer),
        forwarded_for(public_url, answer),
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

/// The request has claimed an address. A proxy adds the address of its client behind it, or replaces it.
fn forwarded_for(public_url: &PublicUrl, answer: &Answer) -> Finding {
    const CHECK: &str = "trusted_proxies";
    let peer = answer.peer;
    let is_unchanged = answer.forwarded == [CLAIMED];
    match (answer.is_trusted_peer, answer.forwarded.last().map(String::as_str)) {
        (true, None | Some("")) => Finding::failed(
            CHECK,
            format!("the proxy at {peer} sends no X-Forwarded-For, so all clients share the limits of one address"),
            format!("let it add the address of its client: {FORWARDED_LINE}"),
        ),
        (true, Some(CLAIMED)) => Finding::failed(
            CHECK,
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
            let is_claimed = answer.client.to_string() == CLAIMED;
            let seen = if is_claimed { String::new() } else { format!(", for this machine {}", answer.client) };
            Finding::passed(CHECK, format!("{peer} is trusted and adds the address of its client{seen}"))
        }
        // The server itself has no TLS, so https means a proxy.
        (false, _) if is_unchanged && !public_url.is_https() => {
            Finding::passed(CHECK, "requests come without a proxy, and X-Forwarded-For is ignored")
        }
        (false, _) => Finding::failed(
            CHECK,
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

    fn outcome(public_url: &str, is_trusted_peer: bool, forwarded: &[&str]) -> bool {
        let answer = Answer {
            nonce: String::new(),
            host: "login.example".to_owned(),
            is_expected_host: true,
            peer: [10, 0, 0, 1].into(),
            is_trusted_peer,
            client: [10, 0, 0, 1].into(),
            forwarded: forwarded.iter().map(|entry| (*entry).to_owned()).collect(),
        };
        forwarded_for(&public_url.parse().unwrap(), &answer).ok
    }

    #[test]
    fn trusted_proxy_must_add_the_address_of_its_client() {
        for public_url in ["https://login.example", "http://login.example"] {
            assert!(outcome(public_url, true, &[CLAIMED, "198.51.100.7"]));
            assert!(outcome(public_url, true, &["198.51.100.7"]));
            assert!(!outcome(public_url, true, &[]));
            assert!(!outcome(public_url, true, &[CLAIMED]));
            assert!(!outcome(public_url, true, &["198.51.100.7", CLAIMED]));
        }
    }

    #[test]
    fn proxy_that_is_not_trusted_is_found() {
        for forwarded in [&[CLAIMED, "198.51.100.7"][..], &["198.51.100.7"], &[]] {
            assert!(!outcome("https://login.example", false, forwarded), "{forwarded:?}");
            assert!(!outcome("http://login.example", false, forwarded), "{forwarded:?}");
        }
        assert!(!outcome("https://login.example", false, &[CLAIMED]), "TLS ends at a proxy");
        assert!(outcome("http://login.example", false, &[CLAIMED]), "no proxy changes the header");
    }
}
