//! Rotation of the secret in the data folder. The former secrets are in a file beside it, one on each line with the
//! time at which it was replaced:
//!
//! ```text
//! SECRET 2026-11-22T00:00:00Z
//! SECRET 2026-08-01T00:00:00Z no-sessions
//! ```

use std::{
    fs::{self, File},
    io::{self, Write},
    os::unix::fs::{MetadataExt, fchown},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use secrecy::{ExposeSecret, SecretString};

use super::{
    PreviousSecret,
    secret_file::{self, check_strength},
};
use crate::{
    clock::Timestamp,
    config::{ConfigError, Settings},
};

/// The longest lifetime of what a secret has signed: that of a session may be set to a year, a device cookie has one.
const LONGEST_LIFETIME: Duration = Duration::from_hours(8766);
/// A running server signs with the old secret until its restart.
const RESTART_WITHIN: Duration = Duration::from_hours(30 * 24);
/// Marks a secret whose session tokens are refused.
const NO_SESSIONS: &str = "no-sessions";

/// Why the secret was not replaced. For the operator.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RotationError {
    /// The secret is not in the data folder, or a secret there cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// There is no secret yet.
    #[error("there is no {file}; the first start of gatehouse serve creates it", file = .0.display())]
    Missing(PathBuf),
    /// The operating system refused.
    #[error("cannot replace {file}: {1}", file = .0.display())]
    System(PathBuf, #[source] io::Error),
}

/// A former secret and when it was replaced.
struct Former {
    secret: SecretString,
    replaced_at: Timestamp,
    verifies_sessions: bool,
}

impl Former {
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split_whitespace();
        let (secret, replaced_at) = (words.next()?, words.next()?);
        let verifies_sessions = match words.next() {
            None => true,
            Some(NO_SESSIONS) => false,
            Some(_) => return None,
        };
        let since_epoch =
            humantime::parse_rfc3339(replaced_at).ok()?.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let replaced_at = Timestamp::from_millis(0).plus(since_epoch);
        Some(Self { secret: SecretString::from(secret), replaced_at, verifies_sessions })
    }

    fn line(&self) -> String {
        let since_epoch = self.replaced_at.since(Timestamp::from_millis(0));
        let time = humantime::format_rfc3339_seconds(SystemTime::UNIX_EPOCH + since_epoch);
        let mark = if self.verifies_sessions { String::new() } else { format!(" {NO_SESSIONS}") };
        format!("{} {time}{mark}", self.secret.expose_secret())
    }

    /// Whether anything that this secret has signed can still be valid. After that it must not be accepted: a secret
    /// from an old backup could sign device cookies.
    fn is_needed(&self, settings: &Settings, now: Timestamp) -> bool {
        now.since(self.replaced_at) <= LONGEST_LIFETIME.max(settings.name_reserved).saturating_add(RESTART_WITHIN)
    }
}

/// Returns the file with the former secrets of `file`.
pub(super) fn former_file(file: &Path) -> PathBuf {
    file.with_added_extension("previous")
}

/// Reads the former secrets of `file` that are still needed.
pub(super) fn read(file: &Path, settings: &Settings, now: Timestamp) -> Result<Vec<PreviousSecret>, ConfigError> {
    read_former(file, settings, now)?
        .into_iter()
        .map(|former| {
            let secret = check_strength("GATEHOUSE_DATA_DIR", former.secret)?;
            Ok(PreviousSecret { secret, verifies_sessions: former.verifies_sessions })
        })
        .collect()
}

fn read_former(file: &Path, settings: &Settings, now: Timestamp) -> Result<Vec<Former>, ConfigError> {
    let former_file = former_file(file);
    if !former_file.exists() {
        return Ok(Vec::new());
    }
    let fail = |message| ConfigError::new("GATEHOUSE_DATA_DIR", message);
    let text = secret_file::read(&former_file).map_err(fail)?;
    let mut former = Vec::new();
    for (number, line) in (1..).zip(text.expose_secret().lines()).filter(|(_, line)| !line.trim().is_empty()) {
        // The message must not repeat the line, which is secret.
        former.push(Former::parse(line).ok_or_else(|| {
            let file = former_file.display();
            fail(format!("line {number} of {file} is not a secret and a time such as 2026-11-22T00:00:00Z"))
        })?);
    }
    former.retain(|former| former.is_needed(settings, now));
    Ok(former)
}

