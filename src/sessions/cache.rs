//! Rows that were read a moment ago, so that a person who clicks about does not cost a query each time; under the signature
//! of the token that led to them, so that it is not taken apart each time either.
//!
//! A session that this process ends must be refused by its very next request, also when another request is reading the
//! row at that moment and would put it back. Therefore each account belongs to one of a few thousand epochs, a counter:
//! who reads a row notes the epoch *before* the query, who ends a session raises it *after* the commit, and a row counts
//! only while its epoch is the present one. So a row read before the end can never be taken for one read after it, and
//! ending all sessions of an account is one addition.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

use uuid::Uuid;

use super::{
    Session,
    token::{Signature, Token},
};
use crate::clock::Timestamp;

/// Rows kept at most, about half a kilobyte each.
const ROWS: u64 = 50_000;
/// Accounts share epochs when there are more of them; then a sign-out makes a few neighbours ask the database once.
const EPOCHS: usize = 4096;

pub(super) struct Cache {
    rows: moka::sync::Cache<Signature, Arc<Entry>>,
    epochs: Box<[AtomicU64]>,
    fresh: Duration,
}

/// A row and what the process knows beyond it.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) token: Token,
    pub(super) session: Arc<Session>,
    epoch: u64,
    read_at: Timestamp,
    last_seen: AtomicI64,
    written: AtomicI64,
}

impl Entry {
    pub(super) fn new(
        token: Token,
        session: Arc<Session>,
        epoch: u64,
        read_at: Timestamp,
        last_seen: Timestamp,
        written: Timestamp,
    ) -> Self {
        Self {
            token,
            session,
            epoch,
            read_at,
            last_seen: AtomicI64::new(last_seen.as_millis()),
            written: AtomicI64::new(written.as_millis()),
        }
    }

    pub(super) fn last_seen(&self) -> Timestamp {
        Timestamp::from_millis(self.last_seen.load(Ordering::Relaxed))
    }

    /// Notes a use; tells whether it is time to write it down.
    pub(super) fn see(&self, now: Timestamp, every: Duration) -> bool {
        self.last_seen.fetch_max(now.as_millis(), Ordering::Relaxed);
        let written = self.written.load(Ordering::Relaxed);
        now.since(Timestamp::from_millis(written)) >= every
            && self.written.compare_exchange(written, now.as_millis(), Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

impl Cache {
    pub(super) fn new(fresh: Duration) -> Self {
        Self { rows: moka::sync::Cache::new(ROWS), epochs: (0..EPOCHS).map(|_| AtomicU64::new(0)).collect(), fresh }
    }

    fn counter(&self, account: Uuid) -> &AtomicU64 {
        // The last bytes of a UUIDv7 are random, the first are the time.
        let [.., high, low] = *account.as_bytes();
        &self.epochs[usize::from(u16::from_be_bytes([high, low])) % EPOCHS]
    }

    /// The row that a token led to, fresh or not.
    pub(super) fn look(&self, signature: &Signature) -> Option<Arc<Entry>> {
        self.rows.get(signature)
    }

    /// The present epoch of an account, to be asked for before its row is.
    pub(super) fn epoch(&self, account: Uuid) -> u64 {
        self.counter(account).load(Ordering::SeqCst)
    }

    pub(super) fn is_fresh(&self, entry: &Entry, epoch: u64, now: Timestamp) -> bool {
        // A clock that was set back makes nothing fresh.
        entry.epoch == epoch && entry.read_at <= now && now.since(entry.read_at) < self.fresh
    }

    pub(super) fn keep(&self, signature: Signature, entry: Arc<Entry>) {
        self.rows.insert(signature, entry);
    }

    pub(super) fn remove(&self, signature: &Signature) {
        self.rows.invalidate(signature);
    }

    pub(super) fn forget(&self, account: Uuid) {
        self.counter(account).fetch_add(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sessions::{Owner, SessionId};

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);
    const FRESH: Duration = Duration::from_mins(1);

    fn entry(token: Token, epoch: u64) -> Arc<Entry> {
        let owner = Owner { id: token.account, username: String::new(), email: String::new(), created_at: NOW };
        let session = Session {
            id: token.session,
            owner,
            previously: crate::sessions::Previously::default(),
            authenticated_at: NOW,
            expires_at: NOW,
            remembered: false,
        };
        Arc::new(Entry::new(token, Arc::new(session), epoch, NOW, NOW, NOW))
    }

    fn token() -> Token {
        Token { session: SessionId::new(), account: Uuid::now_v7(), expires_at: NOW }
    }

    #[test]
    fn entry_read_before_invalidation_is_never_fresh_afterwards() {
        let (cache, token, signature) = (Cache::new(FRESH), token(), Signature::default());
        let before = cache.epoch(token.account);
        // Somebody reads the row here; then the session ends; then the reader puts the row away.
        cache.forget(token.account);
        cache.keep(signature, entry(token, before));
        let after = cache.epoch(token.account);
        assert!(!cache.is_fresh(&cache.look(&signature).unwrap(), after, NOW));
        cache.keep(signature, entry(token, after));
        assert!(cache.is_fresh(&cache.look(&signature).unwrap(), after, NOW));
    }

    #[test]
    fn entry_is_fresh_until_its_ttl_and_never_before_its_read_time() {
        let cache = Cache::new(FRESH);
        let entry = entry(token(), 0);
        assert!(cache.is_fresh(&entry, 0, NOW.plus(FRESH).minus(Duration::from_millis(1))));
        assert!(!cache.is_fresh(&entry, 0, NOW.plus(FRESH)));
        assert!(!cache.is_fresh(&entry, 0, NOW.minus(Duration::from_hours(1))), "a clock that was set back");
        assert!(!Cache::new(Duration::ZERO).is_fresh(&entry, 0, NOW));
    }
}
