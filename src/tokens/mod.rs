//! Tokens that applications verify by themselves with the published keys: access tokens, which programs send to the
//! JSON API (RFC 9068), and assertions about people, which reverse proxies pass on. At the JSON API the session's row
//! decides, so a revoked session is refused on the next request.

mod assertion;
mod signing_keys;
mod store;

use std::{sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use jsonwebtoken::{Algorithm, Validation};
use memchr::memchr;
use serde::{Deserialize, Serialize};

pub use self::assertion::Assertions;
use self::signing_keys::{KeySet, SigningKeys};
use crate::{
    apps::AppId,
    client::Client,
    clock::Timestamp,
    config::{PublicUrl, Settings},
    core::Core,
    db,
    identity::{AccountId, Role},
    random,
    sessions::{Session, SessionId, Sessions, Token, TokenDigest, TokenStatus},
};

/// What a token is good for (RFC 9068, 2.2.3).
const SCOPE: &str = "user";
/// The value of `type` and `token_type`, by which libraries tell an access token from a refresh token.
const TYPE: &str = "access";

/// The claims. Those in the second half are for libraries: flask-jwt-extended reads `type` and `fresh`, simplejwt reads
/// `token_type` and `user_id`.
#[derive(Debug, Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: AccountId,
    sid: SessionId,
    jti: String,
    iat: i64,
    exp: i64,
    client_id: &'a str,
    scope: &'static str,
    /// A hint for applications. This server never reads it back.
    roles: &'a [Role],
    r#type: &'static str,
    token_type: &'static str,
    /// Whether the password was given for this token.
    fresh: bool,
    /// The id in the system that the account was imported from, or `sub`.
    user_id: String,
}

/// The claims that this server reads back.
#[derive(Debug, Deserialize)]
struct ReadClaims {
    sub: AccountId,
    sid: SessionId,
    iat: i64,
    exp: i64,
    r#type: String,
}

/// Issues and checks access tokens.
pub struct AccessTokens {
    sessions: Arc<Sessions>,
    core: Core,
    keys: Arc<SigningKeys>,
    validation: Validation,
    issuer: String,
    audience: String,
    lifetime: Duration,
}

impl AccessTokens {
    /// Returns the tokens of a server at `public_url`.
    #[must_use]
    pub fn new(settings: &Settings, public_url: &PublicUrl, core: Core, sessions: Arc<Sessions>) -> Self {
        let issuer = public_url.origin().to_owned();
        let audience = format!("{issuer}/api");
        let mut validation = Validation::new(Algorithm::ES256);
        validation.set_issuer(&[&issuer]);
        validation.set_audience(&[&audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // Checked against the injected clock, each time the token is sent.
        validation.validate_exp = false;
        Self {
            keys: Arc::new(SigningKeys::new(core.clone())),
            lifetime: settings.access_token_lifetime,
            sessions,
            core,
            validation,
            issuer,
            audience,
        }
    }

    /// Returns how long a new token is valid.
    #[must_use]
    pub fn lifetime(&self) -> Duration {
        self.lifetime
    }

    /// Returns a new id of a token (`jti`).
    #[must_use]
    pub fn new_id() -> String {
        BASE64.encode(random::bytes::<16>())
    }

    /// Issues a token for `session`. `fresh` means that the password was given for it.
    ///
    /// # Panics
    /// Panics if there is no key although one was just made.
    pub async fn issue(&self, session: &Session, fresh: bool) -> Result<String, db::Error> {
        let now = self.core.clock.now();
        let keys = self.keys.for_signing(now).await?;
        let key = keys.signer(now).expect("there is a key, or one was just made");
        let account = &session.account;
        let claims = Claims {
            iss: &self.issuer,
            aud: &self.audience,
            sub: account.id,
            sid: session.id,
            jti: Self::new_id(),
            iat: now.as_seconds(),
            exp: now.plus(self.lifetime).as_seconds(),
            client_id: session.application.as_ref().map_or(AppId::RESERVED, AppId::as_str),
            scope: SCOPE,
            roles: &account.roles,
            r#type: TYPE,
            token_type: TYPE,
            fresh,
            user_id: account.legacy_id.clone().unwrap_or_else(|| account.id.to_string()),
        };
        let text = jsonwebtoken::encode(&key.header, &claims, &key.signer);
        Ok(text.expect("strings, integers and booleans are JSON, and the key was parsed"))
    }

    /// Verifies a token and looks its session up. An error means that the database does not answer; the caller must
    /// refuse the request then.
    pub async fn check(&self, text: &[u8], client: &Client) -> Result<TokenStatus, db::Error> {
        let digest = TokenDigest::of_access_token(text);
        let verify = async || {
            // Boxed for the reason in `sessions/check.rs`.
            let keys = Box::pin(self.keys.current()).await?;
            Ok(self.read(&keys, text))
        };
        self.sessions.check_access_token(digest, verify, client).await
    }

    fn read(&self, keys: &KeySet, text: &[u8]) -> Option<Token> {
        let claims = self.decode(keys, text)?;
        let expires_at = Timestamp::from_seconds(claims.exp);
        Some(Token { session: claims.sid, account: claims.sub, expires_at })
    }

    fn decode(&self, keys: &KeySet, text: &[u8]) -> Option<ReadClaims> {
        let header = &text[..memchr(b'.', text)?];
        let key = keys.verifier(header)?;
        let claims: ReadClaims = jsonwebtoken::decode(text, &key.verifier, &self.validation).ok()?.claims;
        (claims.r#type == TYPE).then_some(claims)
    }

    /// Returns when a token was issued and when it expires, or `None` if this server did not issue it.
    pub async fn times(&self, text: &[u8]) -> Result<Option<(Timestamp, Timestamp)>, db::Error> {
        let keys = self.keys.current().await?;
        let claims = self.decode(&keys, text);
        Ok(claims.map(|claims| (Timestamp::from_seconds(claims.iat), Timestamp::from_seconds(claims.exp))))
    }

    /// Returns the public keys as JSON (RFC 7517, 5).
    pub async fn public_keys(&self) -> Result<String, db::Error> {
        Ok(self.keys.current().await?.json.clone())
    }

    /// Reads the signing keys again, and replaces them if it is time.
    pub async fn maintain_keys(&self) -> Result<(), db::Error> {
        self.keys.maintain().await.map(|_| ())
    }
}
