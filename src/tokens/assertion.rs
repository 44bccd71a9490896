//! What an application behind a reverse proxy is told about a person, signed: the proxy passes it on in the header
//! `X-Gatehouse-Jwt`. Unlike the other headers, it cannot be made by a client that reaches the application past the
//! proxy.

use std::{sync::Arc, time::Duration};

use jsonwebtoken::encode;
use serde::Serialize;

use super::{AccessTokens, signing_keys::SigningKeys};
use crate::{
    apps::AppId,
    clock::{Clock, Timestamp},
    db,
    identity::{AccountId, Email, Role, Username},
    sessions::{Session, SessionId},
};

/// The type in the JWT header (RFC 8725, 3.11): no assertion is an access token, and none the other way round.
const TYPE: &str = "gatehouse-assertion+jwt";
/// How long an assertion is valid.
const LIFETIME: Duration = Duration::from_mins(5);
/// How long an assertion is used again for the same person at the same application.
const REUSED_FOR: Duration = Duration::from_mins(1);
/// About a kilobyte each.
const MAX_ENTRIES: u64 = 20_000;

#[derive(Debug, Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: AccountId,
    sid: SessionId,
    preferred_username: &'a Username,
    email: Option<&'a Email>,
    groups: &'a [Role],
    iat: i64,
    exp: i64,
    jti: String,
}

/// Makes the assertions.
pub struct Assertions {
    keys: Arc<SigningKeys>,
    issuer: String,
    clock: Clock,
    recent: moka::sync::Cache<(SessionId, AppId), Arc<Recent>>,
}

/// An assertion, and what it says.
struct Recent {
    session: Arc<Session>,
    issued_at: Timestamp,
    text: String,
}

/// An assertion as text.
pub struct Assertion(Arc<Recent>);

impl Assertion {
    /// Returns the JWT.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0.text
    }
}

impl Assertions {
    /// Returns assertions that are signed with the keys of `tokens`.
    #[must_use]
    pub fn new(tokens: &AccessTokens) -> Self {
        Self {
            keys: Arc::clone(&tokens.keys),
            issuer: tokens.issuer.clone(),
            clock: tokens.core.clock.clone(),
            recent: moka::sync::Cache::new(MAX_ENTRIES),
        }
    }

    /// Returns an assertion about the owner of `session` for an application. Signs once a minute, and again after
    /// something that it says has changed.
    ///
    /// # Panics
    /// Panics if there is no key although one was just made.
    pub async fn of(&self, session: &Arc<Session>, app: &AppId) -> Result<Assertion, db::Error> {
        let (key, now) = ((session.id, app.clone()), self.clock.now());
        let is_current = |recent: &Arc<Recent>| {
            let is_same = Arc::ptr_eq(&recent.session, session) || recent.session.account == session.account;
            is_same && recent.issued_at <= now && now.since(recent.issued_at) < REUSED_FOR
        };
        if let Some(recent) = self.recent.get(&key).filter(is_current) {
            return Ok(Assertion(recent));
        }
        let text = self.sign(session, app, now).await?;
        let recent = Arc::new(Recent { session: Arc::clone(session), issued_at: now, text });
        self.recent.insert(key, Arc::clone(&recent));
        Ok(Assertion(recent))
    }

    async fn sign(&self, session: &Session, app: &AppId, now: Timestamp) -> Result<String, db::Error> {
        let keys = self.keys.for_signing(now).await?;
        let key = keys.signer(now).expect("there is a key, or one was just made");
        let mut header = key.header.clone();
        header.typ = Some(TYPE.to_owned());
        let account = &session.account;
        let claims = Claims {
            iss: &self.issuer,
            aud: app.as_str(),
            sub: account.id,
            sid: session.id,
            preferred_username: &account.username,
            email: account.email.as_ref(),
            groups: &account.roles,
            iat: now.as_seconds(),
            exp: now.plus(LIFETIME).as_seconds(),
            jti: AccessTokens::new_id(),
        };
        Ok(encode(&header, &claims, &key.signer).expect("strings and integers are JSON, and the key was parsed"))
    }
}
