//! The checks of this machine and of the database.

use std::{path::Path, time::Duration};

use indicatif::HumanBytes;
use rustix::fs::statvfs;

use super::Finding;
use crate::{
    clock::Clock,
    config::{ConfigError, DatabaseUrl, Settings},
    db::{self, Inspection, MigrationStatus},
    web::assets::Assets,
};

/// A page needs about ten queries one after the other, a person notices half a second.
const MAX_ROUND_TRIP: Duration = Duration::from_millis(50);
/// Sessions expire by the clock of each process. The last use of a session is written once a minute.
const MAX_CLOCK_DIFFERENCE: Duration = Duration::from_secs(5);
/// Enough for a day of sign-ins, so that there is time to act.
const MIN_FREE_BYTES: u64 = 256 << 20;

/// Checks what `serve` refuses, and what it warns of.
pub(super) fn settings(settings: &Settings) -> Vec<Finding> {
    let why = "The server does not start with it";
    let usable = Assets::load(settings.static_dir.as_deref())
        .map_err(|error| ConfigError::new("GATEHOUSE_STATIC_DIR", error.to_string()))
        .and_then(|_| Ok((settings.public_url(settings.listen)?, settings.database()?)));
    let risks = match usable {
        Ok((public_url, database_url)) => settings.risks(&public_url, &database_url),
        Err(error) => {
            return vec![Finding::setting("settings", &error, why, "change the setting, see gatehouse serve --help")];
        }
    };
    if risks.is_empty() {
        return vec![Finding::passed("settings", "all settings can be used")];
    }
    risks.into_iter().map(|risk| Finding::failed("settings", risk.risk, risk.advice)).collect()
}

/// Checks that the secret exists, is strong, and cannot be read by other users.
pub(super) fn secret(settings: &Settings, error: Option<&ConfigError>) -> Finding {
    match error {
        None if settings.secret.is_some() => Finding::passed("secret", "GATEHOUSE_SECRET is strong enough"),
        None => Finding::passed("secret", "the secret is strong enough and closed to other users"),
        Some(error) => Finding::setting(
            "secret",
            error,
            "The secret signs sessions: a person who knows it can forge cookies, and without it every session ends",
            "start gatehouse serve once, which creates the secret, or correct GATEHOUSE_DATA_DIR; run this command as \
             the user of the server",
        ),
    }
}

/// Checks that the database answers, is migrated, is near, and has the same time.
pub(super) fn database(settings: &Settings, clock: &Clock) -> Vec<Finding> {
    let Ok(url) = settings.database() else { return Vec::new() };
    if let Some(path) = url.missing_file() {
        return vec![Finding::failed(
            "database",
            format!("there is no {}, so there are no accounts", path.display()),
            "start gatehouse serve once, which creates it, or correct GATEHOUSE_DATA_DIR or GATEHOUSE_DATABASE_URL",
        )];
    }
    match db::inspect(&url, clock) {
        Ok(Inspection { round_trip, ahead_by_millis, migrations: status }) => vec![
            Finding::passed("database", format!("{url} answers")),
            migrations(&status),
            self::round_trip(round_trip),
            self::clock(ahead_by_millis),
        ],
        Err(error) => vec![Finding::failed(
            "database",
            format!("{error}. Without the database, pages answer 503"),
            "start the database, or correct GATEHOUSE_DATABASE_URL; run this command as the user of the server",
        )],
    }
}

fn migrations(status: &MigrationStatus) -> Finding {
    match status {
        MigrationStatus { pending: 0, unknown: 0, .. } => Finding::passed("migrations", "the tables are up to date"),
        MigrationStatus { pending, unknown: 0, .. } => Finding::failed(
            "migrations",
            format!("{pending} migrations are pending. This release cannot work with the tables as they are"),
            "run gatehouse migrate, or restart gatehouse serve, which runs them",
        ),
        MigrationStatus { unknown, .. } => Finding::failed(
            "migrations",
            format!(
                "the database has {unknown} migrations that this release does not have: a later one has run them, and \
                 this one may lose what it stores"
            ),
            "install the latest release that has used this database, or restore the backup from before the update",
        ),
    }
}

fn round_trip(round_trip: Duration) -> Finding {
    let message = format!("a query takes {:.1} ms", round_trip.as_secs_f64() * 1000.0);
    if round_trip <= MAX_ROUND_TRIP {
        return Finding::passed("round_trip", message);
    }
    Finding::failed(
        "round_trip",
        format!("{message}, so that a page, which needs several, takes noticeably long"),
        "run Gatehouse in the same data center as the database, and look for what keeps the database busy",
    )
}

fn clock(ahead_by_millis: i64) -> Finding {
    let difference = Duration::from_millis(ahead_by_millis.unsigned_abs());
    let seconds = difference.as_secs_f64();
    if difference <= MAX_CLOCK_DIFFERENCE {
        return Finding::passed("clock", format!("this machine and the database differ by {seconds:.1} s"));
    }
    let direction = if ahead_by_millis > 0 { "behind" } else { "ahead of" };
    Finding::failed(
        "clock",
        format!(
            "this machine is {seconds:.0} s {direction} the database. Sessions and locks end by the clock, so several \
             servers that differ end them too early or too late"
        ),
        "synchronize both machines, for example with chrony or systemd-timesyncd (timedatectl set-ntp true)",
    )
}

/// Checks the space for the database file, or for the data folder if the database is on a server.
pub(super) fn disk(settings: &Settings) -> Finding {
    let url = settings.database().ok();
    let file = url.as_ref().and_then(DatabaseUrl::file);
    let folder = file.map_or(Some(settings.data_dir.as_path()), Path::parent);
    let folder = folder.filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // Before the first start there is no folder.
    let existing = folder.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("."));
    let place = folder.display();
    let free = match statvfs(existing) {
        Ok(disk) => disk.f_bavail.saturating_mul(disk.f_frsize),
        Err(error) => {
            return Finding::failed(
                "disk",
                format!("the free space of {place} is unknown: {error}"),
                "run this command as the user of the server",
            );
        }
    };
    let message = format!("{} are free in {place}", HumanBytes(free));
    if free >= MIN_FREE_BYTES {
        let note = if file.is_some() { "" } else { "; the disk of the database server is not checked" };
        return Finding::passed("disk", message + note);
    }
    Finding::failed(
        "disk",
        message + ". On a full disk, sign-ins and registrations fail",
        "free space, or move the data folder to a larger disk",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_database_fails() {
        assert!(round_trip(Duration::from_millis(50)).ok);
        assert!(!round_trip(Duration::from_millis(51)).ok);
    }

    #[test]
    fn clock_that_differs_in_either_direction_fails() {
        assert!(clock(5000).ok && clock(-5000).ok);
        assert!(!clock(5001).ok && !clock(-5001).ok);
        assert!(clock(60_000).message.contains("60 s behind the database"));
        assert!(clock(-60_000).message.contains("60 s ahead of the database"));
    }
}
