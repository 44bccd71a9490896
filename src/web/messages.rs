//! The texts that people read outside of templates. Short and exact: what happened, and what to do.

use std::{borrow::Cow, time::Duration};

use super::{
    display_time::{duration, whole_seconds},
    error::Problem,
    flash::Flash,
    user_agent,
};
use crate::{
    accounts::{EmailError, FieldError, Rejection, UsernameError},
    events::{EventKind, StoredKind},
    passwords::Weakness,
    throttle::Throttled,
};

/// When to try again after a `503`, in seconds.
pub(crate) const RETRY_SECONDS: u16 = 5;
/// When to try again after a lockout, which does not end by waiting.
const LOCKOUT_RETRY: Duration = Duration::from_hours(1);

/// The title of a rejected form in problem+json, and its detail when the errors are those of fields.
pub(crate) const FORM_REJECTED: (&str, &str) =
    ("The form was not accepted", "There is a problem with one or more fields.");

/// Returns a message after a redirect.
#[must_use]
pub(crate) fn flash(flash: Flash) -> &'static str {
    match flash {
        Flash::Registered => "Your account is ready, and you are signed in.",
        Flash::SignedOut => "You are signed out.",
        Flash::SessionEnded => "Your session has ended. Sign in again to continue.",
        Flash::PasswordChanged => "Your password is changed. You are signed out of all other sessions.",
        Flash::ProfileChanged => "Your changes are saved.",
        Flash::OtherSessionEnded => "That session is signed out.",
        Flash::OtherSessionsEnded => "You are signed out of all other sessions.",
        Flash::DevicesForgotten => "All other browsers are forgotten.",
        Flash::AccountDeleted => "Your account is deleted.",
    }
}

/// Returns the name of the field and what is wrong with it.
#[must_use]
pub(crate) fn field_error(error: FieldError) -> (&'static str, Cow<'static, str>) {
    let (field, text) = match error {
        FieldError::LoginMissing => ("login", "Enter your user name or e-mail address."),
        FieldError::Username(UsernameError::Missing) => ("username", "Choose a user name."),
        FieldError::Username(UsernameError::Length) => ("username", "A user name has 3 to 32 characters."),
        FieldError::Username(UsernameError::FirstCharacter) => {
            ("username", "A user name starts with a letter or a digit.")
        }
        FieldError::Username(UsernameError::Character) => {
            ("username", "A user name can have the letters a to z, digits, dots, hyphens and underscores.")
        }
        FieldError::UsernameTaken => ("username", "This user name is taken. Choose another one."),
        FieldError::UsernameReserved => ("username", "This user name is reserved. Choose another one."),
        FieldError::Email(EmailError::Missing) => ("email", "Enter your e-mail address."),
        FieldError::Email(EmailError::TooLong) => ("email", "An e-mail address has at most 254 characters."),
        FieldError::Email(EmailError::Malformed) => ("email", "Enter an e-mail address like name@example.org."),
        FieldError::EmailTaken => ("email", "There is already an account with this address. Sign in instead."),
        FieldError::PasswordMissing => ("password", "Enter your password."),
        FieldError::NewPasswordMissing => ("password", "Choose a password."),
        FieldError::PasswordTooLong => ("password", "A password has at most 256 characters."),
        FieldError::PasswordWeak(Weakness::TooShort(min)) => {
            return ("password", format!("Use at least {min} characters. A few words in a row are fine.").into());
        }
        FieldError::PasswordWeak(Weakness::Personal) => (
            "password",
            "This is made of your name, your address or the name of this site, which others try first. Choose \
             something else.",
        ),
        FieldError::PasswordWeak(Weakness::Pattern) => (
            "password",
            "This repeats itself, or follows the keyboard or the alphabet, which others try first. Use a few unrelated \
             words instead.",
        ),
        FieldError::PasswordWeak(Weakness::Common) => (
            "password",
            "This is a common password or a well-known phrase, or easily guessed from one. Use a few unrelated words \
             instead.",
        ),
        FieldError::PasswordUnchanged => ("password", "This is your current password. Choose another one."),
        FieldError::ConfirmationMismatch => ("password_confirm", "The two passwords do not match."),
        FieldError::CurrentPasswordMissing => ("current_password", "Enter your current password."),
        FieldError::CurrentPasswordMismatch => ("current_password", "The current password is not right."),
        FieldError::DeletionNotConfirmed => ("confirm", "Type your user name to confirm."),
    };
    (field, text.into())
}

/// Returns the hint for a new password.
#[must_use]
pub(crate) fn password_hint(min_length: usize) -> String {
    format!("At least {min_length} characters. A few words in a row are easy to remember and hard to guess.")
}

/// Returns what a rejection of the whole form says.
#[must_use]
pub(crate) fn rejection(rejection: &Rejection) -> Cow<'static, str> {
    match rejection {
        Rejection::Invalid(_) => FORM_REJECTED.1.into(),
        // One sentence for every wrong combination, so that it does not tell which accounts exist.
        Rejection::WrongCredentials => "The user name, e-mail address or password is not right.".into(),
        Rejection::Throttled(Throttled::RetryAfter(wait)) => {
            format!("Too many attempts. Wait {}, then try again.", duration(*wait)).into()
        }
        Rejection::Throttled(Throttled::LockedOut) => {
            "There were too many wrong passwords in a row. To protect the account, it does not accept a password from \
             here. Use a browser that has signed in before, or ask the operator of this site to unlock the account."
                .into()
        }
        Rejection::TooManyRegistrations(wait) => {
            format!("Too many registrations came from your network. Wait {}, then try again.", duration(*wait)).into()
        }
        Rejection::Overloaded => {
            "A lot of people are signing in right now. Nothing is lost: wait a few seconds, then try again.".into()
        }
        Rejection::Conflict => {
            "Another change was made at the same moment, so nothing was done. Check your entries and try again.".into()
        }
    }
}

