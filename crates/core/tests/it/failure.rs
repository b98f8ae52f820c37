//! Retry decisions: bounded, never too early, and no document pays for what is not its fault.

use std::time::Duration;

use docmill_core::attempt::AttemptOutcome;
use docmill_core::failure::{
    Billing, Breaker, Decision, Failure, FailureClass, FailureCode, History, Policy, decide,
};
use docmill_core::time::Timestamp;
use proptest::prelude::*;

const NOW: Timestamp = Timestamp(1_700_000_000_000);

fn after(code: FailureCode, history: &History, retry_after: Option<Duration>) -> Decision {
    let failure = Failure::new(code, "it failed");
    decide(
        &failure,
        Billing::NotBilled,
        history,
        &Policy::default(),
        NOW,
        retry_after,
        7,
    )
}

#[test]
fn each_class_of_failure_has_its_action() {
    let fresh = History::default();
    for code in FailureCode::ALL {
        let decision = after(*code, &fresh, None);
        let fits = match code.class() {
            FailureClass::SpeedLimit => matches!(decision, Decision::Retry { counts: false, .. }),
            FailureClass::DailyLimit | FailureClass::Money => matches!(decision, Decision::PauseBatch { .. }),
            FailureClass::Configuration if *code == FailureCode::RequestRefused => {
                matches!(decision, Decision::Fail { .. })
            }
            FailureClass::Configuration => matches!(decision, Decision::PauseBatch { .. }),
            FailureClass::Transient if *code == FailureCode::AttemptsExhausted => {
                matches!(decision, Decision::Fail { .. })
            }
            FailureClass::Transient => matches!(decision, Decision::Retry { counts: true, .. }),
            FailureClass::BadAnswer => decision == Decision::Repair,
            FailureClass::Truncated => decision == Decision::Split,
            FailureClass::Refusal | FailureClass::BadDocument | FailureClass::Bug => {
                matches!(decision, Decision::Fail { .. })
            }
        };
        assert!(fits, "{code}: {decision:?}");
    }
}

#[test]
fn a_pause_says_what_happened_and_what_to_do() {
    let Decision::PauseBatch { reason, until } =
        after(FailureCode::BalanceExhausted, &History::default(), None)
    else {
        panic!("money must pause");
    };
    assert_eq!(
        reason,
        "it failed; top up the provider account, then resume the batch"
    );
    assert_eq!(until, None);
}

#[test]
fn a_daily_limit_pauses_until_its_reset() {
    let reset = Duration::from_secs(3600);
    let Decision::PauseBatch { until, .. } = after(FailureCode::DailyQuota, &History::default(), Some(reset))
    else {
        panic!("a daily limit must pause");
    };
    assert_eq!(until, Some(NOW.plus_ms(3_600_000)));
}

#[test]
fn a_speed_limit_of_hours_pauses_instead_of_waiting() {
    let decision = after(
        FailureCode::RateLimited,
        &History::default(),
        Some(Duration::from_secs(7200)),
    );
    assert!(
        matches!(decision, Decision::PauseBatch { until: Some(_), .. }),
        "{decision:?}"
    );
}

#[test]
fn repair_and_split_happen_a_bounded_number_of_times() {
    let repaired = History {
        repairs: 1,
        ..History::default()
    };
    assert!(matches!(
        after(FailureCode::InvalidAnswer, &repaired, None),
        Decision::Fail { .. }
    ));
    let split = History {
        splits: 3,
        ..History::default()
    };
    assert!(matches!(
        after(FailureCode::AnswerTruncated, &split, None),
        Decision::Fail { .. }
    ));
}

#[test]
fn unknown_billing_is_never_given_back() {
    assert_eq!(Billing::Unknown.outcome(), AttemptOutcome::Unconfirmed);
    assert_eq!(Billing::NotBilled.outcome(), AttemptOutcome::Released);
    assert_eq!(Billing::Billed.outcome(), AttemptOutcome::Answered);
}

#[test]
fn documents_that_failed_together_come_back_apart() {
    let failure = Failure::new(FailureCode::ProviderError, "503");
    let times: std::collections::BTreeSet<_> = (0..100)
        .map(|seed| {
            match decide(
                &failure,
                Billing::NotBilled,
                &History::default(),
                &Policy::default(),
                NOW,
                None,
                seed,
            ) {
                Decision::Retry { at, .. } => at,
                other => panic!("{other:?}"),
            }
        })
        .collect();
    // A hundred draws out of an eighth of a second, in milliseconds, give 69 different ones on average.
    assert!(times.len() > 50, "only {} different times", times.len());
}

