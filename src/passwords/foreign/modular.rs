//! The strings that begin with `$`: PHC strings, passlib's, bcrypt, SHA-crypt and the bcrypt of `WordPress`.

use argon2::{Algorithm, Version};

use super::{
    HashError, Parts, PasswordHash, Preparation,
    encoding::{bcrypt_base64, number, passlib_base64, phc_base64, sha_crypt_output},
    function::{Digest, Function},
};

/// Characters of the salt of bcrypt, and of salt and hash together.
const BCRYPT_SALT: usize = 22;
const BCRYPT_TAIL: usize = 53;
/// The bytes of the hash that bcrypt strings keep, of 24.
const BCRYPT_OUTPUT: usize = 23;
const SHA_CRYPT_MAX_SALT: usize = 16;
/// The rounds of SHA-crypt if the string names none.
const SHA_CRYPT_ROUNDS: u32 = 5_000;

/// Parses a string that begins with `$`.
pub(super) fn parse(text: &str) -> Result<PasswordHash, HashError> {
    let name = text.split('$').nth(1).ok_or(HashError::Unknown)?;
    let rest = text.get(name.len() + 2..).ok_or(HashError::Truncated)?;
    match name {
        "argon2id" | "argon2i" | "argon2d" => argon2(text),
        "2a" | "2b" | "2y" => bcrypt(text),
        "pbkdf2" => pbkdf2(Digest::Sha1, rest),
        "pbkdf2-sha256" => pbkdf2(Digest::Sha256, rest),
        "pbkdf2-sha512" => pbkdf2(Digest::Sha512, rest),
        "bcrypt-sha256" => bcrypt_sha256(rest),
        "scrypt" => scrypt(rest),
        "5" => sha_crypt(rest, 32),
        "6" => sha_crypt(rest, 64),
        "wp" => bcrypt(&format!("${rest}")).map(|hash| hash.after(Preparation::WordPress)),
        // The names of DES, MD5 and phpass, and of a bcrypt with a bug (CVE-2011-2483).
        "1" | "apr1" | "P" | "H" | "2x" | "md5" => Err(HashError::Weak),
        _ => Err(HashError::Unknown),
    }
}

/// `$argon2id$v=19$m=65536,t=3,p=4$SALT$HASH`. Very old strings have no version.
pub(super) fn argon2(text: &str) -> Result<PasswordHash, HashError> {
    let mut fields = text.split('$').skip(1).peekable();
    let algorithm = fields.next().and_then(|name| Algorithm::try_from(name).ok()).ok_or(HashError::Unknown)?;
    let version = match fields.next_if(|field| field.starts_with("v=")) {
        None | Some("v=16") => Version::V0x10,
        Some("v=19") => Version::V0x13,
        Some(_) => return Err(HashError::Unknown),
    };
    let [Some(costs), Some(salt), Some(output), None] = [(); 4].map(|()| fields.next()) else {
        return Err(HashError::Truncated);
    };
    let [m, t, p] = named(costs, ["m", "t", "p"]).ok_or(HashError::Malformed)?;
    let (salt, output) = (phc_base64(salt), phc_base64(output));
    // A cut base64 text may be no base64.
    let (salt, output) = (salt.ok_or(HashError::Malformed)?, output.ok_or(HashError::Truncated)?);
    let function = Function::argon2(algorithm, version, (m, t, p), output.len())?;
    if salt.len() < argon2::MIN_SALT_LEN {
        return Err(HashError::Malformed);
    }
    PasswordHash::new(Parts { function, salt, length: output.len(), output })
}

/// `$2b$12$` and 53 characters. The variants differ only in bugs of programs that computed them.
pub(super) fn bcrypt(text: &str) -> Result<PasswordHash, HashError> {
    let [empty, name, cost, tail] = super::fields(text)?;
    match (empty, name) {
        ("", "2a" | "2b" | "2y") => {}
        ("", "2x") => return Err(HashError::Weak),
        _ => return Err(HashError::Unknown),
    }
    bcrypt_parts(two_digits(cost)?, tail)
}

fn bcrypt_parts(cost: u32, tail: &str) -> Result<PasswordHash, HashError> {
    if tail.len() < BCRYPT_TAIL {
        return Err(HashError::Truncated);
    }
    let (salt, output) = tail.split_at_checked(BCRYPT_SALT).ok_or(HashError::Malformed)?;
    let decode = |text| bcrypt_base64(text).ok_or(HashError::Malformed);
    let (salt, output) = (decode(salt)?, decode(output)?);
    PasswordHash::new(Parts { function: Function::bcrypt(cost)?, salt, output, length: BCRYPT_OUTPUT })
}

