//! Why a change of the applications was not made.

use super::{AppId, MAX_APPS, MAX_CORS_ORIGINS, MAX_ROLES};
use crate::db::{self, QueryError, TransactionError};

/// Every error of a change.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An expected refusal.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] db::Error),
}

/// An expected refusal. `Display` is the message for the operator.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// There is another application with the id.
    #[error("There is already an application with this id.")]
    IdTaken,
    /// There is no application with the id.
    #[error("There is no application with this id.")]
    NoSuchApp,
    /// Another application has the host of the URL.
    #[error(
        "This host belongs to the application {0}. An application needs one of its own: ports share their cookies."
    )]
    UrlTaken(AppId),
    /// The URL has the host of Gatehouse itself.
    #[error("This is the host of Gatehouse itself. An application needs one of its own: ports share their cookies.")]
    UrlIsOwn,
    /// There are as many applications as there can be.
    #[error("There are {MAX_APPS} applications, and there cannot be more.")]
    TooManyApps,
    /// The application has more roles than it can have.
    #[error("An application has at most {MAX_ROLES} roles.")]
    TooManyRoles,
    /// The application has more origins than it can have.
    #[error("An application has at most {MAX_CORS_ORIGINS} origins whose scripts may call the API.")]
    TooManyOrigins,
    /// The tokens of the application have a format that needs a secret, and it has none.
    #[error("Tokens of this format need the secret with which the application verifies them.")]
    SecretMissing,
}

impl From<QueryError> for Error {
    fn from(error: QueryError) -> Self {
        Self::Database(error.into())
    }
}

impl TransactionError for Error {
    fn database(&self) -> Option<&db::Error> {
        match self {
            Self::Database(error) => Some(error),
            Self::Rejected(_) => None,
        }
    }
}
