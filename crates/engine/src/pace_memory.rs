//! What runs find out about the pace of a provider, kept across runs on a shelf of the store: the
//! next run begins at the rate that was found, or at full speed where no limit was met. Losing it
//! costs a slower start, nothing else.

use docmill_core::pacing::Remembered;
use docmill_core::time::Timestamp;
use docmill_store::{Store, StoreError};

use crate::pipeline::Job;

/// Where it is kept.
const SHELF: &str = "pace";

/// Limits change with what an account has paid so far: what is older is found out again.
const FORGOTTEN_AFTER_MS: i64 = 24 * 3_600_000;

/// Gives the lanes of a batch what earlier runs found out.
pub(crate) async fn recall(job: &Job, store: &dyn Store, now: Timestamp) -> Result<(), StoreError> {
    let kept = store.kept(SHELF).await?;
    for (setup, registration) in job.routes() {
        let row = kept.iter().find(|row| row.name == setup.resolved.lane);
        let fresh = row.filter(|row| now.since_ms(row.updated_at) < FORGOTTEN_AFTER_MS);
        // What cannot be read was written by another version.
        let known = fresh.and_then(|row| serde_json::from_value::<Remembered>(row.value.clone()).ok());
        if let Some(known) = known {
            registration.recall(known);
        }
    }
    Ok(())
}

/// Writes down what the lanes of a batch found out.
pub(crate) async fn remember(job: &Job, store: &dyn Store, now: Timestamp) -> Result<(), StoreError> {
    for (setup, registration) in job.routes() {
        let Some(known) = registration.remembered() else {
            continue;
        };
        if let Ok(value) = serde_json::to_value(known) {
            store.keep(SHELF, &setup.resolved.lane, Some(value), now).await?;
        }
    }
    Ok(())
}
