//! Connections for looking: read-only, a few of them, on blocking threads.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use rusqlite::Connection;

use crate::StoreError;
use crate::sqlite::codec::Context;
use crate::sqlite::open;

/// Idle connections kept. More are made when more look at once, and dropped afterwards.
const KEPT: usize = 4;

/// Makes and keeps connections.
#[derive(Debug)]
pub(super) struct Readers {
    path: PathBuf,
    context: Context,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            context: open::context(&path),
            path,
            idle: Mutex::default(),
        }
    }

    /// Runs a query. Blocks: callers are on a blocking thread.
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
