//! The pacer: calls at just under the rate a provider allows, per key and model.
//!
//! Where limits are known (from headers or configuration) two rules hold together:
//!
//! - **smooth**: calls leave at 99.8 % of the rate, with at most 0.1 % of a minute of
//!   catching up. (Measured: exactly 100 % gives 1.7 refusals per document, as clocks
//!   and networks jitter; 99.8 % none.)
//! - **window**: in the past minute never more than the limit, counted exactly.
//!
//! Where none are known, the number of calls in flight is found by additive increase
//! and multiplicative decrease: a good answer allows a little more, a refusal or an
//! overload takes 30 % off, once for all calls in flight, and holds new calls back for a moment.
//!
//! A refusal holds back the whole key until the provider's `retry-after`, not one
//! call. Every admitted call must be reported once: with [`Pacer::observe`], or with
//! [`Pacer::withdraw`] when it was not made after all.

use std::collections::VecDeque;
use std::time::Duration;

use crate::time::Timestamp;

/// Limits are per minute.
const WINDOW_MS: i64 = 60_000;
/// Share of a limit that is used, in thousandths.
const USED: u64 = 998;
/// How far a call may leave before its time, to make up for timers that ring late.
const SLACK_NS: i128 = 60_000_000;
/// How long everything waits after a refusal that does not say how long.
const UNTOLD_HOLD_MS: i64 = 1_000;
/// How long everything waits after an overload that does not say how long; doubled with each
/// that follows before an answer comes.
const OVERLOAD_HOLD_MS: i64 = 100;
/// The longest of these waits.
const MAX_OVERLOAD_HOLD_MS: i64 = 5_000;
/// A call that was admitted this long ago and never reported is taken for lost.
const LOST_MS: i64 = 20 * 60_000;
/// Calls in flight are counted in thousandths, so that they can grow slowly.
const ONE_CALL: u64 = 1_000;

/// What a call takes of the limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    /// Requests; 1 for a call.
    pub requests: u64,
    /// Tokens that the provider will count for it, as far as is known before.
    pub tokens: u64,
}

/// Whether a call may leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// Now. It is counted from now on.
    Admitted,
    /// Not before this time; ask again then, or when something was observed.
    WaitUntil(Timestamp),
}

/// How a call ended, as far as pace is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Outcome {
    /// It was answered.
    #[default]
    Answered,
    /// Refused for speed.
    Refused,
    /// The provider is overloaded (5xx, 529, a time-out).
    Overloaded,
    /// Anything else: says nothing about the pace.
    Other,
}

/// What the end of a call says about the limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Signal {
    /// How it ended.
    pub outcome: Outcome,
    /// The provider's "not before".
    pub retry_after: Option<Duration>,
    /// Requests allowed per minute.
    pub requests_limit: Option<u64>,
    /// Requests left.
    pub requests_remaining: Option<u64>,
    /// Until requests are all there again.
    pub requests_reset: Option<Duration>,
    /// Tokens allowed per minute.
    pub tokens_limit: Option<u64>,
    /// Tokens left.
    pub tokens_remaining: Option<u64>,
    /// Until tokens are all there again.
    pub tokens_reset: Option<Duration>,
    /// The tokens it was admitted with, and those it used: the difference is given back.
    pub tokens: Option<(u64, u64)>,
    /// When it was admitted: trouble of a call that left before the last slowing down is old news.
    pub admitted_at: Option<Timestamp>,
}

/// Limits per minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// Requests; `None`: not known.
    pub requests: Option<u64>,
    /// Tokens; `None`: not known.
    pub tokens: Option<u64>,
}

/// How much of its limits a key uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Load {
    /// The limits per minute, as far as they are known.
    pub limits: Limits,
    /// Requests in the past minute.
    pub requests: u64,
    /// Tokens in the past minute.
    pub tokens: u64,
    /// Calls in flight.
    pub in_flight: u64,
    /// Calls in flight that are allowed at the moment.
    pub calls_allowed: u64,
    /// How long everything is still held back after a refusal, in milliseconds.
    pub held_ms: i64,
}

/// Paces the calls of one key and model.
#[derive(Debug, Clone)]
pub struct Pacer {
    requests: Meter,
    tokens: Meter,
    held_until: Timestamp,
    in_flight: VecDeque<Timestamp>,
    /// Calls in flight at most, in thousandths.
    window: u64,
    concurrency: u64,
    decreased_at: Option<Timestamp>,
    round_trip_ms: i64,
    /// The wait after the next overload.
    overload_hold_ms: i64,
}

impl Pacer {
    /// A pacer that knows no limits yet and has at most `concurrency` calls in flight.
    #[must_use]
    pub fn new(concurrency: u32) -> Self {
        let concurrency = u64::from(concurrency.max(1));
        Self {
            requests: Meter::default(),
            tokens: Meter::default(),
            held_until: Timestamp(i64::MIN),
            in_flight: VecDeque::new(),
            window: concurrency * ONE_CALL,
            concurrency,
            decreased_at: None,
            round_trip_ms: 1_000,
            overload_hold_ms: OVERLOAD_HOLD_MS,
        }
    }

