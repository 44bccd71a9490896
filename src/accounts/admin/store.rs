//! The queries of operators.

use std::collections::HashMap;

use diesel::{
    BoolExpressionMethods, BoxableExpression, ExpressionMethods, OptionalExtension, QueryDsl, QueryResult, Queryable,
    RunQueryDsl, Selectable, SelectableHelper,
    dsl::{exists, select},
    sql_types::Bool,
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
    /// Its e-mail address.
    pub email: Email,
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
}

#[derive(Queryable, Selectable)]
#[diesel(table_name = accounts)]
struct Row {
    id: AccountId,
    username: Username,
    email: Email,
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
            hash_scheme: passwords::scheme(&self.password_hash).map(str::to_owned),
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
fn is_in(state: AccountState) -> Box<dyn BoxableExpression<accounts::table, MultiBackend, SqlType = Bool>> {
    let enabled = accounts::disabled.eq(false);
    match state {
        AccountState::Disabled => Box::new(accounts::disabled.eq(true)),
        AccountState::Locked => Box::new(enabled.and(accounts::locked.eq(true))),
        AccountState::Active => Box::new(enabled.and(accounts::locked.eq(false))),
    }
}

pub(super) fn list(
    conn: &mut AnyConnection,
    filter: &AccountFilter,
    after: Option<AccountId>,
    limit: usize,
) -> QueryResult<Vec<AccountDetails>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut query =
        accounts::table.select(Row::as_select()).order(accounts::id).limit(limit).into_boxed::<MultiBackend>();
    if let Some(after) = after {
        query = query.filter(accounts::id.gt(after));
    }
    if let Some(state) = filter.state {
        query = query.filter(is_in(state));
    }
    if let Some(role) = &filter.role {
        let with_role = account_roles::table.filter(account_roles::role.eq(role)).select(account_roles::account_id);
        query = query.filter(accounts::id.eq_any(with_role));
    }
    let rows = query.load(conn)?;
    with_roles(conn, rows)
}

/// A place in a list of accounts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListPosition {
    /// After this account.
    After(AccountId),
    /// After this account among those found by their e-mail address, which follow those found by their user name.
    AfterAddressOf(AccountId),
}

impl ListPosition {
    /// Returns the account.
    #[must_use]
    pub fn account(self) -> AccountId {
        match self {
            Self::After(id) | Self::AfterAddressOf(id) => id,
        }
    }
}

/// Which accounts the list of administrators contains: all by default.
#[derive(Debug, Clone, Default)]
pub struct AccountQuery {
    /// Only those whose user name or e-mail address starts with this text.
    pub prefix: String,
    /// Only those with this role and in this state.
    pub filter: AccountFilter,
    /// Where the part of the list starts; the beginning by default.
    pub position: Option<ListPosition>,
    /// At most this many.
    pub limit: usize,
}

/// A part of the accounts that match an [`AccountQuery`].
#[derive(Debug)]
pub struct AccountPage {
    /// The accounts.
    pub accounts: Vec<AccountDetails>,
    /// Where the next part starts, if there may be one.
    pub next: Option<ListPosition>,
}

/// Rows that one part of a list looks at, at most.
const MAX_SCANNED: usize = 500;
/// Rows that are read at once where not all of them match.
const SCANNED_AT_ONCE: usize = 100;
/// Larger than every character of a user name or an address.
const LAST_CHARACTER: char = '\u{10FFFF}';

/// Goes along one index: by names if the query has a prefix, else by role, else by state, else by id. What the index
/// does not decide is checked for each row, up to [`MAX_SCANNED`]. So the costs do not grow with the accounts, but a
/// part may hold fewer than the limit, or none, and still not be the last one.
pub(super) fn search(conn: &mut AnyConnection, query: &AccountQuery) -> QueryResult<AccountPage> {
    let AccountFilter { role, state } = &query.filter;
    let is_decided_by_index = match (query.prefix.is_empty(), role, state) {
        (false, role, state) => role.is_none() && state.is_none(),
        (true, Some(_), state) => state.is_none(),
        (true, None, _) => true,
    };
    // One more than the limit, to know whether there are more.
    let at_once = if is_decided_by_index { query.limit + 1 } else { SCANNED_AT_ONCE };
    let (mut accounts, mut places) = (Vec::new(), Vec::new());
    let (mut position, mut scanned) = (query.position, 0);
    while scanned < MAX_SCANNED {
        let batch = candidates(conn, query, position, at_once)?;
        let is_last = batch.len() < at_once;
        scanned += batch.len();
        position = batch.last().copied().or(position);
        for (place, account) in load(conn, &batch)? {
            // An account that both names find is listed once.
            let is_listed = matches!(place, ListPosition::AfterAddressOf(_))
                && account.username.as_str().starts_with(&query.prefix);
            let has_role = role.as_ref().is_none_or(|role| account.roles.contains(role));
            if !is_listed && has_role && state.is_none_or(|state| account.state == state) {
                accounts.push(account);
                places.push(place);
            }
        }
        if accounts.len() > query.limit {
            accounts.truncate(query.limit);
            return Ok(AccountPage { next: places.get(query.limit.saturating_sub(1)).copied(), accounts });
        }
        if is_last {
            return Ok(AccountPage { accounts, next: None });
        }
    }
    Ok(AccountPage { accounts, next: position })
}

