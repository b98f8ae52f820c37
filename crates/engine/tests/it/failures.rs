//! What becomes of a document, and of the batch, when the provider misbehaves.

use docmill_core::batch::BatchState;
use docmill_testkit::standin::Misbehaviour;

use crate::scene::Scene;

#[tokio::test]
async fn a_passing_trouble_is_tried_again() {
    use Misbehaviour::{
        InternalErrorUnbilled, Overloaded503, Overloaded529, RateLimited, ResetBeforeBilling,
    };
    for kind in [
        RateLimited,
        Overloaded503,
        Overloaded529,
        InternalErrorUnbilled,
        ResetBeforeBilling,
    ] {
        let scene = Scene::new(1).await;
        scene.standin.next([kind]);
        let row = scene.run_all().await;
        assert_eq!(row.state, BatchState::Completed, "{kind:?}: {}", row.reason);
        assert_eq!(scene.standin.totals().billed, 1, "{kind:?}");
        scene.assert_money_is_right(row.id).await;
    }
}

#[tokio::test]
async fn a_call_whose_outcome_is_unknown_keeps_counting() {
    for kind in [Misbehaviour::ResetAfterBilling, Misbehaviour::TruncatedBody] {
        let scene = Scene::new(1).await;
        scene.standin.next([kind]);
        let row = scene.run_all().await;
        assert_eq!(row.state, BatchState::Completed, "{kind:?}: {}", row.reason);
        assert_eq!(scene.standin.totals().billed, 2, "{kind:?}");
        assert!(row.balance.unconfirmed.nanos() > 0, "{kind:?}");
        scene.assert_money_is_right(row.id).await;
    }
}

#[tokio::test]
async fn a_bad_answer_is_sent_back_once_with_what_is_wrong() {
    for kind in [Misbehaviour::InvalidJson, Misbehaviour::SchemaViolation] {
        let scene = Scene::new(1).await;
        scene.standin.next([kind]);
        let row = scene.run_all().await;
        assert_eq!(row.state, BatchState::Completed, "{kind:?}: {}", row.reason);
        let detail = scene.details(row.id).await.remove(0);
        assert_eq!(detail.attempts.len(), 2, "{kind:?}");
        let first = detail.attempts[0].failure.as_ref().unwrap();
        assert_eq!(first.code.to_string(), "invalid_answer", "{kind:?}");
        scene.assert_money_is_right(row.id).await;
    }
}

#[tokio::test]
async fn answers_that_stay_bad_fail_the_document_after_one_repair() {
    let scene = Scene::new(1).await;
    scene.always(Misbehaviour::SchemaViolation);
    let row = scene.run_all().await;
    assert_eq!(row.state, BatchState::CompletedWithFailures);
    assert_eq!(scene.only_failure(row.id).await, "invalid_answer");
    assert_eq!(scene.standin.totals().billed, 2);
    scene.assert_money_is_right(row.id).await;
}

#[tokio::test]
async fn a_refusal_is_not_asked_again() {
    for (kind, code) in [
        (Misbehaviour::Refusal, "refused"),
        (Misbehaviour::ContentFilter, "content_filtered"),
        (Misbehaviour::ContextLength, "prompt_too_long"),
    ] {
        let scene = Scene::new(1).await;
        scene.always(kind);
        let row = scene.run_all().await;
        assert_eq!(scene.only_failure(row.id).await, code);
        let detail = scene.details(row.id).await.remove(0);
        assert_eq!(detail.attempts.len(), 1, "{kind:?}");
        scene.assert_money_is_right(row.id).await;
    }
}

#[tokio::test]
async fn an_answer_that_is_cut_off_is_asked_in_halves() {
    let scene = Scene::new(0).await;
    let lines: Vec<String> = (0..400)
        .map(|line| format!("article {line} of usual length"))
        .collect();
    scene.write("list.txt", &lines.join("\n"));
    scene.standin.next([Misbehaviour::Length]);
    let row = scene.run_all().await;
    assert_eq!(row.state, BatchState::Completed, "{}", row.reason);
    let detail = scene.details(row.id).await.remove(0);
    assert_eq!(detail.attempts.len(), 3, "the whole, and its two halves");
    scene.assert_money_is_right(row.id).await;
}

