//! Pacing against simulated servers in simulated time: nearly all of the allowed rate
//! is used, hardly anything is refused, and a change is followed.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::Duration;

use docmill_core::pacing::{Admission, Limits, Need, Outcome, Pacer, Signal};
use docmill_core::time::Timestamp;
use proptest::prelude::*;

/// How a server counts.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Counting {
    /// What came in the past minute.
    Sliding,
    /// A bucket that fills evenly.
    Bucket,
    /// What came since the minute began.
    Fixed,
}

/// A server with limits per minute, which may change, and a number of calls it can take at once.
struct Server {
    counting: Counting,
    /// (from this time on, requests, tokens).
    limits: Vec<(i64, u64, u64)>,
    parallel: usize,
    tells: bool,
    seen: VecDeque<(i64, u64)>,
    seen_tokens: u64,
    level: (f64, f64, i64),
    running: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Verdict {
    Taken,
    TooFast(i64),
    Overloaded,
}

impl Server {
    fn new(counting: Counting, requests: u64, tokens: u64) -> Self {
        Self {
            counting,
            limits: vec![(0, requests, tokens)],
            parallel: usize::MAX,
            tells: true,
            seen: VecDeque::new(),
            seen_tokens: 0,
            level: (requests as f64, tokens as f64, 0),
            running: 0,
        }
    }

    fn limit(&self, at: i64) -> (u64, u64) {
        self.limits
            .iter()
            .rfind(|limit| limit.0 <= at)
            .map_or((0, 0), |limit| (limit.1, limit.2))
    }

    fn take(&mut self, at: i64, tokens: u64) -> Verdict {
        if self.running >= self.parallel {
            return Verdict::Overloaded;
        }
        let (requests, allowed) = self.limit(at);
        let fits = match self.counting {
            Counting::Bucket => self.fits_bucket(at, requests, allowed, tokens),
            Counting::Sliding => self.fits_since(at - 59_999, requests, allowed, tokens),
            Counting::Fixed => self.fits_since(at / 60_000 * 60_000, requests, allowed, tokens),
        };
        if !fits {
            return Verdict::TooFast(500);
        }
        self.seen.push_back((at, tokens));
        self.seen_tokens += tokens;
        self.running += 1;
        Verdict::Taken
    }

    fn fits_bucket(&mut self, at: i64, requests: u64, allowed: u64, tokens: u64) -> bool {
        let passed = (at - self.level.2) as f64 / 60_000.0;
        self.level.0 = (self.level.0 + passed * requests as f64).min(requests as f64);
        self.level.1 = (self.level.1 + passed * allowed as f64).min(allowed as f64);
        self.level.2 = at;
        let fits = self.level.0 >= 1.0 && self.level.1 >= tokens as f64;
        if fits {
            self.level.0 -= 1.0;
            self.level.1 -= tokens as f64;
        }
        fits
    }

    fn fits_since(&mut self, from: i64, requests: u64, allowed: u64, tokens: u64) -> bool {
        while let Some((at, gone)) = self.seen.front().copied()
            && at < from
        {
            self.seen.pop_front();
            self.seen_tokens -= gone;
        }
        (self.seen.len() as u64) < requests && self.seen_tokens + tokens <= allowed
    }
}

/// What came of a simulated run.
#[derive(Debug, Default)]
struct Run {
    /// (arrival, tokens) of what was taken.
    taken: Vec<(i64, u64)>,
    refused: usize,
    tries: usize,
}

impl Run {
    fn taken_between(&self, from: i64, to: i64) -> f64 {
        self.taken
            .iter()
            .filter(|(at, _)| (from..to).contains(at))
            .count() as f64
    }

    fn tokens_between(&self, from: i64, to: i64) -> f64 {
        self.taken
            .iter()
            .filter(|(at, _)| (from..to).contains(at))
            .map(|(_, tokens)| *tokens as f64)
            .sum()
    }

