//! Events that anybody can cause without limit, counted in memory between two writes.

use std::collections::{HashMap, hash_map::Entry};

use parking_lot::Mutex;

use super::{EventKind, Recorded, store};
use crate::{
    client::{Client, Network},
    clock::{Clock, Timestamp},
    db::{self, Database},
    identity::AccountId,
    request_id::{self, RequestId},
};

/// Networks and accounts that are counted separately between two writes; beyond it they share one row for each kind.
/// Bounds memory under an attack from many networks.
const MAX_KEYS: usize = 1000;
/// Rows of one transaction.
const BATCH: usize = 200;

type Key = (EventKind, Network, Option<AccountId>);

/// The first event of its key, and how many there were.
#[derive(Debug, Clone)]
struct Pending {
    client: Client,
    request: Option<RequestId>,
    at: Timestamp,
    occurrences: i32,
}

#[derive(Debug)]
pub(super) struct Buffer {
    clock: Clock,
    pending: Mutex<HashMap<Key, Pending>>,
    flushing: tokio::sync::Mutex<()>,
}

impl Buffer {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, pending: Mutex::default(), flushing: tokio::sync::Mutex::default() }
    }

    pub(super) fn count(&self, kind: EventKind, account: Option<AccountId>, client: &Client) {
        let mut pending = self.pending.lock();
        let mut key = (kind, client.network(), account);
        if pending.len() >= MAX_KEYS && !pending.contains_key(&key) {
            key = (kind, Network::NONE, None);
        }
        match pending.entry(key) {
            Entry::Occupied(mut known) => {
                let known = known.get_mut();
                known.occurrences = known.occurrences.saturating_add(1);
            }
            Entry::Vacant(vacant) => {
                let (request, at) = (request_id::current(), self.clock.now());
                vacant.insert(Pending { client: client.clone(), request, at, occurrences: 1 });
            }
        }
    }

    pub(super) fn discard_account(&self, account: AccountId) {
        self.pending.lock().retain(|(_, _, of), _| *of != Some(account));
    }

    pub(super) async fn flush(&self, database: &Database) -> Result<(), db::Error> {
        // One at a time, so that everything counted before the call is written when it returns.
        let _flushing = self.flushing.lock().await;
        loop {
            let batch: Vec<(Key, Pending)> =
                self.pending.lock().iter().take(BATCH).map(|(key, pending)| (*key, pending.clone())).collect();
            if batch.is_empty() {
                return Ok(());
            }
            let rows = batch.clone();
            database
                .write(move |conn| {
                    rows.iter().try_for_each(|(key, pending)| {
                        let insert = || store::insert(conn, recorded(key, pending), &pending.client, pending.at);
                        request_id::sync_scope(pending.request, insert)
                    })
                })
                .await?;
            let mut pending = self.pending.lock();
            for (key, written) in batch {
                request_id::sync_scope(written.request, || recorded(&key, &written).log());
                // Events that were counted during the write stay for the next round.
                if let Entry::Occupied(mut known) = pending.entry(key) {
                    if known.get().occurrences == written.occurrences {
                        known.remove();
                    } else {
                        known.get_mut().occurrences -= written.occurrences;
                    }
                }
            }
        }
    }
}

fn recorded((kind, _, account): &Key, pending: &Pending) -> Recorded {
    Recorded { kind: *kind, account: *account, occurrences: pending.occurrences }
}
