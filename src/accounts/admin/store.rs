//! The queries of operators.

use std::collections::HashMap;

use diesel::{
    BoolExpressionMethods, BoxableExpression, ExpressionMethods, OptionalExtension, QueryDsl, QueryResult, Queryable,
    RunQueryDsl, Selectable, SelectableHelper, sql_types::Bool,
};

use crate::{
    accounts::{AccountId, Email, Username, link::LinkToken},
    clock::Timestamp,
    db::{
        AnyConnection, MultiBackend, cached, for_update,
        schema::{account_roles, accounts, locks, reset_links},
    },
    identity::{AccountState, Role},
    passwords,
    transaction::Transaction,
};

/// The row of `locks` that serializes changes after which there may be no administrator.
const ADMINISTRATORS: &str = "administrators";

/// An account as operators see it.
#[derive(Debug, Clone)]
pub struct AccountDetails {
    /// Its id.
    pub id: AccountId,
    /// Its user name.
    pub username: Username,
    /// Its e-mail address, if it has one.
    pub email: Option<Email>,
    /// Its roles, sorted.
    pub roles: Vec<Role>,
    /// Whether its owner can sign in.
    pub state: AccountState,
    /// How its password is hashed, such as "argon2id"; `None` if it has no password.
    pub hash_scheme: Option<String>,
    /// When it was created.
    pub created_at: Timestamp,
    /// When its owner last signed in.
    pub last_sign_in_at: Option<Timestamp>,
}

/// Which accounts a list contains: all by default.
#[derive(Debug, Clone, Default)]
pub struct AccountFilter {
    /// Only those with this role.
    pub role: Option<Role>,
    /// Only those in this state.
    pub state: Option<AccountState>,
    /// Only those with the password hash of another system.
    pub has_foreign_hash: bool,
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = accounts)]
struct Row {
    id: AccountId,
    username: Username,
    email: Option<Email>,
    password_hash: String,
    created_at: Timestamp,
    last_sign_in_at: Option<Timestamp>,
    disabled: bool,
    locked: bool,
}

impl Row {
    fn with_roles(self, roles: &[(AccountId, Role)]) -> AccountDetails {
        let roles = roles.iter().filter(|(account, _)| *account == self.id);
        AccountDetails {
            id: self.id,
            username: self.username,
            email: self.email,
            roles: roles.map(|(_, role)| role.clone()).collect(),
            state: AccountState::new(self.disabled, self.locked),
            hash_scheme: passwords::scheme(&self.password_hash),
            created_at: self.created_at,
            last_sign_in_at: self.last_sign_in_at,
        }
    }
}

fn with_roles(conn: &mut AnyConnection, rows: Vec<Row>) -> QueryResult<Vec<AccountDetails>> {
    let ids = rows.iter().map(|row| row.id);
    let roles: Vec<(AccountId, Role)> = account_roles::table
        .filter(account_roles::account_id.eq_any(ids))
        .order((account_roles::account_id, account_roles::role))
        .select((account_roles::account_id, account_roles::role))
        .load(conn)?;
    Ok(rows.into_iter().map(|row| row.with_roles(&roles)).collect())
}

pub(super) fn details(conn: &mut AnyConnection, id: AccountId) -> QueryResult<Option<AccountDetails>> {
    let row: Option<Row> = accounts::table.find(id).select(Row::as_select()).get_result(conn).optional()?;
    Ok(with_roles(conn, row.into_iter().collect())?.pop())
}

/// Whether an account is in `state`.
pub(in crate::accounts) fn is_in(
    state: AccountState,
) -> Box<dyn BoxableExpression<accounts::table, MultiBackend, SqlType = Bool>> {
    let enabled = accounts::disabled.eq(false);
    match state {
        AccountState::Disabled => Box::new(accounts::disabled.eq(true)),
        AccountState::Locked => Box::new(enabled.and(accounts::locked.eq(true))),
        AccountState::Active => Box::new(enabled.and(accounts::locked.eq(false))),
    }
}

/// Returns the accounts with these ids, in no order.
pub(in crate::accounts) fn load(conn: &mut AnyConnection, ids: &[AccountId]) -> QueryResult<Vec<AccountDetails>> {
    let rows = accounts::table.filter(accounts::id.eq_any(ids)).select(Row::as_select()).load(conn)?;
    with_roles(conn, rows)
}

