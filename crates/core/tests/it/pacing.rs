//! Pacing against simulated servers in simulated time: nearly all of the allowed rate
//! is used, hardly anything is refused, and a change is followed.

use std::time::Duration;

use docmill_core::pacing::{Admission, Need, Outcome, Pacer, Signal};
use docmill_core::time::Timestamp;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use crate::pacing_server::{Counting, Run, Server, limits, simulate};

const NEED: Need = Need { input: 8, output: 2 };

#[test]
fn known_limits_are_used_to_97_per_cent_and_hardly_anything_is_refused() {
    for counting in [
        Counting::Sliding,
        Counting::Bucket(60),
        Counting::Bucket(5),
        Counting::Fixed,
    ] {
        for (requests, tokens, per_call) in [
            (500, 10_000_000, 1_000),
            (60, 10_000_000, 1_000),
            (10_000, 200_000, 1_000),
            (3_000, 50_000_000, 1_000),
        ] {
            let mut server = Server::new(counting, requests, tokens);
            let mut pacer = Pacer::new(500).with_limits(limits(requests, tokens));
            let run = simulate(&mut pacer, &mut server, 720_000, per_call, 42);
            // Whichever limit is reached first.
            let by_requests = run.taken_between(120_000, 720_000) / (10 * requests) as f64;
            let by_tokens = run.tokens_between(120_000, 720_000) / (10 * tokens) as f64;
            let used = by_requests.max(by_tokens);
            let case = format!(
                "{counting:?} {requests}/{tokens}: used {used:.4}, refused {:.5}",
                run.refused_share()
            );
            assert!(used >= 0.97, "{case}");
            assert!(run.refused_share() < 0.001, "{case}");
        }
    }
}