#[test]
fn the_breaker_trips_when_calls_fail_alike_and_only_then() {
    let mut breaker = Breaker::new(&Policy::default());
    let bad = Failure::new(FailureCode::InvalidAnswer, "not JSON");
    let slow = Failure::new(FailureCode::RateLimited, "429");
    let refused = Failure::new(FailureCode::Refused, "no");
    for _ in 0..9 {
        assert_eq!(breaker.observe(Some(&bad)), None);
        assert_eq!(
            breaker.observe(Some(&slow)),
            None,
            "waiting is neither good nor bad"
        );
    }
    let reason = breaker.observe(Some(&bad)).expect("the tenth trips it");
    assert!(
        reason.starts_with("the last 10 calls all failed with invalid_answer: not JSON;"),
        "{reason}"
    );
    assert_eq!(
        breaker.observe(Some(&bad)),
        None,
        "it counts from zero after a pause"
    );
    for _ in 0..50 {
        assert_eq!(breaker.observe(Some(&bad)), None);
        assert_eq!(
            breaker.observe(Some(&refused)),
            None,
            "different failures are not alike"
        );
    }
    for _ in 0..9 {
        assert_eq!(breaker.observe(Some(&bad)), None);
    }
    assert_eq!(breaker.observe(None), None);
    assert_eq!(breaker.observe(Some(&bad)), None, "one good answer resets it");
}

#[test]
fn an_outage_trips_the_breaker_later() {
    let mut breaker = Breaker::new(&Policy::default());
    let down = Failure::new(FailureCode::CallTimeout, "no answer");
    let tripped = (1..=500).find(|_| breaker.observe(Some(&down)).is_some());
    assert_eq!(tripped, Some(200));
}

fn any_code() -> impl Strategy<Value = FailureCode> {
    prop::sample::select(FailureCode::ALL.to_vec())
}

fn any_policy() -> impl Strategy<Value = Policy> {
    (0..6_u32, 0..20_u32, 0..3_u32, 0..4_u32, 0..100_000_u64).prop_map(
        |(failures, waits, repairs, splits, ms)| Policy {
            max_failures: failures,
            max_waits: waits,
            max_repairs: repairs,
            max_splits: splits,
            backoff: Duration::from_millis(ms),
            ..Policy::default()
        },
    )
}

proptest! {
    /// Whatever fails in whatever order, a document ends within the bounds of the policy.
    #[test]
    fn attempts_are_bounded(codes in prop::collection::vec(any_code(), 1..8), policy in any_policy(), seed: u64) {
        let mut history = History::default();
        let bound = policy.max_failures + policy.max_waits + policy.max_repairs + policy.max_splits + 1;
        let mut ended = false;
        for step in 0..=bound as usize {
            let failure = Failure::new(codes[step % codes.len()], "x");
            history.attempts += 1;
            match decide(&failure, Billing::Unknown, &history, &policy, NOW, None, seed) {
                Decision::Retry { counts: true, .. } => history.failures += 1,
                Decision::Retry { counts: false, .. } => history.waits += 1,
                Decision::Repair => history.repairs += 1,
                Decision::Split => history.splits += 1,
                Decision::Fail { .. } | Decision::PauseBatch { .. } => { ended = true; break; }
            }
        }
        prop_assert!(ended);
    }

    /// A retry is never before the provider's own time, never in the past, and a
    /// wait for the provider is never stretched by more than half a backoff.
    #[test]
    fn never_before_retry_after(
        code in any_code(), failures in 0..40_u32, waits in 0..60_u32, told in prop::option::of(0..900_000_u64),
        now in 0..4_000_000_000_000_i64, seed: u64,
    ) {
        let history = History { failures, waits, ..History::default() };
        let policy = Policy { max_failures: 100, ..Policy::default() };
        let told = told.map(Duration::from_millis);
        let now = Timestamp(now);
        let failure = Failure::new(code, "x");
        if let Decision::Retry { at, .. } = decide(&failure, Billing::NotBilled, &history, &policy, now, told, seed) {
            let wait = at.since_ms(now);
            let told = i64::try_from(told.unwrap_or_default().as_millis()).unwrap();
            prop_assert!(wait >= told.max(1), "{wait} < {told}");
            prop_assert!(wait <= told + 120_000, "{wait} for {told}");
        }
    }

    /// Nothing that can be told (an absurd retry-after, the end of time) makes it panic.
    #[test]
    fn absurd_times_are_survived(code in any_code(), seconds: u64, now: i64, failures: u32, waits: u32, seed: u64) {
        let history = History { failures, waits, ..History::default() };
        let failure = Failure::new(code, "x");
        let told = Some(Duration::from_secs(seconds));
        let _ = decide(&failure, Billing::Unknown, &history, &Policy::default(), Timestamp(now), told, seed);
    }
}
