//! What a genuine token or cookie claims, before its row is read.

use super::{
    Session, SessionId,
    apps::{id::AppSessionId, store::parent},
    store,
    token::Token,
};
use crate::{
    clock::Timestamp,
    db::{AnyConnection, QueryResult},
    identity::AccountId,
};

/// What a genuine token or cookie claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Claim {
    row: Row,
    pub(super) account: AccountId,
    /// When the token expires; `None` if only its session does.
    expires_at: Option<Timestamp>,
}

/// The row that leads to the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Row {
    Session(SessionId),
    AppSession(AppSessionId),
}

impl Claim {
    /// Returns what the cookie of a browser at an application claims.
    pub(super) fn of_app_session(id: AppSessionId, account: AccountId) -> Self {
        Self { row: Row::AppSession(id), account, expires_at: None }
    }

    pub(super) fn is_expired(self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }

    /// Returns the session and when its last use was written.
    pub(super) fn load(self, conn: &mut AnyConnection) -> QueryResult<Option<(Session, Timestamp)>> {
        let id = match self.row {
            Row::Session(id) => Some(id),
            Row::AppSession(id) => parent(conn, id)?,
        };
        id.map_or(Ok(None), |id| store::load(conn, id))
    }
}

impl From<Token> for Claim {
    fn from(token: Token) -> Self {
        Self { row: Row::Session(token.session), account: token.account, expires_at: Some(token.expires_at) }
    }
}
