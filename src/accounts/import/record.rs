//! A row of another application, as text.

use std::collections::HashMap;

use strum::{EnumString, IntoStaticStr, VariantArray};

/// What an import knows of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum Field {
    /// User name.
    Username,
    /// E-mail address.
    Email,
    /// Password hash.
    Password,
    /// Whether its owner may sign in.
    IsActive,
    /// When it was created.
    CreatedAt,
    /// When its owner last signed in.
    LastLogin,
    /// Roles, separated by commas or spaces.
    Roles,
    /// Its id in the other application.
    LegacyId,
}

impl Field {
    /// Returns the columns that usually hold it, the most usual first.
    pub(super) fn usual_columns(self) -> &'static [&'static str] {
        match self {
            Self::Username => &["username", "user_name", "login"],
            Self::Email => &["email", "email_address", "mail"],
            Self::Password => &["password", "password_hash", "hashed_password", "pw_hash"],
            Self::IsActive => &["is_active", "active"],
            Self::CreatedAt => &["created_at", "date_joined", "create_datetime", "created", "registered_at"],
            Self::LastLogin => &["last_login", "last_login_at", "current_login_at", "last_sign_in_at"],
            Self::Roles => &["roles", "role"],
            Self::LegacyId => &["legacy_id", "id"],
        }
    }
}

/// A row, as text. Empty values are absent ones.
#[derive(Debug, Clone, Default)]
pub struct Record {
    /// The number of the line in a file, or of the row in a table.
    pub line: u64,
    pub(super) values: HashMap<Field, String>,
    /// The names of flags that are set and stand for roles.
    pub(super) flags: Vec<&'static str>,
    /// Why the row cannot be read.
    pub(super) error: Option<String>,
}

/// Columns of Django that are roles, and the names of these.
pub(super) const ROLE_FLAGS: [(&str, &str); 2] = [("is_staff", "staff"), ("is_superuser", "superuser")];

impl Record {
    /// Returns a value; empty if there is none.
    #[must_use]
    pub fn get(&self, field: Field) -> &str {
        self.values.get(&field).map_or("", |value| value.trim())
    }

    /// Returns what the row calls its account, for the report.
    #[must_use]
    pub fn name(&self) -> &str {
        match self.get(Field::Username) {
            "" => self.get(Field::Email),
            name => name,
        }
    }

    pub(super) fn roles(&self) -> impl Iterator<Item = &str> {
        let listed = self.get(Field::Roles).split([',', ' ']).map(str::trim).filter(|role| !role.is_empty());
        listed.chain(self.flags.iter().copied())
    }

    pub(super) fn set_flags(&mut self, value_of: impl Fn(&str) -> Option<String>) {
        for (column, role) in ROLE_FLAGS {
            let is_set = value_of(column).and_then(|value| parse_flag(value.trim(), false));
            self.flags.extend((is_set == Some(true)).then_some(role));
        }
    }
}

/// Returns what a field says, or `default` if it is empty.
pub(super) fn parse_flag(text: &str, default: bool) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "" => Some(default),
        // The last ones are what MySQL's BIT(1) holds.
        "1" | "true" | "t" | "yes" | "y" | "on" | "\u{1}" => Some(true),
        "0" | "false" | "f" | "no" | "n" | "off" | "\0" => Some(false),
        _ => None,
    }
}
