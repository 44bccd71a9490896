//! The database: connections, migrations, and the only two ways in, [`Database::read`] and [`Database::write`]. Knows
//! nothing of accounts; and no other module knows which database it is.

mod cached;
#[allow(missing_docs, reason = "written by diesel's derive")]
mod connection;
mod migrate;
mod mysql;
#[allow(missing_docs, reason = "written by diesel's macro")]
pub mod schema;

use std::{
    fs, io,
    num::NonZero,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

pub use diesel::QueryResult;
use diesel::result::{DatabaseErrorKind, Error as DieselError};

use self::connection::Mode;
pub use self::{
    cached::{Prepared, locking, prepared},
    connection::{AnyConnection, MultiBackend},
};
use crate::config::DatabaseUrl;
use crate::worker_pool::{JobFailed, WorkerPool};

/// Connections to a server; a file has one writer and as many readers as there are cores.
const SERVER_CONNECTIONS: usize = 8;
/// Jobs that may wait for a connection before the next is refused.
const WAITING: usize = 512;
/// How long a request waits for its job, from the queue to the answer. More than a lock may take.
const PATIENCE: Duration = Duration::from_secs(8);
/// A connection that was not used for longer than this is tried before it is trusted.
const STALE: Duration = Duration::from_secs(5);

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database is gone, locked, full or too busy: later may be better.
    #[error("the database does not answer: {0}")]
    Unavailable(String),
    /// The query is wrong, or the schema is: a fault of ours.
    #[error("a query failed: {0}")]
    Failed(String),
}

impl From<DieselError> for Error {
    fn from(error: DieselError) -> Self {
        if connection::is_unavailable(&error) {
            return Self::Unavailable(error.to_string());
        }
        match error {
            // The server's text names the value: "Duplicate entry 'ann@example.com' for key …".
            DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _) => {
                Self::Failed("a value that has to be unique is there already".to_owned())
            }
            error => Self::Failed(error.to_string()),
        }
    }
}

/// The thread gave it up, and has a new connection: the server was silent for too long, or a panic is in the log.
impl From<JobFailed> for Error {
    fn from(failed: JobFailed) -> Self {
        Self::Unavailable(failed.to_string())
    }
}

/// Why a database cannot be used at all, told to whoever starts the server.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// No connection.
    #[error("cannot connect to {0}: {1}")]
    Connect(DatabaseUrl, String),
    /// The schema could not be brought up to date.
    #[error("cannot bring {0} up to date: {1}")]
    Migrate(DatabaseUrl, String),
    /// What is read is not what was written.
    #[error(
        "{0} does not return a text and a time as they were written; check its character set and its client library"
    )]
    RoundTrip(DatabaseUrl),
    /// The operating system refused.
    #[error("cannot prepare {0}: {1}")]
    System(DatabaseUrl, io::Error),
}

/// A pool of connections, each on a thread of its own.
#[derive(Clone)]
pub struct Database {
    readers: Arc<WorkerPool<Link>>,
    writers: Arc<WorkerPool<Link>>,
}

/// What each thread owns: a connection, or the wish for one.
struct Link {
    url: DatabaseUrl,
    mode: Mode,
    connection: Option<(AnyConnection, Instant)>,
}

impl Link {
    fn connection(&mut self) -> Result<&mut AnyConnection, Error> {
        if let Some((connection, used)) = &mut self.connection
            && used.elapsed() > STALE
            && !connection.answers()
        {
            self.connection = None;
        }
        if self.connection.is_none() {
            let opened =
                AnyConnection::open(&self.url, self.mode).map_err(|error| Error::Unavailable(error.to_string()))?;
            self.connection = Some((opened, Instant::now()));
        }
        match &mut self.connection {
            Some((connection, used)) => {
                *used = Instant::now();
                Ok(connection)
            }
            None => Err(Error::Unavailable("no connection".to_owned())),
        }
    }

    fn run<T>(&mut self, work: impl FnOnce(&mut AnyConnection) -> QueryResult<T>) -> Result<T, Error> {
        let connection = self.connection()?;
        let outcome = work(connection).map_err(Error::from);
        let lost = match outcome {
            Err(Error::Unavailable(_)) => !connection.answers(),
            Err(Error::Failed(_)) | Ok(_) => false,
        };
        if lost || !connection.is_usable() {
            self.connection = None;
        }
        outcome
    }
}

