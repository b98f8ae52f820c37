//! Lanes: what shares a rate limit shares a lane (provider, address, key, model).
//!
//! A call leaves with a [`Permit`], which is two things taken together: its batch's turn among
//! the batches of the lane, and the provider's pace. So nobody holds one while waiting for the
//! other. All waiting calls of a lane stand in queues here, one queue to a batch; who is next is
//! decided by [`fair`], and one timer wakes the lane when the pace allows the next call: a
//! thousand waiting calls do not wake a thousand times.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use docmill_core::failure::{Failure, FailureClass};
use docmill_core::fair::{self, Queue, Turns};
use docmill_core::id::BatchId;
use docmill_core::pacing::{Admission, Limits, Load, Need, Outcome, Pacer, Remembered, Signal};
use docmill_core::time::Timestamp;
use docmill_llm::{CallError, Signals};
use tokio::sync::oneshot;

use crate::Clock;

/// All lanes of this process.
#[derive(Default)]
pub(crate) struct Lanes {
    by_name: Mutex<HashMap<String, Arc<Lane>>>,
}

impl Lanes {
    /// The lane of this name.
    pub(crate) fn get(&self, name: &str, clock: &Arc<dyn Clock>) -> Arc<Lane> {
        let mut lanes = self.lock();
        let lane = lanes
            .entry(name.to_owned())
            .or_insert_with(|| Lane::new(Arc::clone(clock)));
        Arc::clone(lane)
    }

