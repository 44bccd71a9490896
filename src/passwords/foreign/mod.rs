//! Password hashes as they are stored: ours, and those of other systems, which are imported unchanged and replaced by
//! ours at the first sign-in.
//!
//! One strict parser reads each string once into a [`PasswordHash`]: a function with bounded costs, its salt, its
//! output, and what happens to the password before. A string that is stored has been parsed at the import, so one that
//! cannot be parsed is a defect.

mod adopt;
mod django;
mod encoding;
mod function;
mod modular;
mod weak;
mod werkzeug;

use aws_lc_rs::{digest, hmac};
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use subtle::ConstantTimeEq;
use unicode_normalization::UnicodeNormalization;

pub use self::{
    adopt::{Adopted, Adoption, Weak, WeakDigest},
    django::to_django,
};
use self::{function::Function, weak::WeakRecipe};
use super::{Password, argon2id::Engine};

/// The longest string that the database stores, in characters.
pub const MAX_LENGTH: usize = 255;
const MAX_SALT_BYTES: usize = 128;
const OUTPUT_BYTES: std::ops::RangeInclusive<usize> = 16..=64;
/// Hashes that need more memory than one of ours take turns.
const MAX_SHARED_KIBIBYTES: u64 = 19 * 1024;
/// Marks a hash of Flask-Security: `fs$KEY$STRING`, where `KEY` is the name of its key.
const FLASK_SECURITY: &str = "fs";

/// Whose strings a table holds, where the same string means different things.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Dialect {
    /// Werkzeug, which comes with Flask
    Werkzeug,
    /// Django
    Django,
}

/// Why a string is not accepted as a password hash. For the report of an import.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    /// No scheme that is known.
    #[error("the password hash is of no known kind")]
    Unknown,
    /// The scheme is known, but not what follows.
    #[error("the password hash is damaged")]
    Malformed,
    /// The end is missing.
    #[error("the password hash is cut off; the column was too short for it")]
    Truncated,
    /// More than [`MAX_LENGTH`] characters.
    #[error("the password hash has more than {MAX_LENGTH} characters")]
    TooLong,
    /// Verifying it would take too much time or memory.
    #[error("the password hash would take too much time or memory to verify")]
    TooCostly,
    /// A plain digest or another function that does not slow down guessing.
    #[error("the password hash is too weak; see --weak")]
    Weak,
    /// Werkzeug and Django write the same string for different functions.
    #[error("the password hash means different things to Werkzeug and Django; pass --dialect")]
    Ambiguous,
    /// A hash of Flask-Security without its key.
    #[error("the password hash is one of Flask-Security; pass --flask-security-salt-file")]
    KeyMissing,
    /// Werkzeug's default number of rounds, which the string does not tell.
    #[error("the password hash does not say its number of rounds; pass --werkzeug-iterations")]
    RoundsMissing,
}

/// The secret that Flask-Security calls `SECURITY_PASSWORD_SALT`: the key of an HMAC over every password.
#[derive(Debug, Clone)]
pub struct FlaskSecurityKey(SecretSlice<u8>);

impl FlaskSecurityKey {
    /// Returns the key with these bytes.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }

    /// Returns the bytes, to encrypt them.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        self.0.expose_secret()
    }
}

/// What happens to a password before the function.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Preparation {
    None,
    Sha256Hex,
    Sha256Base64,
    HmacSha256Base64(Vec<u8>),
    WordPress,
    Weak(WeakRecipe),
}

impl Preparation {
    fn apply(&self, password: SecretSlice<u8>) -> SecretSlice<u8> {
        let bytes = password.expose_secret();
        let keyed = |algorithm, key: &[u8], bytes: &[u8]| {
            encoding::to_base64(hmac::sign(&hmac::Key::new(algorithm, key), bytes).as_ref())
        };
        let text = match self {
            Self::None => return password,
            Self::Sha256Hex => encoding::to_hex(digest::digest(&digest::SHA256, bytes).as_ref()),
            Self::Sha256Base64 => encoding::to_base64(digest::digest(&digest::SHA256, bytes).as_ref()),
            Self::HmacSha256Base64(key) => keyed(hmac::HMAC_SHA256, key, bytes),
            Self::WordPress => keyed(hmac::HMAC_SHA384, b"wp-sha384", trim(bytes)),
            Self::Weak(recipe) => recipe.digest(bytes),
        };
        text.into_bytes().into()
    }
}

/// Removes what PHP's `trim` does.
fn trim(bytes: &[u8]) -> &[u8] {
    let is_removed = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b'\0' | b'\x0b');
    let start = bytes.iter().position(|byte| !is_removed(byte)).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(|byte| !is_removed(byte)).map_or(start, |last| last + 1);
    &bytes[start..end]
}

/// A stored password hash, parsed. Its costs are bounded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasswordHash {
    /// The name of the key of Flask-Security, if the hash has one.
    key: Option<String>,
    preparation: Preparation,
    function: Function,
    salt: Vec<u8>,
    output: Vec<u8>,
}

/// The parts of a string.
struct Parts {
    function: Function,
    salt: Vec<u8>,
    output: Vec<u8>,
    /// The bytes that the output has to have.
    length: usize,
}

