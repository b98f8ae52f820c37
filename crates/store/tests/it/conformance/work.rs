//! Leases.

use docmill_core::batch::{BatchEvent, BatchState};
use docmill_core::document::DocumentState;
use docmill_core::failure::FailureCode;
use docmill_core::id::WorkerId;
use docmill_store::{Begun, Claimed, Next};
use uuid::Uuid;

use crate::support::{Fixture, NOW, World, extraction, failure, register};

pub async fn documents_are_leased_in_order_and_to_one_worker(fixture: &Fixture) {
    let world = World::running(&fixture.store, 10, None).await;
    let other = World {
        worker: register(&fixture.store).await,
        ..world.clone()
    };
    let ordinals = |documents: Vec<docmill_store::LeasedDocument>| -> Vec<u64> {
        documents.iter().map(|document| document.id.ordinal.0).collect()
    };
    assert_eq!(ordinals(world.claim(3).await), [1, 2, 3]);
    assert_eq!(ordinals(other.claim(3).await), [4, 5, 6]);
    assert_eq!(ordinals(world.claim(100).await), [7, 8, 9, 10]);
    assert_eq!(
        world
            .store
            .claim(world.batch, other.worker, 1, NOW)
            .await
            .unwrap(),
        Claimed::NoDocuments {
            next_at: None,
            leased: 10
        }
    );
    assert_eq!(other.begin(1, 1).await, Begun::LeaseLost, "another's document");
    assert!(!other.end(1, None, Next::Released).await.applied);
    let counters = world.store.batch(world.batch).await.unwrap().counters;
    assert_eq!((counters.leased, counters.pending), (10, 0));
    assert!(world.end(3, None, Next::Released).await.applied);
    assert_eq!(ordinals(other.claim(1).await), [3]);
}

pub async fn who_is_not_registered_gets_nothing(fixture: &Fixture) {
    let world = World::running(&fixture.store, 1, None).await;
    let stranger = WorkerId(Uuid::now_v7());
    let claimed = world.store.claim(world.batch, stranger, 1, NOW).await.unwrap();
    assert!(
        matches!(claimed, Claimed::NoDocuments { leased: 0, .. }),
        "{claimed:?}"
    );
    assert_eq!(world.claim(1).await.len(), 1);
}

pub async fn nothing_is_leased_before_its_time(fixture: &Fixture) {
    let world = World::running(&fixture.store, 1, None).await;
    for (counts, failures, waits) in [(true, 1, 0), (false, 1, 1), (true, 2, 1)] {
        let at = NOW.plus_ms(500);
        world.store.claim(world.batch, world.worker, 1, at).await.unwrap();
        let retry = Next::Retry {
            at,
            failure: failure(FailureCode::ProviderError),
            counts,
        };
        assert!(world.end(1, None, retry).await.applied);
        let claimed = |now| world.store.claim(world.batch, world.worker, 1, now);
        assert_eq!(
            claimed(at.plus_ms(-1)).await.unwrap(),
            Claimed::NoDocuments {
                next_at: Some(at),
                leased: 0
            }
        );
        let Claimed::Documents(documents) = claimed(at).await.unwrap() else {
            panic!("its time has come");
        };
        assert_eq!((documents[0].failures, documents[0].waits), (failures, waits));
        world.end(1, None, Next::Released).await;
    }
}

pub async fn a_batch_that_does_not_run_gives_nothing(fixture: &Fixture) {
    let world = World::draft(&fixture.store, None).await;
    world.add(1..=2).await;
    let claimed = world
        .store
        .claim(world.batch, world.worker, 1, NOW)
        .await
        .unwrap();
    assert_eq!(claimed, Claimed::NotRunning(BatchState::Draft));
    world.on(BatchEvent::Start).await;
    assert_eq!(world.claim(1).await.len(), 1);
    world.on(BatchEvent::Pause).await;
    assert_eq!(world.begin(1, 1).await, Begun::NotRunning(BatchState::Paused));
    let claimed = world
        .store
        .claim(world.batch, world.worker, 1, NOW)
        .await
        .unwrap();
    assert_eq!(claimed, Claimed::NotRunning(BatchState::Paused));
}

pub async fn a_document_has_exactly_one_result(fixture: &Fixture) {
    let world = World::running(&fixture.store, 1, None).await;
    world.claim(1).await;
    let completed = |total| Next::Completed(Box::new(extraction(total)));
    assert!(world.end(1, None, completed(1)).await.applied);
    for next in [
        completed(2),
        Next::Failed(failure(FailureCode::Refused)),
        Next::Released,
    ] {
        assert!(!world.end(1, None, next).await.applied, "it has ended");
    }
    let detail = world.store.document(world.id(1)).await.unwrap();
    assert_eq!(detail.row.state, DocumentState::Completed);
    assert_eq!(detail.extraction, Some(extraction(1)));
    let counters = world.store.batch(world.batch).await.unwrap().counters;
    assert_eq!((counters.completed, counters.total()), (1, 1));
}

/// A document was told to wait a minute; then the clock was set back, by an hour and by a day.
pub async fn a_clock_that_is_set_back_makes_nobody_wait(fixture: &Fixture) {
    const HOUR: i64 = 3_600_000;
    let world = World::running(&fixture.store, 2, None).await;
    for back in [HOUR, 24 * HOUR] {
        let document = world.claim(1).await.remove(0);
        let retry = Next::Retry {
            at: NOW.plus_ms(60_000),
            failure: failure(FailureCode::ProviderError),
            counts: true,
        };
        world.end(document.id.ordinal.0, None, retry).await;
        // The other document is in hand, so that nothing else could be claimed.
        let other = world.claim(1).await.remove(0);
        let claim = |now| world.store.claim(world.batch, world.worker, 1, now);
        let soon = claim(NOW.plus_ms(1)).await.unwrap();
        assert!(
            matches!(soon, Claimed::NoDocuments { next_at: Some(at), .. } if at == NOW.plus_ms(60_000)),
            "a minute is a minute: {soon:?}"
        );
        let Claimed::Documents(claimed) = claim(NOW.plus_ms(-back)).await.unwrap() else {
            panic!("{back} ms back: nothing was claimed");
        };
        assert_eq!(claimed[0].id, document.id);
        for document in [document, other] {
            world.end(document.id.ordinal.0, None, Next::Released).await;
        }
    }
}
