//! Refresh tokens: each is good once and is replaced by its successor, so a copy that is used later is noticed and ends
//! the session (RFC 9700, 4.14.2).
//!
//! A token names its session and its generation, and carries a tag that only this server can compute. The row holds the
//! current generation, so the successor of a token is computed and not stored: two requests that use one token at once
//! get the same successor, within `GATEHOUSE_REFRESH_GRACE`. Without that, a page open in two tabs signs its owner out.

mod store;

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};

use super::{Session, SessionId, Sessions, store as session_store};
use crate::{
    client::Client,
    clock::Timestamp,
    db,
    events::EventKind,
    keys::{Keys, Purpose},
    transaction::Transaction,
};

/// Tells a refresh token from other text, also to programs that look for leaked secrets.
pub const PREFIX: &str = "ghr_";
/// Bytes of the session id, the generation and the tag.
const LENGTHS: (usize, usize, usize) = (16, 4, 32);

/// What a refresh token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Claims {
    session: SessionId,
    generation: i32,
}

impl Claims {
    fn message(self) -> Vec<u8> {
        [&self.session.as_bytes()[..], &self.generation.to_be_bytes()].concat()
    }

    fn sign(self, keys: &Keys) -> String {
        let message = self.message();
        let tag = keys.tag(Purpose::RefreshToken, &message);
        format!("{PREFIX}{}", BASE64.encode([&message[..], &tag].concat()))
    }

    /// Returns the claims of `text` if this server has signed it.
    fn verify(keys: &Keys, text: &str) -> Option<Self> {
        let bytes = BASE64.decode(text.strip_prefix(PREFIX)?).ok()?;
        let (id, generation, tag) = LENGTHS;
        if bytes.len() != id + generation + tag {
            return None;
        }
        let (message, tag) = bytes.split_at(id + generation);
        let (session, generation) = message.split_at(id);
        let token = Self {
            session: SessionId::from(<[u8; 16]>::try_from(session).ok()?),
            generation: i32::from_be_bytes(generation.try_into().ok()?),
        };
        keys.verifies(Purpose::RefreshToken, message, tag).then_some(token)
    }
}

/// The refresh token of a session.
pub struct RefreshToken {
    /// The token itself.
    pub text: String,
    /// When it expires if it is not used.
    pub expires_at: Timestamp,
}

/// A session whose refresh token was replaced.
pub struct Refreshed {
    /// The session.
    pub session: Session,
    /// The successor.
    pub refresh_token: RefreshToken,
}

/// Why a refresh token was refused.
#[derive(Debug, thiserror::Error)]
pub enum RefreshError {
    /// It was not signed by this server, or is no refresh token.
    #[error("the refresh token is invalid")]
    Invalid,
    /// It was not used for too long, or the session has reached its lifetime.
    #[error("the refresh token has expired")]
    Expired,
    /// The session has ended, or ends now, because the token was used before.
    #[error("the session of the refresh token has ended")]
    Ended,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] db::Error),
}

impl Sessions {
    /// Returns the current refresh token of a program's session that was just created.
    #[must_use]
    pub fn refresh_token(&self, session: &Session) -> RefreshToken {
        self.refresh_token_of(session, 0)
    }

    fn refresh_token_of(&self, session: &Session, generation: i32) -> RefreshToken {
        let idle = self.lifetimes.of(session.kind).idle;
        RefreshToken {
            text: Claims { session: session.id, generation }.sign(&self.keys),
            expires_at: session.expires_at.min(self.clock.now().plus(idle)),
        }
    }

    /// Replaces a refresh token. A token that was replaced before gets the same successor again within the grace, for
    /// two requests at once; later it ends the session, because one of the two uses is that of a stolen copy.
    pub async fn refresh(&self, text: &str, client: &Client) -> Result<Refreshed, RefreshError> {
        let token = self.verify_refresh_token(text, client)?;
        let (grace, idle) = (self.refresh_grace, self.lifetimes.of(super::SessionKind::Api).idle);
        // This process may know of a later use that it has not written yet.
        let buffered = self.last_seen.get(token.session);
        let outcome = self
            .transactions
            .run(client, move |tx| Ok::<_, db::Error>(rotate(tx, token, Limits { grace, idle, buffered })?))
            .await?;
        let (session, generation) = outcome?;
        Ok(Refreshed { refresh_token: self.refresh_token_of(&session, generation), session })
    }

