//! Every word that people read and that is not in a template, so that a second language can come. Short, kind and exact:
//! what happened, and what to do.

use std::{
    borrow::Cow,
    sync::{Arc, LazyLock},
    time::Duration,
};

use moka::sync::Cache;

use crate::{
    accounts::{EmailError, Mistake, UsernameError},
    clock::Timestamp,
    passwords::Weakness,
    throttle::Throttled,
    web::{error::Problem, flash::Flash},
};

/// When to try again after `503`.
pub const RETRY_SECONDS: u16 = 5;
/// When to try again where trying again does not help by itself.
pub const CLOSED_RETRY_SECONDS: u64 = 60 * 60;

/// A message after a redirect.
#[must_use]
pub fn flash(flash: Flash) -> &'static str {
    match flash {
        Flash::Welcome => "Your account is ready, and you are signed in.",
        Flash::SignedOut => "You are signed out.",
        Flash::SessionEnded => "Your session has ended. Sign in again to go on.",
        Flash::PasswordChanged => "Your password is changed. You are signed out everywhere but here.",
        Flash::ProfileChanged => "Your changes are saved.",
        Flash::OneEnded => "That session has ended.",
        Flash::Deleted => "Your account is deleted. Nothing is left to sign in to.",
        Flash::OthersEnded => "You are signed out everywhere but here.",
    }
}

/// What is wrong with a registration form: the field's name and a sentence.
#[must_use]
pub fn mistake(mistake: Mistake) -> (&'static str, Cow<'static, str>) {
    let (field, text) = match mistake {
        Mistake::Username(UsernameError::Missing) => ("username", "Choose a user name."),
        Mistake::Username(UsernameError::Length) => ("username", "A user name has 3 to 32 characters."),
        Mistake::Username(UsernameError::Beginning) => ("username", "A user name begins with a letter or a digit."),
        Mistake::Username(UsernameError::Character) => {
            ("username", "A user name can have the letters a to z, digits, dots, hyphens and underscores.")
        }
        Mistake::UsernameTaken => ("username", "This user name is taken. Choose another."),
        Mistake::Email(EmailError::Missing) => ("email", "Enter your e-mail address."),
        Mistake::Email(EmailError::TooLong) => ("email", "An e-mail address has at most 254 characters."),
        Mistake::Email(EmailError::Malformed) => ("email", "Enter an e-mail address like name@example.org."),
        Mistake::EmailTaken => ("email", "There is an account with this address already. Sign in instead."),
        Mistake::PasswordMissing => ("password", "Choose a password."),
        Mistake::PasswordTooLong => ("password", PASSWORD_TOO_LONG),
        Mistake::Password(Weakness::TooShort(shortest)) => {
            return ("password", format!("Use at least {shortest} characters. A few words in a row are fine.").into());
        }
        Mistake::Password(Weakness::Personal) => (
            "password",
            "This is made of your name, your address or the name of this site. Choose something nobody would try first.",
        ),
        Mistake::Password(Weakness::Common) => (
            "password",
            "This is a common password, or easily guessed from one. A few unrelated words make a better one.",
        ),
        Mistake::NotMeant => ("confirm", "Type your user name to show that you mean it."),
        Mistake::CurrentMissing => ("current_password", "Enter the password that you have now."),
        Mistake::CurrentWrong => ("current_password", "This is not the password that you have now."),
        Mistake::Same => ("password", "This is the password that you have already."),
        Mistake::Confirmation => ("password_confirm", "The two passwords are not the same."),
    };
    (field, text.into())
}

/// What a new password should be like.
#[must_use]
pub fn password_hint(shortest: usize) -> String {
    format!("At least {shortest} characters. A few words in a row are easy to remember and hard to guess.")
}

/// A form that was not accepted, told to a program: the title, and what there is to say when each field has its own words.
pub const FORM_REFUSED: (&str, &str) = ("The form was not accepted", "The form has mistakes.");
/// A sign-in form without a name.
pub const LOGIN_MISSING: &str = "Enter your user name or e-mail address.";
/// A sign-in form without a password.
pub const PASSWORD_MISSING: &str = "Enter your password.";
/// A password beyond every bound.
pub const PASSWORD_TOO_LONG: &str = "A password has at most 256 characters.";
/// One sentence for every wrong combination, so that it does not tell which accounts exist.
pub const WRONG: &str = "The user name, e-mail address or password is not right.";

