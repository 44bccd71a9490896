//! A consistent copy of a database file while servers use it.
//!
//! By `VACUUM INTO` and not by SQLite's online backup API: it reads one snapshot in one transaction, so that writers
//! continue and the copy ends. The backup API starts over after each write of another process, and running servers
//! write every second; in a single step it would report no progress either, and calling it needs `unsafe`. The copy
//! contains no deleted rows (<https://sqlite.org/lang_vacuum.html#vacuuminto>, <https://sqlite.org/backup.html>).

use std::{fs::File, io, path::Path};

use diesel::{
    Connection, QueryableByName, RunQueryDsl, SqliteConnection,
    sql_types::{BigInt, Text},
};

use super::connection::{AnyConnection, Mode};
use crate::config::DatabaseUrl;

/// Why there is no copy. For the operator.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The database is on a server.
    #[error("the database is on a server")]
    NotAFile,
    /// The database or the copy cannot be opened.
    #[error("cannot open the database: {0}")]
    Open(#[from] diesel::ConnectionError),
    /// The database cannot be read, or the copy cannot be written.
    #[error("cannot copy the database: {0}")]
    Query(#[from] diesel::result::Error),
    /// The copy cannot be synced to the disk.
    #[error("cannot write the copy: {0}")]
    Write(#[from] io::Error),
    /// The copy is damaged, and so is the database.
    #[error("the copy is damaged, and the database probably is too: {0}")]
    Damaged(String),
}

/// A database file that is about to be copied.
pub struct Backup {
    connection: SqliteConnection,
    bytes: u64,
}

#[derive(QueryableByName)]
struct Size {
    #[diesel(sql_type = BigInt)]
    bytes: i64,
}

#[derive(QueryableByName)]
struct Finding {
    #[diesel(sql_type = Text)]
    integrity_check: String,
}

impl Backup {
    /// Opens the database. Runs no migrations: the copy may be taken before an update.
    pub fn open(url: &DatabaseUrl) -> Result<Self, BackupError> {
        if url.file().is_none() {
            return Err(BackupError::NotAFile);
        }
        // `query_only` would forbid to write the copy, too.
        let AnyConnection::Sqlite(mut connection) = AnyConnection::open(url, Mode::Write)? else {
            return Err(BackupError::NotAFile);
        };
        let size: Size = diesel::sql_query(
            "SELECT (page_count - freelist_count) * page_size AS bytes
             FROM pragma_page_count, pragma_freelist_count, pragma_page_size",
        )
        .get_result(&mut connection)?;
        Ok(Self { connection, bytes: u64::try_from(size.bytes).unwrap_or(0) })
    }

    /// Returns the size that the copy will have, approximately.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Writes the copy to `file`, which is empty or does not exist, verifies it, and syncs it to the disk. Blocks.
    pub fn write(mut self, file: &Path) -> Result<(), BackupError> {
        let path = file.to_str().ok_or_else(|| {
            diesel::ConnectionError::InvalidConnectionUrl("the path of the copy is not UTF-8".to_owned())
        })?;
        diesel::sql_query("VACUUM INTO ?").bind::<Text, _>(path).execute(&mut self.connection)?;
        verify(path)?;
        // SQLite does not sync the file of `VACUUM INTO`.
        File::open(file)?.sync_all()?;
        Ok(())
    }
}

fn verify(path: &str) -> Result<(), BackupError> {
    let mut copy = SqliteConnection::establish(path)?;
    let findings: Vec<Finding> = diesel::sql_query("PRAGMA integrity_check").load(&mut copy)?;
    match &findings[..] {
        [Finding { integrity_check }] if integrity_check == "ok" => Ok(()),
        [] => Err(BackupError::Damaged("no result".to_owned())),
        [first, ..] => Err(BackupError::Damaged(first.integrity_check.clone())),
    }
}
