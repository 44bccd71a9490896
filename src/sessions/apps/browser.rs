//! Which browser is on its way.

use aws_lc_rs::digest::{SHA256, digest};

/// Identifies a browser on its way from an application through the sign-in page and back: the SHA-256 of a cookie of
/// the application's origin that holds 256 random bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Browser([u8; 32]);

impl Browser {
    /// Returns the browser that has this cookie.
    #[must_use]
    pub fn of_cookie(cookie: &[u8]) -> Self {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, cookie).as_ref());
        Self(hash)
    }

    /// Returns the hash.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<[u8; 32]> for Browser {
    fn from(hash: [u8; 32]) -> Self {
        Self(hash)
    }
}