/// Returns at most `limit` accounts along the index of a query, in its order.
fn candidates(
    conn: &mut AnyConnection,
    query: &AccountQuery,
    position: Option<ListPosition>,
    limit: usize,
) -> QueryResult<Vec<ListPosition>> {
    if !query.prefix.is_empty() {
        return with_prefix(conn, &query.prefix, position, limit);
    }
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let after = position.map(ListPosition::account);
    let ids: Vec<AccountId> = if let Some(role) = &query.filter.role {
        let with_role = account_roles::table.filter(account_roles::role.eq(role)).order(account_roles::account_id);
        let mut ids = with_role.limit(limit).select(account_roles::account_id).into_boxed::<MultiBackend>();
        if let Some(after) = after {
            ids = ids.filter(account_roles::account_id.gt(after));
        }
        ids.load(conn)?
    } else {
        let in_order = accounts::table.order(accounts::id).limit(limit).select(accounts::id);
        let mut ids = in_order.into_boxed::<MultiBackend>();
        if let Some(state) = query.filter.state {
            ids = ids.filter(is_in(state));
        }
        if let Some(after) = after {
            ids = ids.filter(accounts::id.gt(after));
        }
        ids.load(conn)?
    };
    Ok(ids.into_iter().map(ListPosition::After).collect())
}

/// Returns at most `limit` accounts whose user name starts with `prefix`, in the order of the names, then those whose
/// e-mail address does.
fn with_prefix(
    conn: &mut AnyConnection,
    prefix: &str,
    position: Option<ListPosition>,
    limit: usize,
) -> QueryResult<Vec<ListPosition>> {
    let rows = |limit: usize| i64::try_from(limit).unwrap_or(i64::MAX);
    let end = format!("{prefix}{LAST_CHARACTER}");
    let mut found = Vec::new();
    if !matches!(position, Some(ListPosition::AfterAddressOf(_))) {
        let mut ids = accounts::table.filter(accounts::username.lt(&end)).into_boxed::<MultiBackend>();
        let after: Option<String> = match position {
            Some(ListPosition::After(id)) => {
                accounts::table.find(id).select(accounts::username).get_result(conn).optional()?
            }
            _ => None,
        };
        // If the account was deleted meanwhile, the list starts again.
        ids = match after {
            Some(after) => ids.filter(accounts::username.gt(after)),
            None => ids.filter(accounts::username.ge(prefix)),
        };
        let ids: Vec<AccountId> = ids.order(accounts::username).limit(rows(limit)).select(accounts::id).load(conn)?;
        found.extend(ids.into_iter().map(ListPosition::After));
    }
    if found.len() < limit {
        let mut ids = accounts::table.filter(accounts::email_key.lt(&end)).into_boxed::<MultiBackend>();
        let after: Option<String> = match position {
            Some(ListPosition::AfterAddressOf(id)) => {
                accounts::table.find(id).select(accounts::email_key).get_result(conn).optional()?
            }
            _ => None,
        };
        ids = match after {
            Some(after) => ids.filter(accounts::email_key.gt(after)),
            None => ids.filter(accounts::email_key.ge(prefix)),
        };
        let rest = rows(limit - found.len());
        let ids: Vec<AccountId> = ids.order(accounts::email_key).limit(rest).select(accounts::id).load(conn)?;
        found.extend(ids.into_iter().map(ListPosition::AfterAddressOf));
    }
    Ok(found)
}

/// Returns the accounts at `places`, in this order.
fn load(conn: &mut AnyConnection, places: &[ListPosition]) -> QueryResult<Vec<(ListPosition, AccountDetails)>> {
    let ids = places.iter().map(|place| place.account());
    let rows: Vec<Row> = accounts::table.filter(accounts::id.eq_any(ids)).select(Row::as_select()).load(conn)?;
    let accounts: HashMap<AccountId, AccountDetails> =
        with_roles(conn, rows)?.into_iter().map(|account| (account.id, account)).collect();
    let at = |place: &ListPosition| accounts.get(&place.account()).map(|account| (*place, account.clone()));
    Ok(places.iter().filter_map(at).collect())
}

/// Whether an account has a role.
pub(super) fn has_role(conn: &mut AnyConnection, id: AccountId, role: &str) -> QueryResult<bool> {
    select(exists(account_roles::table.find((id, role)))).get_result(conn)
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
    Ok(true)
}

/// Takes a role. Returns whether the account had it.
pub(super) fn remove_role(tx: &mut Transaction<'_>, id: AccountId, role: &Role) -> QueryResult<bool> {
    tx.invalidate(id);
    Ok(diesel::delete(account_roles::table.find((id, role))).execute(tx.conn)? > 0)
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
