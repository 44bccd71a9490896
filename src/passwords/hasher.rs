//! The hashing threads. Each has one block of memory and reuses it, so memory is bounded by threads × 19 MiB under any
//! load (except for existing hashes with larger parameters), and the request threads never hash.

use std::{
    collections::{HashMap, hash_map::Entry},
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use parking_lot::Mutex;
use rustix::process::setpriority_process;
use tracing::debug;

use super::{
    Password, PersonalTerms, Policy, Weakness,
    argon2id::{self, Engine, Verification},
};
use crate::{
    client::Network,
    config::Settings,
    worker_pool::{JobFailed, Permit, WorkerPool},
};

/// The `nice` value of the hashing threads, so that pages stay fast during a flood of sign-ins. At 10, the p99 of pages
/// was five times as high during a flood as without; at 19, a flood of page requests leaves almost no time for hashing
/// (`benches/README.md`).
const NICENESS: i32 = 15;

/// Slots beyond the queue, for networks that have no job in it.
const RESERVED_FOR_NEW_NETWORKS: usize = 16;

/// The pool of hashing threads.
pub struct Hasher {
    pool: WorkerPool<Engine>,
    computed: Arc<AtomicU64>,
    busy_nanoseconds: Arc<AtomicU64>,
    slots: Slots,
    /// The slots that every network may take; the others are for networks that have none.
    shared: usize,
}

/// How many slots each network has taken.
type Slots = Arc<Mutex<HashMap<Network, usize>>>;

/// A reserved slot in the queue, for one operation.
pub struct HashPermit {
    permit: Permit<Engine>,
    busy_nanoseconds: Arc<AtomicU64>,
    slot: NetworkSlot,
}

/// Counts a slot for its network until it is dropped.
struct NetworkSlot {
    network: Network,
    slots: Slots,
}

impl Drop for NetworkSlot {
    fn drop(&mut self) {
        if let Entry::Occupied(mut taken) = self.slots.lock().entry(self.network) {
            *taken.get_mut() -= 1;
            if *taken.get() == 0 {
                taken.remove();
            }
        }
    }
}

impl Hasher {
    /// Starts the threads. Fails if argon2id computes a wrong result on this machine.
    pub fn start(settings: &Settings) -> io::Result<Self> {
        argon2id::check()?;
        let computed = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&computed);
        let init = move || {
            // On Linux this sets the priority of the calling thread only, and needs no privilege to lower it.
            if let Err(error) = setpriority_process(None, NICENESS) {
                debug!(%error, "hashing threads run at normal priority");
            }
            Engine::new(Arc::clone(&counter))
        };
        let (threads, queue) = (settings.hash_threads(), usize::from(settings.hash_queue));
        let pool = WorkerPool::start("hash", threads, queue + RESERVED_FOR_NEW_NETWORKS, init)?;
        Ok(Self { pool, computed, busy_nanoseconds: Arc::default(), slots: Slots::default(), shared: threads + queue })
    }

    /// Returns the number of hashes computed since the start.
    #[must_use]
    pub fn computed(&self) -> u64 {
        self.computed.load(Ordering::Relaxed)
    }

    /// Returns the time that the threads have worked since the start, summed over all threads.
    #[must_use]
    pub fn busy(&self) -> Duration {
        Duration::from_nanos(self.busy_nanoseconds.load(Ordering::Relaxed))
    }

    /// Reserves a slot in the queue, or returns `None` at once if the queue is full. A network that fills the queue
    /// cannot exclude others: the last slots are reserved for networks that have none (ASVS 2.4.1).
    #[must_use]
    pub fn try_reserve(&self, network: Network) -> Option<HashPermit> {
        let mut slots = self.slots.lock();
        let taken: usize = slots.values().sum();
        if taken >= self.shared && slots.contains_key(&network) {
            return None;
        }
        let permit = self.pool.try_reserve()?;
        *slots.entry(network).or_default() += 1;
        let slot = NetworkSlot { network, slots: Arc::clone(&self.slots) };
        Some(HashPermit { permit, busy_nanoseconds: Arc::clone(&self.busy_nanoseconds), slot })
    }
}

impl HashPermit {
    async fn run<T: Send + 'static>(
        self,
        work: impl FnOnce(&mut Engine) -> T + Send + 'static,
    ) -> Result<T, JobFailed> {
        let (slot, busy) = (self.slot, self.busy_nanoseconds);
        self.permit
            .run(move |engine| {
                let _slot = slot;
                let started = Instant::now();
                let result = work(engine);
                busy.fetch_add(u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
                result
            })
            .await
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