    /// The same with limits from configuration. What the provider says later wins.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.requests.limit = limits.requests.filter(|limit| *limit > 0);
        self.tokens.limit = limits.tokens.filter(|limit| *limit > 0);
        self
    }

    /// The limits as far as they are known.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits {
            requests: self.requests.limit,
            tokens: self.tokens.limit,
        }
    }

    /// Calls in flight that the pacer allows at the moment.
    #[must_use]
    pub fn calls_allowed(&self) -> u64 {
        (self.window / ONE_CALL).max(1)
    }

    /// Another number of calls in flight at most, when more or fewer are wanted.
    pub fn set_concurrency(&mut self, concurrency: u32) {
        let concurrency = u64::from(concurrency.max(1));
        // What was found to be too much stays so; what was never tried is tried.
        let untouched = self.window >= self.concurrency * ONE_CALL;
        self.concurrency = concurrency;
        let most = concurrency * ONE_CALL;
        self.window = if untouched { most } else { self.window.min(most) };
    }

    /// How much of the limits is used.
    pub fn load(&mut self, now: Timestamp) -> Load {
        // Forgets what has left the window.
        self.requests.free_at(now, 0);
        self.tokens.free_at(now, 0);
        Load {
            limits: self.limits(),
            requests: self.requests.sum,
            tokens: self.tokens.sum,
            in_flight: self.in_flight.len() as u64,
            calls_allowed: self.calls_allowed(),
            held_ms: self.held_until.since_ms(now).max(0),
        }
    }

    /// Whether a call may leave now; if so, it is counted.
    pub fn admit(&mut self, now: Timestamp, need: Need) -> Admission {
        while self
            .in_flight
            .front()
            .is_some_and(|at| now.since_ms(*at) > LOST_MS)
        {
            self.in_flight.pop_front();
        }
        if now < self.held_until {
            return Admission::WaitUntil(self.held_until);
        }
        if self.in_flight.len() as u64 >= self.calls_allowed() {
            // Room comes with the next answer; look again within a round trip.
            return Admission::WaitUntil(now.plus_ms(self.round_trip_ms.clamp(10, 1_000)));
        }
        let free = self
            .requests
            .free_at(now, need.requests)
            .max(self.tokens.free_at(now, need.tokens));
        if free > now {
            return Admission::WaitUntil(free);
        }
        self.requests.take(now, need.requests);
        self.tokens.take(now, need.tokens);
        self.in_flight.push_back(now);
        Admission::Admitted
    }

    /// Takes note of the end of a call.
    pub fn observe(&mut self, now: Timestamp, signal: &Signal) {
        let admitted_at = self.land(signal.admitted_at);
        self.requests.learn(signal.requests_limit);
        self.tokens.learn(signal.tokens_limit);
        if let Some((admitted, used)) = signal.tokens {
            self.tokens.correct(admitted, used);
        }
        for (remaining, reset) in [
            (signal.requests_remaining, signal.requests_reset),
            (signal.tokens_remaining, signal.tokens_reset),
        ] {
            // Somebody else uses the key too: nothing is left until then.
            if let (Some(0), Some(reset)) = (remaining, reset) {
                self.hold(now, reset.min(Duration::from_secs(60)));
            }
        }
        match signal.outcome {
            Outcome::Answered => self.answered(now, admitted_at),
            Outcome::Refused => {
                self.hold(
                    now,
                    signal
                        .retry_after
                        .unwrap_or(Duration::from_millis(UNTOLD_HOLD_MS.unsigned_abs())),
                );
                if self.limits() == Limits::default() {
                    self.slow_down(now, admitted_at);
                }
            }
            Outcome::Overloaded => {
                match signal.retry_after {
                    Some(wait) => self.hold(now, wait),
                    None => self.hold_a_little(now),
                }
                self.slow_down(now, admitted_at);
            }
            Outcome::Other => {}
        }
    }

    /// A call that was admitted and not made after all: what it took is given back.
    pub fn withdraw(&mut self, need: Need) {
        self.in_flight.pop_back();
        self.requests.correct(need.requests, 0);
        self.tokens.correct(need.tokens, 0);
    }

    fn answered(&mut self, now: Timestamp, admitted_at: Option<Timestamp>) {
        if let Some(at) = admitted_at {
            let took = now.since_ms(at).clamp(1, LOST_MS);
            self.round_trip_ms += (took - self.round_trip_ms) / 8;
        }
        self.overload_hold_ms = OVERLOAD_HOLD_MS;
        // One more call per round trip of as many calls as are allowed.
        let step = ONE_CALL * ONE_CALL / self.window.max(1);
        self.window = (self.window + step.max(1)).min(self.concurrency * ONE_CALL);
    }

    /// Takes a call out of those in flight: this one, or, when it is not said, the oldest.
    fn land(&mut self, admitted_at: Option<Timestamp>) -> Option<Timestamp> {
        let index = match admitted_at {
            // Not found: the clock was set back in between.
            Some(at) => self.in_flight.binary_search(&at).unwrap_or(0),
            None => 0,
        };
        self.in_flight.remove(index)
    }

    /// Thirty per cent fewer calls, once for all calls that were in flight at the first
    /// refusal: they fail for the same reason.
    fn slow_down(&mut self, now: Timestamp, admitted_at: Option<Timestamp>) {
        let is_new = match (admitted_at, self.decreased_at) {
            (Some(admitted), Some(decreased)) => admitted > decreased,
            _ => true,
        };
        if is_new {
            self.window = (self.window * 7 / 10).max(ONE_CALL);
            self.decreased_at = Some(now);
        }
    }

    /// What was refused must not be replaced at once by the next that is refused. Overloads
    /// that arrive during a wait belong to the same trouble.
    fn hold_a_little(&mut self, now: Timestamp) {
        if now >= self.held_until {
            self.hold(now, Duration::from_millis(self.overload_hold_ms.unsigned_abs()));
            self.overload_hold_ms = (self.overload_hold_ms * 2).min(MAX_OVERLOAD_HOLD_MS);
        }
    }

    fn hold(&mut self, now: Timestamp, wait: Duration) {
        let ms = i64::try_from(wait.as_nanos().div_ceil(1_000_000)).unwrap_or(i64::MAX);
        self.held_until = self.held_until.max(now.plus_ms(ms));
    }
}

