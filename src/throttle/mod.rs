//! Budgets for attempts: how often a password may be tried, and how often an account may be made. Counted in the
//! database, so that a restart or a second process changes nothing, and counted *before* the work, so that parallel
//! attempts cannot outrun the count. Knows neither passwords nor pages.
//!
//! The rules, so that nobody can lock somebody else out:
//! - each account and client network: after 5 consecutive failures the next try waits 1 s, then 2 s, 4 s … up to 1 h;
//! - each account over everything: at 100 consecutive failures the password path closes for strangers, until an
//!   administrator opens it (NIST SP 800-63B-4, 3.2.2 wants at most 100, and a growing wait of up to an hour is its own
//!   proposal);
//! - a browser that has signed in to the account before has a budget of its own, of the same two rules, and is touched
//!   by neither of the others: an attacker elsewhere cannot shut the owner out;
//! - each client network over all names: a number an hour, against one password tried on many names.

mod store;

use std::time::Duration;

use aws_lc_rs::digest::{Context, SHA256};
use diesel::QueryResult;
use uuid::Uuid;

use crate::{
    client::Network,
    clock::Timestamp,
    config::{Rate, Settings},
    db::AnyConnection,
};

/// Failures that cost nothing: people mistype.
const FREE: i32 = 5;
/// Consecutive failures at which the password path closes.
const CLOSED: i32 = 100;
/// The longest wait.
const LONGEST: Duration = Duration::from_hours(1);
/// How long the failures of one network against one account are remembered after the last.
const NETWORK_MEMORY: Duration = Duration::from_hours(24);
/// How long the failures of an account are remembered after the last: for good, as NIST counts them. Names that do not
/// exist are forgotten after this long, so that the table stays bounded; nobody waits for that to tell them apart.
const UNKNOWN_MEMORY: Duration = Duration::from_hours(2160);
/// How long the failures of a known browser are remembered after the last: as long as its cookie is good.
const DEVICE_MEMORY: Duration = Duration::from_hours(365 * 24);
const FOR_GOOD: Timestamp = Timestamp::from_millis(i64::MAX);

/// Whose password is being tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// An account, however its name was spelled.
    Account(Uuid),
    /// A name that does not exist, as a keyed hash; counted exactly like one that does.
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

/// One attempt, before it is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    /// Whose password.
    pub subject: Subject,
    /// From where.
    pub network: Network,
    /// The browser, if it has signed in to this very account before.
    pub device: Option<[u8; 16]>,
}

/// Why an attempt may not be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Not before so long.
    Wait(Duration),
    /// Not until somebody opens the account again.
    Closed,
}

/// The name of one row of counters.
type Key = [u8; 32];

fn key(parts: &[&[u8]]) -> Key {
    let mut context = Context::new(&SHA256);
    for part in parts {
        // With its length, so that no two lists of parts are the same bytes.
        context.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        context.update(part);
    }
    let mut key = Key::default();
    key.copy_from_slice(context.finish().as_ref());
    key
}

/// How a budget grows and when it refuses.
#[derive(Debug, Clone, Copy)]
enum Rule {
    /// Consecutive failures make the next try wait longer and longer.
    Wait,
    /// Consecutive failures close the path.
    Close { forget: bool },
    /// Both.
    WaitAndClose,
    /// So many in a time that begins with the first.
    Window(Rate),
}

#[derive(Debug, Clone, Copy)]
struct Budget {
    key: Key,
    rule: Rule,
}

/// What is counted for a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Count {
    failures: i32,
    blocked_until: Timestamp,
    expires_at: Timestamp,
}

impl Count {
    const NONE: Self =
        Self { failures: 0, blocked_until: Timestamp::from_millis(0), expires_at: Timestamp::from_millis(0) };

    fn or_forgotten(self, now: Timestamp) -> Self {
        if self.expires_at <= now { Self::NONE } else { self }
    }
}

impl Rule {
    fn refusal(self, count: Count, now: Timestamp) -> Option<Refusal> {
        let waits = (count.blocked_until > now).then(|| Refusal::Wait(count.blocked_until.since(now)));
        let closed = (count.failures >= CLOSED).then_some(Refusal::Closed);
        match self {
            Self::Wait => waits,
            Self::Close { .. } => closed,
            Self::WaitAndClose => closed.or(waits),
            Self::Window(rate) => {
                (i64::from(count.failures) >= i64::from(rate.limit)).then(|| Refusal::Wait(count.expires_at.since(now)))
            }
        }
    }