#[tokio::test]
async fn what_cannot_be_halved_says_that_it_was_cut_off() {
    let scene = Scene::new(1).await;
    scene.always(Misbehaviour::Length);
    let row = scene.run_all().await;
    assert_eq!(scene.only_failure(row.id).await, "answer_truncated");
    assert_eq!(
        scene.standin.totals().billed,
        1,
        "half of three lines would run away as well"
    );
}

#[tokio::test]
async fn a_document_whose_answers_are_always_cut_is_given_up_after_one_row_of_pieces() {
    let scene = Scene::new(0).await;
    let lines: Vec<String> = (0..400)
        .map(|line| format!("article {line} of usual length"))
        .collect();
    scene.write("list.txt", &lines.join("\n"));
    scene.always(Misbehaviour::Length);
    let row = scene.run_all().await;
    assert_eq!(scene.only_failure(row.id).await, "answer_truncated");
    let billed = scene.standin.totals().billed;
    assert_eq!(billed, 4, "the whole, and one row of pieces");
    scene.assert_money_is_right(row.id).await;
}

#[tokio::test]
async fn trouble_that_concerns_all_documents_pauses_the_batch() {
    for kind in [
        Misbehaviour::KeyRefused,
        Misbehaviour::InsufficientQuota,
        Misbehaviour::DailyQuota,
        Misbehaviour::UnknownModel,
    ] {
        let scene = Scene::new(20).await;
        scene.always(kind);
        let id = scene.batch(false).await;
        scene.run(id).await;
        let row = scene.row(id).await;
        assert_eq!(row.state, BatchState::Paused, "{kind:?}: {}", row.reason);
        assert_eq!(row.counters.failed, 0, "{kind:?}: no document is to blame");
        assert!(!row.reason.is_empty());
        scene.assert_money_is_right(id).await;

        // Once the cause is gone, it goes on as if nothing had been.
        scene
            .standin
            .behave(docmill_testkit::standin::Behaviour::default());
        scene.run(id).await;
        assert_eq!(scene.row(id).await.counters.completed, 20, "{kind:?}");
    }
}

#[tokio::test]
async fn an_answer_without_usage_counts_at_its_worst_case() {
    let scene = Scene::new(1).await;
    scene.always(Misbehaviour::MissingUsage);
    let row = scene.run_all().await;
    assert_eq!(row.state, BatchState::Completed, "{}", row.reason);
    let attempt = scene.details(row.id).await.remove(0).attempts.remove(0);
    assert_eq!(attempt.cost, attempt.reserved);
    scene.assert_money_is_right(row.id).await;
}

#[tokio::test]
async fn a_cost_above_its_worst_case_stops_the_batch() {
    let scene = Scene::new(40).await;
    scene.always(Misbehaviour::UsageAboveBound);
    let id = scene.batch(false).await;
    scene.run(id).await;
    let row = scene.row(id).await;
    assert_eq!(row.state, BatchState::Paused, "{}", row.reason);
    assert!(row.reason.contains("worst case"), "{}", row.reason);
    assert!(row.counters.pending > 0, "it did not go on with the others");
    scene.assert_money_is_right(id).await;
}

#[tokio::test]
async fn a_file_that_went_away_fails_alone() {
    let scene = Scene::new(3).await;
    let id = scene.batch(false).await;
    scene.remove("receipt-0001.txt");
    scene.run(id).await;
    let row = scene.row(id).await;
    assert_eq!(row.state, BatchState::CompletedWithFailures);
    assert_eq!((row.counters.completed, row.counters.failed), (2, 1));
    let failed = scene.documents(id).await.remove(1);
    assert_eq!(failed.failure.unwrap().code.to_string(), "source_unreadable");
}

/// The plan says how large, also when it is another process that goes on.
#[tokio::test]
async fn a_document_above_the_plans_limit_fails_alone() {
    let mut scene = Scene::new(1).await;
    scene.plan.max_document_bytes = Some(5);
    let row = scene.run_all().await;
    assert_eq!(scene.only_failure(row.id).await, "too_large");
    assert_eq!(scene.standin.totals().billed, 0);
}
