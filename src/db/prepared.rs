//! Statements that a connection prepares once and keeps. Diesel does so with all but `UPDATE`, whose text could be another
//! each time; of ours none is, and to prepare one anew takes longer than to run it (SQLite: 20 of 25 µs; MySQL: a round trip
//! more).
//!
//! Queries by a unique key end with `get_result` and not with `first`, which adds `LIMIT ?`: SQLite prepares a statement anew
//! whenever a limit is bound (`sqlite3ExprIsInteger` of 3.48 looks at its value to plan), however well it is kept.

use diesel::{
    QueryResult, RunQueryDsl,
    query_builder::{AstPass, QueryFragment, QueryId},
};

use super::{AnyConnection, MultiBackend};

/// See the module.
#[derive(Debug, Clone, Copy)]
pub struct Prepared<T>(T);

/// An `UPDATE` that is prepared once for each text that it comes to.
pub fn prepared<T>(update: T) -> Prepared<T> {
    Prepared(update)
}

impl<T: QueryFragment<MultiBackend>> QueryFragment<MultiBackend> for Prepared<T> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        self.0.walk_ast(out)
    }

    fn is_safe_to_cache_prepared(&self, _: &MultiBackend) -> QueryResult<bool> {
        Ok(true)
    }
}

/// None, so that a connection finds the statement by its text.
impl<T> QueryId for Prepared<T> {
    type QueryId = ();

    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<T> RunQueryDsl<AnyConnection> for Prepared<T> {}
