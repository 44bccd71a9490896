//! Whether a token leads to an active session. Runs for every request of a signed-in browser or program.

use std::sync::Arc;

use super::{
    Session, Sessions,
    cache::Entry,
    last_seen::LastSeen,
    store,
    token::{InvalidToken, Token, TokenDigest, Tokens},
};
use crate::{client::Client, clock::Timestamp, db, events::EventKind};

/// What a token leads to.
#[derive(Debug)]
pub enum TokenStatus {
    /// An active session.
    Active(Arc<Session>),
    /// The token has expired.
    Expired,
    /// The session has ended.
    Ended,
    /// The token was not signed by this server, or is for another purpose.
    Invalid,
}

impl Sessions {
    /// Verifies the token of a browser and looks its session up. An error means that the database does not answer; the
    /// caller must refuse the request then.
    pub async fn check(&self, token: &[u8], client: &Client) -> Result<TokenStatus, db::Error> {
        let now = self.clock.now();
        match self.verify(token, now) {
            Ok((digest, known, token)) => self.look_up(digest, known, token, now, client).await,
            Err(InvalidToken) => Ok(self.refuse(client)),
        }
    }

    /// Looks the session of an access token up. `verify` returns the claims of a genuine token; it runs only for a
    /// token that was not verified a moment ago. Errors are those of [`Sessions::check`].
    pub async fn check_access_token(
        &self,
        digest: TokenDigest,
        verify: impl FnOnce() -> Option<Token>,
        client: &Client,
    ) -> Result<TokenStatus, db::Error> {
        let known = self.cache.get(&digest);
        match known.as_ref().map(|entry| entry.token).or_else(verify) {
            Some(token) => self.look_up(digest, known, token, self.clock.now(), client).await,
            None => Ok(self.refuse(client)),
        }
    }

    fn refuse(&self, client: &Client) -> TokenStatus {
        self.events.count(EventKind::TokenRefused, None, client);
        TokenStatus::Invalid
    }

    async fn look_up(
        &self,
        digest: TokenDigest,
        known: Option<Arc<Entry>>,
        token: Token,
        now: Timestamp,
        client: &Client,
    ) -> Result<TokenStatus, db::Error> {
        if token.is_expired(now) {
            return Ok(TokenStatus::Expired);
        }
        let Some(mut entry) = self.entry(digest, token, known, now).await? else {
            return Ok(TokenStatus::Ended);
        };
        if self.is_over(&entry, now) {
            // The cached row may be older than a use that another process has seen.
            self.cache.remove(&digest);
            match self.entry(digest, token, None, now).await? {
                Some(reloaded) => entry = reloaded,
                None => return Ok(TokenStatus::Ended),
            }
        }
        if entry.session.account.id != token.account {
            self.events.count(EventKind::TokenRefused, Some(token.account), client);
            return Ok(TokenStatus::Invalid);
        }
        let idle = self.lifetimes.of(entry.session.kind).idle;
        if self.is_over(&entry, now) {
            self.expire(Arc::clone(&entry.session), now.minus(idle), client).await?;
            return Ok(TokenStatus::Ended);
        }
        if entry.touch(now, LastSeen::interval(idle)) {
            self.last_seen.insert(token.session, now);
        }
        Ok(TokenStatus::Active(Arc::clone(&entry.session)))
    }

    fn is_over(&self, entry: &Entry, now: Timestamp) -> bool {
        let idle = self.lifetimes.of(entry.session.kind).idle;
        now >= entry.session.expires_at || now >= entry.last_seen().plus(idle)
    }

    /// Returns the token's digest, its cache entry, and its claims.
    fn verify(&self, text: &[u8], now: Timestamp) -> Result<(TokenDigest, Option<Arc<Entry>>, Token), InvalidToken> {
        let (digest, key) = Tokens::verify(&self.keys, text)?;
        let known = self.cache.get(&digest);
        let token = match &known {
            Some(entry) => entry.token,
            None => self.tokens.decode(key, text, now)?,
        };
        Ok((digest, known, token))
    }

    /// Returns the session's row: the cached one while it is fresh, else the database's.
    async fn entry(
        &self,
        digest: TokenDigest,
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
            self.cache.remove(&digest);
            return Ok(None);
        };
        // This process may know of a later use that it has not written yet.
        let buffered = self.last_seen.get(token.session);
        let last_seen = [buffered, known.map(|entry| entry.last_seen())].into_iter().flatten().fold(written, Ord::max);
        let entry = Arc::new(Entry::new(token, Arc::new(session), epoch, now).seen(last_seen, written));
        self.cache.insert(digest, Arc::clone(&entry));
        Ok(Some(entry))
    }
}
