//! The rows of sessions.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::OnceLock,
    time::Duration,
};

use diesel::{
    BoolExpressionMethods, ExpressionMethods, Insertable, IntoSql, JoinOnDsl, OptionalExtension, QueryDsl, QueryResult,
    Queryable, RunQueryDsl, Selectable, SelectableHelper, dsl::case_when, sql_types::BigInt,
};

use super::{
    BATCH, Session, SessionId, SessionKind, SessionRequest,
    cleanup::{self, Cleanup},
    kind::IdleSince,
    token::Token,
};
use crate::{
    apps::AppId,
    client::Client,
    clock::Timestamp,
    db::{
        AnyConnection, cached, for_update,
        schema::{account_cleanups, account_roles, accounts, sessions},
        types::binary_id,
    },
    identity::{Account, AccountId, Email, Role, Username},
    transaction::Transaction,
};

binary_id!(SessionId);

/// What is known of the sign-in before the current one, so that the owner can notice a sign-in by another person.
#[derive(Debug, Clone, PartialEq, Eq, Default, Queryable, Selectable)]
#[diesel(table_name = sessions)]
pub struct PreviousSignIn {
    /// When it was; `None` at the first sign-in.
    #[diesel(column_name = previous_sign_in_at)]
    pub at: Option<Timestamp>,
    /// The client's address.
    #[diesel(column_name = previous_address)]
    pub address: String,
    /// The client's `User-Agent`.
    #[diesel(column_name = previous_user_agent)]
    pub user_agent: String,
    /// How many attempts to sign in failed between that sign-in and the current one.
    #[diesel(column_name = failures_before)]
    pub failures: i32,
}

/// A session in the list that its owner sees.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = sessions)]
pub struct SessionSummary {
    /// Its id.
    pub id: SessionId,
    /// When it was created.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_seen_at: Timestamp,
    /// The address of the client that signed in.
    pub address: String,
    /// The `User-Agent` of the client that signed in.
    pub user_agent: String,
    /// What it is for.
    pub kind: SessionKind,
    /// The application whose tokens a program asked for.
    pub application: Option<AppId>,
}

/// A session that has expired, and the client that signed in.
#[derive(Queryable, Selectable)]
#[diesel(table_name = sessions)]
pub(super) struct ExpiredSession {
    pub(super) id: SessionId,
    pub(super) account_id: AccountId,
    address: String,
    user_agent: String,
}

impl ExpiredSession {
    pub(super) fn client(&self) -> Client {
        let address = self.address.parse().unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
        Client { address, user_agent: self.user_agent.as_str().into() }
    }
}

/// A session that a transaction has just created.
#[derive(Debug, Clone, Copy)]
pub struct NewSession {
    pub(super) token: Token,
    pub(super) created_at: Timestamp,
    /// How long the browser may keep the cookie; `None` until it is closed.
    pub max_age: Option<Duration>,
}

impl NewSession {
    /// Returns when it was created.
    #[must_use]
    pub fn created_at(&self) -> Timestamp {
        self.created_at
    }

    /// Returns the id of the new session.
    #[must_use]
    pub fn id(&self) -> SessionId {
        self.token.session
    }
}

#[derive(Insertable)]
#[diesel(table_name = sessions)]
struct NewRow<'a> {
    id: SessionId,
    account_id: AccountId,
    created_at: Timestamp,
    authenticated_at: Timestamp,
    last_seen_at: Timestamp,
    expires_at: Timestamp,
    kind: SessionKind,
    application: Option<&'a AppId>,
    previous_sign_in_at: Option<Timestamp>,
    previous_address: &'a str,
    previous_user_agent: &'a str,
    failures_before: i32,
    address: String,
    user_agent: &'a str,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = sessions)]
struct SessionRow {
    #[diesel(embed)]
    previous: PreviousSignIn,
    created_at: Timestamp,
    authenticated_at: Timestamp,
    last_seen_at: Timestamp,
    expires_at: Timestamp,
    kind: SessionKind,
    application: Option<AppId>,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = accounts)]
struct AccountRow {
    id: AccountId,
    username: Username,
    email: Option<Email>,
    created_at: Timestamp,
    updated_at: Timestamp,
    legacy_id: Option<String>,
    language: Option<String>,
}

impl AccountRow {
    fn with_roles(self, roles: Vec<Role>) -> Account {
        let Self { id, username, email, created_at, updated_at, legacy_id, language } = self;
        // Another release may have stored a language that this one does not have.
        let language = language.and_then(|code| code.parse().ok());
        Account { id, username, email, created_at, updated_at, legacy_id, language, roles }
    }
}