/// Too many attempts at a password.
#[must_use]
pub fn sign_in_refused(refusal: Throttled) -> String {
    match refusal {
        Throttled::RetryAfter(wait) => format!("Too many attempts. Wait {}, then try again.", span(wait)),
        Throttled::LockedOut => "Too many wrong passwords in a row. To protect the account, it cannot be opened with a password from here any more. \
             Use a browser in which you have signed in before, or ask whoever runs this site to open it again."
            .to_owned(),
    }
}

/// Too many accounts from one network.
#[must_use]
pub fn registration_refused(refusal: Throttled) -> String {
    match refusal {
        Throttled::RetryAfter(wait) => {
            format!("Too many registrations have come from your network. Wait {}, then try again.", span(wait))
        }
        Throttled::LockedOut => sign_in_refused(refusal),
    }
}

/// Too much to do.
pub const BUSY: &str = "A lot of people are signing in right now. Nothing is lost: wait a few seconds, then try again.";

/// What the `Retry-After` header says, in seconds.
#[must_use]
pub fn retry_after(refusal: Throttled) -> u64 {
    match refusal {
        Throttled::RetryAfter(wait) => seconds(wait),
        Throttled::LockedOut => CLOSED_RETRY_SECONDS,
    }
}

fn seconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis().div_ceil(1000)).unwrap_or(u64::MAX).max(1)
}

/// A span of time, rounded up so that whoever waits it out has waited long enough.
fn span(span: Duration) -> String {
    let seconds = seconds(span);
    let (number, unit) = match seconds {
        0..=90 => (seconds, "second"),
        91..=5400 => (seconds.div_ceil(60), "minute"),
        _ => (seconds.div_ceil(3600), "hour"),
    };
    if number == 1 { format!("1 {unit}") } else { format!("{number} {unit}s") }
}

/// The title and the text of an answer that is no page of its own.
#[must_use]
pub fn problem(problem: Problem) -> (&'static str, &'static str) {
    match problem {
        Problem::Malformed => (
            "That did not arrive properly",
            "Something in what your browser sent could not be read. Go back, reload the page and try again.",
        ),
        Problem::SignedOut => ("You are not signed in", "Sign in, then try again."),
        Problem::CrossOrigin => (
            "That came from another site",
            "For your safety, forms are accepted only from this site’s own pages. Open the page here and try again.",
        ),
        Problem::StaleForm => (
            "This form is out of date",
            "You may have signed in again in another window since the page was opened. Go back, reload the page and try again.",
        ),
        Problem::RegistrationClosed => (
            "Registration is closed",
            "New accounts cannot be made here at the moment. If you expected to get one, ask whoever runs this site.",
        ),
        Problem::NotFound => ("There is no such page", "The address may be mistyped, or the page may be gone."),
        Problem::Method(_) => ("That cannot be done here", "This address does not take requests of this kind."),
        Problem::TooSlow => (
            "That took too long",
            "What your browser sent did not arrive in time. Check your connection and try again.",
        ),
        Problem::TooLarge => {
            ("That is too much", "What your browser sent is larger than any form here. Nothing was saved.")
        }
        Problem::NotAForm => {
            ("That is not a form", "This address takes forms as a browser sends them, and nothing else.")
        }
        Problem::Internal => (
            "Something went wrong",
            "It is our fault, not yours, and it has been noted. Try again; if it happens again, tell whoever runs this site the number below.",
        ),
        Problem::Unavailable => (
            "One moment, please",
            "The site cannot answer right now. Nothing is lost: wait a few seconds, then try again.",
        ),
        Problem::Other(_) => ("That did not work", "Go back and try again."),
    }
}

/// With which browser and from where, as the end of a sentence.
#[must_use]
pub fn place(user_agent: &str, address: &str) -> String {
    format!("{}, from {address}", device(user_agent))
}

