//! The spool: answers that were paid for and that the database would not take.
//!
//! A disk that is full, a database that was moved away or stays busy: the answer is in hand,
//! and only memory holds it. When trying again does not help for a while, the commit is
//! written into a file of its own, synced. Whoever clears up after the process later offers it
//! to the database once more. A commit that was taken already changes nothing: its attempt has
//! ended, so doing it twice is harmless, and no order has to be kept.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use docmill_core::id::{BatchId, DocumentId, Ordinal, WorkerId};
use docmill_store::{Commit, Store, StoreError};

use crate::private;

/// What a spooled commit's file ends with; while it is written it ends otherwise.
const EXTENSION: &str = "json";

static NEXT: AtomicU64 = AtomicU64::new(0);

/// Commits below one folder.
#[derive(Debug, Clone)]
pub(crate) struct Spool {
    folder: Arc<Path>,
}

impl Spool {
    pub(crate) fn new(data_dir: &Path) -> Self {
        Self {
            folder: data_dir.join("spool").into(),
        }
    }

    /// Writes a commit down; what is returned survives power loss.
    pub(crate) async fn keep(&self, commit: &Commit) -> io::Result<PathBuf> {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let path = self
            .folder
            .join(format!("{}-{number}.{EXTENSION}", commit.worker.0.as_simple()));
        let bytes = serde_json::to_vec(commit)?;
        let kept = path.clone();
        tokio::task::spawn_blocking(move || write(&path, &bytes))
            .await
            .map_err(io::Error::other)??;
        Ok(kept)
    }

    /// How many commits wait.
    pub(crate) fn len(&self) -> usize {
        self.files().len()
    }

    /// Whose commits wait.
    pub(crate) fn workers(&self) -> Vec<WorkerId> {
        let mut workers: Vec<WorkerId> = self.files().iter().filter_map(|path| worker_of(path)).collect();
        workers.sort_unstable_by_key(|worker| worker.0);
        workers.dedup();
        workers
    }

    /// Offers the commits of a dead worker to the store; returns how many it took.
    pub(crate) async fn replay(&self, worker: WorkerId, store: &dyn Store) -> Result<u64, StoreError> {
        let mut taken = 0;
        for path in self.files() {
            if worker_of(&path) != Some(worker) {
                continue;
            }
            let commit = match fs::read(&path).map(|bytes| serde_json::from_slice::<Commit>(&bytes)) {
                Ok(Ok(commit)) => commit,
                Ok(Err(error)) => {
                    tracing::warn!(path = %path.display(), %error, "a kept answer cannot be read");
                    continue;
                }
                Err(error) => {
                    tracing::warn!(path = %path.display(), %error, "a kept answer cannot be read");
                    continue;
                }
            };
            match store.commit(Arc::new(commit)).await {
                Ok(_) => taken += 1,
                // Its batch was removed, or the database set back to before it.
                Err(StoreError::NoSuchDocument(_) | StoreError::NoSuchBatch(_)) => {}
                Err(error) => return Err(error),
            }
            forget(&path);
        }
        Ok(taken)
    }

    /// Removes what is kept of a batch, or of one of its documents; and what a worker that is not
    /// among the living never finished writing: it may be of them. What was whole of a dead one
    /// was offered to the store before.
    pub(crate) fn forget(&self, batch: BatchId, only: Option<Ordinal>, living: &[WorkerId]) {
        for path in self.all() {
            let commit = fs::read(&path).map(|bytes| serde_json::from_slice::<Commit>(&bytes));
            let is_meant = match commit {
                Ok(Ok(commit)) => {
                    let DocumentId { batch: its, ordinal } = commit.document;
                    its == batch && only.is_none_or(|only| only == ordinal)
                }
                Ok(Err(_)) => !worker_of(&path).is_some_and(|worker| living.contains(&worker)),
                Err(_) => false,
            };
            if is_meant {
                forget(&path);
            }
        }
    }

    fn files(&self) -> Vec<PathBuf> {
        let mut files = self.all();
        files.retain(|path| path.extension().is_some_and(|it| it == EXTENSION));
        files
    }

    /// Those that are still being written, or were when their worker died, too.
    fn all(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).collect()
    }
}

/// Removes a commit that the store has taken. Left behind it does no harm.
pub(crate) fn forget(path: &Path) {
    if let Err(error) = fs::remove_file(path) {
        tracing::debug!(path = %path.display(), %error, "a kept answer could not be removed");
    }
}

fn worker_of(path: &Path) -> Option<WorkerId> {
    let (worker, _) = path.file_stem()?.to_str()?.rsplit_once('-')?;
    uuid::Uuid::parse_str(worker).ok().map(WorkerId)
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let partial = path.with_extension("partial");
    let written = write_at(&partial, bytes).and_then(|()| fs::rename(&partial, path));
    if written.is_err() {
        // On a full disk what was written of it takes room from others.
        let _ = fs::remove_file(&partial);
    }
    written?;
    let folder = path.parent().unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

fn write_at(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        private::create_folder(folder)?;
    }
    let mut file = private::file()
        .create(true)
        .truncate(true)
        .write(true)
        .open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
