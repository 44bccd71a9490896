//! What runs in the background while the server runs: writing what is in memory, and deleting what has expired.

use std::time::Duration;

use actix_web::web::Data;
use tokio::{sync::oneshot, time::MissedTickBehavior};
use tracing::warn;

use crate::{db, web::state::AppState};

/// How often counted events and last uses of sessions are written.
const FLUSH_INTERVAL: Duration = Duration::from_secs(1);
/// How often expired rows are deleted, in flushes.
const DELETE_EVERY: u32 = 60;

/// Runs until `stop` is received. What fails is tried again in the next round.
pub async fn run(state: Data<AppState>, mut stop: oneshot::Receiver<()>) {
    let mut rounds = tokio::time::interval(FLUSH_INTERVAL);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut round = 0_u32;
    loop {
        tokio::select! {
            _ = rounds.tick() => {}
            _ = &mut stop => return,
        }
        flush(&state).await;
        if round.is_multiple_of(DELETE_EVERY) {
            delete_expired(&state).await;
        }
        round = round.wrapping_add(1);
    }
}

/// Writes counted events and last uses of sessions to the database.
pub async fn flush(state: &AppState) {
    if let Err(error) = state.core.events.flush().await {
        warn!(%error, "could not write events, will retry");
    }
    if let Err(error) = state.sessions.flush_last_seen().await {
        warn!(%error, "could not write last uses of sessions, will retry");
    }
}

/// Deletes expired sessions, counters, reserved names and events, in batches.
pub async fn delete_expired(state: &AppState) {
    let deleted = async {
        while state.sessions.delete_expired().await? > 0 {}
        while state.accounts.delete_expired_counters().await? > 0 {}
        state.accounts.release_names().await?;
        let (age, now) = (state.settings.events_kept, state.core.clock.now());
        while state.core.events.delete_older_than(age, now).await? > 0 {}
        Ok::<_, db::Error>(())
    };
    if let Err(error) = deleted.await {
        warn!(%error, "could not delete expired rows, will retry");
    }
}
