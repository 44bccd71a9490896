//! `gatehouse export FILE`

use std::{
    collections::HashSet,
    fs::{File, OpenOptions},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};
use serde_json::json;

use super::{Failure, open::Opened};
use crate::{
    accounts::{Accounts, export::ExportedAccount},
    config::{ConfigError, Settings},
    passwords::foreign::to_django,
};

#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  gatehouse export accounts.jsonl\n  \
                        gatehouse export accounts.json --format django && python manage.py loaddata accounts.json\n\n\
                        The file holds password hashes. Keep it from others, who could try to guess passwords.")]
pub(super) struct Export {
    /// The file. Must not exist
    file: PathBuf,
    /// JSON lines, CSV, or a fixture for Django's loaddata [default: by the ending of the file]
    #[arg(long, value_enum)]
    format: Option<Format>,
    #[command(flatten)]
    settings: Settings,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// One JSON object per line
    Jsonl,
    /// With a header
    Csv,
    /// For `manage.py loaddata`
    Django,
}

impl Format {
    fn of(file: &Path) -> Option<Self> {
        match file.extension()?.to_str()? {
            "jsonl" | "ndjson" => Some(Self::Jsonl),
            "csv" => Some(Self::Csv),
            _ => None,
        }
    }
}

pub(super) async fn run(Export { file, format, settings }: &Export) -> Result<(), Failure> {
    let format = format.or_else(|| Format::of(file)).ok_or_else(|| {
        ConfigError::new("--format", "is needed for a file that is not named .jsonl or .csv: jsonl, csv or django")
    })?;
    let Opened { accounts, .. } = Opened::existing(settings)?;
    let describe = |error: io::Error| format!("cannot write {}: {error}", file.display());
    // Mode 0600, because of the umask.
    let target = OpenOptions::new().write(true).create_new(true).open(file).map_err(describe)?;
    let mut writer = Writer::new(format, target, &accounts).await?;
    let (mut after, mut number) = (None, 0_u64);
    loop {
        let (batch, last) = accounts.export(after).await?;
        for account in &batch {
            writer.write(account)?;
        }
        number += batch.len() as u64;
        after = last;
        if batch.is_empty() {
            break;
        }
    }
    let unreadable = writer.finish()?;
    writeln!(io::stdout(), "Wrote {number} accounts to {}.", file.display())?;
    if unreadable > 0 {
        writeln!(io::stdout(), "{unreadable} have a password hash that Django cannot read; they need a new password.")?;
    }
    Ok(())
}

enum Writer {
    Lines(BufWriter<File>),
    Csv(Box<csv::Writer<File>>),
    Django(Fixture),
}

/// A fixture for Django.
struct Fixture {
    file: BufWriter<File>,
    /// The keys that accounts had in another application and that no account of the fixture has yet.
    legacy_ids: HashSet<u64>,
    next_key: u64,
    number: u64,
    unreadable: u64,
}

impl Writer {
    async fn new(format: Format, file: File, accounts: &Accounts) -> Result<Self, Failure> {
        Ok(match format {
            Format::Jsonl => Self::Lines(BufWriter::new(file)),
            Format::Csv => {
                let mut writer = csv::Writer::from_writer(file);
                writer.write_record([
                    "username",
                    "email",
                    "password",
                    "is_active",
                    "created_at",
                    "last_login",
                    "roles",
                    "legacy_id",
                ])?;
                Self::Csv(Box::new(writer))
            }
            Format::Django => {
                let legacy_ids = accounts.numeric_legacy_ids().await?;
                let next_key = legacy_ids.iter().max().map_or(1, |largest| largest.saturating_add(1));
                let mut file = BufWriter::new(file);
                write!(file, "[")?;
                Self::Django(Fixture { file, legacy_ids, next_key, number: 0, unreadable: 0 })
            }
        })
    }

    fn write(&mut self, account: &ExportedAccount) -> Result<(), Failure> {
        match self {
            Self::Lines(file) => {
                serde_json::to_writer(&mut *file, account)?;
                writeln!(file)?;
            }
            Self::Csv(writer) => {
                let ExportedAccount { username, email, password, created_at, last_login, legacy_id, .. } = account;
                let text = |value: &Option<String>| value.clone().unwrap_or_default();
                writer.write_record([
                    username.clone(),
                    text(email),
                    text(password),
                    account.is_active.to_string(),
                    text(created_at),
                    text(last_login),
                    account.roles.join(" "),
                    text(legacy_id),
                ])?;
            }
            Self::Django(fixture) => fixture.write(account)?,
        }
        Ok(())
    }

    /// Returns how many hashes the format cannot hold.
    fn finish(self) -> Result<u64, Failure> {
        match self {
            Self::Lines(mut file) => file.flush()?,
            Self::Csv(mut writer) => writer.flush()?,
            Self::Django(mut fixture) => {
                writeln!(fixture.file, "\n]")?;
                fixture.file.flush()?;
                return Ok(fixture.unreadable);
            }
        }
        Ok(0)
    }
}

impl Fixture {
    fn write(&mut self, account: &ExportedAccount) -> Result<(), Failure> {
        let django = account.password.as_deref().and_then(to_django);
        self.unreadable += u64::from(account.password.is_some() && django.is_none());
        // Accounts of two applications may have had the same id; the first one keeps it.
        let id = account.legacy_id.as_deref().and_then(|id| id.parse().ok()).filter(|id| self.legacy_ids.remove(id));
        let key = id.unwrap_or(self.next_key);
        self.next_key += u64::from(id.is_none());
        let is_admin = account.roles.iter().any(|role| role == crate::identity::Role::ADMIN);
        let object = json!({
            "model": "auth.user",
            "pk": key,
            "fields": {
                "username": account.username,
                "email": account.email.as_deref().unwrap_or_default(),
                // No password matches an exclamation mark.
                "password": django.as_deref().unwrap_or("!"),
                "is_active": account.is_active,
                "is_staff": is_admin,
                "is_superuser": is_admin,
                "date_joined": account.created_at,
                "last_login": account.last_login,
            },
        });
        let separator = if self.number == 0 { "\n" } else { ",\n" };
        self.number += 1;
        write!(self.file, "{separator}{object}")?;
        Ok(())
    }
}
