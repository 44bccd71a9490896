//! What a server sees of a request that `gatehouse doctor` sends through the public URL.
//!
//! The question is a header of a request for `/healthz`, which takes any `Host`, so that a proxy that passes the wrong
//! one is found. Only a holder of the signing secret can ask, and the answer proves that the server has it too.

use std::{net::IpAddr, time::Duration};

use actix_web::HttpRequest;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{client_ip, host::ExpectedHost, state::AppState};
use crate::{
    clock::Timestamp,
    keys::{Keys, Purpose},
};

/// The header with the question.
pub(crate) const HEADER: &str = "gatehouse-doctor";
/// How long a question may be answered; also how far two clocks may differ.
const VALID_FOR: Duration = Duration::from_mins(1);

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Question {
    /// Ties the answer to the question.
    pub(crate) nonce: String,
    /// Milliseconds since 1970-01-01 UTC.
    pub(crate) asked_at: i64,
}

/// What the server saw.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Answer {
    pub(crate) nonce: String,
    /// The host that the request was for.
    pub(crate) host: String,
    /// Whether pages answer for this host.
    pub(crate) is_expected_host: bool,
    /// The address that the connection came from: of the last proxy, if there is one.
    pub(crate) peer: IpAddr,
    /// Whether that address is in `GATEHOUSE_TRUSTED_PROXIES`.
    pub(crate) is_trusted_peer: bool,
    /// The address that the server takes for the client's.
    pub(crate) client: IpAddr,
    /// The entries of `X-Forwarded-For`, the client's first.
    pub(crate) forwarded: Vec<String>,
}

/// Returns the sealed answer to the question in `request`, or `None` if it has no valid one.
pub(crate) fn answer(request: &HttpRequest, state: &AppState) -> Option<String> {
    let keys = &state.core.keys;
    let question: Question = open(keys, request.headers().get(HEADER)?.as_bytes())?;
    let (asked_at, now) = (Timestamp::from_millis(question.asked_at), state.core.clock.now());
    if now.since(asked_at).max(asked_at.since(now)) > VALID_FOR {
        return None;
    }
    let host = ExpectedHost::of(request.head()).unwrap_or_default();
    let trusted = &state.settings.trusted_proxies;
    let peer = request.peer_addr()?.ip().to_canonical();
    let answer = Answer {
        nonce: question.nonce,
        is_expected_host: state.host.accepts(host),
        host: host.to_owned(),
        peer,
        is_trusted_peer: trusted.iter().any(|network| network.contains(&peer)),
        client: client_ip::client(request.headers(), request.peer_addr(), trusted).address,
        forwarded: client_ip::forwarded(request.headers())
            .map(|entry| String::from_utf8_lossy(entry).trim().to_owned())
            .collect(),
    };
    Some(seal(keys, &answer))
}

/// Returns `message` in sealed form, which a header can carry.
pub(crate) fn seal(keys: &Keys, message: &impl Serialize) -> String {
    let json = serde_json::to_vec(message).expect("the messages have only strings as keys");
    keys.seal(Purpose::Doctor, &json)
}

/// Returns a message that [`seal`] sealed with the same secret.
pub(crate) fn open<T: DeserializeOwned>(keys: &Keys, sealed: &[u8]) -> Option<T> {
    serde_json::from_slice(&keys.open(Purpose::Doctor, sealed)?).ok()
}
