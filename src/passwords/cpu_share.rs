//! Which hashing threads take the next job: those at low priority, unless hashing gets less than its share of the CPU.
//!
//! A hash computes for milliseconds and a page for microseconds, so a page that arrives during a hash has to preempt
//! it. Threads at low priority leave a core to pages at once, but a flood of page requests leaves them a twentieth to a
//! tenth of the sign-ins. Threads at normal priority keep half of the sign-ins, but whenever somebody signs in, the p99
//! of pages is five to twenty times as high. A process without privileges cannot raise the priority of a thread again,
//! so there are threads of both kinds and a rule between them (figures: `benches/README.md`).
//!
//! The rule is about time and not about the length of the queue: many people who sign in do not need the higher
//! priority, because nothing else wants the CPU. They need it when other work does.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// The priority of a hashing thread.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ThreadPriority {
    /// As the operator started the process.
    Normal,
    /// The lowest one, so that pages stay fast during a flood of sign-ins.
    Low,
}

/// The computing time that hashing is behind (or ahead of) two thirds of the time that its jobs took.
///
/// Two thirds, because a sign-in does other work as well: half of the sign-ins need more than half of the CPU.
#[derive(Debug, Default)]
pub(super) struct CpuShare {
    behind_nanoseconds: i64,
}

impl CpuShare {
    /// Bounds the memory of the rule: after a flood has begun or ended, it decides anew within some thirty hashes.
    const MAX_NANOSECONDS: i64 = 50_000_000;

    /// Adds a job that took `elapsed` and computed for `cpu` of it.
    pub(super) fn record(&mut self, elapsed: Duration, cpu: Duration) {
        let nanoseconds = |time: Duration| i64::try_from(time.as_nanos()).unwrap_or(i64::MAX);
        let behind = (nanoseconds(elapsed) / 3 * 2).saturating_sub(nanoseconds(cpu));
        self.behind_nanoseconds =
            self.behind_nanoseconds.saturating_add(behind).clamp(-Self::MAX_NANOSECONDS, Self::MAX_NANOSECONDS);
    }

    /// Returns the priority of the thread that shall take the next job.
    pub(super) fn next(&self) -> ThreadPriority {
        if self.behind_nanoseconds > 0 { ThreadPriority::Normal } else { ThreadPriority::Low }
    }
}

/// Returns how long the calling thread has computed since its start.
pub(super) fn thread_cpu_time() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime).try_into().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(share: &mut CpuShare, jobs: usize, elapsed: u64, cpu: u64) -> ThreadPriority {
        for _ in 0..jobs {
            share.record(Duration::from_millis(elapsed), Duration::from_millis(cpu));
        }
        share.next()
    }

    #[test]
    fn hashing_that_gets_most_of_its_time_stays_at_low_priority() {
        let mut share = CpuShare::default();
        assert_eq!(share.next(), ThreadPriority::Low);
        assert_eq!(record(&mut share, 1000, 7, 5), ThreadPriority::Low);
    }

    #[test]
    fn hashing_that_gets_less_than_two_thirds_of_its_time_changes_to_normal_priority_at_once() {
        let mut share = CpuShare::default();
        record(&mut share, 1000, 5, 5);
        assert_eq!(record(&mut share, 1, 250, 5), ThreadPriority::Normal);
        assert_eq!(record(&mut share, 1000, 8, 5), ThreadPriority::Normal, "at normal priority, and still behind");
    }

    #[test]
    fn hashing_returns_to_low_priority_after_the_other_load_has_ended() {
        let mut share = CpuShare::default();
        record(&mut share, 1000, 250, 5);
        assert_eq!(record(&mut share, 31, 5, 5), ThreadPriority::Low);
    }
}
