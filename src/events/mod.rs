//! What happened, for the log and for the table of events: one entry for each outcome of an authentication. Knows
//! neither HTTP nor what an account is beyond its id.
//!
//! What changes something is recorded in the transaction that changes it ([`record`]). What anybody can cause without
//! end, such as forged tokens, is noted ([`Notes::note`]) and counted: one row a second for each kind, network and account,
//! however many there were, so that noise fills neither the disk nor the time of the one writer.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Mutex, MutexGuard, PoisonError},
};

use diesel::{ExpressionMethods, QueryDsl, QueryResult, RunQueryDsl};
use tracing::info;
use uuid::Uuid;

use crate::{
    client::{Client, Network},
    clock::{Clock, Timestamp},
    db::{self, AnyConnection, Database, prepared, schema::events},
};

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// An account was made.
    Registered,
    /// The password was right.
    SignedIn,
    /// The password was wrong, or there is no such account.
    SignInFailed,
    /// Too many attempts: the password was not looked at.
    SignInThrottled,
    /// Too many new accounts from one network.
    RegistrationThrottled,
    /// The session was ended by its owner.
    SignedOut,
    /// A session was ended by its owner from another.
    SessionEnded,
    /// The password was given again, before a change.
    Reauthenticated,
    /// The password was changed.
    PasswordChanged,
    /// User name or e-mail address was changed.
    ProfileChanged,
    /// The session came to its idle or absolute limit.
    SessionExpired,
    /// A token that we did not sign, or that is not for this use.
    TokenRefused,
    /// A form sent from another site.
    CrossOriginRefused,
    /// A form without the field that binds it to the session.
    FormRefused,
    /// An administrator opened the password path again.
    AccountUnlocked,
    /// The account was deleted by its owner.
    AccountDeleted,
}

impl Kind {
    /// As in the log and in the table: 32 letters at most.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::SignedIn => "signed_in",
            Self::SignInFailed => "sign_in_failed",
            Self::SignInThrottled => "sign_in_throttled",
            Self::RegistrationThrottled => "registration_throttled",
            Self::SignedOut => "signed_out",
            Self::SessionEnded => "session_ended",
            Self::Reauthenticated => "reauthenticated",
            Self::PasswordChanged => "password_changed",
            Self::ProfileChanged => "profile_changed",
            Self::SessionExpired => "session_expired",
            Self::TokenRefused => "token_refused",
            Self::CrossOriginRefused => "cross_origin_refused",
            Self::FormRefused => "form_refused",
            Self::AccountUnlocked => "account_unlocked",
            Self::AccountDeleted => "account_deleted",
        }
    }
}

/// One row, as its owner may see it.
#[derive(Debug, Clone)]
pub struct Event {
    /// In the order of time.
    pub id: Uuid,
    /// When.
    pub at: Timestamp,
    /// What, by the name of its [`Kind`].
    pub kind: String,
    /// From where.
    pub address: String,
    /// With which browser.
    pub user_agent: String,
    /// How often.
    pub occurrences: i32,
}

/// What happened to an account, the newest first: `limit` rows at most, older than `before`. Costs the same however many
/// rows there are, because it goes along the index.
pub fn of(conn: &mut AnyConnection, account: Uuid, before: Option<Uuid>, limit: usize) -> QueryResult<Vec<Event>> {
    let before = before.unwrap_or(Uuid::max());
    let rows: Vec<(Vec<u8>, Timestamp, String, String, String, i32)> = events::table
        .filter(events::account_id.eq(account.as_bytes().to_vec()))
        .filter(events::id.lt(before.as_bytes().to_vec()))
        .order(events::id.desc())
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select((events::id, events::at, events::kind, events::address, events::user_agent, events::occurrences))
        .load(conn)?;
    rows.into_iter()
        .map(|(id, at, kind, address, user_agent, occurrences)| {
            let id =
                Uuid::from_slice(&id).map_err(|error| diesel::result::Error::DeserializationError(Box::new(error)))?;
            Ok(Event { id, at, kind, address, user_agent, occurrences })
        })
        .collect()
}

/// Takes address and browser from everything that happened to an account.
pub fn anonymise(conn: &mut AnyConnection, account: Uuid) -> QueryResult<()> {
    prepared(
        diesel::update(events::table.filter(events::account_id.eq(&account.as_bytes()[..])))
            .set((events::address.eq(""), events::user_agent.eq(""))),
    )
    .execute(conn)
    .map(|_| ())
}

/// Removes a batch of what happened before `since`; tells how many.
pub fn remove_before(conn: &mut AnyConnection, since: Timestamp) -> QueryResult<usize> {
    const ROWS: i64 = 500;
    let old: Vec<Vec<u8>> =
        events::table.filter(events::at.lt(since)).order(events::at).limit(ROWS).select(events::id).load(conn)?;
    diesel::delete(events::table.filter(events::id.eq_any(old))).execute(conn)
}

