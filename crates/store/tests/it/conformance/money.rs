//! Reservations, settlements, stored answers.

use docmill_core::attempt::AttemptOutcome;
use docmill_core::failure::FailureCode;
use docmill_core::money::Usd;
use docmill_core::usage::Usage;
use docmill_store::{Balance, Begun, Bill, Next, Settlement};

use crate::support::{Fixture, NOW, World, extraction, failure, paid, register, settlement, usd, used};

async fn balance(world: &World) -> Balance {
    world.store.batch(world.batch).await.unwrap().balance
}

fn completed() -> Next {
    Next::Completed(Box::new(extraction(1)))
}

pub async fn concurrent_calls_never_reserve_more_than_the_budget(fixture: &Fixture) {
    // Room for 12 calls of 8 and a rest of 4; 40 want to start, from two handles.
    let world = World::running(&fixture.store, 40, Some(100)).await;
    world.claim(40).await;
    let second = World {
        store: (fixture.again)(),
        ..world.clone()
    };
    let calls: Vec<_> = (1..=40)
        .map(|ordinal| {
            let world = if ordinal % 2 == 0 {
                world.clone()
            } else {
                second.clone()
            };
            tokio::spawn(async move { world.begin(ordinal, 8).await })
        })
        .collect();
    let mut started = 0;
    for call in calls {
        match call.await.unwrap() {
            Begun::Started { attempt } => {
                assert_eq!(attempt, 1);
                started += 1;
            }
            Begun::NoBudget {
                available,
                calls_in_flight,
            } => assert_eq!((available, calls_in_flight), (usd(4), 12)),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(started, 12);
    let row = world.store.batch(world.batch).await.unwrap();
    assert_eq!(
        (row.balance.reserved, row.calls, row.calls_in_flight),
        (usd(96), 12, 12)
    );
}

pub async fn a_call_is_settled_once(fixture: &Fixture) {
    let world = World::running(&fixture.store, 1, Some(100)).await;
    world.claim(1).await;
    let attempt = world.started(1, 60).await;
    for _ in 0..3 {
        let committed = world.end(1, Some(paid(attempt, 25)), Next::Continue).await;
        assert!(committed.applied);
    }
    for bill in [Bill::NotBilled, Bill::Unknown] {
        world
            .end(1, Some(settlement(attempt, bill)), Next::Continue)
            .await;
    }
    let row = world.store.batch(world.batch).await.unwrap();
    assert_eq!(
        (row.balance.settled, row.balance.reserved, row.balance.unconfirmed),
        (usd(25), Usd::ZERO, Usd::ZERO)
    );
    assert_eq!((row.usage, row.calls, row.calls_in_flight), (used(100), 1, 0));
    let attempt = world.started(1, 75).await;
    assert_eq!(attempt, 2);
    world.end(1, Some(paid(attempt, 5)), completed()).await;
    let detail = world.store.document(world.id(1)).await.unwrap();
    assert_eq!((detail.row.cost, detail.row.usage.input_tokens), (usd(30), 200));
    assert_eq!(detail.attempts.len(), 2);
    assert_eq!(detail.attempts[1].reserved, usd(75));
    assert_eq!(detail.attempts[1].raw_answer.as_deref(), Some("{\"total\": 5}"));
}

pub async fn what_was_certainly_not_billed_is_given_back(fixture: &Fixture) {
    let world = World::running(&fixture.store, 1, Some(100)).await;
    world.claim(1).await;
    let attempt = world.started(1, 100).await;
    assert!(matches!(world.begin(1, 1).await, Begun::NoBudget { .. }));
    let end = settlement(attempt, Bill::NotBilled);
    world.end(1, Some(end), Next::Continue).await;
    assert_eq!(balance(&world).await, Balance::new(Some(usd(100))));
    let detail = world.store.document(world.id(1)).await.unwrap();
    assert_eq!(detail.attempts[0].outcome, AttemptOutcome::Released);
    assert_eq!(world.started(1, 100).await, 2);
}

pub async fn what_may_have_been_billed_goes_on_counting(fixture: &Fixture) {
    let world = World::running(&fixture.store, 1, Some(100)).await;
    world.claim(1).await;
    let attempt = world.started(1, 60).await;
    let unknown = settlement(attempt, Bill::Unknown);
    world.end(1, Some(unknown.clone()), Next::Continue).await;
    world.end(1, Some(unknown), Next::Continue).await;
    let now = balance(&world).await;
    assert_eq!((now.unconfirmed, now.reserved), (usd(60), Usd::ZERO));
    assert_eq!(
        world.begin(1, 41).await,
        Begun::NoBudget {
            available: usd(40),
            calls_in_flight: 0
        }
    );
    assert_eq!(world.started(1, 40).await, 2);
}

pub async fn a_cost_above_the_worst_case_is_paid_and_reported(fixture: &Fixture) {
    let world = World::running(&fixture.store, 1, Some(100)).await;
    world.claim(1).await;
    let attempt = world.started(1, 60).await;
    let committed = world.end(1, Some(paid(attempt, 75)), completed()).await;
    assert_eq!(committed.overrun, Some(usd(15)));
    assert_eq!(balance(&world).await.settled, usd(75));
}

/// A provider may claim any number of tokens; whoever shares its transaction must not suffer.
pub async fn absurd_usage_harms_nobody(fixture: &Fixture) {
    let world = World::running(&fixture.store, 2, None).await;
    world.claim(2).await;
    let absurd = Usage {
        input_tokens: u64::MAX,
        cached_input_tokens: u64::MAX,
        cache_write_tokens: u64::MAX,
        output_tokens: u64::MAX,
    };
    for _ in 0..2 {
        let attempt = world.started(1, 1).await;
        let bill = Bill::Actual {
            usage: absurd,
            cost: Usd::MAX,
        };
        let end = settlement(attempt, bill);
        let other = world.end(2, None, Next::Continue);
        let (committed, fine) = tokio::join!(world.end(1, Some(end), Next::Continue), other);
        assert!(committed.applied && fine.applied);
        assert!(committed.overrun.is_some());
        // Nothing can be counted beyond that, so nothing more is reserved either.
        if let Begun::NoBudget { available, .. } = world.begin(1, 1).await {
            assert_eq!(available, Usd::ZERO);
            break;
        }
    }
    assert_eq!(balance(&world).await.settled, Usd::MAX);
    assert!(world.end(2, None, completed()).await.applied);
}

pub async fn an_answer_is_paid_once_across_batches(fixture: &Fixture) {
    let first = World::running(&fixture.store, 1, None).await;
    first.claim(1).await;
    let Begun::Started { attempt } = first.store.begin(first.start(1, "same", 9)).await.unwrap() else {
        panic!("nothing is stored yet");
    };
    first.end(1, Some(paid(attempt, 7)), completed()).await;
    let second = World::running(&fixture.store, 2, Some(0)).await;
    second.claim(2).await;
    // Needs no budget: nothing is paid.
    let Begun::Answered(stored) = second.store.begin(second.start(1, "same", 9)).await.unwrap() else {
        panic!("it was paid for before");
    };
    assert_eq!(stored.document, first.id(1));
    assert_eq!(
        (stored.attempt, stored.cost, stored.usage),
        (1, usd(7), used(100))
    );
    assert_eq!(stored.raw_answer, "{\"total\": 7}");
    let unwilling = docmill_store::Start {
        reuse: false,
        ..second.start(2, "same", 9)
    };
    let begun = second.store.begin(unwilling).await.unwrap();
    assert!(matches!(begun, Begun::NoBudget { .. }), "{begun:?}");
    assert_eq!(balance(&second).await, Balance::new(Some(Usd::ZERO)));
    assert_eq!(second.store.document(second.id(1)).await.unwrap().row.attempts, 0);
}

pub async fn a_bad_answer_is_not_found_again(fixture: &Fixture) {
    let world = World::running(&fixture.store, 1, None).await;
    world.claim(1).await;
    let start = world.start(1, "bad", 9);
    for expected in 1..=2 {
        let begun = world.store.begin(start.clone()).await.unwrap();
        assert_eq!(begun, Begun::Started { attempt: expected });
        let end = Settlement {
            failure: Some(failure(FailureCode::InvalidAnswer)),
            ..paid(expected, 1)
        };
        world.end(1, Some(end), Next::Continue).await;
    }
}

pub async fn a_lost_lease_is_settled_all_the_same(fixture: &Fixture) {
    let world = World::running(&fixture.store, 1, Some(100)).await;
    world.claim(1).await;
    let attempt = world.started(1, 60).await;
    world.store.recover(vec![world.worker], NOW).await.unwrap();
    let heir = World {
        worker: register(&fixture.store).await,
        ..world.clone()
    };
    heir.claim(1).await;
    let committed = world.end(1, Some(paid(attempt, 20)), completed()).await;
    assert!(!committed.applied, "the document is another's now");
    let now = balance(&world).await;
    assert_eq!((now.settled, now.unconfirmed), (usd(20), Usd::ZERO));
    let detail = world.store.document(world.id(1)).await.unwrap();
    assert_eq!((detail.row.cost, detail.extraction), (usd(20), None));
    assert_eq!(heir.started(1, 80).await, 2);
}
