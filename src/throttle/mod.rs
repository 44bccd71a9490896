//! Limits on password attempts and registrations. The counters are rows of the database, so they survive a restart and
//! hold for several processes. An attempt is counted *before* its work, so parallel attempts cannot exceed a limit.
//!
//! The rules. No client can lock another person out:
//! - Account and network: after 5 consecutive failures the next attempt is delayed by 1 s, then 2 s, 4 s … up to 1 h.
//! - Account over all networks: 100 consecutive failures lock the account for unknown devices until an administrator
//!   unlocks it. NIST SP 800-63B-4, 3.2.2 requires at most 100, and suggests growing delays of up to an hour.
//! - A device that has signed in to the account before has its own counter, with both rules above. The other counters
//!   do not apply to it, so an attacker elsewhere cannot lock the owner out.
//! - Network over all names: a number of failures per period, against trying one password on many names.

mod budget;
mod store;

use std::time::Duration;

use self::budget::{Budget, Count, Key, Rule, find, throttled};
use crate::{
    client::Network,
    clock::Timestamp,
    config::{Rate, Settings},
    db::{AnyConnection, QueryResult},
    identity::AccountId,
};

/// The account or name whose password is tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Subject {
    /// An account, for every spelling of its names.
    Account(AccountId),
    /// The keyed hash of a name without an account. It is counted like an account.
    Unknown([u8; 32]),
}

impl Subject {
    fn bytes(&self) -> Vec<u8> {
        match self {
            Self::Account(id) => [&b"account"[..], id.as_bytes()].concat(),
            Self::Unknown(hash) => [&b"unknown"[..], hash].concat(),
        }
    }
}

/// A password attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Attempt {
    /// The account or name.
    pub subject: Subject,
    /// The client's network.
    pub network: Network,
    /// The device, if it has signed in to this account before.
    pub device: Option<[u8; 16]>,
}

/// Why an attempt is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Throttled {
    /// The next attempt is allowed after this time.
    RetryAfter(Duration),
    /// The account is locked until an administrator unlocks it.
    LockedOut,
}

/// The counters of one [`Attempt`]. Made once per attempt, because each has a SHA-256 hash as its name.
#[derive(Debug, Clone)]
pub(crate) struct Budgets {
    counted: Vec<Budget>,
    /// With a known device only: the counter of the account, which a success resets although the device's failures do
    /// not count in it.
    account_of_device: Option<Budget>,
}

impl Budgets {
    /// Whether the attempt comes from a device that has signed in to the account before.
    #[must_use]
    pub(crate) fn with_device(&self) -> bool {
        self.account_of_device.is_some()
    }

    /// Returns why an attempt is refused now, or `None` if it is allowed. Only a cheap early answer: another attempt
    /// may be counted at the same time, so [`Budgets::record_failure`] decides.
    pub(crate) fn check(&self, conn: &mut AnyConnection, now: Timestamp) -> QueryResult<Option<Throttled>> {
        check(conn, &self.counted, now)
    }

    /// Counts an attempt as failed, before it is made. If it is refused, counts nothing and returns why.
    pub(crate) fn record_failure(
        &self,
        conn: &mut AnyConnection,
        now: Timestamp,
    ) -> QueryResult<Result<(), Throttled>> {
        record(conn, &self.counted, now)
    }

    /// Undoes [`Budgets::record_failure`] after a success, and resets the consecutive failures. A known device does
    /// not unlock a locked account.
    pub(crate) fn reset(&self, conn: &mut AnyConnection, now: Timestamp) -> QueryResult<()> {
        let has_device = self.with_device();
        let all: Vec<_> = self.counted.iter().chain(&self.account_of_device).copied().collect();
        // Locks all rows at once, as `record` does: transactions that lock the same rows in the same order cannot
        // deadlock.
        let counts = store::lock(conn, &keys(&all))?;
        let mut deleted = Vec::new();
        for budget in &all {
            match budget.rule {
                Rule::FixedWindow(_) => store::refund(conn, &budget.key)?,
                Rule::LockOut { .. } if has_device && throttled(&[*budget], &counts, now).is_some() => {}
                Rule::Backoff | Rule::LockOut { .. } | Rule::BackoffAndLockOut => deleted.push(budget.key),
            }
        }
        store::delete(conn, &deleted)
    }
}

