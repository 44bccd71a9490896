//! Requests that go the way of a browser.

use std::{sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use ureq::{
    Agent,
    http::header::LOCATION,
    tls::{RootCerts, TlsConfig},
};

use crate::{
    clock::Clock,
    keys::Keys,
    random,
    web::probe::{self, Question},
};

/// How long the whole request may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The longest body that is read.
const MAX_BODY_BYTES: u64 = 16 << 10;
/// The address that every request claims in `X-Forwarded-For`, as a client could. No host has it (RFC 5737).
pub(super) const CLAIMED: &str = "192.0.2.1";

/// Ties an answer to its question, so that none from a cache is taken for one of the server.
pub(super) struct Nonce(String);

impl Nonce {
    pub(super) fn new() -> Self {
        Self(BASE64.encode(random::bytes::<16>()))
    }

    /// Returns the sealed question, which a header can carry.
    pub(super) fn question(&self, keys: &Keys, clock: &Clock) -> String {
        probe::seal(keys, &Question { nonce: self.0.clone(), asked_at: clock.now().as_millis() })
    }

    pub(super) fn is(&self, other: &str) -> bool {
        self.0 == other
    }
}

/// An answer.
pub(super) struct Response {
    pub(super) status: u16,
    /// The header `Location`; empty without one.
    pub(super) location: String,
    pub(super) body: String,
}

/// Sends a request that claims an address. Follows no redirect.
pub(super) fn get(url: &str, headers: &[(&str, &str)]) -> Result<Response, ureq::Error> {
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
    let request = agent.get(url).header("x-forwarded-for", CLAIMED);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let mut response = request.call()?;
    let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
    Ok(Response {
        status: response.status().as_u16(),
        location: location.to_owned(),
        body: response.body_mut().with_config().limit(MAX_BODY_BYTES).lossy_utf8(true).read_to_string()?,
    })
}
