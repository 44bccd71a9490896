//! One connection, to whichever database was chosen, set up so that both behave alike.

use std::{path::Path, time::Duration};

use diesel::{
    Connection as _, QueryResult, SqliteConnection,
    connection::{AnsiTransactionManager, SimpleConnection, TransactionManager},
    result::{ConnectionError, DatabaseErrorKind, Error as DieselError},
};

use super::mysql::{MysqlConnection, MysqlTransactionManager};
use crate::config::DatabaseUrl;

/// How long a statement waits for a lock that somebody else holds before it gives up.
const LOCK_PATIENCE: Duration = Duration::from_secs(5);

/// A connection to either database; queries are written once, for both.
#[derive(diesel::MultiConnection)]
pub enum AnyConnection {
    /// A file.
    Sqlite(SqliteConnection),
    /// A server.
    Mysql(MysqlConnection),
}

/// What a connection may be used for. Only SQLite tells them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Read,
    Write,
}

impl AnyConnection {
    pub(super) fn open(url: &DatabaseUrl, mode: Mode) -> Result<Self, ConnectionError> {
        match url {
            DatabaseUrl::Sqlite(path) => open_sqlite(path, mode),
            DatabaseUrl::Mysql { .. } => open_mysql(url.secret().unwrap_or_default()),
        }
    }

    /// Runs `work` in a transaction that may write.
    ///
    /// On SQLite it takes the write lock at once: eight writers that read first and wrote then failed 355 times of 400
    /// with "database is locked", with `IMMEDIATE` never. A deadlock, which MySQL answers by undoing one of the two
    /// transactions, is tried again, and so is what was overtaken; therefore `work` can be called more than once.
    pub(super) fn write<T>(&mut self, work: &mut impl FnMut(&mut Self) -> QueryResult<T>) -> QueryResult<T> {
        const TRIES: u32 = 5;
        let mut tries = 0;
        loop {
            tries += 1;
            match self.write_once(work) {
                Err(error) if tries < TRIES && is_worth_another_try(&error) => {}
                outcome => return outcome,
            }
        }
    }

    fn write_once<T>(&mut self, work: &mut impl FnMut(&mut Self) -> QueryResult<T>) -> QueryResult<T> {
        match self {
            Self::Sqlite(conn) => {
                AnsiTransactionManager::begin_transaction_sql(conn, "BEGIN IMMEDIATE")?;
            }
            Self::Mysql(conn) => MysqlTransactionManager::begin_transaction(conn)?,
        }
        let outcome = work(self);
        match outcome {
            Ok(value) => <Self as diesel::Connection>::TransactionManager::commit_transaction(self).map(|()| value),
            Err(error) => {
                // A connection that cannot even roll back is thrown away by whoever owns it; see `is_usable`.
                let _ = <Self as diesel::Connection>::TransactionManager::rollback_transaction(self);
                Err(error)
            }
        }
    }

    /// Whether the other end still answers. A file always does.
    pub(super) fn answers(&mut self) -> bool {
        match self {
            Self::Sqlite(_) => true,
            Self::Mysql(conn) => conn.batch_execute("SELECT 1").is_ok(),
        }
    }

    /// Whether the last transaction left the connection in a state that we know.
    pub(super) fn is_usable(&mut self) -> bool {
        !<Self as diesel::Connection>::TransactionManager::is_broken_transaction_manager(self)
    }
}

fn open_sqlite(path: &Path, mode: Mode) -> Result<AnyConnection, ConnectionError> {
    let path = path
        .to_str()
        .ok_or_else(|| ConnectionError::InvalidConnectionUrl("the path of the file is not UTF-8".to_owned()))?;
    let mut conn = SqliteConnection::establish(path)?;
    let patience = LOCK_PATIENCE.as_millis();
    // FULL, because an account that was promised must survive the machine's power failing right after. 8 MB of pages, taken as
    // they are read: with the usual 2, the page of one among ten million cost a quarter more than of one among a thousand.
    conn.batch_execute(&format!(
        "PRAGMA busy_timeout = {patience}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
         PRAGMA cache_size = -8000;"
    ))
    .and_then(|()| match mode {
        Mode::Read => conn.batch_execute("PRAGMA query_only = ON"),
        Mode::Write => Ok(()),
    })
    .map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(AnyConnection::Sqlite(conn))
}

fn open_mysql(url: &str) -> Result<AnyConnection, ConnectionError> {
    let mut conn = MysqlConnection::establish(url)?;
    let settings = [
        // Errors are told apart by their texts; see `is_unavailable`.
        "SET SESSION lc_messages = 'en_US'".to_owned(),
        // Without strict mode an over-long value is cut silently.
        "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION,ERROR_FOR_DIVISION_BY_ZERO'".to_owned(),
        // As SQLite sees it: what was committed. Also fewer gap locks, and so fewer deadlocks.
        "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED".to_owned(),
        format!("SET SESSION innodb_lock_wait_timeout = {}", LOCK_PATIENCE.as_secs()),
    ];
    for setting in settings {
        conn.batch_execute(&setting).map_err(ConnectionError::CouldntSetupConfiguration)?;
    }
    Ok(AnyConnection::Mysql(conn))
}

/// The database, not the query, is what failed: it is gone, locked, full, or being stopped. `diesel-async` keeps no
/// error codes, so the text has to tell; the server's texts are these in MariaDB 10.11 and MySQL 8.
pub(super) fn is_unavailable(error: &DieselError) -> bool {
    const SQLITE: [&str; 7] = [
        "database is locked",
        "database table is locked",
        "database or disk is full",
        "disk I/O error",
        "unable to open database file",
        "attempt to write a readonly database",
        "file is not a database",
    ];
    const MYSQL: [&str; 12] = [
        "Input/output error",
        "Connection to the server is closed",
        "is disconnected",
        "Lock wait timeout exceeded",
        "Deadlock found",
        "Server shutdown in progress",
        "Query execution was interrupted",
        "is full",
        "Disk full",
        // A replica: --read-only, and --super-read-only on MySQL.
        "option so it cannot execute this statement",
        "Connection was killed",
        // A Galera node that is not in sync yet.
        "WSREP has not yet prepared node",
    ];
    match error {
        DieselError::DatabaseError(
            DatabaseErrorKind::ClosedConnection
            | DatabaseErrorKind::ReadOnlyTransaction
            | DatabaseErrorKind::SerializationFailure,
            _,
        )
        | DieselError::BrokenTransactionManager => true,
        DieselError::DatabaseError(DatabaseErrorKind::Unknown, information) => {
            let message = information.message();
            SQLITE.iter().chain(&MYSQL).any(|known| message.contains(known))
        }
        _ => false,
    }
}

fn is_worth_another_try(error: &DieselError) -> bool {
    match error {
        DieselError::DatabaseError(DatabaseErrorKind::SerializationFailure, _) => true,
        DieselError::DatabaseError(DatabaseErrorKind::Unknown, information) => {
            information.message().contains("Deadlock found")
        }
        _ => false,
    }
}
