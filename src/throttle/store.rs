//! The queries on the table of counters. The rules are in `budget`.

use diesel::{
    AsChangeset, ExpressionMethods, Insertable, QueryDsl, QueryResult, Queryable, RunQueryDsl, Selectable,
    SelectableHelper,
};

use super::{Count, Key};
use crate::{
    clock::Timestamp,
    db::{
        AnyConnection, cached, for_update, is_unique_violation,
        schema::{accounts, throttles},
        serialization_failure,
    },
    identity::AccountId,
};

/// The maximum number of rows that one transaction deletes, so that the only writer of SQLite is never busy for long.
const BATCH: i64 = 500;

#[derive(Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = throttles, primary_key(budget))]
struct Row {
    budget: Vec<u8>,
    failures: i32,
    blocked_until: Timestamp,
    expires_at: Timestamp,
}

impl Row {
    fn new(key: &Key, Count { failures, blocked_until, expires_at }: Count) -> Self {
        Self { budget: key.to_vec(), failures, blocked_until, expires_at }
    }

    fn count(self) -> Option<(Key, Count)> {
        let Self { budget, failures, blocked_until, expires_at } = self;
        Some((budget.try_into().ok()?, Count { failures, blocked_until, expires_at }))
    }
}

/// Returns the counters with these keys that exist.
pub(super) fn load(conn: &mut AnyConnection, keys: &[Key]) -> QueryResult<Vec<(Key, Count)>> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let rows = cached(throttles::table.filter(throttles::budget.eq_any(slices(keys))).select(Row::as_select()));
    Ok(rows.load(conn)?.into_iter().filter_map(Row::count).collect())
}

/// The same, and locks the rows until the end of the transaction.
pub(super) fn lock(conn: &mut AnyConnection, keys: &[Key]) -> QueryResult<Vec<(Key, Count)>> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let rows = for_update(throttles::table.filter(throttles::budget.eq_any(slices(keys))).select(Row::as_select()));
    Ok(rows.load(conn)?.into_iter().filter_map(Row::count).collect())
}

fn slices(keys: &[Key]) -> Vec<&[u8]> {
    keys.iter().map(|key| &key[..]).collect()
}

/// Inserts a counter that [`lock`] did not find.
pub(super) fn insert(conn: &mut AnyConnection, key: &Key, count: Count) -> QueryResult<()> {
    match diesel::insert_into(throttles::table).values(Row::new(key, count)).execute(conn) {
        // Another transaction has inserted it since.
        Err(error) if is_unique_violation(&error) => Err(serialization_failure()),
        inserted => inserted.map(|_| ()),
    }
}

pub(super) fn update(conn: &mut AnyConnection, key: &Key, count: Count) -> QueryResult<()> {
    cached(diesel::update(throttles::table.find(&key[..])).set(Row::new(key, count))).execute(conn).map(|_| ())
}

/// Takes one failure off a counter.
pub(super) fn refund(conn: &mut AnyConnection, key: &Key) -> QueryResult<()> {
    cached(
        diesel::update(throttles::table.find(&key[..]).filter(throttles::failures.gt(0)))
            .set(throttles::failures.eq(throttles::failures - 1)),
    )
    .execute(conn)
    .map(|_| ())
}

pub(super) fn delete(conn: &mut AnyConnection, keys: &[Key]) -> QueryResult<()> {
    cached(diesel::delete(throttles::table.filter(throttles::budget.eq_any(slices(keys))))).execute(conn).map(|_| ())
}

/// Stores whether the failed attempts at an account have reached the limit, for lists of accounts.
pub(super) fn set_locked(conn: &mut AnyConnection, account: AccountId, locked: bool) -> QueryResult<()> {
    let changed = accounts::table.find(account).filter(accounts::locked.ne(locked));
    cached(diesel::update(changed).set(accounts::locked.eq(locked))).execute(conn).map(|_| ())
}

/// Deletes up to [`BATCH`] expired counters and returns how many.
pub(super) fn delete_expired(conn: &mut AnyConnection, now: Timestamp) -> QueryResult<usize> {
    let expired = throttles::table
        .filter(throttles::expires_at.le(now))
        .order(throttles::expires_at)
        .limit(BATCH)
        .select(throttles::budget)
        .load::<Vec<u8>>(conn)?;
    let mut deleted = 0;
    for key in expired {
        // The second condition, because another transaction may have counted it again since.
        deleted += diesel::delete(throttles::table.find(key).filter(throttles::expires_at.le(now))).execute(conn)?;
    }
    Ok(deleted)
}
