//! Whether a token leads to an active session. Runs for every request of a signed-in browser.

use std::sync::Arc;

use super::{
    Session, Sessions,
    cache::Entry,
    last_seen::LastSeen,
    store,
    token::{InvalidToken, Signature, Token, Tokens},
};
use crate::{client::Client, clock::Timestamp, db, events::EventKind};

/// What a token leads to.
#[derive(Debug)]
pub enum TokenStatus {
    /// An active session.
    Active(Arc<Session>),
    /// A session that has ended.
    Expired,
    /// The token was not signed by this server, or is not a session token.
    Invalid,
}

impl Sessions {
    /// Verifies `token` and looks its session up. An error means that the database does not answer; the caller must
    /// refuse the request then.
    pub async fn check(&self, token: &[u8], client: &Client) -> Result<TokenStatus, db::Error> {
        let now = self.clock.now();
        let Ok((signature, known, token)) = self.verify(token, now) else {
            self.events.count(EventKind::TokenRefused, None, client);
            return Ok(TokenStatus::Invalid);
        };
        if token.is_expired(now) {
            return Ok(TokenStatus::Expired);
        }
        let Some(mut entry) = self.entry(signature, token, known, now).await? else {
            return Ok(TokenStatus::Expired);
        };
        if self.is_over(&entry, now) {
            // The cached row may be older than a use that another process has seen.
            self.cache.remove(&signature);
            match self.entry(signature, token, None, now).await? {
                Some(reloaded) => entry = reloaded,
                None => return Ok(TokenStatus::Expired),
            }
        }
        if entry.session.account.id != token.account {
            self.events.count(EventKind::TokenRefused, Some(token.account), client);
            return Ok(TokenStatus::Invalid);
        }
        let idle = self.limits(entry.session.remembered).idle;
        if self.is_over(&entry, now) {
            self.expire(Arc::clone(&entry.session), now.minus(idle), client).await?;
            return Ok(TokenStatus::Expired);
        }
        if entry.touch(now, LastSeen::interval(idle)) {
            self.last_seen.insert(token.session, now);
        }
        Ok(TokenStatus::Active(Arc::clone(&entry.session)))
    }

    fn is_over(&self, entry: &Entry, now: Timestamp) -> bool {
        let idle = self.limits(entry.session.remembered).idle;
        now >= entry.session.expires_at || now >= entry.last_seen().plus(idle)
    }

    /// Returns the token's signature, its cache entry, and its claims.
    fn verify(&self, text: &[u8], now: Timestamp) -> Result<(Signature, Option<Arc<Entry>>, Token), InvalidToken> {
        let (signature, key) = Tokens::verify(&self.keys, text)?;
        let known = self.cache.get(&signature);
        let token = match &known {
            Some(entry) => entry.token,
            None => self.tokens.decode(key, text, now)?,
        };
        Ok((signature, known, token))
    }

    /// Returns the session's row: the cached one while it is fresh, else the database's.
    async fn entry(
        &self,
        signature: Signature,
        token: Token,
        known: Option<Arc<Entry>>,
        now: Timestamp,
    ) -> Result<Option<Arc<Entry>>, db::Error> {
        let epoch = self.cache.epoch(token.account);
        if let Some(entry) = &known
            && self.cache.is_fresh(entry, epoch, now)
        {
            return Ok(known);
        }
        let loaded = self.database.read(move |conn| store::load(conn, token.session)).await?;
        let Some((session, written)) = loaded else {
            self.cache.remove(&signature);
            return Ok(None);
        };
        // This process may know of a later use that it has not written yet.
        let buffered = self.last_seen.get(token.session);
        let last_seen = [buffered, known.map(|entry| entry.last_seen())].into_iter().flatten().fold(written, Ord::max);
        let entry = Arc::new(Entry::new(token, Arc::new(session), epoch, now).seen(last_seen, written));
        self.cache.insert(signature, Arc::clone(&entry));
        Ok(Some(entry))
    }
}
