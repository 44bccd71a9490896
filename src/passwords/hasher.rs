//! The way to the hashing threads: a slot in a bounded queue, then one operation. The request threads never hash.

use std::{io, time::Duration};

use super::{
    Password, PersonalTerms, Policy, Weakness,
    argon2id::{self, Engine, Verification},
    slots::{Priority, Slot, Slots},
    threads::Threads,
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
}

/// A reserved slot in the queue, for one operation.
pub struct HashPermit {
    threads: Threads,
    slot: Slot,
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
        Ok(Self { threads, slots: Slots::new(settings.hash_threads() + usize::from(settings.hash_queue)) })
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
        Some(HashPermit { threads: self.threads.clone(), slot })
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

    /// Compares `password` with `stored`, a PHC string. Does the same work without a stored hash, so that the time does
    /// not show whether an account exists.
    pub async fn verify(self, password: Password, stored: Option<String>) -> Result<Verification, JobFailed> {
        self.run(move |engine| engine.verify(password.expose(), stored.as_deref())).await?.ok_or(JobFailed)
    }
}