fn two_digits(cost: &str) -> Result<u32, HashError> {
    match cost.as_bytes() {
        [b'0', _] => number(&cost[1..]).ok_or(HashError::Malformed),
        [_, _] => number(cost).ok_or(HashError::Malformed),
        _ => Err(HashError::Malformed),
    }
}

/// passlib's bcrypt over SHA-256: `v=2,t=2b,r=12$SALT$HASH`, where the salt is also the key of an HMAC; before that
/// `2a,12$SALT$HASH`, with a plain digest.
fn bcrypt_sha256(text: &str) -> Result<PasswordHash, HashError> {
    let [parameters, salt, output] = super::fields(text)?;
    let (preparation, cost) = if let Some(rest) = parameters.strip_prefix("v=2,t=2b,r=") {
        (Preparation::HmacSha256Base64(salt.as_bytes().to_vec()), rest)
    } else if let Some(rest) = parameters.strip_prefix("2a,").or_else(|| parameters.strip_prefix("2b,")) {
        (Preparation::Sha256Base64, rest)
    } else {
        return Err(HashError::Unknown);
    };
    if salt.len() != BCRYPT_SALT {
        return Err(HashError::Malformed);
    }
    let cost = number(cost).ok_or(HashError::Malformed)?;
    Ok(bcrypt_parts(cost, &format!("{salt}{output}"))?.after(preparation))
}

/// `29000$SALT$HASH`
fn pbkdf2(digest: Digest, text: &str) -> Result<PasswordHash, HashError> {
    let [rounds, salt, output] = super::fields(text)?;
    let rounds = number(rounds).ok_or(HashError::Malformed)?;
    let length = digest.length();
    if output.len() < (length * 4).div_ceil(3) {
        return Err(HashError::Truncated);
    }
    let decode = |text| passlib_base64(text).ok_or(HashError::Malformed);
    let (salt, output) = (decode(salt)?, decode(output)?);
    PasswordHash::new(Parts { function: Function::pbkdf2(digest, rounds)?, salt, output, length })
}

/// `ln=16,r=8,p=1$SALT$HASH`
fn scrypt(text: &str) -> Result<PasswordHash, HashError> {
    let [costs, salt, output] = super::fields(text)?;
    let [log_n, r, p] = named(costs, ["ln", "r", "p"]).ok_or(HashError::Malformed)?;
    let n = 1_u32.checked_shl(log_n).ok_or(HashError::TooCostly)?;
    let function = Function::scrypt(n, r, p)?;
    let salt = phc_base64(salt).ok_or(HashError::Malformed)?;
    let output = phc_base64(output).ok_or(HashError::Truncated)?;
    PasswordHash::new(Parts { function, salt, length: output.len(), output })
}

/// `rounds=656000$SALT$HASH`
fn sha_crypt(text: &str, length: usize) -> Result<PasswordHash, HashError> {
    let (rounds, text) = match text.strip_prefix("rounds=") {
        Some(text) => {
            let (rounds, text) = text.split_once('$').ok_or(HashError::Truncated)?;
            (number(rounds).ok_or(HashError::Malformed)?, text)
        }
        None => (SHA_CRYPT_ROUNDS, text),
    };
    let [salt, output] = super::fields(text)?;
    if salt.len() > SHA_CRYPT_MAX_SALT {
        return Err(HashError::Malformed);
    }
    if output.len() < (length * 8).div_ceil(6) {
        return Err(HashError::Truncated);
    }
    let output = sha_crypt_output(output, length).ok_or(HashError::Malformed)?;
    let function = Function::sha_crypt(length, rounds)?;
    PasswordHash::new(Parts { function, salt: salt.as_bytes().to_vec(), output, length })
}

/// Returns the numbers of `m=1,t=2,p=3`, which has exactly these names in this order.
fn named<const N: usize>(text: &str, names: [&str; N]) -> Option<[u32; N]> {
    let mut fields = text.split(',');
    let mut numbers = [0; N];
    for (number_of, name) in numbers.iter_mut().zip(names) {
        *number_of = number(fields.next()?.strip_prefix(name)?.strip_prefix('=')?)?;
    }
    fields.next().is_none().then_some(numbers)
}
