//! Lanes: what shares a rate limit shares a lane (provider, address, key, model).
//! A lane has a number of call slots and a pacer; every batch that uses it waits
//! its turn in both.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use docmill_core::failure::FailureClass;
use docmill_core::pacing::{Admission, Need, Outcome, Pacer, Signal};
use docmill_core::price::CallBound;
use docmill_core::time::Timestamp;
use docmill_core::usage::Usage;
use docmill_llm::{CallError, Signals};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use crate::Clock;

/// All lanes of this process.
#[derive(Default)]
pub(crate) struct Lanes {
    by_name: Mutex<HashMap<String, Arc<Lane>>>,
}

impl Lanes {
    /// The lane of this name; its slots are set by the first who asks.
    pub(crate) fn get(&self, name: &str, slots: usize) -> Arc<Lane> {
        let mut lanes = self.by_name.lock().unwrap_or_else(PoisonError::into_inner);
        let lane = lanes
            .entry(name.to_owned())
            .or_insert_with(|| Arc::new(Lane::new(slots)));
        Arc::clone(lane)
    }
}

/// One lane.
pub(crate) struct Lane {
    slots: Arc<Semaphore>,
    size: usize,
    pacer: Mutex<Pacer>,
    changed: Notify,
}

impl Lane {
    fn new(slots: usize) -> Self {
        let size = slots.clamp(1, Semaphore::MAX_PERMITS);
        Self {
            slots: Arc::new(Semaphore::new(size)),
            size,
            pacer: Mutex::new(Pacer::new(u32::try_from(size).unwrap_or(u32::MAX))),
            changed: Notify::new(),
        }
    }

    /// Calls that can be in flight.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    /// A place for one call. `None` never happens: the semaphore is not closed.
    pub(crate) async fn slot(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.slots).acquire_owned().await.ok()
    }

    /// Waits until the provider's limits allow a call of so many tokens.
    pub(crate) async fn admit(self: &Arc<Self>, tokens: u64, clock: &dyn Clock) -> Admitted {
        let need = Need { requests: 1, tokens };
        loop {
            // Registered before asking, so that an answer in between is not missed.
            let changed = self.changed.notified();
            let now = clock.now();
            let admission = self.pacer().admit(now, need);
            match admission {
                Admission::Admitted => {
                    return Admitted {
                        lane: Arc::clone(self),
                        need,
                        at: now,
                        reported: false,
                    };
                }
                Admission::WaitUntil(until) => {
                    let wait = Duration::from_millis(u64::try_from(until.since_ms(now)).unwrap_or(0).max(1));
                    tokio::select! {
                        () = tokio::time::sleep(wait) => {}
                        () = changed => {}
                    }
                }
            }
        }
    }

    fn pacer(&self) -> std::sync::MutexGuard<'_, Pacer> {
        self.pacer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One call's leave to go. It is reported once, with what the provider said; dropped
/// without, the call was not made and its share of the limits is given back.
pub(crate) struct Admitted {
    lane: Arc<Lane>,
    need: Need,
    at: Timestamp,
    reported: bool,
}

impl Admitted {
    /// Tells the pacer how the call ended.
    pub(crate) fn report(mut self, now: Timestamp, signal: &Signal) {
        self.reported = true;
        let signal = Signal {
            admitted_at: Some(self.at),
            ..*signal
        };
        self.lane.pacer().observe(now, &signal);
        self.lane.changed.notify_one();
    }
}

impl Drop for Admitted {
    fn drop(&mut self) {
        if !self.reported {
            self.lane.pacer().withdraw(self.need);
            self.lane.changed.notify_one();
        }
    }
}

/// What the pacer learns from the end of a call.
pub(crate) fn signal_of(
    signals: &Signals,
    error: Option<&CallError>,
    bound: &CallBound,
    used: Option<Usage>,
) -> Signal {
    let outcome = match error.map(|error| error.failure.code.class()) {
        None => Outcome::Answered,
        Some(FailureClass::SpeedLimit | FailureClass::DailyLimit) => Outcome::Refused,
        Some(FailureClass::Transient) => Outcome::Overloaded,
        Some(_) => Outcome::Other,
    };
    let asked = bound.input_tokens.saturating_add(bound.output_tokens);
    Signal {
        outcome,
        retry_after: signals.retry_after,
        requests_limit: signals.requests_limit,
        requests_remaining: signals.requests_remaining,
        requests_reset: signals.requests_reset,
        tokens_limit: signals.tokens_limit,
        tokens_remaining: signals.tokens_remaining,
        tokens_reset: signals.tokens_reset,
        tokens: used.map(|used| (asked, used.total_input().saturating_add(used.output_tokens))),
        admitted_at: None,
    }
}
