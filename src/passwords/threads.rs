//! The hashing threads. Memory is bounded by threads × 19 MiB under any load (except for existing hashes with larger
//! parameters): a job needs one of a fixed number of engines, each of which reuses one block of memory. A block that
//! was not used for a while is released.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use parking_lot::{Condvar, Mutex, MutexGuard};
use rustix::process::setpriority_process;
use tracing::debug;

use super::{
    argon2id::Engine,
    cpu_share::{CpuShare, ThreadPriority, process_cpu_time, thread_cpu_time},
    job_queue::{JobQueue, Lane},
};
use crate::worker_pool::{Job, JobCounts, JobFailed};

/// The `nice` value of threads at low priority: the highest.
const LOW_PRIORITY: i32 = 19;

/// Handle to the threads. Clones share them.
#[derive(Clone)]
pub(super) struct Threads(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    normal: Condvar,
    low: Condvar,
    idle_timeout: Duration,
    engines: usize,
    /// How long the process has computed since its start.
    process_cpu: fn() -> Duration,
    computed: Arc<AtomicU64>,
    busy_nanoseconds: AtomicU64,
    submitted: AtomicU64,
}

struct State {
    jobs: JobQueue<Job<Engine>>,
    /// The engines that no job uses, with the time of their last use. The last one was used last.
    idle: Vec<(Engine, Instant)>,
    share: CpuShare,
    stopped: bool,
}

impl Threads {
    /// Starts threads of both priorities; at most `jobs` of them compute at a time, with one engine each. An engine
    /// that was idle for `idle_timeout` releases its memory.
    pub(super) fn start(jobs: usize, idle_timeout: Duration) -> io::Result<Self> {
        Self::start_with_clock(jobs, idle_timeout, process_cpu_time)
    }

    fn start_with_clock(jobs: usize, idle_timeout: Duration, process_cpu: fn() -> Duration) -> io::Result<Self> {
        let computed = Arc::new(AtomicU64::new(0));
        let idle = (0..jobs).map(|_| (Engine::new(Arc::clone(&computed)), Instant::now())).collect();
        let state = State { jobs: JobQueue::new(), idle, share: CpuShare::default(), stopped: false };
        let threads = Self(Arc::new(Shared {
            state: Mutex::new(state),
            normal: Condvar::new(),
            low: Condvar::new(),
            idle_timeout,
            engines: jobs,
            process_cpu,
            computed,
            busy_nanoseconds: AtomicU64::new(0),
            submitted: AtomicU64::new(0),
        }));
        for (priority, name) in [(ThreadPriority::Normal, "hash"), (ThreadPriority::Low, "hash-low")] {
            for _ in 0..jobs {
                let shared = Arc::clone(&threads.0);
                let started = thread::Builder::new().name(name.to_owned()).spawn(move || shared.run(priority));
                if let Err(error) = started {
                    threads.stop();
                    return Err(error);
                }
            }
        }
        Ok(threads)
    }

    /// Queues a job. The queue has no bound: a job keeps a slot, and the slots are bounded.
    pub(super) fn submit(&self, lane: Lane, job: Job<Engine>) -> Result<(), JobFailed> {
        let mut state = self.0.state.lock();
        if state.stopped {
            return Err(JobFailed);
        }
        self.0.submitted.fetch_add(1, Ordering::Relaxed);
        state.jobs.push(lane, job);
        self.0.wake_for_next_job(&state);
        Ok(())
    }

    /// Lets the threads end after the jobs that are in the queue.
    pub(super) fn stop(&self) {
        self.0.state.lock().stopped = true;
        self.0.normal.notify_all();
        self.0.low.notify_all();
    }

    /// Returns the number of jobs that run at once, at most.
    pub(super) fn engines(&self) -> usize {
        self.0.engines
    }

    /// Returns the number of hashes computed since the start.
    pub(super) fn computed(&self) -> u64 {
        self.0.computed.load(Ordering::Relaxed)
    }

    /// Returns the number of jobs submitted since the start.
    pub(super) fn submitted(&self) -> u64 {
        self.0.submitted.load(Ordering::Relaxed)
    }

