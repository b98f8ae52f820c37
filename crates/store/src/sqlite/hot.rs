//! A write transaction, and the counters and money of the batches it touches.
//!
//! They are read once when a transaction first needs them, changed in memory by
//! everything in the group, and written once before the commit: a thousand
//! completions cost one update of the batch's row. Nothing outlives the
//! transaction, because another process may write in between.

use std::collections::HashMap;

use docmill_core::batch::BatchState;
use docmill_core::document::{Class, DocumentState};
use docmill_core::id::BatchId;
use docmill_core::money::Usd;
use docmill_core::time::Timestamp;
use docmill_core::usage::Usage;
use rusqlite::{CachedStatement, Connection, OptionalExtension, named_params};

use crate::StoreError;
use crate::records::{Activity, Balance, Counters};
use crate::sqlite::activity::Intervals;
use crate::sqlite::codec::{Columns, Context, int};
use crate::sqlite::marker::Written;

/// The row of a batch without its specification.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Hot {
    pub(super) key: i64,
    pub(super) state: BatchState,
    pub(super) reason: String,
    pub(super) counters: Counters,
    pub(super) balance: Balance,
    pub(super) calls: u64,
    pub(super) calls_in_flight: u64,
    pub(super) usage: Usage,
    pub(super) started_at: Option<Timestamp>,
    pub(super) ended_at: Option<Timestamp>,
    pub(super) updated_at: Timestamp,
    /// Fields whose values are kept for lists; written by [`crate::sqlite::values`] alone.
    pub(super) value_fields: u64,
}

impl Hot {
    /// Moves one document from a counter to another.
    pub(super) fn move_document(&mut self, from: DocumentState, to: DocumentState) {
        self.move_documents(from, to, 1);
    }

    /// Moves several.
    pub(super) fn move_documents(&mut self, from: DocumentState, to: DocumentState, count: u64) {
        let counter = self.counter(from);
        *counter = counter.saturating_sub(count);
        *self.counter(to) += count;
    }

    /// The counter of a state.
    pub(super) fn counter(&mut self, state: DocumentState) -> &mut u64 {
        let counters = &mut self.counters;
        match state {
            DocumentState::Pending => &mut counters.pending,
            DocumentState::Leased => &mut counters.leased,
            DocumentState::Completed => &mut counters.completed,
            DocumentState::Failed => &mut counters.failed,
            DocumentState::Cancelled => &mut counters.cancelled,
            DocumentState::Skipped => &mut counters.skipped,
        }
    }
}

/// A write transaction.
pub(super) struct Transaction<'c> {
    connection: &'c Connection,
    context: &'c Context,
    by_id: HashMap<BatchId, Loaded>,
    intervals: Intervals,
    /// Rows the connection had changed before this transaction.
    changes_before: u64,
}

/// A batch as it was when the transaction first needed it, and as it is now.
struct Loaded {
    before: Hot,
    now: Hot,
}

impl<'c> Transaction<'c> {
    pub(super) fn new(connection: &'c Connection, context: &'c Context) -> Self {
        Self {
            connection,
            context,
            by_id: HashMap::new(),
            intervals: Intervals::default(),
            changes_before: connection.total_changes(),
        }
    }

