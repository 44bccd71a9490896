//! `gatehouse import SOURCE`

use std::{
    collections::HashMap,
    fs::{self, OpenOptions},
    io::{self, Write},
    path::PathBuf,
    str::FromStr,
    time::Duration,
};

use clap::{Args, ValueEnum};
use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use tempfile::TempDir;

use super::{Failure, open::Opened};
use crate::{
    accounts::import::{
        BATCH, BATCH_TO_WRAP, Field, Import as Importing, Location, Mapping, Parser, Preset, Rename, RowReport, Source,
    },
    clock::Clock,
    config::{ConfigError, DatabaseUrl, Settings},
    db::inspect,
    identity::Role,
    passwords::foreign::{Adoption, Dialect, FlaskSecurityKey, Weak},
};

/// How often the progress bar is drawn.
const REDRAW_INTERVAL: Duration = Duration::from_millis(200);
/// Refused rows that are printed.
const MAX_PRINTED: usize = 50;

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  gatehouse import instance/app.db --from flask --dry-run\n  \
                        gatehouse import db.sqlite3 --from django --role-map superuser=admin\n  \
                        gatehouse import mysql://reader:password@db/shop --from flask --map username=login\n\n\
                        Fields: username, email, password, is_active, created_at, last_login, roles, legacy_id. Only \
                        username and password are needed. Rows that cannot come in are listed with the reason, and \
                        the exit status is 1. A row whose account is already here changes nothing, so an import can \
                        run again.")]
