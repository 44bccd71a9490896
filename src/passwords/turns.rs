//! Turns for hashes that need much memory: one at a time, so that the memory of all is that of the largest. Browsers
//! that have signed in to the account before go first, as they do in the queue of the threads.

use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::oneshot;

use super::job_queue::{JobQueue, Lane};
use crate::worker_pool::JobFailed;

/// Gives turns. Clones share them.
#[derive(Clone)]
pub(super) struct Turns(Arc<Mutex<State>>);

struct State {
    taken: bool,
    waiting: JobQueue<oneshot::Sender<Turn>>,
}

/// The turn, until it is dropped.
pub(super) struct Turn(Turns);

impl Turns {
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(State { taken: false, waiting: JobQueue::new() })))
    }

    /// Waits for the turn. Those that wait have a slot each, so they are bounded.
    pub(super) async fn take(&self, lane: Lane) -> Result<Turn, JobFailed> {
        let turn = {
            let mut state = self.0.lock();
            if !state.taken {
                state.taken = true;
                return Ok(Turn(self.clone()));
            }
            let (sender, turn) = oneshot::channel();
            state.waiting.push(lane, sender);
            turn
        };
        turn.await.map_err(|_| JobFailed)
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let next = {
            let mut state = self.0.0.lock();
            let next = state.waiting.pop();
            state.taken = next.is_some();
            next
        };
        if let Some(next) = next {
            // One that does not wait any more drops the turn, which passes it on.
            drop(next.send(Self(self.0.clone())));
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::{FutureExt, join};

    use super::*;

    #[tokio::test]
    async fn one_at_a_time_has_the_turn_and_known_devices_go_first() {
        let turns = Turns::new();
        let first = turns.take(Lane::Unknown).await.unwrap();
        let (mut unknown, mut known) = (Box::pin(turns.take(Lane::Unknown)), Box::pin(turns.take(Lane::Known)));
        assert!((&mut unknown).now_or_never().is_none() && (&mut known).now_or_never().is_none());
        drop(first);
        assert!((&mut unknown).now_or_never().is_none());
        let second = known.await.unwrap();
        assert!((&mut unknown).now_or_never().is_none());
        drop(second);
        unknown.await.unwrap();
    }

    #[tokio::test]
    async fn turn_of_a_request_that_ended_passes_on() {
        let turns = Turns::new();
        let first = turns.take(Lane::Unknown).await.unwrap();
        let mut ended = Box::pin(turns.take(Lane::Unknown));
        let mut next = Box::pin(turns.take(Lane::Unknown));
        assert!((&mut ended).now_or_never().is_none() && (&mut next).now_or_never().is_none());
        // The turn has been given, but not received.
        drop(first);
        drop(ended);
        let (turn, ()) = join(next, async {}).await;
        drop(turn.unwrap());
        assert!(turns.take(Lane::Unknown).now_or_never().is_some());
    }
}