    /// The count after one more failure.
    fn after_failure(self, count: Count, now: Timestamp) -> Count {
        let failures = count.failures.saturating_add(1);
        let wait =
            failures.checked_sub(FREE).and_then(|over| u32::try_from(over).ok()).map_or(Duration::ZERO, |over| {
                LONGEST.min(Duration::from_secs(1_u64.checked_shl(over).unwrap_or(u64::MAX)))
            });
        let (blocked_until, expires_at) = match self {
            Self::Wait => (now.plus(wait), now.plus(NETWORK_MEMORY)),
            Self::WaitAndClose => (now.plus(wait), now.plus(DEVICE_MEMORY)),
            Self::Close { forget: false } => (now, FOR_GOOD),
            Self::Close { forget: true } => (now, now.plus(UNKNOWN_MEMORY)),
            Self::Window(rate) if count.failures == 0 => (now, now.plus(rate.period)),
            Self::Window(_) => (now, count.expires_at),
        };
        Count { failures, blocked_until, expires_at }
    }
}

/// The limits of this server.
#[derive(Debug, Clone, Copy)]
pub struct Throttle {
    failures: Rate,
    registrations: Rate,
}

impl Throttle {
    /// With the rates of `settings`.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        Self { failures: settings.failure_rate, registrations: settings.registration_rate }
    }

    fn budgets(&self, attempt: &Attempt) -> Vec<Budget> {
        let subject = attempt.subject.bytes();
        if let Some(device) = &attempt.device {
            return vec![Budget { key: key(&[b"device", &subject, device]), rule: Rule::WaitAndClose }];
        }
        let network = attempt.network.bytes();
        let mut budgets = vec![
            overall(&attempt.subject),
            Budget { key: key(&[b"account and network", &subject, &network]), rule: Rule::Wait },
        ];
        budgets.extend(window(b"failures", attempt.network, self.failures));
        budgets
    }

    /// Whether `attempt` may be made now. A look only, for refusing cheaply; what counts is [`Throttle::count`].
    pub fn look(&self, conn: &mut AnyConnection, attempt: &Attempt, now: Timestamp) -> QueryResult<Option<Refusal>> {
        look(conn, &self.budgets(attempt), now)
    }

    /// Counts `attempt` as failed, before it is made; or refuses it and counts nothing.
    pub fn count(
        &self,
        conn: &mut AnyConnection,
        attempt: &Attempt,
        now: Timestamp,
    ) -> QueryResult<Result<(), Refusal>> {
        count(conn, &self.budgets(attempt), now)
    }

    /// The attempt succeeded: what was counted for it is taken back, and the account's consecutive failures begin anew.
    pub fn succeed(&self, conn: &mut AnyConnection, attempt: &Attempt, now: Timestamp) -> QueryResult<()> {
        let mut budgets = self.budgets(attempt);
        if attempt.device.is_some() {
            // A known browser's success ends the row of failures too.
            budgets.push(overall(&attempt.subject));
        }
        // All at once, as `count` does: two transactions that lock the same rows in the same order never wait for each other.
        let known = store::lock(conn, &keys(&budgets))?;
        let mut over = Vec::new();
        for budget in &budgets {
            match budget.rule {
                Rule::Window(_) => store::take_back(conn, &budget.key)?,
                // But it does not open a path that has closed.
                Rule::Close { .. } if attempt.device.is_some() && refusal(&[*budget], &known, now).is_some() => {}
                Rule::Wait | Rule::Close { .. } | Rule::WaitAndClose => over.push(budget.key),
            }
        }
        store::remove(conn, &over)
    }

    /// Opens the password path of an account that had closed.
    pub fn open(&self, conn: &mut AnyConnection, account: Uuid) -> QueryResult<()> {
        store::remove(conn, &[overall(&Subject::Account(account)).key])
    }

    /// Counts a new account from `network`, before it is made.
    pub fn count_registration(
        &self,
        conn: &mut AnyConnection,
        network: Network,
        now: Timestamp,
    ) -> QueryResult<Result<(), Refusal>> {
        let budgets: Vec<_> = window(b"registrations", network, self.registrations).collect();
        count(conn, &budgets, now)
    }

    /// Takes back what [`Throttle::count_registration`] counted, when no account was made.
    pub fn take_back_registration(&self, conn: &mut AnyConnection, network: Network) -> QueryResult<()> {
        window(b"registrations", network, self.registrations).try_for_each(|budget| store::take_back(conn, &budget.key))
    }

    /// Whether `network` may still ask which names and addresses are taken. Open registration has to tell; this bounds how
    /// many a stranger can find out.
    pub fn look_disclosure(
        &self,
        conn: &mut AnyConnection,
        network: Network,
        now: Timestamp,
    ) -> QueryResult<Option<Refusal>> {
        look(conn, &self.disclosures(network), now)
    }

    /// Counts that `network` was told of a name or an address that is taken.
    pub fn count_disclosure(
        &self,
        conn: &mut AnyConnection,
        network: Network,
        now: Timestamp,
    ) -> QueryResult<Result<(), Refusal>> {
        count(conn, &self.disclosures(network), now)
    }

    fn disclosures(&self, network: Network) -> Vec<Budget> {
        window(b"disclosures", network, self.failures).collect()
    }

    /// Removes a batch of counters that no longer mean anything; tells how many.
    pub fn forget(&self, conn: &mut AnyConnection, now: Timestamp) -> QueryResult<usize> {
        store::remove_expired(conn, now)
    }
}