    fn refused_share(&self) -> f64 {
        self.refused as f64 / self.tries.max(1) as f64
    }
}

/// A number that looks like chance, below `below`.
fn chance(state: &mut u64, below: u64) -> u64 {
    *state = state
        .wrapping_mul(6_364_136_223_846_793_005)
        .wrapping_add(1_442_695_040_888_963_407);
    (*state >> 33) % below.max(1)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Happens {
    /// The client looks whether a call may leave.
    Look,
    /// A call arrives at the server; admitted with so many tokens, uses so many.
    Arrives { admitted: u64, uses: u64, left: i64 },
    /// Its answer arrives back.
    Answers { admitted: u64, uses: u64, left: i64 },
    /// A refusal arrives back.
    Refused {
        admitted: u64,
        left: i64,
        wait: Option<i64>,
        overloaded: bool,
    },
}

/// Endless work for `minutes`, calls of about `tokens` tokens that take about two seconds.
fn simulate(pacer: &mut Pacer, server: &mut Server, minutes: i64, tokens: u64) -> Run {
    let mut run = Run::default();
    let mut state = 42;
    let mut events = BinaryHeap::from([Reverse((0_i64, 0_u64, Happens::Look))]);
    // One look is planned at a time, the earliest: others would only find the same.
    let mut next_look = 0;
    let mut order = 1;
    let end = minutes * 60_000;
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
                // What a call uses is known only within a fifth.
                let admitted = tokens * (90 + chance(&mut state, 21)) / 100;
                match pacer.admit(
                    Timestamp(now),
                    Need {
                        requests: 1,
                        tokens: admitted,
                    },
                ) {
                    Admission::Admitted => {
                        let uses = admitted * (90 + chance(&mut state, 21)) / 100;
                        let network = 20 + i64::try_from(chance(&mut state, 30)).unwrap_or(0);
                        later(
                            now + network,
                            Happens::Arrives {
                                admitted,
                                uses,
                                left: now,
                            },
                        );
                    }
                    Admission::WaitUntil(at) => {
                        assert!(at > Timestamp(now), "waiting for a time that has passed");
                        // Timers ring late.
                        later(at.0.min(end) + 1, Happens::Look);
                        break;
                    }
                }
            },
            Happens::Arrives { admitted, uses, left } => {
                run.tries += 1;
                match server.take(now, uses) {
                    Verdict::Taken => {
                        run.taken.push((now, uses));
                        let takes = 1_500 + i64::try_from(chance(&mut state, 1_000)).unwrap_or(0);
                        later(now + takes, Happens::Answers { admitted, uses, left });
                    }
                    Verdict::TooFast(wait) => {
                        run.refused += 1;
                        later(
                            now + 20,
                            Happens::Refused {
                                admitted,
                                left,
                                wait: Some(wait),
                                overloaded: false,
                            },
                        );
                    }
                    Verdict::Overloaded => {
                        run.refused += 1;
                        later(
                            now + 20,
                            Happens::Refused {
                                admitted,
                                left,
                                wait: None,
                                overloaded: true,
                            },
                        );
                    }
                }
            }
            Happens::Answers { admitted, uses, left } => {
                server.running -= 1;
                let (requests, allowed) = server.limit(now);
                pacer.observe(
                    Timestamp(now),
                    &Signal {
                        requests_limit: server.tells.then_some(requests),
                        tokens_limit: server.tells.then_some(allowed),
                        tokens: Some((admitted, uses)),
                        admitted_at: Some(Timestamp(left)),
                        ..Signal::default()
                    },
                );
                later(now, Happens::Look);
            }
            Happens::Refused {
                admitted,
                left,
                wait,
                overloaded,
            } => {
                let (requests, allowed) = server.limit(now);
                pacer.observe(
                    Timestamp(now),
                    &Signal {
                        outcome: if overloaded {
                            Outcome::Overloaded
                        } else {
                            Outcome::Refused
                        },
                        retry_after: wait.map(|ms| Duration::from_millis(ms.unsigned_abs())),
                        requests_limit: server.tells.then_some(requests),
                        tokens_limit: server.tells.then_some(allowed),
                        tokens: Some((admitted, 0)),
                        admitted_at: Some(Timestamp(left)),
                        ..Signal::default()
                    },
                );
                later(now, Happens::Look);
            }
        }
    }
    run
}

