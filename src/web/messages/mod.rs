//! Everything that people read on pages and in problem+json: one module for each language. A text that a language lacks
//! does not compile. Log, commands and machine names stay English.
//!
//! To add a language: a variant of [`Language`] and a module here with its [`Messages`].

mod admin;
mod en;
mod id;

use std::borrow::Cow;

use serde::Serialize;

pub use self::admin::AdminMessages;
use super::{
    display_time::{DisplayTime, Moment},
    error::Problem,
    flash::Flash,
    user_agent::{self, Browser},
};
use crate::{
    accounts::{FieldError, Rejection},
    apps::AppId,
    clock::{Timestamp, rfc3339},
    events::{Event, EventKind, StoredKind},
    language::Language,
    sessions::{SessionKind, SessionSummary},
};

/// Characters of what a program calls itself that a page shows.
const MAX_PROGRAM_NAME: usize = 60;

/// The texts of one language. Short and exact: what happened, and what to do. Serializes as the texts without
/// arguments, by name, so that a test can look for each of them.
#[derive(Serialize)]
#[expect(missing_docs, reason = "the texts in `en` say what each field is")]
pub struct Messages {
    pub language_name: &'static str,
    #[serde(flatten)]
    pub admin: &'static AdminMessages,

    pub error_prefix: &'static str,
    pub skip_to_content: &'static str,
    pub signed_in_as: &'static str,
    pub your_account: &'static str,
    pub nav_home: &'static str,
    pub nav_account: &'static str,
    pub nav_password: &'static str,
    pub nav_sessions: &'static str,
    pub nav_activity: &'static str,
    pub sign_out: &'static str,
    pub there_is_a_problem: &'static str,
    pub reauthentication_hint: &'static str,
    pub request_id: &'static str,
    pub go_to_home_page: &'static str,

    pub username: &'static str,
    pub username_hint: &'static str,
    pub email: &'static str,
    pub email_hint: &'static str,
    pub username_or_email: &'static str,
    pub password: &'static str,
    pub current_password: &'static str,
    pub new_password: &'static str,
    pub confirm_password: &'static str,
    pub language: &'static str,

    pub sign_in: &'static str,
    pub keep_me_signed_in: &'static str,
    pub new_here: &'static str,
    pub create_an_account: &'static str,
    pub create_account: &'static str,
    pub create_administrator: &'static str,
    pub create_administrator_text: &'static str,
    pub already_have_an_account: &'static str,

    pub home: &'static str,
    pub your_applications: &'static str,
    pub member_since: &'static str,
    pub last_sign_in: &'static str,
    pub first_sign_in: &'static str,
    pub since_then: &'static str,
    pub see_recent_activity: &'static str,

    pub save_changes: &'static str,
    pub save_language: &'static str,
    pub download_your_data: &'static str,
    pub delete_account: &'static str,

    pub change_your_password: &'static str,
    pub change_password: &'static str,
    pub other_sessions_will_end: &'static str,

    pub where_you_are_signed_in: &'static str,
    pub this_device: &'static str,
    pub session_address: &'static str,
    pub session_signed_in: &'static str,
    pub session_last_used: &'static str,
    pub session_used_at: &'static str,
    pub more_sessions: &'static str,
    pub sign_out_of_others: &'static str,
    pub no_other_session: &'static str,
    pub known_browsers: &'static str,
    pub known_browsers_text: &'static str,
    pub forget_known_browsers: &'static str,

    pub recent_activity: &'static str,
    pub no_activity: &'static str,
    pub older_activity: &'static str,
    pub refused_attempts: &'static str,
    pub refused_attempts_text: &'static str,
    pub older_attempts: &'static str,
    pub newest: &'static str,
    pub unknown_activity: &'static str,
    pub other_activity: &'static str,

    pub set_new_password: &'static str,
    pub save_password: &'static str,
    pub all_sessions_will_end: &'static str,
    pub forgotten_password: &'static str,
    pub forgotten_password_text: &'static str,
    pub contact: &'static str,
    pub known_browser_text: &'static str,
    pub forgot_password: &'static str,

    pub delete_your_account: &'static str,
    pub deletion_text: &'static str,
    pub download_first: &'static str,
    pub type_username_to_confirm: &'static str,
    pub delete_my_account: &'static str,

    pub open_application: &'static str,
    pub you_are_signed_in: &'static str,
    pub sign_out_everywhere: &'static str,
    pub sign_out_everywhere_text: &'static str,
    pub sign_out_here: &'static str,
    pub not_signed_in_here: &'static str,
    pub you_are_signed_out: &'static str,
    pub signed_out_everywhere: &'static str,

