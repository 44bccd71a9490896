//! Session rows that were read a moment ago, so that each click of a person does not cost a query. Keyed by the
//! digest of the token that led to them, so that the token is not decoded each time either.
//!
//! A row is valid only while its account's epoch is the one that was current before the row was read, see
//! [`AccountEpochs`].

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use super::{Session, claim::Claim, token::TokenDigest};
use crate::{clock::Timestamp, identity::AccountId, transaction::AccountEpochs};

/// Up to a kilobyte each.
const MAX_ENTRIES: usize = 50_000;

pub(super) struct Cache {
    rows: quick_cache::sync::Cache<TokenDigest, Arc<Entry>>,
    epochs: Arc<AccountEpochs>,
    fresh_for: Duration,
}

/// A row, and what this process knows beyond it.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) claim: Claim,
    pub(super) session: Arc<Session>,
    epoch: u64,
    read_at: Timestamp,
    last_seen: AtomicI64,
    written: AtomicI64,
}

impl Entry {
    /// Returns a row that was read at `read_at`, after `epoch` was current.
    pub(super) fn new(claim: Claim, session: Arc<Session>, epoch: u64, read_at: Timestamp) -> Self {
        let now = read_at.as_millis();
        Self { claim, session, epoch, read_at, last_seen: AtomicI64::new(now), written: AtomicI64::new(now) }
    }

    /// Sets when the session was last used, as far as this process knows and as the database knows.
    pub(super) fn seen(self, last_seen: Timestamp, written: Timestamp) -> Self {
        Self { last_seen: AtomicI64::new(last_seen.as_millis()), written: AtomicI64::new(written.as_millis()), ..self }
    }

    pub(super) fn last_seen(&self) -> Timestamp {
        Timestamp::from_millis(self.last_seen.load(Ordering::Relaxed))
    }

    /// Records a use. Returns whether it has to be written to the database.
    pub(super) fn touch(&self, now: Timestamp, interval: Duration) -> bool {
        self.last_seen.fetch_max(now.as_millis(), Ordering::Relaxed);
        let written = self.written.load(Ordering::Relaxed);
        now.since(Timestamp::from_millis(written)) >= interval
            && self.written.compare_exchange(written, now.as_millis(), Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

impl Cache {
    pub(super) fn new(fresh_for: Duration, epochs: Arc<AccountEpochs>) -> Self {
        Self { rows: quick_cache::sync::Cache::new(MAX_ENTRIES), epochs, fresh_for }
    }

    /// Returns the row that a token led to, fresh or not.
    pub(super) fn get(&self, digest: &TokenDigest) -> Option<Arc<Entry>> {
        self.rows.get(digest)
    }

    /// Returns the current epoch of an account. Call it before its row is read.
    pub(super) fn epoch(&self, account: AccountId) -> u64 {
        self.epochs.current(account)
    }

    pub(super) fn is_fresh(&self, entry: &Entry, epoch: u64, now: Timestamp) -> bool {
        // After the clock was set back, no row is fresh.
        entry.epoch == epoch && entry.read_at <= now && now.since(entry.read_at) < self.fresh_for
    }

    pub(super) fn insert(&self, digest: TokenDigest, entry: Arc<Entry>) {
        self.rows.insert(digest, entry);
    }

    pub(super) fn remove(&self, digest: &TokenDigest) {
        self.rows.remove(digest);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::OnceLock;

    use super::*;
    use crate::{
        identity::{Account, Email, Username},
        sessions::{PreviousSignIn, SessionId, SessionKind, token::Token},
    };

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);
    const FRESH: Duration = Duration::from_mins(1);

    fn entry(token: Token, epoch: u64) -> Arc<Entry> {
        let account = Account {
            id: token.account,
            username: Username::parse("zoe").unwrap(),
            email: Email::parse("zoe@keepers.example").ok(),
            created_at: NOW,
            updated_at: NOW,
            legacy_id: None,
            language: None,
            roles: Vec::new(),
        };
        let session = Session {
            id: token.session,
            account,
            previous: PreviousSignIn::default(),
            authenticated_at: NOW,
            expires_at: NOW,
            kind: SessionKind::Browser,
            application: None,
            account_json: OnceLock::new(),
        };
        Arc::new(Entry::new(token.into(), Arc::new(session), epoch, NOW))
    }

    fn token() -> Token {
        Token { session: SessionId::new(), account: AccountId::new(), expires_at: NOW }
    }

    #[test]
    fn entry_read_before_invalidation_is_never_fresh_afterwards() {
        let epochs = Arc::new(AccountEpochs::default());
        let (cache, token, digest) = (Cache::new(FRESH, Arc::clone(&epochs)), token(), TokenDigest::default());
        let before = cache.epoch(token.account);
        // A request reads the row here; then the session ends; then the request caches the row.
        epochs.raise(token.account);
        cache.insert(digest, entry(token, before));
        let after = cache.epoch(token.account);
        assert!(!cache.is_fresh(&cache.get(&digest).unwrap(), after, NOW));
        cache.insert(digest, entry(token, after));
        assert!(cache.is_fresh(&cache.get(&digest).unwrap(), after, NOW));
    }

    #[test]
    fn entry_is_fresh_until_its_ttl_and_never_before_its_read_time() {
        let cache = Cache::new(FRESH, Arc::default());
        let entry = entry(token(), 0);
        assert!(cache.is_fresh(&entry, 0, NOW.plus(FRESH).minus(Duration::from_millis(1))));
        assert!(!cache.is_fresh(&entry, 0, NOW.plus(FRESH)));
        assert!(!cache.is_fresh(&entry, 0, NOW.minus(Duration::from_hours(1))), "the clock was set back");
        assert!(!Cache::new(Duration::ZERO, Arc::default()).is_fresh(&entry, 0, NOW));
    }
}
