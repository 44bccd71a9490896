//! What a person types to say who they are: a user name or an e-mail address.

use unicode_normalization::UnicodeNormalization;

use super::{Email, Username};

/// Bounds the work for a text that is neither, in characters. Longer than any e-mail address.
const MAX_OTHER_LENGTH: usize = 300;

/// A typed login.
#[derive(Debug, Clone)]
pub enum LoginName {
    /// A user name.
    Username(Username),
    /// An e-mail address.
    Email(Email),
    /// Neither, so no account has it. Kept because attempts are counted for it like for any other name.
    Other(String),
}

impl LoginName {
    /// Reads `login`. A user name has no `@`, so no user name is the address of another account.
    #[must_use]
    pub fn parse(login: &str) -> Self {
        if let Ok(email) = Email::parse(login) {
            Self::Email(email)
        } else if let Ok(username) = Username::parse(login) {
            Self::Username(username)
        } else {
            Self::Other(login.trim().chars().take(MAX_OTHER_LENGTH).nfkc().collect::<String>().to_lowercase())
        }
    }

    /// Returns the one form that all spellings of this name have in common.
    #[must_use]
    pub fn canonical(&self) -> String {
        match self {
            Self::Username(username) => username.as_str().to_owned(),
            Self::Email(email) => email.key(),
            Self::Other(text) => text.clone(),
        }
    }
}
