//! Fallback models, hours, time-outs and second calls.

use std::time::Duration;

use docmill_core::batch::BatchState;
use docmill_core::money::Usd;
use docmill_core::{Attempt, DocumentId, Ordinal};
use docmill_store::BatchChange;
use docmill_testkit::standin::{Behaviour, Misbehaviour, Standin};
use docmill_testkit::wait_until_async;

use crate::scene::{FALLBACK, Scene};

fn always(standin: &Standin, kind: Misbehaviour) {
    standin.behave(Behaviour {
        shares: [(kind, 1.0)].into(),
        ..Behaviour::default()
    });
}

/// What both providers billed is what was counted, to the nano-dollar: nothing is unconfirmed here.
async fn assert_both_bills(scene: &Scene, fallback: &Standin, id: docmill_core::BatchId) {
    let row = scene.row(id).await;
    let billed = scene.standin.totals().cost_nanos + fallback.totals().cost_nanos;
    assert_eq!(
        row.balance.settled,
        Usd::from_nanos(i64::try_from(billed).unwrap())
    );
    assert_eq!(
        (row.balance.reserved, row.balance.unconfirmed),
        (Usd::ZERO, Usd::ZERO)
    );
}

#[tokio::test]
async fn what_one_model_refuses_another_answers_and_each_attempt_names_its_model() {
    for kind in [Misbehaviour::Refusal, Misbehaviour::ContentFilter] {
        let (scene, fallback) = Scene::with_fallback(6).await;
        always(&scene.standin, kind);
        let row = scene.run_all().await;
        assert_eq!(row.state, BatchState::Completed, "{}", row.reason);
        for detail in scene.details(row.id).await {
            let models: Vec<&str> = detail.attempts.iter().map(|it| it.model.as_str()).collect();
            assert_eq!(models, ["openai/gpt-4o-mini", FALLBACK]);
        }
        assert_both_bills(&scene, &fallback, row.id).await;
    }
}

#[tokio::test]
async fn a_model_that_was_retired_is_left_alone() {
    let (scene, fallback) = Scene::with_fallback(60).await;
    always(&scene.standin, Misbehaviour::UnknownModel);
    let row = scene.run_all().await;
    assert_eq!(row.state, BatchState::Completed, "{}", row.reason);
    assert_eq!(fallback.totals().billed, 60);
    let asked = scene.standin.totals().refused;
    assert!(asked <= 8, "{asked} calls found out what one would have");
    assert_both_bills(&scene, &fallback, row.id).await;
}

#[tokio::test]
async fn a_provider_that_is_down_is_gone_around() {
    let (scene, fallback) = Scene::with_fallback(80).await;
    always(&scene.standin, Misbehaviour::Overloaded503);
    let row = scene.run_all().await;
    assert_eq!(row.state, BatchState::Completed, "{}", row.reason);
    assert_eq!(row.counters.completed, 80);
    assert_eq!((fallback.totals().billed, fallback.totals().repeated), (80, 0));
    assert_both_bills(&scene, &fallback, row.id).await;
}

#[tokio::test]
async fn a_refusal_that_was_paid_is_not_paid_again_when_the_fallback_meets_trouble() {
    let (mut scene, fallback) = Scene::with_fallback(4).await;
    scene.plan.reuse_answers = false;
    always(&scene.standin, Misbehaviour::Refusal);
    fallback.next([Misbehaviour::Overloaded503, Misbehaviour::ResetBeforeBilling]);
    let row = scene.run_all().await;
    assert_eq!(row.state, BatchState::Completed, "{}", row.reason);
    assert_eq!(
        (scene.standin.totals().billed, scene.standin.totals().repeated),
        (4, 0)
    );
    assert_eq!((fallback.totals().billed, fallback.totals().repeated), (4, 0));
}

#[tokio::test]
async fn without_anybody_left_a_refusal_is_a_failure() {
    let (scene, fallback) = Scene::with_fallback(1).await;
    always(&scene.standin, Misbehaviour::Refusal);
    always(&fallback, Misbehaviour::Refusal);
    let row = scene.run_all().await;
    assert_eq!(scene.only_failure(row.id).await, "refused");
    assert_eq!(fallback.totals().billed, 1);
}

#[tokio::test]
async fn a_batch_waits_for_its_hours_and_goes_on_when_they_are_lifted() {
    let mut scene = Scene::new(3).await;
    // Twelve hours from now, wherever this runs.
    let now = scene.engine.now();
    let closed = (0..24).find_map(|hour| {
        let hours = format!("{hour}:00-{}:00", (hour + 1) % 24);
        let plan = docmill_core::Plan {
            between: hours.parse().ok(),
            ..scene.plan.clone()
        };
        docmill_engine::hours::waiting(&plan, BatchState::Running, now.plus_ms(3_600_000))?;
        docmill_engine::hours::waiting(&plan, BatchState::Running, now)?;
        plan.between
    });
    scene.plan.between = closed;
    let id = scene.batch(false).await;
    let lift = async {
        wait_until_async("it says that it waits", Duration::from_secs(20), async || {
            let events = scene.engine.store().last_events(id, 100).await.unwrap();
            let said = format!("{events:?}");
            said.contains("waits until").then_some(())
        })
        .await
        .unwrap();
        assert_eq!(scene.standin.totals().billed, 0);
        let change = BatchChange {
            between: Some(None),
            ..BatchChange::default()
        };
        scene.engine.store().change_batch(id, change, now).await.unwrap();
    };
    tokio::join!(scene.run(id), lift);
    assert_eq!(scene.row(id).await.counters.completed, 3);
}

#[tokio::test]
async fn a_call_that_hangs_is_given_up_after_the_time_a_person_set() {
    let mut scene = Scene::new(1).await;
    scene.plan.timeout_seconds = Some(1);
    scene.standin.next([Misbehaviour::Hang]);
    let row = scene.run_all().await;
    assert_eq!(row.state, BatchState::Completed, "{}", row.reason);
    let attempts = scene.details(row.id).await.remove(0).attempts;
    let failure = attempts[0].failure.as_ref().unwrap();
    assert_eq!(failure.code.as_str(), "call_timeout");
    assert_eq!(failure.message, "no answer within 1 s");
    scene.assert_money_is_right(row.id).await;
}

#[tokio::test]
async fn a_call_that_hangs_beyond_all_others_is_made_a_second_time_and_both_are_booked() {
    let mut scene = Scene::new(1300).await;
    scene.plan.hedge = true;
    let id = scene.batch(false).await;
    let hang = async {
        wait_until_async(
            "calls that say how long others take",
            Duration::from_secs(60),
            async || (scene.standin.totals().billed > 1100).then_some(()),
        )
        .await
        .unwrap();
        scene.standin.next([Misbehaviour::Hang]);
    };
    tokio::join!(scene.run(id), hang);
    let row = scene.row(id).await;
    assert_eq!(row.counters.completed, 1300);
    let mut second = 0;
    for ordinal in 1..=1300 {
        let id = DocumentId {
            batch: id,
            ordinal: Ordinal(ordinal),
        };
        let attempts = scene.engine.store().document(id).await.unwrap().attempts;
        let says = |it: &Attempt| {
            it.failure
                .as_ref()
                .is_some_and(|it| it.message.starts_with("another call"))
        };
        second += attempts.iter().filter(|it| says(it)).count();
    }
    assert!(second >= 1, "the call that hung was not waited for");
    scene.assert_money_is_right(id).await;
}
