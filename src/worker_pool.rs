//! Threads for blocking work, so that the request threads never block: a fixed number, a bounded queue in front of
//! them, and state that each thread owns (a database connection).

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread,
    time::Duration,
};

use crossbeam_channel::{RecvError, RecvTimeoutError, Sender};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::request_id;

/// Work for a thread that has an `S`.
pub(crate) type Job<S> = Box<dyn FnOnce(&mut S) + Send>;

/// A fixed number of threads that share one bounded queue. Each thread owns an `S`.
pub(crate) struct WorkerPool<S> {
    jobs: Sender<Job<S>>,
    permits: Arc<Semaphore>,
    threads: usize,
    max_jobs: usize,
}

/// The jobs of a pool of threads at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobCounts {
    /// Jobs that no thread has taken yet.
    pub waiting: usize,
    /// Jobs that a thread has taken.
    pub running: usize,
}

/// A reserved slot in the queue. A job that is submitted with it cannot be refused, so the caller may count or write
/// something before the job.
pub(crate) struct Permit<S> {
    jobs: Sender<Job<S>>,
    permit: OwnedSemaphorePermit,
}

/// The job panicked, so there is no result. The log holds the panic.
#[derive(Debug, thiserror::Error)]
#[error("the worker thread did not finish the job")]
pub struct JobFailed;

impl<S: 'static> WorkerPool<S> {
    /// Starts `threads` threads named `name`. At most `max_queued` jobs may wait for them. Each thread makes its state
    /// with `init`, and makes it anew after a job has panicked and may have left it in an invalid state. A thread that
    /// had no job for `idle.0` calls `idle.1` once, to release what it does not need to keep.
    pub(crate) fn start(
        name: &str,
        threads: usize,
        max_queued: usize,
        init: impl Fn() -> S + Clone + Send + 'static,
        idle: (Duration, fn(&mut S)),
    ) -> io::Result<Self> {
        // Unbounded, because the semaphore is the bound.
        let (jobs, queue) = crossbeam_channel::unbounded::<Job<S>>();
        for _ in 0..threads {
            let queue = queue.clone();
            let init = init.clone();
            thread::Builder::new().name(name.to_owned()).spawn(move || {
                let mut state = init();
                let (idle_timeout, on_idle) = idle;
                while let Ok(job) = queue.recv_timeout(idle_timeout).or_else(|error| match error {
                    RecvTimeoutError::Timeout => {
                        on_idle(&mut state);
                        queue.recv()
                    }
                    RecvTimeoutError::Disconnected => Err(RecvError),
                }) {
                    if catch_unwind(AssertUnwindSafe(|| job(&mut state))).is_err() {
                        state = init();
                    }
                }
            })?;
        }
        let max_jobs = threads.saturating_add(max_queued);
        Ok(Self { jobs, permits: Arc::new(Semaphore::new(max_jobs)), threads, max_jobs })
    }

    /// Returns the number of threads.
    #[must_use]
    pub(crate) fn threads(&self) -> usize {
        self.threads
    }

    /// Returns the jobs that wait for a thread, and those that run. The two are read one after the other, so a job that
    /// begins or ends at the same moment may be missing.
    #[must_use]
    pub(crate) fn queue(&self) -> JobCounts {
        let unfinished = self.max_jobs - self.permits.available_permits();
        let waiting = self.jobs.len().min(unfinished);
        JobCounts { waiting, running: unfinished - waiting }
    }

    /// Reserves a slot in the queue. Returns `None` at once if the queue is full.
    #[must_use]
    pub(crate) fn try_reserve(&self) -> Option<Permit<S>> {
        let permit = Arc::clone(&self.permits).try_acquire_owned().ok()?;
        Some(Permit { jobs: self.jobs.clone(), permit })
    }
}

impl<S: 'static> Permit<S> {
    /// Runs `work` on one of the threads and returns its result. If the caller drops the future before a thread has
    /// taken the job, `work` is not called; after that it runs to its end.
    pub(crate) async fn run<T: Send + 'static>(
        self,
        work: impl FnOnce(&mut S) -> T + Send + 'static,
    ) -> Result<T, JobFailed> {
        let (job, result) = job(self.permit, work);
        self.jobs.send(job).map_err(|_| JobFailed)?;
        result.await.map_err(|_| JobFailed)
    }
}

/// Returns `work` as a job, and a receiver of its result. The job keeps `permit` until its end, logs with the id of the
/// current request, and does nothing if the receiver has been dropped before.
pub(crate) fn job<S: 'static, T: Send + 'static>(
    permit: impl Send + 'static,
    work: impl FnOnce(&mut S) -> T + Send + 'static,
) -> (Job<S>, oneshot::Receiver<T>) {
    let (sender, receiver) = oneshot::channel();
    let request = request_id::current();
    let job = move |state: &mut S| {
        let _permit = permit;
        if !sender.is_closed() {
            let _ = sender.send(request_id::sync_scope(request, || work(state)));
        }
    };
    (Box::new(job), receiver)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    #[tokio::test]
    async fn idle_thread_is_told_once_and_again_after_its_next_job() {
        static TOLD: AtomicU32 = AtomicU32::new(0);
        let (sender, idle) = std::sync::mpsc::channel();
        let init = move || sender.clone();
        let on_idle = |sender: &mut std::sync::mpsc::Sender<u32>| {
            sender.send(TOLD.fetch_add(1, Ordering::SeqCst) + 1).unwrap();
        };
        let pool = WorkerPool::start("test", 1, 1, init, (Duration::from_millis(1), on_idle)).unwrap();
        assert_eq!(idle.recv(), Ok(1));
        pool.try_reserve().unwrap().run(|_| ()).await.unwrap();
        assert_eq!(idle.recv(), Ok(2));
        drop(pool);
        assert!(idle.recv().is_err(), "the thread waits for a job and ends with the pool");
    }
}
