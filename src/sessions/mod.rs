//! Sessions: a row for each sign-in, and a token that names the row. Reads no requests and knows no passwords.
//!
//! The token is verified first, so a forged one never reaches the database; then the row, so a revoked session is
//! refused although its token is still valid. Rows are cached for `GATEHOUSE_SESSION_CACHE`. What this process revokes
//! is refused by its very next request, cached or not, see [`AccountEpochs`](crate::transaction::AccountEpochs).

mod apps;
mod cache;
mod change;
mod check;
mod claim;
mod cleanup;
mod end_all;
mod kind;
mod last_seen;
mod lifecycle;
mod refresh;
mod store;
mod token;

use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use prometheus_client::metrics::gauge::Gauge;
use serde::{Deserialize, Serialize};

pub use self::{
    apps::Browser,
    change::{ActingSession, ChangeError},
    check::TokenStatus,
    end_all::end_all,
    kind::{SessionKind, SessionRequest},
    refresh::{PREFIX as REFRESH_TOKEN_PREFIX, RefreshError, RefreshToken, Refreshed},
    store::{NewSession, PreviousSignIn, SessionSummary},
    token::{Token, TokenDigest},
};
use self::{cache::Cache, kind::Lifetimes, last_seen::LastSeen, token::Tokens};
use crate::{
    apps::AppId,
    clock::{Clock, Timestamp},
    config::Settings,
    core::Core,
    db::{self, Database},
    events::Events,
    identity::{Account, AccountId},
    keys::Keys,
    random,
    transaction::Transactions,
};

/// Rows that one transaction changes at most when no request waits for it.
const BATCH: usize = 500;

/// The id of a session: 128 random bits (ASVS 7.2.3).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct SessionId([u8; 16]);

impl SessionId {
    fn new() -> Self {
        Self(random::bytes())
    }

    /// Returns the 16 bytes of the id.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// Shows nothing of the id, because a token is made from it.
impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionId")
    }
}

impl From<[u8; 16]> for SessionId {
    fn from(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

impl From<SessionId> for String {
    fn from(id: SessionId) -> Self {
        BASE64.encode(id.0)
    }
}

impl TryFrom<String> for SessionId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let bytes = BASE64.decode(text).map_err(|_| "not base64url")?;
        bytes.try_into().map(Self).map_err(|_| "not 16 bytes")
    }
}

/// An active session.
#[derive(Debug, Clone)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Its owner.
    pub account: Account,
    /// The sign-in before the one that created this session.
    pub previous: PreviousSignIn,
    /// When the owner last gave the password.
    pub authenticated_at: Timestamp,
    /// What it is for.
    pub kind: SessionKind,
    /// The application whose tokens a program asked for.
    pub application: Option<AppId>,
    /// When it ends, even if it is in use.
    pub expires_at: Timestamp,
    /// The account as the JSON API answers with it, once a program has asked. Kept here because making it took a
    /// tenth of the instructions of `/api/user` (callgrind).
    pub(crate) account_json: OnceLock<String>,
}

/// All sessions.
pub struct Sessions {
    database: Database,
    transactions: Transactions,
    keys: Arc<Keys>,
    clock: Clock,
    events: Arc<Events>,
    tokens: Tokens,
    cache: Cache,
    last_seen: LastSeen,
    active: Gauge,
    per_account: u16,
    lifetimes: Lifetimes,
    refresh_grace: Duration,
}

impl Sessions {
    /// Returns all sessions, with the limits of `settings`.
    #[must_use]
    pub fn new(settings: &Settings, core: &Core) -> Self {
        Self {
            database: core.database.clone(),
            transactions: core.transactions.clone(),
            keys: Arc::clone(&core.keys),
            clock: core.clock.clone(),
            events: Arc::clone(&core.events),
            tokens: Tokens::default(),
            cache: Cache::new(settings.session_cache, core.transactions.epochs()),
            last_seen: LastSeen::default(),
            active: Gauge::default(),
            per_account: settings.sessions_per_account,
            lifetimes: Lifetimes::new(settings),
            refresh_grace: settings.refresh_grace,
        }
    }

    /// Returns at most `limit` active sessions of `account`, the last used first. Goes along an index, so it costs the
    /// same however many there are.
    pub async fn list(&self, account: AccountId, limit: usize) -> Result<Vec<SessionSummary>, db::Error> {
        let idle = self.lifetimes.idle_since(self.clock.now(), Duration::ZERO);
        self.database.read(move |conn| store::list(conn, account, idle, limit)).await
    }

    /// Returns a session that has not ended.
    pub async fn find(&self, id: SessionId) -> Result<Option<Session>, db::Error> {
        Ok(self.database.read(move |conn| store::load(conn, id)).await?.map(|(session, _)| session))
    }

    /// Counts the active sessions of all accounts, for [`Sessions::active`]. Reads a whole index, so it must not run
    /// for each request.
    pub async fn count_active(&self) -> Result<(), db::Error> {
        let idle = self.lifetimes.idle_since(self.clock.now(), Duration::ZERO);
        self.active.set(self.database.read(move |conn| store::count(conn, idle)).await?);
        Ok(())
    }

    /// Returns the number of active sessions when they were last counted.
    #[must_use]
    pub fn active(&self) -> Gauge {
        self.active.clone()
    }

    /// Writes the last uses that are not in the database yet. What cannot be written is kept for the next time.
    pub async fn flush_last_seen(&self) -> Result<(), db::Error> {
        self.last_seen.flush(&self.database).await
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    // ASVS 7.2.3
    #[test]
    fn session_id_has_128_random_bits() {
        const IDS: u32 = 100_000;
        let ids: HashSet<[u8; 16]> = (0..IDS).map(|_| *SessionId::new().as_bytes()).collect();
        assert_eq!(ids.len(), IDS as usize);
        for bit in 0..128 {
            let ones = ids.iter().filter(|id| id[bit / 8] >> (bit % 8) & 1 == 1).count();
            // Eight standard deviations: by chance once in 10^15 runs.
            assert!(ones.abs_diff(50_000) < 1265, "bit {bit}: {ones}");
        }
    }

    #[test]
    fn session_id_debug_output_is_redacted() {
        let id = SessionId::new();
        assert_eq!(format!("{id:?}"), "SessionId");
        assert_eq!(SessionId::try_from(String::from(id)), Ok(id));
    }
}
