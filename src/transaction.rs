//! The one way to change accounts and sessions. A [`Transaction`](crate::transaction::Transaction) owns what a change
//! must not forget: it records events and logs them, with their counts, once they are committed; and it makes this
//! process read changed accounts' sessions again, however the transaction ends.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use crate::{
    client::Client,
    clock::{Clock, Timestamp},
    db::{AnyConnection, Database, QueryResult, TransactionError},
    events::{self, Actor, EventId, EventKind, Events, Recorded},
    identity::AccountId,
};

/// Accounts share epochs when there are more of them; then a change makes a few other accounts ask the database once.
const EPOCHS: usize = 4096;

/// A counter for each account, raised whenever something cached of the account may have changed.
///
/// A reader takes the epoch *before* its query, a change raises it *after* the commit, and what was read is valid only
/// while its epoch is the current one. So a row that was read before a change is never taken for one read after it, and
/// invalidating all sessions of an account is one addition.
pub struct AccountEpochs(Box<[AtomicU64]>);

impl Default for AccountEpochs {
    fn default() -> Self {
        Self((0..EPOCHS).map(|_| AtomicU64::new(0)).collect())
    }
}

impl AccountEpochs {
    /// Returns the current epoch of `account`.
    #[must_use]
    pub fn current(&self, account: AccountId) -> u64 {
        self.counter(account).load(Ordering::SeqCst)
    }

    pub(crate) fn raise(&self, account: AccountId) {
        self.counter(account).fetch_add(1, Ordering::SeqCst);
    }

    fn counter(&self, account: AccountId) -> &AtomicU64 {
        // The last bytes of a UUIDv7 are random, the first are the time.
        let [.., high, low] = *account.as_bytes();
        &self.0[usize::from(u16::from_be_bytes([high, low])) % EPOCHS]
    }
}

/// Runs transactions.
#[derive(Clone)]
pub struct Transactions {
    database: Database,
    clock: Clock,
    events: Arc<Events>,
    epochs: Arc<AccountEpochs>,
}

/// A running transaction that changes accounts or sessions.
pub struct Transaction<'a> {
    /// The connection, for queries.
    pub conn: &'a mut AnyConnection,
    /// The client that asked for the change.
    pub client: &'a Client,
    /// When the change began.
    pub now: Timestamp,
    outcome: Outcome,
    /// Who makes the change, if it is not the owner of the account.
    actor: Option<Actor>,
    locked: Vec<AccountId>,
    invalidation: &'a mut Invalidation,
}

/// What follows the commit.
#[derive(Default)]
struct Outcome {
    recorded: Vec<Recorded>,
    anonymized: Vec<AccountId>,
}

/// Raises the epochs of accounts when it is dropped, so also when a transaction panics or the server stops answering
/// during COMMIT: the row may be gone then.
struct Invalidation {
    epochs: Arc<AccountEpochs>,
    accounts: Vec<AccountId>,
}

impl Drop for Invalidation {
    fn drop(&mut self) {
        for account in &self.accounts {
            self.epochs.raise(*account);
        }
    }
}

impl Transactions {
    /// Returns transactions over `database`.
    #[must_use]
    pub fn new(database: Database, clock: Clock, events: Arc<Events>) -> Self {
        Self { database, clock, events, epochs: Arc::default() }
    }

    /// Returns the epochs that the transactions raise.
    #[must_use]
    pub fn epochs(&self) -> Arc<AccountEpochs> {
        Arc::clone(&self.epochs)
    }

