//! Limits on password attempts, registrations and account changes. The counters are rows of the database, so they
//! survive a restart and hold for several processes. An attempt is counted *before* its work, so parallel attempts
//! cannot exceed a limit.
//!
//! The rules. No client can lock another person out:
//! - Account and network: after 5 consecutive failures the next attempt is delayed by 1 s, then 2 s, 4 s … up to 1 h.
//! - Account over all networks: 100 consecutive failures lock the account for unknown devices until an administrator
//!   unlocks it. NIST SP 800-63B-4, 3.2.2 requires at most 100, and suggests growing delays of up to an hour.
//! - A device that has signed in to the account since its last password change has its own counter, with both rules
//!   above. The counters of the account do not apply to it, so an attacker elsewhere cannot lock the owner out. All
//!   devices of an account together have at most 100 consecutive failures.
//! - Network over all names: a number of failures per period, against trying one password on many names.
//! - Account over all successes: a number of sign-ins and one of changes per period, so that the owner of an account
//!   cannot fill the disk.
//!
//! An IPv6 /64 counts as a network. Its /48 counts as well, with ten times the limits, because one subscriber may have
//! all of it.

mod budget;
mod store;

use std::{sync::Arc, time::Duration};

use self::budget::{Budget, Count, Key, NetworkTags, Rule, find, throttled};
use crate::{
    client::Network,
    clock::Timestamp,
    config::{Rate, Settings},
    db::{AnyConnection, QueryResult},
    identity::AccountId,
    keys::{Keys, Purpose},
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
    /// Whether it is to sign in, and not to confirm a change.
    pub is_sign_in: bool,
}

/// What is limited beside password attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Limit {
    /// New accounts from a network.
    Registrations(Network),
    /// Rejected forms with new names from a network. Open registration discloses which names and addresses are taken;
    /// the limit bounds how many of them one network can find out, and the work for its rejected forms.
    RejectedForms(Network),
    /// Changes that the owner of an account makes: of it, or as an administrator.
    Changes(AccountId),
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
    /// The counter that a success resets although a failure does not count in it: the account's for a known device,
    /// that of all devices for an unknown one.
    other: Budget,
    with_device: bool,
    /// The account whose lockout one of the counters can cause.
    locks: Option<AccountId>,
    successes: Option<Budget>,
}

impl Budgets {
    /// Whether the attempt comes from a device that has signed in to the account before.
    #[must_use]
    pub(crate) fn with_device(&self) -> bool {
        self.with_device
    }

    /// Returns why an attempt is refused now, or `None` if it is allowed. Only a cheap early answer: another attempt
    /// may be counted at the same time, so [`Budgets::record_failure`] decides.
    pub(crate) fn check(&self, conn: &mut AnyConnection, now: Timestamp) -> QueryResult<Option<Throttled>> {
        check(conn, &self.counted, now)
    }

    /// Returns why even the right password is refused now: it was used too often. The caller must not use it before the
    /// password is verified, because the refusal discloses that the account exists.
    pub(crate) fn check_success(&self, conn: &mut AnyConnection, now: Timestamp) -> QueryResult<Option<Throttled>> {
        check(conn, self.successes.as_slice(), now)
    }

    /// Counts an attempt as failed, before it is made. If it is refused, counts nothing and returns why.
    pub(crate) fn record_failure(
        &self,
        conn: &mut AnyConnection,
        now: Timestamp,
    ) -> QueryResult<Result<(), Throttled>> {
        let outcome = record(conn, &self.counted, now)?;
        if let (Ok(counts), Some(account)) = (&outcome, self.locks)
            && self.counted.iter().any(|budget| budget.locks_after_failure(counts, now))
        {
            store::set_locked(conn, account, true)?;
        }
        Ok(outcome.map(|_| ()))
    }