pub(super) fn insert(
    tx: &mut Transaction<'_>,
    session: &NewSession,
    request: &SessionRequest,
    previous: &PreviousSignIn,
) -> QueryResult<()> {
    let row = NewRow {
        id: session.token.session,
        account_id: session.token.account,
        created_at: session.created_at,
        authenticated_at: session.created_at,
        last_seen_at: session.created_at,
        expires_at: session.token.expires_at,
        kind: request.kind,
        application: request.application.as_ref(),
        previous_sign_in_at: previous.at,
        previous_address: &previous.address,
        previous_user_agent: &previous.user_agent,
        failures_before: previous.failures,
        address: tx.client.stored_address(),
        user_agent: &tx.client.user_agent,
    };
    diesel::insert_into(sessions::table).values(row).execute(tx.conn).map(|_| ())
}

/// Gives a session the id and the times of `renewed`, and the client of `tx`.
pub(super) fn renew(tx: &mut Transaction<'_>, session: &Session, renewed: &NewSession) -> QueryResult<()> {
    tx.invalidate(session.account.id);
    diesel::update(sessions::table.find(session.id))
        .set((
            sessions::id.eq(renewed.token.session),
            sessions::created_at.eq(renewed.created_at),
            sessions::authenticated_at.eq(renewed.created_at),
            sessions::last_seen_at.eq(renewed.created_at),
            sessions::expires_at.eq(renewed.token.expires_at),
            sessions::address.eq(tx.client.stored_address()),
            sessions::user_agent.eq(&*tx.client.user_agent),
        ))
        .execute(tx.conn)
        .map(|_| ())
}

/// Returns the session and when its last use was written.
pub(super) fn load(conn: &mut AnyConnection, id: SessionId) -> QueryResult<Option<(Session, Timestamp)>> {
    let row: Option<(SessionRow, AccountRow, Option<Cleanup>)> = sessions::table
        .inner_join(accounts::table.on(accounts::id.eq(sessions::account_id)))
        .left_join(account_cleanups::table.on(account_cleanups::account_id.eq(sessions::account_id)))
        .filter(sessions::id.eq(id).and(accounts::disabled.eq(false)))
        .select((SessionRow::as_select(), AccountRow::as_select(), Option::<Cleanup>::as_select()))
        .get_result(conn)
        .optional()?;
    let is_active = |row: &SessionRow, cleanup: Option<Cleanup>| cleanup.is_none_or(|it| !it.ends(id, row.created_at));
    let Some((row, account, _)) = row.filter(|(row, _, cleanup)| is_active(row, *cleanup)) else { return Ok(None) };
    let roles = account_roles::table.filter(account_roles::account_id.eq(account.id)).order(account_roles::role);
    let session = Session {
        id,
        account: account.with_roles(roles.select(account_roles::role).load(conn)?),
        previous: row.previous,
        authenticated_at: row.authenticated_at,
        expires_at: row.expires_at,
        kind: row.kind,
        application: row.application,
        account_json: OnceLock::new(),
    };
    Ok(Some((session, row.last_seen_at)))
}

/// Deletes a session if it belongs to `account`. Returns whether it did.
pub(super) fn delete(tx: &mut Transaction<'_>, account: AccountId, id: SessionId) -> QueryResult<bool> {
    tx.invalidate(account);
    diesel::delete(sessions::table.find(id).filter(sessions::account_id.eq(account)))
        .execute(tx.conn)
        .map(|rows| rows > 0)
}

/// Deletes a session if the database knows of no use after `since`, or if it is past its end. Returns whether it did:
/// another process may have seen a use that this one does not know of.
pub(super) fn delete_unused(tx: &mut Transaction<'_>, session: &Session, since: Timestamp) -> QueryResult<bool> {
    tx.invalidate(session.account.id);
    let unused = sessions::last_seen_at.le(since).or(sessions::expires_at.le(tx.now));
    diesel::delete(sessions::table.find(session.id).filter(unused)).execute(tx.conn).map(|rows| rows > 0)
}

/// Locks a session until the transaction ends. Returns whether it has not ended.
pub(super) fn lock(tx: &mut Transaction<'_>, account: AccountId, id: SessionId) -> QueryResult<bool> {
    let row = sessions::table.find(id).filter(sessions::account_id.eq(account)).select(sessions::created_at);
    let Some(created_at) = for_update(row).get_result::<Timestamp>(tx.conn).optional()? else { return Ok(false) };
    let cleanup = cleanup::find(tx.conn, account)?;
    Ok(cleanup.is_none_or(|cleanup| !cleanup.ends(id, created_at)))
}

