//! The rows of counters. One statement each; what they mean is decided in `throttle`.

use diesel::{ExpressionMethods, QueryDsl, QueryResult, RunQueryDsl};

use super::{Count, Key};
use crate::{
    clock::Timestamp,
    db::{AnyConnection, is_taken, locking, overtaken, prepared, schema::throttles},
};

/// Rows that one transaction removes at most, so that a sign-in never waits long for the one writer.
const BATCH: i64 = 500;

/// The rows that there are of these.
pub(super) fn load(conn: &mut AnyConnection, keys: &[Key]) -> QueryResult<Vec<(Key, Count)>> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let rows = prepared(throttles::table.filter(throttles::budget.eq_any(slices(keys))).select(COLUMNS)).load(conn)?;
    Ok(by_key(rows))
}

/// The same, and nobody else changes them until the transaction ends.
pub(super) fn lock(conn: &mut AnyConnection, keys: &[Key]) -> QueryResult<Vec<(Key, Count)>> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let rows = locking(throttles::table.filter(throttles::budget.eq_any(slices(keys))).select(COLUMNS)).load(conn)?;
    Ok(by_key(rows))
}

const COLUMNS: (throttles::budget, throttles::failures, throttles::blocked_until, throttles::expires_at) =
    (throttles::budget, throttles::failures, throttles::blocked_until, throttles::expires_at);

fn slices(keys: &[Key]) -> Vec<&[u8]> {
    keys.iter().map(|key| &key[..]).collect()
}

fn by_key(rows: Vec<(Vec<u8>, i32, Timestamp, Timestamp)>) -> Vec<(Key, Count)> {
    rows.into_iter()
        .filter_map(|(key, failures, blocked_until, expires_at)| {
            Some((key.try_into().ok()?, Count { failures, blocked_until, expires_at }))
        })
        .collect()
}

pub(super) fn insert(conn: &mut AnyConnection, key: &Key, count: Count) -> QueryResult<()> {
    let made = diesel::insert_into(throttles::table)
        .values((
            throttles::budget.eq(&key[..]),
            throttles::failures.eq(count.failures),
            throttles::blocked_until.eq(count.blocked_until),
            throttles::expires_at.eq(count.expires_at),
        ))
        .execute(conn);
    match made {
        // Somebody else's transaction made it after this one looked.
        Err(error) if is_taken(&error) => Err(overtaken()),
        made => made.map(|_| ()),
    }
}

pub(super) fn save(conn: &mut AnyConnection, key: &Key, count: Count) -> QueryResult<()> {
    prepared(diesel::update(throttles::table.find(&key[..])).set((
        throttles::failures.eq(count.failures),
        throttles::blocked_until.eq(count.blocked_until),
        throttles::expires_at.eq(count.expires_at),
    )))
    .execute(conn)
    .map(|_| ())
}

pub(super) fn take_back(conn: &mut AnyConnection, key: &Key) -> QueryResult<()> {
    prepared(
        diesel::update(throttles::table.find(&key[..]).filter(throttles::failures.gt(0)))
            .set(throttles::failures.eq(throttles::failures - 1)),
    )
    .execute(conn)
    .map(|_| ())
}

pub(super) fn remove(conn: &mut AnyConnection, keys: &[Key]) -> QueryResult<()> {
    prepared(diesel::delete(throttles::table.filter(throttles::budget.eq_any(slices(keys))))).execute(conn).map(|_| ())
}

pub(super) fn remove_expired(conn: &mut AnyConnection, now: Timestamp) -> QueryResult<usize> {
    let expired = throttles::table
        .filter(throttles::expires_at.le(now))
        .order(throttles::expires_at)
        .limit(BATCH)
        .select(throttles::budget)
        .load::<Vec<u8>>(conn)?;
    let mut removed = 0;
    for key in expired {
        // The second condition: it may have been counted again since.
        removed += diesel::delete(throttles::table.find(key).filter(throttles::expires_at.le(now))).execute(conn)?;
    }
    Ok(removed)
}