/// Returns the seconds of the `Retry-After` header for a rejection, if it has one.
#[must_use]
pub(crate) fn retry_after(rejection: &Rejection) -> Option<u64> {
    match rejection {
        Rejection::Invalid(_) | Rejection::WrongCredentials | Rejection::Conflict => None,
        Rejection::Throttled(Throttled::RetryAfter(wait)) | Rejection::TooManyRegistrations(wait) => {
            Some(whole_seconds(*wait))
        }
        Rejection::Throttled(Throttled::LockedOut) => Some(whole_seconds(LOCKOUT_RETRY)),
        Rejection::Overloaded => Some(RETRY_SECONDS.into()),
    }
}

/// Returns the title and the text of an error page.
#[must_use]
pub(crate) fn problem(problem: Problem) -> (&'static str, &'static str) {
    match problem {
        Problem::Malformed => (
            "The request could not be read",
            "Something in what your browser sent could not be read. Go back, reload the page and try again.",
        ),
        Problem::Unauthenticated => ("You are not signed in", "Sign in, then try again."),
        Problem::MisdirectedRequest => (
            "This is not the address of the site",
            "The address in your browser is not the one that this site uses. Open the site by its own address, or ask \
             its operator.",
        ),
        Problem::CrossOrigin => (
            "The form came from another site",
            "For your safety, this site accepts forms from its own pages only. Open the page here and try again.",
        ),
        Problem::InvalidCsrfToken => (
            "This form is out of date",
            "You may have signed in again in another window since you opened the page. Go back, reload the page and \
             try again.",
        ),
        Problem::RegistrationClosed => (
            "Registration is closed",
            "You cannot create an account here at the moment. If you need one, ask the operator of this site.",
        ),
        Problem::NotFound => ("Page not found", "The address may be mistyped, or the page may have been removed."),
        Problem::MethodNotAllowed(_) => {
            ("This address does not accept that", "The page does not take requests of this kind.")
        }
        Problem::RequestTimeout => (
            "The request took too long",
            "What your browser sent did not arrive in time. Check your connection and try again.",
        ),
        Problem::PayloadTooLarge => (
            "The request is too large",
            "What your browser sent is larger than any form of this site. Nothing was saved.",
        ),
        Problem::UnsupportedMediaType => {
            ("The request is not a form", "This address takes forms as browsers send them, and nothing else.")
        }
        Problem::ExportRunning => (
            "Your data is being downloaded already",
            "Wait until the other download is complete, or cancel it, then try again.",
        ),
        Problem::Internal => (
            "Something went wrong",
            "This is our fault, and it has been logged. Try again. If it happens again, send the request ID below to \
             the operator of this site.",
        ),
        Problem::Unavailable => {
            ("The site is not available right now", "Nothing is lost. Wait a few seconds, then try again.")
        }
        Problem::Other(_) => ("That did not work", "Go back and try again."),
    }
}

/// Returns what happened to an account, for its owner.
#[must_use]
pub(crate) fn event(kind: &StoredKind) -> &'static str {
    let kind = match kind {
        StoredKind::Known(kind) => *kind,
        StoredKind::Unknown(_) => return "Other activity",
    };
    match kind {
        EventKind::Registered => "You created the account",
        EventKind::SignedIn => "You signed in",
        EventKind::SignInFailed => "Sign-in with a wrong password",
        EventKind::ReauthenticationFailed => "Wrong password for a change of the account",
        EventKind::SignInThrottled => "Sign-in refused after too many attempts",
        EventKind::PasswordUseThrottled => "The right password was refused because it was used too often",
        EventKind::ReauthenticationThrottled => "Change of the account refused after too many wrong passwords",
        EventKind::RegistrationThrottled => "Registration refused after too many attempts",
        EventKind::SignedOut => "You signed out",
        EventKind::SessionEnded => "You signed out another session",
        EventKind::SessionReplaced => "The least recently used session ended, because there were too many",
        EventKind::DevicesForgotten => "You made the site forget all other browsers",
        EventKind::SessionExpired => "A session expired",
        EventKind::Reauthenticated => "You confirmed your password",
        EventKind::PasswordChanged => "You changed your password",
        EventKind::ProfileChanged => "You changed your user name or e-mail address",
        EventKind::TokenRefused => "An invalid session was refused",
        EventKind::CrossOriginRefused => "A form from another site was refused",
        EventKind::FormRefused => "A form that was out of date was refused",
        EventKind::RequestRefused => "A malformed request was refused",
        EventKind::AccountUnlocked => "The account was unlocked",
        EventKind::AccountDeleted => "You deleted the account",
    }
}

/// Returns a client as the end of a sentence, such as "Firefox on Linux, from 192.0.2.1".
#[must_use]
pub(crate) fn client(user_agent: &str, address: &str) -> String {
    format!("{}, from {address}", user_agent::describe(user_agent))
}
