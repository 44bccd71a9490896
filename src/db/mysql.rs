//! A MySQL connection without a C client library: the pure-Rust connection of `diesel-async`, made to look like one of
//! Diesel's own so that it fits into [`super::AnyConnection`]. Nothing but delegation.
//!
//! `diesel-async` has the blocking wrapper but does not implement the helper trait that `#[derive(MultiConnection)]`
//! asks for, and neither the trait nor the wrapper is ours; hence a type of our own. It can go when Diesel's asynchronous
//! `MultiConnection` is released.

use std::{cell::Cell, time::Duration};

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
use diesel_async::{
    AsyncMysqlConnection,
    async_connection_wrapper::{AsyncConnectionWrapper, BlockOn},
};
use tokio::{
    runtime::{Builder, Runtime},
    time::timeout,
};

type Inner = AsyncConnectionWrapper<AsyncMysqlConnection, Alone>;
type InnerManager = <Inner as Connection>::TransactionManager;

/// A server that is silent for this long is given up. More than a statement waits for a lock, less than a request waits.
const SILENCE: Duration = Duration::from_secs(7);

thread_local! {
    static PATIENCE: Cell<Duration> = const { Cell::new(Duration::MAX) };
}

/// From now on, connections on this thread give up a server that is silent. Not for migrations, which may take their time.
pub(super) fn be_impatient() {
    PATIENCE.set(SILENCE);
}

/// A small runtime for each connection, so that none hangs on a request worker that may end; and a limit to its waiting,
/// which neither `mysql_async` nor the operating system has: a host that loses its power leaves a connection waiting for a
/// quarter of an hour, and with it a thread.
pub struct Alone(Runtime);

impl BlockOn for Alone {
    #[expect(clippy::panic, reason = "the trait has no other way out; the thread makes a new connection, see `crew`")]
    fn block_on<F: Future>(&self, work: F) -> F::Output {
        let patience = PATIENCE.get();
        self.0
            .block_on(async { timeout(patience, work).await })
            .unwrap_or_else(|_| panic!("the database server has been silent for {patience:?}"))
    }

    fn get_runtime() -> Self {
        Self(Builder::new_current_thread().enable_all().build().expect("the system has a timer and sockets"))
    }
}

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
