//! The rows of what browsers have at applications, and of the codes with which they get it.

use diesel::{
    ExpressionMethods, Insertable, OptionalExtension, QueryDsl, QueryResult, Queryable, RunQueryDsl, Selectable,
    SelectableHelper,
};

use super::{browser::Browser, id::AppSessionId};
use crate::{
    apps::AppId,
    clock::Timestamp,
    db::{
        AnyConnection,
        schema::{app_sessions, handover_codes, sessions},
        types::binary_id,
    },
    identity::AccountId,
    sessions::SessionId,
    transaction::Transaction,
};

binary_id!(AppSessionId);

#[derive(Insertable)]
#[diesel(table_name = app_sessions)]
pub(super) struct AppSessionRow<'a> {
    pub(super) session_id: SessionId,
    pub(super) app: &'a AppId,
    pub(super) id: AppSessionId,
    pub(super) created_at: Timestamp,
}

#[derive(Insertable)]
#[diesel(table_name = handover_codes)]
pub(super) struct CodeRow<'a> {
    pub(super) code_hash: &'a [u8],
    pub(super) session_id: SessionId,
    pub(super) app: &'a AppId,
    pub(super) browser: &'a [u8],
    pub(super) expires_at: Timestamp,
}

/// The session that a code was made for, and its owner.
#[derive(Debug, Clone, Copy, Queryable, Selectable)]
#[diesel(table_name = sessions)]
pub(super) struct CodeOwner {
    #[diesel(column_name = id)]
    pub(super) session: SessionId,
    #[diesel(column_name = account_id)]
    pub(super) account: AccountId,
}

/// Returns the session to which a browser's session at an application belongs.
pub(in crate::sessions) fn parent(conn: &mut AnyConnection, id: AppSessionId) -> QueryResult<Option<SessionId>> {
    app_sessions::table.filter(app_sessions::id.eq(id)).select(app_sessions::session_id).get_result(conn).optional()
}

/// Inserts a session at an application. It replaces the one that the same session had there.
pub(super) fn replace(tx: &mut Transaction<'_>, account: AccountId, row: AppSessionRow<'_>) -> QueryResult<()> {
    delete(tx, account, row.session_id, row.app)?;
    diesel::insert_into(app_sessions::table).values(row).execute(tx.conn).map(|_| ())
}

/// Deletes what the session of an account has at an application. Returns whether there was something.
pub(super) fn delete(
    tx: &mut Transaction<'_>,
    account: AccountId,
    session: SessionId,
    app: &AppId,
) -> QueryResult<bool> {
    tx.invalidate(account);
    diesel::delete(app_sessions::table.find((session, app))).execute(tx.conn).map(|rows| rows > 0)
}

/// Deletes what the session of an account has at all applications.
pub(super) fn delete_all(tx: &mut Transaction<'_>, account: AccountId, session: SessionId) -> QueryResult<()> {
    tx.invalidate(account);
    diesel::delete(app_sessions::table.filter(app_sessions::session_id.eq(session))).execute(tx.conn).map(|_| ())
}

/// Returns the applications at which sessions were used, sorted.
pub(super) fn list(conn: &mut AnyConnection, sessions: &[SessionId]) -> QueryResult<Vec<(SessionId, AppId)>> {
    app_sessions::table
        .filter(app_sessions::session_id.eq_any(sessions))
        .order(app_sessions::app)
        .select((app_sessions::session_id, app_sessions::app))
        .load(conn)
}

pub(super) fn insert_code(tx: &mut Transaction<'_>, row: CodeRow<'_>) -> QueryResult<()> {
    diesel::insert_into(handover_codes::table).values(row).execute(tx.conn).map(|_| ())
}

/// Returns the session that a code was made for, used up or not.
pub(super) fn owner_of_code(conn: &mut AnyConnection, code_hash: &[u8]) -> QueryResult<Option<CodeOwner>> {
    handover_codes::table
        .inner_join(sessions::table)
        .filter(handover_codes::code_hash.eq(code_hash))
        .select(CodeOwner::as_select())
        .get_result(conn)
        .optional()
}

/// Uses a code up. Returns whether it was good: for this application and browser, not expired, and not used before.
pub(super) fn use_code(
    tx: &mut Transaction<'_>,
    code_hash: &[u8],
    app: &AppId,
    browser: &Browser,
) -> QueryResult<bool> {
    let good = handover_codes::table
        .find(code_hash)
        .filter(handover_codes::app.eq(app))
        .filter(handover_codes::browser.eq(browser.as_bytes()))
        .filter(handover_codes::expires_at.gt(tx.now))
        .filter(handover_codes::used_at.is_null());
    diesel::update(good).set(handover_codes::used_at.eq(Some(tx.now))).execute(tx.conn).map(|rows| rows > 0)
}

/// Returns the hashes of at most `limit` codes that have expired.
pub(super) fn expired_codes(conn: &mut AnyConnection, now: Timestamp, limit: usize) -> QueryResult<Vec<Vec<u8>>> {
    let expired = handover_codes::table.filter(handover_codes::expires_at.le(now));
    let expired = expired.limit(i64::try_from(limit).unwrap_or(i64::MAX));
    expired.select(handover_codes::code_hash).load(conn)
}

pub(super) fn delete_codes(conn: &mut AnyConnection, codes: &[Vec<u8>]) -> QueryResult<usize> {
    diesel::delete(handover_codes::table.filter(handover_codes::code_hash.eq_any(codes))).execute(conn)
}
