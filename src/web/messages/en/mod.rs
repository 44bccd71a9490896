//! English.

mod admin;
mod events;
mod problems;

use std::borrow::Cow;

use super::Messages;
use crate::{
    accounts::{EmailError, FieldError, Rejection, UsernameError},
    passwords::Weakness,
    throttle::Throttled,
    web::{
        display_time::{Moment, Wait},
        error::Problem,
        flash::Flash,
        user_agent::Browser,
    },
};

pub(super) static MESSAGES: Messages = Messages {
    language_name: "English",
    admin: &admin::MESSAGES,

    error_prefix: "Error:",
    skip_to_content: "Skip to main content",
    signed_in_as: "Signed in as",
    your_account: "Your account",
    nav_home: "Home",
    nav_account: "Account",
    nav_password: "Password",
    nav_sessions: "Sessions",
    nav_activity: "Activity",
    sign_out: "Sign out",
    there_is_a_problem: "There is a problem",
    reauthentication_hint: "You signed in a while ago. Enter your password to confirm that it is you.",
    request_id: "Request ID:",
    go_to_home_page: "Go to the home page",

    username: "User name",
    username_hint: "3 to 32 characters: letters a to z, digits, dots, hyphens and underscores.",
    email: "E-mail",
    email_hint: "May stay empty. You can sign in with it as well.",
    username_or_email: "User name or e-mail",
    password: "Password",
    current_password: "Current password",
    new_password: "New password",
    confirm_password: "Confirm password",
    language: "Language",

    sign_in: "Sign in",
    keep_me_signed_in: "Keep me signed in",
    new_here: "New here?",
    create_an_account: "Create an account",
    create_account: "Create account",
    create_administrator: "Create the first administrator",
    create_administrator_text: "This account administers the site: it can see and change all other accounts.",
    already_have_an_account: "Already have an account?",

    home: "Home",
    your_applications: "Your applications",
    member_since: "Member since",
    last_sign_in: "Last sign-in",
    first_sign_in: "This is your first sign-in.",
    since_then: "Since then",
    see_recent_activity: "See recent activity",

    save_changes: "Save changes",
    save_language: "Save language",
    download_your_data: "Download your data",
    delete_account: "Delete account",

    change_your_password: "Change your password",
    change_password: "Change password",
    other_sessions_will_end: "You will be signed out of all other sessions.",

    where_you_are_signed_in: "Where you are signed in",
    this_device: "This device",
    session_address: "Address:",
    session_signed_in: "Signed in:",
    session_last_used: "Last used:",
    session_used_at: "Used at:",
    more_sessions: "There are more sessions, used less recently, that are not shown.",
    sign_out_of_others: "Sign out of all other sessions",
    no_other_session: "You are not signed in anywhere else.",
    known_browsers: "Known browsers",
    known_browsers_text: "While others try wrong passwords, you can still sign in from a browser that you have used \
                          before. If you no longer trust one of them, forget all except this one. You stay signed in \
                          everywhere.",
    forget_known_browsers: "Forget known browsers",

    recent_activity: "Recent activity",
    no_activity: "No activity to show.",
    older_activity: "Older activity",
    refused_attempts: "Refused attempts",
    refused_attempts_text: "These attempts did not succeed. They can come from anyone who knows your user name.",
    older_attempts: "Older attempts",
    newest: "Newest",
    unknown_activity: "Do you not recognise something here? Changing your password signs you out of all other \
                       sessions.",
    other_activity: "Other activity",

    set_new_password: "Set a new password",
    save_password: "Save password",
    all_sessions_will_end: "You will be signed out everywhere. Then sign in with the new password.",
    forgotten_password: "Forgotten password",
    forgotten_password_text: "This site sends no e-mail. Its operator can give you a link to set a new password: \
                              it works once, for an hour.",
    contact: "Ask here:",
    known_browser_text: "If you are still signed in on another device, you can also change your password there, \
                         but only if you know the current one.",
    forgot_password: "Forgot your password?",

    delete_your_account: "Delete your account",
    deletion_text: "This deletes your account at once and signs you out of all sessions. You cannot undo it. Your \
                    user name stays reserved for a while.",
    download_first: "You may want to keep a copy of your data first.",
    type_username_to_confirm: "Type your user name to confirm",
    delete_my_account: "Delete my account",

    open_application: "Open the application",
    you_are_signed_in: "You are signed in",
    sign_out_everywhere: "Sign out everywhere",
    sign_out_everywhere_text: "You will be signed out here and at all other applications in this browser.",
    sign_out_here: "Sign out here only",
    not_signed_in_here: "You are not signed in here.",
    you_are_signed_out: "You are signed out",
    signed_out_everywhere: "You are signed out of all applications in this browser.",

    form_rejected: "The form was not accepted",
    fields_rejected: "There is a problem with one or more fields.",

    continue_to: |app| format!("Continue to {app}"),
    sign_out_of: |app| format!("Sign out of {app}"),
    sign_out_here_text: |app| format!("{app} forgets you, and you stay signed in at the other applications."),
    signed_out_here: |app| {
        format!("You are still signed in at the other applications. Opening {app} again needs no password.")
    },
    hello: |username| format!("Hello, {username}"),
    failed_attempts: |number| plural(number, "failed attempt to sign in as you.", "failed attempts to sign in as you."),
    times: |number| format!("({number} times)"),
    sign_out_of_session: |browser, address| format!("Sign out of the session of {browser} from {address}"),
    client: |browser, address| format!("{browser}, from {address}"),
    password_hint: |minimum| {
        format!("At least {minimum} characters. A few words in a row are easy to remember and hard to guess.")
    },
    browser,
    program,
    moment,
    flash,
    field_error,
    rejection,
    problem: problems::problem,
    event: events::event,
};

