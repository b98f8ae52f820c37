//! The pacer: calls at just under the rate a provider allows, per key and model.
//!
//! What is metered is what providers count when a call arrives: one request, the tokens of its
//! prompt and the limit on its answer. It is not given back when the answer is short, because
//! hardly any provider does.
//!
//! - Limits that are told (by headers, in the configuration) are kept by [`meter`]: calls leave
//!   evenly at 99.8 % of the rate, and in the past minute never more than the limit. (Measured:
//!   exactly 100 % gives 1.7 refusals per document, as clocks and networks jitter; 99.8 % none.)
//! - Limits that nobody tells are found out from refusals by [`found_rate`].
//! - Servers in trouble get fewer calls at once ([`places`]); a single error changes nothing.
//!
//! A refusal holds back the whole key until the provider's `retry-after`, not one call. Calls do
//! not all leave at once at the start: what a server refuses then would be refused many times
//! over before the first refusal is heard.
//!
//! Every admitted call must be reported once: with [`Pacer::observe`], or with
//! [`Pacer::withdraw`] when it was not made after all.

mod found_rate;
mod meter;
mod places;

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;
use found_rate::FoundRate;
use meter::Meter;
use places::Places;

/// Limits are per minute.
const WINDOW_MS: i64 = 60_000;
/// Share of a told limit that is used, in thousandths.
const USED: u64 = 998;
/// How far a call may leave before its time at a rate that was found, in nanoseconds.
const FOUND_SLACK_NS: i128 = 20_000_000;
/// A call that waits for its time at a rate that was found asks again after this long at the latest:
/// the rate of a search rises meanwhile.
const LOOK_AGAIN_MS: i64 = 100;
/// A provider that says "nothing left until then" is believed for this long.
const LONGEST_RESET: Duration = Duration::from_secs(60);
/// A call that was admitted this long ago and never reported is taken for lost.
const LOST_MS: i64 = 20 * 60_000;
/// At the start as many calls leave a second as may be in flight: a limit is met at one of them, and
/// what leaves before that is heard is refused. This long, and then three times as many.
const START_MS: i64 = 1_000;
/// After so many of these times as many as want to.
const STARTS: u32 = 2;
/// A start without a refusal is remembered after this much longer.
const PROVEN_MS: i64 = 1_000;
/// So many may leave at once.
const AT_ONCE: u64 = 16;

/// What a call takes of the limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Need {
    /// Tokens of the prompt, as far as is known before.
    pub input: u64,
    /// The limit on the answer that is sent with it.
    pub output: u64,
}

impl Need {
    /// Both together.
    #[must_use]
    pub fn tokens(self) -> u64 {
        self.input.saturating_add(self.output)
    }
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
    /// The limits it told.
    pub limits: Limits,
    /// Requests left.
    pub requests_remaining: Option<u64>,
    /// Until requests are all there again.
    pub requests_reset: Option<Duration>,
    /// Tokens left.
    pub tokens_remaining: Option<u64>,
    /// Until tokens are all there again.
    pub tokens_reset: Option<Duration>,
    /// When it was admitted: trouble of a call that left before the last slowing down is old news.
    pub admitted_at: Option<Timestamp>,
}

/// Limits per minute; `None`: not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Requests.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests: Option<u64>,
    /// Tokens of prompt and answer together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<u64>,
    /// Tokens of prompts, where they are counted apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<u64>,
    /// Tokens of answers, where they are counted apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<u64>,
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
    /// The provider fails nearly everything; calls find out when that is over.
    pub in_trouble: bool,
}

/// What a run found out about a pace, so that the next one need not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Remembered {
    /// A limit that nobody told, in thousandths of requests a minute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<u64>,
    /// So many calls in flight left as soon as they wanted to, and none was refused.
    pub at_once: u64,
}

/// Paces the calls of one key and model.
#[derive(Debug, Clone)]
pub struct Pacer {
    requests: Meter,
    tokens: Meter,
    input: Meter,
    output: Meter,
    found: FoundRate,
    /// When the last call was due that left at a found rate, in nanoseconds. The next one's time
    /// follows from the rate at the moment of asking: a search speeds up while calls wait.
    found_left_ns: i128,
    held_until: Timestamp,
    /// The last refusal that was news.
    refused_at: Option<Timestamp>,
    in_flight: VecDeque<Timestamp>,
    places: Places,
    started_at: Option<Timestamp>,
    /// Calls that left since.
    left: u64,
    /// So many calls in flight left at once before, and none was refused ([`Remembered`]).
    at_once: u64,
    round_trip_ms: i64,
}

impl Pacer {
    /// A pacer that knows no limits yet and has at most `concurrency` calls in flight.
    #[must_use]
    pub fn new(concurrency: u32) -> Self {
        Self {
            requests: Meter::default(),
            tokens: Meter::default(),
            input: Meter::default(),
            output: Meter::default(),
            found: FoundRate::default(),
            found_left_ns: i128::MIN / 2,
            held_until: Timestamp(i64::MIN),
            refused_at: None,
            in_flight: VecDeque::new(),
            places: Places::new(u64::from(concurrency.max(1))),
            started_at: None,
            left: 0,
            at_once: 0,
            round_trip_ms: 1_000,
        }
    }

