//! What people do: reviews, many documents at once, jobs, small things by name; and what charts show.

use docmill_core::document::{Class, DocumentState, Kind};
use docmill_core::failure::FailureCode;
use docmill_core::id::{DocumentId, Ordinal};
use docmill_core::money::Usd;
use docmill_core::verdict::Verdict;
use docmill_store::{
    ActivityQuery, BatchChange, BatchQuery, BatchSort, BulkAction, Commit, DocumentQuery, JobProgress,
    JobState, NewReview, Next, Position, ReadFacts, ReviewRefused, SortBy,
};
use serde_json::json;

use crate::support::{Fixture, NOW, World, extraction, failure, paid, usd};

fn review(verdict: Verdict, data: Option<serde_json::Value>, seen: u32) -> NewReview {
    NewReview {
        verdict,
        data,
        seen,
        reviewer: "ada".to_owned(),
    }
}

async fn completed(fixture: &Fixture, documents: u64) -> World {
    let world = World::running(&fixture.store, documents, None).await;
    for document in world.claim(100).await {
        let total = i64::try_from(document.id.ordinal.0).unwrap();
        world
            .end(
                document.id.ordinal.0,
                None,
                Next::Completed(Box::new(extraction(total))),
            )
            .await;
    }
    world
}

pub async fn a_correction_is_kept_beside_what_the_model_gave(fixture: &Fixture) {
    let world = completed(fixture, 2).await;
    let id = DocumentId {
        batch: world.batch,
        ordinal: Ordinal(1),
    };
    let corrected = json!({ "total": 42 });
    let taken = world
        .store
        .review(id, review(Verdict::Approved, Some(corrected.clone()), 0), NOW)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((taken.version, taken.data), (1, Some(corrected.clone())));
    let detail = world.store.document(id).await.unwrap();
    assert_eq!(
        detail.extraction.unwrap().data,
        json!({ "total": 1 }),
        "the model's own words stay"
    );
    assert_eq!(detail.row.verdict, Some(Verdict::Approved));
    assert_eq!(detail.history.len(), 1);
    assert_eq!(detail.history[0].changes[0].field, "/total");
    // Set back to what the model gave, it is no correction any more.
    let back = review(Verdict::Approved, Some(json!({ "total": 1 })), 1);
    let taken = world.store.review(id, back, NOW).await.unwrap().unwrap();
    assert_eq!((taken.version, taken.data), (2, None));
    let rows = world
        .store
        .reviewed_after(world.batch, Ordinal(0), 10)
        .await
        .unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(
        world.store.verdicts(world.batch).await.unwrap(),
        [(Verdict::Approved, 1)]
    );
}

pub async fn two_reviewers_do_not_overwrite_each_other_unseen(fixture: &Fixture) {
    let world = completed(fixture, 1).await;
    let id = DocumentId {
        batch: world.batch,
        ordinal: Ordinal(1),
    };
    let first = world
        .store
        .review(id, review(Verdict::Rejected, None, 0), NOW)
        .await
        .unwrap();
    assert_eq!(first.unwrap().version, 1);
    let second = world
        .store
        .review(id, review(Verdict::Approved, None, 0), NOW)
        .await
        .unwrap();
    assert!(matches!(second, Err(ReviewRefused::Changed(standing)) if standing.verdict == Verdict::Rejected));
    let seen = world
        .store
        .review(id, review(Verdict::Approved, None, 1), NOW)
        .await
        .unwrap();
    assert_eq!(seen.unwrap().version, 2);
}

pub async fn what_has_no_result_is_not_reviewed(fixture: &Fixture) {
    let world = World::running(&fixture.store, 1, None).await;
    let id = DocumentId {
        batch: world.batch,
        ordinal: Ordinal(1),
    };
    let refused = world
        .store
        .review(id, review(Verdict::Approved, None, 0), NOW)
        .await
        .unwrap();
    assert_eq!(refused, Err(ReviewRefused::NoResult(DocumentState::Pending)));
}

pub async fn reviews_filter_lists(fixture: &Fixture) {
    let world = completed(fixture, 4).await;
    for ordinal in [1, 3] {
        let id = DocumentId {
            batch: world.batch,
            ordinal: Ordinal(ordinal),
        };
        let verdict = if ordinal == 1 {
            Verdict::Approved
        } else {
            Verdict::Rejected
        };
        world
            .store
            .review(id, review(verdict, None, 0), NOW)
            .await
            .unwrap()
            .unwrap();
    }
    let ordinals = |query: DocumentQuery| async {
        let page = world.store.documents(world.batch, query).await.unwrap();
        page.rows.iter().map(|row| row.ordinal.0).collect::<Vec<_>>()
    };
    let unreviewed = DocumentQuery {
        unreviewed: true,
        sort: SortBy::Risk,
        descending: true,
        ..DocumentQuery::default()
    };
    assert_eq!(ordinals(unreviewed).await, [4, 2]);
    for sort in [SortBy::Ordinal, SortBy::Name, SortBy::Updated] {
        let rejected = DocumentQuery {
            verdicts: vec![Verdict::Rejected],
            sort,
            ..DocumentQuery::default()
        };
        assert_eq!(ordinals(rejected).await, [3]);
    }
    let risky = DocumentQuery {
        risk_at_least: Some(8),
        ..DocumentQuery::default()
    };
    assert_eq!(ordinals(risky).await, Vec::<u64>::new());
}

