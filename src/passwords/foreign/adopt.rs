//! What an import makes of the strings of another system.

use super::{Dialect, FLASK_SECURITY, HashError, MAX_LENGTH, PasswordHash, weak::WeakRecipe, werkzeug};
use crate::passwords::UNUSABLE;

/// What happens to plain digests and other hashes that do not slow down guessing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Weak {
    /// Refuse the row
    #[default]
    Refuse,
    /// Create the account without a password; its owner needs a link to set one
    Reset,
    /// Hash the old hash with argon2id, so that the weak one is kept nowhere
    Wrap,
}

/// How an import reads password hashes.
#[derive(Debug, Clone, Default)]
pub struct Adoption {
    /// Whose strings they are, where that is not certain.
    pub dialect: Option<Dialect>,
    /// What happens to weak ones.
    pub weak: Weak,
    /// The name of the key of Flask-Security, if its hashes have one.
    pub flask_security: Option<String>,
    /// Whether bcrypt got the SHA-256 of the password in hexadecimal, as Flask-Bcrypt does for long passwords.
    pub bcrypt_prehash: bool,
    /// The rounds of Werkzeug's strings that name none.
    pub werkzeug_rounds: Option<u32>,
}

/// A plain digest that waits to be wrapped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WeakDigest {
    recipe: WeakRecipe,
    digest: String,
}

/// What is stored for the hash of another system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Adopted {
    /// This string.
    Hash(String),
    /// Nothing: the account has no password.
    Unusable,
    /// argon2id over this digest.
    Wrap(WeakDigest),
}

impl WeakDigest {
    /// Returns the digest, which is hashed like a password.
    pub(in crate::passwords) fn digest(&self) -> &str {
        &self.digest
    }

    /// Returns the string to store, given the PHC string of the digest.
    pub(in crate::passwords) fn wrapped(&self, phc: &str) -> String {
        format!("{}{phc}", self.recipe.stored())
    }

    /// Returns the name of the scheme that the wrapped hash has.
    #[must_use]
    pub fn scheme(&self) -> String {
        format!("argon2id-{}", self.recipe.name())
    }
}

impl Adoption {
    /// Returns what is stored for `text`, the hash of another system.
    pub fn adopt(&self, text: &str) -> Result<Adopted, HashError> {
        // Django's form of an unusable password.
        if text.is_empty() || text.starts_with(UNUSABLE) {
            return Ok(Adopted::Unusable);
        }
        if text.len() > MAX_LENGTH {
            return Err(HashError::TooLong);
        }
        match self.stored(text) {
            Err(HashError::Weak) if self.weak == Weak::Reset => Ok(Adopted::Unusable),
            Err(HashError::Unknown | HashError::Truncated) => self.adopt_weak(text),
            stored => stored.map(Adopted::Hash),
        }
    }

    fn stored(&self, text: &str) -> Result<String, HashError> {
        let with_rounds = self.werkzeug_rounds.and_then(|rounds| werkzeug::with_rounds(text, rounds));
        let text = with_rounds.as_deref().unwrap_or(text);
        let mut stored = text.to_owned();
        // As Django stores the same.
        if self.bcrypt_prehash && ["$2a$", "$2b$", "$2y$"].iter().any(|prefix| text.starts_with(prefix)) {
            stored = format!("bcrypt_sha256${text}");
        }
        // From an export. The key has another name here.
        let exported = text.strip_prefix(FLASK_SECURITY).and_then(|rest| rest.strip_prefix('$'));
        if let Some((_, inner)) = exported.and_then(|rest| rest.split_once('$')) {
            let key = self.flask_security.as_ref().ok_or(HashError::KeyMissing)?;
            stored = format!("{FLASK_SECURITY}${key}${inner}");
        } else if let Some(key) = self.flask_security.as_ref().filter(|_| text.starts_with('$')) {
            // Flask-Security uses its key with all schemes but those of Django.
            stored = format!("{FLASK_SECURITY}${key}${stored}");
        }
        PasswordHash::parse(&stored)?;
        Ok(stored)
    }

    fn adopt_weak(&self, text: &str) -> Result<Adopted, HashError> {
        let unknown = self.stored(text).err().unwrap_or(HashError::Unknown);
        let (recipe, digest) = match WeakRecipe::parse_digest(text, self.dialect) {
            Err(HashError::Unknown) => return Err(unknown),
            weak if self.weak == Weak::Wrap => weak?,
            Ok(_) | Err(HashError::Ambiguous) if self.weak == Weak::Reset => return Ok(Adopted::Unusable),
            Ok(_) | Err(HashError::Ambiguous) => return Err(HashError::Weak),
            Err(error) => return Err(error),
        };
        Ok(Adopted::Wrap(WeakDigest { recipe, digest }))
    }
}
