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

/// The value of the cookie after signing in to `account`: the same browser, if it was known already.
#[must_use]
pub fn make(keys: &Keys, account: Uuid, known: Option<Device>, now: Timestamp) -> String {
    let id = known.filter(|device| device.account == account).map_or_else(random::bytes, |device| device.id);
    let message = [&account.as_bytes()[..], &id, &now.as_millis().to_be_bytes()].concat();
    keys.seal(Purpose::Device, &message)
}

/// The browser that `cookie` names, if we made it less than a year ago.
#[must_use]
pub fn read(keys: &Keys, cookie: &[u8], now: Timestamp) -> Option<Device> {
    let message = keys.open(Purpose::Device, cookie)?;
    let (account, rest) = message.split_first_chunk::<16>()?;
    let (id, rest) = rest.split_first_chunk::<16>()?;
    let made_at = Timestamp::from_millis(i64::from_be_bytes(rest.try_into().ok()?));
    (now.since(made_at) < KNOWN_FOR).then_some(Device { account: Uuid::from_bytes(*account), id: *id })
}
