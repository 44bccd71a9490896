//! The queries that find accounts.

use std::collections::{HashMap, HashSet};

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, QueryResult, RunQueryDsl};

use super::{AccountPage, AccountQuery, ListPosition};
use crate::{
    accounts::{
        AccountDetails, AccountFilter, AccountId,
        admin::store::{is_in, load},
    },
    db::{
        AnyConnection, MultiBackend,
        schema::{account_roles, accounts, foreign_hashes},
    },
};

/// Rows that one part of a list looks at, at most.
const MAX_SCANNED: usize = 500;
/// Rows that are read at once where not all of them match.
const SCANNED_AT_ONCE: usize = 100;
/// Larger than every character of a user name or an address.
const LAST_CHARACTER: char = '\u{10FFFF}';

/// Goes along one index: by names if the query has a prefix, else by role, else by password hash, else by state, else
/// by id. What the index does not decide is checked for each row, up to [`MAX_SCANNED`]. So the costs do not grow with
/// the accounts, but a part may hold fewer than the limit, or none, and still not be the last one.
pub(super) fn search(conn: &mut AnyConnection, query: &AccountQuery) -> QueryResult<AccountPage> {
    let AccountFilter { role, state, has_foreign_hash } = &query.filter;
    let filters = [!query.prefix.is_empty(), role.is_some(), *has_foreign_hash, state.is_some()];
    let is_decided_by_index = filters.into_iter().filter(|is_set| *is_set).count() <= 1;
    // One more than the limit, to know whether there are more.
    let at_once = if is_decided_by_index { query.limit + 1 } else { SCANNED_AT_ONCE };
    let (mut accounts, mut places) = (Vec::new(), Vec::new());
    let (mut position, mut scanned) = (query.position, 0);
    while scanned < MAX_SCANNED {
        let batch = candidates(conn, query, position, at_once)?;
        let is_last = batch.len() < at_once;
        scanned += batch.len();
        position = batch.last().copied().or(position);
        let foreign = if *has_foreign_hash { with_foreign_hash(conn, &batch)? } else { HashSet::new() };
        for (place, account) in load_at(conn, &batch)? {
            // An account that both names find is listed once.
            let is_listed = matches!(place, ListPosition::AfterAddressOf(_))
                && account.username.as_str().starts_with(&query.prefix);
            let has_role = role.as_ref().is_none_or(|role| account.roles.contains(role));
            let has_hash = !has_foreign_hash || foreign.contains(&account.id);
            if !is_listed && has_role && has_hash && state.is_none_or(|state| account.state == state) {
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
    } else if query.filter.has_foreign_hash {
        let in_order = foreign_hashes::table.order(foreign_hashes::account_id).limit(limit);
        let mut ids = in_order.select(foreign_hashes::account_id).into_boxed::<MultiBackend>();
        if let Some(after) = after {
            ids = ids.filter(foreign_hashes::account_id.gt(after));
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
        let after: Option<Option<String>> = match position {
            Some(ListPosition::AfterAddressOf(id)) => {
                accounts::table.find(id).select(accounts::email_key).get_result(conn).optional()?
            }
            _ => None,
        };
        ids = match after.flatten() {
            Some(after) => ids.filter(accounts::email_key.gt(after)),
            None => ids.filter(accounts::email_key.ge(prefix)),
        };
        let rest = rows(limit - found.len());
        let ids: Vec<AccountId> = ids.order(accounts::email_key).limit(rest).select(accounts::id).load(conn)?;
        found.extend(ids.into_iter().map(ListPosition::AfterAddressOf));
    }
    Ok(found)
}

/// Returns which of the accounts at `places` have the password hash of another system.
fn with_foreign_hash(conn: &mut AnyConnection, places: &[ListPosition]) -> QueryResult<HashSet<AccountId>> {
    let ids = places.iter().map(|place| place.account());
    let rows = foreign_hashes::table.filter(foreign_hashes::account_id.eq_any(ids));
    let ids: Vec<AccountId> = rows.select(foreign_hashes::account_id).load(conn)?;
    Ok(ids.into_iter().collect())
}

/// Returns the accounts at `places`, in this order.
fn load_at(conn: &mut AnyConnection, places: &[ListPosition]) -> QueryResult<Vec<(ListPosition, AccountDetails)>> {
    let ids: Vec<AccountId> = places.iter().map(|place| place.account()).collect();
    let mut accounts: HashMap<AccountId, AccountDetails> =
        load(conn, &ids)?.into_iter().map(|account| (account.id, account)).collect();
    // An account that both names find is in the first place only.
    Ok(places.iter().filter_map(|place| Some((*place, accounts.remove(&place.account())?))).collect())
}
