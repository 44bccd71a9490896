//! Where rows come from: a CSV file, a file of JSON lines, or a table of an SQLite file or a MySQL server. A thread
//! of its own reads them, so that reading and writing overlap and the memory does not grow with the source.

mod csv;
mod jsonl;
mod table;

use std::{
    collections::HashMap,
    fs::File,
    io::{self, Read},
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
};

use clap::ValueEnum;
use strum::VariantArray;
use tokio::sync::mpsc;

use super::record::{Field, Record};
use crate::{
    config::DatabaseUrl,
    db::{ForeignDatabase, is_sqlite},
    passwords::foreign::Dialect,
};

/// Batches that may wait until the one before is prepared. Batches are most of what an import keeps in memory.
const MAX_QUEUED: usize = 1;

/// Whose tables and files are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Preset {
    /// A Flask application with the hashes of Werkzeug, Flask-Bcrypt, argon2-cffi or passlib
    Flask,
    /// A Django project
    Django,
    /// A Flask application with flask-praetorian
    FlaskPraetorian,
    /// A Flask application with Flask-Security
    FlaskSecurity,
    /// A CSV file with a header
    Csv,
    /// A file with one JSON object per line
    Jsonl,
}

impl Preset {
    /// Returns whose strings the source holds, where the same string means different things.
    #[must_use]
    pub fn dialect(self) -> Option<Dialect> {
        match self {
            Self::Flask => Some(Dialect::Werkzeug),
            Self::Django => Some(Dialect::Django),
            Self::FlaskPraetorian | Self::FlaskSecurity | Self::Csv | Self::Jsonl => None,
        }
    }

    /// Returns the names that the table usually has.
    fn usual_tables(self) -> &'static [&'static str] {
        match self {
            Self::Django => &["auth_user"],
            Self::FlaskSecurity | Self::FlaskPraetorian => &["user", "users"],
            Self::Flask | Self::Csv | Self::Jsonl => &["accounts", "users", "user"],
        }
    }
}

/// Which columns hold the fields, where they are not the usual ones.
#[derive(Debug, Clone, Default)]
pub struct Mapping(pub HashMap<Field, String>);

impl Mapping {
    /// Returns the column of each field among `columns`.
    fn resolve(&self, columns: &[String]) -> Result<HashMap<Field, usize>, SourceError> {
        let mut found = HashMap::new();
        for field in Field::VARIANTS {
            let place = |name: &str| columns.iter().position(|column| column.eq_ignore_ascii_case(name));
            if let Some(column) = self.0.get(field) {
                found.insert(*field, place(column).ok_or_else(|| SourceError::NoColumn(column.clone()))?);
            } else if let Some(place) = field.usual_columns().iter().find_map(|name| place(name)) {
                found.insert(*field, place);
            }
        }
        if !found.contains_key(&Field::Password) {
            return Err(SourceError::NoField(Field::Password.into()));
        }
        if !found.contains_key(&Field::Username) && !found.contains_key(&Field::Email) {
            return Err(SourceError::NoField(Field::Username.into()));
        }
        Ok(found)
    }
}

