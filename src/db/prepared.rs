//! Statements that a connection prepares once and keeps. Diesel does so with most; not with `UPDATE` and `IN (…)`, whose
//! texts could be others each time. Here they are few, and to prepare one anew takes longer than to run it.
//!
//! Queries by a unique key end with `get_result` and not with `first`, which adds `LIMIT ?`: SQLite prepares a statement anew
//! whenever a limit is bound, because it plans by the limit's value (`sqlite3ExprIsInteger`), however well it is kept.

use diesel::{
    QueryResult, RunQueryDsl,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
};

use super::{AnyConnection, MultiBackend};

/// See [`prepared`] and [`locking`].
#[derive(Debug, Clone, Copy)]
pub struct Prepared<T> {
    statement: T,
    locks: bool,
}

/// A statement that is prepared once for each text that it comes to.
pub fn prepared<T>(statement: T) -> Prepared<T> {
    Prepared { statement, locks: false }
}

/// A query whose rows nobody else changes until the transaction ends. Where a transaction that may write is the only one, as
/// on SQLite, that is so without a word.
pub fn locking<T>(query: T) -> Prepared<T> {
    Prepared { statement: query, locks: true }
}

impl<T: QueryFragment<MultiBackend>> QueryFragment<MultiBackend> for Prepared<T> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        self.statement.walk_ast(out.reborrow())?;
        if self.locks && matches!(out.backend(), MultiBackend::Mysql(_)) {
            out.push_sql(" FOR UPDATE");
        }
        Ok(())
    }

    fn is_safe_to_cache_prepared(&self, _: &MultiBackend) -> QueryResult<bool> {
        Ok(true)
    }
}

impl<T: Query> Query for Prepared<T> {
    type SqlType = T::SqlType;
}

/// None, so that a connection finds the statement by its text.
impl<T> QueryId for Prepared<T> {
    type QueryId = ();

    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<T> RunQueryDsl<AnyConnection> for Prepared<T> {}
