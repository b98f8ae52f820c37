//! Lists sorted and filtered by values: their index is made when somebody first asks for it.

use std::time::Duration;

use docmill_core::id::BatchId;
use docmill_core::time::Timestamp;
use docmill_store::{DocumentQuery, Prepared, SortBy, Store, StoreError};
use tokio::time::Instant;

use crate::{Engine, EngineError};

/// Documents taken into an index in one transaction: others get their turn in between.
const CHUNK: u32 = 2_000;

/// Fields a list may be sorted and filtered by at once; the store keeps more than these.
pub const MOST_FIELDS: usize = 8;

impl Engine {
    /// [`prepare_values`] of the engine's store.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn prepare_values(
        &self,
        batch: BatchId,
        query: &DocumentQuery,
        patience: Duration,
    ) -> Result<Option<Prepared>, EngineError> {
        let store = self.parts.store.as_ref();
        Ok(prepare_values(store, batch, query, patience, || self.now()).await?)
    }
}

/// Makes ready what a query needs, for so long ([`Duration::MAX`]: to the end). `None`: it is ready.
/// Otherwise how far it is; asking again goes on from there.
///
/// # Errors
/// When the store fails.
pub async fn prepare_values(
    store: &dyn Store,
    batch: BatchId,
    query: &DocumentQuery,
    patience: Duration,
    now: impl Fn() -> Timestamp,
) -> Result<Option<Prepared>, StoreError> {
    let until = Instant::now().checked_add(patience);
    for pointer in pointers(query) {
        loop {
            let prepared = store.prepare_values(batch, pointer, CHUNK, now()).await?;
            if prepared.is_ready {
                break;
            }
            if until.is_some_and(|until| Instant::now() >= until) {
                return Ok(Some(prepared));
            }
        }
    }
    Ok(None)
}

/// The fields a query is about, each once.
fn pointers(query: &DocumentQuery) -> Vec<&str> {
    let sorted = query
        .sort_field
        .as_deref()
        .filter(|_| query.sort == SortBy::Value);
    let conditions = query.values.iter().map(|condition| condition.pointer.as_str());
    let mut all: Vec<&str> = conditions.chain(sorted).collect();
    all.sort_unstable();
    all.dedup();
    all
}
