//! The device cookie: "this browser has signed in to that account before". Grants nothing but a budget of failures of its
//! own, so that nobody elsewhere can shut the owner out; see `throttle`.

use std::time::Duration;

use uuid::Uuid;

use crate::{
    accounts::Device,
    clock::Timestamp,
    keys::{Keys, Purpose},
    random,
};

/// How long a browser is known.
pub const KNOWN_FOR: Duration = Duration::from_hours(8760);

/// People who share a browser; when there are more, who signed in longest ago is forgotten.
const MOST: usize = 4;
const ENTRY: usize = 16 + 16 + 8;

/// The value of the cookie after signing in to `account`: the same browser for it, if it was known already, and for the
/// others who sign in here.
#[must_use]
pub fn make(keys: &Keys, account: Uuid, known: &[Known], now: Timestamp) -> String {
    let id =
        known.iter().find(|known| known.device.account == account).map_or_else(random::bytes, |known| known.device.id);
    let newest = Known { device: Device { account, id }, made_at: now };
    let others = known.iter().filter(|known| known.device.account != account);
    let message: Vec<u8> = std::iter::once(&newest).chain(others).take(MOST).flat_map(Known::bytes).collect();
    keys.seal(Purpose::Device, &message)
}

/// The accounts that `cookie` names, newest first, as far as we made it less than a year ago.
#[must_use]
pub fn read(keys: &Keys, cookie: &[u8], now: Timestamp) -> Vec<Known> {
    let message = keys.open(Purpose::Device, cookie).unwrap_or_default();
    let known = message.chunks_exact(ENTRY).filter_map(Known::parse);
    known.filter(|known| now.since(known.made_at) < KNOWN_FOR).collect()
}

/// An account that this browser has signed in to, and when it last did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// The account and the browser.
    pub device: Device,
    made_at: Timestamp,
}

impl Known {
    fn bytes(&self) -> Vec<u8> {
        [&self.device.account.as_bytes()[..], &self.device.id, &self.made_at.as_millis().to_be_bytes()].concat()
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let (account, rest) = bytes.split_first_chunk::<16>()?;
        let (id, rest) = rest.split_first_chunk::<16>()?;
        let made_at = Timestamp::from_millis(i64::from_be_bytes(rest.try_into().ok()?));
        Some(Self { device: Device { account: Uuid::from_bytes(*account), id: *id }, made_at })
    }
}