    /// Returns the session of a refresh token, of whatever generation, or `None` if it has ended. For signing out.
    pub async fn of_refresh_token(&self, text: &str, client: &Client) -> Result<Option<Session>, RefreshError> {
        let token = self.verify_refresh_token(text, client)?;
        Ok(self.find(token.session).await?)
    }

    fn verify_refresh_token(&self, text: &str, client: &Client) -> Result<Claims, RefreshError> {
        Claims::verify(&self.keys, text).ok_or_else(|| {
            self.events.count(EventKind::TokenRefused, None, client);
            RefreshError::Invalid
        })
    }
}

/// What decides whether a token is good, beside the row.
#[derive(Clone, Copy)]
struct Limits {
    grace: Duration,
    idle: Duration,
    buffered: Option<Timestamp>,
}

/// A session and the new generation of its refresh token.
type Rotated = Result<(Session, i32), RefreshError>;

/// Replaces a refresh token. The inner error is a refusal, after which the transaction is committed.
fn rotate(tx: &mut Transaction<'_>, token: Claims, limits: Limits) -> db::QueryResult<Rotated> {
    // The account first, as in every transaction that locks both.
    let Some(account) = store::owner(tx.conn, token.session)? else { return Ok(Err(RefreshError::Ended)) };
    if !tx.lock_account(account)? {
        return Ok(Err(RefreshError::Ended));
    }
    let Some(row) = store::lock(tx, token.session)? else { return Ok(Err(RefreshError::Ended)) };
    let Some((session, _)) = session_store::load(tx.conn, token.session)? else {
        return Ok(Err(RefreshError::Ended));
    };
    let last_seen = limits.buffered.map_or(row.last_seen_at, |at| at.max(row.last_seen_at));
    if tx.now >= row.expires_at || tx.now >= last_seen.plus(limits.idle) {
        return Ok(Err(RefreshError::Expired));
    }
    if store::rotate(tx, token.session, token.generation)? {
        return Ok(Ok((session, token.generation + 1)));
    }
    if token.generation > row.generation {
        // Only a database that was restored from a backup knows less than the token.
        return Ok(Err(RefreshError::Ended));
    }
    let in_grace = row.refreshed_at.is_some_and(|at| tx.now.since(at) < limits.grace);
    if token.generation + 1 == row.generation && in_grace {
        return Ok(Ok((session, row.generation)));
    }
    session_store::delete(tx, row.account_id, token.session)?;
    tx.record(EventKind::RefreshTokenReused, row.account_id)?;
    Ok(Err(RefreshError::Ended))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn any_changed_byte_makes_a_refresh_token_invalid() {
        let keys = Keys::for_tests();
        let token = Claims { session: SessionId::new(), generation: 7 };
        let text = token.sign(&keys);
        assert_eq!(Claims::verify(&keys, &text), Some(token));
        for position in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[position] = if changed[position] == b'A' { b'B' } else { b'A' };
            assert_eq!(Claims::verify(&keys, std::str::from_utf8(&changed).unwrap()), None, "byte {position}");
            assert_eq!(Claims::verify(&keys, &text[..position]), None, "cut at {position}");
        }
        assert_eq!(Claims::verify(&keys, &format!("{text}A")), None);
    }

    proptest! {
        #[test]
        fn arbitrary_text_is_no_refresh_token(text in ".{0,100}") {
            prop_assert_eq!(Claims::verify(&Keys::for_tests(), &text), None);
            let text = format!("{PREFIX}{text}");
            prop_assert_eq!(Claims::verify(&Keys::for_tests(), &text), None);
        }
    }
}