fn browser(browser: &Browser) -> String {
    match browser {
        Browser::Program => "Program".to_owned(),
        Browser::Known { name, system: None } => name.to_string(),
        Browser::Known { name, system: Some(system) } => format!("{name} on {system}"),
        Browser::Unknown { system: None } => "Unknown browser".to_owned(),
        Browser::Unknown { system: Some(system) } => format!("Unknown browser on {system}"),
    }
}

fn program(name: &str, application: Option<&str>) -> String {
    let name = if name.is_empty() { String::new() } else { format!(" “{name}”") };
    let application = application.map(|name| format!(" for {name}")).unwrap_or_default();
    format!("Program{name}{application}")
}

fn moment(moment: Moment) -> String {
    match moment {
        Moment::JustNow => "just now".to_owned(),
        Moment::MinutesAgo(minutes) => plural(minutes, "minute ago", "minutes ago"),
        Moment::Today(at) => format!("today at {:02}:{:02} UTC", at.hour(), at.minute()),
        Moment::Yesterday(at) => format!("yesterday at {:02}:{:02} UTC", at.hour(), at.minute()),
        Moment::On(day) => format!("{} {} {}", day.day(), day.month(), day.year()),
    }
}

fn wait(wait: Wait) -> String {
    match wait {
        Wait::Seconds(number) => plural(number, "second", "seconds"),
        Wait::Minutes(number) => plural(number, "minute", "minutes"),
        Wait::Hours(number) => plural(number, "hour", "hours"),
    }
}

/// Returns a number with its noun.
fn plural(number: u64, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

fn flash(flash: Flash) -> &'static str {
    match flash {
        Flash::Registered => "Your account is ready, and you are signed in.",
        Flash::SignedOut => "You are signed out.",
        Flash::SessionEnded => "Your session has ended. Sign in again to continue.",
        Flash::PasswordChanged => "Your password is changed. You are signed out of all other sessions.",
        Flash::ProfileChanged => "Your changes are saved.",
        Flash::OtherSessionEnded => "That session is signed out.",
        Flash::OtherSessionsEnded => "You are signed out of all other sessions.",
        Flash::AppAdded => "The application is added.",
        Flash::AppChanged => "The application is changed.",
        Flash::AppRemoved => "The application is removed.",
        Flash::InvitationRevoked => "The invitation is not valid any more.",
        Flash::PasswordReset => "Your new password is set. Sign in with it.",
        Flash::DevicesForgotten => "All other browsers are forgotten.",
        Flash::AccountDeleted => "Your account is deleted.",
        Flash::AccountChanged => "The account is changed.",
        Flash::OtherAccountDeleted => "The account is deleted.",
    }
}

