//! A message to be shown once, after a redirect. The cookie says which of our own messages, and is signed, so that nobody
//! puts words into our mouth.

use std::time::Duration;

use actix_web::cookie::Cookie;

use super::cookies::{Jar, Name};
use crate::{
    clock::Timestamp,
    keys::{Keys, Purpose},
};

/// Long enough for a redirect.
const LASTS: Duration = Duration::from_mins(1);

/// Which message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flash {
    /// The account was made.
    Welcome,
    /// Signed out.
    SignedOut,
    /// The session that the browser had is over.
    SessionEnded,
    /// The password was changed.
    PasswordChanged,
    /// User name or e-mail address was changed.
    ProfileChanged,
    /// Another session was ended.
    OneEnded,
    /// All other sessions were ended.
    OthersEnded,
    /// The account was deleted.
    Deleted,
}

impl Flash {
    const ALL: [Self; 8] = [
        Self::Welcome,
        Self::SignedOut,
        Self::SessionEnded,
        Self::PasswordChanged,
        Self::ProfileChanged,
        Self::OneEnded,
        Self::OthersEnded,
        Self::Deleted,
    ];

    /// The cookie that carries the message.
    #[must_use]
    pub fn cookie(self, jar: Jar, keys: &Keys, now: Timestamp) -> Cookie<'static> {
        let message = [&[self as u8][..], &now.as_millis().to_be_bytes()].concat();
        jar.write(Name::Flash, keys.seal(Purpose::Flash, &message), Some(LASTS))
    }

    /// The message that `cookie` carries, if we sent it less than a minute ago.
    #[must_use]
    pub fn read(keys: &Keys, cookie: &[u8], now: Timestamp) -> Option<Self> {
        let message = keys.open(Purpose::Flash, cookie)?;
        let (number, sent_at) = message.split_first()?;
        let sent_at = Timestamp::from_millis(i64::from_be_bytes(sent_at.try_into().ok()?));
        let flash = Self::ALL.into_iter().find(|flash| *flash as u8 == *number)?;
        (now.since(sent_at) < LASTS).then_some(flash)
    }
}