pub async fn a_list_is_gone_through_document_by_document(fixture: &Fixture) {
    let world = completed(fixture, 5).await;
    for (sort, descending) in [
        (SortBy::Ordinal, false),
        (SortBy::Name, true),
        (SortBy::Risk, true),
    ] {
        let list = DocumentQuery {
            sort,
            descending,
            ..DocumentQuery::default()
        };
        let whole = world.store.documents(world.batch, list.clone()).await.unwrap();
        let order: Vec<Ordinal> = whole.rows.iter().map(|row| row.ordinal).collect();
        for pair in order.windows(2) {
            for (position, expected) in [
                (Position::AfterDocument(pair[0]), pair[1]),
                (Position::BeforeDocument(pair[1]), pair[0]),
            ] {
                let one = DocumentQuery {
                    position,
                    limit: 1,
                    ..list.clone()
                };
                let page = world.store.documents(world.batch, one).await.unwrap();
                assert_eq!(page.rows[0].ordinal, expected);
            }
        }
    }
}

pub async fn many_are_skipped_assigned_and_approved_at_once(fixture: &Fixture) {
    let world = World::running(&fixture.store, 4, None).await;
    let documents = world.claim(3).await;
    world
        .end(
            documents[0].id.ordinal.0,
            None,
            Next::Completed(Box::new(extraction(1))),
        )
        .await;
    world
        .end(
            documents[1].id.ordinal.0,
            None,
            Next::Failed(failure(FailureCode::CorruptDocument)),
        )
        .await;
    let all: Vec<Ordinal> = (1..=4).map(Ordinal).collect();
    let bulk = |action| world.store.bulk(world.batch, all.clone(), action, "ada", NOW);
    assert_eq!(
        bulk(BulkAction::Skip).await.unwrap(),
        2,
        "the failed and the waiting one"
    );
    assert_eq!(bulk(BulkAction::Skip).await.unwrap(), 0);
    assert_eq!(bulk(BulkAction::Assign).await.unwrap(), 1);
    assert_eq!(
        bulk(BulkAction::Approve).await.unwrap(),
        1,
        "assigned is not yet said"
    );
    assert_eq!(
        bulk(BulkAction::Assign).await.unwrap(),
        0,
        "a person's word is not replaced"
    );
    let counters = world.store.batch(world.batch).await.unwrap().counters;
    assert_eq!((counters.skipped, counters.leased, counters.completed), (2, 1, 1));
    assert_eq!(counters.total(), 4);
}

pub async fn what_happened_is_summed_by_interval(fixture: &Fixture) {
    let world = World::running(&fixture.store, 3, None).await;
    let documents = world.claim(3).await;
    let facts = ReadFacts {
        kind: Kind::Pdf,
        class: Class::SimplePdf,
        pages: 1,
    };
    let ends = [
        (500, Next::Completed(Box::new(extraction(1)))),
        (300, Next::Failed(failure(FailureCode::InvalidAnswer))),
    ];
    for (document, (cost, next)) in documents.iter().zip(ends) {
        let ordinal = document.id.ordinal.0;
        let attempt = world.started(ordinal, cost).await;
        let commit = Commit {
            facts: Some(facts),
            ..world.commit(ordinal, Some(paid(attempt, cost)), next)
        };
        assert!(world.store.commit(commit.into()).await.unwrap().applied);
    }
    let query = ActivityQuery {
        batches: vec![world.batch],
        from: NOW.plus_ms(-60_000),
        to: NOW.plus_ms(60_000),
        ..ActivityQuery::default()
    };
    let rows = world.store.activity(query.clone()).await.unwrap();
    assert_eq!(rows.len(), 1);
    let sums = &rows[0].activity;
    assert_eq!((sums.completed, sums.failed, sums.calls), (1, 1, 2));
    assert_eq!(sums.cost, usd(800));
    assert_eq!(sums.latency.count(), 2);
    let apart = ActivityQuery {
        batches: Vec::new(),
        apart: true,
        ..query.clone()
    };
    let rows = world.store.activity(apart).await.unwrap();
    let mine: Vec<_> = rows.iter().filter(|row| row.batch == Some(world.batch)).collect();
    assert_eq!(mine.len(), 1);
    assert_eq!(mine[0].class, Some(Class::SimplePdf));
    let before = ActivityQuery {
        to: NOW.plus_ms(-20_000),
        ..query
    };
    assert!(world.store.activity(before).await.unwrap().is_empty());
    assert_eq!(
        world.store.batch(world.batch).await.unwrap().balance.settled,
        Usd::from_nanos(800),
        "charts and ledger agree"
    );
}

