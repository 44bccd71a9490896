//! Why the database gave no answer, told from Diesel's errors and the servers' texts.

use std::io;

use diesel::result::{DatabaseErrorKind, Error as QueryError};

use crate::{config::DatabaseUrl, worker_pool::JobFailed};

/// What went wrong, for the log.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why a read or a transaction failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database is unreachable, locked, full or overloaded. A later try may succeed.
    #[error("the database is unavailable: {0}")]
    Unavailable(#[source] Cause),
    /// Another transaction changed the same rows first. [`Database::write`](super::Database::write) tries again, so a
    /// caller sees this only when every try failed.
    #[error("a concurrent transaction changed the same rows: {0}")]
    SerializationFailure(#[source] Cause),
    /// A value that has to be unique is in use. Without a cause: the server's text names the value ("Duplicate entry
    /// 'ann@example.com' for key …").
    #[error("a value that has to be unique is in use")]
    UniqueViolation,
    /// The query or the schema is wrong: a defect.
    #[error("a query failed: {0}")]
    Failed(#[source] Cause),
}

/// An error of the code that runs inside a transaction. The transaction rolls back, whatever the error is, and runs
/// again if it is a serialization failure of the database.
pub trait TransactionError: From<Error> + Send + 'static {
    /// Returns the database's error, if that is what this is.
    fn database(&self) -> Option<&Error>;
}

impl TransactionError for Error {
    fn database(&self) -> Option<&Error> {
        Some(self)
    }
}

impl Error {
    pub(super) fn unavailable(cause: impl Into<Cause>) -> Self {
        Self::Unavailable(cause.into())
    }
}

impl From<QueryError> for Error {
    fn from(error: QueryError) -> Self {
        if is_unique_violation(&error) {
            Self::UniqueViolation
        } else if is_retryable(&error) {
            Self::SerializationFailure(error.into())
        } else if is_unavailable(&error) {
            Self::Unavailable(error.into())
        } else {
            Self::Failed(error.into())
        }
    }
}

/// The worker gave the job up: the server did not answer in time, or the log holds a panic.
impl From<JobFailed> for Error {
    fn from(error: JobFailed) -> Self {
        Self::Unavailable(error.into())
    }
}

/// Why a database cannot be used at all. For the operator.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// There is no connection.
    #[error("cannot connect to {0}: {1}")]
    Connect(DatabaseUrl, #[source] Cause),
    /// The schema cannot be brought up to date.
    #[error("cannot migrate {0}: {1}")]
    Migrate(DatabaseUrl, #[source] Cause),
    /// The database does not return what was written.
    #[error("{0} does not return a text and a time as they were written; check its character set")]
    RoundTrip(DatabaseUrl),
    /// The operating system refused.
    #[error("cannot prepare {0}: {1}")]
    System(DatabaseUrl, #[source] io::Error),
}

/// Whether a value that has to be unique is in use. Through Diesel neither database tells which value, so the caller
/// looks again.
#[must_use]
pub fn is_unique_violation(error: &QueryError) -> bool {
    matches!(error, QueryError::DatabaseError(DatabaseErrorKind::UniqueViolation, _))
}

/// Returns an error that makes [`Database::write`](super::Database::write) run the transaction again, for a change that
/// found another transaction's row where there was none before.
#[must_use]
pub fn serialization_failure() -> QueryError {
    QueryError::DatabaseError(
        DatabaseErrorKind::SerializationFailure,
        Box::new("another transaction inserted the row".to_owned()),
    )
}

/// MySQL answers a deadlock by rolling back one of the two transactions.
fn is_retryable(error: &QueryError) -> bool {
    match error {
        QueryError::DatabaseError(DatabaseErrorKind::SerializationFailure, _) => true,
        QueryError::DatabaseError(DatabaseErrorKind::Unknown, information) => {
            information.message().contains("Deadlock found")
        }
        _ => false,
    }
}

/// Whether the database and not the query failed. `diesel-async` keeps no error codes, so the message has to tell; the
/// messages are those of MariaDB 10.11 and MySQL 8 in English, which each connection asks for.
fn is_unavailable(error: &QueryError) -> bool {
    const SQLITE: [&str; 7] = [
        "database is locked",
        "database table is locked",
        "database or disk is full",
        "disk I/O error",
        "unable to open database file",
        "attempt to write a readonly database",
        "file is not a database",
    ];
    const MYSQL: [&str; 11] = [
        "Input/output error",
        "Connection to the server is closed",
        "is disconnected",
        "Lock wait timeout exceeded",
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
        QueryError::DatabaseError(DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::ReadOnlyTransaction, _)
        | QueryError::BrokenTransactionManager => true,
        QueryError::DatabaseError(DatabaseErrorKind::Unknown, information) => {
            let message = information.message();
            SQLITE.iter().chain(&MYSQL).any(|known| message.contains(known))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unknown(message: &str) -> Error {
        QueryError::DatabaseError(DatabaseErrorKind::Unknown, Box::new(message.to_owned())).into()
    }

    #[test]
    fn errors_are_classified_by_kind_and_message() {
        assert!(matches!(unknown("database is locked"), Error::Unavailable(_)));
        assert!(matches!(unknown("Server error: Disk full (/tmp); waiting"), Error::Unavailable(_)));
        assert!(matches!(unknown("Deadlock found when trying to get lock"), Error::SerializationFailure(_)));
        assert!(matches!(unknown("no such table: accounts"), Error::Failed(_)));
        assert!(matches!(Error::from(serialization_failure()), Error::SerializationFailure(_)));
        assert!(matches!(Error::from(QueryError::BrokenTransactionManager), Error::Unavailable(_)));
    }

    #[test]
    fn unique_violation_does_not_repeat_the_value() {
        let text = "Duplicate entry 'ann@example.com' for key 'email'".to_owned();
        let error = Error::from(QueryError::DatabaseError(DatabaseErrorKind::UniqueViolation, Box::new(text)));
        assert!(!format!("{error} {error:?}").contains("ann@"), "{error:?}");
    }
}