/// One limited thing: requests, or tokens.
#[derive(Debug, Clone, Default)]
struct Meter {
    limit: Option<u64>,
    /// When the next unit is due, in nanoseconds.
    due_ns: Option<i128>,
    /// What was taken in the past minute, oldest first.
    taken: VecDeque<(Timestamp, u64)>,
    sum: u64,
}

impl Meter {
    fn learn(&mut self, limit: Option<u64>) {
        if let Some(limit) = limit.filter(|limit| *limit > 0) {
            self.limit = Some(limit);
        }
    }

    /// When so much may be taken.
    fn free_at(&mut self, now: Timestamp, amount: u64) -> Timestamp {
        while let Some((at, taken)) = self.taken.front().copied() {
            if now.since_ms(at) < WINDOW_MS {
                break;
            }
            self.taken.pop_front();
            self.sum = self.sum.saturating_sub(taken);
        }
        let Some(limit) = self.limit else {
            return now;
        };
        self.smooth(now).max(self.in_window(now, amount, limit))
    }

    fn smooth(&self, now: Timestamp) -> Timestamp {
        match self.due_ns {
            Some(due) if due - SLACK_NS > nanos(now) => {
                let ms = (due - SLACK_NS).div_euclid(1_000_000) + 1;
                Timestamp(i64::try_from(ms).unwrap_or(i64::MAX))
            }
            _ => now,
        }
    }

    /// When enough has left the window. More than the whole limit waits for an empty one.
    fn in_window(&self, now: Timestamp, amount: u64, limit: u64) -> Timestamp {
        let mut sum = self.sum;
        let mut free = now;
        for (at, taken) in &self.taken {
            if sum.saturating_add(amount) <= limit {
                break;
            }
            sum = sum.saturating_sub(*taken);
            free = at.plus_ms(WINDOW_MS);
        }
        free
    }

    fn take(&mut self, now: Timestamp, amount: u64) {
        if let Some(limit) = self.limit {
            let from = self.due_ns.unwrap_or_default().max(nanos(now));
            self.due_ns = Some(from + duration_ns(amount, limit));
        }
        self.taken.push_back((now, amount));
        self.sum = self.sum.saturating_add(amount);
    }

    /// A call took more or less than was thought.
    fn correct(&mut self, admitted: u64, used: u64) {
        // Calls in flight are the youngest; the first of them that fits is as good as any.
        let Some(entry) = self.taken.iter_mut().rev().find(|(_, taken)| *taken == admitted) else {
            return;
        };
        entry.1 = used;
        self.sum = self.sum.saturating_sub(admitted).saturating_add(used);
        if let (Some(limit), Some(due)) = (self.limit, self.due_ns) {
            self.due_ns = Some(due - duration_ns(admitted, limit) + duration_ns(used, limit));
        }
    }
}

fn nanos(at: Timestamp) -> i128 {
    i128::from(at.0) * 1_000_000
}

/// How long so much takes at 99.8 % of the limit.
fn duration_ns(amount: u64, limit: u64) -> i128 {
    let numerator = i128::from(amount) * i128::from(WINDOW_MS) * 1_000_000 * 1_000;
    numerator / (i128::from(limit) * i128::from(USED)).max(1)
}
