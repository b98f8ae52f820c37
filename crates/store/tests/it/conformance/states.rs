//! States of batches, budgets, retries, and the log of it all.

use docmill_core::batch::{BatchEvent, BatchState, EVENTS};
use docmill_core::event::EventKind;
use docmill_core::failure::FailureCode;
use docmill_core::id::Ordinal;
use docmill_store::{Begun, Bill, Claimed, Next, RetrySelection, StoreError, TransitionRefused};

use crate::support::{Fixture, NOW, World, failure, paid, settlement, usd};

pub async fn only_what_the_table_allows_happens(fixture: &Fixture) {
    let path = [
        BatchEvent::Estimate,
        BatchEvent::Estimated,
        BatchEvent::Start,
        BatchEvent::Pause,
        BatchEvent::Resume,
        BatchEvent::Cancel,
    ];
    let world = World::draft(&fixture.store, None).await;
    let mut state = BatchState::Draft;
    for step in path {
        for event in EVENTS.into_iter().filter(|event| state.on(*event).is_err()) {
            let refused = world
                .store
                .transition(world.batch, event, "no", NOW)
                .await
                .unwrap();
            assert_eq!(
                refused,
                Err(TransitionRefused::State(state.on(event).unwrap_err()))
            );
        }
        assert_eq!(world.store.batch(world.batch).await.unwrap().state, state);
        let next = world
            .store
            .transition(world.batch, step, "yes", NOW)
            .await
            .unwrap();
        state = state.on(step).unwrap();
        assert_eq!(next, Ok(state));
    }
    let row = world.store.batch(world.batch).await.unwrap();
    assert_eq!((row.state, row.reason.as_str()), (BatchState::Cancelled, "yes"));
    assert_eq!((row.started_at, row.ended_at), (Some(NOW), Some(NOW)));
    let nowhere = World::draft(&(fixture.again)(), None).await;
    let unknown = docmill_core::BatchId(uuid::Uuid::now_v7());
    let error = nowhere
        .store
        .transition(unknown, BatchEvent::Start, "", NOW)
        .await
        .unwrap_err();
    assert!(matches!(error, StoreError::NoSuchBatch(_)), "{error}");
}

pub async fn a_batch_ends_only_when_nothing_is_left(fixture: &Fixture) {
    let world = World::running(&fixture.store, 3, None).await;
    world.complete_next(5).await;
    world.claim(1).await;
    for event in [BatchEvent::Finish, BatchEvent::FinishWithFailures] {
        let refused = world.store.transition(world.batch, event, "", NOW).await.unwrap();
        assert_eq!(refused, Err(TransitionRefused::WorkLeft { left: 2 }));
    }
    world
        .end(2, None, Next::Failed(failure(FailureCode::Refused)))
        .await;
    world.claim(1).await;
    world
        .end(3, None, Next::Skipped(failure(FailureCode::EmptyDocument)))
        .await;
    world.on(BatchEvent::FinishWithFailures).await;
    let row = world.store.batch(world.batch).await.unwrap();
    assert_eq!(row.state, BatchState::CompletedWithFailures);
    assert_eq!(
        (row.counters.completed, row.counters.failed, row.counters.skipped),
        (1, 1, 1)
    );
}

pub async fn a_budget_is_exhausted_only_when_nothing_is_in_flight(fixture: &Fixture) {
    let world = World::running(&fixture.store, 2, Some(10)).await;
    world.claim(2).await;
    let attempt = world.started(1, 10).await;
    let exhaust = || {
        world
            .store
            .transition(world.batch, BatchEvent::ExhaustBudget, "used up", NOW)
    };
    assert_eq!(
        exhaust().await.unwrap(),
        Err(TransitionRefused::CallsInFlight { calls: 1 })
    );
    world
        .end(1, Some(settlement(attempt, Bill::Unknown)), Next::Released)
        .await;
    assert_eq!(exhaust().await.unwrap(), Ok(BatchState::BudgetExhausted));
}