fn limits(requests: u64, tokens: u64) -> Limits {
    Limits {
        requests: Some(requests),
        tokens: Some(tokens),
    }
}

#[test]
fn known_limits_are_used_to_97_per_cent_and_hardly_anything_is_refused() {
    for counting in [Counting::Sliding, Counting::Bucket, Counting::Fixed] {
        for (requests, tokens, per_call) in [
            (500, 10_000_000, 1_000),
            (60, 10_000_000, 1_000),
            (10_000, 200_000, 1_000),
            (3_000, 50_000_000, 1_000),
        ] {
            let mut server = Server::new(counting, requests, tokens);
            let mut pacer = Pacer::new(500).with_limits(limits(requests, tokens));
            let run = simulate(&mut pacer, &mut server, 12, per_call);
            // Whichever limit is reached first.
            let by_requests = run.taken_between(120_000, 720_000) / (10 * requests) as f64;
            let by_tokens = run.tokens_between(120_000, 720_000) / (10 * tokens) as f64;
            let used = by_requests.max(by_tokens);
            let case = format!(
                "{counting:?} {requests}/{tokens}: used {used:.4}, refused {:.5}",
                run.refused_share()
            );
            assert!(used >= 0.97, "{case}");
            assert!(run.refused_share() < 0.005, "{case}");
        }
    }
}

#[test]
fn limits_are_learned_from_the_first_answers() {
    let mut server = Server::new(Counting::Bucket, 600, 10_000_000);
    let mut pacer = Pacer::new(50);
    let run = simulate(&mut pacer, &mut server, 10, 1_000);
    assert_eq!(pacer.limits(), limits(600, 10_000_000));
    let used = run.taken_between(120_000, 600_000) / (8.0 * 600.0);
    assert!(
        used >= 0.97 && run.refused_share() < 0.005,
        "used {used}, refused {}",
        run.refused_share()
    );
}

#[test]
fn a_change_of_the_limit_is_followed() {
    let mut server = Server::new(Counting::Sliding, 600, 10_000_000);
    server.limits.push((300_000, 200, 10_000_000));
    server.limits.push((600_000, 1_200, 10_000_000));
    let mut pacer = Pacer::new(200).with_limits(limits(600, 10_000_000));
    let run = simulate(&mut pacer, &mut server, 15, 1_000);
    for (from, to, limit) in [
        (120_000, 300_000, 600.0),
        (420_000, 600_000, 200.0),
        (720_000, 900_000, 1_200.0),
    ] {
        let used = run.taken_between(from, to) / (limit * (to - from) as f64 / 60_000.0);
        assert!(used >= 0.97, "{used} of {limit} from {from}");
    }
    assert!(run.refused_share() < 0.01, "{}", run.refused_share());
}

#[test]
fn a_server_that_tells_nothing_is_found_out_by_its_overloads() {
    let mut server = Server::new(Counting::Bucket, 1_000_000, 1_000_000_000);
    server.parallel = 10;
    server.tells = false;
    let mut pacer = Pacer::new(64);
    let run = simulate(&mut pacer, &mut server, 20, 1_000);
    // Ten at a time, two seconds each.
    let used = run.taken_between(300_000, 1_200_000) / (15.0 * 300.0);
    assert!(used > 0.75, "used {used}");
    // One call in thirty or so finds the limit again, besides the search at the start.
    assert!(run.refused_share() < 0.06, "refused {}", run.refused_share());
}

#[test]
fn one_refusal_holds_back_the_whole_key() {
    let mut pacer = Pacer::new(10);
    let need = Need {
        requests: 1,
        tokens: 10,
    };
    let now = Timestamp(1_000);
    assert_eq!(pacer.admit(now, need), Admission::Admitted);
    let refused = Signal {
        outcome: Outcome::Refused,
        retry_after: Some(Duration::from_secs(7)),
        ..Signal::default()
    };
    pacer.observe(now, &refused);
    assert_eq!(pacer.admit(now, need), Admission::WaitUntil(Timestamp(8_000)));
    assert_eq!(
        pacer.admit(Timestamp(7_999), need),
        Admission::WaitUntil(Timestamp(8_000))
    );
    assert_eq!(pacer.admit(Timestamp(8_000), need), Admission::Admitted);
}

