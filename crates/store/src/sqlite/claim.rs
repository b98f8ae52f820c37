//! Claiming: leases for the documents whose turn it is.

use std::ops::RangeInclusive;

use docmill_core::batch::BatchState;
use docmill_core::document::DocumentState;
use docmill_core::failure::LONGEST_RETRY;
use docmill_core::id::{BatchId, WorkerId};
use docmill_core::time::Timestamp;
use rusqlite::{OptionalExtension, Row, params};

use crate::StoreError;
use crate::records::{Claimed, LeasedDocument};
use crate::sqlite::codec::{Columns, document_id};
use crate::sqlite::hot::Transaction;

/// Leases up to `limit` pending documents.
pub(super) fn claim(
    transaction: &mut Transaction<'_>,
    batch: BatchId,
    worker: WorkerId,
    limit: u32,
    now: Timestamp,
) -> Result<Claimed, StoreError> {
    let hot = transaction.hot(batch)?;
    if hot.state != BatchState::Running {
        return Ok(Claimed::NotRunning(hot.state));
    }
    let (key, leased) = (hot.key, hot.counters.leased);
    let take = |times| {
        take(transaction, key, batch, worker, limit, now, times).map_err(|error| transaction.explain(error))
    };
    let mut documents = take(Timestamp(i64::MIN)..=now)?;
    if documents.is_empty() {
        // Nothing is ever told to wait for so long: the clock was set back since.
        let longest = now.plus_ms(i64::try_from(LONGEST_RETRY.as_millis()).unwrap_or(i64::MAX));
        documents = take(longest.plus_ms(1)..=Timestamp(i64::MAX))?;
    }
    if documents.is_empty() {
        let next_at = next_time(transaction, key).map_err(|error| transaction.explain(error))?;
        return Ok(Claimed::NoDocuments { next_at, leased });
    }
    let count = documents.len() as u64;
    let hot = transaction.hot(batch)?;
    hot.move_documents(DocumentState::Pending, DocumentState::Leased, count);
    hot.updated_at = now;
    Ok(Claimed::Documents(documents))
}

fn take(
    transaction: &Transaction<'_>,
    key: i64,
    batch: BatchId,
    worker: WorkerId,
    limit: u32,
    now: Timestamp,
    times: RangeInclusive<Timestamp>,
) -> rusqlite::Result<Vec<LeasedDocument>> {
    let mut statement = transaction.statement(
        "UPDATE documents SET state = 'leased', worker = ?2, updated_at = ?3
         WHERE id IN (
            SELECT id FROM documents INDEXED BY documents_ready
            WHERE batch = ?1 AND state = 'pending' AND next_attempt_at BETWEEN ?5 AND ?6
            ORDER BY next_attempt_at, id LIMIT ?4)
         -- Only a worker that can be found dead may hold anything.
         AND EXISTS (SELECT 1 FROM workers WHERE workers.id = ?2)
         RETURNING id, key, name, bytes, kind, content_hash, attempts, failures, waits, retried_after",
    )?;
    let rows = statement.query_map(
        params![
            key,
            worker.0.as_bytes(),
            now.0,
            limit,
            times.start().0,
            times.end().0
        ],
        |row| read(row, batch),
    )?;
    let mut documents: Vec<LeasedDocument> = rows.collect::<Result<_, _>>()?;
    // RETURNING promises no order.
    documents.sort_unstable_by_key(|document| document.id.ordinal);
    Ok(documents)
}

fn read(row: &Row<'_>, batch: BatchId) -> rusqlite::Result<LeasedDocument> {
    Ok(LeasedDocument {
        id: document_id(batch, row.get("id")?),
        key: row.get("key")?,
        name: row.get("name")?,
        bytes: row.number("bytes")?,
        kind: row.name_of("kind")?,
        content_hash: row.hash("content_hash")?,
        attempts: row.small("attempts")?,
        failures: row.small("failures")?,
        waits: row.small("waits")?,
        retried_after: row.small("retried_after")?,
    })
}

/// When the next pending document's time comes.
fn next_time(transaction: &Transaction<'_>, key: i64) -> rusqlite::Result<Option<Timestamp>> {
    transaction
        .statement(
            "SELECT next_attempt_at FROM documents WHERE batch = ?1 AND state = 'pending'
             ORDER BY next_attempt_at LIMIT 1",
        )?
        .query_row([key], |row| row.get(0).map(Timestamp))
        .optional()
}

/// Puts all leases of a worker back into the queue, counting them per batch.
pub(super) fn give_back(
    transaction: &mut Transaction<'_>,
    worker: WorkerId,
    now: Timestamp,
) -> Result<Vec<(BatchId, u64)>, StoreError> {
    let keys: Vec<(i64, [u8; 16], u64)> = {
        let read = || -> rusqlite::Result<_> {
            transaction
                .statement(
                    "SELECT batches.key, batches.id, count(*) FROM documents
                     JOIN batches ON batches.key = documents.batch
                     WHERE documents.worker = ?1 AND documents.state = 'leased' GROUP BY batches.key",
                )?
                .query_map([worker.0.as_bytes()], |row| {
                    Ok((
                        row.get(0)?,
                        row.get(1)?,
                        u64::try_from(row.get::<_, i64>(2)?).unwrap_or(0),
                    ))
                })?
                .collect()
        };
        read().map_err(|error| transaction.explain(error))?
    };
    let mut given = Vec::with_capacity(keys.len());
    for (key, id, count) in keys {
        let batch = BatchId(uuid::Uuid::from_bytes(id));
        // Of a cancelled batch nothing goes back into the queue.
        let to = match transaction.hot(batch)?.state {
            BatchState::Cancelled => DocumentState::Cancelled,
            _ => DocumentState::Pending,
        };
        transaction
            .prepare(
                "UPDATE documents SET state = ?1, worker = NULL, updated_at = ?2
                 WHERE worker = ?3 AND state = 'leased' AND batch = ?4",
            )?
            .execute(params![to.as_str(), now.0, worker.0.as_bytes(), key])
            .map_err(|error| transaction.explain(error))?;
        let hot = transaction.hot(batch)?;
        hot.move_documents(DocumentState::Leased, to, count);
        hot.updated_at = now;
        given.push((batch, count));
    }
    Ok(given)
}