pub async fn raising_the_budget_lets_an_exhausted_batch_go_on(fixture: &Fixture) {
    let world = World::running(&fixture.store, 2, Some(10)).await;
    world.complete_next(10).await;
    world.claim(1).await;
    world.end(2, None, Next::Released).await;
    world.on(BatchEvent::ExhaustBudget).await;
    let set = |budget: Option<i64>| world.store.set_budget(world.batch, budget.map(usd), NOW);
    assert_eq!(
        set(Some(10)).await.unwrap(),
        BatchState::BudgetExhausted,
        "the same"
    );
    assert_eq!(set(Some(5)).await.unwrap(), BatchState::BudgetExhausted, "less");
    assert_eq!(set(Some(15)).await.unwrap(), BatchState::Running);
    world.claim(1).await;
    assert_eq!(
        world.begin(2, 6).await,
        Begun::NoBudget {
            available: usd(5),
            calls_in_flight: 0
        }
    );
    set(None).await.unwrap();
    world.started(2, i64::MAX / 2).await;
    assert_eq!(
        set(Some(1)).await.unwrap(),
        BatchState::Running,
        "takes nothing back"
    );
    let balance = world.store.batch(world.batch).await.unwrap().balance;
    assert_eq!((balance.budget, balance.settled), (Some(usd(1)), usd(10)));
}

pub async fn failed_documents_are_retried_by_code_and_number(fixture: &Fixture) {
    let world = World::running(&fixture.store, 6, None).await;
    for code in [
        FailureCode::Refused,
        FailureCode::CallTimeout,
        FailureCode::CallTimeout,
        FailureCode::Refused,
        FailureCode::CallTimeout,
    ] {
        world.fail_next(code).await;
    }
    world.complete_next(1).await;
    world.on(BatchEvent::FinishWithFailures).await;
    let retry = |codes: &[FailureCode], ordinals: &[u64]| {
        let selection = RetrySelection {
            codes: codes.to_vec(),
            ordinals: ordinals.iter().copied().map(Ordinal).collect(),
            cancelled: false,
        };
        world.store.retry(world.batch, selection, NOW)
    };
    assert_eq!(retry(&[FailureCode::Internal], &[]).await.unwrap(), 0);
    assert_eq!(retry(&[], &[6, 7, u64::MAX]).await.unwrap(), 0, "not failed ones");
    let row = world.store.batch(world.batch).await.unwrap();
    assert_eq!(row.state, BatchState::CompletedWithFailures);
    assert_eq!(retry(&[FailureCode::CallTimeout], &[1, 2, 2]).await.unwrap(), 1);
    let row = world.store.batch(world.batch).await.unwrap();
    assert_eq!((row.state, row.counters.pending), (BatchState::Running, 1));
    assert_eq!(row.ended_at, None);
    assert_eq!(retry(&[FailureCode::CallTimeout], &[]).await.unwrap(), 2);
    assert_eq!(retry(&[], &[]).await.unwrap(), 2);
    let row = world.store.batch(world.batch).await.unwrap();
    assert_eq!(
        (row.counters.pending, row.counters.failed, row.counters.completed),
        (5, 0, 1)
    );
    let documents = world.claim(9).await;
    assert_eq!(documents.len(), 5);
    assert!(documents.iter().all(|document| document.failures == 0));
    let detail = world.store.document(world.id(1)).await.unwrap();
    assert_eq!(detail.row.failure, None);
}

pub async fn cancelling_flips_what_waits_and_lets_calls_end(fixture: &Fixture) {
    // More than one transaction's worth.
    let world = World::draft(&fixture.store, None).await;
    for from in (1..=21_000).step_by(3000) {
        world.add(from..=from + 2999).await;
    }
    world.on(BatchEvent::Start).await;
    world.claim(2).await;
    let attempt = world.started(1, 9).await;
    world.on(BatchEvent::Cancel).await;
    let counters = world.store.batch(world.batch).await.unwrap().counters;
    assert_eq!(
        (counters.cancelled, counters.leased, counters.pending),
        (20_998, 2, 0)
    );
    let next = Next::Completed(Box::new(crate::support::extraction(3)));
    assert!(
        world.end(1, Some(paid(attempt, 3)), next).await.applied,
        "it is paid"
    );
    let retry = Next::Retry {
        at: NOW,
        failure: failure(FailureCode::ProviderError),
        counts: true,
    };
    world.end(2, None, retry).await;
    let row = world.store.batch(world.batch).await.unwrap();
    assert_eq!((row.counters.completed, row.counters.cancelled), (1, 20_999));
    assert_eq!(row.balance.settled, usd(3));
    let selection = RetrySelection {
        cancelled: true,
        ..RetrySelection::default()
    };
    assert_eq!(
        world.store.retry(world.batch, selection, NOW).await.unwrap(),
        20_999
    );
    let row = world.store.batch(world.batch).await.unwrap();
    assert_eq!((row.state, row.counters.pending), (BatchState::Running, 20_999));
}