impl PasswordHash {
    /// Parses a stored string.
    pub fn parse(text: &str) -> Result<Self, HashError> {
        if text.len() > MAX_LENGTH {
            return Err(HashError::TooLong);
        }
        if let Some(rest) = text.strip_prefix(FLASK_SECURITY).and_then(|rest| rest.strip_prefix('$')) {
            let (key, inner) = rest.split_once('$').ok_or(HashError::Malformed)?;
            return Ok(Self { key: Some(key.to_owned()), ..Self::parse_own(inner)? });
        }
        if weak::is_wrapped(text) {
            let (end, _) = text.match_indices('$').nth(2).ok_or(HashError::Malformed)?;
            let recipe = WeakRecipe::parse(&text[..end]).ok_or(HashError::Malformed)?;
            return Ok(modular::argon2(&text[end..])?.after(Preparation::Weak(recipe)));
        }
        Self::parse_own(text)
    }

    /// Parses a string as another system stores it.
    fn parse_own(text: &str) -> Result<Self, HashError> {
        let method = text.split('$').next().unwrap_or_default();
        match method {
            "" if text.starts_with('$') => modular::parse(text),
            "plain" => Err(HashError::Weak),
            method if method.contains(':') => werkzeug::parse(text),
            _ => django::parse(text),
        }
    }

    fn new(Parts { function, salt, output, length }: Parts) -> Result<Self, HashError> {
        if output.len() != length || !OUTPUT_BYTES.contains(&length) || !(1..=MAX_SALT_BYTES).contains(&salt.len()) {
            return Err(HashError::Malformed);
        }
        Ok(Self { key: None, preparation: Preparation::None, function, salt, output })
    }

    fn after(self, preparation: Preparation) -> Self {
        Self { preparation, ..self }
    }

    /// Returns the name of the key of Flask-Security that the hash needs.
    #[must_use]
    pub fn key_name(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// Returns the name of its scheme, such as `argon2id` or `bcrypt-sha256`.
    #[must_use]
    pub fn scheme(&self) -> String {
        let (function, _) = self.function.describe();
        let name = match &self.preparation {
            Preparation::None => function,
            Preparation::Sha256Hex | Preparation::Sha256Base64 | Preparation::HmacSha256Base64(_) => {
                format!("{function}-sha256")
            }
            Preparation::WordPress => format!("{function}-sha384"),
            Preparation::Weak(recipe) => format!("{function}-{}", recipe.name()),
        };
        if self.key.is_some() { format!("flask-security-{name}") } else { name }
    }

    /// Returns its scheme with its costs, such as `bcrypt-sha256 12`. Hashes with the same class take the same work.
    #[must_use]
    pub fn class(&self) -> String {
        format!("{} {}", self.scheme(), self.function.describe().1)
    }

    /// Whether new passwords are hashed like this.
    #[must_use]
    pub fn is_current(&self) -> bool {
        let Function::Argon2 { algorithm, version, params } = &self.function else { return false };
        self.key.is_none()
            && self.preparation == Preparation::None
            && super::argon2id::is_current(*algorithm, *version, params)
    }

    /// Whether it needs so much memory that only one such hash is computed at a time.
    pub(super) fn takes_turns(&self) -> bool {
        self.function.kibibytes() > MAX_SHARED_KIBIBYTES
    }

    /// Whether `password` is right. `None` if there is not enough memory to tell. Without its key no password is.
    pub(super) fn matches(
        &self,
        engine: &mut Engine,
        password: &Password,
        key: Option<&FlaskSecurityKey>,
    ) -> Option<bool> {
        let mut matches = false;
        for form in self.forms(password, key) {
            let prepared = self.preparation.apply(form);
            let output = self.function.derive(engine, prepared.expose_secret(), &self.salt, self.output.len())?;
            matches |= bool::from(output.ct_eq(&self.output));
            if matches {
                break;
            }
        }
        Some(matches && (self.key.is_none() || key.is_some()))
    }

    /// Returns the texts to try: the normalized password, and what was typed if it differs, because other systems hash
    /// that. Flask-Security normalizes to another form, but only in its own pages.
    fn forms(&self, password: &Password, key: Option<&FlaskSecurityKey>) -> Vec<SecretSlice<u8>> {
        let bytes = |text: &str| SecretSlice::from(text.as_bytes().to_vec());
        let typed = password.typed();
        if self.key.is_none() {
            let typed = typed.filter(|_| !self.is_current());
            return [Some(password.expose()), typed].into_iter().flatten().map(bytes).collect();
        }
        let typed = typed.unwrap_or(password.expose());
        let decomposed = SecretString::from(password.expose().nfkd().collect::<String>());
        let mut texts = vec![decomposed.expose_secret()];
        texts.extend((typed != decomposed.expose_secret()).then_some(typed));
        let key = hmac::Key::new(hmac::HMAC_SHA512, key.map_or(&[][..], FlaskSecurityKey::expose));
        let keyed = |text: &str| encoding::to_base64(hmac::sign(&key, text.as_bytes()).as_ref()).into_bytes().into();
        texts.into_iter().map(keyed).collect()
    }
}

/// Returns the fields of a string that has exactly `N` of them.
fn fields<const N: usize>(text: &str) -> Result<[&str; N], HashError> {
    let mut fields = text.split('$');
    let mut found = [""; N];
    for field in &mut found {
        *field = fields.next().ok_or(HashError::Truncated)?;
    }
    if fields.next().is_some() { Err(HashError::Malformed) } else { Ok(found) }
}

#[cfg(test)]
mod tests;