fn field_error(error: FieldError) -> Cow<'static, str> {
    let text = match error {
        FieldError::LoginMissing => "Enter your user name or e-mail address.",
        FieldError::Username(UsernameError::Missing) => "Choose a user name.",
        FieldError::Username(UsernameError::Length) => "A user name has 3 to 32 characters.",
        FieldError::Username(UsernameError::FirstCharacter) => "A user name starts with a letter or a digit.",
        FieldError::Username(UsernameError::Character) => {
            "A user name can have the letters a to z, digits, dots, hyphens and underscores."
        }
        FieldError::UsernameTaken => "This user name is taken. Choose another one.",
        FieldError::UsernameReserved => "This user name is reserved. Choose another one.",
        FieldError::Email(EmailError::Missing) => "Enter your e-mail address.",
        FieldError::Email(EmailError::TooLong) => "An e-mail address has at most 254 characters.",
        FieldError::Email(EmailError::Malformed) => "Enter an e-mail address like name@example.org.",
        FieldError::EmailTaken => "There is already an account with this address. Sign in instead.",
        FieldError::PasswordMissing => "Enter your password.",
        FieldError::NewPasswordMissing => "Choose a password.",
        FieldError::PasswordTooLong => "A password has at most 256 characters.",
        FieldError::PasswordWeak(Weakness::TooShort(min)) => {
            return format!("Use at least {min} characters. A few words in a row are fine.").into();
        }
        FieldError::PasswordWeak(Weakness::Personal) => {
            "This is made of your name, your address or the name of this site, which others try first. Choose \
             something else."
        }
        FieldError::PasswordWeak(Weakness::Pattern) => {
            "This repeats itself, or follows the keyboard or the alphabet, which others try first. Use a few unrelated \
             words instead."
        }
        FieldError::PasswordWeak(Weakness::Common) => {
            "This is a common password or a well-known phrase, or easily guessed from one. Use a few unrelated words \
             instead."
        }
        FieldError::PasswordUnchanged => "This is your current password. Choose another one.",
        FieldError::ConfirmationMismatch => "The two passwords do not match.",
        FieldError::CurrentPasswordMissing => "Enter your current password.",
        FieldError::CurrentPasswordMismatch => "The current password is not right.",
        FieldError::Lifetime => "Enter a time like 12h or 7d, at most 365d.",
        FieldError::DeletionNotConfirmed => "Type your user name to confirm.",
        FieldError::TargetNotConfirmed => "Type the user name of this account to confirm.",
        FieldError::InvitationInvalid => "This invitation was used already, or is too old. Ask for a new one.",
        FieldError::ApplicationUnknown => "There is no application with this id.",
        FieldError::AppId => {
            "An ID has 1 to 32 letters a to z, digits and hyphens, and starts with a letter. “gatehouse” is reserved."
        }
        FieldError::AppName => "A name has 1 to 60 printable characters.",
        FieldError::AppUrl => "Enter only scheme, host and port, like https://wiki.example.org.",
        FieldError::AppOrigins => "Enter origins like https://shop.example.org, separated by spaces.",
        FieldError::TokenFormat => "Choose the format of the tokens for which the secret is.",
        FieldError::SecretTooLong => "A secret has at most 1,024 bytes.",
        FieldError::Role => "A role has 1 to 32 letters a to z, digits and hyphens, and starts with a letter.",
    };
    text.into()
}

fn rejection(rejection: &Rejection) -> Cow<'static, str> {
    match rejection {
        Rejection::Invalid(_) => MESSAGES.fields_rejected.into(),
        Rejection::WrongCredentials => "The user name, e-mail address or password is not right.".into(),
        Rejection::Throttled(Throttled::RetryAfter(span)) => {
            format!("Too many attempts. Wait {}, then try again.", wait(Wait::from(*span))).into()
        }
        Rejection::Throttled(Throttled::LockedOut) => {
            "There were too many wrong passwords in a row. To protect the account, it does not accept a password from \
             here. Use a browser that has signed in before, or ask the operator of this site to unlock the account."
                .into()
        }
        Rejection::TooManyRegistrations(span) => {
            format!("Too many registrations came from your network. Wait {}, then try again.", wait(Wait::from(*span)))
                .into()
        }
        Rejection::Overloaded => {
            "A lot of people are signing in right now. Nothing is lost: wait a few seconds, then try again.".into()
        }
        Rejection::Conflict => {
            "Another change was made at the same moment, so nothing was done. Check your entries and try again.".into()
        }
        Rejection::NoSuchAccount => "There is no account with this user name or e-mail address.".into(),
        Rejection::NotAdministrator => "You are no longer an administrator.".into(),
        Rejection::LastAdministrator => {
            "This is the last active administrator. Make another account an administrator first.".into()
        }
        Rejection::LinkInvalid => problems::problem(Problem::LinkInvalid).1.into(),
        Rejection::RegistrationClosed => problems::problem(Problem::RegistrationClosed).1.into(),
        Rejection::InvitationNeeded => problems::problem(Problem::InvitationNeeded).1.into(),
        Rejection::App(rejection) => (MESSAGES.admin.app_rejection)(rejection),
        Rejection::NotAdmitted => problems::problem(Problem::NotAdmitted).1.into(),
    }
}
