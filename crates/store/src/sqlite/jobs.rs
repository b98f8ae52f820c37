//! Jobs: what is done in the background for a person; and small things kept by name.

use docmill_core::id::BatchId;
use docmill_core::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::StoreError;
use crate::records::{JobProgress, JobRow, JobState, KeptRow};
use crate::sqlite::batches::json;
use crate::sqlite::codec::{Columns, batch_id, int};
use crate::sqlite::hot::Transaction;

/// Writes down a job.
pub(super) fn add(
    transaction: &mut Transaction<'_>,
    batch: BatchId,
    spec: &serde_json::Value,
    total: u64,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let key = transaction.hot(batch)?.key;
    let spec = json(spec)?;
    let id: i64 = transaction
        .prepare(
            "INSERT INTO jobs (batch, spec, state, total, created_at, updated_at)
             VALUES (?1, ?2, 'running', ?3, ?4, ?4) RETURNING id",
        )?
        .query_row(params![key, spec, int(total), now.0], |row| row.get(0))
        .map_err(|error| transaction.explain(error))?;
    Ok(u64::try_from(id).unwrap_or(0))
}

/// Says how far a job is; what a person ended stays ended.
pub(super) fn advance(
    transaction: &mut Transaction<'_>,
    job: u64,
    progress: &JobProgress,
    now: Timestamp,
) -> Result<JobState, StoreError> {
    let update = || -> rusqlite::Result<JobState> {
        transaction
            .statement(
                "UPDATE jobs SET state = ?2, total = ?3, done = ?4, changed = ?5, cursor = ?6, message = ?7,
                    updated_at = ?8 WHERE id = ?1 AND state = 'running'",
            )?
            .execute(params![
                int(job),
                progress.state.as_str(),
                int(progress.total),
                int(progress.done),
                int(progress.changed),
                progress.cursor,
                progress.message,
                now.0
            ])?;
        transaction
            .statement("SELECT state FROM jobs WHERE id = ?1")?
            .query_row([int(job)], |row| row.name_of("state"))
    };
    update().map_err(|error| transaction.explain(error))
}

/// Jobs, newest first.
pub(super) fn list(
    connection: &Connection,
    batch: Option<BatchId>,
    only_running: bool,
    limit: u32,
) -> rusqlite::Result<Vec<JobRow>> {
    let mut sql = "SELECT jobs.*, batches.id AS batch_id FROM jobs JOIN batches ON batches.key = jobs.batch
        WHERE (?1 IS NULL OR batches.id = ?1)"
        .to_owned();
    if only_running {
        sql.push_str(" AND jobs.state = 'running'");
    }
    sql.push_str(" ORDER BY jobs.id DESC LIMIT ?2");
    let batch = batch.map(|id| id.0.as_bytes().to_vec());
    connection
        .prepare_cached(&sql)?
        .query_map(params![batch, limit], read)?
        .collect()
}

/// One job.
pub(super) fn one(connection: &Connection, job: u64) -> rusqlite::Result<Option<JobRow>> {
    connection
        .prepare_cached(
            "SELECT jobs.*, batches.id AS batch_id FROM jobs JOIN batches ON batches.key = jobs.batch
             WHERE jobs.id = ?1",
        )?
        .query_row([int(job)], read)
        .optional()
}

fn read(row: &Row<'_>) -> rusqlite::Result<JobRow> {
    Ok(JobRow {
        id: row.number("id")?,
        batch: batch_id(row, "batch_id")?,
        spec: row.json("spec")?,
        state: row.name_of("state")?,
        total: row.number("total")?,
        done: row.number("done")?,
        changed: row.number("changed")?,
        cursor: row.get("cursor")?,
        message: row.get("message")?,
        created_at: row.time("created_at")?,
        updated_at: row.time("updated_at")?,
    })
}

/// Puts something on a shelf, or takes it away.
pub(super) fn keep(
    transaction: &Transaction<'_>,
    shelf: &str,
    name: &str,
    value: Option<&serde_json::Value>,
    now: Timestamp,
) -> Result<(), StoreError> {
    let value = value.map(json).transpose()?;
    let write = || match &value {
        Some(value) => transaction
            .statement(
                "INSERT INTO kept (shelf, name, value, updated_at) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT DO UPDATE SET value = excluded.value, updated_at = excluded.updated_at",
            )?
            .execute(params![shelf, name, value, now.0]),
        None => transaction
            .statement("DELETE FROM kept WHERE shelf = ?1 AND name = ?2")?
            .execute(params![shelf, name]),
    };
    write().map(drop).map_err(|error| transaction.explain(error))
}

/// What is on a shelf, by name.
pub(super) fn kept(connection: &Connection, shelf: &str) -> rusqlite::Result<Vec<KeptRow>> {
    connection
        .prepare_cached("SELECT name, value, updated_at FROM kept WHERE shelf = ?1 ORDER BY name")?
        .query_map([shelf], |row| {
            Ok(KeptRow {
                name: row.get("name")?,
                value: row.json("value")?,
                updated_at: row.time("updated_at")?,
            })
        })?
        .collect()
}