/// Replaces the secret in the data folder with a new one, adds the old one to the file of former secrets, and removes
/// from that file those that are no longer needed. With `end_sessions`, session tokens that are signed with the old
/// secret are refused after the next start. Returns the file with the secret.
pub(crate) fn rotate(settings: &Settings, now: Timestamp, end_sessions: bool) -> Result<PathBuf, RotationError> {
    let instead = "so this command cannot replace it; put a new secret there, and the old one into \
                   GATEHOUSE_PREVIOUS_SECRETS until the longest session has expired";
    if settings.secret.is_some() {
        return Err(ConfigError::new("GATEHOUSE_SECRET", format!("has the secret, {instead}")).into());
    }
    if settings.secret_file.is_some() {
        return Err(ConfigError::new("GATEHOUSE_SECRET_FILE", format!("names the secret, {instead}")).into());
    }
    let file = secret_file::default(settings);
    if !file.exists() {
        return Err(RotationError::Missing(file));
    }
    let system = |error| RotationError::System(file.clone(), error);
    let folder = File::open(&settings.data_dir).map_err(system)?;
    // Of two rotations at the same time, the second would lose the secret of the first.
    folder.lock().map_err(system)?;
    let secret = secret_file::read(&file).map_err(|message| ConfigError::new("GATEHOUSE_DATA_DIR", message))?;
    let mut former = read_former(&file, settings, now)?;
    former.retain(|former| former.secret.expose_secret() != secret.expose_secret());
    former.insert(0, Former { secret, replaced_at: now, verifies_sessions: !end_sessions });
    let lines: String = former.iter().map(|former| former.line() + "\n").collect();
    // In this order: after a crash in between, the old secret is both the current and a former one.
    replace(&former_file(&file), &file, &lines)
        .and_then(|()| folder.sync_all())
        .and_then(|()| replace(&file, &file, &(secret_file::generate() + "\n")))
        .and_then(|()| folder.sync_all())
        .map_err(system)?;
    Ok(file)
}

/// Replaces `file` atomically with a file of mode 0600 that has the owner of `like`: an administrator may run the
/// command, and the account of the service must be able to read the secret.
fn replace(file: &Path, like: &Path, content: &str) -> io::Result<()> {
    let owner = fs::metadata(like)?;
    let folder = file.parent().unwrap_or(Path::new("."));
    let mut new = tempfile::Builder::new().prefix("secret.").suffix(".new").tempfile_in(folder)?;
    let own = new.as_file().metadata()?;
    if (own.uid(), own.gid()) != (owner.uid(), owner.gid()) {
        fchown(new.as_file(), Some(owner.uid()), Some(owner.gid()))?;
    }
    new.write_all(content.as_bytes())?;
    new.as_file().sync_all()?;
    new.persist(file)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_795_305_600_000);
    const DAY: Duration = Duration::from_hours(24);

    #[derive(Parser)]
    struct Arguments {
        #[command(flatten)]
        settings: Settings,
    }

    fn instance(arguments: &[&str]) -> (tempfile::TempDir, Settings) {
        let folder = tempfile::tempdir().unwrap();
        let data_dir = ["gatehouse", "--data-dir", folder.path().to_str().unwrap()];
        let settings = Arguments::try_parse_from(data_dir.iter().chain(arguments)).unwrap().settings;
        secret_file::create_if_missing(&secret_file::default(&settings)).unwrap();
        (folder, settings)
    }

    fn former_secrets(settings: &Settings, now: Timestamp) -> Vec<String> {
        let former = read(&secret_file::default(settings), settings, now).unwrap();
        former.into_iter().map(|former| former.secret.expose_secret().to_owned()).collect()
    }

    #[test]
    fn former_secret_is_accepted_while_its_signatures_can_be_valid() {
        for (arguments, days) in [(&[][..], 365 + 30), (&["--name-reserved", "730d"], 730 + 30)] {
            let (_folder, settings) = instance(arguments);
            let first = fs::read_to_string(secret_file::default(&settings)).unwrap();
            rotate(&settings, NOW, false).unwrap();
            assert_eq!(former_secrets(&settings, NOW.plus(DAY * days)), [first.trim()]);
            assert_eq!(former_secrets(&settings, NOW.plus(DAY * (days + 1))), [""; 0]);
        }
    }

    #[test]
    fn rotation_removes_secrets_that_are_no_longer_needed() {
        let (_folder, settings) = instance(&[]);
        let file = secret_file::default(&settings);
        let secret = || fs::read_to_string(&file).unwrap().trim().to_owned();
        let mut secrets = Vec::new();
        for years in 0..3 {
            secrets.insert(0, secret());
            rotate(&settings, NOW.plus(DAY * 380 * years), false).unwrap();
        }
        assert_eq!(former_secrets(&settings, NOW), secrets[..2]);
        assert!(!secrets.contains(&secret()));
    }

    #[test]
    fn malformed_line_is_named_and_not_echoed() {
        let (_folder, settings) = instance(&[]);
        let file = secret_file::default(&settings);
        let valid = "c8f1d2a37b6e4095af31c6d80e92b754 2026-11-22T00:00:00Z";
        for line in ["hunter2", "hunter2 soon", &valid.replace('Z', "Z x")] {
            replace(&former_file(&file), &file, &format!("{valid}\n{line}\n")).unwrap();
            let error = read(&file, &settings, NOW).err().unwrap().to_string();
            assert!(error.contains("line 2") && !error.contains("hunter2") && !error.contains("c8f1"), "{error}");
        }
    }

    #[test]
    fn interrupted_rotation_can_be_repeated() {
        let (_folder, settings) = instance(&[]);
        let file = secret_file::default(&settings);
        let first = fs::read_to_string(&file).unwrap();
        rotate(&settings, NOW, false).unwrap();
        // As after a crash before the new secret got its name.
        replace(&file, &file, &first).unwrap();
        rotate(&settings, NOW, false).unwrap();
        assert_eq!(former_secrets(&settings, NOW), [first.trim()]);
    }
}
