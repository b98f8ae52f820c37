//! What a run does when all goes well, and what it does not do twice.

use docmill_core::batch::BatchState;
use docmill_core::document::DocumentState;
use docmill_engine::run::Stop;
use tokio::sync::watch;

use crate::scene::Scene;

#[tokio::test]
async fn every_document_gets_one_result_and_one_call() {
    let scene = Scene::new(30).await;
    let row = scene.run_all().await;
    assert_eq!(row.state, BatchState::Completed, "{}", row.reason);
    assert_eq!(row.counters.completed, 30);
    let bill = scene.standin.totals();
    assert_eq!((bill.billed, bill.repeated), (30, 0));
    assert_eq!(
        i64::try_from(bill.cost_nanos).unwrap(),
        row.balance.settled.nanos(),
        "the two books agree to the last nano-dollar"
    );
    for detail in scene.details(row.id).await {
        assert!(detail.extraction.is_some());
        assert_eq!(detail.attempts.len(), 1);
    }
}

#[tokio::test]
async fn an_answer_that_was_paid_for_is_not_paid_for_again() {
    let scene = Scene::new(12).await;
    let first = scene.run_all().await;
    let again = scene.batch(true).await;
    assert_ne!(again, first.id);
    scene.run(again).await;
    let row = scene.row(again).await;
    assert_eq!(row.counters.completed, 12);
    assert_eq!(row.balance.settled.nanos(), 0);
    assert_eq!(
        scene.standin.totals().billed,
        12,
        "no call was made for the second batch"
    );
    let (old, new) = (scene.details(first.id).await, scene.details(again).await);
    for (old, new) in old.iter().zip(&new) {
        let data = |detail: &docmill_store::DocumentDetail| detail.extraction.clone().unwrap().data;
        assert_eq!(data(old), data(new));
    }
}

#[tokio::test]
async fn duplicates_point_to_the_first_and_cost_nothing() {
    let scene = Scene::new(3).await;
    scene.write("zz-copy.txt", "RECEIPT 1\nThe Corner Shop\nTOTAL 1.50\n");
    scene.write("zz-empty.txt", "");
    let row = scene.run_all().await;
    assert_eq!(row.state, BatchState::Completed);
    assert_eq!((row.counters.completed, row.counters.skipped), (3, 2));
    let documents = scene.documents(row.id).await;
    let copy = documents.iter().find(|it| it.name == "zz-copy.txt").unwrap();
    assert_eq!(copy.state, DocumentState::Skipped);
    assert_eq!(copy.duplicate_of, Some(documents[1].ordinal));
    assert_eq!(scene.standin.totals().billed, 3);
}

#[tokio::test]
async fn a_long_document_is_asked_in_parts_and_merged() {
    let scene = Scene::new(0).await;
    let lines: Vec<String> = (0..9000)
        .map(|line| format!("{line} article with a description of usual length {line}.50"))
        .collect();
    scene.write("book.txt", &lines.join("\n"));
    let row = scene.run_all().await;
    assert_eq!(row.state, BatchState::Completed, "{}", row.reason);
    let detail = scene.details(row.id).await.remove(0);
    let mut parts: Vec<u32> = detail.attempts.iter().map(|attempt| attempt.part).collect();
    parts.sort_unstable();
    assert!(parts.len() > 2, "{parts:?}");
    assert_eq!(
        parts,
        (0..u32::try_from(parts.len()).unwrap()).collect::<Vec<_>>()
    );
    assert!(detail.extraction.unwrap().data.is_object());
    scene.assert_money_is_right(row.id).await;
}

#[tokio::test]
async fn two_processes_share_a_batch_and_no_document() {
    let scene = Scene::new(120).await;
    let id = scene.batch(false).await;
    let other = scene.another_engine();
    let (_stop, stopping) = watch::channel(Stop::No);
    let (mine, theirs) = tokio::join!(scene.run(id), other.run(id, stopping));
    theirs.unwrap();
    drop(mine);
    let row = scene.row(id).await;
    assert_eq!(row.state, BatchState::Completed, "{}", row.reason);
    assert_eq!(row.counters.completed, 120);
    let bill = scene.standin.totals();
    assert_eq!((bill.billed, bill.repeated), (120, 0));
}

#[tokio::test]
async fn documents_added_to_a_completed_batch_are_done_too() {
    let scene = Scene::new(4).await;
    let first = scene.run_all().await;
    scene.write("zz-new.txt", "RECEIPT 99\nTOTAL 9.90\n");
    let second = scene.run_all().await;
    assert_eq!(second.id, first.id);
    assert_eq!(second.state, BatchState::Completed);
    assert_eq!(second.counters.completed, 5);
    assert_eq!(scene.standin.totals().billed, 5);
}
