//! What a server sees of a request that `gatehouse doctor` sends through the public URL.
//!
//! The question is a header of a request for `/healthz`, which takes any `Host`, so that a proxy that passes the wrong
//! one is found. Only a holder of the signing secret can ask, and the answer proves that the server has it too.

use std::{net::IpAddr, time::Duration};

use actix_web::{HttpRequest, http::header::HeaderName};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{client_ip, host::ExpectedHost, identity_headers::IDENTITY_HEADERS, state::AppState};
use crate::{
    apps::AppId,
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
    pub(crate) addresses: Addresses,
}

/// Where a request came from.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Addresses {
    /// The address that the connection came from: of the last proxy, if there is one.
    pub(crate) peer: IpAddr,
    /// Whether that address is in `GATEHOUSE_TRUSTED_PROXIES`.
    pub(crate) is_trusted_peer: bool,
    /// The address that the server takes for the client's.
    pub(crate) client: IpAddr,
    /// The entries of `X-Forwarded-For`, the client's first.
    pub(crate) forwarded: Vec<String>,
}

impl Addresses {
    fn of(request: &HttpRequest, state: &AppState) -> Option<Self> {
        let trusted = &state.settings.trusted_proxies;
        let peer = request.peer_addr()?.ip().to_canonical();
        Some(Self {
            peer,
            is_trusted_peer: trusted.iter().any(|network| network.contains(&peer)),
            client: client_ip::client(request.headers(), request.peer_addr(), trusted).address,
            forwarded: client_ip::forwarded(request.headers())
                .map(|entry| String::from_utf8_lossy(entry).trim().to_owned())
                .collect(),
        })
    }
}

/// What the server saw of a request that went through the proxy of an application.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct AppAnswer {
    pub(crate) nonce: String,
    /// The id of the application.
    pub(crate) app: String,
    /// The identity headers that the client sent and the proxy passed on, as they are spelled.
    pub(crate) identity_headers: Vec<String>,
    pub(crate) addresses: Addresses,
}

/// Returns the sealed answer to the question in `request`, or `None` if it has no valid one. The request came to the
/// host of an application.
pub(crate) fn app_answer(request: &HttpRequest, state: &AppState, app: &AppId) -> Option<String> {
    let question = question(request, state)?;
    let names = request.headers().keys().map(HeaderName::as_str);
    let answer = AppAnswer {
        nonce: question.nonce,
        app: app.to_string(),
        identity_headers: names.filter(|name| is_identity_header(name)).map(str::to_owned).collect(),
        addresses: Addresses::of(request, state)?,
    };
    Some(seal(&state.core.keys, &answer))
}

/// Whether an application may take a header for one that says who a person is: WSGI, CGI and PHP fold hyphens,
/// underscores and dots into one letter.
fn is_identity_header(name: &str) -> bool {
    let name = name.replace(['_', '.'], "-").to_ascii_lowercase();
    IDENTITY_HEADERS.contains(&name.as_str())
}

/// Returns the question in `request` if it is valid and recent.
fn question(request: &HttpRequest, state: &AppState) -> Option<Question> {
    let question: Question = open(&state.core.keys, request.headers().get(HEADER)?.as_bytes())?;
    let (asked_at, now) = (Timestamp::from_millis(question.asked_at), state.core.clock.now());
    (now.since(asked_at).max(asked_at.since(now)) <= VALID_FOR).then_some(question)
}

/// Returns the sealed answer to the question in `request`, or `None` if it has no valid one.
pub(crate) fn answer(request: &HttpRequest, state: &AppState) -> Option<String> {
    let question = question(request, state)?;
    let host = ExpectedHost::of(request.head()).unwrap_or_default();
    let answer = Answer {
        nonce: question.nonce,
        is_expected_host: state.host.accepts(host),
        host: host.to_owned(),
        addresses: Addresses::of(request, state)?,
    };
    Some(seal(&state.core.keys, &answer))
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