/// What happened, to the person whom it happened to, by the name of the event.
#[must_use]
pub fn event(kind: &str) -> &'static str {
    match kind {
        "registered" => "You made the account",
        "signed_in" => "You signed in",
        "sign_in_failed" => "Somebody gave a wrong password",
        "sign_in_throttled" => "Somebody was refused after too many attempts",
        "signed_out" => "You signed out",
        "session_ended" => "You ended another session",
        "session_expired" => "A session came to its end",
        "reauthenticated" => "You gave your password again",
        "password_changed" => "You changed your password",
        "profile_changed" => "You changed your name or address",
        "token_refused" => "A session that is not yours was refused",
        "form_refused" => "A form that was out of date was refused",
        "account_unlocked" => "The account was opened again",
        _ => "Something else",
    }
}

/// A browser and its system in words, from what it calls itself. The last few hundred are remembered: most people use the
/// same few browsers, and to take a name apart costs as much as all the rest of a page.
#[must_use]
pub fn device(user_agent: &str) -> Arc<str> {
    const REMEMBERED: u64 = 500;
    static KNOWN: LazyLock<Cache<Box<str>, Arc<str>>> = LazyLock::new(|| Cache::new(REMEMBERED));
    KNOWN.get(user_agent).unwrap_or_else(|| {
        let words = Arc::from(parse_device(user_agent));
        KNOWN.insert(user_agent.into(), Arc::clone(&words));
        words
    })
}

fn parse_device(user_agent: &str) -> String {
    const UNKNOWN: &str = "UNKNOWN";
    let parsed = woothee::parser::Parser::new().parse(user_agent);
    let (name, system) = parsed.map_or((UNKNOWN, UNKNOWN), |agent| (agent.name, agent.os));
    let system = match system {
        UNKNOWN => "",
        "Mac OSX" => "macOS",
        // Browsers of Windows 11 call it 10.
        windows if windows.starts_with("Windows") => "Windows",
        system => system,
    };
    match (name, system) {
        (UNKNOWN, "") => "An unknown browser".to_owned(),
        (UNKNOWN, system) => format!("A browser on {system}"),
        ("HTTP Library", _) => "A program".to_owned(),
        (name, "") => name.to_owned(),
        (name, system) => format!("{name} on {system}"),
    }
}

/// A date as people say it: today and yesterday with the time, others with the day. In UTC, because a page without scripts
/// does not know where its reader is.
#[must_use]
pub fn when(at: Timestamp, now: Timestamp) -> String {
    let (at, today) = (at.date(), now.date().date());
    let day = match at.date() {
        day if day == today => "today",
        day if Some(day) == today.previous_day() => "yesterday",
        day => return format!("{} {} {}", day.day(), day.month(), day.year()),
    };
    format!("{day} at {:02}:{:02} UTC", at.hour(), at.minute())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duration_text_is_rounded_up_to_a_readable_unit() {
        for (milliseconds, words) in [
            (0, "1 second"),
            (1, "1 second"),
            (1001, "2 seconds"),
            (64_000, "64 seconds"),
            (91_000, "2 minutes"),
            (3_600_000, "60 minutes"),
            (7_200_001, "3 hours"),
        ] {
            assert_eq!(span(Duration::from_millis(milliseconds)), words);
        }
    }

    #[test]
    fn user_agent_is_summarized_as_browser_and_platform() {
        for (user_agent, words) in [
            ("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/139.0.0.0 Safari/537.36 Edg/139.0.0.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15",
                "Safari on macOS",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1",
                "Safari on iPhone",
            ),
            ("curl/8.1", "A program"),
            ("", "An unknown browser"),
            ("<script>", "An unknown browser"),
        ] {
            assert_eq!(&*device(user_agent), words, "{user_agent}");
        }
    }

    #[test]
    fn recent_dates_are_shown_relative_to_today() {
        let now = Timestamp::from_millis(1_795_305_600_000 + 15 * 3_600_000);
        let ago = |hours: u64| when(now.minus(Duration::from_secs(hours * 3600)), now);
        assert_eq!(ago(1), "today at 14:00 UTC");
        assert_eq!(ago(16), "yesterday at 23:00 UTC");
        assert_eq!(ago(24 * 30), "23 October 2026");
    }
}