#[test]
fn limits_are_learned_from_the_first_answers() {
    let mut server = Server::new(Counting::Bucket(60), 600, 10_000_000);
    let mut pacer = Pacer::new(50);
    let run = simulate(&mut pacer, &mut server, 600_000, 1_000, 42);
    assert_eq!(pacer.limits(), limits(600, 10_000_000));
    let used = run.taken_between(120_000, 600_000) / (8.0 * 600.0);
    assert!(
        used >= 0.97 && run.refused_share() < 0.001,
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
    let run = simulate(&mut pacer, &mut server, 900_000, 1_000, 42);
    for (from, to, limit) in [
        (120_000, 300_000, 600.0),
        (420_000, 600_000, 200.0),
        (720_000, 900_000, 1_200.0),
    ] {
        let used = run.taken_between(from, to) / (limit * (to - from) as f64 / 60_000.0);
        assert!(used >= 0.97, "{used} of {limit} from {from}");
    }
    assert!(run.refused.len() < 10, "{}", run.refused.len());
}

/// The server that was measured: 8,000 requests and 12 million tokens a minute in a bucket of
/// five seconds, a thousand calls wanted in flight.
fn busy(tells: bool) -> Server {
    Server {
        tells,
        takes: (150, 400),
        network: (1, 2),
        ..Server::new(Counting::Bucket(5), 8_000, 12_000_000)
    }
}

fn report(name: &str, run: &Run, limit: f64, minutes: f64) -> String {
    format!(
        "{name}: {:.3} of the limit, {} of {} refused",
        run.taken.len() as f64 / (limit * minutes),
        run.refused.len(),
        run.tries
    )
}

#[test]
fn a_limit_in_a_small_bucket_is_used_and_kept_told_or_not() {
    for (name, tells, network, most) in [
        ("told", true, (1, 2), 0.001),
        ("not told", false, (1, 2), 0.001),
        // From far away, more has left before the first refusal is heard.
        ("not told, from the next town", false, (5, 10), 0.005),
        ("not told, far away", false, (20, 30), 0.02),
    ] {
        // Where in its stride the first refusal meets the pacer is chance; no such case may end badly.
        for seed in 0..12 {
            let mut server = Server {
                network,
                ..busy(tells)
            };
            let mut pacer = Pacer::new(1_000);
            let run = simulate(&mut pacer, &mut server, 75_000, 800, seed);
            let case = report(&format!("{name}, seed {seed}"), &run, 8_000.0, 1.25);
            let used = run.taken.len() as f64 / 10_000.0;
            assert!(used >= 0.97, "{case}");
            assert!(run.refused_share() < most, "{case}");
        }
    }
}

#[test]
fn a_limit_that_was_found_is_kept_from_the_first_call_of_the_next_run_on() {
    let mut first = Pacer::new(1_000);
    let run = simulate(&mut first, &mut busy(false), 75_000, 800, 3);
    assert!(!run.refused.is_empty());
    let known = first.remembered(Timestamp(75_000)).unwrap();
    let found = known.rate.unwrap() as f64 / 8_000_000.0;
    assert!((0.97..=1.03).contains(&found), "{found}");
    for (limit, most) in [(8_000, 3), (4_000, 10), (16_000, 0)] {
        let mut server = busy(false);
        server.limits = vec![(0, limit, 12_000_000)];
        let mut next = Pacer::new(1_000);
        next.recall(Timestamp(0), known);
        let run = simulate(&mut next, &mut server, 75_000, 800, 4);
        let case = report(&format!("now {limit} a minute"), &run, limit as f64, 1.25);
        assert!(run.refused.len() <= most, "{case}");
        let used = run.taken.len() as f64 / (limit.min(8_000) as f64 * 1.25);
        assert!(used >= 0.95, "{case}");
    }
    // Who is told a limit needs no memory.
    let mut told = Pacer::new(10).with_limits(limits(60, 1_000_000));
    told.recall(Timestamp(0), known);
    assert_eq!(told.limits(), limits(60, 1_000_000));
    assert_eq!(told.remembered(Timestamp(10_000)), None);
}

#[test]
fn where_no_limit_was_met_the_next_run_begins_at_full_speed() {
    let mut first = Pacer::new(1_000);
    let slow = simulate(&mut first, &mut Server::local(), 1_000, 800, 3);
    assert_eq!(first.remembered(Timestamp(1_000)), None, "too soon to tell");
    let mut first = Pacer::new(1_000);
    simulate(&mut first, &mut Server::local(), 5_000, 800, 3);
    let known = first.remembered(Timestamp(5_000)).unwrap();
    assert_eq!((known.rate, known.at_once), (None, 1_000));
    let begun = |concurrency: u32| {
        let mut next = Pacer::new(concurrency);
        next.recall(Timestamp(0), known);
        simulate(&mut next, &mut Server::local(), 1_000, 800, 3)
            .taken
            .len()
    };
    assert!(
        begun(1_000) > 2 * slow.taken.len(),
        "{} {}",
        begun(1_000),
        slow.taken.len()
    );
    assert!(
        begun(4_000) < 6_000,
        "more than was tried before begins carefully: {}",
        begun(4_000)
    );
    // A refusal takes it back.
    let mut next = Pacer::new(1_000);
    next.recall(Timestamp(0), known);
    simulate(&mut next, &mut busy(false), 1_500, 800, 3);
    assert_eq!(next.remembered(Timestamp(1_500)).map(|it| it.at_once), Some(0));
}

#[test]
fn a_limit_that_is_halved_costs_few_refusals_then_none() {
    for tells in [true, false] {
        let mut server = busy(tells);
        server.limits.push((60_000, 4_000, 6_000_000));
        let mut pacer = Pacer::new(1_000);
        let run = simulate(&mut pacer, &mut server, 150_000, 800, 7);
        let refused = run.refused_between(60_000, 90_000);
        assert!(refused < 10, "told {tells}: {refused}");
        assert!(
            run.refused_between(90_000, 150_000) <= 3,
            "told {tells}: {:?}",
            run.refused
        );
        let used = run.taken_between(75_000, 150_000) / 5_000.0;
        assert!(used >= 0.95, "told {tells}: {used}");
    }
}

#[test]
fn single_errors_and_refusals_without_reason_do_not_slow_the_others() {
    let none = simulate(&mut Pacer::new(1_000), &mut Server::local(), 20_000, 800, 7);
    for (errors, least) in [((8, 0), 0.93), ((15, 0), 0.85), ((20, 0), 0.8)] {
        let mut server = Server {
            errors,
            ..Server::local()
        };
        let run = simulate(&mut Pacer::new(1_000), &mut server, 20_000, 800, 7);
        let share = run.taken.len() as f64 / none.taken.len() as f64;
        assert!(share >= least, "{errors:?}: {share}");
    }
    // Each refusal holds everything back for the time it says, 1.5 s here, and no longer.
    let mut server = Server {
        errors: (0, 1),
        ..Server::local()
    };
    let mut pacer = Pacer::new(200);
    let run = simulate(&mut pacer, &mut server, 60_000, 800, 7);
    assert_eq!(pacer.limits().requests, None, "no limit was found");
    let held = 1.5 * run.refused.len() as f64 / 60.0;
    let rate = run.taken.len() as f64 / 60.0 / (none.taken.len() as f64 / 20.0 / 5.0);
    assert!(rate > 0.85 * (1.0 - held), "rate {rate}, held {held}");
}

#[test]
fn an_outage_is_waited_for_with_few_calls_and_left_behind_in_seconds() {
    for in_flight in [8, 64, 1_000] {
        let mut server = Server {
            outage: (20_000, 80_000),
            ..Server::local()
        };
        let mut pacer = Pacer::new(in_flight);
        let run = simulate(&mut pacer, &mut server, 120_000, 800, 7);
        let during = run.refused_between(20_000, 80_000);
        assert!(during <= 100, "{in_flight} in flight: {during} calls");
        let before = run.taken_between(10_000, 20_000);
        let after = run.taken_between(85_000, 95_000);
        assert!(
            after >= 0.9 * before,
            "{in_flight} in flight: {after} after, {before} before"
        );
    }
}

#[test]
fn a_server_that_tells_nothing_is_found_out_by_its_overloads() {
    let mut server = Server::new(Counting::Bucket(60), 1_000_000, 1_000_000_000);
    server.parallel = 10;
    server.tells = false;
    let mut pacer = Pacer::new(64);
    let run = simulate(&mut pacer, &mut server, 1_200_000, 1_000, 42);
    // Ten at a time, two seconds each.
    let used = run.taken_between(300_000, 1_200_000) / (15.0 * 300.0);
    assert!(used > 0.75, "used {used}");
    // Some find the limit again, besides the search at the start.
    assert!(run.refused_share() < 0.25, "refused {}", run.refused_share());
}

#[test]
fn one_refusal_holds_back_the_whole_key() {
    let mut pacer = Pacer::new(10);
    let now = Timestamp(1_000);
    assert_eq!(pacer.admit(now, NEED), Admission::Admitted);
    let refused = Signal {
        outcome: Outcome::Refused,
        retry_after: Some(Duration::from_secs(7)),
        ..Signal::default()
    };
    pacer.observe(now, &refused);
    assert_eq!(pacer.admit(now, NEED), Admission::WaitUntil(Timestamp(8_000)));
    assert_eq!(
        pacer.admit(Timestamp(7_999), NEED),
        Admission::WaitUntil(Timestamp(8_000))
    );
    assert_eq!(pacer.admit(Timestamp(8_000), NEED), Admission::Admitted);
}

#[test]
fn when_nothing_is_left_it_waits_for_the_reset() {
    let mut pacer = Pacer::new(10);
    assert_eq!(pacer.admit(Timestamp(0), NEED), Admission::Admitted);
    let empty = Signal {
        tokens_remaining: Some(0),
        tokens_reset: Some(Duration::from_secs(3)),
        ..Signal::default()
    };
    pacer.observe(Timestamp(0), &empty);
    assert_eq!(
        pacer.admit(Timestamp(0), NEED),
        Admission::WaitUntil(Timestamp(3_000))
    );
}

#[test]
fn calls_in_flight_are_bounded_and_withdrawn_ones_make_room() {
    let mut pacer = Pacer::new(2);
    let now = Timestamp(0);
    assert_eq!(pacer.admit(now, NEED), Admission::Admitted);
    assert_eq!(pacer.admit(now, NEED), Admission::Admitted);
    assert!(matches!(pacer.admit(now, NEED), Admission::WaitUntil(_)));
    pacer.withdraw(NEED);
    assert_eq!(pacer.admit(now, NEED), Admission::Admitted);
    // Calls that are never reported do not block for ever.
    assert_eq!(pacer.admit(Timestamp(21 * 60_000), NEED), Admission::Admitted);
}

#[test]
fn tokens_of_prompts_and_answers_are_metered_apart_where_they_are_counted_apart() {
    let apart = docmill_core::pacing::Limits {
        input: Some(60_000),
        output: Some(600),
        ..Default::default()
    };
    let mut pacer = Pacer::new(100).with_limits(apart);
    let need = Need {
        input: 100,
        output: 100,
    };
    let mut taken = 0;
    for now in (0..60_000).step_by(50) {
        if pacer.admit(Timestamp(now), need) == Admission::Admitted {
            taken += 1;
        }
    }
    assert_eq!(taken, 6, "answers are the tighter limit");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, rng_seed: RngSeed::Fixed(1), ..Default::default() })]

    /// A limit that is told is used and kept whatever way the server counts; one that is not, where
    /// it counts with a bucket, as nearly all do.
    #[test]
    fn any_limit_is_used_and_kept(
        per_second in 2..100_u64,
        counting in prop_oneof![Just(Counting::Sliding), Just(Counting::Bucket(60)), Just(Counting::Fixed)],
        seconds in 2..60_u64,
        tells: bool,
        network in (1..40_i64, 0..20_u64),
        takes in (50..1_000_i64, 0..800_u64),
        concurrency in 50..1_000_u32,
        seed: u64,
    ) {
        let requests = per_second * 60;
        let counting = if tells { counting } else { Counting::Bucket(seconds) };
        let mut server = Server { tells, network, takes, ..Server::new(counting, requests, u64::MAX / 4) };
        let mut pacer = Pacer::new(concurrency);
        let run = simulate(&mut pacer, &mut server, 300_000, 1_000, seed);
        let possible = (u64::from(concurrency) * 1_000 / (takes.0.unsigned_abs() + takes.1 + 60)).min(per_second) as f64;
        let taken = run.taken_between(180_000, 300_000);
        let used = taken / (120.0 * possible);
        let refused = run.refused_between(180_000, 300_000) as f64 / taken.max(1.0);
        let case = report("", &run, requests as f64, 5.0);
        // Without a word, the limit is found again and again, a few calls each time.
        let (least, most) = if tells { (0.95, 0.002) } else { (0.85, 0.15) };
        prop_assert!(used >= least, "used {used} {case}");
        prop_assert!(refused <= most, "refused {refused} {case}");
    }

    /// Waiting as long as told is enough, in a bounded number of rounds; no figures a
    /// provider may send make it panic.
    #[test]
    fn waiting_leads_somewhere(
        requests: u64, tokens: u64, needed in 0..1_000_000_u64, now in 0..4_000_000_000_000_i64,
        remaining in prop::option::of(0..3_u64), reset_s in 0..100_000_u64,
    ) {
        let mut pacer = Pacer::new(5);
        let need = Need { input: needed / 2, output: needed - needed / 2 };
        let mut now = Timestamp(now);
        prop_assert_eq!(pacer.admit(now, need), Admission::Admitted);
        pacer.observe(now, &Signal {
            limits: limits(requests, tokens),
            requests_remaining: remaining, requests_reset: Some(Duration::from_secs(reset_s)),
            ..Signal::default()
        });
        for _ in 0..10 {
            match pacer.admit(now, need) {
                Admission::Admitted => return Ok(()),
                Admission::WaitUntil(at) => now = at,
            }
        }
        prop_assert!(requests == 0, "still waiting at {now:?}");
    }
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
            if pacer.admit(Timestamp(now), Need { input: needed, output: 0 }) == Admission::Admitted {
                taken.push((now, needed));
            }
        }
        for (index, (at, first)) in taken.iter().enumerate() {
            let window: Vec<u64> = taken[index..].iter().take_while(|(later, _)| later - at < 60_000).map(|call| call.1).collect();
            prop_assert!(window.len() as u64 <= requests);
            prop_assert!(window.iter().sum::<u64>() <= tokens.max(*first), "{:?} of {}", window, tokens);
        }
    }
}