pub(super) struct Import {
    /// CSV file, file of JSON lines, SQLite file, or mysql://user:password@host:port/name
    source: String,
    /// Whose accounts they are
    #[arg(long, value_enum)]
    from: Preset,
    /// Table [default: accounts, users or user; `auth_user` of Django]
    #[arg(long)]
    table: Option<String>,
    /// Columns with other names than the usual ones, such as username=login,password=pw
    #[arg(long, value_name = "FIELD=COLUMN", value_delimiter = ',', value_parser = pair::<Field, String>)]
    map: Vec<(Field, String)>,
    /// Whose password hashes they are, where Werkzeug and Django write the same string for different functions
    #[arg(long, value_enum)]
    dialect: Option<Dialect>,
    /// Roles that come in, such as editor=staff,superuser=admin. Without it, none does
    #[arg(long, value_name = "NAME=ROLE", value_delimiter = ',', value_parser = pair::<String, Role>)]
    role_map: Vec<(String, Role)>,
    /// What happens to plain digests (MD5, SHA-1, SHA-256)
    #[arg(long, value_enum, default_value_t)]
    weak: Weak,
    /// What happens to a row whose user name another account has
    #[arg(long, value_enum, default_value_t)]
    rename: Rename,
    /// File with the `SECURITY_PASSWORD_SALT` of Flask-Security
    #[arg(long, value_name = "FILE")]
    flask_security_salt_file: Option<PathBuf>,
    /// What bcrypt got: of Flask-Bcrypt with `BCRYPT_HANDLE_LONG_PASSWORDS`, the SHA-256 of the password
    #[arg(long, value_enum)]
    bcrypt_prehash: Option<Prehash>,
    /// Rounds of Werkzeug hashes that do not say it (pbkdf2:sha256$…)
    #[arg(long, value_name = "N")]
    werkzeug_iterations: Option<u32>,
    /// CSV file for the rows that were refused or renamed. Must not exist
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// Write nothing, and say what would happen
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Prehash {
    /// In hexadecimal
    Sha256Hex,
}

fn pair<K: FromStr, V: FromStr<Err: ToString>>(text: &str) -> Result<(K, V), String> {
    let (key, value) = text.split_once('=').ok_or("needs a name, = and another name")?;
    let key = key.trim().parse().map_err(|_| format!("there is no field “{}”", key.trim().escape_debug()))?;
    Ok((key, value.trim().parse().map_err(|error: V::Err| error.to_string())?))
}

pub(super) async fn run(import: Import) -> Result<(), Failure> {
    let source = Source {
        location: location(&import.source)?,
        preset: import.from,
        table: import.table.clone(),
        mapping: Mapping(import.map.iter().cloned().collect()),
        batch_size: if import.weak == Weak::Wrap { BATCH_TO_WRAP } else { BATCH },
    };
    // Before the database is created: what cannot be read changes nothing.
    let mut rows = source.read()?;
    let mut first = rows.batches.recv().await.transpose()?;
    let (Opened { accounts, .. }, _temporary) = open(&import)?;
    let parser = Parser {
        adoption: Adoption {
            dialect: import.dialect.or(import.from.dialect()),
            weak: import.weak,
            flask_security: match &import.flask_security_salt_file {
                Some(file) if import.dry_run => Some(read_key(file).map(|_| "dry-run".to_owned())?),
                Some(file) => Some(accounts.add_flask_security_key(&read_key(file)?).await?),
                None if import.from == Preset::FlaskSecurity => {
                    return Err("Flask-Security hashes need --flask-security-salt-file".into());
                }
                None => None,
            },
            bcrypt_prehash: import.bcrypt_prehash.is_some(),
            werkzeug_rounds: import.werkzeug_iterations,
        },
        roles: import.role_map.iter().cloned().collect::<HashMap<_, _>>(),
        name_from_email: import.from == Preset::FlaskSecurity,
    };
    let mut report = import.report.as_ref().map(Report::create).transpose()?;
    let mut importing = Importing::begin(&accounts, import.rename, import.dry_run).await?;
    // Hidden unless standard error is a terminal.
    let style = ProgressStyle::with_template("{msg} [{bar:30}] {percent}% {elapsed}, {eta} left")?;
    let bar = ProgressBar::no_length().with_style(style);
    let (mut number, mut printed) = (0_u64, 0);
    let mut redraw = tokio::time::interval(REDRAW_INTERVAL);
    let mut out = io::stdout().lock();
    loop {
        let batch = tokio::select! {
            batch = async { if first.is_some() { first.take().map(Ok) } else { rows.batches.recv().await } } => batch,
            _ = redraw.tick() => {
                let (done, total) = rows.progress.get();
                bar.set_length(total);
                bar.set_position(done);
                let rate = number.checked_div(bar.elapsed().as_secs()).unwrap_or(number);
                bar.set_message(format!("{} rows, {} a second", HumanCount(number), HumanCount(rate)));
                continue;
            }
        };
        // The batch before is imported also if the source cannot be read any further.
        let (batch, end) = match batch {
            Some(Ok(batch)) => (batch, None),
            Some(Err(error)) => (Vec::new(), Some(Err(error))),
            None => (Vec::new(), Some(Ok(()))),
        };
        number += batch.len() as u64;
        for row in importing.run(&parser, batch).await? {
            if let Some(report) = &mut report {
                report.write(&row)?;
            }
            printed += 1;
            if printed <= MAX_PRINTED {
                let RowReport { line, username, outcome, detail } = &row;
                bar.suspend(|| writeln!(out, "line {line}: {}: {outcome}: {detail}", username.escape_debug()))?;
            }
        }
        if let Some(end) = end {
            end?;
            break;
        }
    }
    bar.finish_and_clear();
    if let Some(mut report) = report {
        report.0.flush()?;
    }
    if printed > MAX_PRINTED {
        writeln!(out, "and {} more rows; --report FILE lists all", printed - MAX_PRINTED)?;
    }
    let summary = &importing.summary;
    for (scheme, accounts) in &summary.schemes {
        writeln!(out, "{accounts:>10}  {scheme}")?;
    }
    if summary.without_password > 0 {
        writeln!(
            out,
            "{:>10}  without a password, which need a link: gatehouse account reset-link",
            summary.without_password
        )?;
    }
    let verb = if import.dry_run { "Would create" } else { "Created" };
    writeln!(
        out,
        "{verb} {} accounts, {} of them under another name. {} were here already. {} rows were refused.",
        summary.created, summary.renamed, summary.known, summary.refused
    )?;
    if summary.refused > 0 { Err("not all rows could come in".into()) } else { Ok(()) }
}

fn location(source: &str) -> Result<Location, Failure> {
    if source.starts_with("mysql://") {
        let url: DatabaseUrl = source.parse().map_err(|error: String| ConfigError::new("SOURCE", error))?;
        return Ok(Location::Server(url));
    }
    let path = PathBuf::from(source.strip_prefix("sqlite:").unwrap_or(source));
    // Before the database is created.
    fs::metadata(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    Ok(Location::File(path))
}

/// Opens the database, and creates and migrates it if need be. A dry run changes nothing: in place of a database that
/// does not exist or has no tables it gets an empty one in a temporary folder.
fn open(import: &Import) -> Result<(Opened, Option<TempDir>), Failure> {
    let settings = &import.settings;
    if !import.dry_run {
        return Ok((Opened::create(settings)?, None));
    }
    let url = settings.database()?;
    let migrations = match url.missing_file() {
        Some(_) => None,
        None => Some(inspect(&url, &Clock::system())?.migrations).filter(|migrations| !migrations.is_empty),
    };
    let Some(migrations) = migrations else {
        let folder = tempfile::Builder::new().prefix("gatehouse-import.").tempdir()?;
        let settings = Settings { data_dir: folder.path().to_owned(), database_url: None, ..settings.clone() };
        return Ok((Opened::create(&settings)?, Some(folder)));
    };
    if migrations.pending > 0 {
        return Err("a dry run does not migrate the database; run gatehouse migrate first".into());
    }
    Ok((Opened::existing(settings)?, None))
}

fn read_key(file: &PathBuf) -> Result<FlaskSecurityKey, Failure> {
    let text = fs::read(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    let text = text.trim_ascii_end();
    if text.is_empty() {
        return Err(format!("{} is empty", file.display()).into());
    }
    Ok(FlaskSecurityKey::new(text.to_vec()))
}

/// The file of `--report`.
struct Report(csv::Writer<fs::File>);

impl Report {
    fn create(path: &PathBuf) -> Result<Self, Failure> {
        let file = OpenOptions::new().write(true).create_new(true).open(path);
        let file = file.map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(file);
        writer.write_record(["line", "username", "outcome", "detail"])?;
        Ok(Self(writer))
    }

    fn write(&mut self, row: &RowReport) -> Result<(), Failure> {
        Ok(self.0.serialize(row)?)
    }
}
