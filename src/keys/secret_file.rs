//! The file with the signing secret, and the check of how strong a secret is.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use secrecy::{ExposeSecret, SecretString};

use crate::{
    config::{ConfigError, Settings},
    random,
};

/// 256 bits, the minimum key size of HS256 (RFC 7518, 3.2).
const SECRET_BYTES: usize = 32;

/// Rejects a secret that is shorter than [`SECRET_BYTES`] or can be guessed, such as one from a README or a tutorial.
pub(super) fn check_strength(setting: &'static str, secret: SecretString) -> Result<SecretString, ConfigError> {
    // A random secret of 32 hexadecimal digits takes 10^38 guesses, "changeme" four times over a few thousand.
    const MIN_GUESSES_LOG10: f64 = 18.0;
    let text = secret.expose_secret();
    if text.len() < SECRET_BYTES {
        return Err(ConfigError::new(
            setting,
            format!(
                "the secret has {} bytes; it needs at least {SECRET_BYTES}, for example from: openssl rand -hex 32",
                text.len()
            ),
        ));
    }
    if zxcvbn::zxcvbn(text, &["gatehouse"]).guesses_log10() < MIN_GUESSES_LOG10 {
        return Err(ConfigError::new(
            setting,
            "the secret looks like a sample; it must be random, for example from: openssl rand -hex 32",
        ));
    }
    Ok(secret)
}

/// Returns the file with the secret if no setting has it or names another file.
pub(super) fn default(settings: &Settings) -> PathBuf {
    settings.data_dir.join("secret.key")
}

/// Returns a new secret.
pub(super) fn generate() -> String {
    BASE64.encode(random::bytes::<SECRET_BYTES>())
}

/// Reads the secret from `file`. Rejects a file that other users of the machine can open.
pub(super) fn read(file: &Path) -> Result<SecretString, String> {
    let describe = |error: io::Error| format!("cannot read {}: {error}", file.display());
    let mode = fs::metadata(file).map_err(describe)?.mode();
    // The group may have access on purpose (credentials of a service manager); other users may not.
    if mode & 0o007 != 0 {
        return Err(format!("{} can be opened by other users of this machine; run: chmod 600 {0}", file.display()));
    }
    let text = fs::read_to_string(file).map_err(describe)?;
    Ok(SecretString::from(text.trim()))
}

/// Creates `file` with a random secret, unless it exists. The file gets its name after its content is on disk, so a
/// crash leaves no partial secret, and two processes that start at the same time use the same one.
pub(super) fn create_if_missing(file: &Path) -> io::Result<()> {
    if file.exists() {
        return Ok(());
    }
    let folder = file.parent().unwrap_or(Path::new("."));
    let temporary = folder.join(format!("secret.{:x}.new", u64::from_ne_bytes(random::bytes())));
    let secret = generate();
    let written =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary).and_then(|mut opened| {
            writeln!(opened, "{secret}")?;
            opened.sync_all()
        });
    let linked = written.and_then(|()| fs::hard_link(&temporary, file));
    // A failure to remove it must not hide why the secret was not created.
    let _ = fs::remove_file(&temporary);
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_or_sample_secret_is_rejected_and_not_echoed() {
        for text in [
            "",
            "changeme",
            "0123456789abcdef0123456789abcde",
            "changemechangemechangemechangeme",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "00000000000000000000000000000000",
            "passwordpasswordpasswordpassword",
        ] {
            let error = check_strength("GATEHOUSE_SECRET", SecretString::from(text)).unwrap_err().to_string();
            assert!(error.starts_with("GATEHOUSE_SECRET: "), "{error}");
            assert!(text.is_empty() || !error.contains(text), "{error}");
        }
    }

    #[test]
    fn random_secret_is_accepted() {
        for _ in 0..100 {
            let hex = format!("{:032x}", u128::from_ne_bytes(random::bytes()));
            assert!(check_strength("GATEHOUSE_SECRET", SecretString::from(hex.as_str())).is_ok(), "{hex}");
            let text = BASE64.encode(random::bytes::<24>());
            assert!(check_strength("GATEHOUSE_SECRET", SecretString::from(text.as_str())).is_ok(), "{text}");
        }
    }

    #[test]
    fn secret_file_is_created_once_with_owner_only_permissions() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret.key");
        create_if_missing(&file).unwrap();
        let first = fs::read_to_string(&file).unwrap();
        create_if_missing(&file).unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), first);
        assert_eq!(BASE64.decode(first.trim()).unwrap().len(), SECRET_BYTES);
        assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn reading_world_readable_secret_file_fails() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret.key");
        create_if_missing(&file).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(read(&file).unwrap_err().contains("chmod 600"));
    }
}
