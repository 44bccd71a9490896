//! Threads that do blocking work for the request threads: a fixed number of them, each with something of its own (a
//! database connection, a block of memory) and a bounded queue in front. Knows nothing of what the work is.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread,
};

use crossbeam_channel::Sender;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::telemetry;

type Job<S> = Box<dyn FnOnce(&mut S) + Send>;

/// A fixed number of threads that share one bounded queue. `S` is what each thread owns.
pub struct Crew<S> {
    jobs: Sender<Job<S>>,
    places: Arc<Semaphore>,
}

/// A reserved place in the queue: work handed in with it is certain to be accepted, so that whatever has to be counted
/// or written before the work is not counted in vain.
pub struct Place<S> {
    jobs: Sender<Job<S>>,
    permit: OwnedSemaphorePermit,
}

/// The work did not come to an end; why is in the log.
#[derive(Debug, thiserror::Error)]
#[error("the work was given up by its thread")]
pub struct Lost;

impl<S: 'static> Crew<S> {
    /// Starts `threads` threads named `name`, before which at most `waiting` jobs may queue. `prepare` runs on each
    /// thread and makes what the thread owns, again after a job has panicked and may have left it half changed.
    pub fn start(
        name: &str,
        threads: usize,
        waiting: usize,
        prepare: impl Fn() -> S + Clone + Send + 'static,
    ) -> io::Result<Self> {
        let (jobs, queue) = crossbeam_channel::unbounded::<Job<S>>();
        for _ in 0..threads {
            let queue = queue.clone();
            let prepare = prepare.clone();
            thread::Builder::new().name(name.to_owned()).spawn(move || {
                let mut own = prepare();
                for job in queue {
                    if catch_unwind(AssertUnwindSafe(|| job(&mut own))).is_err() {
                        own = prepare();
                    }
                }
            })?;
        }
        Ok(Self { jobs, places: Arc::new(Semaphore::new(threads.saturating_add(waiting))) })
    }

    /// Takes a place in the queue, or `None` at once when it is full.
    #[must_use]
    pub fn place(&self) -> Option<Place<S>> {
        let permit = Arc::clone(&self.places).try_acquire_owned().ok()?;
        Some(Place { jobs: self.jobs.clone(), permit })
    }
}

impl<S: 'static> Place<S> {
    /// Runs `work` on one of the threads. Work that nobody waits for any more when its turn comes is not begun.
    pub async fn run<T: Send + 'static>(self, work: impl FnOnce(&mut S) -> T + Send + 'static) -> Result<T, Lost> {
        let (answer, answered) = oneshot::channel();
        let request = telemetry::request();
        let permit = self.permit;
        let job: Job<S> = Box::new(move |own| {
            let _permit = permit;
            if !answer.is_closed() {
                let _ = answer.send(telemetry::within(request, || work(own)));
            }
        });
        self.jobs.send(job).map_err(|_| Lost)?;
        answered.await.map_err(|_| Lost)
    }
}