    /// Returns the time that the threads have worked since the start, summed over all threads.
    pub(super) fn busy(&self) -> Duration {
        Duration::from_nanos(self.0.busy_nanoseconds.load(Ordering::Relaxed))
    }

    /// Returns the jobs that wait for a thread, and those that run.
    pub(super) fn queue(&self) -> JobCounts {
        let state = self.0.state.lock();
        // An engine that is not idle may also be about to release its memory, which takes microseconds.
        JobCounts { waiting: state.jobs.len(), running: self.0.engines - state.idle.len() }
    }

    /// Returns the number of blocks of memory in use or kept for the next job.
    pub(super) fn memory_blocks(&self) -> usize {
        let state = self.0.state.lock();
        self.0.engines - state.idle.iter().filter(|(engine, _)| !engine.has_memory()).count()
    }
}

impl State {
    /// Takes the next job and an engine, if there are both and threads of this priority have their turn. The engine
    /// used last is taken first, so that the others become idle.
    fn next_job(&mut self, priority: ThreadPriority) -> Option<(Job<Engine>, Engine)> {
        if self.idle.is_empty() || (self.share.next() != priority && !self.stopped) {
            return None;
        }
        let job = self.jobs.pop()?;
        let (engine, _) = self.idle.pop()?;
        Some((job, engine))
    }

    /// Returns when the memory of an idle engine is to be released, if one has memory.
    fn next_release(&self, idle_timeout: Duration) -> Option<Instant> {
        self.idle.iter().filter(|(engine, _)| engine.has_memory()).map(|(_, used)| *used + idle_timeout).min()
    }

    /// Takes an engine whose memory is to be released now.
    fn take_expired(&mut self, idle_timeout: Duration) -> Option<Engine> {
        let now = Instant::now();
        let expired = |(engine, used): &(Engine, Instant)| engine.has_memory() && *used + idle_timeout <= now;
        let position = self.idle.iter().position(expired)?;
        Some(self.idle.remove(position).0)
    }
}

impl Shared {
    fn condvar(&self, priority: ThreadPriority) -> &Condvar {
        match priority {
            ThreadPriority::Normal => &self.normal,
            ThreadPriority::Low => &self.low,
        }
    }

    /// Wakes a thread for the next job, if there is one and an engine for it. The thread may be of another priority
    /// than the caller, so a thread also calls this before it waits and after it took a job.
    fn wake_for_next_job(&self, state: &State) {
        if !state.jobs.is_empty() && !state.idle.is_empty() {
            self.condvar(state.share.next()).notify_one();
        }
    }

    fn run(&self, priority: ThreadPriority) {
        if priority == ThreadPriority::Low {
            // On Linux this sets the priority of the calling thread only, and needs no privilege to lower it.
            if let Err(error) = setpriority_process(None, LOW_PRIORITY) {
                debug!(%error, "all hashing threads run at normal priority");
            }
        }
        let mut state = self.state.lock();
        loop {
            let all_idle = state.idle.len() == self.engines;
            if let Some((job, engine)) = state.next_job(priority) {
                if all_idle {
                    state.share.begin((self.process_cpu)());
                }
                self.wake_for_next_job(&state);
                let (engine, elapsed, cpu) = MutexGuard::unlocked(&mut state, || self.compute(job, engine));
                state.idle.push((engine, Instant::now()));
                state.share.record(elapsed, cpu, (self.process_cpu)());
            } else if let Some(mut engine) = state.take_expired(self.idle_timeout) {
                MutexGuard::unlocked(&mut state, || engine.release_memory());
                state.idle.insert(0, (engine, Instant::now()));
            } else if state.stopped {
                // Jobs that are left wait for an engine; the thread that uses it takes them.
                return;
            } else {
                self.wake_for_next_job(&state);
                // The thread that used an engine last waits here after it, so each deadline has a thread.
                match state.next_release(self.idle_timeout) {
                    Some(deadline) => {
                        let _ = self.condvar(priority).wait_until(&mut state, deadline);
                    }
                    None => self.condvar(priority).wait(&mut state),
                }
            }
        }
    }