fn overall(subject: &Subject) -> Budget {
    Budget {
        key: key(&[b"account", &subject.bytes()]),
        rule: Rule::Close { forget: matches!(subject, Subject::Unknown(_)) },
    }
}

fn window(label: &[u8], network: Network, rate: Rate) -> impl Iterator<Item = Budget> {
    (rate.limit > 0).then(|| Budget { key: key(&[label, &network.bytes()]), rule: Rule::Window(rate) }).into_iter()
}

fn look(conn: &mut AnyConnection, budgets: &[Budget], now: Timestamp) -> QueryResult<Option<Refusal>> {
    let known = store::load(conn, &keys(budgets))?;
    Ok(refusal(budgets, &known, now))
}

fn count(conn: &mut AnyConnection, budgets: &[Budget], now: Timestamp) -> QueryResult<Result<(), Refusal>> {
    let known = store::lock(conn, &keys(budgets))?;
    if let Some(refusal) = refusal(budgets, &known, now) {
        return Ok(Err(refusal));
    }
    for budget in budgets {
        match of(budget, &known) {
            Some(count) => {
                store::save(conn, &budget.key, budget.rule.after_failure(count.or_forgotten(now), now))?;
            }
            None => store::insert(conn, &budget.key, budget.rule.after_failure(Count::NONE, now))?,
        }
    }
    Ok(Ok(()))
}

fn keys(budgets: &[Budget]) -> Vec<Key> {
    budgets.iter().map(|budget| budget.key).collect()
}

fn of(budget: &Budget, known: &[(Key, Count)]) -> Option<Count> {
    known.iter().find(|(key, _)| *key == budget.key).map(|(_, count)| *count)
}

/// The worst of what the budgets refuse.
fn refusal(budgets: &[Budget], known: &[(Key, Count)], now: Timestamp) -> Option<Refusal> {
    budgets.iter().fold(None, |worst, budget| {
        let count = of(budget, known).unwrap_or(Count::NONE).or_forgotten(now);
        worse(worst, budget.rule.refusal(count, now))
    })
}

fn worse(one: Option<Refusal>, other: Option<Refusal>) -> Option<Refusal> {
    match (one, other) {
        (Some(Refusal::Wait(one)), Some(Refusal::Wait(other))) => Some(Refusal::Wait(one.max(other))),
        (Some(Refusal::Closed), _) | (_, Some(Refusal::Closed)) => Some(Refusal::Closed),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    #[test]
    fn five_failures_are_free_and_then_the_wait_doubles_up_to_an_hour() {
        let mut count = Count::NONE;
        let mut waits = Vec::new();
        for _ in 0..20 {
            count = Rule::Wait.after_failure(count, NOW);
            waits.push(count.blocked_until.since(NOW).as_secs());
        }
        assert_eq!(waits, [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 3600, 3600, 3600, 3600]);
    }

    #[test]
    fn a_window_begins_with_its_first_attempt_and_ends_when_its_time_is_over() {
        let rate = Rate { limit: 2, period: Duration::from_mins(1) };
        let rule = Rule::Window(rate);
        let one = rule.after_failure(Count::NONE, NOW);
        let later = NOW.plus(Duration::from_secs(59));
        let two = rule.after_failure(one, later);
        assert_eq!(rule.refusal(one, later), None);
        assert_eq!(rule.refusal(two, later), Some(Refusal::Wait(Duration::from_secs(1))));
        let over = NOW.plus(Duration::from_mins(1));
        assert_eq!(rule.refusal(two.or_forgotten(over), over), None);
    }

    #[test]
    fn no_two_lists_of_parts_make_the_same_key() {
        assert_ne!(key(&[b"ab", b"c"]), key(&[b"a", b"bc"]));
        assert_ne!(key(&[b"ab"]), key(&[b"ab", b""]));
    }
}
