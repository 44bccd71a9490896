//! Whether a token leads to an active session. Runs for every request of a signed-in browser or program.

use std::sync::Arc;

use super::{
    Session, Sessions,
    cache::Entry,
    claim::Claim,
    last_seen::LastSeen,
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
            Ok((digest, known, claim)) => self.look_up(digest, known, claim, now, client).await,
            Err(InvalidToken) => Ok(self.refuse(client)),
        }
    }

    /// Looks the session of an access token up. `verify` returns the claims of a genuine token; it runs only for a
    /// token that was not verified a moment ago. Errors are those of [`Sessions::check`].
    pub async fn check_access_token(
        &self,
        digest: TokenDigest,
        verify: impl AsyncFnOnce() -> Result<Option<Token>, db::Error>,
        client: &Client,
    ) -> Result<TokenStatus, db::Error> {
        self.check_claim(digest, async || Ok(verify().await?.map(Claim::from)), client).await
    }

    /// Looks the session of a claim up. `verify` runs only for a claim that was not verified a moment ago.
    pub(super) async fn check_claim(
        &self,
        digest: TokenDigest,
        verify: impl AsyncFnOnce() -> Result<Option<Claim>, db::Error>,
        client: &Client,
    ) -> Result<TokenStatus, db::Error> {
        let known = self.cache.get(&digest);
        let claim = match &known {
            Some(entry) => Some(entry.claim),
            None => verify().await?,
        };
        match claim {
            Some(claim) => self.look_up(digest, known, claim, self.clock.now(), client).await,
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
        claim: Claim,
        now: Timestamp,
        client: &Client,
    ) -> Result<TokenStatus, db::Error> {
        if claim.is_expired(now) {
            return Ok(TokenStatus::Expired);
        }
        let Some(mut entry) = self.entry(digest, claim, known, now).await? else {
            return Ok(TokenStatus::Ended);
        };
        if self.is_over(&entry, now) {
            // The cached row may be older than a use that another process has seen.
            self.cache.remove(&digest);
            match self.entry(digest, claim, None, now).await? {
                Some(reloaded) => entry = reloaded,
                None => return Ok(TokenStatus::Ended),
            }
        }
        if entry.session.account.id != claim.account {
            self.events.count(EventKind::TokenRefused, Some(claim.account), client);
            return Ok(TokenStatus::Invalid);
        }
        let idle = self.lifetimes.of(entry.session.kind).idle;
        if self.is_over(&entry, now) {
            Box::pin(self.expire(Arc::clone(&entry.session), now.minus(idle), client)).await?;
            return Ok(TokenStatus::Ended);
        }
        if entry.touch(now, LastSeen::interval(idle)) {
            self.last_seen.insert(entry.session.id, now);
        }
        Ok(TokenStatus::Active(Arc::clone(&entry.session)))
    }

    fn is_over(&self, entry: &Entry, now: Timestamp) -> bool {
        let idle = self.lifetimes.of(entry.session.kind).idle;
        now >= entry.session.expires_at || now >= entry.last_seen().plus(idle)
    }

    /// Returns the token's digest, its cache entry, and what it claims.
    fn verify(&self, text: &[u8], now: Timestamp) -> Result<(TokenDigest, Option<Arc<Entry>>, Claim), InvalidToken> {
        let (digest, key) = Tokens::verify(&self.keys, text)?;
        let known = self.cache.get(&digest);
        let claim = match &known {
            Some(entry) => entry.claim,
            None => self.tokens.decode(key, text, now)?.into(),
        };
        Ok((digest, known, claim))
    }

    /// Returns the session's row: the cached one while it is fresh, else the database's.
    async fn entry(
        &self,
        digest: TokenDigest,
        claim: Claim,
        known: Option<Arc<Entry>>,
        now: Timestamp,
    ) -> Result<Option<Arc<Entry>>, db::Error> {
        let epoch = self.cache.epoch(claim.account);
        if let Some(entry) = &known
            && self.cache.is_fresh(entry, epoch, now)
        {
            return Ok(known);
        }
        // Boxed like other rare steps: with them, the future of a request has more than the 1,032 bytes that malloc of
        // glibc can allocate quickly.
        let loaded = Box::pin(self.database.read(move |conn| claim.load(conn))).await?;
        let Some((session, written)) = loaded else {
            self.cache.remove(&digest);
            return Ok(None);
        };
        // This process may know of a later use that it has not written yet.
        let buffered = self.last_seen.get(session.id);
        let last_seen = [buffered, known.map(|entry| entry.last_seen())].into_iter().flatten().fold(written, Ord::max);
        let entry = Arc::new(Entry::new(claim, Arc::new(session), epoch, now).seen(last_seen, written));
        self.cache.insert(digest, Arc::clone(&entry));
        Ok(Some(entry))
    }
}