/// Says one event in the log, once it has happened: after the transaction that [`record`]ed it.
///
/// The line has neither address nor browser: they are personal, and kept where they can be deleted.
pub fn log(kind: Kind, account: Option<Uuid>, client: &Client) {
    log_many(kind, account, client, 1);
}

fn log_many(kind: Kind, account: Option<Uuid>, client: &Client, occurrences: i32) {
    crate::request_id::sync_scope(Some(client.request_id), || {
        info!(event = kind.name(), account = account.map(tracing::field::display), occurrences);
    });
}

/// Writes one event, in whatever transaction `conn` is in.
pub fn record(
    conn: &mut AnyConnection,
    kind: Kind,
    account: Option<Uuid>,
    client: &Client,
    now: Timestamp,
) -> QueryResult<()> {
    record_many(conn, kind, account, client, now, 1)
}

/// The same for something that happened several times at once.
pub fn record_many(
    conn: &mut AnyConnection,
    kind: Kind,
    account: Option<Uuid>,
    client: &Client,
    now: Timestamp,
    occurrences: i32,
) -> QueryResult<()> {
    diesel::insert_into(events::table)
        .values((
            events::id.eq(&Uuid::now_v7().as_bytes()[..]),
            events::at.eq(now),
            events::kind.eq(kind.name()),
            events::account_id.eq(account.as_ref().map(|id| &id.as_bytes()[..])),
            events::address.eq(client.address.to_canonical().to_string()),
            events::user_agent.eq(&*client.user_agent),
            events::request_id.eq(client.request_id.to_string()),
            events::occurrences.eq(occurrences),
        ))
        .execute(conn)
        .map(|_| ())
}

/// Events that anybody can cause without end, counted until the next [`Notes::write`].
#[derive(Debug)]
pub struct Notes {
    clock: Clock,
    pending: Mutex<HashMap<Key, Note>>,
    writing: tokio::sync::Mutex<()>,
}

type Key = (Kind, Network, Option<Uuid>);

#[derive(Debug, Clone)]
struct Note {
    first: Client,
    at: Timestamp,
    occurrences: i32,
}

/// Networks and accounts that are told apart between two writes; beyond it they share one row for each kind. Bounds
/// memory under an attack that comes from everywhere.
const DISTINCT: usize = 1000;
/// Rows of one transaction.
const BATCH: usize = 200;

impl Notes {
    /// Nothing noted yet.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self { clock, pending: Mutex::default(), writing: tokio::sync::Mutex::default() }
    }

    /// Counts one event. Costs a lock held for one look into a table, and no query.
    pub fn note(&self, kind: Kind, account: Option<Uuid>, client: &Client) {
        let mut pending = self.pending();
        let mut key = (kind, client.network(), account);
        if pending.len() >= DISTINCT && !pending.contains_key(&key) {
            key = (kind, Network::NONE, None);
        }
        match pending.entry(key) {
            Entry::Occupied(mut note) => {
                let note = note.get_mut();
                note.occurrences = note.occurrences.saturating_add(1);
            }
            Entry::Vacant(place) => {
                place.insert(Note { first: client.clone(), at: self.clock.now(), occurrences: 1 });
            }
        }
    }

    /// Forgets what was noted of an account that is gone.
    pub fn forget(&self, account: Uuid) {
        self.pending().retain(|(_, _, of), _| *of != Some(account));
    }

    /// Writes what was noted. What could not be written is kept for the next time.
    pub async fn write(&self, database: &Database) -> Result<(), db::Error> {
        // One at a time, so that whoever returns from here knows that all of what was noted before is written.
        let _turn = self.writing.lock().await;
        loop {
            let batch: Vec<(Key, Note)> =
                self.pending().iter().take(BATCH).map(|(key, note)| (*key, note.clone())).collect();
            if batch.is_empty() {
                return Ok(());
            }
            let rows = batch.clone();
            database
                .write(move |conn| {
                    rows.iter().try_for_each(|((kind, _, account), note)| {
                        record_many(conn, *kind, *account, &note.first, note.at, note.occurrences)
                    })
                })
                .await?;
            let mut pending = self.pending();
            for (key, written) in batch {
                log_many(key.0, key.2, &written.first, written.occurrences);
                // What came meanwhile is for the next round.
                if let Entry::Occupied(mut note) = pending.entry(key) {
                    if note.get().occurrences == written.occurrences {
                        note.remove();
                    } else {
                        note.get_mut().occurrences -= written.occurrences;
                    }
                }
            }
        }
    }

    fn pending(&self) -> MutexGuard<'_, HashMap<Key, Note>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
