//! A simulated server with limits, in simulated time, and a client that asks the pacer.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::Duration;

use docmill_core::pacing::{Admission, Limits, Need, Outcome, Pacer, Signal};
use docmill_core::time::Timestamp;

/// How a server counts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Counting {
    /// What came in the past minute.
    Sliding,
    /// A bucket that fills evenly and holds so many seconds' worth.
    Bucket(u64),
    /// What came since the minute began.
    Fixed,
}

/// A server with limits per minute, which may change, and a number of calls it can take at once.
#[derive(Debug, Clone)]
pub struct Server {
    pub counting: Counting,
    /// (from this time on, requests, tokens).
    pub limits: Vec<(i64, u64, u64)>,
    pub parallel: usize,
    pub tells: bool,
    /// Whether refusals say when to come back.
    pub tells_when: bool,
    /// One way through the network, in milliseconds: from, and how much more by chance.
    pub network: (i64, u64),
    /// How long an answer takes, in milliseconds: from, and how much more by chance.
    pub takes: (i64, u64),
    /// Calls per thousand that fail with 503, and that are refused without reason.
    pub errors: (u64, u64),
    /// Everything fails between these times.
    pub outage: (i64, i64),
    pub seen: VecDeque<(i64, u64)>,
    pub seen_tokens: u64,
    pub level: (f64, f64, i64),
    pub running: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Verdict {
    Taken,
    TooFast(i64),
    Overloaded,
}

impl Server {
    pub fn new(counting: Counting, requests: u64, tokens: u64) -> Self {
        Self {
            counting,
            limits: vec![(0, requests, tokens)],
            parallel: usize::MAX,
            tells: true,
            tells_when: true,
            network: (20, 30),
            takes: (1_500, 1_000),
            errors: (0, 0),
            outage: (i64::MAX, i64::MAX),
            seen: VecDeque::new(),
            seen_tokens: 0,
            level: (f64::MAX, f64::MAX, 0),
            running: 0,
        }
    }

    /// Without limits, on the same machine, answers in a third of a second.
    pub fn local() -> Self {
        Self {
            tells: false,
            network: (1, 2),
            takes: (150, 400),
            ..Self::new(Counting::Bucket(60), 1_000_000_000, u64::MAX / 4)
        }
    }

    fn limit(&self, at: i64) -> (u64, u64) {
        self.limits
            .iter()
            .rfind(|limit| limit.0 <= at)
            .map_or((0, 0), |limit| (limit.1, limit.2))
    }

    fn take(&mut self, at: i64, tokens: u64, lot: u64) -> Verdict {
        let in_outage = self.outage.0 <= at && at < self.outage.1;
        if in_outage || self.running >= self.parallel || lot < self.errors.0 {
            return Verdict::Overloaded;
        }
        if lot < self.errors.0 + self.errors.1 {
            return Verdict::TooFast(1_500);
        }
        let (requests, allowed) = self.limit(at);
        let wait = match self.counting {
            Counting::Bucket(seconds) => self.fits_bucket(at, requests, allowed, tokens, seconds),
            Counting::Sliding => self.fits_since(at - 59_999, requests, allowed, tokens),
            Counting::Fixed => self.fits_since(at / 60_000 * 60_000, requests, allowed, tokens),
        };
        if let Some(wait) = wait {
            return Verdict::TooFast(wait);
        }
        self.seen.push_back((at, tokens));
        self.seen_tokens += tokens;
        self.running += 1;
        Verdict::Taken
    }

    fn fits_bucket(
        &mut self,
        at: i64,
        requests: u64,
        allowed: u64,
        tokens: u64,
        seconds: u64,
    ) -> Option<i64> {
        let passed = (at - self.level.2) as f64 / 60_000.0;
        let room = |limit: u64| limit as f64 * seconds as f64 / 60.0;
        self.level.0 = (self.level.0 + passed * requests as f64).min(room(requests).max(1.0));
        self.level.1 = (self.level.1 + passed * allowed as f64).min(room(allowed));
        self.level.2 = at;
        if self.level.0 >= 1.0 && self.level.1 >= tokens as f64 {
            self.level.0 -= 1.0;
            self.level.1 -= tokens as f64;
            return None;
        }
        let by_requests = (1.0 - self.level.0) / requests as f64;
        let by_tokens = (tokens as f64 - self.level.1) / allowed as f64;
        Some((by_requests.max(by_tokens) * 60_000.0) as i64 + 1)
    }

    fn fits_since(&mut self, from: i64, requests: u64, allowed: u64, tokens: u64) -> Option<i64> {
        while let Some((at, gone)) = self.seen.front().copied()
            && at < from
        {
            self.seen.pop_front();
            self.seen_tokens -= gone;
        }
        let fits = (self.seen.len() as u64) < requests && self.seen_tokens + tokens <= allowed;
        (!fits).then_some(500)
    }
}

/// What came of a simulated run.
#[derive(Debug, Default)]
pub struct Run {
    /// (arrival, tokens) of what was taken.
    pub taken: Vec<(i64, u64)>,
    /// Arrivals of what was refused or failed.
    pub refused: Vec<i64>,
    pub tries: usize,
}

impl Run {
    pub fn taken_between(&self, from: i64, to: i64) -> f64 {
        self.taken
            .iter()
            .filter(|(at, _)| (from..to).contains(at))
            .count() as f64
    }

