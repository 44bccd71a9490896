//! The name of a role.

use std::{fmt, str::FromStr};

use serde::Serialize;

/// A role of an account. Applications decide what a role may do; Gatehouse itself knows only [`Role::ADMIN`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Role(String);

/// The most characters of an identifier.
const MAX_LENGTH: usize = 32;

/// Whether `text` has the form that names of roles and ids of applications have: `[a-z][a-z0-9-]{0,31}`. It needs no
/// escape in URLs, headers, HTML, shells and configuration files of proxies.
pub(crate) fn is_identifier(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    text.len() <= MAX_LENGTH
        && text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.bytes().all(is_allowed)
}

/// The text is not the name of a role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a role; use 1 to 32 letters a to z, digits and hyphens, the first one a letter, and not “any”")]
pub struct RoleError;

impl Role {
    /// The name of the role of administrators.
    pub const ADMIN: &str = "admin";
    /// Stands for every role in the address of an application, so it cannot be one.
    const ANY: &str = "any";

    /// Returns the role of administrators.
    #[must_use]
    pub fn admin() -> Self {
        Self(Self::ADMIN.to_owned())
    }

    /// Returns a role that was parsed before it was stored.
    pub(crate) fn from_stored(name: String) -> Self {
        Self(name)
    }

    /// Returns the name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether its accounts administer this server.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        self.0 == Self::ADMIN
    }
}

impl FromStr for Role {
    type Err = RoleError;

    fn from_str(text: &str) -> Result<Self, RoleError> {
        let is_role = is_identifier(text) && text != Self::ANY;
        if is_role { Ok(Self(text.to_owned())) } else { Err(RoleError) }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn role_is_a_short_name_of_letters_digits_and_hyphens() {
        for name in ["a", "admin", "read-only", "team2", &"a".repeat(32)] {
            assert_eq!(name.parse::<Role>().unwrap().as_str(), name);
        }
        for text in ["", "any", "Admin", "2team", "-a", "a b", "a,b", "é", "a\n", &"a".repeat(33)] {
            assert_eq!(text.parse::<Role>(), Err(RoleError), "{text:?}");
        }
    }
}