#[test]
fn when_nothing_is_left_it_waits_for_the_reset() {
    let mut pacer = Pacer::new(10);
    let need = Need {
        requests: 1,
        tokens: 10,
    };
    assert_eq!(pacer.admit(Timestamp(0), need), Admission::Admitted);
    let empty = Signal {
        tokens_remaining: Some(0),
        tokens_reset: Some(Duration::from_secs(3)),
        ..Signal::default()
    };
    pacer.observe(Timestamp(0), &empty);
    assert_eq!(
        pacer.admit(Timestamp(0), need),
        Admission::WaitUntil(Timestamp(3_000))
    );
}

#[test]
fn calls_in_flight_are_bounded_and_withdrawn_ones_make_room() {
    let mut pacer = Pacer::new(2);
    let need = Need {
        requests: 1,
        tokens: 10,
    };
    let now = Timestamp(0);
    assert_eq!(pacer.admit(now, need), Admission::Admitted);
    assert_eq!(pacer.admit(now, need), Admission::Admitted);
    assert!(matches!(pacer.admit(now, need), Admission::WaitUntil(_)));
    pacer.withdraw(need);
    assert_eq!(pacer.admit(now, need), Admission::Admitted);
    // Calls that are never reported do not block for ever.
    assert_eq!(pacer.admit(Timestamp(21 * 60_000), need), Admission::Admitted);
}

proptest! {
    /// Whatever is asked when, no window of a minute ever has more than the limits
    /// (a single call larger than the whole token limit goes alone).
    #[test]
    fn never_over_the_limit_in_any_window(
        requests in 1..200_u64,
        tokens in 100..100_000_u64,
        asks in prop::collection::vec((0..3_000_i64, 1..5_000_u64), 1..300),
    ) {
        let mut pacer = Pacer::new(u32::MAX).with_limits(limits(requests, tokens));
        let mut now = 0;
        let mut taken: Vec<(i64, u64)> = Vec::new();
        for (pause, needed) in asks {
            now += pause;
            if pacer.admit(Timestamp(now), Need { requests: 1, tokens: needed }) == Admission::Admitted {
                taken.push((now, needed));
            }
        }
        for (index, (at, first)) in taken.iter().enumerate() {
            let window: Vec<u64> = taken[index..].iter().take_while(|(later, _)| later - at < 60_000).map(|call| call.1).collect();
            prop_assert!(window.len() as u64 <= requests);
            prop_assert!(window.iter().sum::<u64>() <= tokens.max(*first) , "{:?} of {}", window, tokens);
        }
    }

    /// Waiting as long as told is enough, in a bounded number of rounds; no figures a
    /// provider may send make it panic.
    #[test]
    fn waiting_leads_somewhere(
        requests: u64, tokens: u64, needed in 0..1_000_000_u64, now in 0..4_000_000_000_000_i64,
        remaining in prop::option::of(0..3_u64), reset_s in 0..100_000_u64, used: u64,
    ) {
        let mut pacer = Pacer::new(5);
        let need = Need { requests: 1, tokens: needed };
        let mut now = Timestamp(now);
        prop_assert_eq!(pacer.admit(now, need), Admission::Admitted);
        pacer.observe(now, &Signal {
            requests_limit: Some(requests), tokens_limit: Some(tokens),
            requests_remaining: remaining, requests_reset: Some(Duration::from_secs(reset_s)),
            tokens: Some((needed, used)), ..Signal::default()
        });
        let sane = requests > 0 && used <= tokens.max(needed);
        for _ in 0..10 {
            match pacer.admit(now, need) {
                Admission::Admitted => return Ok(()),
                Admission::WaitUntil(at) => now = at,
            }
        }
        prop_assert!(!sane || used > 1_000_000, "still waiting at {now:?}");
    }
}
