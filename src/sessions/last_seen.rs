//! Last uses of sessions that are in memory and not yet in the database.

use std::{collections::HashMap, time::Duration};

use parking_lot::Mutex;

use super::{BATCH, SessionId, store};
use crate::{
    clock::Timestamp,
    db::{self, Database},
};

/// How often the last use of a session is written at most. More often where the idle time is so short that another
/// process would notice.
const INTERVAL: Duration = Duration::from_mins(1);

#[derive(Debug, Default)]
pub(super) struct LastSeen(Mutex<HashMap<SessionId, Timestamp>>);

impl LastSeen {
    /// Returns how often a session with this idle time is written.
    pub(super) fn interval(idle: Duration) -> Duration {
        INTERVAL.min(idle / 4)
    }

    pub(super) fn insert(&self, session: SessionId, at: Timestamp) {
        self.0.lock().insert(session, at);
    }

    pub(super) fn get(&self, session: SessionId) -> Option<Timestamp> {
        self.0.lock().get(&session).copied()
    }

    pub(super) async fn flush(&self, database: &Database) -> Result<(), db::Error> {
        loop {
            let batch: Vec<_> = self.0.lock().iter().take(BATCH).map(|(id, at)| (*id, *at)).collect();
            if batch.is_empty() {
                return Ok(());
            }
            let rows = batch.clone();
            database.write(move |conn| store::update_last_seen(conn, &rows)).await?;
            let mut last_seen = self.0.lock();
            for (id, at) in batch {
                // A use during the write stays for the next round.
                if last_seen.get(&id) == Some(&at) {
                    last_seen.remove(&id);
                }
            }
        }
    }
}
