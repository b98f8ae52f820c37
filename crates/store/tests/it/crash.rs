//! Killed at any moment, the store keeps what it acknowledged, and its totals stay true.
//!
//! The test starts itself again as a child that works as fast as it can and prints what was
//! acknowledged; it is killed (SIGKILL) in the middle, round after round, on the same file.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use docmill_core::document::DocumentState;
use docmill_core::id::BatchId;
use docmill_store::sqlite::{Options, SqliteStore};
use docmill_store::{Begun, Claimed, Next, Store};
use rusqlite::Connection;

use crate::support::{NOW, World, extraction, paid, register, usd};

const FILE: &str = "DOCMILL_STORE_CRASH_FILE";
const BATCH: &str = "DOCMILL_STORE_CRASH_BATCH";
const ROUNDS: u64 = 10;
const BUDGET: i64 = 400_000;

fn open(path: &Path) -> Arc<dyn Store> {
    Arc::new(SqliteStore::open(path, &Options::default()).unwrap())
}

/// The child. Does nothing unless it was started by the test below.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child() {
    let Some(path) = std::env::var_os(FILE) else {
        return;
    };
    let batch: BatchId = std::env::var(BATCH).unwrap().parse().unwrap();
    let store = open(Path::new(&path));
    // Whoever ran before is dead.
    let dead = store
        .workers()
        .await
        .unwrap()
        .iter()
        .map(|worker| worker.id)
        .collect();
    store.recover(dead, NOW).await.unwrap();
    let worker = register(&store).await;
    let world = World { store, batch, worker };
    let tasks: Vec<_> = (0..16).map(|_| tokio::spawn(work(world.clone()))).collect();
    for task in tasks {
        task.await.unwrap();
    }
}

async fn work(world: World) {
    while let Claimed::Documents(documents) = world
        .store
        .claim(world.batch, world.worker, 2, NOW)
        .await
        .unwrap()
    {
        for document in documents {
            let ordinal = document.id.ordinal.0;
            let Begun::Started { attempt } = world.begin(ordinal, 100).await else {
                return;
            };
            let next = Next::Completed(Box::new(extraction(1)));
            if world.end(ordinal, Some(paid(attempt, 60)), next).await.applied {
                // One write each, so that a kill cannot cut a line in two.
                println!("\ndone {ordinal}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_any_moment_nothing_acknowledged_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store = open(&path);
    let world = World::running(&store, 20_000, Some(BUDGET)).await;
    let mut acknowledged = BTreeSet::new();
    for round in 0..ROUNDS {
        // A different number of documents each time, so that the kill comes anywhere.
        acknowledged.extend(run_and_kill(&path, world.batch, 40 + 37 * round));
        check(&path, &world, &acknowledged).await;
    }
    assert!(acknowledged.len() as u64 > ROUNDS * 40);
}

/// Starts a child and kills it after so many acknowledged documents.
fn run_and_kill(path: &Path, batch: BatchId, after: u64) -> Vec<u64> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "crash::child", "--nocapture"])
        .env(FILE, path)
        .env(BATCH, batch.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut done = Vec::new();
    let mut killed = false;
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let Ok(line) = line else { break };
        let Some(ordinal) = line.strip_prefix("done ").and_then(|it| it.parse().ok()) else {
            continue;
        };
        done.push(ordinal);
        if done.len() as u64 >= after && !killed {
            child.kill().unwrap();
            killed = true;
        }
    }
    child.wait().unwrap();
    assert!(killed, "the child ended by itself after {} documents", done.len());
    done
}

/// The file, read past the store: sums over rows are what the batch's row says.
async fn check(path: &Path, world: &World, acknowledged: &BTreeSet<u64>) {
    let connection = Connection::open(path).unwrap();
    let ask = |sql: &str| -> i64 { connection.query_row(sql, [], |row| row.get(0)).unwrap() };
    let whole: String = connection
        .query_row("PRAGMA integrity_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(whole, "ok");
    let row = world.store.batch(world.batch).await.unwrap();
    for state in DocumentState::ALL {
        let count = ask(&format!("SELECT count(*) FROM documents WHERE state = '{state}'"));
        assert_eq!(row.counters.of(state), count as u64, "{state}");
    }
    let sum = |column: &str, outcome: &str| {
        let sql = format!("SELECT coalesce(sum({column}), 0) FROM attempts WHERE outcome = '{outcome}'");
        usd(ask(&sql))
    };
    assert_eq!(row.balance.settled, sum("cost", "answered"));
    assert_eq!(row.balance.reserved, sum("reserved", "in_flight"));
    assert_eq!(row.balance.unconfirmed, sum("reserved", "unconfirmed"));
    assert!(row.balance.committed() <= usd(BUDGET), "{:?}", row.balance);
    assert_eq!(row.calls, ask("SELECT count(*) FROM attempts") as u64);
    let results = ask("SELECT count(*) FROM extractions");
    assert_eq!(row.counters.completed, results as u64, "exactly one result each");
    let events = ask("SELECT count(*) FROM events WHERE kind LIKE '%document_completed%'");
    assert_eq!(events, results, "and one event");
    for ordinal in acknowledged {
        let detail = world.store.document(world.id(*ordinal)).await.unwrap();
        assert_eq!(
            detail.row.state,
            DocumentState::Completed,
            "document {ordinal} was acknowledged"
        );
        assert!(detail.extraction.is_some());
    }
}
