//! Attempts that were refused, counted in memory between two writes.

use std::{
    collections::{HashMap, hash_map::Entry},
    time::Duration,
};

use parking_lot::Mutex;

use super::{EventId, EventKind, Recorded, store};
use crate::{
    client::{Client, Network},
    clock::{Clock, Timestamp},
    db::{self, Database},
    identity::AccountId,
    request_id::{self, RequestId},
};

/// Networks and accounts that this process counts separately in one hour; beyond it they share one row for each kind.
/// Bounds memory, and the disk to some 50 MB a day, under an attack from many networks or at many accounts.
const MAX_KEYS: usize = 10_000;
/// Rows of one transaction.
const BATCH: usize = 200;
/// For how long all events of a key share one row.
const HOUR: Duration = Duration::from_hours(1);

type Key = (EventKind, Network, Option<AccountId>);

/// Events of one row that are not written yet, and the first of them.
#[derive(Debug, Clone)]
struct Pending {
    event: Recorded,
    client: Client,
    request: Option<RequestId>,
    at: Timestamp,
}

#[derive(Debug)]
pub(super) struct Buffer {
    clock: Clock,
    counted: Mutex<Counted>,
    flushing: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Counted {
    pending: HashMap<EventId, Pending>,
    /// The rows of the current hour, and when it began.
    rows: HashMap<Key, EventId>,
    hour: Timestamp,
}

impl Counted {
    /// Returns the row in which an event is counted, its network and its account: none in a row that many share.
    fn row(&mut self, now: Timestamp, (kind, network, account): Key) -> (EventId, Network, Option<AccountId>) {
        // Also after the clock was set back.
        if now < self.hour || now.since(self.hour) >= HOUR {
            self.hour = now;
            self.rows.clear();
        }
        let key = if self.rows.len() < MAX_KEYS || self.rows.contains_key(&(kind, network, account)) {
            (kind, network, account)
        } else {
            (kind, Network::NONE, None)
        };
        (*self.rows.entry(key).or_insert_with(EventId::new), key.1, key.2)
    }
}

impl Buffer {
    pub(super) fn new(clock: Clock) -> Self {
        Self { clock, counted: Mutex::default(), flushing: tokio::sync::Mutex::default() }
    }

    pub(super) fn count(&self, kind: EventKind, account: Option<AccountId>, client: &Client) {
        let now = self.clock.now();
        let mut counted = self.counted.lock();
        let (row, network, account) = counted.row(now, (kind, client.network(), account));
        let pending = counted.pending.entry(row).or_insert_with(|| Pending {
            event: Recorded { kind, account, occurrences: 0, actor: None },
            client: if network == client.network() { client.clone() } else { Client::anonymous() },
            request: request_id::current(),
            at: now,
        });
        pending.event.occurrences = pending.event.occurrences.saturating_add(1);
    }

    pub(super) fn discard_account(&self, account: AccountId) {
        self.counted.lock().pending.retain(|_, pending| pending.event.account != Some(account));
    }

    pub(super) async fn flush(&self, database: &Database) -> Result<(), db::Error> {
        // One at a time, so that everything counted before the call is written when it returns.
        let _flushing = self.flushing.lock().await;
        loop {
            let mut batch: Vec<(EventId, Pending)> =
                self.counted.lock().pending.iter().take(BATCH).map(|(id, pending)| (*id, pending.clone())).collect();
            // Accounts are locked in one order, so that two processes do not wait for each other.
            batch.sort_by_key(|(_, pending)| pending.event.account.map(|account| *account.as_bytes()));
            if batch.is_empty() {
                return Ok(());
            }
            let rows = batch.clone();
            database
                .write(move |conn| {
                    rows.iter().try_for_each(|(id, pending)| {
                        let add = || store::add(conn, *id, pending.event, &pending.client, pending.at);
                        request_id::sync_scope(pending.request, add)
                    })
                })
                .await?;
            let mut counted = self.counted.lock();
            for (id, written) in batch {
                request_id::sync_scope(written.request, || written.event.log());
                // Events that were counted during the write stay for the next round.
                if let Entry::Occupied(mut known) = counted.pending.entry(id) {
                    if known.get().event.occurrences == written.event.occurrences {
                        known.remove();
                    } else {
                        known.get_mut().event.occurrences -= written.event.occurrences;
                    }
                }
            }
        }
    }
}
