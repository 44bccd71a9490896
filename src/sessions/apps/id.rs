//! The id of a browser's session at an application.

use std::fmt;

use crate::random;

/// The id of a browser's session at an application: 128 random bits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::sessions) struct AppSessionId([u8; 16]);

impl AppSessionId {
    pub(super) fn new() -> Self {
        Self(random::bytes())
    }

    pub(super) fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl From<[u8; 16]> for AppSessionId {
    fn from(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }
}

/// Shows nothing of the id, because a cookie is made from it.
impl fmt::Debug for AppSessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AppSessionId")
    }
}
