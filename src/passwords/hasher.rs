//! The way to the hashing threads: a slot in a bounded queue, then one operation. The request threads never hash.

use std::{io, time::Duration};

use super::{
    Expected, Password, PersonalTerms, Policy, Verification, Weakness,
    argon2id::{self, Engine},
    foreign::WeakDigest,
    slots::{Priority, Slot, Slots},
    threads::Threads,
    turns::Turns,
};
use crate::{
    client::Network,
    config::Settings,
    worker_pool::{JobCounts, JobFailed, job},
};

/// How long a thread keeps its memory without work.
const IDLE_TIMEOUT: Duration = Duration::from_mins(1);

/// The hashing threads and the slots in front of them.
pub struct Hasher {
    threads: Threads,
    slots: Slots,
    turns: Turns,
}

/// A reserved slot in the queue, for one operation.
pub struct HashPermit {
    threads: Threads,
    slot: Slot,
    turns: Turns,
}

impl Drop for Hasher {
    fn drop(&mut self) {
        self.threads.stop();
    }
}

impl Hasher {
    /// Starts the threads. Fails if argon2id computes a wrong result on this machine.
    pub fn start(settings: &Settings) -> io::Result<Self> {
        Self::with_idle_timeout(settings, IDLE_TIMEOUT)
    }

    /// Like [`Hasher::start`], with another time after which memory without work is released.
    pub fn with_idle_timeout(settings: &Settings, idle_timeout: Duration) -> io::Result<Self> {
        argon2id::check()?;
        let threads = Threads::start(settings.hash_threads(), idle_timeout)?;
        let slots = Slots::new(settings.hash_threads() + usize::from(settings.hash_queue));
        Ok(Self { threads, slots, turns: Turns::new() })
    }

    /// Returns the number of hashes that can be computed at the same time.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.threads.engines()
    }

    /// Returns the number of hashes computed since the start.
    #[must_use]
    pub fn computed(&self) -> u64 {
        self.threads.computed()
    }

    /// Returns the number of operations submitted since the start.
    #[must_use]
    pub fn submitted(&self) -> u64 {
        self.threads.submitted()
    }

    /// Returns the time that the threads have worked since the start, summed over all threads.
    #[must_use]
    pub fn busy(&self) -> Duration {
        self.threads.busy()
    }

    /// Returns the jobs that wait for a thread, and those that run.
    #[must_use]
    pub fn queue(&self) -> JobCounts {
        self.threads.queue()
    }

    /// Returns the number of blocks of 19 MiB that the threads have in memory.
    #[must_use]
    pub fn memory_blocks(&self) -> usize {
        self.threads.memory_blocks()
    }

    /// Reserves a slot in the queue, or returns `None` at once if there is none for this attempt. A network that fills
    /// the queue cannot exclude others: some slots are reserved for networks that have none, and some for known
    /// browsers (ASVS 2.4.1).
    #[must_use]
    pub fn try_reserve(&self, network: Network, priority: Priority) -> Option<HashPermit> {
        let slot = self.slots.try_take(network, priority)?;
        Some(HashPermit { threads: self.threads.clone(), slot, turns: self.turns.clone() })
    }
}

impl HashPermit {
    async fn run<T: Send + 'static>(
        self,
        work: impl FnOnce(&mut Engine) -> T + Send + 'static,
    ) -> Result<T, JobFailed> {
        let lane = self.slot.lane();
        let (job, result) = job(self.slot, work);
        self.threads.submit(lane, job)?;
        result.await.map_err(|_| JobFailed)
    }

    /// Checks a new password against `policy`, on a hashing thread because it takes milliseconds.
    pub async fn check_policy(
        self,
        password: Password,
        policy: Policy,
        terms: PersonalTerms,
    ) -> Result<Result<(), Weakness>, JobFailed> {
        self.run(move |_| policy.check(&password, &terms)).await
    }

    /// Hashes a new password and returns the PHC string.
    pub async fn hash(self, password: Password) -> Result<String, JobFailed> {
        self.run(move |engine| engine.hash(password.expose())).await?.ok_or(JobFailed)
    }

    /// Compares `password` with what is expected. Takes its turn if that needs much memory.
    pub async fn verify(self, password: Password, expected: Expected) -> Result<Verification, JobFailed> {
        let turn = if expected.takes_turns() { Some(self.turns.take(self.slot.lane()).await?) } else { None };
        let work = move |engine: &mut Engine| {
            let _turn = turn;
            expected.verify(engine, &password)
        };
        self.run(work).await?.ok_or(JobFailed)
    }

    /// Hashes a plain digest of another system and returns the string to store.
    pub async fn wrap(self, digest: WeakDigest) -> Result<String, JobFailed> {
        self.run(move |engine| engine.hash(digest.digest()).map(|phc| digest.wrapped(&phc))).await?.ok_or(JobFailed)
    }
}
