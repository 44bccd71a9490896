//! What a browser carries on its way from an application through the sign-in page and back: where it was, and which
//! browser it is.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};

use super::return_to::ReturnTo;
use crate::{
    apps::AppId,
    clock::Timestamp,
    keys::{Keys, Purpose},
    random,
    sessions::Browser,
};

/// How long a person may take to sign in.
const LIFETIME: Duration = Duration::from_mins(10);
/// How often a browser may come back to the application within [`ROUNDS_WITHIN`] and be sent to sign in again.
const MAX_ROUNDS: u8 = 3;
const ROUNDS_WITHIN: Duration = Duration::from_mins(1);

/// Where a browser was when it was sent to sign in. It stands in the address of the way back, sealed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Handover {
    /// The browser.
    pub(crate) browser: Browser,
    /// The page that it asked for.
    pub(crate) return_to: ReturnTo,
    expires_at: Timestamp,
}

impl Handover {
    /// Returns the state of a browser that sets out at `now`.
    pub(crate) fn new(browser: Browser, return_to: ReturnTo, now: Timestamp) -> Self {
        Self { browser, return_to, expires_at: now.plus(LIFETIME) }
    }

    /// Returns the state as text that is good for `app` only.
    pub(crate) fn seal(&self, keys: &Keys, app: &AppId) -> String {
        let expires_at = self.expires_at.as_millis().to_be_bytes();
        let parts =
            [&expires_at[..], self.browser.as_bytes(), app.as_str().as_bytes(), self.return_to.as_str().as_bytes()];
        keys.seal(Purpose::Handover, &parts.concat())
    }

    /// Returns the state in `text` if this server has made it for `app` and it has not expired.
    pub(crate) fn open(keys: &Keys, text: &str, app: &AppId, now: Timestamp) -> Option<Self> {
        let message = keys.open(Purpose::Handover, text.as_bytes())?;
        let (expires_at, rest) = message.split_first_chunk::<8>()?;
        let (browser, rest) = rest.split_first_chunk::<32>()?;
        // An id has no slash, and the path begins with one.
        let return_to = rest.strip_prefix(app.as_str().as_bytes())?;
        let return_to = ReturnTo::parse_of_app(str::from_utf8(return_to).ok()?)?;
        let expires_at = Timestamp::from_millis(i64::from_be_bytes(*expires_at));
        (now < expires_at).then_some(Self { browser: Browser::from(*browser), return_to, expires_at })
    }
}

/// The cookie that identifies a browser at an application before it has a session there: one for all its tabs. It also
/// counts how often the browser came back, because a browser that drops the other cookie would go to and fro forever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StartCookie {
    secret: [u8; 32],
    rounds: u8,
    /// When the first round was done, in seconds.
    since: i64,
}

impl StartCookie {
    /// Returns the cookie in `value`, or a new one.
    pub(crate) fn parse_or_new(value: Option<&[u8]>, now: Timestamp) -> Self {
        value.and_then(Self::parse).unwrap_or_else(|| Self {
            secret: random::bytes(),
            rounds: 0,
            since: now.as_seconds(),
        })
    }

    pub(crate) fn parse(value: &[u8]) -> Option<Self> {
        let (secret, rest) =
            BASE64.decode(value).ok()?.split_first_chunk::<32>().map(|(it, rest)| (*it, rest.to_vec()))?;
        let (rounds, since) = rest.split_first_chunk::<1>()?;
        let since = i64::from_be_bytes(since.try_into().ok()?);
        Some(Self { secret, rounds: rounds[0], since })
    }

    /// Returns the value of the cookie.
    pub(crate) fn value(&self) -> String {
        BASE64.encode([&self.secret[..], &[self.rounds], &self.since.to_be_bytes()].concat())
    }

    /// Returns the browser that has the cookie.
    pub(crate) fn browser(&self) -> Browser {
        Browser::of_cookie(&self.secret)
    }

    /// Whether the browser came back too often.
    pub(crate) fn is_loop(&self, now: Timestamp) -> bool {
        self.rounds >= MAX_ROUNDS && self.is_recent(now)
    }

    /// Counts that the browser came back.
    #[must_use]
    pub(crate) fn with_round(self, now: Timestamp) -> Self {
        if self.is_recent(now) {
            Self { rounds: self.rounds.saturating_add(1), ..self }
        } else {
            Self { rounds: 1, since: now.as_seconds(), ..self }
        }
    }

    fn is_recent(&self, now: Timestamp) -> bool {
        let since = Timestamp::from_seconds(self.since);
        since <= now && now.since(since) < ROUNDS_WITHIN
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn app(id: &str) -> AppId {
        id.parse().unwrap()
    }

    #[test]
    fn state_is_good_for_one_application_and_ten_minutes() {
        let keys = Keys::for_tests();
        let handover = Handover::new(Browser::of_cookie(b"x"), ReturnTo::parse_of_app("/page?a=1").unwrap(), NOW);
        let text = handover.seal(&keys, &app("wiki"));
        let open = |id: &str, now| Handover::open(&keys, &text, &app(id), now);
        assert_eq!(open("wiki", NOW), Some(handover.clone()));
        assert_eq!(open("wiki", NOW.plus(LIFETIME).minus(Duration::from_millis(1))), Some(handover));
        assert_eq!(open("wiki", NOW.plus(LIFETIME)), None);
        for other in ["wik", "wikis", "photos"] {
            assert_eq!(open(other, NOW), None, "{other}");
        }
    }

    #[test]
    fn longest_state_fits_into_the_return_path_of_the_sign_in_page() {
        let path = ReturnTo::parse_of_app(&format!("/{}", "a".repeat(999))).unwrap();
        let text = Handover::new(Browser::of_cookie(b"x"), path, NOW).seal(&Keys::for_tests(), &app(&"a".repeat(32)));
        assert!(ReturnTo::parse(&format!("/continue/{}?state={text}", "a".repeat(32))).is_some());
    }

    #[test]
    fn rounds_are_counted_for_a_minute() {
        let mut cookie = StartCookie::parse_or_new(None, NOW);
        for _ in 0..MAX_ROUNDS {
            assert!(!cookie.is_loop(NOW));
            cookie = StartCookie::parse(cookie.with_round(NOW).value().as_bytes()).unwrap();
        }
        assert!(cookie.is_loop(NOW));
        let later = NOW.plus(ROUNDS_WITHIN);
        assert!(!cookie.is_loop(later));
        assert_eq!(cookie.with_round(later).rounds, 1);
        assert_eq!(cookie.with_round(later).browser(), cookie.browser());
    }

    proptest! {
        #[test]
        fn arbitrary_text_is_neither_state_nor_cookie(text in "\\PC{0,100}") {
            prop_assert_eq!(Handover::open(&Keys::for_tests(), &text, &app("wiki"), NOW), None);
            let cookie = StartCookie::parse(text.as_bytes());
            prop_assert!(cookie.is_none_or(|cookie| cookie.value() == text));
        }
    }
}
