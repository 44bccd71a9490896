//! The rules as pure functions: what a counter is named, how it grows, and when it refuses.

use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};

use super::{Subject, Throttled};
use crate::{clock::Timestamp, config::Rate};

/// Consecutive failures of one network or device without a delay, because people mistype.
const FREE_FAILURES: i32 = 5;
/// A site may have ten times as much as one of its networks, because unrelated people can share it.
const SITE_FACTOR: u16 = 10;
/// Consecutive failures at which an account is locked.
const LOCKOUT_THRESHOLD: i32 = 100;
/// The maximum delay.
const MAX_DELAY: Duration = Duration::from_hours(1);
/// How long the failures of one network on one account are kept after the last one.
const NETWORK_RETENTION: Duration = Duration::from_hours(24);
/// How long the failures on a name without an account are kept after the last one. Those on an account never expire, as
/// NIST requires; these do, to bound the table. The period is too long for using it to find out which names exist.
const UNKNOWN_NAME_RETENTION: Duration = Duration::from_hours(90 * 24);
/// How long the failures of a known device are kept after the last one: as long as its cookie is valid.
const DEVICE_RETENTION: Duration = Duration::from_hours(365 * 24);
/// The expiry time of counters that do not expire.
const NEVER: Timestamp = Timestamp::MAX;

/// The name of one row of counters, a SHA-256 hash.
pub(super) type Key = [u8; 32];

/// The keyed hashes of a client's network and of its site, if it has one.
#[derive(Debug, Clone, Copy)]
pub(super) struct NetworkTags {
    pub(super) network: [u8; 32],
    pub(super) site: Option<[u8; 32]>,
}

/// Returns the hash of `parts`. Each part is hashed with its length, so that different lists have different keys.
fn key(parts: &[&[u8]]) -> Key {
    let mut context = Context::new(&SHA256);
    for part in parts {
        context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        context.update(part);
    }
    let mut key = Key::default();
    key.copy_from_slice(context.finish().as_ref());
    key
}

/// How a counter grows and when it refuses.
#[derive(Debug, Clone, Copy)]
pub(super) enum Rule {
    /// Consecutive failures beyond `free` delay the next attempt, longer each time.
    Backoff {
        /// Failures without a delay.
        free: i32,
    },
    /// Consecutive failures lock the account.
    LockOut {
        /// Whether the count expires after [`UNKNOWN_NAME_RETENTION`].
        expires: bool,
    },
    /// Both.
    BackoffAndLockOut,
    /// A number of failures in a period that starts with the first one.
    FixedWindow(Rate),
}

/// A counter and its rule.
#[derive(Debug, Clone, Copy)]
pub(super) struct Budget {
    pub(super) key: Key,
    pub(super) rule: Rule,
}

impl Budget {
    /// Counts the consecutive failures on `subject` from everywhere.
    pub(super) fn account(subject: &Subject) -> Self {
        Self {
            key: key(&[b"account", &subject.bytes()]),
            rule: Rule::LockOut { expires: matches!(subject, Subject::Unknown(_)) },
        }
    }

    /// Counts the consecutive failures on `subject` from one network, and from its site.
    pub(super) fn account_and_network(subject: &Subject, tags: NetworkTags) -> Vec<Self> {
        let budget = |tag: &[u8; 32], free| Self {
            key: key(&[b"account and network", &subject.bytes(), tag]),
            rule: Rule::Backoff { free },
        };
        let site = tags.site.map(|site| budget(&site, FREE_FAILURES * i32::from(SITE_FACTOR)));
        [Some(budget(&tags.network, FREE_FAILURES)), site].into_iter().flatten().collect()
    }

    /// Counts the consecutive failures on `subject` from one known device.
    pub(super) fn device(subject: &Subject, device: &[u8; 16]) -> Self {
        Self { key: key(&[b"device", &subject.bytes(), device]), rule: Rule::BackoffAndLockOut }
    }

    /// Counts the consecutive failures on `subject` from all known devices together: each sign-in can make one.
    pub(super) fn all_devices(subject: &Subject) -> Self {
        Self { key: key(&[b"all devices", &subject.bytes()]), rule: Rule::LockOut { expires: false } }
    }

    /// Counts the events named `label` of `subject`. Returns `None` if `rate` is no limit.
    pub(super) fn per_account(label: &[u8], subject: &Subject, rate: Rate) -> Option<Self> {
        (rate.limit > 0).then(|| Self { key: key(&[label, &subject.bytes()]), rule: Rule::FixedWindow(rate) })
    }

    /// Counts the events named `label` from one network, and from its site. Returns nothing if `rate` is no limit.
    pub(super) fn per_network(label: &[u8], tags: NetworkTags, rate: Rate) -> Vec<Self> {
        if rate.limit == 0 {
            return Vec::new();
        }
        let budget = |tag: &[u8; 32], limit| Self {
            key: key(&[label, tag]),
            rule: Rule::FixedWindow(Rate { limit, period: rate.period }),
        };
        let site = tags.site.map(|site| budget(&site, rate.limit.saturating_mul(SITE_FACTOR.into())));
        [Some(budget(&tags.network, rate.limit)), site].into_iter().flatten().collect()
    }
}