    pub fn tokens_between(&self, from: i64, to: i64) -> f64 {
        self.taken
            .iter()
            .filter(|(at, _)| (from..to).contains(at))
            .map(|(_, tokens)| *tokens as f64)
            .sum()
    }

    pub fn refused_between(&self, from: i64, to: i64) -> usize {
        self.refused.iter().filter(|at| (from..to).contains(*at)).count()
    }

    pub fn refused_share(&self) -> f64 {
        self.refused.len() as f64 / self.tries.max(1) as f64
    }
}

/// A number that looks like chance, below `below`.
fn chance(state: &mut u64, below: u64) -> u64 {
    *state = state
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) % below.max(1)
}

fn span(state: &mut u64, (least, more): (i64, u64)) -> i64 {
    least + i64::try_from(chance(state, more + 1)).unwrap_or(0)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Happens {
    /// The client looks whether a call may leave.
    Look,
    /// A call arrives at the server.
    Arrives { tokens: u64, left: i64 },
    /// Its answer arrives back.
    Answers { left: i64 },
    /// A refusal arrives back.
    Refused {
        left: i64,
        wait: Option<i64>,
        overloaded: bool,
    },
}

/// Endless work until `end`, calls of about `tokens` tokens.
pub fn simulate(pacer: &mut Pacer, server: &mut Server, end: i64, tokens: u64, seed: u64) -> Run {
    let mut run = Run::default();
    let mut state = seed;
    let mut events = BinaryHeap::from([Reverse((0_i64, 0_u64, Happens::Look))]);
    // One look is planned at a time, the earliest: others would only find the same.
    let mut next_look = 0;
    let mut order = 1;
    while let Some(Reverse((now, _, event))) = events.pop() {
        if now >= end {
            break;
        }
        if event == Happens::Look && now != next_look {
            // An earlier one took its place.
            continue;
        }
        let mut later = |at: i64, event: Happens| {
            if event == Happens::Look {
                if next_look > now && next_look <= at {
                    return;
                }
                next_look = at;
            }
            order += 1;
            events.push(Reverse((at, order, event)));
        };
        match event {
            Happens::Look => loop {
                let tokens = tokens * (90 + chance(&mut state, 21)) / 100;
                let need = Need {
                    input: tokens - tokens / 10,
                    output: tokens / 10,
                };
                match pacer.admit(Timestamp(now), need) {
                    Admission::Admitted => {
                        let arrives = now + span(&mut state, server.network);
                        later(arrives, Happens::Arrives { tokens, left: now });
                    }
                    Admission::WaitUntil(at) => {
                        assert!(at > Timestamp(now), "waiting for a time that has passed");
                        // Timers ring late.
                        later(at.0.min(end) + 1, Happens::Look);
                        break;
                    }
                }
            },
            Happens::Arrives { tokens, left } => {
                run.tries += 1;
                let back = now + span(&mut state, server.network);
                let lot = chance(&mut state, 1_000);
                let verdict = server.take(now, tokens, lot);
                if verdict == Verdict::Taken {
                    run.taken.push((now, tokens));
                    let takes = span(&mut state, server.takes);
                    later(back + takes, Happens::Answers { left });
                } else {
                    run.refused.push(now);
                    let wait = match verdict {
                        Verdict::TooFast(wait) if server.tells_when => Some(wait),
                        _ => None,
                    };
                    let overloaded = verdict == Verdict::Overloaded;
                    later(
                        back,
                        Happens::Refused {
                            left,
                            wait,
                            overloaded,
                        },
                    );
                }
            }
            Happens::Answers { left } => {
                server.running -= 1;
                observe(pacer, server, now, left, Outcome::Answered, None);
                later(now, Happens::Look);
            }
            Happens::Refused {
                left,
                wait,
                overloaded,
            } => {
                let outcome = if overloaded {
                    Outcome::Overloaded
                } else {
                    Outcome::Refused
                };
                observe(pacer, server, now, left, outcome, wait);
                later(now, Happens::Look);
            }
        }
    }
    run
}

fn observe(pacer: &mut Pacer, server: &Server, now: i64, left: i64, outcome: Outcome, wait: Option<i64>) {
    let (requests, tokens) = server.limit(now);
    let signal = Signal {
        outcome,
        retry_after: wait.map(|ms| Duration::from_millis(ms.unsigned_abs())),
        limits: if server.tells {
            limits(requests, tokens)
        } else {
            Limits::default()
        },
        admitted_at: Some(Timestamp(left)),
        ..Signal::default()
    };
    pacer.observe(Timestamp(now), &signal);
}

pub fn limits(requests: u64, tokens: u64) -> Limits {
    Limits {
        requests: Some(requests),
        tokens: Some(tokens),
        ..Limits::default()
    }
}