pub async fn the_log_is_complete_and_in_order(fixture: &Fixture) {
    let other = World::running(&fixture.store, 1, None).await;
    let world = World::running(&fixture.store, 3, None).await;
    other.complete_next(1).await;
    world.complete_next(4).await;
    world.fail_next(FailureCode::Refused).await;
    world.claim(1).await;
    let retry = Next::Retry {
        at: NOW.plus_ms(9),
        failure: failure(FailureCode::RateLimited),
        counts: false,
    };
    world.end(3, None, retry).await;
    world
        .store
        .set_budget(world.batch, Some(usd(9)), NOW)
        .await
        .unwrap();
    let note = EventKind::Note {
        message: "hello".to_owned(),
    };
    world
        .store
        .log(world.batch, Some(Ordinal(3)), note, NOW)
        .await
        .unwrap();
    let log = world.store.events_after(Some(world.batch), 0, 100).await.unwrap();
    let told: Vec<(Option<u64>, String)> = log
        .iter()
        .map(|event| {
            let json = serde_json::to_value(&event.kind).unwrap();
            let name = json["event"].as_str().unwrap().to_owned();
            (event.document.map(|ordinal| ordinal.0), name)
        })
        .collect();
    let told: Vec<(Option<u64>, &str)> = told.iter().map(|(it, name)| (*it, name.as_str())).collect();
    assert_eq!(
        told,
        [
            (None, "batch_created"),
            (None, "documents_added"),
            (None, "state_changed"),
            (Some(1), "document_completed"),
            (Some(2), "document_failed"),
            (Some(3), "attempt_failed"),
            (None, "budget_changed"),
            (Some(3), "note"),
        ]
    );
    assert!(log.iter().all(|event| event.batch == world.batch));
    let all = world.store.events_after(None, 0, 100).await.unwrap();
    assert_eq!(all.len(), log.len() + 4, "the other batch's too");
    assert!(all.windows(2).all(|pair| pair[0].id < pair[1].id));
    let middle = log[3].id;
    let rest = world
        .store
        .events_after(Some(world.batch), middle, 2)
        .await
        .unwrap();
    assert_eq!(rest, log[4..6]);
    assert_eq!(world.store.last_events(world.batch, 3).await.unwrap(), log[5..]);
}

pub async fn another_process_is_heard_at_once(fixture: &Fixture) {
    let world = World::running(&fixture.store, 3, Some(100)).await;
    let other = World {
        store: (fixture.again)(),
        ..world.clone()
    };
    world.claim(1).await;
    other.on(BatchEvent::Pause).await;
    assert_eq!(world.begin(1, 1).await, Begun::NotRunning(BatchState::Paused));
    let claimed = world
        .store
        .claim(world.batch, world.worker, 1, NOW)
        .await
        .unwrap();
    assert_eq!(claimed, Claimed::NotRunning(BatchState::Paused));
    world.on(BatchEvent::Resume).await;
    world.started(1, 60).await;
    other
        .store
        .set_budget(world.batch, Some(usd(60)), NOW)
        .await
        .unwrap();
    assert!(matches!(world.begin(1, 1).await, Begun::NoBudget { .. }));
    assert_eq!(
        other.store.batch(world.batch).await.unwrap(),
        world.store.batch(world.batch).await.unwrap()
    );
}
