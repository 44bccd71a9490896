//! The strings of Django: the name of the hasher, then what the hasher writes.

use super::{
    HashError, Parts, PasswordHash, Preparation,
    encoding::{base64, number},
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