    /// Runs `change` in one transaction: all of it takes effect or, if it returns an error, nothing. It may be called
    /// more than once, see [`Database::write`], so it must do nothing but query and record.
    pub async fn run<T, E>(
        &self,
        client: &Client,
        mut change: impl FnMut(&mut Transaction<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: TransactionError,
    {
        let (client, now) = (client.clone(), self.clock.now());
        let mut invalidation = Invalidation { epochs: Arc::clone(&self.epochs), accounts: Vec::new() };
        let work = move |conn: &mut AnyConnection| {
            let mut tx = Transaction {
                conn,
                client: &client,
                now,
                outcome: Outcome::default(),
                actor: None,
                locked: Vec::new(),
                invalidation: &mut invalidation,
            };
            let value = change(&mut tx)?;
            Ok((value, tx.outcome))
        };
        let events = Arc::clone(&self.events);
        let on_commit = move |(_, outcome): &(T, Outcome)| {
            outcome.recorded.iter().for_each(|event| events.committed(*event));
            outcome.anonymized.iter().for_each(|account| events.discard_account(*account));
        };
        self.database.transaction(work, on_commit).await.map(|(value, _)| value)
    }
}

impl Transaction<'_> {
    /// Records one event of the client.
    pub fn record(&mut self, kind: EventKind, account: AccountId) -> QueryResult<()> {
        self.record_for(self.client, kind, account, 1, self.actor)
    }

    /// Records one event that `actor` caused.
    pub fn record_by(&mut self, actor: Actor, kind: EventKind, account: AccountId) -> QueryResult<()> {
        self.record_for(self.client, kind, account, 1, Some(actor))
    }

    /// Records all following events as caused by `actor`.
    pub fn act_as(&mut self, actor: Actor) {
        self.actor = Some(actor);
    }

    /// Records what `actor` did that is about no account yet.
    pub fn record_without_account(&mut self, actor: Actor, kind: EventKind) -> QueryResult<()> {
        let event = Recorded { kind, account: None, occurrences: 1, actor: Some(actor) };
        events::store::insert(self.conn, EventId::new(), event, self.client, self.now)?;
        self.outcome.recorded.push(event);
        Ok(())
    }

    /// Records something that happened `occurrences` times to `account`; nothing if that is zero.
    pub fn record_many(&mut self, kind: EventKind, account: AccountId, occurrences: usize) -> QueryResult<()> {
        if occurrences == 0 {
            return Ok(());
        }
        self.record_for(self.client, kind, account, i32::try_from(occurrences).unwrap_or(i32::MAX), self.actor)
    }

    /// Records one event of `client`, which is not the one that asked for the change.
    pub fn record_as(&mut self, client: &Client, kind: EventKind, account: AccountId) -> QueryResult<()> {
        self.record_for(client, kind, account, 1, None)
    }

    /// Records without address and browser if the account is deleted: another request may have deleted it since this
    /// one began.
    fn record_for(
        &mut self,
        client: &Client,
        kind: EventKind,
        account: AccountId,
        occurrences: i32,
        actor: Option<Actor>,
    ) -> QueryResult<()> {
        let anonymous = Client::anonymous();
        let client = if self.lock_account(account)? { client } else { &anonymous };
        let event = Recorded { kind, account: Some(account), occurrences, actor };
        events::store::insert(self.conn, EventId::new(), event, client, self.now)?;
        self.outcome.recorded.push(event);
        Ok(())
    }

    /// Locks an account until the transaction ends. Returns whether it exists.
    pub fn lock_account(&mut self, account: AccountId) -> QueryResult<bool> {
        if self.locked.contains(&account) {
            return Ok(true);
        }
        let exists = events::store::lock_account(self.conn, account)?;
        if exists {
            self.locked.push(account);
        }
        Ok(exists)
    }

    /// Marks `account` as locked, after a query of the caller has locked or inserted it. Saves a query of
    /// [`Transaction::lock_account`].
    pub fn mark_locked(&mut self, account: AccountId) {
        self.locked.push(account);
    }

    /// Removes address and browser from a first batch of the events of `account`, which is being deleted, and discards
    /// those that are not written yet. Returns whether there are no more; [`Events::anonymize`] does the others.
    pub fn anonymize_events(&mut self, account: AccountId) -> QueryResult<bool> {
        self.outcome.anonymized.push(account);
        self.locked.retain(|locked| *locked != account);
        let done = events::store::anonymize(self.conn, account, events::EventGroup::Authenticated, EventId::MIN)?;
        let refused = events::store::anonymize(self.conn, account, events::EventGroup::Unauthenticated, EventId::MIN)?;
        Ok(done.is_none() && refused.is_none())
    }

    /// Makes this process read the sessions of `account` again after the transaction. The `store.rs` functions that
    /// change what a session shows call it.
    pub fn invalidate(&mut self, account: AccountId) {
        self.invalidation.accounts.push(account);
    }
}