pub async fn jobs_go_on_where_they_were_until_somebody_ends_them(fixture: &Fixture) {
    let world = World::draft(&fixture.store, None).await;
    let spec = json!({ "job": "prepare", "start": false });
    let id = world
        .store
        .add_job(world.batch, spec.clone(), 10, NOW)
        .await
        .unwrap();
    let progress = |state, done| JobProgress {
        state,
        total: 10,
        done,
        changed: 1,
        cursor: Some("here".to_owned()),
        message: "on the way".to_owned(),
    };
    let state = world
        .store
        .move_job(id, progress(JobState::Running, 4), NOW)
        .await
        .unwrap();
    assert_eq!(state, JobState::Running);
    let again = (fixture.again)();
    let running = again.jobs(None, true, 10).await.unwrap();
    let mine = running.iter().find(|job| job.id == id).unwrap();
    assert_eq!(
        (mine.done, mine.cursor.as_deref(), &mine.spec),
        (4, Some("here"), &spec)
    );
    again
        .move_job(id, progress(JobState::Cancelled, 4), NOW)
        .await
        .unwrap();
    let state = world
        .store
        .move_job(id, progress(JobState::Done, 10), NOW)
        .await
        .unwrap();
    assert_eq!(
        state,
        JobState::Cancelled,
        "who was told to stop does not end it otherwise"
    );
    assert_eq!(world.store.job(id).await.unwrap().unwrap().done, 4);
    assert_eq!(
        world
            .store
            .jobs(Some(world.batch), false, 10)
            .await
            .unwrap()
            .len(),
        1
    );
}

pub async fn small_things_are_kept_by_name(fixture: &Fixture) {
    let store = &fixture.store;
    store.keep("shelf", "b", Some(json!(1)), NOW).await.unwrap();
    store
        .keep("shelf", "a", Some(json!({ "x": 2 })), NOW)
        .await
        .unwrap();
    store.keep("other", "a", Some(json!(3)), NOW).await.unwrap();
    store.keep("shelf", "b", Some(json!(4)), NOW).await.unwrap();
    let names = |rows: Vec<docmill_store::KeptRow>| {
        rows.into_iter()
            .map(|row| (row.name, row.value))
            .collect::<Vec<_>>()
    };
    let kept = names(store.kept("shelf").await.unwrap());
    assert_eq!(
        kept,
        [("a".to_owned(), json!({ "x": 2 })), ("b".to_owned(), json!(4))]
    );
    store.keep("shelf", "a", None, NOW).await.unwrap();
    assert_eq!(store.kept("shelf").await.unwrap().len(), 1);
}

pub async fn batches_are_sorted_searched_counted_and_archived(fixture: &Fixture) {
    let mut worlds = Vec::new();
    for documents in [1, 3, 2] {
        worlds.push(World::running(&fixture.store, documents, None).await);
    }
    let store = &fixture.store;
    for (world, name) in worlds.iter().zip(["Alpha", "beta", "alphabet"]) {
        let change = BatchChange {
            name: Some(name.to_owned()),
            ..BatchChange::default()
        };
        store.change_batch(world.batch, change, NOW).await.unwrap();
    }
    let names = |query: BatchQuery| async move {
        let rows = store.batches(query).await.unwrap();
        rows.into_iter().map(|row| row.name).collect::<Vec<_>>()
    };
    let by = |sort, ascending| BatchQuery {
        sort,
        ascending,
        ..BatchQuery::default()
    };
    assert_eq!(
        names(by(BatchSort::Name, true)).await,
        ["Alpha", "alphabet", "beta"]
    );
    assert_eq!(
        names(by(BatchSort::Documents, false)).await,
        ["beta", "alphabet", "Alpha"]
    );
    let search = BatchQuery {
        search: Some("ALPHA".to_owned()),
        ..by(BatchSort::Created, true)
    };
    assert_eq!(names(search.clone()).await, ["Alpha", "alphabet"]);
    let archive = BatchChange {
        archived: Some(true),
        ..BatchChange::default()
    };
    store.change_batch(worlds[0].batch, archive, NOW).await.unwrap();
    let in_sight = BatchQuery {
        archived: Some(false),
        ..search
    };
    assert_eq!(names(in_sight.clone()).await, ["alphabet"]);
    let counted = store.count_batches(in_sight).await.unwrap();
    assert_eq!(counted, [(docmill_core::BatchState::Running, 1)]);
    let page = BatchQuery {
        offset: 1,
        limit: 1,
        ..by(BatchSort::Name, true)
    };
    assert_eq!(names(page).await, ["alphabet"]);
}

/// Two people change two things at once: neither undoes the other.
pub async fn who_changes_one_thing_leaves_the_rest_as_it_is(fixture: &Fixture) {
    let store = &fixture.store;
    let world = World::draft(store, None).await;
    let change = |change: BatchChange| store.change_batch(world.batch, change, NOW);
    let (first, second) = tokio::join!(
        change(BatchChange {
            concurrency: Some(7),
            ..BatchChange::default()
        }),
        change(BatchChange {
            weight: Some(3),
            ..BatchChange::default()
        })
    );
    first.unwrap();
    second.unwrap();
    let row = store.batch(world.batch).await.unwrap();
    assert_eq!((row.plan.concurrency, row.plan.weight), (Some(7), Some(3)));
}