/// Deletes a batch of an account's sessions beyond the `keep` that were used last. Returns their number.
pub(super) fn delete_least_recent(tx: &mut Transaction<'_>, account: AccountId, keep: u16) -> QueryResult<usize> {
    let ids: Vec<SessionId> = sessions::table
        .filter(sessions::account_id.eq(account))
        .order((sessions::last_seen_at.desc(), sessions::id.desc()))
        .offset(keep.into())
        .limit(i64::try_from(BATCH).unwrap_or(i64::MAX))
        .select(sessions::id)
        .load(tx.conn)?;
    if ids.is_empty() {
        return Ok(0);
    }
    tx.invalidate(account);
    diesel::delete(sessions::table.filter(sessions::id.eq_any(ids))).execute(tx.conn)
}

/// Returns the ids of at most `limit` sessions of an account, the last used first.
pub(super) fn ids(conn: &mut AnyConnection, account: AccountId, limit: i64) -> QueryResult<Vec<SessionId>> {
    sessions::table
        .filter(sessions::account_id.eq(account))
        .order((sessions::last_seen_at.desc(), sessions::id.desc()))
        .limit(limit)
        .select(sessions::id)
        .load(conn)
}

/// Returns a batch of the sessions that were created by `until`, in the order of the accounts, from `first` on.
pub(super) fn batch(conn: &mut AnyConnection, first: AccountId, until: Timestamp) -> QueryResult<Vec<ExpiredSession>> {
    let batch = sessions::table.filter(sessions::account_id.ge(first).and(sessions::created_at.le(until)));
    let batch = batch.order(sessions::account_id).limit(i64::try_from(BATCH).unwrap_or(i64::MAX));
    batch.select(ExpiredSession::as_select()).load(conn)
}

/// Returns at most `limit` active sessions of an account, the last used first.
pub(super) fn list(
    conn: &mut AnyConnection,
    account: AccountId,
    idle: IdleSince,
    limit: usize,
) -> QueryResult<Vec<SessionSummary>> {
    // CASE and not OR: for OR, SQLite goes along the index of all idle sessions and not along the account's.
    let since = case_when(sessions::kind.eq(SessionKind::Remembered), idle.remembered.into_sql::<BigInt>())
        .when(sessions::kind.eq(SessionKind::Api), idle.api)
        .otherwise(idle.browser);
    let active = sessions::table
        .filter(sessions::account_id.eq(account))
        .filter(sessions::expires_at.gt(idle.now))
        .filter(sessions::last_seen_at.gt(since));
    let newest = active
        .order((sessions::last_seen_at.desc(), sessions::id.desc()))
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select(SessionSummary::as_select());
    match cleanup::find(conn, account)? {
        None => newest.load(conn),
        Some(Cleanup { revoked_at, kept: None, .. }) => newest.filter(sessions::created_at.gt(revoked_at)).load(conn),
        Some(Cleanup { revoked_at, kept: Some(kept), .. }) => {
            newest.filter(sessions::created_at.gt(revoked_at).or(sessions::id.eq(kept))).load(conn)
        }
    }
}

/// Returns the number of sessions that are not idle for too long. Reads `sessions_idle` only; sessions past their end
/// count until they are deleted.
pub(super) fn count(conn: &mut AnyConnection, idle: IdleSince) -> QueryResult<i64> {
    let mut total = 0;
    for (kind, since) in idle.by_kind() {
        let active = sessions::table.filter(sessions::kind.eq(kind).and(sessions::last_seen_at.gt(since)));
        total += active.count().get_result::<i64>(conn)?;
    }
    Ok(total)
}

pub(super) fn update_last_seen(conn: &mut AnyConnection, seen: &[(SessionId, Timestamp)]) -> QueryResult<()> {
    for (id, at) in seen {
        cached(
            diesel::update(sessions::table.find(id).filter(sessions::last_seen_at.lt(at)))
                .set(sessions::last_seen_at.eq(at)),
        )
        .execute(conn)?;
    }
    Ok(())
}

/// Returns at most `limit` sessions that are past their end or idle for too long.
pub(super) fn expired(conn: &mut AnyConnection, idle: IdleSince, limit: usize) -> QueryResult<Vec<ExpiredSession>> {
    let unused =
        |(kind, since): (SessionKind, Timestamp)| sessions::kind.eq(kind).and(sessions::last_seen_at.le(since));
    let [browser, remembered, api] = idle.by_kind().map(unused);
    sessions::table
        .filter(sessions::expires_at.le(idle.now).or(browser).or(remembered).or(api))
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select(ExpiredSession::as_select())
        .load(conn)
}
