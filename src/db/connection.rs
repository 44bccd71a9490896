//! One connection to the chosen database, set up so that both databases behave alike.

use std::{path::Path, time::Duration};

use diesel::{
    Connection as _, QueryResult, SqliteConnection,
    connection::{AnsiTransactionManager, SimpleConnection, TransactionManager},
    result::ConnectionError,
};

use super::{
    error::{Error, TransactionError},
    mysql::{MysqlConnection, MysqlTransactionManager},
};
use crate::config::DatabaseUrl;

/// How long a statement waits for a lock before it fails.
const LOCK_TIMEOUT: Duration = Duration::from_secs(5);
/// How often a transaction runs at most after serialization failures.
const MAX_TRIES: u32 = 5;

/// A connection to either database; queries are written once, for both.
#[derive(diesel::MultiConnection)]
pub enum AnyConnection {
    /// A file.
    Sqlite(SqliteConnection),
    /// A server.
    Mysql(MysqlConnection),
}

type Manager = <AnyConnection as diesel::Connection>::TransactionManager;

/// What a connection may be used for. Only SQLite makes a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Read,
    Write,
}

impl AnyConnection {
    /// Never the derived `establish`, which tries each backend and drops the errors.
    pub(super) fn open(url: &DatabaseUrl, mode: Mode) -> Result<Self, ConnectionError> {
        match url {
            DatabaseUrl::Sqlite(path) => open_sqlite(path, mode),
            DatabaseUrl::Mysql { ca_file, .. } => open_mysql(url.secret().unwrap_or_default(), ca_file.as_deref()),
        }
    }

    /// Runs `work` in a transaction that may write.
    ///
    /// On SQLite the transaction takes the write lock at once: eight writers that read first and then wrote failed 355
    /// times of 400 with "database is locked", with `IMMEDIATE` never. After a serialization failure the transaction
    /// runs again, so `work` can be called more than once.
    pub(super) fn write<T, E: TransactionError>(
        &mut self,
        work: &mut impl FnMut(&mut Self) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut tries = 1;
        loop {
            match self.write_once(work) {
                Err(error) if tries < MAX_TRIES && matches!(error.database(), Some(Error::SerializationFailure(_))) => {
                    tries += 1;
                }
                outcome => return outcome,
            }
        }
    }

    fn write_once<T, E: TransactionError>(&mut self, work: &mut impl FnMut(&mut Self) -> Result<T, E>) -> Result<T, E> {
        match self {
            Self::Sqlite(conn) => AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN IMMEDIATE"),
            Self::Mysql(conn) => MysqlTransactionManager::begin_transaction(conn),
        }
        .map_err(Error::from)?;
        match work(self) {
            Ok(value) => Ok(Manager::commit_transaction(self).map(|()| value).map_err(Error::from)?),
            Err(error) => {
                // A connection that cannot roll back is dropped by its worker, see `is_healthy`.
                let _ = Manager::rollback_transaction(self);
                Err(error)
            }
        }
    }

    /// Prepares the connection for the insertion of many rows: with a page cache of 64 MB, and a log of 128 MB before
    /// its pages go to the file, because a batch changes pages everywhere in the indices of names and addresses. With
    /// 64 MB each, an import of 400,000 accounts took 17 s instead of 20 s; with the larger log, one of a million took
    /// 41 s instead of 45 s.
    pub fn expect_many_rows(&mut self) -> QueryResult<()> {
        match self {
            Self::Sqlite(conn) => conn.batch_execute("PRAGMA cache_size = -64000; PRAGMA wal_autocheckpoint = 32000"),
            Self::Mysql(_) => Ok(()),
        }
    }

    /// Whether the other end answers. A file always does.
    pub(super) fn ping(&mut self) -> bool {
        match self {
            Self::Sqlite(_) => true,
            Self::Mysql(conn) => conn.batch_execute("SELECT 1").is_ok(),
        }
    }

    /// Whether the last transaction left the connection in a known state.
    pub(super) fn is_healthy(&mut self) -> bool {
        !Manager::is_broken_transaction_manager(self)
    }
}

fn open_sqlite(path: &Path, mode: Mode) -> Result<AnyConnection, ConnectionError> {
    let path = path
        .to_str()
        .ok_or_else(|| ConnectionError::InvalidConnectionUrl("the path of the file is not UTF-8".to_owned()))?;
    let mut conn = SqliteConnection::establish(path)?;
    let timeout = LOCK_TIMEOUT.as_millis();
    // FULL, because a created account must survive a power failure right after the answer. A page cache of 8 MB,
    // allocated as it is read: with the default of 2 MB, a page of one account among ten million cost a quarter more
    // than of one among a thousand.
    conn.batch_execute(&format!(
        "PRAGMA busy_timeout = {timeout}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; \
         PRAGMA foreign_keys = ON; PRAGMA cache_size = -8000;"
    ))
    .and_then(|()| match mode {
        Mode::Read => conn.batch_execute("PRAGMA query_only = ON"),
        Mode::Write => Ok(()),
    })
    .map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(AnyConnection::Sqlite(conn))
}

fn open_mysql(url: &str, ca_file: Option<&Path>) -> Result<AnyConnection, ConnectionError> {
    let mut conn = match ca_file {
        None => MysqlConnection::establish(url)?,
        Some(file) => MysqlConnection::establish_with_ca(url, file)?,
    };
    let settings = [
        // Errors are classified by their messages, see `error`.
        "SET SESSION lc_messages = 'en_US'".to_owned(),
        // Without strict mode an over-long value is cut silently.
        "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO'".to_owned(),
        // As on SQLite: what was committed. Also fewer gap locks, and so fewer deadlocks.
        "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED".to_owned(),
        format!("SET SESSION innodb_lock_wait_timeout = {}", LOCK_TIMEOUT.as_secs()),
    ];
    for setting in settings {
        conn.batch_execute(&setting).map_err(ConnectionError::CouldntSetupConfiguration)?;
    }
    Ok(AnyConnection::Mysql(conn))
}
