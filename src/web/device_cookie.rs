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

/// An account that this browser has signed in to, and when it last did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KnownAccount {
    /// The account, and the random id of the browser.
    pub device: Device,
    signed_in_at: Timestamp,
}

/// Returns the value of the cookie after signing in to `account`. A browser keeps its id for an account that it knows
/// already, and what it knows of other accounts.
#[must_use]
pub(crate) fn issue(keys: &Keys, account: AccountId, known: &[KnownAccount], now: Timestamp) -> String {
    let id =
        known.iter().find(|known| known.device.account == account).map_or_else(random::bytes, |known| known.device.id);
    let newest = KnownAccount { device: Device { account, id }, signed_in_at: now };
    let others = known.iter().filter(|known| known.device.account != account);
    let message: Vec<u8> =
        std::iter::once(&newest).chain(others).take(MAX_ACCOUNTS).flat_map(KnownAccount::encode).collect();
    keys.seal(Purpose::Device, &message)
}

/// Returns the accounts in `cookie`, the newest first, if this server made it, and those not older than a year.
#[must_use]
pub(crate) fn decode(keys: &Keys, cookie: &[u8], now: Timestamp) -> Vec<KnownAccount> {
    let message = keys.open(Purpose::Device, cookie).unwrap_or_default();
    let known = message.chunks_exact(ENTRY_BYTES).filter_map(KnownAccount::decode);
    known.filter(|known| now.since(known.signed_in_at) < MAX_AGE).collect()
}

impl KnownAccount {
    fn encode(&self) -> Vec<u8> {
        [&self.device.account.as_bytes()[..], &self.device.id, &self.signed_in_at.as_millis().to_be_bytes()].concat()
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (account, rest) = bytes.split_first_chunk::<16>()?;
        let (id, rest) = rest.split_first_chunk::<16>()?;
        let signed_in_at = Timestamp::from_millis(i64::from_be_bytes(rest.try_into().ok()?));
        Some(Self { device: Device { account: AccountId::from(*account), id: *id }, signed_in_at })
    }
}