    /// Undoes [`Budgets::record_failure`] after a success, resets the consecutive failures, and counts the success. A
    /// known device does not unlock a locked account. If the success is refused, undoes nothing and returns why.
    pub(crate) fn record_success(
        &self,
        conn: &mut AnyConnection,
        now: Timestamp,
    ) -> QueryResult<Result<PastFailures, Throttled>> {
        let all: Vec<_> = self.counted.iter().chain([&self.other]).chain(&self.successes).copied().collect();
        // Locks all rows at once, as `record` does: transactions that lock the same rows in the same order cannot
        // deadlock.
        let counts = store::lock(conn, &keys(&all))?;
        if let Some(throttled) = throttled(self.successes.as_slice(), &counts, now) {
            return Ok(Err(throttled));
        }
        self.reset_consecutive(conn, &counts, now)?;
        for budget in &self.counted {
            if let Rule::FixedWindow(_) = budget.rule {
                store::refund(conn, &budget.key)?;
            }
        }
        self.successes.iter().try_for_each(|budget| increase(conn, budget, &counts, now))?;
        // The lockout counters of the account and of all devices count each failure once, and also this attempt.
        let lockouts = all.iter().filter(|budget| matches!(budget.rule, Rule::LockOut { .. }));
        let failures: i32 = lockouts.filter_map(|budget| find(&budget.key, &counts)).map(|count| count.failures).sum();
        let are_reset = !self.with_device || throttled(&[self.other], &counts, now).is_none();
        Ok(Ok(PastFailures { count: failures.saturating_sub(1), are_reset }))
    }

    /// Resets the consecutive failures after a right password that was refused because it is used too often. The
    /// attempt stays counted for its network, so that this cannot go on without limit.
    pub(crate) fn reset(&self, conn: &mut AnyConnection, now: Timestamp) -> QueryResult<()> {
        let all: Vec<_> = self.counted.iter().chain([&self.other]).copied().collect();
        let counts = store::lock(conn, &keys(&all))?;
        self.reset_consecutive(conn, &counts, now)
    }

    fn reset_consecutive(&self, conn: &mut AnyConnection, counts: &[(Key, Count)], now: Timestamp) -> QueryResult<()> {
        let mut reset: Vec<Key> = self
            .counted
            .iter()
            .filter(|budget| !matches!(budget.rule, Rule::FixedWindow(_)))
            .map(|budget| budget.key)
            .collect();
        if !self.with_device || throttled(&[self.other], counts, now).is_none() {
            reset.push(self.other.key);
        }
        store::delete(conn, &reset)
    }
}

/// The failures in a row before a success, from everywhere.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PastFailures {
    pub(crate) count: i32,
    /// Whether they are no longer counted: those that have locked the account still are.
    pub(crate) are_reset: bool,
}

/// The limits of this server.
#[derive(Clone)]
pub(crate) struct Throttle {
    keys: Arc<Keys>,
    failures: Rate,
    registrations: Rate,
    successes: Rate,
}

impl Throttle {
    /// Returns the limits with the rates of `settings`.
    #[must_use]
    pub(crate) fn new(settings: &Settings, keys: Arc<Keys>) -> Self {
        Self {
            keys,
            failures: settings.failure_rate,
            registrations: settings.registration_rate,
            successes: settings.sign_in_rate,
        }
    }

    /// Returns the counters that `attempt` counts in.
    #[must_use]
    pub(crate) fn budgets(&self, attempt: &Attempt) -> Budgets {
        let Attempt { subject, network, device, is_sign_in } = attempt;
        let tags = self.tags(*network);
        let (account, all_devices) = (Budget::account(subject), Budget::all_devices(subject));
        let (mut counted, other) = match device {
            Some(device) => (vec![Budget::device(subject, device), all_devices], account),
            None => ([vec![account], Budget::account_and_network(subject, tags)].concat(), all_devices),
        };
        counted.extend(Budget::per_network(b"failures", tags, self.failures));
        // Two counters, because sign-ins by an attacker who knows the password must not stop the owner of a session
        // from changing it.
        let label: &[u8] = if *is_sign_in { b"sign-ins" } else { b"confirmations" };
        let successes = Budget::per_account(label, subject, self.successes);
        let locks = match subject {
            Subject::Account(id) if device.is_none() => Some(*id),
            _ => None,
        };
        Budgets { counted, other, with_device: device.is_some(), locks, successes }
    }

    /// Returns the subject of a name without an account, given the name's hashes under the current and all previous
    /// secrets: the one that has failures already, so that a new secret resets no counter.
    pub(crate) fn unknown(conn: &mut AnyConnection, hashes: &[[u8; 32]]) -> QueryResult<Subject> {
        let subjects: Vec<_> = hashes.iter().map(|hash| Subject::Unknown(*hash)).collect();
        let current = subjects.first().copied().unwrap_or(Subject::Unknown([0; 32]));
        if subjects.len() < 2 {
            return Ok(current);
        }
        let budgets: Vec<_> = subjects.iter().map(Budget::account).collect();
        let counts = store::load(conn, &keys(&budgets))?;
        let counted = subjects.iter().zip(&budgets).find(|(_, budget)| find(&budget.key, &counts).is_some());
        Ok(counted.map_or(current, |(subject, _)| *subject))
    }

