//! Lanes: what shares a rate limit shares a lane (provider, address, key, model).
//! A lane has places for calls and a pacer; every batch that uses it waits its turn
//! in both.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use docmill_core::failure::FailureClass;
use docmill_core::id::BatchId;
use docmill_core::pacing::{Admission, Load, Need, Outcome, Pacer, Signal};
use docmill_core::price::CallBound;
use docmill_core::time::Timestamp;
use docmill_core::usage::Usage;
use docmill_llm::{CallError, Signals};
use tokio::sync::Notify;

use crate::Clock;
use crate::turnstile::{Member, Turnstile};

/// All lanes of this process.
#[derive(Default)]
pub(crate) struct Lanes {
    by_name: Mutex<HashMap<String, Arc<Lane>>>,
}

impl Lanes {
    /// The lane of this name.
    pub(crate) fn get(&self, name: &str) -> Arc<Lane> {
        let mut lanes = self.lock();
        let lane = lanes.entry(name.to_owned()).or_default();
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

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Lane>>> {
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
}

/// One lane.
pub(crate) struct Lane {
    turnstile: Arc<Turnstile>,
    pacer: Mutex<Pacer>,
    changed: Notify,
}

impl Default for Lane {
    fn default() -> Self {
        Self {
            turnstile: Arc::default(),
            pacer: Mutex::new(Pacer::new(1)),
            changed: Notify::new(),
        }
    }
}

impl Lane {
    /// Lets a batch in, until what is returned is dropped.
    pub(crate) fn enter(&self, batch: BatchId, concurrency: u32, weight: u32) -> Member {
        let member = self.turnstile.enter(batch, concurrency as usize, weight);
        self.resize();
        member
    }

    /// Tells the pacer how many places there are now.
    pub(crate) fn resize(&self) {
        let (places, _) = self.turnstile.places();
        self.pacer()
            .set_concurrency(u32::try_from(places).unwrap_or(u32::MAX));
        self.changed.notify_waiters();
    }

    fn status(&self, name: String, now: Timestamp) -> LaneStatus {
        let (places, in_use) = self.turnstile.places();
        LaneStatus {
            name,
            batches: self.turnstile.batches(),
            places,
            in_use,
            load: self.pacer().load(now),
        }
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
