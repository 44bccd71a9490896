//! The secret of a one-time link.

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use subtle::ConstantTimeEq;

use crate::random;

/// 256 random bits that stand in the address of a link. The database keeps only their hash, so a person who reads it
/// cannot use the link. A plain hash is enough, because 256 random bits cannot be guessed.
#[derive(Clone)]
pub struct LinkToken([u8; 32]);

impl LinkToken {
    /// Returns a new token.
    #[must_use]
    pub fn new() -> Self {
        Self(random::bytes())
    }

    /// Returns the token in an address, or `None` if it cannot be one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        BASE64.decode(text).ok()?.try_into().ok().map(Self)
    }

    /// Returns the token for an address, in base64url.
    #[must_use]
    pub fn expose(&self) -> String {
        BASE64.encode(self.0)
    }

    /// Whether this is the other token. Compares in constant time.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }

    /// Returns what the database keeps of the token. It is looked up by this hash, so the time of the look-up discloses
    /// nothing that helps to find the token.
    pub(super) fn hash(&self) -> Vec<u8> {
        digest(&SHA256, &self.0).as_ref().to_vec()
    }
}

impl Default for LinkToken {
    fn default() -> Self {
        Self::new()
    }
}

/// Shows nothing of the token.
impl std::fmt::Debug for LinkToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LinkToken")
    }
}
