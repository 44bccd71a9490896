//! Sessions: a row for each sign-in, and a token that names the row. Opens, checks, renews and ends them. Knows nothing
//! of HTTP or passwords.
//!
//! The token is checked first, so that a forged one never reaches the database; then the row, so that a session that
//! was ended is dead although its token is not. Rows are kept in the process for `GATEHOUSE_SESSION_CACHE`. Whatever
//! this process ends is refused by its very next request, cached or not; see `cache`.

mod cache;
mod store;
mod token;

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use diesel::QueryResult;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use self::{
    cache::{Cache, Entry},
    token::{Forged, Signature, Token, Tokens},
};
use crate::{
    client::Client,
    clock::{Clock, Timestamp},
    config::Settings,
    db::{self, AnyConnection, Database},
    events::{self, Kind, Notes},
    keys::Keys,
    random,
};

/// A session's last use is written at most this often; in between the process remembers it. More often where the idle time
/// is so short that it would matter to another process.
const SEEN_EVERY: Duration = Duration::from_mins(1);
/// Rows that one transaction changes at most when nobody waits for it.
const BATCH: usize = 500;

/// 128 random bits (ASVS 7.2.3).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct SessionId([u8; 16]);

impl SessionId {
    fn new() -> Self {
        Self(random::bytes())
    }

    /// The bits.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// An id is half of what a token is made of; it has no business in a log.
impl fmt::Debug for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SessionId")
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

/// Whose session it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The account's id.
    pub id: Uuid,
    /// Its user name.
    pub username: String,
    /// Its e-mail address.
    pub email: String,
    /// When it was made.
    pub created_at: Timestamp,
}

/// What there was before a sign-in, for its owner to recognise, or not.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Previously {
    /// When they signed in before; `None` at the first time.
    pub at: Option<Timestamp>,
    /// From where.
    pub address: String,
    /// With which browser.
    pub user_agent: String,
    /// How often somebody tried the account's password since, and failed.
    pub failures: i32,
}

/// A living session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its id.
    pub id: SessionId,
    /// Whose it is.
    pub owner: Owner,
    /// What there was before the sign-in that began it.
    pub previously: Previously,
    /// When the password was last given.
    pub authenticated_at: Timestamp,
    /// Whether it is to be kept when the browser is closed.
    pub remembered: bool,
    expires_at: Timestamp,
}

/// A session as its owner sees it in a list.
#[derive(Debug, Clone)]
pub struct Listed {
    /// Its id.
    pub id: SessionId,
    /// When it began.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_seen_at: Timestamp,
    /// From where it began.
    pub address: String,
    /// What the browser calls itself.
    pub user_agent: String,
}

/// A session that was just opened, and what its browser has to be given.
#[derive(Debug, Clone, Copy)]
pub struct Opened {
    token: Token,
    began_at: Timestamp,
    /// Whether the browser may keep it when it is closed, and for how long.
    pub keep_for: Option<Duration>,
    /// Whose session the browser had before, if it ended with this.
    pub replaced: Option<Uuid>,
}

/// What a token turned out to be worth.
#[derive(Debug)]
pub enum Checked {
    /// A living session.
    Live(Arc<Session>),
    /// A session that there was, and is no more.
    Ended,
    /// Not a token of ours.
    Forged,
}

/// How long sessions live.
#[derive(Debug, Clone, Copy)]
struct Limits {
    idle: Duration,
    lifetime: Duration,
}

/// All sessions.
pub struct Sessions {
    database: Database,
    keys: Arc<Keys>,
    clock: Clock,
    notes: Arc<Notes>,
    tokens: Tokens,
    cache: Arc<Cache>,
    plain: Limits,
    remembered: Limits,
    /// Last uses that are not in the database yet.
    seen: Mutex<HashMap<SessionId, Timestamp>>,
}

impl Opened {
    /// The new session's id.
    #[must_use]
    pub fn id(&self) -> SessionId {
        self.token.session
    }
}

impl Sessions {
    /// With the limits of `settings`.
    #[must_use]
    pub fn new(settings: &Settings, database: Database, keys: Arc<Keys>, clock: Clock, notes: Arc<Notes>) -> Self {
        Self {
            database,
            keys,
            clock,
            notes,
            tokens: Tokens::default(),
            cache: Arc::new(Cache::new(settings.session_cache)),
            plain: Limits { idle: settings.session_idle, lifetime: settings.session_lifetime },
            remembered: Limits { idle: settings.remember_idle, lifetime: settings.remember_lifetime },
            seen: Mutex::default(),
        }
    }

    fn limits(&self, remembered: bool) -> Limits {
        if remembered { self.remembered } else { self.plain }
    }

