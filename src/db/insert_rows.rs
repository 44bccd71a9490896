//! `INSERT` of many rows. Diesel offers it for each backend, but not for a connection to either of two
//! (`CanInsertInSingleQuery` in diesel 2.3.14, `batch_insert.rs`).

use diesel::{
    QueryResult, RunQueryDsl,
    backend::Backend,
    internal::derives::multiconnection::AstPassHelper,
    mysql::MysqlQueryBuilder,
    query_builder::{AstPass, QueryBuilder, QueryFragment, QueryId},
    sqlite::query_builder::SqliteQueryBuilder,
};

use super::{AnyConnection, MultiBackend};

/// Rows of one statement. With twelve columns they have 1,200 values; SQLite allows 32,766 and MySQL 65,535.
const MAX_ROWS: usize = 100;
/// What is before the values of a row.
const VALUES: &str = " VALUES ";

/// Inserts of one row each into the same columns of the same table.
struct InsertRows<'a, T>(&'a [T]);

/// Inserts the row of each of `inserts`, many with one statement, because each statement is a round trip to a server.
/// All must have the same SQL, which rows derived with `Insertable` have not: they leave out what is `None`.
pub fn insert_rows<T>(conn: &mut AnyConnection, inserts: impl IntoIterator<Item = T>) -> QueryResult<()>
where
    T: QueryFragment<MultiBackend>,
{
    let mut inserts = inserts.into_iter();
    loop {
        let rows: Vec<T> = inserts.by_ref().take(MAX_ROWS).collect();
        if rows.is_empty() {
            return Ok(());
        }
        InsertRows(&rows).execute(conn)?;
    }
}

type Builder = <MultiBackend as Backend>::QueryBuilder;

impl<T: QueryFragment<MultiBackend>> InsertRows<'_, T> {
    fn sql(insert: &T, backend: &MultiBackend) -> QueryResult<String> {
        let mut sql = match backend {
            MultiBackend::Sqlite(_) => Builder::Sqlite(SqliteQueryBuilder::default()),
            MultiBackend::Mysql(_) => Builder::Mysql(MysqlQueryBuilder::default()),
        };
        insert.to_sql(&mut sql, backend)?;
        Ok(sql.finish())
    }
}

impl<T: QueryFragment<MultiBackend>> QueryFragment<MultiBackend> for InsertRows<'_, T> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, MultiBackend>) -> QueryResult<()> {
        if out.bind_collector().is_some() || out.debug_binds().is_some() {
            return self.0.iter().try_for_each(|insert| insert.walk_ast(out.reborrow()));
        }
        let Some((first, others)) = self.0.split_first() else { return Ok(()) };
        let sql = Self::sql(first, out.backend())?;
        debug_assert!(others.iter().all(|insert| Self::sql(insert, out.backend()).is_ok_and(|other| other == sql)));
        out.push_sql(&sql);
        if self.0.len() < MAX_ROWS {
            // The last rows of many: keeping a statement for each number of rows would take a lot of memory.
            out.unsafe_to_cache_prepared();
        }
        let row = sql.rsplit_once(VALUES).map_or("", |(_, row)| row);
        for _ in others {
            out.push_sql(", ");
            out.push_sql(row);
        }
        Ok(())
    }
}

/// None, so that a connection finds the statement by its text.
impl<T> QueryId for InsertRows<'_, T> {
    type QueryId = ();

    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<T> RunQueryDsl<AnyConnection> for InsertRows<'_, T> {}

#[cfg(test)]
mod tests {
    use diesel::{
        Connection, ExpressionMethods, QueryDsl, RunQueryDsl, SqliteConnection, connection::SimpleConnection,
        sqlite::Sqlite,
    };

    use super::*;
    use crate::db::schema::flask_security_keys as keys;

    #[test]
    fn all_rows_are_inserted_with_one_statement_for_a_hundred() {
        let mut conn = SqliteConnection::establish(":memory:").unwrap();
        conn.batch_execute("CREATE TABLE flask_security_keys (name TEXT PRIMARY KEY, encrypted BLOB)").unwrap();
        let mut conn = AnyConnection::Sqlite(conn);
        let row = |number: u8| {
            let encrypted = vec![number; usize::from(number)];
            diesel::insert_into(keys::table).values((keys::name.eq(number.to_string()), keys::encrypted.eq(encrypted)))
        };
        insert_rows(&mut conn, (0..250).map(row)).unwrap();
        insert_rows(&mut conn, (0..0).map(row)).unwrap();
        let stored: Vec<(String, Vec<u8>)> = keys::table.load(&mut conn).unwrap();
        assert_eq!(stored.len(), 250);
        assert!(stored.iter().all(|(name, bytes)| bytes.len().to_string() == *name));
        let mut sql = Builder::Sqlite(SqliteQueryBuilder::default());
        InsertRows(&[row(1), row(2)]).to_sql(&mut sql, &MultiBackend::Sqlite(Sqlite)).unwrap();
        assert!(sql.finish().ends_with(" VALUES (?, ?), (?, ?)"));
        assert!(insert_rows(&mut conn, (249..251).map(row)).is_err());
        let count: i64 = keys::table.count().get_result(&mut conn).unwrap();
        assert_eq!(count, 250, "all rows of a statement or none");
    }
}
