//! The rows of counters. One statement each; what they mean is decided in `throttle`.

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, QueryResult, RunQueryDsl};

use super::{Count, Key};
use crate::{
    clock::Timestamp,
    db::{AnyConnection, is_taken, prepared, schema::throttles},
};

/// Rows that one transaction removes at most, so that a sign-in never waits long for the one writer.
const BATCH: i64 = 500;

pub(super) fn load(conn: &mut AnyConnection, key: &Key) -> QueryResult<Option<Count>> {
    throttles::table
        .find(&key[..])
        .select((throttles::failures, throttles::blocked_until, throttles::expires_at))
        .get_result(conn)
        .optional()
}

/// Reads a row and keeps others from changing it until the transaction ends. The first statement writes, because that
/// locks the row on both databases; `FOR UPDATE` is not to be had on both.
pub(super) fn lock(conn: &mut AnyConnection, key: &Key) -> QueryResult<Count> {
    let touch = |conn: &mut AnyConnection| {
        prepared(diesel::update(throttles::table.find(&key[..])).set(throttles::failures.eq(throttles::failures)))
            .execute(conn)
    };
    if touch(conn)? == 0 {
        let made = diesel::insert_into(throttles::table)
            .values((
                throttles::budget.eq(&key[..]),
                throttles::failures.eq(0),
                throttles::blocked_until.eq(Count::NONE.blocked_until),
                throttles::expires_at.eq(Count::NONE.expires_at),
            ))
            .execute(conn);
        match made {
            Ok(_) => return Ok(Count::NONE),
            Err(error) if is_taken(&error) => {
                touch(conn)?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(load(conn, key)?.unwrap_or(Count::NONE))
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

pub(super) fn remove(conn: &mut AnyConnection, key: &Key) -> QueryResult<()> {
    diesel::delete(throttles::table.find(&key[..])).execute(conn).map(|_| ())
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
