//! The device cookie: the accounts that this browser has signed in to before. It grants a failure budget of its own and
//! nothing else, so that an attacker elsewhere cannot lock the owner out; see `throttle`.

use std::time::Duration;

use crate::{
    accounts::{AccountId, Device},
    clock::Timestamp,
    keys::{Keys, Purpose},
    random,
};

/// How long a browser is remembered.
pub(crate) const MAX_AGE: Duration = Duration::from_hours(8760);

/// Accounts in one cookie, for people who share a browser. Beyond it, the one that signed in longest ago is dropped.
const MAX_ACCOUNTS: usize = 4;
/// Account id, device id, time.
const ENTRY_BYTES: usize = 16 + 16 + 8;

/// Returns the value of the cookie for a browser that is known to `account` from `now` on. It keeps its id for an
/// account that it knows already, and what it knows of other accounts.
#[must_use]
pub(crate) fn issue(keys: &Keys, account: AccountId, known: &[Device], now: Timestamp) -> String {
    let id = known.iter().find(|known| known.account == account).map_or_else(random::bytes, |known| known.id);
    let newest = Device { account, id, signed_in_at: now };
    let others = known.iter().filter(|known| known.account != account);
    seal(keys, std::iter::once(&newest).chain(others))
}

/// Returns the value of the cookie without `account`, or `None` if the browser knows no other account.
#[must_use]
pub(crate) fn without(keys: &Keys, account: AccountId, known: &[Device]) -> Option<String> {
    let mut others = known.iter().filter(|known| known.account != account).peekable();
    others.peek().is_some().then(|| seal(keys, others))
}

/// Returns the accounts in `cookie`, the newest first, if this server made it, and those not older than a year.
#[must_use]
pub(crate) fn decode(keys: &Keys, cookie: &[u8], now: Timestamp) -> Vec<Device> {
    let message = keys.open(Purpose::Device, cookie).unwrap_or_default();
    let known = message.chunks_exact(ENTRY_BYTES).filter_map(decode_entry);
    known.filter(|known| now.since(known.signed_in_at) < MAX_AGE).collect()
}

fn seal<'a>(keys: &Keys, known: impl Iterator<Item = &'a Device>) -> String {
    keys.seal(Purpose::Device, &known.take(MAX_ACCOUNTS).flat_map(encode_entry).collect::<Vec<u8>>())
}

fn encode_entry(device: &Device) -> Vec<u8> {
    [&device.account.as_bytes()[..], &device.id, &device.signed_in_at.as_millis().to_be_bytes()].concat()
}

fn decode_entry(bytes: &[u8]) -> Option<Device> {
    let (account, rest) = bytes.split_first_chunk::<16>()?;
    let (id, rest) = rest.split_first_chunk::<16>()?;
    let signed_in_at = Timestamp::from_millis(i64::from_be_bytes(rest.try_into().ok()?));
    Some(Device { account: AccountId::from(*account), id: *id, signed_in_at })
}
