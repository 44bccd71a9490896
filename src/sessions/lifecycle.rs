//! How sessions begin, are renewed and end.

use std::{sync::Arc, time::Duration};

use super::{
    ActingSession, BATCH, Session, SessionId, SessionKind, SessionRequest, Sessions,
    store::{self, NewSession, PreviousSignIn},
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
        request: &SessionRequest,
        previous: &PreviousSignIn,
    ) -> QueryResult<NewSession> {
        if let Some(old) = &request.replaces {
            end(tx, old, EventKind::SignedOut)?;
        }
        let session = self.new_session(account, request.kind, tx.now);
        let surplus = store::delete_least_recent(tx, account, self.per_account - 1)?;
        tx.record_many(EventKind::SessionReplaced, account, surplus)?;
        store::insert(tx, &session, request, previous)?;
        Ok(session)
    }

    /// Returns the signed token of a session, once its transaction is committed.
    #[must_use]
    pub fn token(&self, session: &NewSession) -> String {
        Tokens::sign(&self.keys, session.token, session.created_at)
    }

    /// Gives `session` a new id in `tx`, because its owner has just given the password. A stolen copy of the old
    /// token is then invalid instead of recently authenticated (ASVS 7.2.4). What the browser has at applications
    /// stays.
    pub fn renew(&self, tx: &mut Transaction<'_>, session: &ActingSession<'_>) -> QueryResult<NewSession> {
        let account = session.account.id;
        tx.record(EventKind::Reauthenticated, account)?;
        let renewed = self.new_session(account, session.kind, tx.now);
        store::renew(tx, session, &renewed)?;
        Ok(renewed)
    }

    fn new_session(&self, account: AccountId, kind: SessionKind, now: Timestamp) -> NewSession {
        let lifetime = self.lifetimes.of(kind).lifetime;
        NewSession {
            token: Token { session: SessionId::new(), account, expires_at: now.plus(lifetime) },
            created_at: now,
            max_age: (kind == SessionKind::Remembered).then_some(lifetime),
        }
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

    /// Deletes one batch of expired sessions that were not used since. Returns how many it found. Their events carry no
    /// request id, because there was no request.
    pub async fn delete_expired(&self) -> Result<usize, db::Error> {
        // Another process may know of a later use that it has not written yet.
        const MARGIN: Duration = Duration::from_mins(2);
        let idle = self.lifetimes.idle_since(self.clock.now(), MARGIN);
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
