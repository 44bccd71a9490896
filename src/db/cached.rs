//! Statements that a connection prepares once and keeps. Diesel does so with most; not with `UPDATE` and `IN (…)`, whose
//! texts could be others each time. Here they are few, and to prepare one anew takes longer than to run it.
//!
//! Queries by a unique key end with `get_result` and not with `first`, which adds `LIMIT ?`: SQLite prepares a statement anew
//! whenever a limit is bound, because it plans by the limit's value (`sqlite3ExprIsInteger`), however well it is kept.

use diesel::{
    QueryResult, RunQueryDsl,
    backend::Backend,
    internal::derives::multiconnection::AstPassHelper,
    mysql::MysqlQueryBuilder,
    query_builder::{AstPass, Query, QueryBuilder, QueryFragment, QueryId},
    sqlite::query_builder::SqliteQueryBuilder,
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

type Builder = <MultiBackend as Backend>::QueryBuilder;

impl<T: QueryFragment<MultiBackend>> QueryFragment<MultiBackend> for Prepared<T> {
    /// The statement hands over its values itself, but its text as a whole: it would say of its parts that they are not to be
    /// kept.
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        if out.bind_collector().is_some() || out.debug_binds().is_some() {
            return self.statement.walk_ast(out);
        }
        let (mut text, end) = match out.backend() {
            MultiBackend::Sqlite(_) => (Builder::Sqlite(SqliteQueryBuilder::default()), ""),
            MultiBackend::Mysql(_) => (Builder::Mysql(MysqlQueryBuilder::default()), " FOR UPDATE"),
        };
        self.statement.to_sql(&mut text, out.backend())?;
        out.push_sql(&text.finish());
        if self.locks {
            out.push_sql(end);
        }
        Ok(())
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

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use diesel::{
        Connection, ExpressionMethods, QueryDsl, RunQueryDsl, SqliteConnection,
        connection::{InstrumentationEvent, SimpleConnection},
    };

    use super::*;
    use crate::db::schema::throttles;

    /// Which statements a connection has begun to keep while `work` went on.
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
                prepared(diesel::update(rows()).set(throttles::failures.eq(1))).execute(conn).unwrap();
                prepared(diesel::delete(rows())).execute(conn).unwrap();
                prepared(rows().select(throttles::failures)).load::<i32>(conn).unwrap();
            }
        });
        assert_eq!(kept.len(), 3, "{kept:?}");
    }
}
