//! Passwords: the value a person typed, the threads that hash it, and the policy for new ones. Knows nothing of accounts.
//!
//! Hashing has threads of its own, as many as there are cores, each with one block of memory that it uses again and
//! again. So memory is threads × 19 MiB whatever the load, but for hashes that somebody else has made with more; and the request
//! threads are never busy with it.

mod argon2id;
mod policy;

use std::{
    collections::{HashMap, hash_map::Entry},
    io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use rustix::process::setpriority_process;
use secrecy::{ExposeSecret, SecretString};
use tracing::debug;
use unicode_normalization::UnicodeNormalization;

use self::argon2id::Memory;
pub use self::policy::{Context, Policy, Weakness};
use crate::{
    client::Network,
    config::Settings,
    worker_pool::{JobFailed, Permit, WorkerPool},
};

/// How far the hashing threads step back behind those that answer requests, as `nice` counts it. At 10, the slowest pages
/// waited five times as long during a flood of sign-ins as without; at 19, a flood of pages would leave next to nothing for
/// hashing (`benches/README.md`).
const NICENESS: i32 = 15;

/// Turns beyond the queue that only networks without one may take.
const NEWCOMERS: usize = 16;

/// The longest password, in characters. Enough for every manager and passphrase; bounds the work of whatever looks at it.
pub const LONGEST: usize = 256;

/// A password as a person typed it, in Unicode's form NFC: the same letters, however the keyboard composed them
/// (NIST SP 800-63B-4, 3.1.1.2). Never shown by `Debug`; wiped from memory when dropped.
#[derive(Debug, Clone)]
pub struct Password(SecretString);

impl Password {
    /// Whatever was typed, unless it is longer than [`LONGEST`].
    #[must_use]
    pub fn new(typed: &str) -> Option<Self> {
        // Composing never makes a text longer than three times its characters (UAX #15); this bounds the work before it.
        if typed.chars().take(3 * LONGEST + 1).count() > 3 * LONGEST {
            return None;
        }
        let normal: String = typed.nfc().collect();
        (normal.chars().count() <= LONGEST).then(|| Self(SecretString::from(normal)))
    }

    /// Whether nothing was typed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.expose().is_empty()
    }

    fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl PartialEq for Password {
    fn eq(&self, other: &Self) -> bool {
        use subtle::ConstantTimeEq;
        self.expose().as_bytes().ct_eq(other.expose().as_bytes()).into()
    }
}

/// What came of comparing a password with a stored hash.
#[derive(Debug)]
pub enum Verdict {
    /// It is the one. `upgrade` is a new hash when the stored one was made with less work than new ones are.
    Right {
        /// To be stored instead.
        upgrade: Option<String>,
    },
    /// It is not, or there was none to compare with.
    Wrong,
}

/// The threads that hash.
pub struct Hasher {
    crew: WorkerPool<Memory>,
    computed: Arc<AtomicU64>,
    busy: Arc<AtomicU64>,
    held: Arc<Mutex<HashMap<Network, usize>>>,
    /// Turns that anybody may have; what the queue holds beyond them is for newcomers.
    common: usize,
}

/// A reserved turn at hashing.
pub struct Turn {
    place: Permit<Memory>,
    busy: Arc<AtomicU64>,
    holder: Holder,
}

/// Counts a turn for its network until it is over.
struct Holder {
    network: Network,
    held: Arc<Mutex<HashMap<Network, usize>>>,
}

impl Drop for Holder {
    fn drop(&mut self) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Entry::Occupied(mut turns) = held.entry(self.network) {
            *turns.get_mut() -= 1;
            if *turns.get() == 0 {
                turns.remove();
            }
        }
    }
}

impl Hasher {
    /// Starts the threads.
    pub fn start(settings: &Settings) -> io::Result<Self> {
        argon2id::check()?;
        let computed = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&computed);
        let prepare = move || {
            // On Linux this is the calling thread's own priority, and a process may always lower it.
            if let Err(error) = setpriority_process(None, NICENESS) {
                debug!(%error, "hashing threads run at normal priority");
            }
            Memory::new(Arc::clone(&counter))
        };
        let (threads, queue) = (settings.hash_threads(), usize::from(settings.hash_queue));
        let crew = WorkerPool::start("hash", threads, queue + NEWCOMERS, prepare)?;
        Ok(Self { crew, computed, busy: Arc::default(), held: Arc::default(), common: threads + queue })
    }

    /// How many hashes were computed since the start: what the limits exist to bound.
    #[must_use]
    pub fn computed(&self) -> u64 {
        self.computed.load(Ordering::Relaxed)
    }

    /// How long the threads were at work since the start, all together.
    #[must_use]
    pub fn busy(&self) -> Duration {
        Duration::from_nanos(self.busy.load(Ordering::Relaxed))
    }

    /// Takes a turn, or `None` at once when the queue is full. A network that fills the queue by itself does not keep
    /// others out: the last few turns are for networks that have none (ASVS 2.4.1).
    #[must_use]
    pub fn turn(&self, network: Network) -> Option<Turn> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let all: usize = held.values().sum();
        if all >= self.common && held.contains_key(&network) {
            return None;
        }
        let place = self.crew.try_reserve()?;
        *held.entry(network).or_default() += 1;
        let holder = Holder { network, held: Arc::clone(&self.held) };
        Some(Turn { place, busy: Arc::clone(&self.busy), holder })
    }
}

impl Turn {
    async fn run<T: Send + 'static>(
        self,
        work: impl FnOnce(&mut Memory) -> T + Send + 'static,
    ) -> Result<T, JobFailed> {
        let (holder, busy) = (self.holder, self.busy);
        self.place
            .run(move |memory| {
                let _holder = holder;
                let began = Instant::now();
                let done = work(memory);
                busy.fetch_add(u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
                done
            })
            .await
    }

    /// Looks whether a new password may be used.
    pub async fn judge(
        self,
        password: Password,
        policy: Policy,
        context: Context,
    ) -> Result<Result<(), Weakness>, JobFailed> {
        self.run(move |_| policy.judge(&password, &context)).await
    }

    /// Hashes a new password, in PHC form.
    pub async fn hash(self, password: Password) -> Result<String, JobFailed> {
        self.run(move |memory| memory.hash(password.expose())).await?.ok_or(JobFailed)
    }

    /// Compares `password` with `stored`, a hash in PHC form. With `None` the same work is done for nothing, so that the
    /// time does not tell whether there is such an account.
    pub async fn verify(self, password: Password, stored: Option<String>) -> Result<Verdict, JobFailed> {
        self.run(move |memory| memory.verify(password.expose(), stored.as_deref())).await?.ok_or(JobFailed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_is_the_same_however_the_keyboard_composed_it() {
        assert_eq!(Password::new("caf\u{e9}").unwrap(), Password::new("cafe\u{301}").unwrap());
        assert_ne!(Password::new("\u{fb00}").unwrap(), Password::new("ff").unwrap());
    }

    #[test]
    fn length_is_counted_in_characters_and_not_in_bytes() {
        assert!(Password::new(&"🦀".repeat(LONGEST)).is_some());
        assert!(Password::new(&"a".repeat(LONGEST + 1)).is_none());
        assert!(Password::new(&"e\u{301}".repeat(LONGEST)).is_some());
        assert!(Password::new(&"a".repeat(1 << 20)).is_none());
    }

    #[test]
    fn debug_does_not_show_a_password() {
        let shown = format!("{:?}", Password::new("hunter2 hunter2 hunter2").unwrap());
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
