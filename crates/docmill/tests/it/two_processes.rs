//! Two processes work on one batch, and one of them dies, or stands still.

use std::time::Duration;

use docmill_testkit::process::Process;
use docmill_testkit::wait_until;

use crate::scene::{PATIENCE, Scene};

/// Documents of the batch.
const DOCUMENTS: usize = 150;

/// Both are at work: each has calls in flight.
fn both_at_work(scene: &Scene, more: &[&str]) -> (Process, Process) {
    let with_calls = "SELECT count(DISTINCT worker) FROM attempts WHERE outcome = 'in_flight'";
    let start = |count| {
        let process = Process::start(&mut scene.run(more)).unwrap();
        wait_until("processes at work", Duration::from_secs(30), || {
            (scene.number(with_calls) == count).then_some(())
        })
        .unwrap();
        process
    };
    (start(1), start(2))
}

#[test]
fn when_one_of_two_dies_the_other_finishes_everything_and_the_ledger_balances() {
    let scene = Scene::new(DOCUMENTS, r#"{"latency": {"fixed_ms": 150}}"#);
    let (mut first, mut second) = both_at_work(&scene, &[]);
    first.kill().unwrap();
    let status = wait_until("the other process", PATIENCE, || second.ended().unwrap()).unwrap();
    assert!(status.success(), "{status}");
    scene.is_whole();
    let unconfirmed = scene.number("SELECT count(*) FROM attempts WHERE outcome = 'unconfirmed'");
    assert!(
        (1..=8).contains(&unconfirmed),
        "{unconfirmed} calls of the dead process"
    );
}

/// A process that stands still is not dead: what it has in hand stays its own, everything else is
/// done by the other, and when it goes on both come to the same end. The answers that came while it
/// stood still for longer than a call may take are read.
#[cfg(unix)]
#[test]
fn when_one_of_two_stands_still_nothing_is_done_twice() {
    let scene = Scene::new(DOCUMENTS, r#"{"latency": {"fixed_ms": 300}}"#);
    let (mut first, mut second) = both_at_work(&scene, &["--timeout", "5"]);
    first.signal("STOP").unwrap();
    let rest = "SELECT pending + leased FROM batches";
    let in_hand = "SELECT count(*) FROM documents WHERE state = 'leased'
        AND id IN (SELECT document FROM attempts WHERE outcome = 'in_flight')";
    // Nothing is left but what the one that stands still has in hand.
    wait_until("the other's work", PATIENCE, || {
        let (left, held) = (scene.number(rest), scene.number(in_hand));
        let pending = scene.number("SELECT pending FROM batches");
        (pending == 0 && left > 0 && left <= 64 && held <= left).then_some(())
    })
    .unwrap();
    assert!(second.ended().unwrap().is_none(), "it waits for the rest");
    first.signal("CONT").unwrap();
    for process in [&mut first, &mut second] {
        let status = wait_until("both processes", PATIENCE, || process.ended().unwrap()).unwrap();
        assert!(status.success(), "{status}");
    }
    scene.is_whole();
    assert_eq!(
        scene.number("SELECT count(*) FROM attempts WHERE outcome = 'unconfirmed'"),
        0,
        "nobody was taken for dead"
    );
}
