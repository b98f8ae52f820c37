//! What happens to the files from outside: deleted, emptied, moved, damaged, set back. Nothing
//! that was acknowledged is lost without a word, and nobody builds upon what is broken.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use docmill_core::batch::BatchState;
use docmill_core::id::BatchId;
use docmill_core::money::Usd;
use docmill_store::sqlite::{Options, SqliteStore};
use docmill_store::{Store, StoreError};

use crate::support::{NOW, World, document, usd};

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("store.db")
    }

    fn beside(&self, suffix: &str) -> PathBuf {
        self.folder.path().join(format!("store.db{suffix}"))
    }

    fn open(&self) -> Result<SqliteStore, StoreError> {
        SqliteStore::open(&self.path(), &Options::default())
    }

    fn look(&self) -> Result<SqliteStore, StoreError> {
        let options = Options {
            read_only: true,
            ..Options::default()
        };
        SqliteStore::open(&self.path(), &options)
    }

    /// The files as a killed process leaves them, but for those left out.
    fn as_if_killed(&self, without: &[&str]) -> Self {
        let other = Self::new();
        for suffix in ["", "-wal", ".marker"] {
            if !without.contains(&suffix) {
                fs::copy(self.beside(suffix), other.beside(suffix)).unwrap();
            }
        }
        other
    }
}

/// A batch with some work done, of which the last part is only in the log.
async fn worked(place: &Place) -> (Arc<dyn Store>, World) {
    let store: Arc<dyn Store> = Arc::new(place.open().unwrap());
    let world = World::running(&store, 30, Some(10_000)).await;
    for _ in 0..10 {
        world.complete_next(100).await;
    }
    rusqlite::Connection::open(place.path())
        .unwrap()
        .query_row("PRAGMA wal_checkpoint(FULL)", [], |_| Ok(()))
        .unwrap();
    for _ in 0..5 {
        world.complete_next(100).await;
    }
    // In flight at the end.
    let ordinal = world.claim(1).await[0].id.ordinal.0;
    world.started(ordinal, 70).await;
    (store, world)
}

async fn money(place: &Place, batch: BatchId) -> (Usd, Usd, Usd) {
    let balance = place.look().unwrap().batch(batch).await.unwrap().balance;
    (balance.settled, balance.unconfirmed, balance.reserved)
}

