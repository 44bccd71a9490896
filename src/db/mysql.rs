//! A MySQL connection without a C client library: the pure-Rust connection of `diesel-async` as a blocking Diesel
//! connection that fits into [`super::AnyConnection`]. Delegates to the inner connection, and adds to it a runtime and
//! a timeout.
//!
//! `diesel-async` has the blocking wrapper but does not implement the helper trait that `#[derive(MultiConnection)]`
//! asks for. Neither the trait nor the wrapper is ours, hence this type. It can go when Diesel's asynchronous
//! `MultiConnection` is released (diesel 5099, `diesel_async` 295).

use std::{cell::Cell, path::Path, time::Duration};

use diesel::{
    ConnectionError, QueryResult,
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
use mysql_async::{Conn, Opts, OptsBuilder};
use tokio::{
    runtime::{Builder, Runtime},
    time::timeout,
};

type Inner = AsyncConnectionWrapper<AsyncMysqlConnection, OwnRuntime>;
type InnerManager = <Inner as Connection>::TransactionManager;

/// A server that does not answer for this long is given up. Longer than a statement waits for a lock, shorter than a
/// request waits for its job.
const SERVER_TIMEOUT: Duration = Duration::from_secs(7);

thread_local! {
    static TIMEOUT: Cell<Duration> = const { Cell::new(Duration::MAX) };
    /// The runtime on which a connection was opened, for the wrapper that is put around it next.
    static NEXT_RUNTIME: Cell<Option<Runtime>> = const { Cell::new(None) };
}

/// Gives connections of this thread a timeout from now on. Not for migrations, which may take long.
pub(super) fn enable_timeout() {
    TIMEOUT.set(SERVER_TIMEOUT);
}

/// A runtime for each connection, so that no connection depends on a request worker's runtime, and a timeout, which
/// neither `mysql_async` nor the operating system has: after a host loses its power, a connection waits for a quarter
/// of an hour, and its thread with it.
pub struct OwnRuntime(Runtime);

impl BlockOn for OwnRuntime {
    #[expect(clippy::panic, reason = "the trait cannot return an error; the worker opens a new connection afterwards")]
    fn block_on<F: Future>(&self, work: F) -> F::Output {
        let limit = TIMEOUT.get();
        self.0
            .block_on(async { timeout(limit, work).await })
            .unwrap_or_else(|_| panic!("the database server did not answer within {limit:?}"))
    }

    fn get_runtime() -> Self {
        Self(NEXT_RUNTIME.take().unwrap_or_else(|| {
            Builder::new_current_thread().enable_all().build().expect("the system has a timer and sockets")
        }))
    }
}

pub struct MysqlConnection(Inner);
pub struct MysqlTransactionManager;

impl MysqlConnection {
    /// Like `establish`, with TLS and the certificate authority in `ca_file` alone, for which a URL has no parameter.
    pub(super) fn establish_with_ca(url: &str, ca_file: &Path) -> ConnectionResult<Self> {
        let options = Opts::from_url(url).map_err(|error| ConnectionError::InvalidConnectionUrl(error.to_string()))?;
        let tls = options
            .ssl_opts()
            .cloned()
            .unwrap_or_default()
            .with_root_certs(vec![ca_file.to_owned().into()])
            .with_disable_built_in_roots(true)
            .with_danger_accept_invalid_certs(false);
        // As diesel-async sets them in its own `establish`.
        let options = OptsBuilder::from_opts(options).ssl_opts(tls).stmt_cache_size(0).client_found_rows(true);
        let runtime = OwnRuntime::get_runtime();
        let inner = runtime.block_on(async {
            let conn = Conn::new(options).await.map_err(|error| ConnectionError::BadConnection(error.to_string()))?;
            AsyncMysqlConnection::try_from(conn).await
        })?;
        // The socket belongs to this runtime, and `from` asks for one by `get_runtime`.
        NEXT_RUNTIME.set(Some(runtime.0));
        Ok(Self(Inner::from(inner)))
    }
}

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
