//! The rows of sessions.

use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

use diesel::{
    BoolExpressionMethods, ExpressionMethods, Insertable, IntoSql, OptionalExtension, QueryDsl, QueryResult, Queryable,
    RunQueryDsl, Selectable, SelectableHelper, dsl::case_when, sql_types::BigInt,
};

use super::{Session, SessionId, token::Token};
use crate::{
    client::Client,
    clock::Timestamp,
    db::{
        AnyConnection, cached,
        schema::{accounts, sessions},
        types::binary_id,
    },
    identity::{Account, AccountId, Email, Username},
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
    remembered: bool,
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
    authenticated_at: Timestamp,
    last_seen_at: Timestamp,
    expires_at: Timestamp,
    remembered: bool,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = accounts)]
struct AccountRow {
    id: AccountId,
    username: Username,
    email: Email,
    created_at: Timestamp,
}

impl From<AccountRow> for Account {
    fn from(row: AccountRow) -> Self {
        Self { id: row.id, username: row.username, email: row.email, created_at: row.created_at }
    }
}

/// The times before which a last use is too long ago.
#[derive(Debug, Clone, Copy)]
pub(super) struct IdleSince {
    now: Timestamp,
    plain: Timestamp,
    remembered: Timestamp,
}

impl IdleSince {
    /// Returns the times at `now`, without and with "Keep me signed in".
    pub(super) fn at(now: Timestamp, plain: Duration, remembered: Duration) -> Self {
        Self { now, plain: now.minus(plain), remembered: now.minus(remembered) }
    }
}

pub(super) fn insert(tx: &mut Transaction<'_>, session: &NewSession, previous: &PreviousSignIn) -> QueryResult<()> {
    let row = NewRow {
        id: session.token.session,
        account_id: session.token.account,
        created_at: session.created_at,
        authenticated_at: session.created_at,
        last_seen_at: session.created_at,
        expires_at: session.token.expires_at,
        remembered: session.max_age.is_some(),
        previous_sign_in_at: previous.at,
        previous_address: &previous.address,
        previous_user_agent: &previous.user_agent,
        failures_before: previous.failures,
        address: tx.client.stored_address(),
        user_agent: &tx.client.user_agent,
    };
    diesel::insert_into(sessions::table).values(row).execute(tx.conn).map(|_| ())
}

/// Returns the session and when its last use was written.
pub(super) fn load(conn: &mut AnyConnection, id: SessionId) -> QueryResult<Option<(Session, Timestamp)>> {
    let row: Option<(SessionRow, AccountRow)> = sessions::table
        .inner_join(accounts::table)
        .filter(sessions::id.eq(id))
        .select((SessionRow::as_select(), AccountRow::as_select()))
        .get_result(conn)
        .optional()?;
    Ok(row.map(|(row, account)| {
        let session = Session {
            id,
            account: account.into(),
            previous: row.previous,
            authenticated_at: row.authenticated_at,
            expires_at: row.expires_at,
            remembered: row.remembered,
        };
        (session, row.last_seen_at)
    }))
}

/// Deletes a session if it belongs to `account`. Returns whether it did.
pub(super) fn delete(tx: &mut Transaction<'_>, account: AccountId, id: SessionId) -> QueryResult<bool> {
    tx.invalidate(account);
    diesel::delete(sessions::table.find(id).filter(sessions::account_id.eq(account)))
        .execute(tx.conn)
        .map(|rows| rows > 0)
}

/// Deletes all sessions of an account, except `keep`. Returns their number.
pub(super) fn delete_all(tx: &mut Transaction<'_>, account: AccountId, keep: Option<SessionId>) -> QueryResult<usize> {
    tx.invalidate(account);
    let all = sessions::table.filter(sessions::account_id.eq(account));
    match keep {
        Some(keep) => diesel::delete(all.filter(sessions::id.ne(keep))).execute(tx.conn),
        None => diesel::delete(all).execute(tx.conn),
    }
}

pub(super) fn set_authenticated_at(tx: &mut Transaction<'_>, account: AccountId, id: SessionId) -> QueryResult<()> {
    tx.invalidate(account);
    cached(diesel::update(sessions::table.find(id)).set(sessions::authenticated_at.eq(tx.now)))
        .execute(tx.conn)
        .map(|_| ())
}

/// Returns the active sessions of an account, the last used first, and their number.
pub(super) fn list(
    conn: &mut AnyConnection,
    account: AccountId,
    idle: IdleSince,
    limit: usize,
) -> QueryResult<(Vec<SessionSummary>, i64)> {
    // CASE and not OR: for OR, SQLite goes along the index of all idle sessions and not along the account's.
    let since = case_when(sessions::remembered.eq(true), idle.remembered.into_sql::<BigInt>()).otherwise(idle.plain);
    let active = sessions::table
        .filter(sessions::account_id.eq(account))
        .filter(sessions::expires_at.gt(idle.now))
        .filter(sessions::last_seen_at.gt(since));
    let count = active.count().get_result(conn)?;
    let summaries = active
        .order((sessions::last_seen_at.desc(), sessions::id))
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select(SessionSummary::as_select())
        .load(conn)?;
    Ok((summaries, count))
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
        |remembered: bool, since: Timestamp| sessions::remembered.eq(remembered).and(sessions::last_seen_at.le(since));
    sessions::table
        .filter(sessions::expires_at.le(idle.now).or(unused(false, idle.plain)).or(unused(true, idle.remembered)))
        .limit(i64::try_from(limit).unwrap_or(i64::MAX))
        .select(ExpiredSession::as_select())
        .load(conn)
}
