//! How sessions begin, are renewed and end.

use std::{sync::Arc, time::Duration};

use super::{
    BATCH, Session, SessionId, Sessions,
    store::{self, IdleSince, NewSession, PreviousSignIn},
    token::{Token, Tokens},
};
use crate::{
    client::Client,
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
        store::insert(tx, &session, previous)?;
        Ok(session)
    }

    /// Returns the signed token of a session, once its transaction is committed.
    #[must_use]
    pub fn token(&self, session: &NewSession) -> String {
        Tokens::sign(&self.keys, session.token, session.created_at)
    }

    /// Gives `session` a new id in `tx` (ASVS 7.2.4). `None` if it has ended in the meantime.
    pub fn renew(&self, tx: &mut Transaction<'_>, session: &Session) -> QueryResult<Option<NewSession>> {
        if !store::delete(tx, session.account.id, session.id)? {
            return Ok(None);
        }
        self.create(tx, session.account.id, session.remembered, &session.previous, None).map(Some)
    }

    /// Ends all sessions of `account` in `tx`, except `keep`. Returns their number.
    pub fn revoke_all(tx: &mut Transaction<'_>, account: AccountId, keep: Option<SessionId>) -> QueryResult<usize> {
        let ended = store::delete_all(tx, account, keep)?;
        tx.record_many(EventKind::SessionEnded, account, ended)?;
        Ok(ended)
    }

    /// Marks in `tx` that the owner of `session` has just given the password.
    pub fn mark_reauthenticated(tx: &mut Transaction<'_>, session: &Session) -> QueryResult<()> {
        store::set_authenticated_at(tx, session.account.id, session.id)?;
        tx.record(EventKind::Reauthenticated, Some(session.account.id))
    }

    /// Signs the owner of `session` out of it.
    pub async fn sign_out(&self, session: Arc<Session>, client: &Client) -> Result<(), db::Error> {
        self.transactions
            .run(client, move |tx| Ok::<_, db::Error>(end(tx, &session, EventKind::SignedOut)?))
            .await
            .map(|_| ())
    }

    /// Ends one session of `account` from another one. Returns whether the account had it; a session of another account
    /// stays as it is.
    pub async fn revoke(&self, account: AccountId, id: SessionId, client: &Client) -> Result<bool, db::Error> {
        self.transactions
            .run(client, move |tx| {
                let ended = store::delete(tx, account, id)?;
                tx.record_many(EventKind::SessionEnded, account, usize::from(ended))?;
                Ok::<_, db::Error>(ended)
            })
            .await
    }

    /// Ends all sessions of the owner of `keep`, except this one. Returns their number.
    pub async fn revoke_others(&self, keep: &Session, client: &Client) -> Result<usize, db::Error> {
        let (account, id) = (keep.account.id, keep.id);
        self.transactions.run(client, move |tx| Ok::<_, db::Error>(Self::revoke_all(tx, account, Some(id))?)).await
    }

    pub(super) async fn expire(&self, session: Arc<Session>, client: &Client) -> Result<(), db::Error> {
        self.transactions
            .run(client, move |tx| Ok::<_, db::Error>(end(tx, &session, EventKind::SessionExpired)?))
            .await
            .map(|_| ())
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
                let expired = store::expired(tx.conn, idle, BATCH)?;
                for session in &expired {
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
    let ended = store::delete(tx, session.account.id, session.id)?;
    tx.record_many(kind, session.account.id, usize::from(ended))?;
    Ok(ended)
}
