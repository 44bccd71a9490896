//! Passwords: the value, the threads that hash it, and the policy for new passwords.

mod argon2id;
mod canonical;
pub mod common;
mod cpu_share;
pub mod foreign;
mod guesses;
mod hasher;
mod job_queue;
mod keyboards;
mod policy;
mod repetition;
mod slots;
mod threads;
mod turns;
mod verification;

use secrecy::{ExposeSecret, SecretString};
use unicode_normalization::UnicodeNormalization;

use self::foreign::PasswordHash;
pub use self::{
    hasher::{HashPermit, Hasher},
    policy::{PersonalTerms, Policy, Weakness},
    slots::Priority,
    verification::{Expected, Verification},
};

/// The maximum length of a password in code points after normalization. Long enough for password managers and
/// passphrases; bounds the work of hashing and policy.
pub const MAX_LENGTH: usize = 256;

/// Stands in place of a hash for an account without a password. No password matches it.
pub const UNUSABLE: &str = "!";

/// Whether this stands in place of a hash, so that no password matches.
#[must_use]
pub fn is_unusable(stored: &str) -> bool {
    stored.is_empty() || stored.starts_with(UNUSABLE)
}

/// Returns the scheme of a stored hash, such as `argon2id`; `None` for [`UNUSABLE`].
#[must_use]
pub fn scheme(stored: &str) -> Option<String> {
    if is_unusable(stored) {
        return None;
    }
    Some(PasswordHash::parse(stored).map_or_else(|_| "unknown".to_owned(), |hash| hash.scheme()))
}

/// A password in Unicode normalization form C, so that every keyboard's way to compose a character gives the same bytes
/// (NIST SP 800-63B-4, 3.1.1.2). `Debug` does not show it; dropping it erases the memory.
#[derive(Debug, Clone)]
pub struct Password {
    normalized: SecretString,
    /// The password as it was typed, if that is not normalized. Other systems have hashed it.
    typed: Option<SecretString>,
}

/// A password has more than [`MAX_LENGTH`] code points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the password has more than {MAX_LENGTH} characters")]
pub struct PasswordTooLong;

impl Password {
    /// Normalizes `typed`. Only the length can be wrong; the empty password is valid here.
    pub fn parse(typed: &str) -> Result<Self, PasswordTooLong> {
        // NFC composes at most four code points into one (UAX #15: U+1F82), so longer input cannot become short enough.
        // This bounds the work of the normalization.
        if typed.chars().nth(4 * MAX_LENGTH).is_some() {
            return Err(PasswordTooLong);
        }
        let normalized: String = typed.nfc().collect();
        if normalized.chars().nth(MAX_LENGTH).is_some() {
            return Err(PasswordTooLong);
        }
        let typed = (normalized != typed).then(|| SecretString::from(typed));
        Ok(Self { normalized: SecretString::from(normalized), typed })
    }

    /// Whether the password is the empty string.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.expose().is_empty()
    }

    fn expose(&self) -> &str {
        self.normalized.expose_secret()
    }

    fn typed(&self) -> Option<&str> {
        self.typed.as_ref().map(SecretString::expose_secret)
    }
}

/// Compares the normalized forms, in constant time.
impl PartialEq for Password {
    fn eq(&self, other: &Self) -> bool {
        use subtle::ConstantTimeEq;
        self.expose().as_bytes().ct_eq(other.expose().as_bytes()).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn password_is_normalized_to_nfc() {
        assert_eq!(Password::parse("caf\u{e9}").unwrap(), Password::parse("cafe\u{301}").unwrap());
        assert_ne!(Password::parse("\u{fb00}").unwrap(), Password::parse("ff").unwrap());
    }

    #[test]
    fn password_length_is_counted_in_characters() {
        assert!(Password::parse(&"🦀".repeat(MAX_LENGTH)).is_ok());
        assert_eq!(Password::parse(&"a".repeat(MAX_LENGTH + 1)), Err(PasswordTooLong));
        assert!(Password::parse(&"e\u{301}".repeat(MAX_LENGTH)).is_ok());
        assert!(Password::parse(&"\u{3b1}\u{313}\u{300}\u{345}".repeat(MAX_LENGTH)).is_ok());
        assert_eq!(Password::parse(&"a".repeat(1 << 20)), Err(PasswordTooLong));
    }

    #[test]
    fn password_debug_output_is_redacted() {
        let shown = format!("{:?}", Password::parse("hunter2 hunter2 hunter2").unwrap());
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
