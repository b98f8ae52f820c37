//! SQLite passes the conformance suite, and says clearly why a file cannot be used.

use std::path::Path;
use std::sync::Arc;

use docmill_store::sqlite::{Options, SqliteStore};
use docmill_store::{Access, Store, StoreError};
use proptest::prelude::*;
use rusqlite::Connection;

use crate::conformance::{every_case, model};
use crate::support::{Fixture, NOW, World, document};

fn open(path: &Path) -> Result<SqliteStore, StoreError> {
    SqliteStore::open(path, &Options::default())
}

fn fixture() -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store: Arc<dyn Store> = Arc::new(open(&path).unwrap());
    Fixture {
        store,
        again: Box::new(move || {
            // Moved in here: the folder lives as long as the fixture.
            let path = folder.path().join("store.db");
            Arc::new(open(&path).unwrap())
        }),
    }
}

every_case!(fixture);

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever happens in whatever order, counters, money and states are those of the model.
    #[test]
    fn any_row_of_events_ends_where_the_model_does(ops in model::ops()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(model::follow(&fixture(), &ops));
    }
}

#[test]
fn what_is_no_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    std::fs::write(
        &path,
        "These are notes, and quite long ones, but no database. ".repeat(100),
    )
    .unwrap();
    let before = std::fs::read(&path).unwrap();
    let error = open(&path).err().unwrap();
    assert!(matches!(error, StoreError::Unusable { .. }), "{error:?}");
    assert_eq!(std::fs::read(&path).unwrap(), before, "left alone");
    let error = open(folder.path()).err().unwrap();
    assert!(
        matches!(error, StoreError::Unusable { .. }),
        "a folder: {error:?}"
    );
    let error = open(&folder.path().join("no/such/folder/store.db"))
        .err()
        .unwrap();
    assert!(matches!(error, StoreError::Unusable { .. }), "{error:?}");
}

#[test]
fn the_database_of_another_program_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.db");
    Connection::open(&path)
        .unwrap()
        .execute_batch("CREATE TABLE recipes (name TEXT)")
        .unwrap();
    let before = std::fs::read(&path).unwrap();
    for read_only in [false, true] {
        let options = Options {
            read_only,
            ..Options::default()
        };
        let error = SqliteStore::open(&path, &options).err().unwrap();
        assert!(error.to_string().contains("another program"), "{error}");
    }
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

#[test]
fn a_file_of_a_newer_version_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    drop(open(&path).unwrap());
    Connection::open(&path)
        .unwrap()
        .pragma_update(None, "user_version", 999)
        .unwrap();
    for read_only in [false, true] {
        let options = Options {
            read_only,
            ..Options::default()
        };
        let error = SqliteStore::open(&path, &options).err().unwrap();
        assert!(
            matches!(error, StoreError::NewerVersion { found: 999, .. }),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn a_damaged_file_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store: Arc<dyn Store> = Arc::new(open(&path).unwrap());
    let world = World::running(&store, 200, None).await;
    let batch = world.batch;
    drop((world, store));
    // Everything after the first page: the schema is there, what it speaks of is not.
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[4096..].fill(0xAB);
    std::fs::write(&path, bytes).unwrap();
    let error = match open(&path) {
        Err(error) => error,
        Ok(store) => store.batch(batch).await.unwrap_err(),
    };
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
}

#[tokio::test]
async fn who_only_looks_cannot_write() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let options = Options {
        read_only: true,
        ..Options::default()
    };
    assert!(
        SqliteStore::open(&path, &options).is_err(),
        "there is nothing to look at"
    );
    assert!(!path.exists(), "looking makes no file");
    let store: Arc<dyn Store> = Arc::new(open(&path).unwrap());
    let world = World::running(&store, 3, None).await;
    let looking = SqliteStore::open(&path, &options).unwrap();
    assert_eq!(looking.batch(world.batch).await.unwrap().counters.pending, 3);
    let error = looking.heartbeat(world.worker, NOW).await.unwrap_err();
    assert!(matches!(error, StoreError::ReadOnly { .. }), "{error:?}");
    world.complete_next(1).await;
    let counters = looking.batch(world.batch).await.unwrap().counters;
    assert_eq!(counters.completed, 1, "it sees what others write");
}

