//! The headers that tell an application behind a reverse proxy who a person is: four in plain text, and an assertion
//! that a client which reaches the application past the proxy cannot make.

use std::{sync::Arc, time::Duration};

use actix_web::{
    HttpResponse,
    http::{
        StatusCode,
        header::{HeaderName, HeaderValue},
    },
};
use quick_cache::sync::Cache;

use super::error::Problem;
use crate::{
    apps::AppId,
    clock::{Clock, Timestamp},
    identity::{Email, Role},
    sessions::{Session, SessionId},
    tokens::Assertions,
};

/// Their names.
pub(crate) const IDENTITY_HEADERS: [&str; 5] =
    ["remote-user", "remote-name", "remote-email", "remote-groups", "x-gatehouse-jwt"];
const NAMES: [HeaderName; 5] = [
    HeaderName::from_static(IDENTITY_HEADERS[0]),
    HeaderName::from_static(IDENTITY_HEADERS[1]),
    HeaderName::from_static(IDENTITY_HEADERS[2]),
    HeaderName::from_static(IDENTITY_HEADERS[3]),
    HeaderName::from_static(IDENTITY_HEADERS[4]),
];

/// How long they are used again for the same person at the same application.
const REUSED_FOR: Duration = Duration::from_mins(1);
/// About a kilobyte each.
const MAX_ENTRIES: usize = 20_000;

/// Makes the headers.
pub(crate) struct IdentityHeaders {
    assertions: Assertions,
    clock: Clock,
    recent: Cache<(SessionId, AppId), Arc<Recent>>,
}

/// Headers, and what they say.
struct Recent {
    session: Arc<Session>,
    made_at: Timestamp,
    values: [HeaderValue; 5],
}

impl Recent {
    fn is_current(&self, session: &Arc<Session>, now: Timestamp) -> bool {
        let is_same = Arc::ptr_eq(&self.session, session) || self.session.account == session.account;
        is_same && self.made_at <= now && now.since(self.made_at) < REUSED_FOR
    }
}

impl IdentityHeaders {
    /// Returns headers with these assertions.
    #[must_use]
    pub(crate) fn new(assertions: Assertions, clock: Clock) -> Self {
        Self { assertions, clock, recent: Cache::new(MAX_ENTRIES) }
    }

    /// Returns the response that lets the owner of `session` pass to an application. It has always all headers: for one
    /// that is missing, some proxies pass on what the client sent. Signs an assertion once a minute, and again after
    /// something that the headers say has changed.
    pub(crate) async fn response(&self, session: &Arc<Session>, app: &AppId) -> Result<HttpResponse, Problem> {
        let (key, now) = ((session.id, app.clone()), self.clock.now());
        let recent = if let Some(recent) = self.recent.get(&key).filter(|recent| recent.is_current(session, now)) {
            recent
        } else {
            // Boxed for the reason in `sessions/check.rs`.
            let assertion = Box::pin(self.assertions.sign(session, app)).await?;
            let values = values(session, &assertion)?;
            let recent = Arc::new(Recent { session: Arc::clone(session), made_at: now, values });
            self.recent.insert(key, Arc::clone(&recent));
            recent
        };
        let mut response = HttpResponse::new(StatusCode::OK);
        for (name, value) in NAMES.into_iter().zip(&recent.values) {
            response.headers_mut().append(name, value.clone());
        }
        Ok(response)
    }
}

fn values(session: &Session, assertion: &str) -> Result<[HeaderValue; 5], Problem> {
    let account = &session.account;
    let roles: Vec<_> = account.roles.iter().map(Role::as_str).collect();
    let value = |text: &str| {
        // Letters beyond ASCII reach applications in different encodings, or not at all.
        let text = if text.is_ascii() { text } else { "" };
        HeaderValue::from_str(text).map_err(|_| Problem::Internal)
    };
    Ok([
        value(account.username.as_str())?,
        value(account.username.as_str())?,
        value(account.email.as_ref().map_or("", Email::as_str))?,
        value(&roles.join(","))?,
        value(assertion)?,
    ])
}