    /// The same with limits from configuration. What the provider says later wins.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.requests = Meter::with_limit(limits.requests);
        self.tokens = Meter::with_limit(limits.tokens);
        self.input = Meter::with_limit(limits.input);
        self.output = Meter::with_limit(limits.output);
        self
    }

    /// Takes what an earlier run found out. Whoever has begun knows better, and so does who is told.
    pub fn recall(&mut self, now: Timestamp, known: Remembered) {
        if self.started_at.is_some() || self.limits() != Limits::default() {
            return;
        }
        match known.rate {
            Some(rate) => self.found.recall(now, rate),
            None => self.at_once = known.at_once,
        }
    }

    /// What the next run need not find out again; `None`: nothing was found out yet.
    #[must_use]
    pub fn remembered(&self, now: Timestamp) -> Option<Remembered> {
        if self.told() != Limits::default() {
            return None;
        }
        if let Some(rate) = self.found.known() {
            return Some(Remembered {
                rate: Some(rate),
                at_once: 0,
            });
        }
        if self.refused_at.is_some() {
            // What was thought to be free is not.
            return Some(Remembered::default());
        }
        let passed = now.since_ms(self.started_at?);
        // Long enough for what left at once to have been counted.
        (passed >= START_MS * i64::from(STARTS) + PROVEN_MS).then(|| Remembered {
            rate: None,
            at_once: self.calls_allowed(),
        })
    }

    /// Takes limits that a person set while calls are in flight. What is not said stays.
    pub fn set_limits(&mut self, now: Timestamp, limits: Limits) {
        let before = self.told();
        self.requests.learn(now, limits.requests);
        self.tokens.learn(now, limits.tokens);
        self.input.learn(now, limits.input);
        self.output.learn(now, limits.output);
        if self.told() != before {
            // What was found out, was found out under other limits.
            self.found = FoundRate::default();
        }
    }

    fn told(&self) -> Limits {
        Limits {
            requests: self.requests.limit(),
            tokens: self.tokens.limit(),
            input: self.input.limit(),
            output: self.output.limit(),
        }
    }

    /// The limits as far as they are known, told or found.
    #[must_use]
    pub fn limits(&self) -> Limits {
        let told = self.told();
        Limits {
            requests: [told.requests, self.found.found()].into_iter().flatten().min(),
            ..told
        }
    }

    /// Calls in flight that the pacer allows at the moment.
    #[must_use]
    pub fn calls_allowed(&self) -> u64 {
        self.places.allowed()
    }

    /// Since when the provider fails nearly everything; calls only find out when that is over.
    #[must_use]
    pub fn trouble_since(&self) -> Option<Timestamp> {
        self.places.trouble_since()
    }

    /// Another number of calls in flight at most, when more or fewer are wanted.
    pub fn set_concurrency(&mut self, concurrency: u32) {
        self.places.want(u64::from(concurrency.max(1)));
    }

    /// How much of the limits is used.
    pub fn load(&mut self, now: Timestamp) -> Load {
        self.requests.forget(now);
        self.tokens.forget(now);
        Load {
            limits: self.limits(),
            requests: self.requests.sum(),
            tokens: self.tokens.sum(),
            in_flight: self.in_flight.len() as u64,
            calls_allowed: self.calls_allowed(),
            held_ms: self.held_until.since_ms(now).max(0),
            in_trouble: self.trouble_since().is_some(),
        }
    }

    /// Whether a call may leave now; if so, it is counted.
    pub fn admit(&mut self, now: Timestamp, need: Need) -> Admission {
        let lost = |at: &Timestamp| now.since_ms(*at) > LOST_MS;
        while self.in_flight.front().is_some_and(lost) {
            self.in_flight.pop_front();
        }
        if now < self.held_until {
            return Admission::WaitUntil(self.held_until);
        }
        if let Some(wait) = self.full(now) {
            return Admission::WaitUntil(now.plus_ms(wait));
        }
        let free = [
            self.requests.free_at(now, 1),
            self.tokens.free_at(now, need.tokens()),
            self.input.free_at(now, need.input),
            self.output.free_at(now, need.output),
            self.due_at_found_rate(now),
        ];
        let free = free.into_iter().max().unwrap_or(now);
        if free > now {
            return Admission::WaitUntil(free);
        }
        self.requests.take(now, 1, USED);
        self.tokens.take(now, need.tokens(), USED);
        self.input.take(now, need.input, USED);
        self.output.take(now, need.output, USED);
        if let Some(due) = self.found_due_ns(now) {
            self.found_left_ns = due.max(meter::nanos(now) - FOUND_SLACK_NS);
        }
        self.found.left(now);
        self.started_at.get_or_insert(now);
        self.left += 1;
        self.in_flight.push_back(now);
        Admission::Admitted
    }

    /// How long to wait for another call to end; `None`: there is room.
    fn full(&self, now: Timestamp) -> Option<i64> {
        let in_flight = self.in_flight.len() as u64;
        if in_flight >= self.calls_allowed() {
            // Room comes with the next answer; look again within a round trip.
            return Some(self.round_trip_ms.clamp(10, 1_000));
        }
        if let Some((since, probes)) = self.places.probes() {
            let old = self.in_flight.partition_point(|at| *at <= since);
            if self.in_flight.len() - old >= probes {
                return Some(self.round_trip_ms.clamp(10, 1_000));
            }
        }
        let started = self.started_at?;
        let passed = now.since_ms(started);
        let is_known = self.at_once >= self.calls_allowed() || self.limits() != Limits::default();
        if is_known || passed >= START_MS * i64::from(STARTS) {
            return None;
        }
        let share = (0..STARTS).fold(0, |share, start| {
            let ms = (passed - i64::from(start) * START_MS).clamp(0, START_MS);
            share + self.calls_allowed() * 3_u64.pow(start) * ms.unsigned_abs() / 1_000
        });
        (self.left >= share.saturating_add(AT_ONCE)).then_some(1)
    }

    fn due_at_found_rate(&self, now: Timestamp) -> Timestamp {
        let rest = self.found.resting_until().filter(|until| *until > now);
        if let Some(until) = rest {
            return until;
        }
        match self.found_due_ns(now) {
            Some(due) if due > meter::nanos(now) => {
                let ms = i64::try_from(due.div_euclid(1_000_000) + 1).unwrap_or(i64::MAX);
                Timestamp(ms.min(now.0.saturating_add(LOOK_AGAIN_MS)))
            }
            _ => now,
        }
    }

    /// When the next call is due at the rate that was found, or is being looked for, in nanoseconds.
    fn found_due_ns(&self, now: Timestamp) -> Option<i128> {
        let rate = self.found.rate(now)?;
        let step = i128::from(WINDOW_MS) * 1_000_000_000 / i128::from(rate.max(1));
        Some(self.found_left_ns + step)
    }

    /// Takes note of the end of a call.
    pub fn observe(&mut self, now: Timestamp, signal: &Signal) {
        let admitted_at = self.land(signal.admitted_at);
        self.set_limits(now, signal.limits);
        for (remaining, reset) in [
            (signal.requests_remaining, signal.requests_reset),
            (signal.tokens_remaining, signal.tokens_reset),
        ] {
            // Somebody else uses the key too: nothing is left until then.
            if let (Some(0), Some(reset)) = (remaining, reset) {
                self.hold(now, reset.min(LONGEST_RESET));
            }
        }
        match signal.outcome {
            Outcome::Answered => {
                if let Some(at) = admitted_at {
                    let took = now.since_ms(at).clamp(1, LOST_MS);
                    self.round_trip_ms += (took - self.round_trip_ms) / 8;
                }
                self.found.answered(now);
                self.places.answered(now, admitted_at, self.round_trip_ms);
            }
            Outcome::Refused => self.refused(now, admitted_at, signal.retry_after),
            Outcome::Overloaded => {
                if let Some(wait) = self.places.overloaded(now, admitted_at, self.in_flight.len()) {
                    let wait = Duration::from_millis(wait.unsigned_abs());
                    self.hold(now, signal.retry_after.map_or(wait, |told| told.max(wait)));
                }
            }
            Outcome::Other => {}
        }
    }

    fn refused(&mut self, now: Timestamp, admitted_at: Option<Timestamp>, retry_after: Option<Duration>) {
        let left = admitted_at.unwrap_or(now);
        let is_news = self.refused_at.is_none_or(|at| left > at);
        if !is_news {
            if let Some(wait) = retry_after {
                self.hold(now, wait);
            }
            self.found.refused_behind(now, left);
            return;
        }
        // A limit that was told and is met all the same is counted over the past minute.
        for meter in [
            &mut self.requests,
            &mut self.tokens,
            &mut self.input,
            &mut self.output,
        ] {
            meter.look_back();
        }
        self.refused_at = Some(now);
        let behind = self.in_flight.len() - self.in_flight.partition_point(|at| *at < left);
        let rest = self.found.refused(now, left, behind as u64);
        let told = retry_after.unwrap_or(Duration::from_millis(rest.unsigned_abs()));
        let cushion = Duration::from_millis(self.found.cushion_ms().unsigned_abs());
        self.hold(now, told.max(cushion));
    }

    /// A call that was admitted and not made after all: what it took is given back.
    pub fn withdraw(&mut self, need: Need) {
        self.in_flight.pop_back();
        self.requests.give_back(1, USED);
        self.tokens.give_back(need.tokens(), USED);
        self.input.give_back(need.input, USED);
        self.output.give_back(need.output, USED);
        self.found.took_back();
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

    fn hold(&mut self, now: Timestamp, wait: Duration) {
        let ms = i64::try_from(wait.as_nanos().div_ceil(1_000_000)).unwrap_or(i64::MAX);
        self.held_until = self.held_until.max(now.plus_ms(ms));
    }
}
