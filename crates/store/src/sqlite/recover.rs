//! Clearing up after workers, dead or retiring.

use docmill_core::event::EventKind;
use docmill_core::id::{BatchId, WorkerId};
use docmill_core::money::Usd;
use docmill_core::time::Timestamp;
use rusqlite::params;

use crate::StoreError;
use crate::records::{Recovered, WorkerRow};
use crate::sqlite::claim::give_back;
use crate::sqlite::codec::{Columns, worker_id};
use crate::sqlite::hot::Transaction;
use crate::sqlite::settle::unconfirm;

/// Takes everything from the dead.
pub(super) fn recover(
    transaction: &mut Transaction<'_>,
    dead: &[WorkerId],
    now: Timestamp,
) -> Result<Recovered, StoreError> {
    let mut total = Recovered::default();
    for worker in dead {
        let left = clear(transaction, *worker, now)?;
        for (batch, left) in left {
            total.documents += left.documents;
            total.unconfirmed_calls += left.unconfirmed_calls;
            total.unconfirmed = total.unconfirmed.saturating_add(left.unconfirmed);
            let key = transaction.hot(batch)?.key;
            let event = EventKind::Recovered {
                documents: left.documents,
                unconfirmed_calls: left.unconfirmed_calls,
                unconfirmed: left.unconfirmed,
            };
            transaction.log(key, None, &event, now)?;
        }
    }
    Ok(total)
}

/// What one worker held, per batch; afterwards it holds nothing and is not known any more.
fn clear(
    transaction: &mut Transaction<'_>,
    worker: WorkerId,
    now: Timestamp,
) -> Result<Vec<(BatchId, Recovered)>, StoreError> {
    let mut left: Vec<(BatchId, Recovered)> = Vec::new();
    let mut entry = |batch: BatchId, add: &dyn Fn(&mut Recovered)| match left
        .iter_mut()
        .find(|(known, _)| *known == batch)
    {
        Some((_, recovered)) => add(recovered),
        None => {
            let mut recovered = Recovered::default();
            add(&mut recovered);
            left.push((batch, recovered));
        }
    };
    for (batch, calls, worst_case) in unconfirm(transaction, worker)? {
        entry(batch, &|recovered| {
            recovered.unconfirmed_calls += calls;
            recovered.unconfirmed = recovered.unconfirmed.saturating_add(worst_case);
        });
    }
    for (batch, documents) in give_back(transaction, worker, now)? {
        entry(batch, &|recovered| recovered.documents += documents);
    }
    transaction
        .prepare("DELETE FROM workers WHERE id = ?1")?
        .execute([worker.0.as_bytes()])
        .map_err(|error| transaction.explain(error))?;
    Ok(left)
}

/// A worker that ends in order. What it may still have in flight is unconfirmed all the same.
pub(super) fn retire(
    transaction: &mut Transaction<'_>,
    worker: WorkerId,
    now: Timestamp,
) -> Result<(), StoreError> {
    for (batch, left) in clear(transaction, worker, now)? {
        if left.unconfirmed > Usd::ZERO {
            let key = transaction.hot(batch)?.key;
            let event = EventKind::Recovered {
                documents: left.documents,
                unconfirmed_calls: left.unconfirmed_calls,
                unconfirmed: left.unconfirmed,
            };
            transaction.log(key, None, &event, now)?;
        }
    }
    Ok(())
}

/// Announces a worker.
pub(super) fn register(transaction: &mut Transaction<'_>, worker: &WorkerRow) -> Result<(), StoreError> {
    transaction
        .prepare(
            "INSERT OR REPLACE INTO workers (id, label, started_at, heartbeat_at) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![
            worker.id.0.as_bytes(),
            worker.label,
            worker.started_at.0,
            worker.heartbeat_at.0
        ])
        .map_err(|error| transaction.explain(error))?;
    Ok(())
}

/// Says that a worker is alive.
pub(super) fn heartbeat(
    transaction: &mut Transaction<'_>,
    worker: WorkerId,
    now: Timestamp,
) -> Result<(), StoreError> {
    transaction
        .prepare("UPDATE workers SET heartbeat_at = ?2 WHERE id = ?1")?
        .execute(params![worker.0.as_bytes(), now.0])
        .map_err(|error| transaction.explain(error))?;
    Ok(())
}

/// Workers that are registered.
pub(super) fn workers(connection: &rusqlite::Connection) -> rusqlite::Result<Vec<WorkerRow>> {
    connection
        .prepare_cached("SELECT id, label, started_at, heartbeat_at FROM workers ORDER BY id")?
        .query_map([], |row| {
            Ok(WorkerRow {
                id: worker_id(row, "id")?,
                label: row.get("label")?,
                started_at: row.time("started_at")?,
                heartbeat_at: row.time("heartbeat_at")?,
            })
        })?
        .collect()
}
