//! The rows of sessions, as their refresh tokens see them.

use diesel::{
    ExpressionMethods, OptionalExtension, QueryDsl, QueryResult, Queryable, RunQueryDsl, Selectable, SelectableHelper,
};

use crate::{
    clock::Timestamp,
    db::{AnyConnection, cached, for_update, schema::sessions},
    identity::AccountId,
    sessions::{SessionId, SessionKind},
    transaction::Transaction,
};

/// What decides about a refresh token.
#[derive(Debug, Queryable, Selectable)]
#[diesel(table_name = sessions)]
pub(super) struct Rotation {
    pub(super) account_id: AccountId,
    pub(super) generation: i32,
    pub(super) refreshed_at: Option<Timestamp>,
    pub(super) last_seen_at: Timestamp,
    pub(super) expires_at: Timestamp,
}

/// Returns the owner of a program's session.
pub(super) fn owner(conn: &mut AnyConnection, id: SessionId) -> QueryResult<Option<AccountId>> {
    let session = sessions::table.find(id).filter(sessions::kind.eq(SessionKind::Api));
    session.select(sessions::account_id).get_result(conn).optional()
}

/// Locks a session until the transaction ends.
pub(super) fn lock(tx: &mut Transaction<'_>, id: SessionId) -> QueryResult<Option<Rotation>> {
    for_update(sessions::table.find(id).select(Rotation::as_select())).get_result(tx.conn).optional()
}

/// Replaces the refresh token of `generation` by the next one. Returns whether it was the current one.
pub(super) fn rotate(tx: &mut Transaction<'_>, id: SessionId, generation: i32) -> QueryResult<bool> {
    let current = sessions::table.find(id).filter(sessions::generation.eq(generation));
    cached(diesel::update(current).set((
        sessions::generation.eq(generation + 1),
        sessions::refreshed_at.eq(Some(tx.now)),
        sessions::last_seen_at.eq(tx.now),
    )))
    .execute(tx.conn)
    .map(|rows| rows > 0)
}
