//! Processes that die beside others, and a store that does not take what was paid for.

use std::fs;
use std::time::Duration;

use docmill_core::batch::BatchState;
use docmill_engine::EngineError;
use docmill_engine::run::{RunEnd, Stop};
use docmill_store::StoreError;
use docmill_testkit::standin::{Behaviour, Latency};
use docmill_testkit::wait_until_async;
use tokio::sync::watch;

use crate::scene::Scene;

const LONG: Duration = Duration::from_secs(60);

async fn scene(documents: usize, latency_ms: u64) -> Scene {
    let scene = Scene::new(documents).await;
    scene.standin.behave(Behaviour {
        latency: Latency::FixedMs(latency_ms),
        ..Behaviour::default()
    });
    scene
}

/// Two processes on one batch, one is killed while both work: the other ends the batch, with
/// what the dead one held, without being started again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_left_of_two_processes_ends_the_batch() {
    let scene = scene(60, 100).await;
    let id = scene.batch(false).await;
    let (_stop, stopping) = watch::channel(Stop::No);
    let doomed = scene.another_engine();
    let dying = tokio::spawn({
        let stopping = stopping.clone();
        async move { doomed.run(id, stopping).await }
    });
    wait_until_async("both work", LONG, || async {
        (scene.row(id).await.calls_in_flight >= 8).then_some(())
    })
    .await
    .unwrap();
    let survivor = scene.engine.clone();
    let surviving = tokio::spawn(async move { survivor.run(id, stopping).await });
    wait_until_async("two workers", LONG, || async {
        (scene.engine.store().workers().await.unwrap().len() == 2).then_some(())
    })
    .await
    .unwrap();
    // As the system does at `kill -9`: the lock is let go of, nothing is said to the store.
    dying.abort();
    let ended = tokio::time::timeout(LONG, surviving)
        .await
        .expect("it does not wait for the dead");
    let RunEnd::State { state, .. } = ended.unwrap().unwrap() else {
        panic!("nobody stopped it");
    };
    assert_eq!(state, BatchState::Completed);
    assert_eq!(scene.row(id).await.counters.completed, 60);
    scene.assert_money_is_right(id).await;
}

/// The dead are found by whoever looks, also when nothing runs, and only once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_dead_are_cleared_up_after_without_a_start() {
    let scene = scene(20, 1000).await;
    let id = scene.batch(false).await;
    let (_stop, stopping) = watch::channel(Stop::No);
    let doomed = scene.another_engine();
    let dying = tokio::spawn(async move { doomed.run(id, stopping).await });
    wait_until_async("calls", LONG, || async {
        (scene.row(id).await.calls_in_flight == 8).then_some(())
    })
    .await
    .unwrap();
    let living = scene.engine.recover_dead().await.unwrap();
    assert_eq!(living.documents, 0, "who lives is left alone");
    dying.abort();
    let recovered = wait_until_async("clearing up", LONG, || async {
        let recovered = scene.engine.recover_dead().await.unwrap();
        (recovered.documents > 0).then_some(recovered)
    })
    .await
    .unwrap();
    // An answer that just came in may not be stored yet while the next call is out already.
    assert!((8..=16).contains(&recovered.unconfirmed_calls), "{recovered:?}");
    let row = scene.row(id).await;
    assert_eq!((row.counters.leased, row.calls_in_flight), (0, 0));
    assert_eq!(scene.another_engine().recover_dead().await.unwrap().documents, 0);
}

/// The database is moved away while calls are in flight, and put back: every answer that was
/// paid for is stored, and none is paid for again.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_cannot_be_stored_are_kept_and_stored_later() {
    let scene = scene(24, 300).await;
    let id = scene.batch(false).await;
    let (_stop, stopping) = watch::channel(Stop::No);
    let engine = scene.another_engine();
    let run = tokio::spawn(async move { engine.run(id, stopping).await });
    wait_until_async("calls", LONG, || async {
        (scene.row(id).await.calls_in_flight == 8).then_some(())
    })
    .await
    .unwrap();
    let (there, away) = (scene.data().join("docmill.db"), scene.data().join("away"));
    fs::rename(&there, &away).unwrap();
    let error = run.await.unwrap().unwrap_err();
    assert!(
        matches!(error, EngineError::Store(StoreError::Gone { .. })),
        "{error:?}"
    );
    let kept = || fs::read_dir(scene.data().join("spool")).unwrap().count();
    assert_eq!(kept(), 8, "every call in flight was heard out");
    fs::rename(&away, &there).unwrap();

    scene.run(id).await;
    let row = scene.row(id).await;
    assert_eq!((row.state, row.counters.completed), (BatchState::Completed, 24));
    assert_eq!(scene.standin.totals().repeated, 0, "nothing was paid twice");
    assert_eq!(row.balance.unconfirmed.nanos(), 0, "and all of it is known");
    assert_eq!(kept(), 0);
    scene.assert_money_is_right(id).await;
}