pub(super) fn count(conn: &mut AnyConnection) -> QueryResult<i64> {
    accounts::table.count().get_result(conn)
}

pub(super) fn usernames(conn: &mut AnyConnection, ids: &[AccountId]) -> QueryResult<HashMap<AccountId, Username>> {
    let names = accounts::table.filter(accounts::id.eq_any(ids)).select((accounts::id, accounts::username));
    Ok(names.load(conn)?.into_iter().collect())
}

pub(super) fn find_username(conn: &mut AnyConnection, id: AccountId) -> QueryResult<Option<Username>> {
    accounts::table.find(id).select(accounts::username).get_result(conn).optional()
}

/// Locks the row that serializes changes of administrators.
pub(in crate::accounts) fn lock_administrators(conn: &mut AnyConnection) -> QueryResult<()> {
    for_update(locks::table.find(ADMINISTRATORS).select(locks::name)).get_result::<String>(conn).map(|_| ())
}

/// Returns at most `limit` administrators that are not disabled.
pub(in crate::accounts) fn active_administrators(conn: &mut AnyConnection, limit: i64) -> QueryResult<Vec<AccountId>> {
    account_roles::table
        .inner_join(accounts::table)
        .filter(account_roles::role.eq(Role::ADMIN))
        .filter(accounts::disabled.eq(false))
        .order(account_roles::account_id)
        .limit(limit)
        .select(account_roles::account_id)
        .load(conn)
}

/// Disables or enables an account. Returns whether that was a change.
pub(super) fn set_disabled(tx: &mut Transaction<'_>, id: AccountId, disabled: bool) -> QueryResult<bool> {
    tx.invalidate(id);
    let changed = accounts::table.find(id).filter(accounts::disabled.ne(disabled));
    Ok(cached(diesel::update(changed).set(accounts::disabled.eq(disabled))).execute(tx.conn)? > 0)
}

/// Gives a role. Returns whether the account did not have it.
pub(in crate::accounts) fn add_role(tx: &mut Transaction<'_>, id: AccountId, role: &Role) -> QueryResult<bool> {
    tx.invalidate(id);
    let known: Option<AccountId> =
        account_roles::table.find((id, role)).select(account_roles::account_id).get_result(tx.conn).optional()?;
    if known.is_some() {
        return Ok(false);
    }
    diesel::insert_into(account_roles::table)
        .values((account_roles::account_id.eq(id), account_roles::role.eq(role)))
        .execute(tx.conn)?;
    set_updated(tx, id)?;
    Ok(true)
}

/// Takes a role. Returns whether the account had it.
pub(super) fn remove_role(tx: &mut Transaction<'_>, id: AccountId, role: &Role) -> QueryResult<bool> {
    tx.invalidate(id);
    let removed = diesel::delete(account_roles::table.find((id, role))).execute(tx.conn)? > 0;
    if removed {
        set_updated(tx, id)?;
    }
    Ok(removed)
}

fn set_updated(tx: &mut Transaction<'_>, id: AccountId) -> QueryResult<()> {
    cached(diesel::update(accounts::table.find(id)).set(accounts::updated_at.eq(tx.now))).execute(tx.conn).map(|_| ())
}

/// Makes the link with this token the only one of an account, until then.
pub(super) fn replace_reset_link(
    conn: &mut AnyConnection,
    account: AccountId,
    token: &LinkToken,
    expires_at: Timestamp,
) -> QueryResult<()> {
    delete_reset_link(conn, account)?;
    diesel::insert_into(reset_links::table)
        .values((
            reset_links::account_id.eq(account),
            reset_links::token_hash.eq(token.hash()),
            reset_links::expires_at.eq(expires_at),
        ))
        .execute(conn)
        .map(|_| ())
}

/// Makes the link of an account invalid. Returns whether there was one.
pub(in crate::accounts) fn delete_reset_link(conn: &mut AnyConnection, account: AccountId) -> QueryResult<bool> {
    Ok(diesel::delete(reset_links::table.find(account)).execute(conn)? > 0)
}
