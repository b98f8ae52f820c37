//! Alerts: told when they should be, once for each occasion.

use docmill_core::alert::{Facts, Trigger};
use docmill_core::batch::{BatchState, PAUSED_BY_PERSON, STOPPED_BY_PERSON};
use docmill_core::money::Usd;
use docmill_core::time::Timestamp;

fn dollars(dollars: i64) -> Usd {
    Usd::from_nanos(dollars * 1_000_000_000)
}

fn running() -> Facts<'static> {
    Facts {
        name: "receipts",
        state: BatchState::Running,
        reason: "",
        completed: 90,
        failed: 10,
        spent: dollars(8),
        budget: Some(dollars(10)),
        updated_at: Timestamp(0),
        ended_at: None,
    }
}

#[test]
fn a_share_of_the_budget_is_told_at_its_last_cent_and_again_when_it_is_raised() {
    let trigger = Trigger::BudgetUsed { percent: 80 };
    let first = trigger.of_batch(&running(), Timestamp(0)).unwrap();
    assert!(first.text.contains("80 %"), "{}", first.text);
    let raised = Facts {
        budget: Some(dollars(20)),
        spent: dollars(16),
        ..running()
    };
    let second = trigger.of_batch(&raised, Timestamp(0)).unwrap();
    assert_ne!(first.occasion, second.occasion);
    for quiet in [
        Facts {
            spent: Usd::from_nanos(7_999_999_999),
            ..running()
        },
        Facts {
            budget: None,
            ..running()
        },
        Facts {
            budget: Some(Usd::ZERO),
            ..running()
        },
    ] {
        assert_eq!(trigger.of_batch(&quiet, Timestamp(0)), None);
    }
}

#[test]
fn a_rate_of_failures_needs_enough_documents() {
    let trigger = |percent, at_least| Trigger::FailureRate { percent, at_least };
    assert!(trigger(10, 100).of_batch(&running(), Timestamp(0)).is_some());
    assert_eq!(trigger(11, 100).of_batch(&running(), Timestamp(0)), None);
    assert_eq!(trigger(10, 101).of_batch(&running(), Timestamp(0)), None);
}

#[test]
fn standing_still_is_told_once_for_each_time() {
    let trigger = Trigger::Stalled { minutes: 5 };
    assert_eq!(trigger.of_batch(&running(), Timestamp(299_999)), None);
    let told = trigger.of_batch(&running(), Timestamp(300_000)).unwrap();
    let later = trigger.of_batch(&running(), Timestamp(900_000)).unwrap();
    assert_eq!(told.occasion, later.occasion, "it still stands still");
    let paused = Facts {
        state: BatchState::Paused,
        ..running()
    };
    assert_eq!(trigger.of_batch(&paused, Timestamp(900_000)), None);
}

#[test]
fn ends_and_pauses_are_told_but_not_what_a_person_did() {
    let ended = Facts {
        state: BatchState::BudgetExhausted,
        ended_at: Some(Timestamp(7)),
        ..running()
    };
    let told = Trigger::Finished.of_batch(&ended, Timestamp(8)).unwrap();
    assert!(told.text.contains("budget exhausted"), "{}", told.text);
    assert_eq!(Trigger::Finished.of_batch(&running(), Timestamp(8)), None);
    let paused = |reason| Facts {
        state: BatchState::Paused,
        reason,
        ..running()
    };
    let trigger = Trigger::PausedItself;
    assert!(
        trigger
            .of_batch(&paused("the key was refused"), Timestamp(0))
            .is_some()
    );
    for reason in [PAUSED_BY_PERSON, STOPPED_BY_PERSON] {
        assert_eq!(trigger.of_batch(&paused(reason), Timestamp(0)), None);
    }
}

#[test]
fn spending_is_told_once_a_day() {
    let trigger = Trigger::SpentToday { cents: 500 };
    assert_eq!(
        trigger.of_spending(Usd::from_nanos(4_999_999_999), Timestamp(0)),
        None
    );
    let monday = trigger.of_spending(dollars(5), Timestamp(0)).unwrap();
    let evening = trigger.of_spending(dollars(9), Timestamp(80_000_000)).unwrap();
    let tuesday = trigger.of_spending(dollars(5), Timestamp(90_000_000)).unwrap();
    assert_eq!(monday.occasion, evening.occasion);
    assert_ne!(monday.occasion, tuesday.occasion);
}
