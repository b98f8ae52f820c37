//! Workers that die, and workers that go.

use docmill_core::batch::BatchEvent;
use docmill_core::document::DocumentState;
use docmill_core::event::EventKind;
use docmill_core::money::Usd;
use docmill_store::{Begun, Bill, Claimed, Next, Recovered};

use crate::support::{Fixture, NOW, World, extraction, paid, register, settlement, usd};

pub async fn the_dead_lose_their_leases_and_their_calls_count_at_worst_case(fixture: &Fixture) {
    let world = World::running(&fixture.store, 5, Some(100)).await;
    let other = World {
        worker: register(&fixture.store).await,
        ..world.clone()
    };
    world.claim(3).await;
    other.claim(1).await;
    world.started(1, 30).await;
    world.started(2, 20).await;
    other.started(4, 10).await;
    let recovered = world.store.recover(vec![world.worker], NOW).await.unwrap();
    assert_eq!(
        recovered,
        Recovered {
            documents: 3,
            unconfirmed_calls: 2,
            unconfirmed: usd(50)
        }
    );
    let again = world.store.recover(vec![world.worker], NOW).await.unwrap();
    assert_eq!(again, Recovered::default(), "once is enough");
    let row = world.store.batch(world.batch).await.unwrap();
    assert_eq!(
        (row.balance.unconfirmed, row.balance.reserved),
        (usd(50), usd(10))
    );
    assert_eq!(
        (row.counters.pending, row.counters.leased, row.calls_in_flight),
        (4, 1, 1)
    );
    assert_eq!(world.begin(1, 1).await, Begun::LeaseLost);
    assert!(!world.end(3, None, Next::Released).await.applied);
    let claimed = world
        .store
        .claim(world.batch, world.worker, 9, NOW)
        .await
        .unwrap();
    assert!(
        matches!(claimed, Claimed::NoDocuments { .. }),
        "the dead claim nothing: {claimed:?}"
    );
    assert!(
        !world
            .store
            .workers()
            .await
            .unwrap()
            .iter()
            .any(|worker| worker.id == world.worker)
    );
    let last = world.store.last_events(world.batch, 1).await.unwrap();
    assert!(
        matches!(
            last[0].kind,
            EventKind::Recovered {
                documents: 3,
                unconfirmed_calls: 2,
                ..
            }
        ),
        "{last:?}"
    );
    assert_eq!(other.claim(9).await.len(), 4);
}

pub async fn a_late_answer_replaces_the_worst_case_by_the_truth(fixture: &Fixture) {
    let world = World::running(&fixture.store, 2, Some(100)).await;
    world.claim(2).await;
    let begun = world.store.begin(world.start(1, "late", 60)).await.unwrap();
    assert_eq!(begun, Begun::Started { attempt: 1 });
    world.started(2, 40).await;
    world.store.recover(vec![world.worker], NOW).await.unwrap();
    // It answers all the same.
    let next = Next::Completed(Box::new(extraction(1)));
    let committed = world.end(1, Some(paid(1, 11)), next).await;
    assert_eq!((committed.applied, committed.overrun), (false, None));
    world
        .end(2, Some(settlement(1, Bill::NotBilled)), Next::Released)
        .await;
    let row = world.store.batch(world.batch).await.unwrap();
    assert_eq!(
        (row.balance.settled, row.balance.unconfirmed),
        (usd(11), Usd::ZERO)
    );
    assert_eq!((row.counters.pending, row.calls_in_flight), (2, 0));
    // What was paid for is not paid again by whoever takes the document over.
    let heir = World {
        worker: register(&fixture.store).await,
        ..world.clone()
    };
    heir.claim(1).await;
    let begun = heir.store.begin(heir.start(1, "late", 60)).await.unwrap();
    assert!(matches!(begun, Begun::Answered(_)), "{begun:?}");
}

pub async fn of_a_cancelled_batch_nothing_returns_to_the_queue(fixture: &Fixture) {
    let world = World::running(&fixture.store, 3, None).await;
    world.claim(2).await;
    world.on(BatchEvent::Cancel).await;
    world.end(1, None, Next::Released).await;
    world.store.recover(vec![world.worker], NOW).await.unwrap();
    let counters = world.store.batch(world.batch).await.unwrap().counters;
    assert_eq!((counters.cancelled, counters.total()), (3, 3));
}

pub async fn a_worker_that_retires_gives_everything_back(fixture: &Fixture) {
    let world = World::running(&fixture.store, 3, Some(100)).await;
    world.claim(2).await;
    world.started(1, 60).await;
    world.store.retire_worker(world.worker, NOW).await.unwrap();
    let row = world.store.batch(world.batch).await.unwrap();
    assert_eq!((row.counters.pending, row.counters.leased), (3, 0));
    assert_eq!(
        row.balance.unconfirmed,
        usd(60),
        "it did not say how its call ended"
    );
    let state = world.store.document(world.id(1)).await.unwrap().row.state;
    assert_eq!(state, DocumentState::Pending);
    assert_eq!(world.store.workers().await.unwrap(), []);
}
