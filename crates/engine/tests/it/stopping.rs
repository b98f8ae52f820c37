//! Stopping, pausing, cancelling, and going on.

use std::time::Duration;

use docmill_core::batch::{BatchEvent, BatchState};
use docmill_engine::run::{RunEnd, Stop};
use docmill_testkit::standin::{Behaviour, Latency};
use docmill_testkit::wait_until_async;
use tokio::sync::watch;

use crate::scene::Scene;

async fn slow_scene() -> Scene {
    let scene = Scene::new(200).await;
    scene.standin.behave(Behaviour {
        latency: Latency::FixedMs(20),
        ..Behaviour::default()
    });
    scene
}

async fn some_progress(scene: &Scene, id: docmill_core::BatchId) {
    wait_until_async("some documents", Duration::from_secs(30), || async {
        (scene.row(id).await.counters.completed >= 8).then_some(())
    })
    .await
    .unwrap();
}

#[tokio::test]
async fn draining_finishes_what_is_in_flight_and_nothing_is_repeated() {
    let scene = slow_scene().await;
    let id = scene.batch(false).await;
    let (stop, stopping) = watch::channel(Stop::No);
    let (ended, ()) = tokio::join!(scene.engine.run(id, stopping), async {
        some_progress(&scene, id).await;
        stop.send_replace(Stop::Drain);
    });
    assert_eq!(ended.unwrap(), RunEnd::Stopped);
    let row = scene.row(id).await;
    assert_eq!(row.state, BatchState::Paused);
    assert!(row.counters.pending > 0, "it stopped before the end");
    assert_eq!(row.counters.leased, 0);
    assert_eq!(row.balance.unconfirmed.nanos(), 0, "every call was heard out");
    scene.assert_money_is_right(id).await;

    scene.run(id).await;
    assert_eq!(scene.row(id).await.counters.completed, 200);
    assert_eq!(scene.standin.totals().repeated, 0);
}

#[tokio::test]
async fn stopping_at_once_leaves_what_the_next_start_clears_up() {
    let scene = slow_scene().await;
    let id = scene.batch(false).await;
    let (stop, stopping) = watch::channel(Stop::No);
    let (ended, ()) = tokio::join!(scene.engine.run(id, stopping), async {
        some_progress(&scene, id).await;
        stop.send_replace(Stop::Now);
    });
    assert_eq!(ended.unwrap(), RunEnd::Stopped);
    scene.run(id).await;
    let row = scene.row(id).await;
    assert_eq!(row.state, BatchState::Completed, "{}", row.reason);
    assert_eq!(row.counters.completed, 200);
    assert!(scene.standin.totals().repeated <= 8, "at most what was in flight");
    scene.assert_money_is_right(id).await;
}

#[tokio::test]
async fn a_pause_from_elsewhere_is_heard_and_a_cancelled_batch_keeps_its_results() {
    let scene = slow_scene().await;
    let id = scene.batch(false).await;
    let (_stop, stopping) = watch::channel(Stop::No);
    let store = scene.engine.store();
    let (ended, ()) = tokio::join!(scene.engine.run(id, stopping), async {
        some_progress(&scene, id).await;
        let now = scene.row(id).await.updated_at;
        store
            .transition(id, BatchEvent::Pause, "lunch", now)
            .await
            .unwrap()
            .unwrap();
    });
    let RunEnd::State { state, .. } = ended.unwrap() else {
        panic!("nobody stopped this run");
    };
    assert_eq!(state, BatchState::Paused);
    let row = scene.row(id).await;
    assert_eq!(row.counters.leased, 0);
    scene.assert_money_is_right(id).await;

    let done = row.counters.completed;
    store
        .transition(id, BatchEvent::Cancel, "enough", row.updated_at)
        .await
        .unwrap()
        .unwrap();
    let row = scene.row(id).await;
    assert_eq!(row.state, BatchState::Cancelled);
    assert_eq!(
        (row.counters.completed, row.counters.cancelled),
        (done, 200 - done)
    );
}

#[tokio::test]
async fn a_stop_in_the_last_moment_ends_the_batch() {
    let scene = Scene::new(6).await;
    scene.standin.behave(Behaviour {
        latency: Latency::FixedMs(200),
        ..Behaviour::default()
    });
    let id = scene.batch(false).await;
    let (stop, stopping) = watch::channel(Stop::No);
    let (ended, ()) = tokio::join!(scene.engine.run(id, stopping), async {
        // All six are in flight at once.
        wait_until_async("all calls", Duration::from_secs(30), || async {
            (scene.row(id).await.calls_in_flight == 6).then_some(())
        })
        .await
        .unwrap();
        stop.send_replace(Stop::Drain);
    });
    assert!(matches!(
        ended.unwrap(),
        RunEnd::State {
            state: BatchState::Completed,
            ..
        }
    ));
    assert_eq!(scene.row(id).await.counters.completed, 6);
}