/// A disk that fills up costs what did not fit, and nothing of what was acknowledged.
#[tokio::test]
async fn a_full_disk_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let options = Options {
        max_pages: 150,
        ..Options::default()
    };
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&path, &options).unwrap());
    let world = World::draft(&store, None).await;
    let mut added = 0;
    let error = loop {
        let chunk = (added..added + 50)
            .map(|number| document(&format!("{number}.pdf")))
            .collect();
        match store.enqueue_chunk(world.batch, chunk, NOW).await {
            Ok(_) => added += 50,
            Err(error) => break error,
        }
        assert!(added < 100_000, "it is full at some time");
    };
    assert!(matches!(error, StoreError::DiskFull { .. }), "{error:?}");
    assert!(added > 0);
    assert_eq!(store.batch(world.batch).await.unwrap().counters.pending, added);
    let batch = world.batch;
    drop((world, store));
    let store = open(&path).unwrap();
    let chunk = vec![document("one more.pdf")];
    store.enqueue_chunk(batch, chunk, NOW).await.unwrap();
    let page = store.documents(batch, Default::default()).await.unwrap();
    assert_eq!(page.matching, docmill_store::Matching::Exactly(added + 1));
}

#[test]
fn several_processes_may_make_the_file_at_once() {
    for _ in 0..5 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        let opened: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(|| open(&path).map(drop))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        for result in opened {
            result.unwrap();
        }
    }
}

/// The log before the file is checkpointed as it grows.
#[tokio::test]
async fn the_write_ahead_log_stays_small() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let store: Arc<dyn Store> = Arc::new(open(&path).unwrap());
    let world = World::draft(&store, None).await;
    for from in (1..=20_000).step_by(1000) {
        world.add(from..=from + 999).await;
        store.batch(world.batch).await.unwrap();
    }
    let log = std::fs::metadata(folder.path().join("store.db-wal"))
        .unwrap()
        .len();
    let file = std::fs::metadata(&path).unwrap().len();
    assert!(log < 24 << 20, "{log} bytes of log beside {file}");
    drop((world, store));
    let log = std::fs::metadata(folder.path().join("store.db-wal")).map_or(0, |it| it.len());
    assert_eq!(log, 0, "an orderly end leaves nothing to replay");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn however_many_look_at_once_few_connections_are_opened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("docmill.db");
    let store = open(&path).unwrap();
    let looking: Vec<_> = (0..400)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { store.kept("nothing").await })
        })
        .collect();
    let mut most = 0;
    for one in looking {
        one.await.unwrap().unwrap();
        most = most.max(handles(&path));
    }
    // Each connection holds the file and its log.
    assert!(most <= 2 * (8 + 1) + 1, "{most} handles");
}

/// Handles of this process on the database and the files beside it.
fn handles(path: &Path) -> usize {
    let path = std::fs::canonicalize(path).unwrap();
    let name = path.to_str().unwrap();
    let Ok(open) = std::fs::read_dir("/proc/self/fd") else {
        return 0;
    };
    open.flatten()
        .filter_map(|entry| std::fs::read_link(entry.path()).ok())
        .filter(|target| target.to_string_lossy().starts_with(name) && !target.ends_with("docmill.db-shm"))
        .count()
}

#[tokio::test]
async fn the_database_itself_refuses_to_change_its_audit_log() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("docmill.db");
    let store = open(&path).unwrap();
    let deed = docmill_core::audit::Deed {
        at: NOW,
        who: "ada".to_owned(),
        via: "key".to_owned(),
        origin: String::new(),
        action: "delete_keys_name".to_owned(),
        target: "vic".to_owned(),
        outcome: "done".to_owned(),
        before: None,
        after: None,
    };
    store.record(deed).await.unwrap();
    let other = Connection::open(&path).unwrap();
    for sql in ["UPDATE audit SET who = 'eve'", "DELETE FROM audit"] {
        let refused = other.execute(sql, []).unwrap_err().to_string();
        assert!(refused.contains("only added to"), "{refused}");
    }
}
