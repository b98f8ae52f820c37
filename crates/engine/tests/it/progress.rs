//! A document that is taken up again goes on where it was: what was answered for it is not
//! paid again, also when answers are not taken from other batches.

use docmill_core::batch::BatchState;
use docmill_core::failure::FailureCode;
use docmill_store::RetrySelection;
use docmill_testkit::standin::{Behaviour, Misbehaviour};

use crate::scene::Scene;

/// Lines that look like nothing in particular.
fn lines(count: usize) -> String {
    let lines: Vec<String> = (0..count)
        .map(|line| format!("article {line} with a description of usual length"))
        .collect();
    lines.join("\n")
}

async fn scene_without_reuse() -> Scene {
    let mut scene = Scene::new(0).await;
    scene.plan.reuse_answers = false;
    scene
}

#[tokio::test]
async fn a_repair_that_met_an_outage_does_not_pay_the_first_answer_again() {
    let scene = scene_without_reuse().await;
    scene.write("one.txt", "RECEIPT 1\nThe Corner Shop\nTOTAL 1.50\n");
    scene
        .standin
        .next([Misbehaviour::SchemaViolation, Misbehaviour::Overloaded503]);
    let row = scene.run_all().await;
    assert_eq!(row.state, BatchState::Completed, "{}", row.reason);
    let bill = scene.standin.totals();
    assert_eq!(
        (bill.billed, bill.repeated),
        (2, 0),
        "the bad answer and its repair"
    );
    scene.assert_money_is_right(row.id).await;
}

#[tokio::test]
async fn a_cut_answer_is_not_asked_again_unchanged_after_an_outage() {
    let scene = scene_without_reuse().await;
    scene.write("list.txt", &lines(400));
    scene
        .standin
        .next([Misbehaviour::Length, Misbehaviour::Overloaded503]);
    let row = scene.run_all().await;
    assert_eq!(row.state, BatchState::Completed, "{}", row.reason);
    let bill = scene.standin.totals();
    assert_eq!(
        (bill.billed, bill.repeated),
        (3, 0),
        "the whole, and its two halves"
    );
    scene.assert_money_is_right(row.id).await;
}

#[tokio::test]
async fn parts_that_were_answered_are_not_asked_again() {
    let scene = scene_without_reuse().await;
    scene.write("book.txt", &lines(9000));
    scene.standin.next([Misbehaviour::Overloaded503]);
    let row = scene.run_all().await;
    assert_eq!(row.state, BatchState::Completed, "{}", row.reason);
    let bill = scene.standin.totals();
    assert!(bill.billed > 3, "{bill:?}");
    assert_eq!(bill.repeated, 0, "{bill:?}");
    let detail = scene.details(row.id).await.remove(0);
    assert_eq!(
        detail.attempts.len() as u64,
        bill.billed + 1,
        "one more: the outage"
    );
    scene.assert_money_is_right(row.id).await;
}

#[tokio::test]
async fn a_part_without_an_answer_is_named_and_the_rest_is_kept() {
    let scene = scene_without_reuse().await;
    scene.write("book.txt", &lines(9000));
    scene.standin.next([Misbehaviour::Refusal]);
    let row = scene.run_all().await;
    assert_eq!(row.state, BatchState::Completed, "{}", row.reason);
    let extraction = scene.details(row.id).await.remove(0).extraction.unwrap();
    let finding = extraction
        .findings
        .iter()
        .find(|finding| finding.check == "missing_part")
        .expect("a result that lacks a part says so");
    assert!(finding.message.starts_with("part "), "{}", finding.message);
    assert!(finding.message.contains("is missing"), "{}", finding.message);
    assert!(extraction.risk > 0);
}

#[tokio::test]
async fn a_persons_retry_asks_again_what_was_given_up() {
    let scene = scene_without_reuse().await;
    scene.write("one.txt", "RECEIPT 1\nThe Corner Shop\nTOTAL 1.50\n");
    scene.always(Misbehaviour::SchemaViolation);
    let row = scene.run_all().await;
    assert_eq!(scene.only_failure(row.id).await, "invalid_answer");
    scene.standin.behave(Behaviour::default());
    let selection = RetrySelection {
        codes: vec![FailureCode::InvalidAnswer],
        ..RetrySelection::default()
    };
    scene
        .engine
        .store()
        .retry(row.id, selection, scene.engine.now())
        .await
        .unwrap();
    scene.run(row.id).await;
    let row = scene.row(row.id).await;
    assert_eq!(row.state, BatchState::Completed, "{}", row.reason);
    assert_eq!(scene.standin.totals().billed, 3);
}