impl Budget {
    /// Whether one more failure than `counts` locks the account.
    pub(super) fn locks_after_failure(&self, counts: &[(Key, Count)], now: Timestamp) -> bool {
        let count = find(&self.key, counts).unwrap_or(Count::NONE).or_none_if_expired(now);
        self.rule.throttled(self.rule.after_failure(count, now), now) == Some(Throttled::LockedOut)
    }
}

/// The state of a counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) failures: i32,
    pub(super) blocked_until: Timestamp,
    pub(super) expires_at: Timestamp,
}

impl Count {
    pub(super) const NONE: Self =
        Self { failures: 0, blocked_until: Timestamp::from_millis(0), expires_at: Timestamp::from_millis(0) };

    pub(super) fn or_none_if_expired(self, now: Timestamp) -> Self {
        if self.expires_at <= now { Self::NONE } else { self }
    }
}

impl Rule {
    /// Returns why an attempt is refused with `count` failures before it, or `None` if it is allowed.
    fn throttled(self, count: Count, now: Timestamp) -> Option<Throttled> {
        let delayed = (count.blocked_until > now).then(|| Throttled::RetryAfter(count.blocked_until.since(now)));
        let locked = (count.failures >= LOCKOUT_THRESHOLD).then_some(Throttled::LockedOut);
        match self {
            Self::Backoff { .. } => delayed,
            Self::LockOut { .. } => locked,
            Self::BackoffAndLockOut => locked.or(delayed),
            Self::FixedWindow(rate) => (i64::from(count.failures) >= i64::from(rate.limit))
                .then(|| Throttled::RetryAfter(count.expires_at.since(now))),
        }
    }

    /// Returns the count after one more failure.
    pub(super) fn after_failure(self, count: Count, now: Timestamp) -> Count {
        let failures = count.failures.saturating_add(1);
        let free = if let Self::Backoff { free } = self { free } else { FREE_FAILURES };
        let delay =
            failures.checked_sub(free).and_then(|over| u32::try_from(over).ok()).map_or(Duration::ZERO, |over| {
                MAX_DELAY.min(Duration::from_secs(1_u64.checked_shl(over).unwrap_or(u64::MAX)))
            });
        let (blocked_until, expires_at) = match self {
            Self::Backoff { .. } => (now.plus(delay), now.plus(NETWORK_RETENTION)),
            Self::BackoffAndLockOut => (now.plus(delay), now.plus(DEVICE_RETENTION)),
            Self::LockOut { expires: false } => (now, NEVER),
            Self::LockOut { expires: true } => (now, now.plus(UNKNOWN_NAME_RETENTION)),
            Self::FixedWindow(rate) if count.failures == 0 => (now, now.plus(rate.period)),
            Self::FixedWindow(_) => (now, count.expires_at),
        };
        Count { failures, blocked_until, expires_at }
    }
}

/// Returns the count of the counter `key`, if it exists.
pub(super) fn find(key: &Key, counts: &[(Key, Count)]) -> Option<Count> {
    counts.iter().find(|(name, _)| name == key).map(|(_, count)| *count)
}

/// Returns the strictest refusal of all `budgets`, or `None` if all allow the attempt.
pub(super) fn throttled(budgets: &[Budget], counts: &[(Key, Count)], now: Timestamp) -> Option<Throttled> {
    budgets.iter().fold(None, |strictest, budget| {
        let count = find(&budget.key, counts).unwrap_or(Count::NONE).or_none_if_expired(now);
        stricter(strictest, budget.rule.throttled(count, now))
    })
}

fn stricter(one: Option<Throttled>, other: Option<Throttled>) -> Option<Throttled> {
    match (one, other) {
        (Some(Throttled::RetryAfter(one)), Some(Throttled::RetryAfter(other))) => {
            Some(Throttled::RetryAfter(one.max(other)))
        }
        (Some(Throttled::LockedOut), _) | (_, Some(Throttled::LockedOut)) => Some(Throttled::LockedOut),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    #[test]
    fn backoff_starts_after_five_failures_and_doubles_up_to_one_hour() {
        let mut count = Count::NONE;
        let mut delays = Vec::new();
        for _ in 0..20 {
            count = Rule::Backoff { free: FREE_FAILURES }.after_failure(count, NOW);
            delays.push(count.blocked_until.since(NOW).as_secs());
        }
        assert_eq!(delays, [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 3600, 3600, 3600, 3600]);
    }

    #[test]
    fn fixed_window_starts_at_first_attempt_and_ends_after_its_period() {
        let rule = Rule::FixedWindow(Rate { limit: 2, period: Duration::from_mins(1) });
        let one = rule.after_failure(Count::NONE, NOW);
        let later = NOW.plus(Duration::from_secs(59));
        let two = rule.after_failure(one, later);
        assert_eq!(rule.throttled(one, later), None);
        assert_eq!(rule.throttled(two, later), Some(Throttled::RetryAfter(Duration::from_secs(1))));
        let over = NOW.plus(Duration::from_mins(1));
        assert_eq!(rule.throttled(two.or_none_if_expired(over), over), None);
    }

    #[test]
    fn throttle_keys_of_different_part_lists_differ() {
        assert_ne!(key(&[b"ab", b"c"]), key(&[b"a", b"bc"]));
        assert_ne!(key(&[b"ab"]), key(&[b"ab", b""]));
    }
}