    pub form_rejected: &'static str,
    pub fields_rejected: &'static str,

    #[serde(skip)]
    pub(crate) continue_to: fn(app: &str) -> String,
    #[serde(skip)]
    pub(crate) sign_out_of: fn(app: &str) -> String,
    #[serde(skip)]
    pub(crate) sign_out_here_text: fn(app: &str) -> String,
    #[serde(skip)]
    pub(crate) signed_out_here: fn(app: &str) -> String,
    #[serde(skip)]
    pub(crate) hello: fn(username: &str) -> String,
    #[serde(skip)]
    pub(crate) failed_attempts: fn(number: u64) -> String,
    #[serde(skip)]
    pub(crate) times: fn(number: u64) -> String,
    #[serde(skip)]
    pub(crate) sign_out_of_session: fn(browser: &str, address: &str) -> String,
    #[serde(skip)]
    pub(crate) client: fn(browser: &str, address: &str) -> String,
    #[serde(skip)]
    pub(crate) password_hint: fn(minimum: usize) -> String,
    #[serde(skip)]
    pub(crate) browser: fn(&Browser) -> String,
    /// What a program calls itself, and the application whose tokens it asked for.
    #[serde(skip)]
    pub(crate) program: fn(name: &str, application: Option<&str>) -> String,
    #[serde(skip)]
    pub(crate) moment: fn(Moment) -> String,
    #[serde(skip)]
    pub(crate) flash: fn(Flash) -> &'static str,
    #[serde(skip)]
    pub(crate) field_error: fn(FieldError) -> Cow<'static, str>,
    /// What a rejection of the whole form says. One sentence for every wrong combination of name and password, so that
    /// it does not disclose which accounts exist.
    #[serde(skip)]
    pub(crate) rejection: fn(&Rejection) -> Cow<'static, str>,
    /// The title and the text of an error page.
    #[serde(skip)]
    pub(crate) problem: fn(Problem) -> (&'static str, &'static str),
    #[serde(skip)]
    pub(crate) event: fn(EventKind) -> &'static str,
}

