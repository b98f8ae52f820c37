//! The wall.

use docmill_core::batch::BatchState;
use docmill_core::money::Usd;
use docmill_testkit::standin::{Behaviour, Latency};

use crate::scene::Scene;

#[tokio::test]
async fn the_bill_stops_at_the_budget_and_raising_it_goes_on() {
    let mut scene = Scene::new(60).await;
    scene.standin.behave(Behaviour {
        latency: Latency::FixedMs(5),
        extra_output_tokens: (0, 200),
        ..Behaviour::default()
    });
    scene.budget = Some("0.05".parse().unwrap());
    let id = scene.batch(false).await;
    scene.run(id).await;
    let row = scene.row(id).await;
    assert_eq!(row.state, BatchState::BudgetExhausted, "{}", row.reason);
    let billed = i64::try_from(scene.standin.totals().cost_nanos).unwrap();
    assert!(billed <= 50_000_000, "{billed}");
    assert!(row.counters.pending > 0 && row.counters.completed > 0);
    scene.assert_money_is_right(id).await;

    let more: Usd = "5".parse().unwrap();
    let now = row.updated_at;
    scene
        .engine
        .store()
        .set_budget(id, Some(more), now)
        .await
        .unwrap();
    scene.run(id).await;
    let row = scene.row(id).await;
    assert_eq!(row.state, BatchState::Completed, "{}", row.reason);
    assert_eq!(row.counters.completed, 60);
    assert_eq!(scene.standin.totals().repeated, 0);
}

#[tokio::test]
async fn a_document_dearer_than_the_whole_budget_is_told_alone() {
    let mut scene = Scene::new(2).await;
    let lines: Vec<String> = (0..3000)
        .map(|line| format!("article {line} of usual length"))
        .collect();
    scene.write("dear.txt", &lines.join("\n"));
    scene.budget = Some("0.02".parse().unwrap());
    let id = scene.batch(false).await;
    scene.run(id).await;
    let row = scene.row(id).await;
    assert_eq!(row.state, BatchState::CompletedWithFailures, "{}", row.reason);
    assert_eq!((row.counters.completed, row.counters.failed), (2, 1));
    let documents = scene.documents(id).await;
    let dear = documents.iter().find(|it| it.name == "dear.txt").unwrap();
    assert_eq!(dear.failure.as_ref().unwrap().code.to_string(), "over_budget");
}

#[tokio::test]
async fn a_budget_of_nothing_calls_nobody() {
    let mut scene = Scene::new(5).await;
    scene.budget = Some(Usd::ZERO);
    let id = scene.batch(false).await;
    scene.run(id).await;
    assert_eq!(scene.standin.totals().billed, 0);
    let row = scene.row(id).await;
    assert_eq!(row.state, BatchState::BudgetExhausted, "{}", row.reason);
    assert_eq!(row.counters.pending, 5, "no document is to blame");
}

#[tokio::test]
async fn many_documents_dearer_than_the_budget_are_told_at_once() {
    let mut scene = Scene::new(500).await;
    scene.budget = Some("0.000001".parse().unwrap());
    let id = scene.batch(false).await;
    scene.run(id).await;
    let row = scene.row(id).await;
    assert_eq!(row.counters.failed, 500, "{}", row.reason);
    assert_eq!(scene.standin.totals().billed, 0);
}
