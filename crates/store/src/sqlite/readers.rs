//! Connections for looking: read-only, a few of them, on blocking threads.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::StoreError;
use crate::sqlite::codec::Context;
use crate::sqlite::open;

/// Connections at most; whoever comes later waits. Queries take milliseconds and run on the
/// processor: more of them at once would only be slower, and 500 viewers held 500 connections open.
const MOST: usize = 8;

/// Idle connections kept.
const KEPT: usize = 4;

/// Makes and keeps connections.
#[derive(Debug)]
pub(super) struct Readers {
    path: PathBuf,
    context: Context,
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            context: open::context(&path),
            path,
            idle: Mutex::default(),
            permits: Arc::new(Semaphore::new(MOST)),
        }
    }

    /// Waits until one more may look. The query takes the permit with it, so that one whose
    /// caller went away counts until it is over.
    pub(super) async fn permit(&self) -> Result<OwnedSemaphorePermit, StoreError> {
        Arc::clone(&self.permits)
            .acquire_owned()
            .await
            .map_err(|error| StoreError::Database(error.to_string()))
    }

    /// Runs a query. Blocks: callers are on a blocking thread, and hold a permit.
    pub(super) fn read<T>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let kept = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let connection = match kept {
            Some(connection) => connection,
            None => open::reading(&self.path)?,
        };
        let result = query(&connection).map_err(|error| self.context.explain(error));
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < KEPT {
            idle.push(connection);
        }
        result
    }
}
