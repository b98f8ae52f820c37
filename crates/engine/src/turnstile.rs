//! The turnstile: places for calls in flight, shared by the batches of a lane.
//!
//! A batch takes no more places than its own concurrency, all together no more than
//! the largest of them. Who waits is served in the order [`fair`] says: in
//! proportion to the weights, and a batch that comes new is due at once, so that
//! fifty documents do not wait for a million.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use docmill_core::fair::{self, Queue, Turns};
use docmill_core::id::BatchId;
use tokio::sync::oneshot;

/// See the module.
#[derive(Default)]
pub(crate) struct Turnstile {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    turns: Turns<BatchId>,
    lines: BTreeMap<BatchId, Line>,
    in_use: usize,
}

/// One batch.
struct Line {
    /// Runs of this batch in this process.
    members: usize,
    limit: usize,
    weight: u32,
    in_use: usize,
    waiting: VecDeque<oneshot::Sender<Place>>,
}

impl State {
    /// Places in all.
    fn size(&self) -> usize {
        self.lines.values().map(|line| line.limit).max().unwrap_or(0)
    }

    /// Whoever is next, with a place counted for them.
    fn next(&mut self) -> Option<(BatchId, oneshot::Sender<Place>)> {
        if self.in_use >= self.size() {
            return None;
        }
        let queues: Vec<Queue<BatchId>> = self
            .lines
            .iter()
            .filter(|(_, line)| line.in_use < line.limit && !line.waiting.is_empty())
            .map(|(batch, line)| Queue {
                key: *batch,
                weight: line.weight,
            })
            .collect();
        let batch = fair::next(&mut self.turns, &queues)?;
        let line = self.lines.get_mut(&batch)?;
        let sender = line.waiting.pop_front()?;
        line.in_use += 1;
        self.in_use += 1;
        Some((batch, sender))
    }
}

impl Turnstile {
    /// Lets a batch in, until what is returned is dropped.
    pub(crate) fn enter(self: &Arc<Self>, batch: BatchId, limit: usize, weight: u32) -> Member {
        let mut state = self.state();
        let line = state.lines.entry(batch).or_insert_with(|| Line {
            members: 0,
            limit,
            weight,
            in_use: 0,
            waiting: VecDeque::new(),
        });
        line.members += 1;
        line.limit = limit.max(1);
        line.weight = weight;
        drop(state);
        Member {
            turnstile: Arc::clone(self),
            batch,
        }
    }

    /// Places in all, and those taken.
    pub(crate) fn places(&self) -> (usize, usize) {
        let state = self.state();
        (state.size(), state.in_use)
    }

    /// Batches inside.
    pub(crate) fn batches(&self) -> Vec<BatchId> {
        self.state().lines.keys().copied().collect()
    }

    /// Gives places to who waits, as long as there are any.
    fn serve(self: &Arc<Self>) {
        loop {
            let Some((batch, sender)) = self.state().next() else {
                return;
            };
            // Who gave up waiting sends the place back, and dropping it here serves the next.
            drop(sender.send(Place {
                turnstile: Arc::clone(self),
                batch,
            }));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A batch that may take places.
pub(crate) struct Member {
    turnstile: Arc<Turnstile>,
    batch: BatchId,
}

impl Member {
    /// A place for one call, when it is this batch's turn. `None` never comes: who waits is
    /// served or gone.
    pub(crate) async fn place(&self) -> Option<Place> {
        let receiver = {
            let mut state = self.turnstile.state();
            let line = state.lines.get_mut(&self.batch)?;
            let (sender, receiver) = oneshot::channel();
            line.waiting.push_back(sender);
            receiver
        };
        self.turnstile.serve();
        receiver.await.ok()
    }

    /// Another limit or weight from now on; what is in flight stays.
    pub(crate) fn change(&self, limit: usize, weight: u32) {
        if let Some(line) = self.turnstile.state().lines.get_mut(&self.batch) {
            line.limit = limit.max(1);
            line.weight = weight;
        }
        self.turnstile.serve();
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        let mut state = self.turnstile.state();
        if let Some(line) = state.lines.get_mut(&self.batch) {
            line.members -= 1;
            // Places still taken are given back by whoever holds them.
            if line.members == 0 && line.in_use == 0 {
                state.lines.remove(&self.batch);
            } else if line.members == 0 {
                line.waiting.clear();
            }
        }
    }
}

/// A place for one call, given back when dropped.
pub(crate) struct Place {
    turnstile: Arc<Turnstile>,
    batch: BatchId,
}

impl Drop for Place {
    fn drop(&mut self) {
        {
            let mut state = self.turnstile.state();
            state.in_use = state.in_use.saturating_sub(1);
            if let Some(line) = state.lines.get_mut(&self.batch) {
                line.in_use = line.in_use.saturating_sub(1);
                if line.members == 0 && line.in_use == 0 {
                    state.lines.remove(&self.batch);
                }
            }
        }
        self.turnstile.serve();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn batch(number: u128) -> BatchId {
        BatchId(Uuid::from_u128(number))
    }

    #[tokio::test]
    async fn a_newcomer_does_not_wait_for_those_who_stand_in_line() {
        let turnstile = Arc::new(Turnstile::default());
        let (large, small) = (
            Arc::new(turnstile.enter(batch(1), 2, 1)),
            turnstile.enter(batch(2), 2, 1),
        );
        let held = (large.place().await.unwrap(), large.place().await.unwrap());
        let waiting: Vec<_> = (0..100)
            .map(|_| {
                let large = Arc::clone(&large);
                tokio::spawn(async move { large.place().await })
            })
            .collect();
        tokio::task::yield_now().await;
        let next = tokio::spawn(async move { small.place().await.map(|place| place.batch) });
        tokio::task::yield_now().await;
        drop(held);
        assert_eq!(next.await.unwrap(), Some(batch(2)));
        for wait in waiting {
            assert!(wait.await.unwrap().is_some());
        }
        drop(large);
        assert_eq!(turnstile.places(), (0, 0));
    }

    #[tokio::test]
    async fn who_gives_up_waiting_keeps_no_place() {
        let turnstile = Arc::new(Turnstile::default());
        let member = turnstile.enter(batch(1), 1, 1);
        let held = member.place().await.unwrap();
        {
            let gone = member.place();
            tokio::pin!(gone);
            assert!(futures::poll!(&mut gone).is_pending());
        }
        drop(held);
        assert!(member.place().await.is_some());
        assert_eq!(turnstile.places(), (1, 0));
    }

    #[tokio::test]
    async fn more_places_are_given_at_once() {
        let turnstile = Arc::new(Turnstile::default());
        let member = turnstile.enter(batch(1), 1, 1);
        let _held = member.place().await.unwrap();
        let second = member.place();
        tokio::pin!(second);
        assert!(futures::poll!(&mut second).is_pending());
        member.change(2, 1);
        assert!(futures::poll!(&mut second).is_ready());
    }
}