/// Why a source cannot be read. For the operator.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The file cannot be read.
    #[error("cannot read {0}: {1}")]
    Io(String, #[source] io::Error),
    /// The kind of the file is not known.
    #[error("{0} is neither an SQLite database nor named .csv or .jsonl; pass --from csv or --from jsonl")]
    Kind(String),
    /// The source is not what it seems.
    #[error("{0}")]
    Malformed(String),
    /// The database failed.
    #[error("cannot read the database: {0}")]
    Database(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// There is no usual table.
    #[error("there is none of the tables {0}; pass --table")]
    NoTable(String),
    /// There is no column with this name.
    #[error("there is no column “{0}”")]
    NoColumn(String),
    /// No column has the field.
    #[error("no column is the {0}; pass --map {0}=COLUMN")]
    NoField(&'static str),
}

/// A source, before it is read.
#[derive(Debug, Clone)]
pub struct Source {
    /// A path or a URL.
    pub location: Location,
    /// Whose it is.
    pub preset: Preset,
    /// The table, if it is not the usual one.
    pub table: Option<String>,
    /// The columns, if they are not the usual ones.
    pub mapping: Mapping,
    /// Rows of one batch.
    pub batch_size: usize,
}

/// Where a source is.
#[derive(Debug, Clone)]
pub enum Location {
    /// In a file.
    File(PathBuf),
    /// On a server.
    Server(DatabaseUrl),
}

/// A source that is being read.
pub struct Rows {
    /// Batches of rows.
    pub batches: mpsc::Receiver<Result<Vec<Record>, SourceError>>,
    /// How far reading has come, and how far it will: bytes of a file, or rows of a table.
    pub progress: Arc<Progress>,
}

/// How far reading has come.
#[derive(Debug, Default)]
pub struct Progress {
    done: AtomicU64,
    total: AtomicU64,
}

impl Progress {
    /// Returns what is done, and the total.
    #[must_use]
    pub fn get(&self) -> (u64, u64) {
        (self.done.load(Ordering::Relaxed), self.total.load(Ordering::Relaxed))
    }

    fn set_done(&self, done: u64) {
        self.done.store(done, Ordering::Relaxed);
    }

    fn set_total(&self, total: u64) {
        self.total.store(total, Ordering::Relaxed);
    }
}

/// Collects rows into batches and hands them over.
struct Sender {
    batch: Vec<Record>,
    batch_size: usize,
    batches: mpsc::Sender<Result<Vec<Record>, SourceError>>,
    progress: Arc<Progress>,
}

impl Sender {
    /// Returns whether more rows are wanted.
    fn send(&mut self, record: Record) -> bool {
        self.batch.push(record);
        self.batch.len() < self.batch_size || self.flush()
    }

    fn flush(&mut self) -> bool {
        let batch = std::mem::take(&mut self.batch);
        batch.is_empty() || self.batches.blocking_send(Ok(batch)).is_ok()
    }
}

impl Source {
    /// Starts to read. Fails later, in place of a batch.
    pub fn read(self) -> io::Result<Rows> {
        let (sender, batches) = mpsc::channel(MAX_QUEUED);
        let progress = Arc::new(Progress::default());
        let batch_size = self.batch_size;
        let mut rows = Sender { batch: Vec::new(), batch_size, batches: sender, progress: Arc::clone(&progress) };
        thread::Builder::new().name("import".to_owned()).spawn(move || {
            if let Err(error) = self.send_all(&mut rows) {
                let _ = rows.batches.blocking_send(Err(error));
            }
        })?;
        Ok(Rows { batches, progress })
    }

    fn send_all(&self, rows: &mut Sender) -> Result<(), SourceError> {
        match &self.location {
            Location::Server(url) => {
                table::read(ForeignDatabase::connect(url).map_err(SourceError::Database)?, self, rows)?;
            }
            Location::File(path) => {
                let name = path.display().to_string();
                let fail = |error| SourceError::Io(name.clone(), error);
                let mut start = [0; 16];
                let mut file = File::open(path).map_err(fail)?;
                let read = file.read(&mut start).map_err(fail)?;
                rows.progress.set_total(file.metadata().map_err(fail)?.len());
                if is_sqlite(&start[..read]) {
                    table::read(ForeignDatabase::open_file(&name).map_err(SourceError::Database)?, self, rows)?;
                } else {
                    let file = File::open(path).map_err(fail)?;
                    match (self.preset, path.extension().and_then(|ending| ending.to_str())) {
                        (Preset::Csv, _) | (_, Some("csv")) => csv::read(file, &self.mapping, rows)?,
                        (Preset::Jsonl, _) | (_, Some("jsonl" | "ndjson" | "json")) => {
                            jsonl::read(file, &self.mapping, rows)?;
                        }
                        _ => return Err(SourceError::Kind(name)),
                    }
                }
            }
        }
        rows.flush();
        Ok(())
    }
}
