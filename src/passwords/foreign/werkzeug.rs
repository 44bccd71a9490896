//! The strings of Werkzeug, which Flask applications store: `method$salt$hex`. The salt is used as text.

use super::{
    HashError, Parts, PasswordHash,
    encoding::{hex, number},
    function::{Digest, Function},
};

/// Parses the strings with a colon, which no other system has.
pub(super) fn parse(text: &str) -> Result<PasswordHash, HashError> {
    let [method, salt, digest] = super::fields(text)?;
    let mut method = method.split(':');
    let (function, length) = match (method.next(), method.next(), method.next(), method.next(), method.next()) {
        (Some("scrypt"), Some(n), Some(r), Some(p), None) => {
            let costs = || Some((number(n)?, number(r)?, number(p)?));
            let (n, r, p) = costs().ok_or(HashError::Malformed)?;
            (Function::scrypt(n, r, p)?, 64)
        }
        (Some("pbkdf2"), Some(digest), rounds, None, None) => {
            let digest: Digest = digest.parse().map_err(|_| HashError::Unknown)?;
            // Without a number, Werkzeug used the default of the version that ran, which the string does not tell.
            let rounds = number(rounds.ok_or(HashError::RoundsMissing)?).ok_or(HashError::Malformed)?;
            (Function::pbkdf2(digest, rounds)?, digest.length())
        }
        _ => return Err(HashError::Unknown),
    };
    if digest.len() < 2 * length {
        return Err(HashError::Truncated);
    }
    let output = hex(digest).ok_or(HashError::Malformed)?;
    PasswordHash::new(Parts { function, salt: salt.as_bytes().to_vec(), output, length })
}

/// Adds the number of rounds to a string without one. Returns `None` for all other strings.
pub(super) fn with_rounds(text: &str, rounds: u32) -> Option<String> {
    let [method, rest] = [text.split_once('$')?.0, text.split_once('$')?.1];
    let digest = method.strip_prefix("pbkdf2:").filter(|digest| !digest.contains(':'))?;
    Some(format!("pbkdf2:{digest}:{rounds}${rest}"))
}
