//! Selects which hashing threads take the next job: those at low priority, unless hashing gets less than its share of
//! the CPU.
//!
//! A hash needs milliseconds and a page needs microseconds, so a page that arrives during a hash has to preempt it.
//! Hashing at low priority keeps pages fast during a flood of sign-ins, but a flood of page requests then leaves a
//! tenth of the sign-ins (measured at `nice` 15). Hashing at normal priority has the opposite effect. A process without
//! privileges cannot raise the priority of a thread again, so there are threads of both kinds, and this rule selects
//! between them (figures: `flood` in `benches/README.md`).
//!
//! The rule compares the CPU time of hashing with that of the whole process. The length of the queue is no criterion:
//! many sign-ins without other load need no priority. Elapsed time is none either: normal priority does not recover CPU
//! time that other processes use, and pages would wait for hashing in addition.

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

/// The computing time that hashing is behind (or ahead of) three quarters of what the whole process computed
/// meanwhile.
///
/// Sign-ins alone are above: the database and the pages of a sign-in compute for an eighth of the time of its hash. In
/// a flood of page requests, threads at normal priority are below, so they stay in use.
#[derive(Debug, Default)]
pub(super) struct CpuShare {
    behind_nanoseconds: i64,
    process_cpu: Duration,
}

impl CpuShare {
    /// Bounds the memory of the rule: after a flood has begun or ended, it decides anew within some forty hashes.
    const MAX_NANOSECONDS: i64 = 50_000_000;

    /// Begins to count after a time without jobs. `process_cpu` is how long the process has computed since its start.
    pub(super) fn begin(&mut self, process_cpu: Duration) {
        self.process_cpu = process_cpu;
    }

    /// Adds a job that took `elapsed` and computed for `cpu` of it, and what the process has computed since the job
    /// that was added before.
    pub(super) fn record(&mut self, elapsed: Duration, cpu: Duration, process_cpu: Duration) {
        let process = process_cpu.saturating_sub(self.process_cpu);
        self.process_cpu = process_cpu;
        let nanoseconds = |time: Duration| i64::try_from(time.as_nanos()).unwrap_or(i64::MAX);
        let compared = match self.next() {
            // A job that did not wait lacks nothing, whatever other cores compute.
            ThreadPriority::Low => process.min(elapsed),
            // Here a job that did not wait does not tell whether it would wait at low priority.
            ThreadPriority::Normal => process,
        };
        let behind = (nanoseconds(compared) / 4 * 3).saturating_sub(nanoseconds(cpu));
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

/// Returns how long all threads of the process have computed since its start.
pub(super) fn process_cpu_time() -> Duration {
    clock_gettime(ClockId::ProcessCPUTime).try_into().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Adds jobs with these milliseconds and returns the priority of the next one.
    fn record(share: &mut CpuShare, jobs: u32, elapsed: u64, cpu: u64, process: u64) -> ThreadPriority {
        for _ in 0..jobs {
            let process_cpu = share.process_cpu + Duration::from_millis(process);
            share.record(Duration::from_millis(elapsed), Duration::from_millis(cpu), process_cpu);
        }
        share.next()
    }

    #[test]
    fn hashing_that_gets_most_of_the_computing_time_stays_at_low_priority() {
        let mut share = CpuShare::default();
        assert_eq!(share.next(), ThreadPriority::Low);
        assert_eq!(record(&mut share, 1000, 7, 5, 6), ThreadPriority::Low);
    }

    #[test]
    fn hashing_that_gets_less_than_three_quarters_changes_to_normal_priority_at_once() {
        let mut share = CpuShare::default();
        record(&mut share, 1000, 6, 5, 6);
        assert_eq!(record(&mut share, 1, 250, 5, 250), ThreadPriority::Normal);
        assert_eq!(record(&mut share, 1000, 10, 5, 8), ThreadPriority::Normal, "at normal priority, and still behind");
    }

    #[test]
    fn computing_time_of_other_processes_and_on_other_cores_does_not_count() {
        let mut share = CpuShare::default();
        assert_eq!(record(&mut share, 1000, 100, 5, 6), ThreadPriority::Low, "other processes");
        assert_eq!(record(&mut share, 1000, 6, 5, 80), ThreadPriority::Low, "other cores");
    }

    #[test]
    fn hashing_stays_at_normal_priority_while_other_threads_compute_although_it_no_longer_waits() {
        let mut share = CpuShare::default();
        record(&mut share, 1, 250, 5, 250);
        assert_eq!(record(&mut share, 1000, 5, 5, 10), ThreadPriority::Normal);
    }

    #[test]
    fn computing_time_between_two_jobs_does_not_count() {
        let mut share = CpuShare::default();
        share.begin(Duration::from_hours(1));
        share.record(Duration::from_millis(90), Duration::from_millis(5), Duration::from_hours(1));
        assert_eq!(share.next(), ThreadPriority::Low);
    }

    #[test]
    fn hashing_returns_to_low_priority_after_the_other_load_has_ended() {
        let mut share = CpuShare::default();
        record(&mut share, 1000, 250, 5, 250);
        assert_eq!(record(&mut share, 41, 5, 5, 5), ThreadPriority::Low);
    }
}
