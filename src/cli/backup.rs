//! `gatehouse backup FILE`

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use clap::Args;
use indicatif::{HumanBytes, ProgressBar, ProgressStyle};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::oneshot,
};

use super::{Failure, existing_database};
use crate::{
    config::{ConfigError, Settings},
    db::{self, BackupError},
    telemetry,
};

/// How often the progress bar is drawn.
const REDRAW_INTERVAL: Duration = Duration::from_millis(100);

#[derive(Debug, Args)]
#[command(after_help = "Example:\n  gatehouse backup /var/backups/gatehouse.db\n\n\
                        To restore it, stop the server, delete gatehouse.db-wal and gatehouse.db-shm from the data \
                        folder, and copy the backup over gatehouse.db. Back up secret.key as well.")]
pub(super) struct Backup {
    /// The copy. Must not exist
    file: PathBuf,
    #[command(flatten)]
    settings: Settings,
}

pub(super) async fn run(backup: &Backup) -> Result<(), Failure> {
    telemetry::init(backup.settings.log.clone());
    let file = &backup.file;
    let source = match db::Backup::open(&existing_database(&backup.settings)?) {
        Err(BackupError::NotAFile) => {
            return Err(ConfigError::new(
                "GATEHOUSE_DATABASE_URL",
                "names a server, whose tools make consistent backups, for example: mariadb-dump --single-transaction \
                 gatehouse > gatehouse.sql (mysqldump on MySQL)",
            )
            .into());
        }
        source => source?,
    };
    // Also a symbolic link that leads nowhere.
    if fs::symlink_metadata(file).is_ok() {
        return Err(format!("{} exists and is not replaced; name a new file", file.display()).into());
    }
    let describe = |error: io::Error| format!("cannot write {}: {error}", file.display());
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // A folder, because SQLite writes a journal beside the copy. Deleted when it is dropped, also after a signal.
    let temporary = tempfile::Builder::new().prefix(".gatehouse-backup.").tempdir_in(folder).map_err(describe)?;
    // Mode 0600.
    let copy = tempfile::NamedTempFile::new_in(temporary.path()).map_err(describe)?;
    write(source, copy.path()).await?;
    copy.persist_noclobber(file).map_err(|error| describe(error.error))?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(describe)?;
    let size = HumanBytes(fs::metadata(file).map_err(describe)?.len());
    writeln!(io::stdout(), "Wrote and verified {} ({size}).", file.display())?;
    Ok(())
}

/// Writes the copy on a thread of its own and shows the progress, on a terminal only.
async fn write(source: db::Backup, copy: &Path) -> Result<(), Failure> {
    let bytes = source.bytes();
    // Hidden unless standard error is a terminal.
    let bar = ProgressBar::new(bytes)
        .with_style(ProgressStyle::with_template("{msg} [{bar:40}] {bytes}/{total_bytes} {elapsed}")?);
    let (sender, mut done) = oneshot::channel();
    let path = copy.to_owned();
    thread::spawn(move || sender.send(source.write(&path)));
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let mut redraw = tokio::time::interval(REDRAW_INTERVAL);
    loop {
        tokio::select! {
            outcome = &mut done => {
                bar.finish_and_clear();
                return Ok(outcome??);
            }
            _ = terminate.recv() => return Err("stopped, there is no backup".into()),
            _ = interrupt.recv() => return Err("stopped, there is no backup".into()),
            _ = redraw.tick() => {
                let written = fs::metadata(copy).map_or(0, |file| file.len());
                bar.set_message(if written < bytes { "copying" } else { "verifying" });
                bar.set_position(written);
            }
        }
    }
}
