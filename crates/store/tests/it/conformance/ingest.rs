//! Batches and documents coming in.

use docmill_core::document::{Class, DocumentState, Kind};
use docmill_core::failure::FailureCode;
use docmill_core::id::{ContentHash, Ordinal};
use docmill_store::{BatchQuery, DocumentProfile, Enqueued, NewDocument, StoreError};

use crate::support::{Fixture, NOW, World, document, failure};

pub async fn new_known_duplicate_and_unsupported_documents_are_told_apart(fixture: &Fixture) {
    let world = World::draft(&fixture.store, None).await;
    let skipped = NewDocument {
        skip: Some(failure(FailureCode::UnsupportedType)),
        ..document("skipped.bin")
    };
    let copy = |key: &str, of: &NewDocument| NewDocument {
        key: key.to_owned(),
        ..of.clone()
    };
    let unreadable = NewDocument {
        content_hash: None,
        ..document("unreadable.pdf")
    };
    let first = document("first.pdf");
    let chunk = vec![
        first.clone(),
        skipped.clone(),
        copy("copy.pdf", &first),
        first.clone(),
        unreadable.clone(),
        copy("unreadable too.pdf", &unreadable),
        // Its twin is not processed, so it is no substitute.
        NewDocument {
            skip: None,
            ..copy("not skipped.pdf", &skipped)
        },
    ];
    let enqueued = world
        .store
        .enqueue_chunk(world.batch, chunk.clone(), NOW)
        .await
        .unwrap();
    assert_eq!(
        enqueued,
        Enqueued {
            added: 6,
            known: 1,
            duplicates: 1,
            skipped: 2
        }
    );
    let again = world.store.enqueue_chunk(world.batch, chunk, NOW).await.unwrap();
    assert_eq!(
        (again.added, again.known),
        (0, 7),
        "adding again adds only what is new"
    );
    let row = world.store.batch(world.batch).await.unwrap();
    assert_eq!((row.counters.pending, row.counters.skipped), (4, 2));
    let duplicate = world.store.document(world.id(3)).await.unwrap().row;
    assert_eq!(
        (duplicate.state, duplicate.duplicate_of),
        (DocumentState::Skipped, Some(Ordinal(1)))
    );
    assert_eq!(duplicate.failure.unwrap().code, FailureCode::Duplicate);
    let keys = ["first.pdf", "new.pdf", "copy.pdf"].map(str::to_owned).to_vec();
    let known = world.store.known_documents(world.batch, keys).await.unwrap();
    let names: Vec<&str> = known.iter().map(|known| known.key.as_str()).collect();
    assert_eq!(names, ["first.pdf", "copy.pdf"]);
    assert_eq!(
        (known[0].content_hash, known[0].bytes),
        (known[1].content_hash, known[1].bytes),
        "as they were when they were added"
    );
    // Another batch knows nothing of it.
    let other = World::draft(&fixture.store, None).await;
    let enqueued = other
        .store
        .enqueue_chunk(other.batch, vec![first], NOW)
        .await
        .unwrap();
    assert_eq!((enqueued.added, enqueued.skipped), (1, 0));
    let added = other
        .store
        .documents(other.batch, Default::default())
        .await
        .unwrap();
    assert_eq!(added.rows[0].ordinal, Ordinal(1));
}

pub async fn what_reading_found_is_kept(fixture: &Fixture) {
    let world = World::running(&fixture.store, 2, None).await;
    let found = DocumentProfile {
        ordinal: Ordinal(2),
        kind: Kind::Image,
        class: Class::Image,
        pages: 3,
        input_tokens: 1234,
    };
    world.store.profile(world.batch, vec![found], NOW).await.unwrap();
    let row = world.store.document(world.id(2)).await.unwrap().row;
    assert_eq!(
        (row.kind, row.class, row.pages),
        (Kind::Image, Class::Image, Some(3))
    );
    let row = world.store.document(world.id(1)).await.unwrap().row;
    assert_eq!(
        (row.kind, row.class, row.pages),
        (Kind::Pdf, Class::Unknown, None)
    );
    assert_eq!(row.content_hash, Some(ContentHash::of(b"1.pdf")));
    let claimed = world.claim(2).await;
    assert_eq!((claimed[1].kind, claimed[1].key.as_str()), (Kind::Image, "2.pdf"));
}

pub async fn a_batch_is_made_once_and_found_by_what_people_type(fixture: &Fixture) {
    let store = &fixture.store;
    let old = World::draft(store, Some(5)).await;
    let new = World::draft(store, None).await;
    for (typed, id) in [
        (new.batch.to_string(), new.batch),
        (old.batch.short(), old.batch),
        (format!("batch {}", old.batch), old.batch),
        ("last".to_owned(), new.batch),
        (" Last ".to_owned(), new.batch),
    ] {
        assert_eq!(store.find_batch(&typed).await.unwrap().id, id, "{typed}");
    }
    for typed in ["", "nothing", "%", "ab", "0123456789abcdef"] {
        let error = store.find_batch(typed).await.unwrap_err();
        assert!(matches!(error, StoreError::NoSuchBatch(_)), "{typed:?}: {error}");
    }
    let row = store.batch(old.batch).await.unwrap();
    let again = docmill_store::NewBatch {
        id: old.batch,
        name: "again".to_owned(),
        template: row.template.clone(),
        plan: row.plan.clone(),
        budget: None,
        sources: Vec::new(),
        owner: String::new(),
    };
    // Whoever shares the transaction with this mistake does not suffer.
    let (refused, fine) = tokio::join!(store.create_batch(again, NOW), store.heartbeat(new.worker, NOW));
    assert!(matches!(refused, Err(StoreError::BatchExists(id)) if id == old.batch));
    fine.unwrap();
    assert_eq!(store.batch(old.batch).await.unwrap(), row);
    let plan = docmill_core::Plan {
        concurrency: Some(3),
        ..row.plan.clone()
    };
    store.set_plan(old.batch, plan.clone(), NOW).await.unwrap();
    let estimate = serde_json::json!({"cost": 3});
    store
        .set_estimate(old.batch, estimate.clone(), NOW)
        .await
        .unwrap();
    let row = store.batch(old.batch).await.unwrap();
    assert_eq!((row.plan, row.estimate), (plan, Some(estimate)));
    let listed = store.batches(BatchQuery::default()).await.unwrap();
    let listed: Vec<_> = listed.iter().map(|batch| batch.id).collect();
    assert_eq!(listed, [new.batch, old.batch], "newest first");
    let running = BatchQuery {
        states: vec![docmill_core::BatchState::Running],
        limit: 5,
        ..BatchQuery::default()
    };
    assert_eq!(store.batches(running).await.unwrap(), []);
}
