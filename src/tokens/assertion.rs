//! What an application behind a reverse proxy is told about a person, signed: the proxy passes it on in the header
//! `X-Gatehouse-Jwt`. Unlike the other headers, it cannot be made by a client that reaches the application past the
//! proxy.

use std::{sync::Arc, time::Duration};

use jsonwebtoken::encode;
use serde::Serialize;

use super::{AccessTokens, signing_keys::SigningKeys};
use crate::{
    apps::AppId,
    clock::Clock,
    db,
    identity::{AccountId, Email, Role, Username},
    sessions::{Session, SessionId},
};

/// The type in the JWT header (RFC 8725, 3.11): no assertion is an access token, and none the other way round.
const TYPE: &str = "gatehouse-assertion+jwt";
/// How long an assertion is valid.
const LIFETIME: Duration = Duration::from_mins(5);
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

/// Signs the assertions.
pub struct Assertions {
    keys: Arc<SigningKeys>,
    issuer: String,
    clock: Clock,
}

impl Assertions {
    /// Returns assertions that are signed with the keys of `tokens`.
    #[must_use]
    pub fn new(tokens: &AccessTokens) -> Self {
        Self { keys: Arc::clone(&tokens.keys), issuer: tokens.issuer.clone(), clock: tokens.core.clock.clone() }
    }

    /// Returns an assertion about the owner of `session` for an application.
    ///
    /// # Panics
    /// Panics if there is no key although one was just made.
    pub async fn sign(&self, session: &Session, app: &AppId) -> Result<String, db::Error> {
        let now = self.clock.now();
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
