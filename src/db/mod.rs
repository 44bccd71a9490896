//! The database: connections, migrations, and the only two ways in, [`read`](crate::db::Database::read) and
//! [`write`](crate::db::Database::write). Outside of it, only `config::DatabaseUrl` names a backend.

mod backup;
mod cached;
#[allow(missing_docs, reason = "written by diesel's derive")]
mod connection;
mod error;
mod foreign_table;
mod insert_rows;
mod inspect;
mod migrate;
mod mysql;
mod pool;
#[allow(missing_docs, reason = "written by diesel's macro")]
pub mod schema;
pub(crate) mod types;

pub use diesel::{QueryResult, result::Error as QueryError};

pub use self::{
    backup::{Backup, BackupError},
    cached::{Cached, ForUpdate, cached, for_update},
    connection::{AnyConnection, MultiBackend},
    error::{Cause, Error, StartError, TransactionError, is_unique_violation, serialization_failure},
    foreign_table::{ForeignDatabase, MAX_COLUMNS, is_sqlite},
    insert_rows::insert_rows,
    inspect::{Inspection, inspect},
    migrate::MigrationStatus,
    pool::Database,
};