    /// Opens a session for `account`, in whatever transaction `conn` is in, and ends the one that the browser had before
    /// (ASVS 7.2.4). Its id is always new; none from outside is ever adopted. The transaction is to be followed by
    /// [`Sessions::forgetting`] for the owner of the one before.
    pub fn open(
        &self,
        conn: &mut AnyConnection,
        account: Uuid,
        remembered: bool,
        previously: &Previously,
        replaces: Option<&Session>,
        client: &Client,
    ) -> QueryResult<Opened> {
        let now = self.clock.now();
        let ended = match replaces {
            Some(old) if Self::close(conn, old, client, now)? => Some(old.owner.id),
            _ => None,
        };
        let opened = Opened {
            token: Token { session: SessionId::new(), account, expires_at: now.plus(self.limits(remembered).lifetime) },
            began_at: now,
            keep_for: remembered.then_some(self.remembered.lifetime),
            replaced: ended,
        };
        store::insert(conn, &opened, previously, client)?;
        Ok(opened)
    }

    /// The token for a session that was opened, once the transaction is over.
    #[must_use]
    pub fn token(&self, opened: &Opened) -> String {
        Tokens::sign(&self.keys, opened.token, opened.began_at)
    }

    /// Ends one session at its owner's wish, in whatever transaction `conn` is in; tells whether it was still there.
    fn close(conn: &mut AnyConnection, session: &Session, client: &Client, now: Timestamp) -> QueryResult<bool> {
        let ended = store::delete(conn, session.id)?;
        if ended {
            events::record(conn, Kind::SignedOut, Some(session.owner.id), client, now)?;
        }
        Ok(ended)
    }

    /// What makes this process ask the database again for every session of `account`. To be called when the transaction
    /// that ends one is over, on the thread that ran it: whoever waits for it may be gone by then.
    pub fn forgetting(&self, account: Option<Uuid>) -> impl FnOnce() + Send + use<> {
        let cache = Arc::clone(&self.cache);
        move || account.into_iter().for_each(|account| cache.forget(account))
    }

    /// Ends one session at its owner's wish.
    pub async fn end(&self, session: Arc<Session>, client: &Client) -> Result<(), db::Error> {
        let (now, account, owner) = (self.clock.now(), session.owner.id, client.clone());
        let close = move |conn: &mut AnyConnection| Self::close(conn, &session, &owner, now);
        if self.database.write_then(close, self.forgetting(Some(account))).await? {
            events::log(Kind::SignedOut, Some(account), client);
        }
        Ok(())
    }

    /// The living sessions of `account`, those used last first, `limit` at most; and how many there are.
    pub async fn list(&self, account: Uuid, limit: usize) -> Result<(Vec<Listed>, i64), db::Error> {
        let now = self.clock.now();
        let (plain, remembered) = (now.minus(self.plain.idle), now.minus(self.remembered.idle));
        self.database.read(move |conn| store::list(conn, account, now, plain, remembered, limit)).await
    }

    /// Ends one session of `account` from another; tells whether there was one. Somebody else's stays as it is.
    pub async fn end_one(&self, account: Uuid, id: SessionId, client: &Client) -> Result<bool, db::Error> {
        let (now, owner) = (self.clock.now(), client.clone());
        let end = move |conn: &mut AnyConnection| {
            let ended = store::delete_of(conn, account, id)?;
            if ended {
                events::record(conn, Kind::SessionEnded, Some(account), &owner, now)?;
            }
            Ok(ended)
        };
        let ended = self.database.write_then(end, self.forgetting(Some(account))).await?;
        if ended {
            events::log(Kind::SessionEnded, Some(account), client);
        }
        Ok(ended)
    }

    /// Ends all sessions of the owner of `keep` but this one; tells how many.
    pub async fn end_others(&self, keep: &Session, client: &Client) -> Result<usize, db::Error> {
        let (now, account, id, owner) = (self.clock.now(), keep.owner.id, keep.id, client.clone());
        let end = move |conn: &mut AnyConnection| Self::close_all(conn, account, Some(id), &owner, now);
        let ended = self.database.write_then(end, self.forgetting(Some(account))).await?;
        if ended > 0 {
            events::log(Kind::SessionEnded, Some(account), client);
        }
        Ok(ended)
    }

    /// Ends all sessions of `account` but `keep`, in whatever transaction `conn` is in, to be followed by
    /// [`Sessions::forgetting`]; tells how many.
    pub fn close_all(
        conn: &mut AnyConnection,
        account: Uuid,
        keep: Option<SessionId>,
        client: &Client,
        now: Timestamp,
    ) -> QueryResult<usize> {
        let ended = store::delete_all_of(conn, account, keep)?;
        if ended > 0 {
            let occurrences = i32::try_from(ended).unwrap_or(i32::MAX);
            events::record_many(conn, Kind::SessionEnded, Some(account), client, now, occurrences)?;
        }
        Ok(ended)
    }

    /// The same session under a new id (ASVS 7.2.4), in whatever transaction `conn` is in, to be followed by
    /// [`Sessions::forgetting`]. `None` if it has ended meanwhile: what is dead is not renewed.
    pub fn renew(&self, conn: &mut AnyConnection, session: &Session, client: &Client) -> QueryResult<Option<Opened>> {
        if !store::delete(conn, session.id)? {
            return Ok(None);
        }
        self.open(conn, session.owner.id, session.remembered, &session.previously, None, client).map(Some)
    }

