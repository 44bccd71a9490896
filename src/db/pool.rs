//! The pool: connections on worker threads of their own behind a bounded queue, and the two ways in, read and write.

use std::{
    fs,
    num::NonZero,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use diesel::{
    QueryDsl, RunQueryDsl,
    connection::SimpleConnection,
    dsl::{exists, select},
};

use tracing::debug;

use super::{
    QueryResult,
    connection::{AnyConnection, Mode},
    error::{Error, StartError, TransactionError},
    migrate, mysql, schema,
};
use crate::{
    config::DatabaseUrl,
    worker_pool::{JobCounts, WorkerPool},
};

/// Connections to a server. A file has one writer and as many readers as there are cores.
const POOL_SIZE: usize = 8;
/// Jobs that may wait for a connection before the next one is refused.
const MAX_QUEUED: usize = 512;
/// How long a request waits for its job, from the queue to the answer. Longer than a statement waits for a lock.
const JOB_TIMEOUT: Duration = Duration::from_secs(8);
/// The same for the jobs of an import: no person waits for them, and the server or the disk may be slow.
const LONG_JOB_TIMEOUT: Duration = Duration::from_mins(10);
/// A thread that had no job for this long empties the page cache of its connection. Less than the minute between two
/// rounds of maintenance, which would keep it from ever being idle.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
/// A connection that was not used for this long is pinged before its next use.
const PING_AFTER: Duration = Duration::from_secs(5);

/// The database. Clones share one pool.
#[derive(Clone)]
pub struct Database {
    readers: Arc<WorkerPool<Worker>>,
    writers: Arc<WorkerPool<Worker>>,
    has_long_jobs: Arc<AtomicBool>,
}

/// The threads of the database at one moment. Each has one connection.
#[derive(Debug, Clone, Copy)]
pub struct PoolStatus {
    /// The pool: `read` and `write` on SQLite, `all` on MySQL.
    pub name: &'static str,
    /// The number of threads, and so of connections at most.
    pub threads: usize,
    /// The jobs that wait for a thread, and those that run.
    pub jobs: JobCounts,
}

/// Per-thread state: the URL and, once opened, the connection with the time of its last use.
struct Worker {
    url: DatabaseUrl,
    mode: Mode,
    connection: Option<(AnyConnection, Instant)>,
}

impl Worker {
    fn connection(&mut self) -> Result<&mut AnyConnection, Error> {
        if let Some((connection, used)) = &mut self.connection
            && used.elapsed() > PING_AFTER
            && !connection.ping()
        {
            self.connection = None;
        }
        if self.connection.is_none() {
            let opened = AnyConnection::open(&self.url, self.mode).map_err(Error::unavailable)?;
            self.connection = Some((opened, Instant::now()));
        }
        match &mut self.connection {
            Some((connection, used)) => {
                *used = Instant::now();
                Ok(connection)
            }
            None => Err(Error::unavailable("no connection")),
        }
    }

    /// Returns the page cache of SQLite to the system: up to 8 MB for each connection after many sign-ins.
    fn release_memory(&mut self) {
        if let Some((AnyConnection::Sqlite(connection), _)) = &mut self.connection
            && let Err(error) = connection.batch_execute("PRAGMA shrink_memory")
        {
            debug!(%error, "could not empty the page cache");
        }
    }

    fn run<T, E: TransactionError>(&mut self, work: impl FnOnce(&mut AnyConnection) -> Result<T, E>) -> Result<T, E> {
        let connection = self.connection()?;
        let outcome = work(connection);
        let unavailable = outcome.as_ref().err().and_then(TransactionError::database);
        let lost = matches!(unavailable, Some(Error::Unavailable(_))) && !connection.ping();
        if lost || !connection.is_healthy() {
            self.connection = None;
        }
        outcome
    }
}

impl Database {
    /// Connects, runs pending migrations, and checks that the database returns what was written. Returns the number of
    /// migrations. Blocks.
    pub fn migrate(url: &DatabaseUrl) -> Result<usize, StartError> {
        let system = |error| StartError::System(url.clone(), error);
        if let DatabaseUrl::Sqlite(path) = url
            && let Some(folder) = path.parent()
            && !folder.as_os_str().is_empty()
        {
            fs::create_dir_all(folder).map_err(system)?;
        }
        let target = url.clone();
        // On a thread of its own: a connection to a server must not be opened inside the runtime of a request worker.
        let prepared = thread::spawn(move || prepare(&target)).join();
        prepared.unwrap_or_else(|_| Err(StartError::Migrate(url.clone(), "a panic, see the log".into())))
    }

    /// Migrates the database as [`Database::migrate`] does, and starts its threads. Blocks, so call it before serving.
    pub fn open(url: &DatabaseUrl) -> Result<Self, StartError> {
        let system = |error| StartError::System(url.clone(), error);
        Self::migrate(url)?;
        let worker = |mode| {
            let url = url.clone();
            move || {
                mysql::enable_timeout();
                Worker { url: url.clone(), mode, connection: None }
            }
        };
        let idle: (Duration, fn(&mut Worker)) = (IDLE_TIMEOUT, Worker::release_memory);
        let cores = thread::available_parallelism().map_or(2, NonZero::get);
        let (writers, readers) = match url {
            DatabaseUrl::Sqlite(_) => (
                Arc::new(WorkerPool::start("db-write", 1, MAX_QUEUED, worker(Mode::Write), idle).map_err(system)?),
                Arc::new(
                    WorkerPool::start("db-read", cores.max(2), MAX_QUEUED, worker(Mode::Read), idle).map_err(system)?,
                ),
            ),
            DatabaseUrl::Mysql { .. } => {
                let both = WorkerPool::start("db", POOL_SIZE, MAX_QUEUED, worker(Mode::Write), idle);
                let both = Arc::new(both.map_err(system)?);
                (Arc::clone(&both), both)
            }
        };
        Ok(Self { readers, writers, has_long_jobs: Arc::default() })
    }

    /// Runs queries that change nothing.
    pub async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&mut AnyConnection) -> QueryResult<T> + Send + 'static,
    ) -> Result<T, Error> {
        self.submit(&self.readers, move |worker| worker.run(|conn| query(conn).map_err(Error::from))).await
    }

    /// Runs queries in one transaction: all of them take effect or none. After a deadlock or a
    /// [`serialization_failure`](super::serialization_failure) `change` is called again, so it must do nothing but
    /// query.
    pub async fn write<T: Send + 'static>(
        &self,
        mut change: impl FnMut(&mut AnyConnection) -> QueryResult<T> + Send + 'static,
    ) -> Result<T, Error> {
        self.transaction(move |conn| change(conn).map_err(Error::from), |_| ()).await
    }

    /// Like [`Database::write`], for a change that has reasons of its own to roll back. `on_commit` runs on the worker
    /// thread after the commit, also when the caller's future was dropped. `change` is dropped at the end in any case,
    /// also when it panics or the server stops answering during COMMIT: a guard that it owns is sure to run.
    pub async fn transaction<T, E>(
        &self,
        mut change: impl FnMut(&mut AnyConnection) -> Result<T, E> + Send + 'static,
        on_commit: impl FnOnce(&T) + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: TransactionError,
    {
        self.submit(&self.writers, move |worker| {
            let outcome = worker.run(|conn| conn.write(&mut change));
            if let Ok(value) = &outcome {
                on_commit(value);
            }
            outcome
        })
        .await
    }

    /// Lets jobs take ten minutes instead of eight seconds from now on, also those of clones.
    pub fn allow_long_jobs(&self) {
        self.has_long_jobs.store(true, Ordering::Relaxed);
    }

    async fn submit<T, E>(
        &self,
        pool: &WorkerPool<Worker>,
        job: impl FnOnce(&mut Worker) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: TransactionError,
    {
        let permit = pool.try_reserve().ok_or_else(|| Error::unavailable("too many requests wait for a connection"))?;
        let limit = if self.has_long_jobs.load(Ordering::Relaxed) { LONG_JOB_TIMEOUT } else { JOB_TIMEOUT };
        tokio::time::timeout(limit, permit.run(job))
            .await
            .map_err(|_| Error::unavailable("no answer in time"))?
            .map_err(Error::from)?
    }

    /// Returns the state of each pool of threads.
    #[must_use]
    pub fn pools(&self) -> Vec<PoolStatus> {
        let status = |name, pool: &WorkerPool<Worker>| PoolStatus { name, threads: pool.threads(), jobs: pool.queue() };
        if Arc::ptr_eq(&self.readers, &self.writers) {
            return vec![status("all", &self.writers)];
        }
        vec![status("read", &self.readers), status("write", &self.writers)]
    }

    /// Reads from a table, for health checks.
    pub async fn ping(&self) -> Result<(), Error> {
        let query = select(exists(schema::accounts::table.select(schema::accounts::id)));
        self.read(move |conn| query.get_result::<bool>(conn)).await.map(|_| ())
    }
}

fn prepare(url: &DatabaseUrl) -> Result<usize, StartError> {
    let mut connection =
        AnyConnection::open(url, Mode::Write).map_err(|error| StartError::Connect(url.clone(), error.into()))?;
    let migrations = migrate::migrate(&mut connection).map_err(|error| StartError::Migrate(url.clone(), error))?;
    let same = connection
        .write(&mut |conn| migrate::round_trip(conn).map_err(Error::from))
        .map_err(|error| StartError::Migrate(url.clone(), error.into()))?;
    if same { Ok(migrations) } else { Err(StartError::RoundTrip(url.clone())) }
}
