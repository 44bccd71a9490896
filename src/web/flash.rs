//! A message that is shown once, after a redirect. The cookie names one of the site's own messages, and is sealed, so
//! that other sites cannot choose it.

use std::time::Duration;

use actix_web::cookie::Cookie;
use strum::FromRepr;

use super::cookies::{CookieName, Cookies};
use crate::{
    clock::Timestamp,
    keys::{Keys, Purpose},
};

/// Long enough for a redirect.
const MAX_AGE: Duration = Duration::from_mins(1);

/// A message after a redirect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromRepr)]
#[repr(u8)]
pub enum Flash {
    /// The account was created.
    Registered,
    /// Signed out.
    SignedOut,
    /// The session has ended.
    SessionEnded,
    /// The password was changed.
    PasswordChanged,
    /// User name or e-mail address was changed.
    ProfileChanged,
    /// Another session was ended.
    OtherSessionEnded,
    /// All other sessions were ended.
    OtherSessionsEnded,
    /// The account was deleted.
    AccountDeleted,
    /// All browsers but this one were forgotten.
    DevicesForgotten,
    /// A new password was set with a link.
    PasswordReset,
    /// An administrator changed an account.
    AccountChanged,
    /// An administrator deleted the account of another person.
    OtherAccountDeleted,
    /// An invitation was made invalid.
    InvitationRevoked,
    /// An application was added.
    AppAdded,
    /// An application was changed.
    AppChanged,
    /// An application was removed.
    AppRemoved,
}

impl Flash {
    /// Returns the cookie that carries the message.
    #[must_use]
    pub fn cookie(self, cookies: Cookies, keys: &Keys, now: Timestamp) -> Cookie<'static> {
        let message = [&[self as u8][..], &now.as_millis().to_be_bytes()].concat();
        cookies.build(CookieName::Flash, keys.seal(Purpose::Flash, &message), Some(MAX_AGE))
    }

    /// Returns the message of `cookie`, if this server made it less than a minute ago.
    #[must_use]
    pub fn decode(keys: &Keys, cookie: &[u8], now: Timestamp) -> Option<Self> {
        let message = keys.open(Purpose::Flash, cookie)?;
        let (number, sent_at) = message.split_first()?;
        let sent_at = Timestamp::from_millis(i64::from_be_bytes(sent_at.try_into().ok()?));
        let flash = Self::from_repr(*number)?;
        (now.since(sent_at) < MAX_AGE).then_some(flash)
    }
}
