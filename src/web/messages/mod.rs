//! Everything that people read on pages and in problem+json: one file for each language. A text that a language lacks
//! does not compile. Log, commands and machine names stay English.
//!
//! To add a language: a variant of [`Language`] and a file here with its [`Messages`].

mod en;
mod id;

use std::borrow::Cow;

use serde::Serialize;

use super::{
    display_time::{DisplayTime, Moment},
    error::Problem,
    flash::Flash,
    user_agent::{self, Browser},
};
use crate::{
    accounts::{FieldError, Rejection},
    clock::{Timestamp, rfc3339},
    events::{EventKind, StoredKind},
    language::Language,
};

/// The texts of one language. Short and exact: what happened, and what to do. Serializes as the texts without
/// arguments, by name, so that a test can look for each of them.
#[derive(Serialize)]
#[expect(missing_docs, reason = "the texts in `en` say what each field is")]
pub struct Messages {
    pub language_name: &'static str,

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
    pub already_have_an_account: &'static str,

    pub home: &'static str,
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
    pub session_from: &'static str,
    pub session_signed_in: &'static str,
    pub session_last_used: &'static str,
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

    pub form_rejected: &'static str,
    pub fields_rejected: &'static str,

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

    /// Returns what happened to an account, for its owner. Another release may have stored an unknown kind.
    #[must_use]
    pub(crate) fn stored_event(&self, kind: &StoredKind) -> &'static str {
        match kind {
            StoredKind::Known(kind) => (self.event)(*kind),
            StoredKind::Unknown(_) => self.other_activity,
        }
    }
}