    /// A prepared statement.
    pub(super) fn prepare(&self, sql: &str) -> Result<CachedStatement<'c>, StoreError> {
        self.connection
            .prepare_cached(sql)
            .map_err(|error| self.explain(error))
    }

    /// A prepared statement, for functions that leave explaining errors to their caller.
    pub(super) fn statement(&self, sql: &str) -> rusqlite::Result<CachedStatement<'c>> {
        self.connection.prepare_cached(sql)
    }

    /// Explains what the database says.
    pub(super) fn explain(&self, error: rusqlite::Error) -> StoreError {
        self.context.explain(error)
    }

    /// The batch's counters and money, read when first needed.
    pub(super) fn hot(&mut self, id: BatchId) -> Result<&mut Hot, StoreError> {
        if !self.by_id.contains_key(&id) {
            let before = self.load(id)?;
            let now = before.clone();
            self.by_id.insert(id, Loaded { before, now });
        }
        self.by_id
            .get_mut(&id)
            .map(|loaded| &mut loaded.now)
            .ok_or_else(|| StoreError::NoSuchBatch(id.to_string()))
    }

    /// The sums of the interval of this time.
    pub(super) fn activity(&mut self, batch: i64, now: Timestamp, class: Class) -> &mut Activity {
        self.intervals.at(batch, now, class)
    }

    fn load(&self, id: BatchId) -> Result<Hot, StoreError> {
        self.prepare("SELECT * FROM batches WHERE id = ?1")?
            .query_row([id.0.as_bytes()], read_hot)
            .optional()
            .map_err(|error| self.explain(error))?
            .ok_or_else(|| StoreError::NoSuchBatch(id.to_string()))
    }

    /// Writes what changed, and counts the transaction. One that only looked writes nothing
    /// (`None`), and its commit needs no sync: idle workers that ask for work five times a
    /// second cost nothing.
    pub(super) fn flush(&mut self) -> Result<Option<Written>, StoreError> {
        std::mem::take(&mut self.intervals).flush(self)?;
        let mut spent = Vec::new();
        for Loaded { before, now: hot } in std::mem::take(&mut self.by_id).into_values() {
            if hot == before {
                continue;
            }
            spent.push((hot.key, spent_of(&hot.balance)));
            let balance = &hot.balance;
            let counters = &hot.counters;
            self.prepare(
                "UPDATE batches SET state = :state, reason = :reason, budget = :budget, settled = :settled,
                    reserved = :reserved, unconfirmed = :unconfirmed, pending = :pending, leased = :leased,
                    completed = :completed, failed = :failed, cancelled = :cancelled, skipped = :skipped,
                    calls = :calls, calls_in_flight = :calls_in_flight, input_tokens = :input_tokens,
                    cached_input_tokens = :cached_input_tokens, cache_write_tokens = :cache_write_tokens,
                    output_tokens = :output_tokens, started_at = :started_at, ended_at = :ended_at,
                    updated_at = :updated_at
                 WHERE key = :key",
            )?
            .execute(named_params! {
                ":state": hot.state.as_str(),
                ":reason": hot.reason,
                ":budget": balance.budget.map(Usd::nanos),
                ":settled": balance.settled.nanos(),
                ":reserved": balance.reserved.nanos(),
                ":unconfirmed": balance.unconfirmed.nanos(),
                ":pending": int(counters.pending),
                ":leased": int(counters.leased),
                ":completed": int(counters.completed),
                ":failed": int(counters.failed),
                ":cancelled": int(counters.cancelled),
                ":skipped": int(counters.skipped),
                ":calls": int(hot.calls),
                ":calls_in_flight": int(hot.calls_in_flight),
                ":input_tokens": int(hot.usage.input_tokens),
                ":cached_input_tokens": int(hot.usage.cached_input_tokens),
                ":cache_write_tokens": int(hot.usage.cache_write_tokens),
                ":output_tokens": int(hot.usage.output_tokens),
                ":started_at": hot.started_at.map(|at| at.0),
                ":ended_at": hot.ended_at.map(|at| at.0),
                ":updated_at": hot.updated_at.0,
                ":key": hot.key,
            })
            .map_err(|error| self.explain(error))?;
        }
        if self.connection.total_changes() == self.changes_before {
            return Ok(None);
        }
        let sequence = self
            .prepare("UPDATE commit_sequence SET sequence = sequence + 1 RETURNING sequence")?
            .query_row([], |row| row.get(0))
            .map_err(|error| self.explain(error))?;
        Ok(Some(Written { sequence, spent }))
    }
}

/// Everything that counts against the budget.
fn spent_of(balance: &Balance) -> Usd {
    let known = balance.settled.saturating_add(balance.unconfirmed);
    known.saturating_add(balance.reserved)
}

/// The counters and money in a row of `batches`.
pub(super) fn read_hot(row: &rusqlite::Row<'_>) -> rusqlite::Result<Hot> {
    Ok(Hot {
        key: row.get("key")?,
        state: row.name_of("state")?,
        reason: row.get("reason")?,
        counters: Counters {
            pending: row.number("pending")?,
            leased: row.number("leased")?,
            completed: row.number("completed")?,
            failed: row.number("failed")?,
            cancelled: row.number("cancelled")?,
            skipped: row.number("skipped")?,
        },
        balance: Balance {
            budget: row.get::<_, Option<i64>>("budget")?.map(Usd::from_nanos),
            settled: row.usd("settled")?,
            reserved: row.usd("reserved")?,
            unconfirmed: row.usd("unconfirmed")?,
        },
        calls: row.number("calls")?,
        calls_in_flight: row.number("calls_in_flight")?,
        usage: row.usage()?,
        started_at: row.get::<_, Option<i64>>("started_at")?.map(Timestamp),
        ended_at: row.get::<_, Option<i64>>("ended_at")?.map(Timestamp),
        updated_at: row.time("updated_at")?,
        value_fields: row.number("value_fields")?,
    })
}