    /// Returns why `limit` is reached, or `None` if it is not. Only a cheap early answer; [`Throttle::record`] decides.
    pub(crate) fn check(
        &self,
        conn: &mut AnyConnection,
        limit: Limit,
        now: Timestamp,
    ) -> QueryResult<Option<Throttled>> {
        check(conn, &self.budgets_of(limit), now)
    }

    /// Counts one occurrence, before its work. If `limit` is reached, counts nothing and returns why.
    pub(crate) fn record(
        &self,
        conn: &mut AnyConnection,
        limit: Limit,
        now: Timestamp,
    ) -> QueryResult<Result<(), Throttled>> {
        Ok(record(conn, &self.budgets_of(limit), now)?.map(|_| ()))
    }

    /// Undoes [`Throttle::record`], if the work was not done.
    pub(crate) fn refund(&self, conn: &mut AnyConnection, limit: Limit) -> QueryResult<()> {
        self.budgets_of(limit).iter().try_for_each(|budget| store::refund(conn, &budget.key))
    }

    fn budgets_of(&self, limit: Limit) -> Vec<Budget> {
        match limit {
            Limit::Registrations(network) => {
                Budget::per_network(b"registrations", self.tags(network), self.registrations)
            }
            Limit::RejectedForms(network) => Budget::per_network(b"rejected forms", self.tags(network), self.failures),
            Limit::Changes(account) => {
                Budget::per_account(b"changes", &Subject::Account(account), self.successes).into_iter().collect()
            }
        }
    }

    /// Returns the names of a network in the database. Addresses are personal, so they are hashed with a key.
    fn tags(&self, network: Network) -> NetworkTags {
        let tag = |network: Network| self.keys.tag(Purpose::Network, &network.bytes());
        NetworkTags { network: tag(network), site: network.site().map(tag) }
    }
}

/// Unlocks `account` for unknown devices and for known ones. A delayed device or network stays delayed.
pub(crate) fn unlock(conn: &mut AnyConnection, account: AccountId) -> QueryResult<()> {
    let subject = Subject::Account(account);
    store::set_locked(conn, account, false)?;
    store::delete(conn, &keys(&[Budget::account(&subject), Budget::all_devices(&subject)]))
}

/// Resets the failures of all devices of `account` together, whose cookies have become invalid.
pub(crate) fn reset_devices(conn: &mut AnyConnection, account: AccountId) -> QueryResult<()> {
    store::delete(conn, &[Budget::all_devices(&Subject::Account(account)).key])
}

/// Deletes a batch of expired counters and returns how many.
pub(crate) fn delete_expired(conn: &mut AnyConnection, now: Timestamp) -> QueryResult<usize> {
    store::delete_expired(conn, now)
}

fn check(conn: &mut AnyConnection, budgets: &[Budget], now: Timestamp) -> QueryResult<Option<Throttled>> {
    let counts = store::load(conn, &keys(budgets))?;
    Ok(throttled(budgets, &counts, now))
}

/// Counts an attempt, and returns the counts before it. If it is refused, counts nothing and returns why.
fn record(
    conn: &mut AnyConnection,
    budgets: &[Budget],
    now: Timestamp,
) -> QueryResult<Result<Vec<(Key, Count)>, Throttled>> {
    let counts = store::lock(conn, &keys(budgets))?;
    if let Some(throttled) = throttled(budgets, &counts, now) {
        return Ok(Err(throttled));
    }
    budgets.iter().try_for_each(|budget| increase(conn, budget, &counts, now))?;
    Ok(Ok(counts))
}

fn increase(conn: &mut AnyConnection, budget: &Budget, counts: &[(Key, Count)], now: Timestamp) -> QueryResult<()> {
    let Budget { key, rule } = budget;
    match find(key, counts) {
        Some(count) => store::update(conn, key, rule.after_failure(count.or_none_if_expired(now), now)),
        None => store::insert(conn, key, rule.after_failure(Count::NONE, now)),
    }
}

fn keys(budgets: &[Budget]) -> Vec<Key> {
    budgets.iter().map(|budget| budget.key).collect()
}
