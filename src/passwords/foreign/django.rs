//! The strings of Django: the name of the hasher, then what the hasher writes.

use super::{
    HashError, Parts, PasswordHash, Preparation,
    encoding::{base64, number, to_base64},
    function::{Digest, Function},
    modular,
};

/// Parses the strings whose names no other system has.
pub(super) fn parse(text: &str) -> Result<PasswordHash, HashError> {
    let (name, rest) = text.split_once('$').ok_or(HashError::Unknown)?;
    match name {
        "pbkdf2_sha256" => pbkdf2(Digest::Sha256, rest),
        "pbkdf2_sha1" => pbkdf2(Digest::Sha1, rest),
        "argon2" => modular::argon2(&format!("${rest}")),
        "bcrypt" => modular::bcrypt(rest),
        // bcrypt ignores all after 72 bytes, so Django hashes the password first.
        "bcrypt_sha256" => modular::bcrypt(rest).map(|hash| hash.after(Preparation::Sha256Hex)),
        "scrypt" => {
            let [n, salt, r, p, digest] = super::fields(rest)?;
            let costs = || Some((number(n)?, number(r)?, number(p)?));
            let (n, r, p) = costs().ok_or(HashError::Malformed)?;
            finish(Function::scrypt(n, r, p)?, salt, digest, 64)
        }
        _ => Err(HashError::Unknown),
    }
}

fn pbkdf2(digest: Digest, text: &str) -> Result<PasswordHash, HashError> {
    let [rounds, salt, output] = super::fields(text)?;
    let rounds = number(rounds).ok_or(HashError::Malformed)?;
    finish(Function::pbkdf2(digest, rounds)?, salt, output, digest.length())
}

fn finish(function: Function, salt: &str, digest: &str, length: usize) -> Result<PasswordHash, HashError> {
    if digest.len() < length.div_ceil(3) * 4 {
        return Err(HashError::Truncated);
    }
    let output = base64(digest).ok_or(HashError::Malformed)?;
    PasswordHash::new(Parts { function, salt: salt.as_bytes().to_vec(), output, length })
}

/// The most memory that Django lets scrypt use, in bytes: the default of OpenSSL.
const MAX_SCRYPT_BYTES: u64 = 32 << 20;

/// Returns a stored hash as Django stores it. `None` if Django cannot verify it. Plain bcrypt needs the
/// `BCryptPasswordHasher` in the project's `PASSWORD_HASHERS`.
#[must_use]
pub fn to_django(stored: &str) -> Option<String> {
    let hash = PasswordHash::parse(stored).ok()?;
    if hash.key.is_some() {
        return None;
    }
    let salt = std::str::from_utf8(&hash.salt).ok().filter(|salt| salt.is_ascii() && !salt.contains('$'));
    let (digest, inner) = (to_base64(&hash.output), |start: &str| stored.find(start).map(|at| &stored[at..]));
    match (&hash.preparation, &hash.function) {
        (Preparation::None, Function::Pbkdf2 { digest: Digest::Sha256, rounds }) => {
            Some(format!("pbkdf2_sha256${rounds}${}${digest}", salt?))
        }
        (Preparation::None, Function::Pbkdf2 { digest: Digest::Sha1, rounds }) => {
            Some(format!("pbkdf2_sha1${rounds}${}${digest}", salt?))
        }
        (Preparation::None, Function::Scrypt { log_n, r, p }) => {
            let needed = 128 * u64::from(*r) * ((1 << log_n) + 2 + u64::from(*p));
            let is_readable = needed <= MAX_SCRYPT_BYTES && hash.output.len() == 64;
            is_readable.then(|| Some(format!("scrypt${}${}${r}${p}${digest}", 1_u64 << log_n, salt?)))?
        }
        (Preparation::None, Function::Argon2 { .. }) => Some(format!("argon2{}", inner("$argon2")?)),
        (Preparation::None, Function::Bcrypt { .. }) => Some(format!("bcrypt${}", inner("$2")?)),
        (Preparation::Sha256Hex, Function::Bcrypt { .. }) => Some(format!("bcrypt_sha256${}", inner("$2")?)),
        _ => None,
    }
}
