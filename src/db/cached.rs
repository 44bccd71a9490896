//! Two statement wrappers that Diesel lacks.
//!
//! [`cached`]: a connection prepares the statement once and keeps it. Diesel does so with most statements, but not with
//! `UPDATE` and `IN (…)`, whose SQL could differ each time (`unsafe_to_cache_prepared` in diesel 2.3.14,
//! `update_statement/mod.rs` and `array_comparison.rs`). Here the texts are few, and preparing one takes longer than
//! running it. [`for_update`]: the same, and the rows stay locked until the transaction ends.
//!
//! Queries by a unique key end with `get_result` and not with `first`, which adds `LIMIT ?`: SQLite prepares a
//! statement again whenever a limit is bound, because it plans by the limit's value (`sqlite3ExprIsInteger`).

use diesel::{
    QueryResult, RunQueryDsl,
    backend::Backend,
    internal::derives::multiconnection::AstPassHelper,
    mysql::MysqlQueryBuilder,
    query_builder::{AstPass, Query, QueryBuilder, QueryFragment, QueryId},
    sqlite::query_builder::SqliteQueryBuilder,
};

use super::{AnyConnection, MultiBackend};

/// A statement that a connection prepares once for each SQL text.
#[derive(Debug, Clone, Copy)]
pub struct Cached<T>(T);

/// A cached query that locks the rows it returns.
#[derive(Debug, Clone, Copy)]
pub struct ForUpdate<T>(T);

/// Makes a connection cache the prepared `statement`.
pub fn cached<T>(statement: T) -> Cached<T> {
    Cached(statement)
}

/// Locks the rows of `query` until the transaction ends, and caches the prepared statement. Adds nothing on SQLite,
/// where `BEGIN IMMEDIATE` already admits a single writer.
pub fn for_update<T>(query: T) -> ForUpdate<T> {
    ForUpdate(query)
}

type Builder = <MultiBackend as Backend>::QueryBuilder;

/// Binds come from the inner statement; its SQL is pushed as one string, because walking its AST would mark it as
/// unsafe to cache.
fn walk<'b, T>(statement: &'b T, mysql_suffix: &str, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()>
where
    T: QueryFragment<MultiBackend>,
{
    if out.bind_collector().is_some() || out.debug_binds().is_some() {
        return statement.walk_ast(out);
    }
    let (mut sql, suffix) = match out.backend() {
        MultiBackend::Sqlite(_) => (Builder::Sqlite(SqliteQueryBuilder::default()), ""),
        MultiBackend::Mysql(_) => (Builder::Mysql(MysqlQueryBuilder::default()), mysql_suffix),
    };
    statement.to_sql(&mut sql, out.backend())?;
    out.push_sql(&sql.finish());
    out.push_sql(suffix);
    Ok(())
}

impl<T: QueryFragment<MultiBackend>> QueryFragment<MultiBackend> for Cached<T> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        walk(&self.0, "", out)
    }
}

impl<T: QueryFragment<MultiBackend>> QueryFragment<MultiBackend> for ForUpdate<T> {
    fn walk_ast<'b>(&'b self, out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        walk(&self.0, " FOR UPDATE", out)
    }
}

impl<T: Query> Query for Cached<T> {
    type SqlType = T::SqlType;
}

impl<T: Query> Query for ForUpdate<T> {
    type SqlType = T::SqlType;
}

/// None, so that a connection finds the statement by its text.
impl<T> QueryId for Cached<T> {
    type QueryId = ();

    const HAS_STATIC_QUERY_ID: bool = false;
}

/// None, so that a connection finds the statement by its text.
impl<T> QueryId for ForUpdate<T> {
    type QueryId = ();

    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<T> RunQueryDsl<AnyConnection> for Cached<T> {}
impl<T> RunQueryDsl<AnyConnection> for ForUpdate<T> {}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use diesel::{
        Connection, ExpressionMethods, QueryDsl, RunQueryDsl, SqliteConnection,
        connection::{InstrumentationEvent, SimpleConnection},
    };

    use super::*;
    use crate::db::schema::throttles;

    /// Returns the statements that a connection put into its cache during `work`.
    fn kept(work: impl FnOnce(&mut AnyConnection)) -> Vec<String> {
        let mut conn = SqliteConnection::establish(":memory:").unwrap();
        conn.batch_execute("CREATE TABLE throttles (budget BLOB PRIMARY KEY, failures INTEGER)").unwrap();
        let kept = Arc::new(Mutex::new(Vec::new()));
        let keeping = Arc::clone(&kept);
        conn.set_instrumentation(move |event: InstrumentationEvent<'_>| {
            if let InstrumentationEvent::CacheQuery { sql, .. } = event {
                keeping.lock().unwrap().push(sql.to_owned());
            }
        });
        work(&mut AnyConnection::Sqlite(conn));
        let kept = kept.lock().unwrap();
        kept.clone()
    }

    #[test]
    fn statement_is_prepared_once_and_cached() {
        let kept = kept(|conn| {
            for number in 0..3_u8 {
                let keys = [[number; 4], [0; 4]];
                let rows = || throttles::table.filter(throttles::budget.eq_any(keys.iter().map(|key| &key[..])));
                cached(diesel::update(rows()).set(throttles::failures.eq(1))).execute(conn).unwrap();
                cached(diesel::delete(rows())).execute(conn).unwrap();
                cached(rows().select(throttles::failures)).load::<i32>(conn).unwrap();
            }
        });
        assert_eq!(kept.len(), 3, "{kept:?}");
    }
}
