//! How sessions begin, are renewed and end.

use std::{sync::Arc, time::Duration};

use super::{
    ActingSession, BATCH, Session, SessionId, Sessions,
    store::{self, IdleSince, NewSession, PreviousSignIn},
    token::{Token, Tokens},
};
use crate::{
    client::Client,
    clock::Timestamp,
    db::{self, QueryResult},
    events::EventKind,
    identity::AccountId,
    transaction::Transaction,
};

impl Sessions {
    /// Creates a session for `account` in `tx`, and ends the one that the browser had before (ASVS 7.2.4). The id is
    /// always new; an id from outside is never adopted.
    pub fn create(
        &self,
        tx: &mut Transaction<'_>,
        account: AccountId,
        remembered: bool,
        previous: &PreviousSignIn,
        replaces: Option<&Session>,
    ) -> QueryResult<NewSession> {
        if let Some(old) = replaces {
            end(tx, old, EventKind::SignedOut)?;
        }
        let expires_at = tx.now.plus(self.limits(remembered).lifetime);
        let session = NewSession {
            token: Token { session: SessionId::new(), account, expires_at },
            created_at: tx.now,
            max_age: remembered.then_some(self.remembered.lifetime),
        };
        let surplus = store::delete_least_recent(tx, account, self.per_account - 1)?;
        tx.record_many(EventKind::SessionReplaced, account, surplus)?;
        store::insert(tx, &session, previous)?;
        Ok(session)
    }

    /// Returns the signed token of a session, once its transaction is committed.
    #[must_use]
    pub fn token(&self, session: &NewSession) -> String {
        Tokens::sign(&self.keys, session.token, session.created_at)
    }

    /// Gives `session` a new id in `tx`, because its owner has just given the password. A stolen copy of the old
    /// token is then invalid instead of recently authenticated (ASVS 7.2.4).
    pub fn renew(&self, tx: &mut Transaction<'_>, session: &ActingSession<'_>) -> QueryResult<NewSession> {
        let account = session.account.id;
        store::delete(tx, account, session.id)?;
        tx.record(EventKind::Reauthenticated, account)?;
        self.create(tx, account, session.remembered, &session.previous, None)
    }

    /// Signs the owner of `session` out of it.
    pub async fn sign_out(&self, session: Arc<Session>, client: &Client) -> Result<(), db::Error> {
        self.transactions
            .run(client, move |tx| Ok::<_, db::Error>(end(tx, &session, EventKind::SignedOut)?))
            .await
            .map(|_| ())
    }

    /// Ends a session that was not used since `unused_since`, or is past its end. Does nothing if the database knows of
    /// a later use.
    pub(super) async fn expire(
        &self,
        session: Arc<Session>,
        unused_since: Timestamp,
        client: &Client,
    ) -> Result<(), db::Error> {
        self.transactions
            .run(client, move |tx| {
                let account = session.account.id;
                tx.lock_account(account)?;
                let ended = store::delete_unused(tx, &session, unused_since)?;
                tx.record_many(EventKind::SessionExpired, account, usize::from(ended))?;
                Ok::<_, db::Error>(())
            })
            .await
    }

    /// Does the cleanups that transactions have stored, in batches: deletes ended sessions, and anonymizes the events
    /// of deleted accounts. Continues after a restart, because the cleanups are in the database.
    pub async fn clean_up(&self) -> Result<(), db::Error> {
        while let Some((cleanup, account_exists)) = self.database.read(store::next_cleanup).await? {
            while self.database.write(move |conn| store::delete_batch(conn, cleanup)).await?.is_full {}
            if !account_exists {
                self.events.anonymize(cleanup.account_id).await?;
            }
            self.database.write(move |conn| store::delete_cleanup(conn, cleanup)).await?;
        }
        Ok(())
    }

    /// Deletes the sessions and anonymizes the events of an account that `tx` deletes: a batch now, the others later in
    /// [`Sessions::clean_up`]. Without the account they are ended already.
    pub fn delete_account(tx: &mut Transaction<'_>, account: AccountId) -> QueryResult<()> {
        let cleanup = store::Cleanup { account_id: account, revoked_at: Timestamp::MAX, kept: None };
        let all_deleted = !store::delete_batch(tx.conn, cleanup)?.is_full;
        let all_anonymized = tx.anonymize_events(account)?;
        if all_deleted && all_anonymized {
            return Ok(());
        }
        store::insert_cleanup(tx.conn, cleanup)
    }

    /// Deletes one batch of expired sessions that were not used since. Returns how many it found. Their events carry no
    /// request id, because there was no request.
    pub async fn delete_expired(&self) -> Result<usize, db::Error> {
        // Another process may know of a later use that it has not written yet.
        const MARGIN: Duration = Duration::from_mins(2);
        let idle = |limits: super::Limits| limits.idle.saturating_add(MARGIN);
        let idle = IdleSince::at(self.clock.now(), idle(self.plain), idle(self.remembered));
        self.transactions
            .run(&Client::anonymous(), move |tx| {
                let mut expired = store::expired(tx.conn, idle, BATCH)?;
                // In one order, so that two processes do not wait for each other.
                expired.sort_by_key(|session| *session.account_id.as_bytes());
                for session in &expired {
                    tx.lock_account(session.account_id)?;
                    // Another process may have deleted it first.
                    if store::delete(tx, session.account_id, session.id)? {
                        tx.record_as(&session.client(), EventKind::SessionExpired, session.account_id)?;
                    }
                }
                Ok::<_, db::Error>(expired.len())
            })
            .await
    }
}

/// Ends a session for the reason `kind`, unless it has ended already.
fn end(tx: &mut Transaction<'_>, session: &Session, kind: EventKind) -> QueryResult<bool> {
    tx.lock_account(session.account.id)?;
    let ended = store::delete(tx, session.account.id, session.id)?;
    tx.record_many(kind, session.account.id, usize::from(ended))?;
    Ok(ended)
}
