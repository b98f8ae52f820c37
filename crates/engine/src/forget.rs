//! Forgetting a batch or a document: what the store has of it, and what lies beside the
//! database: readings, kept answers, uploaded files, finished exports. Files elsewhere are not docmill's.

use std::path::{Path, PathBuf};

use docmill_core::id::{BatchId, DocumentId, Ordinal, WorkerId};
use docmill_core::time::Timestamp;
use docmill_store::{BatchQuery, Forgotten, Store};

use crate::readings::Readings;
use crate::spool::Spool;
use crate::{EngineError, recovery};

/// The shelf of passwords of documents, sealed, by batch.
pub const PASSWORDS: &str = "passwords";

/// Jobs of a batch looked at for their exports.
const JOBS: u32 = 10_000;

/// What was forgotten.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// In the store.
    pub stored: Forgotten,
    /// Readings that were kept.
    pub readings: u64,
    /// Uploaded files or folders, and exports.
    pub files: Vec<PathBuf>,
    /// Where documents still are, as they were given: not docmill's to remove.
    pub elsewhere: Vec<String>,
}

/// Forgets a batch, or one of its documents.
///
/// # Errors
/// When the batch is being worked on, there is no such document, or the store fails.
pub async fn forget(
    store: &dyn Store,
    data_dir: &Path,
    batch: BatchId,
    document: Option<Ordinal>,
    now: Timestamp,
) -> Result<Report, EngineError> {
    // Answers that a dead process left in files go into the store first, or they would come back.
    recovery::clear_up(store, data_dir, now).await?;
    let uploads = data_dir.join("uploads");
    let mut places = Vec::new();
    match document {
        Some(ordinal) => {
            let detail = store.document(DocumentId { batch, ordinal }).await?;
            places.push(detail.row.key);
        }
        None => places.extend(store.batch(batch).await?.sources),
    }
    let used = used_by_others(store, batch).await?;
    let (ours, elsewhere): (Vec<String>, Vec<String>) = places.into_iter().partition(|place| {
        Path::new(place).starts_with(&uploads) && !used.iter().any(|it| place.starts_with(it))
    });
    let mut files: Vec<PathBuf> = ours.into_iter().map(PathBuf::from).collect();
    if document.is_none() {
        let jobs = store.jobs(Some(batch), false, JOBS).await?;
        files.extend(
            jobs.iter()
                .map(|job| data_dir.join("exports").join(job.id.to_string())),
        );
    }
    let stored = store.forget(batch, document, now).await?;
    if document.is_none() {
        store.keep(PASSWORDS, &batch.to_string(), None, now).await?;
    }
    let readings = Readings::new(data_dir);
    let content = stored.content.clone();
    let spool = Spool::new(data_dir);
    let living: Vec<WorkerId> = store.workers().await?.iter().map(|it| it.id).collect();
    let (removed, files) = tokio::task::spawn_blocking(move || {
        let files = files.into_iter().filter(|path| remove(path)).collect();
        spool.forget(batch, document, &living);
        (readings.forget(&content), files)
    })
    .await
    .map_err(|error| EngineError::Bug(error.to_string()))?;
    Ok(Report {
        stored,
        readings: removed,
        files,
        elsewhere,
    })
}

/// Sources of other batches: two may share an upload.
async fn used_by_others(store: &dyn Store, batch: BatchId) -> Result<Vec<String>, EngineError> {
    let batches = store.batches(BatchQuery::default()).await?;
    let others = batches.into_iter().filter(|row| row.id != batch);
    Ok(others.flat_map(|row| row.sources).collect())
}

/// Whether something was there and is gone.
fn remove(path: &Path) -> bool {
    let removed = if path.is_dir() {
        std::fs::remove_dir_all(path)
    } else {
        std::fs::remove_file(path)
    };
    match removed {
        Ok(()) => true,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => false,
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "a file could not be removed");
            false
        }
    }
}