    /// Notes that the password was given again, in whatever transaction `conn` is in, to be followed by
    /// [`Sessions::forgetting`].
    pub fn note_authentication(conn: &mut AnyConnection, session: &Session, now: Timestamp) -> QueryResult<()> {
        store::set_authenticated_at(conn, session.id, now)
    }

    /// What `token` is worth now. An error means that the database does not answer, and never that all is well.
    pub async fn check(&self, text: &[u8], client: &Client) -> Result<Checked, db::Error> {
        let now = self.clock.now();
        let Ok((signature, known, token)) = self.verify(text, now) else {
            self.notes.note(Kind::TokenRefused, None, client);
            return Ok(Checked::Forged);
        };
        if token.is_over(now) {
            return Ok(Checked::Ended);
        }
        let Some(entry) = self.entry(signature, token, known, now).await? else {
            return Ok(Checked::Ended);
        };
        if entry.session.owner.id != token.account {
            self.notes.note(Kind::TokenRefused, Some(token.account), client);
            return Ok(Checked::Forged);
        }
        let idle = self.limits(entry.session.remembered).idle;
        if now >= entry.session.expires_at || now >= entry.last_seen().plus(idle) {
            self.expire(&entry.session, client).await?;
            return Ok(Checked::Ended);
        }
        if entry.see(now, SEEN_EVERY.min(idle / 4)) {
            self.seen().insert(token.session, now);
        }
        Ok(Checked::Live(Arc::clone(&entry.session)))
    }

    /// The token's signature, what is known of it, and what it says.
    fn verify(&self, text: &[u8], now: Timestamp) -> Result<(Signature, Option<Arc<Entry>>, Token), Forged> {
        let (signature, key) = Tokens::verify(&self.keys, text)?;
        let known = self.cache.look(&signature);
        let token = match &known {
            Some(entry) => entry.token,
            None => self.tokens.read(key, text, now)?,
        };
        Ok((signature, known, token))
    }

    /// The row of a token: the one that is known, or the database's.
    async fn entry(
        &self,
        signature: Signature,
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
            self.cache.remove(&signature);
            return Ok(None);
        };
        // The row may be older than what this process knows and has not written yet.
        let seen = self.seen().get(&token.session).copied();
        let last_seen = [Some(written), seen, known.map(|entry| entry.last_seen())].into_iter().flatten().max();
        let session = Arc::new(session);
        let entry = Arc::new(Entry::new(token, session, epoch, now, last_seen.unwrap_or(written), written));
        self.cache.keep(signature, Arc::clone(&entry));
        Ok(Some(entry))
    }

    async fn expire(&self, session: &Arc<Session>, client: &Client) -> Result<(), db::Error> {
        let (now, id, account, owner) = (self.clock.now(), session.id, session.owner.id, client.clone());
        let expire = move |conn: &mut AnyConnection| store::expire(conn, id, account, &owner, now);
        if self.database.write_then(expire, self.forgetting(Some(account))).await? {
            events::log(Kind::SessionExpired, Some(account), client);
        }
        Ok(())
    }

    fn seen(&self) -> std::sync::MutexGuard<'_, HashMap<SessionId, Timestamp>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes down the last uses that are not in the database yet. What could not be written is kept for the next time.
    pub async fn write_seen(&self) -> Result<(), db::Error> {
        loop {
            let batch: Vec<_> = self.seen().iter().take(BATCH).map(|(id, at)| (*id, *at)).collect();
            if batch.is_empty() {
                return Ok(());
            }
            let rows = batch.clone();
            self.database.write(move |conn| store::write_seen(conn, &rows)).await?;
            let mut seen = self.seen();
            for (id, at) in batch {
                // Used again meanwhile: the newer one is for the next round.
                if seen.get(&id) == Some(&at) {
                    seen.remove(&id);
                }
            }
        }
    }

    /// Removes a batch of sessions that are over and were not asked for since; tells how many.
    pub async fn remove_expired(&self) -> Result<usize, db::Error> {
        // Another process may know of a later use that it has not written yet.
        const MARGIN: Duration = Duration::from_mins(2);
        let now = self.clock.now();
        let since = |limits: Limits| now.minus(limits.idle.saturating_add(MARGIN));
        let (plain, remembered) = (since(self.plain), since(self.remembered));
        let removed = self
            .database
            .write(move |conn| {
                let mut removed = store::expired(conn, now, plain, remembered, BATCH)?;
                let mut kept = Vec::new();
                for (id, account, client) in removed.drain(..) {
                    if store::expire(conn, id, account, &client, now)? {
                        kept.push((account, client));
                    }
                }
                Ok(kept)
            })
            .await?;
        for (account, client) in &removed {
            events::log(Kind::SessionExpired, Some(*account), client);
        }
        Ok(removed.len())
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