    /// How busy each lane is that has batches in it, by name.
    pub(crate) fn status(&self, now: Timestamp) -> Vec<LaneStatus> {
        let lanes: Vec<(String, Arc<Lane>)> = self
            .lock()
            .iter()
            .map(|(name, lane)| (name.clone(), Arc::clone(lane)))
            .collect();
        let mut found: Vec<LaneStatus> = lanes
            .into_iter()
            .map(|(name, lane)| lane.status(name, now))
            .filter(|status| !status.batches.is_empty())
            .collect();
        found.sort_by(|a, b| a.name.cmp(&b.name));
        found
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Arc<Lane>>> {
        self.by_name.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How busy a lane is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LaneStatus {
    /// Provider, address and model.
    pub name: String,
    /// Batches that share it.
    pub batches: Vec<BatchId>,
    /// Calls that may be in flight.
    pub places: usize,
    /// Calls in flight, or about to leave.
    pub in_use: usize,
    /// What the pacer knows and sees.
    pub load: Load,
    /// Nothing gets through.
    pub trouble: Option<Trouble>,
}

/// A provider lets nothing through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// Since when.
    pub since: Timestamp,
    /// What the last call that failed came to.
    pub last: String,
}

/// One lane.
pub(crate) struct Lane {
    this: Weak<Self>,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

struct State {
    pacer: Pacer,
    turns: Turns<BatchId>,
    queues: BTreeMap<BatchId, Waiting>,
    in_use: usize,
    /// When the timer that is set will ring.
    alarm: Option<Timestamp>,
    /// What the last call came to that the provider failed.
    last_failure: Option<String>,
}

/// The waiting calls of one batch.
struct Waiting {
    /// Runs of this batch in this process.
    registrations: usize,
    limit: usize,
    weight: u32,
    in_use: usize,
    calls: VecDeque<(Need, oneshot::Sender<Permit>)>,
}

/// What the lane did about the next call.
enum Granted {
    Permit(oneshot::Sender<Permit>, Box<Permit>),
    /// Nobody may leave before this time.
    NotBefore(Timestamp),
    /// Nobody waits, or nobody may take more.
    Nobody,
}

impl State {
    /// Calls in flight at most.
    fn size(&self) -> usize {
        self.queues.values().map(|queue| queue.limit).max().unwrap_or(0)
    }

    fn resize(&mut self) {
        let size = u32::try_from(self.size()).unwrap_or(u32::MAX);
        self.pacer.set_concurrency(size);
    }

    fn next(&mut self, lane: &Weak<Lane>, now: Timestamp) -> Granted {
        if self.in_use >= self.size() {
            return Granted::Nobody;
        }
        // Who gave up waiting takes no turn.
        for queue in self.queues.values_mut() {
            while queue.calls.front().is_some_and(|(_, sender)| sender.is_closed()) {
                queue.calls.pop_front();
            }
        }
        let queues: Vec<Queue<BatchId>> = self
            .queues
            .iter()
            .filter(|(_, queue)| queue.in_use < queue.limit && !queue.calls.is_empty())
            .map(|(batch, queue)| Queue {
                key: *batch,
                weight: queue.weight,
            })
            .collect();
        // A turn is taken only when the pace allows it, too.
        let mut turns = self.turns.clone();
        let Some(batch) = fair::next(&mut turns, &queues) else {
            return Granted::Nobody;
        };
        let Some(queue) = self.queues.get_mut(&batch) else {
            return Granted::Nobody;
        };
        let Some((need, _)) = queue.calls.front() else {
            return Granted::Nobody;
        };
        let need = *need;
        if let Admission::WaitUntil(until) = self.pacer.admit(now, need) {
            return Granted::NotBefore(until);
        }
        let Some((_, sender)) = queue.calls.pop_front() else {
            return Granted::Nobody;
        };
        self.turns = turns;
        queue.in_use += 1;
        self.in_use += 1;
        let permit = Permit {
            lane: lane.upgrade(),
            batch,
            need,
            at: now,
            signal: None,
        };
        Granted::Permit(sender, Box::new(permit))
    }
}

impl Lane {
    fn new(clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new_cyclic(|this| Self {
            this: Weak::clone(this),
            clock,
            state: Mutex::new(State {
                pacer: Pacer::new(1),
                turns: Turns::new(),
                queues: BTreeMap::new(),
                in_use: 0,
                alarm: None,
                last_failure: None,
            }),
        })
    }

    /// Lets a batch in, until what is returned is dropped.
    pub(crate) fn register(
        self: &Arc<Self>,
        batch: BatchId,
        concurrency: u32,
        weight: u32,
        limits: Limits,
    ) -> Registration {
        let mut state = self.state();
        let queue = state.queues.entry(batch).or_insert_with(|| Waiting {
            registrations: 0,
            limit: 1,
            weight,
            in_use: 0,
            calls: VecDeque::new(),
        });
        queue.registrations += 1;
        queue.limit = (concurrency as usize).max(1);
        queue.weight = weight;
        state.resize();
        state.pacer.set_limits(self.clock.now(), limits);
        drop(state);
        Registration {
            lane: Arc::clone(self),
            batch,
        }
    }

    fn status(&self, name: String, now: Timestamp) -> LaneStatus {
        let mut state = self.state();
        LaneStatus {
            name,
            batches: state.queues.keys().copied().collect(),
            places: state.size(),
            in_use: state.in_use,
            load: state.pacer.load(now),
            trouble: state.pacer.trouble_since().map(|since| Trouble {
                since,
                last: state.last_failure.clone().unwrap_or_default(),
            }),
        }
    }

    /// Gives permits to whoever waits, as long as turn and pace allow it.
    fn serve(&self) {
        loop {
            let now = self.clock.now();
            let granted = self.state().next(&self.this, now);
            match granted {
                // Dropping what nobody takes gives it back, and serves the next.
                Granted::Permit(sender, permit) => drop(sender.send(*permit)),
                Granted::NotBefore(until) => return self.ring_at(now, until),
                Granted::Nobody => return,
            }
        }
    }

    /// Serves again at this time, if no timer rings before.
    fn ring_at(&self, now: Timestamp, until: Timestamp) {
        let mut state = self.state();
        if state.alarm.is_some_and(|alarm| alarm <= until) {
            return;
        }
        state.alarm = Some(until);
        drop(state);
        let lane = Weak::clone(&self.this);
        let wait = Duration::from_millis(u64::try_from(until.since_ms(now)).unwrap_or(0).max(1));
        let ring = async move {
            tokio::time::sleep(wait).await;
            let Some(lane) = lane.upgrade() else { return };
            {
                let mut state = lane.state();
                if state.alarm == Some(until) {
                    state.alarm = None;
                }
            }
            lane.serve();
        };
        // Permits are dropped on the runtime; during its end nobody waits any more.
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(ring);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A batch that may call.
pub(crate) struct Registration {
    lane: Arc<Lane>,
    batch: BatchId,
}

impl Registration {
    /// A permit for one call, when it is this batch's turn and the provider's pace allows it. A
    /// document that was asked about before goes first: it is nearer to its end. `None` never
    /// comes: who waits is served or gone.
    pub(crate) async fn permit(&self, need: Need, goes_first: bool) -> Option<Permit> {
        let receiver = {
            let mut state = self.lane.state();
            let queue = state.queues.get_mut(&self.batch)?;
            let (sender, receiver) = oneshot::channel();
            if goes_first {
                queue.calls.push_front((need, sender));
            } else {
                queue.calls.push_back((need, sender));
            }
            receiver
        };
        self.lane.serve();
        receiver.await.ok()
    }

    /// Takes what an earlier run found out about the pace.
    pub(crate) fn recall(&self, known: Remembered) {
        let now = self.lane.clock.now();
        self.lane.state().pacer.recall(now, known);
    }

    /// What the next run need not find out again; `None`: nothing yet.
    pub(crate) fn remembered(&self) -> Option<Remembered> {
        let now = self.lane.clock.now();
        self.lane.state().pacer.remembered(now)
    }

    /// Other terms from now on; what is in flight stays.
    pub(crate) fn change(&self, limit: u32, weight: u32, limits: Limits) {
        {
            let mut state = self.lane.state();
            if let Some(queue) = state.queues.get_mut(&self.batch) {
                queue.limit = (limit as usize).max(1);
                queue.weight = weight;
            }
            state.resize();
            state.pacer.set_limits(self.lane.clock.now(), limits);
        }
        self.lane.serve();
    }

    /// Since when the provider fails nearly everything.
    pub(crate) fn trouble_since(&self) -> Option<Timestamp> {
        self.lane.state().pacer.trouble_since()
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut state = self.lane.state();
        if let Some(queue) = state.queues.get_mut(&self.batch) {
            queue.registrations -= 1;
            if queue.registrations == 0 {
                queue.calls.clear();
                // Permits that are still out are given back by whoever holds them.
                if queue.in_use == 0 {
                    state.queues.remove(&self.batch);
                }
            }
        }
        state.resize();
    }
}

/// One call's leave to go. Its end is reported with what the provider said; dropped without, the
/// call was not made, and its share of the limits is given back.
pub(crate) struct Permit {
    lane: Option<Arc<Lane>>,
    batch: BatchId,
    need: Need,
    at: Timestamp,
    signal: Option<Signal>,
}

impl Permit {
    /// Tells how the call ended.
    pub(crate) fn report(mut self, signal: &Signal, failure: Option<&Failure>) {
        if let (Outcome::Overloaded, Some(failure), Some(lane)) = (signal.outcome, failure, &self.lane) {
            lane.state().last_failure = Some(failure.message.clone());
        }
        self.signal = Some(Signal {
            admitted_at: Some(self.at),
            ..*signal
        });
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let Some(lane) = self.lane.take() else { return };
        {
            let mut state = lane.state();
            match &self.signal {
                Some(signal) => state.pacer.observe(lane.clock.now(), signal),
                None => state.pacer.withdraw(self.need),
            }
            state.in_use = state.in_use.saturating_sub(1);
            if let Some(queue) = state.queues.get_mut(&self.batch) {
                queue.in_use = queue.in_use.saturating_sub(1);
                if queue.registrations == 0 && queue.in_use == 0 {
                    state.queues.remove(&self.batch);
                }
            }
        }
        lane.serve();
    }
}

/// What the pacer learns from the end of a call.
pub(crate) fn signal_of(signals: &Signals, error: Option<&CallError>) -> Signal {
    let outcome = match error.map(|error| error.failure.code.class()) {
        None => Outcome::Answered,
        Some(FailureClass::SpeedLimit | FailureClass::DailyLimit) => Outcome::Refused,
        Some(FailureClass::Transient) => Outcome::Overloaded,
        Some(_) => Outcome::Other,
    };
    Signal {
        outcome,
        retry_after: signals.retry_after,
        limits: Limits {
            requests: signals.requests_limit,
            tokens: signals.tokens_limit,
            ..Limits::default()
        },
        requests_remaining: signals.requests_remaining,
        requests_reset: signals.requests_reset,
        tokens_remaining: signals.tokens_remaining,
        tokens_reset: signals.tokens_reset,
        admitted_at: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SystemClock;
    use uuid::Uuid;

    const NEED: Need = Need { input: 1, output: 1 };

    fn batch(number: u128) -> BatchId {
        BatchId(Uuid::from_u128(number))
    }

    fn lane() -> Arc<Lane> {
        Lane::new(Arc::new(SystemClock::default()))
    }

    fn enter(lane: &Arc<Lane>, number: u128, limit: u32) -> Registration {
        lane.register(batch(number), limit, 1, Limits::default())
    }

    fn in_use(lane: &Lane) -> (usize, usize) {
        let state = lane.state();
        (state.size(), state.in_use)
    }

    #[tokio::test]
    async fn a_newcomer_does_not_wait_for_those_who_stand_in_line() {
        let lane = lane();
        let (large, small) = (Arc::new(enter(&lane, 1, 2)), enter(&lane, 2, 2));
        let held = (
            large.permit(NEED, false).await.unwrap(),
            large.permit(NEED, false).await.unwrap(),
        );
        let waiting: Vec<_> = (0..100)
            .map(|_| {
                let large = Arc::clone(&large);
                tokio::spawn(async move { large.permit(NEED, false).await.is_some() })
            })
            .collect();
        tokio::task::yield_now().await;
        let next = tokio::spawn(async move { small.permit(NEED, false).await.map(|permit| permit.batch) });
        tokio::task::yield_now().await;
        drop(held);
        assert_eq!(next.await.unwrap(), Some(batch(2)));
        for wait in waiting {
            assert!(wait.await.unwrap());
        }
        drop(large);
        assert_eq!(in_use(&lane), (0, 0));
    }

    #[tokio::test]
    async fn who_gives_up_waiting_keeps_no_permit() {
        let lane = lane();
        let registration = enter(&lane, 1, 1);
        let held = registration.permit(NEED, false).await.unwrap();
        {
            let gone = registration.permit(NEED, false);
            tokio::pin!(gone);
            assert!(futures::poll!(&mut gone).is_pending());
        }
        drop(held);
        assert!(registration.permit(NEED, false).await.is_some());
        assert_eq!(in_use(&lane), (1, 0));
    }

    #[tokio::test]
    async fn more_calls_are_allowed_at_once() {
        let lane = lane();
        let registration = enter(&lane, 1, 1);
        let _held = registration.permit(NEED, false).await.unwrap();
        let second = registration.permit(NEED, false);
        tokio::pin!(second);
        assert!(futures::poll!(&mut second).is_pending());
        registration.change(2, 1, Limits::default());
        assert!(futures::poll!(&mut second).is_ready());
    }

    #[tokio::test]
    async fn a_document_in_hand_goes_before_one_that_was_not_asked_about() {
        let lane = lane();
        let registration = enter(&lane, 1, 1);
        let held = registration.permit(NEED, false).await.unwrap();
        let new = registration.permit(NEED, false);
        tokio::pin!(new);
        assert!(futures::poll!(&mut new).is_pending());
        let known = registration.permit(NEED, true);
        tokio::pin!(known);
        assert!(futures::poll!(&mut known).is_pending());
        drop(held);
        assert!(futures::poll!(&mut new).is_pending());
        assert!(futures::poll!(&mut known).is_ready());
    }
}