/// The limits of this server.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Throttle {
    failures: Rate,
    registrations: Rate,
}

impl Throttle {
    /// Returns the limits with the rates of `settings`.
    #[must_use]
    pub(crate) fn new(settings: &Settings) -> Self {
        Self { failures: settings.failure_rate, registrations: settings.registration_rate }
    }

    /// Returns the counters that `attempt` counts in.
    #[must_use]
    pub(crate) fn budgets(&self, attempt: &Attempt) -> Budgets {
        let Attempt { subject, network, device } = attempt;
        if let Some(device) = device {
            return Budgets {
                counted: vec![Budget::device(subject, device)],
                account_of_device: Some(Budget::account(subject)),
            };
        }
        let mut counted = vec![Budget::account(subject), Budget::account_and_network(subject, *network)];
        counted.extend(Budget::network(b"failures", *network, self.failures));
        Budgets { counted, account_of_device: None }
    }

    /// Counts a registration from `network`, before it is made. If it is refused, counts nothing and returns why.
    pub(crate) fn record_registration(
        &self,
        conn: &mut AnyConnection,
        network: Network,
        now: Timestamp,
    ) -> QueryResult<Result<(), Throttled>> {
        record(conn, self.registrations(network).as_slice(), now)
    }

    /// Undoes [`Throttle::record_registration`] after a registration that made no account.
    pub(crate) fn refund_registration(&self, conn: &mut AnyConnection, network: Network) -> QueryResult<()> {
        self.registrations(network).iter().try_for_each(|budget| store::refund(conn, &budget.key))
    }

    /// Returns why `network` may not ask which names and addresses are taken, or `None` if it may. Open registration
    /// has to disclose them; the limit bounds how many one network can find out.
    pub(crate) fn check_disclosure(
        &self,
        conn: &mut AnyConnection,
        network: Network,
        now: Timestamp,
    ) -> QueryResult<Option<Throttled>> {
        check(conn, self.disclosures(network).as_slice(), now)
    }

    /// Counts an answer to `network` that a name or an address is taken.
    pub(crate) fn record_disclosure(
        &self,
        conn: &mut AnyConnection,
        network: Network,
        now: Timestamp,
    ) -> QueryResult<Result<(), Throttled>> {
        record(conn, self.disclosures(network).as_slice(), now)
    }

    fn registrations(&self, network: Network) -> Option<Budget> {
        Budget::network(b"registrations", network, self.registrations)
    }

    fn disclosures(&self, network: Network) -> Option<Budget> {
        Budget::network(b"disclosures", network, self.failures)
    }
}

/// Unlocks `account` for unknown devices. A delayed device or network stays delayed.
pub(crate) fn unlock(conn: &mut AnyConnection, account: AccountId) -> QueryResult<()> {
    store::delete(conn, &[Budget::account(&Subject::Account(account)).key])
}

/// Deletes a batch of expired counters and returns how many.
pub(crate) fn delete_expired(conn: &mut AnyConnection, now: Timestamp) -> QueryResult<usize> {
    store::delete_expired(conn, now)
}

fn check(conn: &mut AnyConnection, budgets: &[Budget], now: Timestamp) -> QueryResult<Option<Throttled>> {
    let counts = store::load(conn, &keys(budgets))?;
    Ok(throttled(budgets, &counts, now))
}

fn record(conn: &mut AnyConnection, budgets: &[Budget], now: Timestamp) -> QueryResult<Result<(), Throttled>> {
    let counts = store::lock(conn, &keys(budgets))?;
    if let Some(throttled) = throttled(budgets, &counts, now) {
        return Ok(Err(throttled));
    }
    for Budget { key, rule } in budgets {
        match find(key, &counts) {
            Some(count) => store::update(conn, key, rule.after_failure(count.or_none_if_expired(now), now))?,
            None => store::insert(conn, key, rule.after_failure(Count::NONE, now))?,
        }
    }
    Ok(Ok(()))
}

fn keys(budgets: &[Budget]) -> Vec<Key> {
    budgets.iter().map(|budget| budget.key).collect()
}
