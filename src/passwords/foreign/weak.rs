//! Plain digests: so fast that most passwords behind them can be guessed. They are never stored as they are. An import
//! refuses them, or wraps them: the database then holds argon2id over the old digest, and the way to recompute it.

use aws_lc_rs::{
    digest::{self, SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest},
    hmac,
};
use md5::Digest as _;
use pbkdf2::hmac::{Hmac, KeyInit, Mac};

use super::{Dialect, HashError, MAX_SALT_BYTES, encoding};

/// The first part of the stored form, for each dialect.
const WERKZEUG: &str = "wz";
const DJANGO: &str = "dj";

/// The fast hash function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, strum::EnumString, strum::IntoStaticStr)]
#[strum(serialize_all = "lowercase")]
pub(super) enum FastDigest {
    Md5,
    Sha1,
    Sha256,
}

/// How to compute a digest from a password.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WeakRecipe {
    dialect: Dialect,
    digest: FastDigest,
    salt: String,
}

impl FastDigest {
    fn hex_digits(self) -> usize {
        match self {
            Self::Md5 => 32,
            Self::Sha1 => 40,
            Self::Sha256 => 64,
        }
    }

    fn of(self, bytes: &[u8]) -> Vec<u8> {
        let with = |algorithm: &'static digest::Algorithm| digest(algorithm, bytes).as_ref().to_vec();
        match self {
            Self::Md5 => md5::Md5::digest(bytes).to_vec(),
            Self::Sha1 => with(&SHA1_FOR_LEGACY_USE_ONLY),
            Self::Sha256 => with(&SHA256),
        }
    }

    /// Werkzeug: HMAC with the salt as the key.
    fn keyed(self, key: &[u8], bytes: &[u8]) -> Vec<u8> {
        let algorithm = match self {
            // aws-lc-rs does not offer it with MD5.
            Self::Md5 => {
                let mut mac = Hmac::<md5::Md5>::new_from_slice(key).expect("HMAC takes keys of any length");
                mac.update(bytes);
                return mac.finalize().into_bytes().to_vec();
            }
            Self::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => hmac::HMAC_SHA256,
        };
        hmac::sign(&hmac::Key::new(algorithm, key), bytes).as_ref().to_vec()
    }
}

impl WeakRecipe {
    /// Parses a plain digest of an import, such as `sha1$salt$hex`. Returns the recipe and the digest. The same string
    /// means HMAC for Werkzeug and concatenation for Django.
    pub(super) fn parse_digest(text: &str, dialect: Option<Dialect>) -> Result<(Self, String), HashError> {
        let is_hex = |text: &str| encoding::hex(text).is_some();
        // Django's oldest: MD5 without salt and name.
        if text.len() == 32 && is_hex(text) {
            let recipe = Self { dialect: Dialect::Django, digest: FastDigest::Md5, salt: String::new() };
            return Ok((recipe, text.to_owned()));
        }
        let [name, salt, hex] = super::fields(text).map_err(|_| HashError::Unknown)?;
        let digest: FastDigest = name.parse().map_err(|_| HashError::Unknown)?;
        if hex.len() < digest.hex_digits() {
            return Err(HashError::Truncated);
        }
        if hex.len() > digest.hex_digits() || !is_hex(hex) || salt.len() > MAX_SALT_BYTES {
            return Err(HashError::Malformed);
        }
        let dialect = match (dialect, salt) {
            (Some(dialect), _) => dialect,
            // Without a salt, both take the digest of the password.
            (None, "") => Dialect::Django,
            (None, _) => return Err(HashError::Ambiguous),
        };
        Ok((Self { dialect, digest, salt: salt.to_owned() }, hex.to_owned()))
    }

    /// Parses the stored form, such as `dj$sha1$salt`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let [prefix, name, salt] = super::fields(text).ok()?;
        let dialect = match prefix {
            WERKZEUG => Dialect::Werkzeug,
            DJANGO => Dialect::Django,
            _ => return None,
        };
        Some(Self { dialect, digest: name.parse().ok()?, salt: salt.to_owned() })
    }

    /// Returns the stored form.
    pub(super) fn stored(&self) -> String {
        let prefix = match self.dialect {
            Dialect::Werkzeug => WERKZEUG,
            Dialect::Django => DJANGO,
        };
        format!("{prefix}${}${}", self.name(), self.salt)
    }

    /// Returns the name of the hash function.
    pub(super) fn name(&self) -> &'static str {
        self.digest.into()
    }

    /// Returns the digest of a password, in hexadecimal.
    pub(super) fn digest(&self, password: &[u8]) -> String {
        let bytes = match self.dialect {
            Dialect::Werkzeug if !self.salt.is_empty() => self.digest.keyed(self.salt.as_bytes(), password),
            _ => self.digest.of(&[self.salt.as_bytes(), password].concat()),
        };
        encoding::to_hex(&bytes)
    }
}

/// Whether a stored string is a wrapped digest.
pub(super) fn is_wrapped(text: &str) -> bool {
    text.split_once('$').is_some_and(|(prefix, _)| prefix == WERKZEUG || prefix == DJANGO)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 2202, section 2, test cases 2 and 6.
    #[test]
    fn hmac_md5_matches_rfc_2202() {
        let hex = |key: &[u8], text: &str| encoding::to_hex(&FastDigest::Md5.keyed(key, text.as_bytes()));
        assert_eq!(hex(b"Jefe", "what do ya want for nothing?"), "750c783e6ab0b503eaa86e310a5db738");
        let long = "Test Using Larger Than Block-Size Key - Hash Key First";
        assert_eq!(hex(&[0xaa; 80], long), "6b1ab7fe4bd7bf8f0b62e6ce61b9d0cd");
    }

    #[test]
    fn same_string_is_hmac_for_werkzeug_and_concatenation_for_django() {
        let text = format!("sha1$salt${}", "0".repeat(40));
        assert_eq!(WeakRecipe::parse_digest(&text, None).unwrap_err(), HashError::Ambiguous);
        let digest = |dialect| WeakRecipe::parse_digest(&text, Some(dialect)).unwrap().0.digest(b"password");
        // python3 -c 'import hashlib, hmac; print(hmac.new(b"salt", b"password", "sha1").hexdigest())' and so on
        assert_eq!(digest(Dialect::Werkzeug), "c1d0e06998305903ac76f589bbd6d4b61a670ba6");
        assert_eq!(digest(Dialect::Django), "59b3e8d637cf97edbe2384cf59cb7453dfe30789");
    }
}
