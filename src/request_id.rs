//! The id of the current request, which each of its log lines and its error page show.
//!
//! The id is kept in a task-local and not in a `tracing` span. A span formats its fields for every request, although
//! most requests write no log line; it took an eighth of the time of a page.

use std::{
    fmt,
    sync::{
        LazyLock,
        atomic::{AtomicU64, Ordering},
    },
};

use crate::random;

/// The step from one id to the next: 2⁶⁴ divided by the golden ratio, so that ids which follow each other differ in
/// most digits, and none comes again (Knuth, The Art of Computer Programming, 6.4).
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

tokio::task_local! {
    static CURRENT: RequestId;
}

/// A 64-bit number that names one request, written as 16 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct RequestId(u64);

impl RequestId {
    /// Returns a new id: the next one in steps from a random number. It is no secret, and a random number for each
    /// request took a fortieth of its time.
    #[must_use]
    pub(crate) fn new() -> Self {
        static NEXT: LazyLock<AtomicU64> = LazyLock::new(|| AtomicU64::new(u64::from_ne_bytes(random::bytes())));
        Self(NEXT.fetch_add(STEP, Ordering::Relaxed))
    }
}

impl Default for RequestId {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Returns the id of the request that this task or thread is working for, if there is one.
#[must_use]
pub(crate) fn current() -> Option<RequestId> {
    CURRENT.try_with(|id| *id).ok()
}

/// Runs `future` with `id` as the current request.
pub(crate) fn scope<F: Future>(id: RequestId, future: F) -> impl Future<Output = F::Output> {
    CURRENT.scope(id, future)
}

/// Calls `work` with `id` as the current request. With `None` the current request stays as it is.
pub(crate) fn sync_scope<T>(id: Option<RequestId>, work: impl FnOnce() -> T) -> T {
    match id {
        Some(id) => CURRENT.sync_scope(id, work),
        None => work(),
    }
}