#[track_caller]
fn refused(place: &Place, words: &str) {
    for opened in [place.open(), place.look()] {
        let error = opened.err().expect("it is not used");
        assert!(error.to_string().contains(words), "{error}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn only_its_owner_may_look_into_the_database() {
    use std::os::unix::fs::PermissionsExt as _;
    let place = Place::new();
    let (_store, _world) = worked(&place).await;
    for suffix in ["", "-wal", "-shm", ".marker"] {
        let mode = fs::metadata(place.beside(suffix)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "store.db{suffix}");
    }
}

#[tokio::test]
async fn a_killed_process_leaves_a_database_that_is_checked_and_goes_on() {
    let place = Place::new();
    let (_store, world) = worked(&place).await;
    let killed = place.as_if_killed(&[]);
    let store = killed.open().unwrap();
    let check = store.check().expect("it did not end in order");
    assert!(check.whole && check.bytes > 0, "{check:?}");
    assert_eq!(store.batch(world.batch).await.unwrap().counters.completed, 15);
    drop(store);
    assert_eq!(killed.open().unwrap().check(), None, "it ended in order");
}

#[tokio::test]
async fn with_others_at_work_nothing_is_checked() {
    let place = Place::new();
    let (_store, _world) = worked(&place).await;
    assert_eq!(place.open().unwrap().check(), None);
}

#[tokio::test]
async fn a_log_deleted_after_a_kill_is_noticed() {
    let place = Place::new();
    let (_store, world) = worked(&place).await;
    let killed = place.as_if_killed(&["-wal"]);
    let before = fs::read(killed.path()).unwrap();
    refused(&killed, "writes that were acknowledged are not in it");
    assert_eq!(fs::read(killed.path()).unwrap(), before, "left alone");
    // Put back, all is well.
    fs::copy(place.beside("-wal"), killed.beside("-wal")).unwrap();
    assert_eq!(
        killed
            .look()
            .unwrap()
            .batch(world.batch)
            .await
            .unwrap()
            .counters
            .completed,
        15
    );
}

#[tokio::test]
async fn going_on_without_the_log_counts_what_may_have_been_spent() {
    let place = Place::new();
    let (_store, world) = worked(&place).await;
    let killed = place.as_if_killed(&["-wal"]);
    let accepted = SqliteStore::accept(&killed.path(), NOW).unwrap();
    assert!(accepted.missing >= 10, "{accepted:?}");
    assert_eq!(accepted.spent_since.len(), 1);
    assert_eq!(
        accepted.spent_since[0].amount,
        usd(570),
        "five answers and a call in flight"
    );
    assert_eq!(accepted.paused, 1);
    assert_eq!(money(&killed, world.batch).await, (usd(1000), usd(570), usd(0)));
    let row = killed.look().unwrap().batch(world.batch).await.unwrap();
    assert_eq!((row.state, row.counters.completed), (BatchState::Paused, 10));
    assert!(row.reason.contains("earlier moment"), "{}", row.reason);
    assert_eq!(
        SqliteStore::judge(&killed.path()).unwrap().faults,
        Vec::<String>::new()
    );
    // From then on it is the database that counts.
    drop(killed.open().unwrap());
    assert_eq!(killed.open().unwrap().check(), None);
}

#[tokio::test]
async fn an_emptied_and_a_missing_database_do_not_start_anew_without_a_word() {
    let place = Place::new();
    let (_store, _world) = worked(&place).await;
    let killed = place.as_if_killed(&["-wal"]);
    fs::write(killed.path(), b"").unwrap();
    refused(&killed, "it is empty, after");
    assert_eq!(fs::metadata(killed.path()).unwrap().len(), 0, "left alone");
    fs::remove_file(killed.path()).unwrap();
    refused(&killed, "it was moved or deleted after");
    assert!(!killed.path().exists(), "nothing is made in its place");
    assert!(SqliteStore::was_there(&killed.path()));
    // Said so, it begins anew.
    SqliteStore::accept(&killed.path(), NOW).unwrap();
    assert!(
        killed
            .open()
            .unwrap()
            .batches(Default::default())
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn another_database_in_its_place_is_noticed() {
    let place = Place::new();
    drop(worked(&place).await);
    let other = Place::new();
    drop(worked(&other).await);
    fs::copy(other.path(), place.path()).unwrap();
    refused(&place, "another database");
    let accepted = SqliteStore::accept(&place.path(), NOW).unwrap();
    assert_eq!(accepted.spent_since, [], "the marker was about another one");
    place.open().unwrap();
}

#[tokio::test]
async fn a_lost_or_torn_marker_stops_nobody() {
    let place = Place::new();
    let (store, world) = worked(&place).await;
    drop((store, world));
    for content in [None, Some("not a marker at all\n".repeat(20))] {
        match content {
            Some(content) => fs::write(place.beside(".marker"), content).unwrap(),
            None => fs::remove_file(place.beside(".marker")).unwrap(),
        }
        drop(place.open().unwrap());
        // It is there again, and knows.
        let before = fs::read(place.path()).unwrap();
        fs::write(place.path(), b"").unwrap();
        refused(&place, "it is empty, after");
        fs::write(place.path(), before).unwrap();
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_database_that_is_moved_away_takes_nothing_until_it_is_back() {
    let place = Place::new();
    let store: Arc<dyn Store> = Arc::new(place.open().unwrap());
    let world = World::running(&store, 3, None).await;
    let away = place.beside(".away");
    fs::rename(place.path(), &away).unwrap();
    let error = store
        .enqueue_chunk(world.batch, vec![document("late.pdf")], NOW)
        .await
        .unwrap_err();
    assert!(
        matches!(error, StoreError::Gone { .. }) && error.may_pass(),
        "{error:?}"
    );
    refused(&place, "it was moved or deleted after");
    fs::rename(&away, place.path()).unwrap();
    store
        .enqueue_chunk(world.batch, vec![document("late.pdf")], NOW)
        .await
        .unwrap();
    assert_eq!(store.batch(world.batch).await.unwrap().counters.pending, 4);
}

#[cfg(unix)]
#[tokio::test]
async fn a_log_deleted_while_at_work_is_saved_first() {
    let place = Place::new();
    let (store, world) = worked(&place).await;
    fs::remove_file(place.beside("-wal")).unwrap();
    for _ in 0..2 {
        let error = store
            .enqueue_chunk(world.batch, vec![document("late.pdf")], NOW)
            .await
            .unwrap_err();
        assert!(error.to_string().contains("what was in it is saved"), "{error}");
    }
    let batch = world.batch;
    drop((store, world));
    let row = place.open().unwrap().batch(batch).await.unwrap();
    assert_eq!(row.counters.completed, 15, "everything that was acknowledged");
}

/// Pages in the middle of the file are overwritten: whatever they held, it is told.
#[tokio::test]
async fn damaged_pages_are_told_and_not_built_upon() {
    let place = Place::new();
    let (store, world) = worked(&place).await;
    world.add(100..=2000).await;
    drop((store, world));
    let sound = fs::read(place.path()).unwrap();
    let pages = sound.len() / 4096;
    let mut told = 0;
    for page in 1..pages {
        let mut bytes = sound.clone();
        bytes[page * 4096..(page + 1) * 4096].fill(0x5A);
        let damaged = Place::new();
        fs::write(damaged.path(), bytes).unwrap();
        match SqliteStore::judge(&damaged.path()) {
            Ok(judged) => told += usize::from(!judged.faults.is_empty()),
            Err(StoreError::Damaged { .. } | StoreError::Unusable { .. }) => told += 1,
            Err(error) => panic!("page {page}: {error:?}"),
        }
    }
    // A page that is free holds nothing.
    assert!(told + 4 >= pages - 1, "{told} of {pages}");
}

#[tokio::test]
async fn damage_is_found_at_the_start_after_a_kill() {
    let place = Place::new();
    let (store, world) = worked(&place).await;
    world.add(100..=2000).await;
    drop((store, world));
    let (store, _world) = worked(&place).await;
    let killed = place.as_if_killed(&[]);
    drop(store);
    let mut bytes = fs::read(killed.path()).unwrap();
    let middle = bytes.len() / 4096 / 2 * 4096;
    bytes[middle..middle + 4096].fill(0x5A);
    fs::write(killed.path(), bytes).unwrap();
    let error = killed.open().err().expect("it is damaged");
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
    assert!(!error.may_pass());
}

fn backup(place: &Place) -> PathBuf {
    place.folder.path().join("backup.db")
}

#[tokio::test]
async fn a_backup_is_whole_while_others_write_and_counts_what_came_after_it() {
    let place = Place::new();
    let (store, world) = worked(&place).await;
    let judged = SqliteStore::back_up(&place.path(), &backup(&place)).unwrap();
    assert_eq!((judged.batches, judged.documents, judged.completed), (1, 30, 15));
    assert_eq!(judged.faults, Vec::<String>::new());
    assert_eq!(judged.settled, usd(1500));
    // Work goes on after it.
    for _ in 0..3 {
        world.complete_next(100).await;
    }
    let error = SqliteStore::restore(&place.path(), &backup(&place), NOW).unwrap_err();
    assert!(
        matches!(error, StoreError::Busy),
        "somebody works here: {error:?}"
    );
    let batch = world.batch;
    drop((store, world));
    let restored = SqliteStore::restore(&place.path(), &backup(&place), NOW).unwrap();
    assert_eq!(restored.spent_since.len(), 1);
    assert_eq!(restored.spent_since[0].amount, usd(300));
    assert!(restored.aside.iter().all(|path| path.exists()) && !restored.aside.is_empty());
    let row = place.open().unwrap().batch(batch).await.unwrap();
    assert_eq!((row.state, row.counters.completed), (BatchState::Paused, 15));
    assert_eq!(
        (row.balance.settled, row.balance.unconfirmed, row.balance.reserved),
        (usd(1500), usd(300), usd(70))
    );
    assert_eq!(
        SqliteStore::judge(&place.path()).unwrap().faults,
        Vec::<String>::new()
    );
}

#[tokio::test]
async fn a_damaged_backup_takes_nobodys_place() {
    let place = Place::new();
    let (store, world) = worked(&place).await;
    world.add(100..=2000).await;
    SqliteStore::back_up(&place.path(), &backup(&place)).unwrap();
    let batch = world.batch;
    drop((store, world));
    damage(&backup(&place));
    let error = SqliteStore::restore(&place.path(), &backup(&place), NOW).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error:?}");
    assert_eq!(
        place
            .open()
            .unwrap()
            .batch(batch)
            .await
            .unwrap()
            .counters
            .completed,
        15
    );
    let notes = place.folder.path().join("notes.txt");
    fs::write(&notes, "no database at all").unwrap();
    let error = SqliteStore::restore(&place.path(), &notes, NOW).unwrap_err();
    assert!(matches!(error, StoreError::Unusable { .. }), "{error:?}");
}

fn damage(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let middle = bytes.len() / 4096 / 2 * 4096;
    bytes[middle..middle + 4096].fill(0x5A);
    fs::write(path, bytes).unwrap();
}
