//! The queries of an import.

use std::collections::HashSet;

use diesel::{ExpressionMethods, QueryDsl, QueryResult, Queryable, RunQueryDsl, Selectable, SelectableHelper};

use super::{Candidate, Entry};
use crate::{
    accounts::{AccountId, Email, Username},
    clock::Timestamp,
    db::{
        AnyConnection, cached, insert_rows,
        schema::{account_roles, accounts, foreign_hashes, reserved_names},
    },
    transaction::Transaction,
};

/// Values of one query. For each of them, `mysql_async` keeps a kilobyte as long as the statement is prepared, and it
/// keeps the buffers of what it has sent: statements and buffers were 80 MB with 8,000 values (massif).
const MAX_VALUES: usize = 500;

/// What is needed to recognize an account that is already here.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = accounts)]
pub(super) struct Existing {
    pub(super) username: String,
    pub(super) email_key: Option<String>,
    pub(super) legacy_id: Option<String>,
    pub(super) created_at: Timestamp,
}

/// Divides the values of queries into lists of the same length, so that one statement is prepared for all of them. The
/// last list is padded with its last value.
fn lists<T: Clone>(values: impl Iterator<Item = T>) -> Vec<Vec<T>> {
    let values: Vec<T> = values.collect();
    let fill = |list: &[T]| list.iter().chain(list.last().into_iter().cycle()).take(MAX_VALUES).cloned().collect();
    values.chunks(MAX_VALUES).map(fill).collect()
}

/// Returns the accounts that have a name, an address or an id of the batch.
pub(super) fn existing(conn: &mut AnyConnection, entries: &[Entry]) -> QueryResult<Vec<Existing>> {
    let candidates = || entries.iter().map(|entry| &entry.candidate);
    let rows = accounts::table.select(Existing::as_select());
    let mut found: Vec<Existing> = Vec::new();
    for usernames in lists(candidates().map(|candidate| &candidate.username)) {
        found.extend(cached(rows.filter(accounts::username.eq_any(usernames))).load(conn)?);
    }
    for emails in lists(candidates().filter_map(|candidate| candidate.email.as_ref().map(Email::key))) {
        found.extend(cached(rows.filter(accounts::email_key.eq_any(emails))).load(conn)?);
    }
    for ids in lists(candidates().filter_map(|candidate| candidate.legacy_id.as_deref())) {
        found.extend(cached(rows.filter(accounts::legacy_id.eq_any(ids))).load(conn)?);
    }
    Ok(found)
}

/// Returns which of the names are reserved for their former owners, as their hashes.
pub(super) fn reserved(conn: &mut AnyConnection, entries: &[Entry], now: Timestamp) -> QueryResult<HashSet<Vec<u8>>> {
    let mut names = HashSet::new();
    // One for each signing secret, the previous ones too.
    for hashes in lists(entries.iter().flat_map(|entry| &entry.name_hashes).map(|hash| &hash[..])) {
        let reserved = reserved_names::table.filter(reserved_names::name.eq_any(hashes));
        let found = cached(reserved.filter(reserved_names::until.gt(now)).select(reserved_names::name));
        names.extend(found.load::<Vec<u8>>(conn)?);
    }
    Ok(names)
}

/// Inserts accounts under these names.
pub(super) fn insert(tx: &mut Transaction<'_>, accounts: &[(&Entry, &Username)]) -> QueryResult<()> {
    let now = tx.now;
    let accounts: Vec<_> = accounts.iter().map(|(entry, username)| (AccountId::new(), *entry, *username)).collect();
    let row = |(id, entry, username): &(AccountId, &Entry, &Username)| {
        let Candidate { email, is_active, created_at, last_login, legacy_id, .. } = &entry.candidate;
        diesel::insert_into(accounts::table).values((
            accounts::id.eq(*id),
            accounts::username.eq((*username).clone()),
            accounts::email.eq(email.clone()),
            accounts::email_key.eq(email.as_ref().map(Email::key)),
            accounts::password_hash.eq(entry.hash.clone()),
            accounts::created_at.eq(created_at.unwrap_or(now)),
            accounts::updated_at.eq(now),
            accounts::last_sign_in_at.eq(*last_login),
            accounts::disabled.eq(!is_active),
            accounts::legacy_id.eq(legacy_id.clone()),
        ))
    };
    insert_rows(tx.conn, accounts.iter().map(row))?;
    let classes = accounts.iter().filter_map(|(id, entry, _)| Some((*id, entry.class.as_deref()?)));
    let class = |(id, class)| (foreign_hashes::account_id.eq(id), foreign_hashes::class.eq(class));
    insert_rows(tx.conn, classes.map(|row| diesel::insert_into(foreign_hashes::table).values(class(row))))?;
    let roles = accounts.iter().flat_map(|(id, entry, _)| entry.candidate.roles.iter().map(|role| (*id, role)));
    let role = |(id, role)| (account_roles::account_id.eq(id), account_roles::role.eq(role));
    insert_rows(tx.conn, roles.map(|row| diesel::insert_into(account_roles::table).values(role(row))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_have_one_length_and_all_values() {
        for count in [0, 1, MAX_VALUES - 1, MAX_VALUES, MAX_VALUES + 1] {
            let lists = lists(0..count);
            assert!(lists.iter().all(|list| list.len() == MAX_VALUES), "{count}");
            let values: HashSet<usize> = lists.into_iter().flatten().collect();
            assert_eq!(values, (0..count).collect(), "{count}");
        }
    }
}
