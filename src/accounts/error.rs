//! Why a use case did not do what it was asked for.

use std::time::Duration;

use crate::{
    apps,
    db::{self, QueryError, TransactionError},
    identity::{EmailError, UsernameError},
    passwords::Weakness,
    sessions::ChangeError,
    throttle::Throttled,
    worker_pool::JobFailed,
};

/// Every error of a use case.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An expected refusal, for the person to read.
    #[error("refused: {0:?}")]
    Rejected(Rejection),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] db::Error),
    /// A password could not be hashed.
    #[error(transparent)]
    Hashing(#[from] JobFailed),
    /// The session of the person who asked for a change has ended in the meantime.
    #[error("the session has ended")]
    SessionEnded,
}

/// An expected refusal. A page shows its form again, with the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rejection {
    /// Fields of the form are wrong: all of them, in the order of the form.
    Invalid(Vec<FieldError>),
    /// No such account, or another password. Which of the two is not told (ASVS 6.3.8).
    WrongCredentials,
    /// Too many attempts at a password, or at learning which names are taken.
    Throttled(Throttled),
    /// Too many registrations from the client's network; the next one may come after this time.
    TooManyRegistrations(Duration),
    /// Too many passwords wait to be hashed.
    Overloaded,
    /// The account was changed by another request at the same moment, so nothing was done.
    Conflict,
    /// There is no such account, or not any more.
    NoSuchAccount,
    /// Registration is closed for all people.
    RegistrationClosed,
    /// Only people with an invitation may register.
    InvitationNeeded,
    /// The account that asks for a change of another one is no administrator, or not any more.
    NotAdministrator,
    /// The link was used, replaced, or is too old, or never existed.
    LinkInvalid,
    /// No active account would have the role of administrators.
    LastAdministrator,
    /// The account lacks the role that an application asks for.
    NotAdmitted,
    /// The rules for applications do not allow the change of one.
    App(apps::Rejection),
}

/// What is wrong with one field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldError {
    /// The login is empty.
    LoginMissing,
    /// The user name is not valid.
    Username(UsernameError),
    /// Another account has the user name, or had it until recently.
    UsernameTaken,
    /// The user name is reserved.
    UsernameReserved,
    /// The e-mail address is not valid.
    Email(EmailError),
    /// Another account has the e-mail address.
    EmailTaken,
    /// The password of a sign-in is empty.
    PasswordMissing,
    /// The new password is empty.
    NewPasswordMissing,
    /// The password is longer than any password can be.
    PasswordTooLong,
    /// The new password is too weak.
    PasswordWeak(Weakness),
    /// The new password is the current one.
    PasswordUnchanged,
    /// The second password differs from the first.
    ConfirmationMismatch,
    /// The current password is empty.
    CurrentPasswordMissing,
    /// The current password is wrong.
    CurrentPasswordMismatch,
    /// The time for which an invitation is valid cannot be read.
    Lifetime,
    /// The text that confirms a deletion is not the user name.
    DeletionNotConfirmed,
    /// The text that confirms the deletion of another account is not its user name.
    TargetNotConfirmed,
    /// The name of a role is not valid.
    Role,
    /// The invitation was used, or is too old, or never existed.
    InvitationInvalid,
    /// There is no application with this id.
    ApplicationUnknown,
    /// The id of an application is not valid.
    AppId,
    /// The name of an application is not valid.
    AppName,
    /// The URL of an application is not an origin.
    AppUrl,
    /// One of the URLs whose scripts may call the JSON API is not an origin.
    AppOrigins,
    /// There is no such format of tokens, or a secret was given without one.
    TokenFormat,
    /// The secret with which an application verifies tokens is too long.
    SecretTooLong,
}

impl FieldError {
    /// Returns the position of the field in its form.
    fn form_order(self) -> u8 {
        match self {
            Self::LoginMissing
            | Self::Username(_)
            | Self::UsernameTaken
            | Self::UsernameReserved
            | Self::DeletionNotConfirmed
            | Self::TargetNotConfirmed
            | Self::Role
            | Self::AppId => 0,
            Self::Email(_) | Self::EmailTaken | Self::Lifetime | Self::AppName => 1,
            Self::CurrentPasswordMissing | Self::CurrentPasswordMismatch | Self::AppUrl => 2,
            Self::PasswordMissing
            | Self::NewPasswordMissing
            | Self::PasswordTooLong
            | Self::PasswordWeak(_)
            | Self::PasswordUnchanged
            | Self::AppOrigins => 3,
            Self::ConfirmationMismatch | Self::TokenFormat => 4,
            Self::InvitationInvalid | Self::ApplicationUnknown | Self::SecretTooLong => 5,
        }
    }
}

impl Rejection {
    /// Returns a rejection for `errors`, in the order of the form.
    pub(super) fn invalid(mut errors: Vec<FieldError>) -> Self {
        errors.sort_by_key(|error| error.form_order());
        Self::Invalid(errors)
    }
}

impl From<Rejection> for Error {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl From<Throttled> for Error {
    fn from(throttled: Throttled) -> Self {
        Self::Rejected(Rejection::Throttled(throttled))
    }
}

impl From<apps::Rejection> for Error {
    fn from(rejection: apps::Rejection) -> Self {
        Self::Rejected(Rejection::App(rejection))
    }
}

impl From<apps::Error> for Error {
    fn from(error: apps::Error) -> Self {
        match error {
            apps::Error::Rejected(rejection) => rejection.into(),
            apps::Error::Database(error) => Self::Database(error),
        }
    }
}

impl From<QueryError> for Error {
    fn from(error: QueryError) -> Self {
        Self::Database(error.into())
    }
}

impl From<ChangeError> for Error {
    fn from(error: ChangeError) -> Self {
        match error {
            ChangeError::SessionEnded => Self::SessionEnded,
            ChangeError::Database(error) => Self::Database(error),
        }
    }
}

impl TransactionError for Error {
    fn database(&self) -> Option<&db::Error> {
        match self {
            Self::Database(error) => Some(error),
            Self::Rejected(_) | Self::Hashing(_) | Self::SessionEnded => None,
        }
    }
}