impl Messages {
    /// Returns the texts of `language`.
    #[must_use]
    pub fn of(language: Language) -> &'static Self {
        match language {
            Language::English => &en::MESSAGES,
            Language::Indonesian => &id::MESSAGES,
        }
    }

    /// Returns `at` as it reads at `now`.
    #[must_use]
    pub(crate) fn time(&self, at: Timestamp, now: Timestamp) -> DisplayTime {
        DisplayTime { text: (self.moment)(Moment::new(at, now)), exact: rfc3339(at).unwrap_or_default() }
    }

    /// Returns a client as the end of a sentence, such as "Firefox on Linux, from 192.0.2.1".
    #[must_use]
    pub(crate) fn client_of(&self, user_agent: &str, address: &str) -> String {
        (self.client)(&self.browser_of(user_agent), address)
    }

    /// Returns the name of a browser and its system, such as "Firefox on Linux".
    #[must_use]
    pub(crate) fn browser_of(&self, user_agent: &str) -> String {
        (self.browser)(&user_agent::parse(user_agent))
    }

    /// Returns what uses a session: the name of a browser, or what a program calls itself.
    #[must_use]
    pub(crate) fn user_of(&self, session: &SessionSummary) -> String {
        match session.kind {
            SessionKind::Browser | SessionKind::Remembered => self.browser_of(&session.user_agent),
            SessionKind::Api => {
                let name: String = session.user_agent.chars().take(MAX_PROGRAM_NAME).collect();
                (self.program)(&name, session.application.as_ref().map(AppId::as_str))
            }
        }
    }

    /// Returns what happened to an account, for its owner. Another release may have stored an unknown kind.
    #[must_use]
    pub(crate) fn event_for_owner(&self, event: &Event) -> &'static str {
        match event.kind {
            StoredKind::Known(EventKind::SessionEnded) if event.actor.is_some() => self.admin.session_ended_by_operator,
            StoredKind::Known(kind) => (self.event)(kind),
            StoredKind::Unknown(_) => self.other_activity,
        }
    }

    /// Returns what happened, for administrators. Another release may have stored an unknown kind.
    #[must_use]
    pub(crate) fn event_for_administrators<'a>(&self, kind: &'a StoredKind) -> &'a str {
        match kind {
            StoredKind::Known(kind) => (self.admin.event)(*kind),
            StoredKind::Unknown(name) => name,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use actix_web::http::StatusCode;
    use strum::VariantArray;

    use super::*;
    use crate::{
        apps,
        identity::{EmailError, UsernameError},
        passwords::Weakness,
        throttle::Throttled,
        web::error::TokenProblem,
    };

    fn assert_translated<T: PartialEq + std::fmt::Debug>(text: impl Fn(&Messages) -> T) {
        assert_ne!(text(Messages::of(Language::English)), text(Messages::of(Language::Indonesian)));
    }

    #[test]
    fn texts_that_pages_seldom_show_are_translated() {
        for kind in EventKind::VARIANTS {
            assert_translated(|messages| (messages.event)(*kind));
            assert_translated(|messages| (messages.admin.event)(*kind));
        }
        let mut messages_after_redirect = 0;
        for flash in (0..).map_while(Flash::from_repr) {
            assert_translated(|messages| (messages.flash)(flash));
            messages_after_redirect += 1;
        }
        assert!(messages_after_redirect >= 10);
        for problem in [
            Problem::Malformed,
            Problem::Unauthenticated,
            Problem::MisdirectedRequest,
            Problem::CrossOrigin,
            Problem::InvalidCsrfToken,
            Problem::RegistrationClosed,
            Problem::InvitationNeeded,
            Problem::NotFound,
            Problem::MethodNotAllowed("GET"),
            Problem::RequestTimeout,
            Problem::PayloadTooLarge,
            Problem::UnsupportedMediaType,
            Problem::MalformedJson,
            Problem::NotJson,
            Problem::Token(TokenProblem::Missing),
            Problem::Token(TokenProblem::Expired),
            Problem::Token(TokenProblem::Invalid),
            Problem::Token(TokenProblem::Revoked),
            Problem::NotAdmitted,
            Problem::ExportRunning,
            Problem::LinkInvalid,
            Problem::Internal,
            Problem::Unavailable,
            Problem::Other(StatusCode::IM_A_TEAPOT),
        ] {
            assert_translated(|messages| (messages.problem)(problem).0);
            assert_translated(|messages| (messages.problem)(problem).1);
        }
        for rejection in [
            Rejection::Invalid(Vec::new()),
            Rejection::WrongCredentials,
            Rejection::Throttled(Throttled::RetryAfter(Duration::from_secs(1))),
            Rejection::Throttled(Throttled::LockedOut),
            Rejection::TooManyRegistrations(Duration::from_secs(1)),
            Rejection::Overloaded,
            Rejection::Conflict,
            Rejection::NoSuchAccount,
            Rejection::NotAdministrator,
            Rejection::LinkInvalid,
            Rejection::RegistrationClosed,
            Rejection::InvitationNeeded,
            Rejection::LastAdministrator,
            Rejection::App(apps::Rejection::IdTaken),
            Rejection::App(apps::Rejection::UrlTaken("wiki".parse().unwrap())),
            Rejection::App(apps::Rejection::UrlIsOwn),
            Rejection::App(apps::Rejection::TooManyApps),
            Rejection::App(apps::Rejection::TooManyRoles),
            Rejection::App(apps::Rejection::TooManyOrigins),
            Rejection::App(apps::Rejection::SecretMissing),
        ] {
            assert_translated(|messages| (messages.rejection)(&rejection));
        }
    }

    #[test]
    fn every_error_of_a_field_is_translated() {
        for error in [
            FieldError::LoginMissing,
            FieldError::Username(UsernameError::Missing),
            FieldError::Username(UsernameError::Length),
            FieldError::Username(UsernameError::FirstCharacter),
            FieldError::Username(UsernameError::Character),
            FieldError::UsernameTaken,
            FieldError::UsernameReserved,
            FieldError::Email(EmailError::Missing),
            FieldError::Email(EmailError::TooLong),
            FieldError::Email(EmailError::Malformed),
            FieldError::EmailTaken,
            FieldError::PasswordMissing,
            FieldError::NewPasswordMissing,
            FieldError::PasswordTooLong,
            FieldError::PasswordWeak(Weakness::TooShort(15)),
            FieldError::PasswordWeak(Weakness::Personal),
            FieldError::PasswordWeak(Weakness::Pattern),
            FieldError::PasswordWeak(Weakness::Common),
            FieldError::PasswordUnchanged,
            FieldError::ConfirmationMismatch,
            FieldError::CurrentPasswordMissing,
            FieldError::CurrentPasswordMismatch,
            FieldError::Lifetime,
            FieldError::DeletionNotConfirmed,
            FieldError::TargetNotConfirmed,
            FieldError::Role,
            FieldError::AppId,
            FieldError::AppName,
            FieldError::AppUrl,
            FieldError::AppOrigins,
            FieldError::TokenFormat,
            FieldError::SecretTooLong,
        ] {
            assert_translated(|messages| (messages.field_error)(error));
        }
    }
}