    /// Runs a job. Returns its engine, or a new one if the job panicked, and the time it took and computed.
    fn compute(&self, job: Job<Engine>, mut engine: Engine) -> (Engine, Duration, Duration) {
        let (started, cpu_before) = (Instant::now(), thread_cpu_time());
        if catch_unwind(AssertUnwindSafe(|| job(&mut engine))).is_err() {
            engine = Engine::new(Arc::clone(&self.computed));
        }
        let (elapsed, cpu) = (started.elapsed(), thread_cpu_time().saturating_sub(cpu_before));
        self.busy_nanoseconds.fetch_add(u64::try_from(elapsed.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        (engine, elapsed, cpu)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Runs `work` on a hashing thread and returns the name of the thread.
    fn run(threads: &Threads, work: impl FnOnce() + Send + 'static) -> String {
        let (sender, receiver) = mpsc::channel();
        let job = move |_: &mut Engine| {
            work();
            sender.send(thread::current().name().unwrap().to_owned()).unwrap();
        };
        threads.submit(Lane::Unknown, Box::new(job)).unwrap();
        receiver.recv().unwrap()
    }

    /// What the other threads of the process have computed, in nanoseconds. A clock of its own, because other tests run
    /// at the same time.
    static OTHERS: AtomicU64 = AtomicU64::new(0);

    /// Runs a job that waits while other threads compute for a second.
    fn run_without_cpu(threads: &Threads) -> String {
        run(threads, || {
            let started = Instant::now();
            while started.elapsed() < Duration::from_micros(100) {
                thread::park_timeout(Duration::from_micros(100));
            }
            OTHERS.fetch_add(1_000_000_000, Ordering::Relaxed);
        })
    }

    fn compute_for_one_millisecond() {
        let started = thread_cpu_time();
        while thread_cpu_time().saturating_sub(started) < Duration::from_millis(1) {}
    }

    #[test]
    fn jobs_move_to_threads_of_normal_priority_while_other_threads_compute_and_back() {
        let process_cpu = || Duration::from_nanos(OTHERS.load(Ordering::Relaxed));
        let threads = Threads::start_with_clock(1, Duration::from_hours(1), process_cpu).unwrap();
        assert_eq!(run(&threads, || ()), "hash-low");
        assert!((0..10_000).any(|_| run_without_cpu(&threads) == "hash"), "no job ran at normal priority");
        assert!(
            (0..10_000).any(|_| run(&threads, compute_for_one_millisecond) == "hash-low"),
            "none ran at low priority"
        );
        threads.stop();
    }

    #[test]
    fn number_of_parallel_jobs_is_bounded_although_there_are_threads_of_two_kinds() {
        let threads = Threads::start(2, Duration::from_hours(1)).unwrap();
        let (started, has_started) = mpsc::channel();
        let release: Vec<_> = (0..4)
            .map(|_| {
                let (started, (release, released)) = (started.clone(), mpsc::channel::<()>());
                let job = move |_: &mut Engine| {
                    started.send(()).unwrap();
                    let _ = released.recv();
                };
                threads.submit(Lane::Unknown, Box::new(job)).unwrap();
                release
            })
            .collect();
        has_started.recv().unwrap();
        has_started.recv().unwrap();
        assert_eq!(threads.0.state.lock().idle.len(), 0, "two jobs use both engines");
        assert!(has_started.try_recv().is_err());
        drop(release);
        has_started.recv().unwrap();
        has_started.recv().unwrap();
        threads.stop();
    }

    #[test]
    fn panicking_job_leaves_its_thread_and_an_engine_for_the_next_one() {
        let threads = Threads::start(1, Duration::from_hours(1)).unwrap();
        threads.submit(Lane::Unknown, Box::new(|_: &mut Engine| panic!("a job panics"))).unwrap();
        run(&threads, || ());
        threads.stop();
        assert!(threads.submit(Lane::Unknown, Box::new(|_: &mut Engine| ())).is_err(), "stopped threads take no job");
    }
}
