//! What runs in the background while the server runs: writing what is in memory, reading applications again, and
//! deleting what has expired.

use std::time::Duration;

use actix_web::web::Data;
use futures_util::future;
use tokio::{
    sync::oneshot,
    time::{Interval, MissedTickBehavior},
};
use tracing::warn;

use crate::{db, web::state::AppState};

/// How often counted events and last uses of sessions are written.
const FLUSH_INTERVAL: Duration = Duration::from_secs(1);
/// How often cleanups that changes left in the database are looked up.
const CLEAN_UP_INTERVAL: Duration = Duration::from_secs(1);
/// How often applications are read again, and so how long a change of them takes to reach a server.
const RELOAD_INTERVAL: Duration = Duration::from_secs(1);
/// How often expired rows are deleted, keys are read and sessions are counted, in rounds of cleaning up.
const DELETE_EVERY: u32 = 60;

/// Runs until `stop` is received. What fails is tried again in the next round.
pub async fn run(state: Data<AppState>, stop: oneshot::Receiver<()>) {
    // Side by side, because deleting a million rows in batches takes a minute, and the others must not wait for that.
    let forever = future::join3(flush_rounds(&state), reload_rounds(&state), clean_up_rounds(&state));
    tokio::select! {
        _ = forever => {}
        _ = stop => {}
    }
}

async fn flush_rounds(state: &AppState) {
    let mut rounds = rounds(FLUSH_INTERVAL);
    loop {
        rounds.tick().await;
        flush(state).await;
    }
}

async fn reload_rounds(state: &AppState) {
    let mut rounds = rounds(RELOAD_INTERVAL);
    loop {
        rounds.tick().await;
        reload_apps(state).await;
    }
}

async fn clean_up_rounds(state: &AppState) {
    let mut rounds = rounds(CLEAN_UP_INTERVAL);
    let mut round = 0_u32;
    loop {
        rounds.tick().await;
        clean_up(state).await;
        if round.is_multiple_of(DELETE_EVERY) {
            delete_expired(state).await;
            maintain_signing_keys(state).await;
            renew_foreign_hashes(state).await;
            if state.settings.metrics_listen.is_some() {
                count_sessions(state).await;
            }
        }
        round = round.wrapping_add(1);
    }
}

fn rounds(interval: Duration) -> Interval {
    let mut rounds = tokio::time::interval(interval);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    rounds
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

/// Prepares the applications before the server takes requests.
pub async fn open_apps(state: &AppState) {
    if let Err(error) = state.apps.renew_secrets().await {
        warn!(%error, "could not encrypt the secrets of applications again, will retry at the next start");
    }
    reload_apps(state).await;
}

/// Reads the applications from the database.
pub async fn reload_apps(state: &AppState) {
    if let Err(error) = state.apps.reload().await {
        warn!(%error, "could not read the applications, will retry");
    }
}

/// Finishes the cleanups that changes left in the database.
pub async fn clean_up(state: &AppState) {
    if let Err(error) = state.sessions.clean_up().await {
        warn!(%error, "could not delete the rows of ended sessions or deleted accounts, will retry");
    }
}

/// Deletes expired sessions, counters, reserved names and events, in batches.
pub async fn delete_expired(state: &AppState) {
    let deleted = async {
        while state.sessions.delete_expired().await? > 0 {}
        while state.sessions.delete_expired_codes().await? > 0 {}
        while state.accounts.delete_expired_counters().await? > 0 {}
        state.accounts.release_names().await?;
        while state.accounts.delete_expired_invitations().await? > 0 {}
        let (age, now) = (state.settings.events_kept, state.core.clock.now());
        while state.core.events.delete_older_than(age, now).await? > 0 {}
        Ok::<_, db::Error>(())
    };
    if let Err(error) = deleted.await {
        warn!(%error, "could not delete expired rows, will retry");
    }
}

/// Reads the keys of access tokens again, and replaces them if it is time.
pub async fn maintain_signing_keys(state: &AppState) {
    if let Err(error) = state.access_tokens.maintain_keys().await {
        warn!(%error, "could not read the keys of access tokens, will retry");
    }
}

/// Counts the password hashes of other systems, which decide what an unknown name costs.
pub async fn renew_foreign_hashes(state: &AppState) {
    if let Err(error) = state.accounts.renew_foreign_hashes().await {
        warn!(%error, "could not count the password hashes of other systems, will retry");
    }
}

/// Counts the active sessions for `/metrics`.
pub async fn count_sessions(state: &AppState) {
    if let Err(error) = state.sessions.count_active().await {
        warn!(%error, "could not count the active sessions, will retry");
    }
}
