//! The rows of cleanups, and the sessions that they end.

use diesel::{
    ExpressionMethods, Insertable, JoinOnDsl, NullableExpressionMethods, OptionalExtension, QueryDsl, QueryResult,
    Queryable, RunQueryDsl, Selectable, SelectableHelper,
};

use crate::{
    clock::Timestamp,
    db::{
        AnyConnection,
        schema::{account_cleanups, accounts, sessions},
    },
    identity::AccountId,
    sessions::{BATCH, SessionId},
    transaction::Transaction,
};

/// Ended sessions of an account that are not all deleted yet.
#[derive(Debug, Clone, Copy, Queryable, Selectable, Insertable)]
#[diesel(table_name = account_cleanups)]
pub(in crate::sessions) struct Cleanup {
    pub(in crate::sessions) account_id: AccountId,
    pub(in crate::sessions) revoked_at: Timestamp,
    pub(in crate::sessions) kept: Option<SessionId>,
}

impl Cleanup {
    pub(in crate::sessions) fn ends(self, session: SessionId, created_at: Timestamp) -> bool {
        created_at <= self.revoked_at && self.kept != Some(session)
    }
}

/// Ends all sessions of an account, except `keep`. Returns how many it deleted; a full batch leaves a cleanup to do.
pub(in crate::sessions) fn end_all(
    tx: &mut Transaction<'_>,
    account: AccountId,
    keep: Option<SessionId>,
) -> QueryResult<usize> {
    tx.invalidate(account);
    let cleanup = |revoked_at| Cleanup { account_id: account, revoked_at, kept: keep };
    // Whatever their time is: the clock of another process may be ahead.
    let batch = delete_batch(tx.conn, cleanup(Timestamp::MAX))?;
    if batch.is_full {
        let earlier = find(tx.conn, account)?.map_or(tx.now, |earlier| earlier.revoked_at);
        insert_cleanup(tx.conn, cleanup(tx.now.max(earlier)))?;
    }
    Ok(batch.deleted)
}

/// A batch of sessions that were to be deleted.
pub(super) struct Batch {
    /// Whether there may be more. Not derived from `deleted`, because another process may have deleted some of them.
    pub(super) is_full: bool,
    pub(super) deleted: usize,
}

/// Deletes a batch of the sessions that `cleanup` ends.
pub(super) fn delete_batch(conn: &mut AnyConnection, cleanup: Cleanup) -> QueryResult<Batch> {
    let ended = sessions::table
        .filter(sessions::account_id.eq(cleanup.account_id))
        .filter(sessions::created_at.le(cleanup.revoked_at));
    let batch = ended.order(sessions::last_seen_at).limit(i64::try_from(BATCH).unwrap_or(i64::MAX));
    let ids: Vec<SessionId> = match cleanup.kept {
        Some(kept) => batch.filter(sessions::id.ne(kept)).select(sessions::id).load(conn)?,
        None => batch.select(sessions::id).load(conn)?,
    };
    let is_full = ids.len() == BATCH;
    let deleted = diesel::delete(sessions::table.filter(sessions::id.eq_any(ids))).execute(conn)?;
    Ok(Batch { is_full, deleted })
}

/// Leaves a cleanup to do. It replaces an earlier one of the account.
pub(super) fn insert_cleanup(conn: &mut AnyConnection, cleanup: Cleanup) -> QueryResult<()> {
    diesel::delete(account_cleanups::table.find(cleanup.account_id)).execute(conn)?;
    diesel::insert_into(account_cleanups::table).values(cleanup).execute(conn).map(|_| ())
}

pub(in crate::sessions) fn find(conn: &mut AnyConnection, account: AccountId) -> QueryResult<Option<Cleanup>> {
    account_cleanups::table.find(account).select(Cleanup::as_select()).get_result(conn).optional()
}

/// Returns a cleanup that is left to do, and whether its account still exists.
pub(super) fn next_cleanup(conn: &mut AnyConnection) -> QueryResult<Option<(Cleanup, bool)>> {
    let row: Option<(Cleanup, Option<AccountId>)> = account_cleanups::table
        .left_join(accounts::table.on(accounts::id.eq(account_cleanups::account_id)))
        .select((Cleanup::as_select(), accounts::id.nullable()))
        .first(conn)
        .optional()?;
    Ok(row.map(|(cleanup, account)| (cleanup, account.is_some())))
}

/// Removes a cleanup that is done, unless a later one has replaced it.
pub(super) fn delete_cleanup(conn: &mut AnyConnection, cleanup: Cleanup) -> QueryResult<()> {
    let same =
        account_cleanups::table.find(cleanup.account_id).filter(account_cleanups::revoked_at.eq(cleanup.revoked_at));
    diesel::delete(same).execute(conn).map(|_| ())
}
