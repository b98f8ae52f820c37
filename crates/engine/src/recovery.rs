//! Who is alive, and clearing up after who is not.
//!
//! Each worker holds a file lock for as long as its process lives. The system
//! lets go of it at any death, `kill -9` included, so a lock that can be taken
//! belongs to a dead worker: recovery starts at once, without waiting for a
//! lease to run out, and never touches a process that is merely slow.
//!
//! What a dead worker left: its leased documents go back into the queue; its
//! calls in flight become *unconfirmed* and keep counting against the budget at
//! their worst case, because nobody knows whether they were billed. Answers that stand in
//! its [`journal`], and those it had kept in the spool, are offered to the store first: those
//! are known.
//!
//! Every process looks for the dead every few seconds, whatever it is doing: of two that work on
//! one batch either may die at any time, and the other must not wait for its leases for ever.
//! Several may find the same worker dead; clearing up twice changes nothing.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use docmill_core::id::WorkerId;
use docmill_core::time::Timestamp;
use docmill_store::{Recovered, Store, WorkerRow};
use uuid::Uuid;

use crate::readings::Readings;
use crate::spool::Spool;
use crate::{Clock, Engine, EngineError, journal, private};

/// How often a process looks for dead workers.
const LOOK_FOR_DEAD: Duration = Duration::from_secs(2);

/// This process's membership: registered in the store, alive by its lock.
pub struct Worker {
    /// Its id, new at each start.
    pub id: WorkerId,
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    path: PathBuf,
    _lock: File,
}

impl Engine {
    /// Clears up after dead workers, then registers this one.
    ///
    /// # Errors
    /// When the lock folder cannot be written or the store fails.
    pub async fn start_worker(&self) -> Result<(Worker, Recovered), EngineError> {
        let folder = self.settings.data_dir.join("workers");
        private::create_folder(&folder).map_err(|error| folder_error(&folder, &error))?;
        let recovered = self.recover().await?;
        self.prune_readings();
        let id = WorkerId(Uuid::now_v7());
        let path = lock_path(&folder, id);
        // The lock first: a registered worker without one would look dead.
        let lock = private::file()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|error| folder_error(&path, &error))?;
        lock.try_lock().map_err(|error| folder_error(&path, &error))?;
        let now = self.parts.clock.now();
        let label = format!("process {}", std::process::id());
        let row = WorkerRow {
            id,
            label,
            started_at: now,
            heartbeat_at: now,
        };
        self.parts.store.register_worker(row).await?;
        let worker = Worker {
            id,
            store: Arc::clone(&self.parts.store),
            clock: Arc::clone(&self.parts.clock),
            path,
            _lock: lock,
        };
        Ok((worker, recovered))
    }

    /// Makes room among the readings, beside the work.
    fn prune_readings(&self) {
        let readings = Readings::new(&self.settings.data_dir);
        let limit = self.settings.readings_limit;
        drop(tokio::task::spawn_blocking(move || readings.prune(limit)));
    }

    /// Clears up after workers that died since this process last looked. Cheap, and made to be
    /// called often: it does nothing when it did so a moment ago.
    ///
    /// # Errors
    /// When the lock folder cannot be used or the store fails.
    pub async fn recover_dead(&self) -> Result<Recovered, EngineError> {
        let Ok(mut last) = self.recovered_at.try_lock() else {
            return Ok(Recovered::default());
        };
        if last.is_some_and(|last| last.elapsed() < LOOK_FOR_DEAD) {
            return Ok(Recovered::default());
        }
        let recovered = self.recover().await?;
        if recovered != Recovered::default() {
            tracing::info!(?recovered, "cleared up after a process that died");
        }
        *last = Some(tokio::time::Instant::now());
        Ok(recovered)
    }

    async fn recover(&self) -> Result<Recovered, EngineError> {
        let now = self.parts.clock.now();
        clear_up(self.parts.store.as_ref(), &self.settings.data_dir, now).await
    }
}

/// Clears up after workers that died. Does nothing while all live.
///
/// # Errors
/// When the lock folder cannot be used or the store fails.
pub(crate) async fn clear_up(
    store: &dyn Store,
    data_dir: &Path,
    now: Timestamp,
) -> Result<Recovered, EngineError> {
    let folder = &data_dir.join("workers");
    let spool = Spool::new(data_dir);
    let mut workers: Vec<WorkerId> = store.workers().await?.iter().map(|it| it.id).collect();
    workers.extend(spool.workers());
    workers.sort_unstable_by_key(|worker| worker.0);
    workers.dedup();
    let mut dead = Vec::new();
    let mut locks = Vec::new();
    for worker in workers {
        let path = lock_path(folder, worker);
        match is_dead(&path) {
            Ok(Some(lock)) => {
                // Held until recovery is done, so that two starts do not both recover it.
                locks.push((path, lock));
                dead.push(worker);
            }
            Ok(None) => {}
            Err(error) => return Err(folder_error(&path, &error)),
        }
    }
    if dead.is_empty() {
        return Ok(Recovered::default());
    }
    for worker in &dead {
        // The spool first: what is in it says what becomes of the document, too.
        let mut answers = spool.replay(*worker, store).await?;
        answers += journal::replay(folder, *worker, store, now).await?;
        if answers > 0 {
            tracing::info!(answers, "answers that were not stored before are stored now");
        }
    }
    let recovered = store.recover(dead.clone(), now).await?;
    for worker in dead {
        journal::remove(folder, worker);
    }
    for (path, _lock) in locks {
        // A left-over file is harmless: no worker will ever have its id again.
        let _ = std::fs::remove_file(path);
    }
    Ok(recovered)
}

/// The lock of a worker that is dead; `None` while it lives.
fn is_dead(path: &Path) -> std::io::Result<Option<File>> {
    let file = private::file()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn lock_path(folder: &Path, id: WorkerId) -> PathBuf {
    folder.join(format!("{id}.lock"))
}

pub(crate) fn folder_error(path: &Path, error: &dyn std::fmt::Display) -> EngineError {
    EngineError::Folder {
        path: path.display().to_string(),
        reason: error.to_string(),
    }
}

impl Worker {
    /// Ends in order: leases are given back, the registration and the lock removed.
    ///
    /// # Errors
    /// When the store fails; then the next start recovers this worker like a dead one.
    pub async fn retire(self) -> Result<(), EngineError> {
        self.store.retire_worker(self.id, self.clock.now()).await?;
        if let Some(folder) = self.path.parent() {
            journal::remove(folder, self.id);
        }
        let _ = std::fs::remove_file(&self.path);
        Ok(())
    }
}
