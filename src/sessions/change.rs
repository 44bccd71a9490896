//! Changes that the owner of a session asks for. The guard has checked the session before the handler ran; it may have
//! ended since, here or in another process, so the changing transaction checks it again.

use std::{ops::Deref, sync::Arc};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};

use super::{Session, SessionId, Sessions, cleanup, store};
use crate::{
    client::Client,
    db::{self, QueryError, QueryResult, TransactionError},
    events::EventKind,
    identity::AccountId,
    keys::Purpose,
    transaction::Transaction,
};

/// Sessions among which a handle is looked for, those used last: more than any account may have.
const MAX_SESSIONS: i64 = 1000;

/// A session that has not ended, and whose row the transaction holds. A change that needs it cannot be made for an
/// ended session.
pub struct ActingSession<'a>(&'a Session);

impl Deref for ActingSession<'_> {
    type Target = Session;

    fn deref(&self) -> &Session {
        self.0
    }
}

/// Why a change that the owner of a session asked for was not made.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// The session has ended since it was checked.
    #[error("the session has ended")]
    SessionEnded,
    /// The database failed.
    #[error(transparent)]
    Database(#[from] db::Error),
}

impl From<QueryError> for ChangeError {
    fn from(error: QueryError) -> Self {
        Self::Database(error.into())
    }
}

impl TransactionError for ChangeError {
    fn database(&self) -> Option<&db::Error> {
        match self {
            Self::SessionEnded => None,
            Self::Database(error) => Some(error),
        }
    }
}

/// Locks a session of `account` until the transaction ends. Returns whether it has not ended.
pub(super) fn hold(tx: &mut Transaction<'_>, account: AccountId, id: SessionId) -> QueryResult<bool> {
    // The account first, as in every transaction that locks both.
    Ok(tx.lock_account(account)? && store::lock(tx, account, id)?)
}

impl Sessions {
    /// Runs a change that the owner of `session` asked for, in one transaction. If the session has ended, changes
    /// nothing and returns [`ChangeError::SessionEnded`].
    pub async fn run_as<T, E>(
        &self,
        session: &Arc<Session>,
        client: &Client,
        mut change: impl FnMut(&mut Transaction<'_>, &ActingSession<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: TransactionError + From<ChangeError>,
    {
        let session = Arc::clone(session);
        self.transactions
            .run(client, move |tx| {
                if !hold(tx, session.account.id, session.id).map_err(ChangeError::from)? {
                    return Err(ChangeError::SessionEnded.into());
                }
                change(tx, &ActingSession(&session))
            })
            .await
    }

    /// Returns the name of a session for a URL. URLs end up in the logs of proxies, so it is not the id (ASVS 14.2.1).
    #[must_use]
    pub fn handle(&self, id: SessionId) -> String {
        BASE64.encode(self.keys.tag(Purpose::SessionHandle, id.as_bytes()))
    }

    /// Ends the session of the owner of `acting` that has this [handle](Sessions::handle). Returns whether there is
    /// one; a session of another account stays as it is.
    pub async fn revoke(&self, acting: &Arc<Session>, handle: String, client: &Client) -> Result<bool, ChangeError> {
        let Ok(tag) = BASE64.decode(handle) else { return Ok(false) };
        let keys = Arc::clone(&self.keys);
        self.run_as(acting, client, move |tx, acting| {
            let account = acting.account.id;
            let ids = store::ids(tx.conn, account, MAX_SESSIONS)?;
            let id = ids.into_iter().find(|id| keys.verifies(Purpose::SessionHandle, id.as_bytes(), &tag));
            let Some(id) = id else { return Ok(false) };
            let ended = store::delete(tx, account, id)?;
            tx.record_many(EventKind::SessionEnded, account, usize::from(ended))?;
            Ok(ended)
        })
        .await
    }

    /// Ends all sessions of the owner of `acting`, except this one.
    pub async fn revoke_others(&self, acting: &Arc<Session>, client: &Client) -> Result<(), ChangeError> {
        self.run_as(acting, client, |tx, acting| Ok(Self::revoke_all(tx, acting.account.id, Some(acting.id))?)).await
    }

    /// Ends all sessions of `account` in `tx`, except `keep`.
    pub fn revoke_all(tx: &mut Transaction<'_>, account: AccountId, keep: Option<SessionId>) -> QueryResult<()> {
        let ended = cleanup::end_all(tx, account, keep)?;
        tx.record_many(EventKind::SessionEnded, account, ended)
    }
}
