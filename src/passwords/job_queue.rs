//! The jobs that wait for a hashing thread, in two lanes.

use std::collections::VecDeque;

/// The lane of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lane {
    /// Browsers that have signed in to the account before. Taken first, so that they do not wait behind a flood.
    Known,
    /// All others.
    Unknown,
}

/// Two queues. The first is preferred, but cannot hold up the second for ever.
pub(super) struct JobQueue<J> {
    known: VecDeque<J>,
    unknown: VecDeque<J>,
    known_in_a_row: usize,
}

impl<J> JobQueue<J> {
    /// After this many jobs of known browsers, one of an unknown browser is next.
    const MAX_KNOWN_IN_A_ROW: usize = 3;

    pub(super) fn new() -> Self {
        Self { known: VecDeque::new(), unknown: VecDeque::new(), known_in_a_row: 0 }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.known.is_empty() && self.unknown.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.known.len() + self.unknown.len()
    }

    pub(super) fn push(&mut self, lane: Lane, job: J) {
        match lane {
            Lane::Known => self.known.push_back(job),
            Lane::Unknown => self.unknown.push_back(job),
        }
    }

    pub(super) fn pop(&mut self) -> Option<J> {
        if (self.known_in_a_row < Self::MAX_KNOWN_IN_A_ROW || self.unknown.is_empty())
            && let Some(job) = self.known.pop_front()
        {
            self.known_in_a_row += 1;
            return Some(job);
        }
        self.known_in_a_row = 0;
        self.unknown.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_devices_come_first_and_every_fourth_job_is_of_an_unknown_one() {
        let mut queue = JobQueue::new();
        for job in ["s1", "s2", "s3"] {
            queue.push(Lane::Unknown, job);
        }
        for job in ["k1", "k2", "k3", "k4", "k5"] {
            queue.push(Lane::Known, job);
        }
        let order: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(order, ["k1", "k2", "k3", "s1", "k4", "k5", "s2", "s3"]);
        assert!(queue.is_empty());
    }
}
