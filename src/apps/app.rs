//! What an application is, as values without I/O.

use std::{borrow::Borrow, fmt, str::FromStr, sync::Arc};

use super::token::{AppTokens, Hs256Secret, TokenFormat};
use crate::{
    clock::Timestamp,
    config::PublicUrl,
    identity::{Role, is_identifier},
};

/// The id of an application, such as `wiki`. It stands in URLs, and in its tokens as `client_id`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AppId(Arc<str>);

/// The text is not the id of an application.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "is not the id of an application; use 1 to 32 letters a to z, digits and hyphens, the first one a letter, and not \
     “gatehouse”"
)]
pub struct AppIdError;

impl AppId {
    /// The `client_id` of tokens that belong to no application, so it cannot be the id of one.
    pub const RESERVED: &str = "gatehouse";

    /// Returns an id that was parsed before it was stored.
    pub(super) fn from_stored(id: String) -> Self {
        Self(id.into())
    }

    /// Returns the id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// So that an application is found by a text that need not be an id.
impl Borrow<str> for AppId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl FromStr for AppId {
    type Err = AppIdError;

    fn from_str(text: &str) -> Result<Self, AppIdError> {
        let is_id = is_identifier(text) && text != Self::RESERVED;
        if is_id { Ok(Self(text.into())) } else { Err(AppIdError) }
    }
}

impl fmt::Display for AppId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An application that uses Gatehouse.
#[derive(Debug, Clone)]
pub struct App {
    /// Its id.
    pub id: AppId,
    /// Its name for people.
    pub name: String,
    /// Its origin; `None` if it uses only the JSON API. No other application has the same host.
    pub url: Option<PublicUrl>,
    /// The roles that may enter, sorted; empty = all accounts may.
    pub roles: Vec<Role>,
    /// The origins whose scripts may call the JSON API, sorted.
    pub cors: Vec<PublicUrl>,
    /// Its tokens, if it takes others than those of Gatehouse.
    pub tokens: Option<AppTokens>,
    /// When it was added.
    pub created_at: Timestamp,
}

impl App {
    /// Whether an account with these roles may enter.
    #[must_use]
    pub fn admits(&self, roles: &[Role]) -> bool {
        self.roles.is_empty() || self.roles.iter().any(|role| roles.contains(role))
    }
}

/// What a change makes of something that an application need not have.
#[derive(Debug, Default)]
pub enum Change<T> {
    /// It stays as it is.
    #[default]
    Keep,
    /// The application has it no longer.
    Clear,
    /// It is replaced.
    Set(T),
}

/// A change of an application, or how a new one differs from one that has only an id. What is `None` stays as it is.
#[derive(Debug, Default)]
pub struct AppChange {
    /// Its name; that of a new application is its id.
    pub name: Option<String>,
    /// Its origin.
    pub url: Change<PublicUrl>,
    /// All roles that may enter.
    pub roles: Option<Vec<Role>>,
    /// All origins whose scripts may call the JSON API.
    pub cors: Option<Vec<PublicUrl>>,
    /// The format and the secret of its tokens. Without a secret, the one that it has stays.
    pub tokens: Change<(TokenFormat, Option<Hs256Secret>)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn app_id_is_a_short_identifier_other_than_gatehouse() {
        for id in ["a", "wiki", "wiki-2", "gatehouse-wiki", &"a".repeat(32)] {
            assert_eq!(id.parse::<AppId>().unwrap().as_str(), id);
        }
        for text in ["", "gatehouse", "Wiki", "2wiki", "-wiki", "wi ki", "wi/ki", "wi.ki", "wikí", &"a".repeat(33)] {
            assert_eq!(text.parse::<AppId>(), Err(AppIdError), "{text:?}");
        }
    }

    #[test]
    fn app_admits_accounts_with_one_of_its_roles_or_all_if_it_names_none() {
        let roles = |names: &[&str]| names.iter().map(|name| name.parse().unwrap()).collect::<Vec<Role>>();
        for (of_app, of_account, admitted) in [
            (&[][..], &[][..], true),
            (&[], &["staff"], true),
            (&["staff"], &[], false),
            (&["staff"], &["editor", "admin"], false),
            (&["editor", "staff"], &["admin", "staff"], true),
        ] {
            let app = App {
                id: "wiki".parse().unwrap(),
                name: "wiki".to_owned(),
                url: None,
                roles: roles(of_app),
                cors: Vec::new(),
                tokens: None,
                created_at: Timestamp::default(),
            };
            assert_eq!(app.admits(&roles(of_account)), admitted, "{of_app:?} {of_account:?}");
        }
    }
}