impl Database {
    /// Connects, migrates and checks. Blocks; call it before serving.
    pub fn open(url: &DatabaseUrl) -> Result<Self, StartError> {
        let system = |error| StartError::System(url.clone(), error);
        if let DatabaseUrl::Sqlite(path) = url
            && let Some(folder) = path.parent()
            && !folder.as_os_str().is_empty()
        {
            fs::create_dir_all(folder).map_err(system)?;
        }
        let prepare = url.clone();
        let prepared = thread::spawn(move || prepare_database(&prepare)).join();
        prepared.unwrap_or_else(|_| Err(StartError::Migrate(url.clone(), "it panicked".to_owned())))?;

        let link = |mode| {
            let url = url.clone();
            move || {
                mysql::be_impatient();
                Link { url: url.clone(), mode, connection: None }
            }
        };
        let cores = thread::available_parallelism().map_or(2, NonZero::get);
        let (writers, readers) = match url {
            DatabaseUrl::Sqlite(_) => (
                Arc::new(WorkerPool::start("db-write", 1, WAITING, link(Mode::Write)).map_err(system)?),
                Arc::new(WorkerPool::start("db-read", cores.max(2), WAITING, link(Mode::Read)).map_err(system)?),
            ),
            DatabaseUrl::Mysql { .. } => {
                let both = WorkerPool::start("db", SERVER_CONNECTIONS, WAITING, link(Mode::Write));
                let both = Arc::new(both.map_err(system)?);
                (Arc::clone(&both), both)
            }
        };
        Ok(Self { readers, writers })
    }

    /// Runs queries that change nothing.
    pub async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&mut AnyConnection) -> QueryResult<T> + Send + 'static,
    ) -> Result<T, Error> {
        submit(&self.readers, move |link| link.run(query)).await
    }

    /// Runs queries in one transaction that may write: all of it happens or none. After a deadlock, or when it was
    /// [`overtaken`], `change` is called again, so it must not do anything but query.
    pub async fn write<T: Send + 'static>(
        &self,
        change: impl FnMut(&mut AnyConnection) -> QueryResult<T> + Send + 'static,
    ) -> Result<T, Error> {
        self.write_then(change, || ()).await
    }

    /// The same, and calls `then` when the transaction is over, however it ended, also if nobody waits for it any more:
    /// for what a process has to know when the database has changed.
    pub async fn write_then<T: Send + 'static>(
        &self,
        mut change: impl FnMut(&mut AnyConnection) -> QueryResult<T> + Send + 'static,
        then: impl FnOnce() + Send + 'static,
    ) -> Result<T, Error> {
        submit(&self.writers, move |link| {
            let outcome = link.run(|connection| connection.write(&mut change));
            then();
            outcome
        })
        .await
    }
}

async fn submit<T: Send + 'static>(
    pool: &WorkerPool<Link>,
    work: impl FnOnce(&mut Link) -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let permit =
        pool.try_reserve().ok_or_else(|| Error::Unavailable("too many requests wait for a connection".to_owned()))?;
    tokio::time::timeout(PATIENCE, permit.run(work))
        .await
        .map_err(|_| Error::Unavailable("no answer in time".to_owned()))?
        .map_err(Error::from)?
}

/// On a thread of its own, because a connection to a server must not be made inside of the request workers' runtime.
fn prepare_database(url: &DatabaseUrl) -> Result<(), StartError> {
    let mut connection =
        AnyConnection::open(url, Mode::Write).map_err(|error| StartError::Connect(url.clone(), error.to_string()))?;
    migrate::migrate(&mut connection).map_err(|error| StartError::Migrate(url.clone(), error.to_string()))?;
    let same = connection
        .write(&mut migrate::round_trip)
        .map_err(|error| StartError::Migrate(url.clone(), error.to_string()))?;
    if same { Ok(()) } else { Err(StartError::RoundTrip(url.clone())) }
}

/// Whether `error` says that a value which has to be unique is there already. Neither database tells which value
/// through Diesel, so the caller looks again.
#[must_use]
pub fn is_taken(error: &DieselError) -> bool {
    matches!(error, DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _))
}

/// The transaction came too late: another one has changed what it read. Returned from a `write`, it is begun anew.
#[must_use]
pub fn overtaken() -> DieselError {
    DieselError::DatabaseError(DatabaseErrorKind::SerializationFailure, Box::new("overtaken".to_owned()))
}
