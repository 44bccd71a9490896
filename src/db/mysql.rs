//! A MySQL connection without a C client library: the pure-Rust connection of `diesel-async`, made to look like one of
//! Diesel's own so that it fits into [`super::AnyConnection`]. Nothing but delegation.
//!
//! `diesel-async` has the blocking wrapper but does not implement the helper trait that `#[derive(MultiConnection)]`
//! asks for, and neither the trait nor the wrapper is ours; hence a type of our own. It can go when Diesel's asynchronous
//! `MultiConnection` is released.

use diesel::{
    QueryResult,
    connection::{
        CacheSize, Connection, ConnectionSealed, Instrumentation, LoadConnection, SimpleConnection, TransactionManager,
        TransactionManagerStatus,
    },
    expression::QueryMetadata,
    internal::derives::multiconnection::MultiConnectionHelper,
    migration::MigrationConnection,
    mysql::Mysql,
    query_builder::{Query, QueryFragment, QueryId},
    result::ConnectionResult,
    sql_types::TypeMetadata,
};
use diesel_async::{AsyncMysqlConnection, async_connection_wrapper::AsyncConnectionWrapper};

/// The wrapper brings a small runtime of its own when it is made outside of one, as on the threads of `db`: no
/// connection hangs on a request worker that may end.
type Inner = AsyncConnectionWrapper<AsyncMysqlConnection>;
type InnerManager = <Inner as Connection>::TransactionManager;

pub struct MysqlConnection(Inner);
pub struct MysqlTransactionManager;

impl SimpleConnection for MysqlConnection {
    fn batch_execute(&mut self, query: &str) -> QueryResult<()> {
        self.0.batch_execute(query)
    }
}

impl ConnectionSealed for MysqlConnection {}

impl Connection for MysqlConnection {
    type Backend = Mysql;
    type TransactionManager = MysqlTransactionManager;

    fn establish(url: &str) -> ConnectionResult<Self> {
        Inner::establish(url).map(Self)
    }

    fn execute_returning_count<T>(&mut self, source: &T) -> QueryResult<usize>
    where
        T: QueryFragment<Self::Backend> + QueryId,
    {
        self.0.execute_returning_count(source)
    }

    fn transaction_state(
        &mut self,
    ) -> &mut <Self::TransactionManager as TransactionManager<Self>>::TransactionStateData {
        self.0.transaction_state()
    }

    fn instrumentation(&mut self) -> &mut dyn Instrumentation {
        self.0.instrumentation()
    }

    fn set_instrumentation(&mut self, instrumentation: impl Instrumentation) {
        self.0.set_instrumentation(instrumentation);
    }

    fn set_prepared_statement_cache_size(&mut self, size: CacheSize) {
        self.0.set_prepared_statement_cache_size(size);
    }
}

impl LoadConnection for MysqlConnection {
    type Cursor<'conn, 'query> = <Inner as LoadConnection>::Cursor<'conn, 'query>;
    type Row<'conn, 'query> = <Inner as LoadConnection>::Row<'conn, 'query>;

    fn load<'conn, 'query, T>(&'conn mut self, source: T) -> QueryResult<Self::Cursor<'conn, 'query>>
    where
        T: Query + QueryFragment<Self::Backend> + QueryId + 'query,
        Self::Backend: QueryMetadata<T::SqlType>,
    {
        <Inner as LoadConnection>::load(&mut self.0, source)
    }
}

impl TransactionManager<MysqlConnection> for MysqlTransactionManager {
    type TransactionStateData = <InnerManager as TransactionManager<Inner>>::TransactionStateData;

    fn begin_transaction(conn: &mut MysqlConnection) -> QueryResult<()> {
        InnerManager::begin_transaction(&mut conn.0)
    }

    fn rollback_transaction(conn: &mut MysqlConnection) -> QueryResult<()> {
        InnerManager::rollback_transaction(&mut conn.0)
    }

    fn commit_transaction(conn: &mut MysqlConnection) -> QueryResult<()> {
        InnerManager::commit_transaction(&mut conn.0)
    }

    fn transaction_manager_status_mut(conn: &mut MysqlConnection) -> &mut TransactionManagerStatus {
        InnerManager::transaction_manager_status_mut(&mut conn.0)
    }

    fn is_broken_transaction_manager(conn: &mut MysqlConnection) -> bool {
        InnerManager::is_broken_transaction_manager(&mut conn.0)
    }
}

impl MultiConnectionHelper for MysqlConnection {
    fn to_any<'a>(lookup: &mut <Self::Backend as TypeMetadata>::MetadataLookup) -> &mut (dyn std::any::Any + 'a) {
        lookup
    }

    fn from_any(lookup: &mut dyn std::any::Any) -> Option<&mut <Self::Backend as TypeMetadata>::MetadataLookup> {
        lookup.downcast_mut()
    }
}

impl MigrationConnection for MysqlConnection {
    fn setup(&mut self) -> QueryResult<usize> {
        self.0.setup()
    }
}
