//! Batches: making, finding, moving from state to state, budgets, retries.

use docmill_core::batch::{BatchEvent, BatchState};
use docmill_core::document::DocumentState;
use docmill_core::event::EventKind;
use docmill_core::id::{BatchId, Ordinal};
use docmill_core::money::Usd;
use docmill_core::plan::Plan;
use docmill_core::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::Serialize;

use crate::StoreError;
use crate::records::{
    BatchChange, BatchQuery, BatchRow, BatchSort, NewBatch, RetrySelection, TransitionRefused,
};
use crate::sqlite::codec::{Columns, batch_id, document_row};
use crate::sqlite::hot::{Transaction, read_hot};

/// Makes a batch in state `draft`.
pub(super) fn create(
    transaction: &mut Transaction<'_>,
    batch: &NewBatch,
    now: Timestamp,
) -> Result<(), StoreError> {
    let write = || -> rusqlite::Result<Option<i64>> {
        transaction
            .statement(
                "INSERT INTO batches (id, name, state, reason, budget, owner, created_at, updated_at)
                 VALUES (?1, ?2, 'draft', '', ?3, ?4, ?5, ?5) ON CONFLICT (id) DO NOTHING RETURNING key",
            )?
            .query_row(
                params![
                    batch.id.0.as_bytes(),
                    batch.name,
                    batch.budget.map(Usd::nanos),
                    batch.owner,
                    now.0
                ],
                |row| row.get(0),
            )
            .optional()
    };
    let key = write()
        .map_err(|error| transaction.explain(error))?
        .ok_or(StoreError::BatchExists(batch.id))?;
    let (template, plan, sources) = (json(&batch.template)?, json(&batch.plan)?, json(&batch.sources)?);
    transaction
        .prepare("INSERT INTO batch_specs (batch, template, plan, sources) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![key, template, plan, sources])
        .map_err(|error| transaction.explain(error))?;
    let event = EventKind::BatchCreated {
        name: batch.name.clone(),
    };
    transaction.log(key, None, &event, now)
}

/// For a column that holds JSON.
pub(super) fn json<T: Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|error| StoreError::Database(error.to_string()))
}

const SELECT: &str = "SELECT batches.*, batch_specs.template, batch_specs.plan, batch_specs.sources,
    batch_specs.estimate FROM batches JOIN batch_specs ON batch_specs.batch = batches.key";

/// Conditions on batches; `?3` is the text that names contain.
fn conditions(query: &BatchQuery) -> String {
    let mut conditions = vec!["?3 = ?3".to_owned()];
    if !query.states.is_empty() {
        // The names of states are ours, not a person's: no quoting needed.
        let states: Vec<&str> = query.states.iter().map(|state| state.as_str()).collect();
        conditions.push(format!("batches.state IN ('{}')", states.join("', '")));
    }
    match query.archived {
        Some(true) => conditions.push("batches.archived_at IS NOT NULL".to_owned()),
        Some(false) => conditions.push("batches.archived_at IS NULL".to_owned()),
        None => {}
    }
    if query.search.as_deref().is_some_and(|text| !text.is_empty()) {
        conditions.push("instr(lower(batches.name), lower(?3)) > 0".to_owned());
    }
    conditions.join(" AND ")
}

/// How many there are in each state.
pub(super) fn count(connection: &Connection, query: &BatchQuery) -> rusqlite::Result<Vec<(BatchState, u64)>> {
    let query = BatchQuery {
        states: Vec::new(),
        ..query.clone()
    };
    let sql = format!(
        "SELECT state, count(*) AS batches FROM batches WHERE {} AND ?1 = ?1 AND ?2 = ?2 GROUP BY state ORDER BY state",
        conditions(&query)
    );
    connection
        .prepare_cached(&sql)?
        .query_map(
            params![0, 0, query.search.as_deref().unwrap_or_default()],
            |row| {
                let state: String = row.get("state")?;
                Ok((state, row.number("batches")?))
            },
        )?
        .filter_map(|row| match row {
            Ok((state, count)) => state.parse().ok().map(|state| Ok((state, count))),
            Err(error) => Some(Err(error)),
        })
        .collect()
}

/// Batches in the order that was asked for.
pub(super) fn list(connection: &Connection, query: &BatchQuery) -> rusqlite::Result<Vec<BatchRow>> {
    let column = match query.sort {
        BatchSort::Created => "batches.key",
        BatchSort::Name => "batches.name COLLATE NOCASE",
        BatchSort::Cost => "batches.settled",
        BatchSort::Documents => {
            "(batches.pending + batches.leased + batches.completed + batches.failed + batches.cancelled
                + batches.skipped)"
        }
        BatchSort::Updated => "batches.updated_at",
    };
    let direction = if query.ascending { "ASC" } else { "DESC" };
    let limit = if query.limit == 0 {
        -1
    } else {
        i64::from(query.limit)
    };
    connection
        .prepare_cached(&format!(
            "{SELECT} WHERE {} ORDER BY {column} {direction}, batches.key {direction} LIMIT ?1 OFFSET ?2",
            conditions(query)
        ))?
        .query_map(
            params![limit, query.offset, query.search.as_deref().unwrap_or_default()],
            read,
        )?
        .collect()
}

/// The number of a batch in the database.
pub(super) fn key_of(connection: &Connection, id: BatchId) -> rusqlite::Result<i64> {
    connection
        .prepare_cached("SELECT key FROM batches WHERE id = ?1")?
        .query_row([id.0.as_bytes()], |row| row.get(0))
}

/// One batch.
pub(super) fn get(connection: &Connection, id: BatchId) -> rusqlite::Result<BatchRow> {
    connection
        .prepare_cached(&format!("{SELECT} WHERE batches.id = ?1"))?
        .query_row([id.0.as_bytes()], read)
}

/// What a reference may stand for: the newest first.
pub(super) fn candidates(connection: &Connection, reference: &str) -> rusqlite::Result<Vec<BatchId>> {
    let ids = |sql: &str, parameter: &str| -> rusqlite::Result<Vec<BatchId>> {
        connection
            .prepare_cached(sql)?
            .query_map([parameter], |row| batch_id(row, "id"))?
            .collect()
    };
    if reference.eq_ignore_ascii_case("last") {
        return ids(
            "SELECT id FROM batches WHERE ?1 <> '' ORDER BY key DESC LIMIT 1",
            "last",
        );
    }
    let named = ids(
        "SELECT id FROM batches WHERE name = ?1 ORDER BY key DESC LIMIT 2",
        reference,
    )?;
    if !named.is_empty() {
        return Ok(named);
    }
    let digits: String = reference.chars().filter(|c| *c != '-').collect();
    if digits.len() < 4 || !digits.chars().all(|c| c.is_ascii_hexdigit()) {
        return Ok(Vec::new());
    }
    ids(
        "SELECT id FROM batches WHERE hex(id) LIKE '%' || upper(?1) ORDER BY key DESC LIMIT 2",
        &digits,
    )
}

fn read(row: &Row<'_>) -> rusqlite::Result<BatchRow> {
    let id = batch_id(row, "id")?;
    let hot = read_hot(row)?;
    let estimate: Option<String> = row.get("estimate")?;
    Ok(BatchRow {
        id,
        name: row.get("name")?,
        state: hot.state,
        reason: hot.reason,
        template: row.json("template")?,
        plan: row.json("plan")?,
        sources: row.json("sources")?,
        counters: hot.counters,
        balance: hot.balance,
        usage: hot.usage,
        calls: hot.calls,
        calls_in_flight: hot.calls_in_flight,
        estimate: estimate.and_then(|text| serde_json::from_str(&text).ok()),
        created_at: row.time("created_at")?,
        started_at: hot.started_at,
        ended_at: hot.ended_at,
        updated_at: hot.updated_at,
        owner: row.get("owner")?,
        archived_at: row.get::<_, Option<i64>>("archived_at")?.map(Timestamp),
    })
}

/// Moves a batch to its next state.
pub(super) fn transition(
    transaction: &mut Transaction<'_>,
    id: BatchId,
    event: BatchEvent,
    reason: &str,
    now: Timestamp,
) -> Result<Result<BatchState, TransitionRefused>, StoreError> {
    let hot = transaction.hot(id)?;
    let from = hot.state;
    let to = match from.on(event) {
        Ok(to) => to,
        Err(refused) => return Ok(Err(refused.into())),
    };
    match event {
        BatchEvent::Finish | BatchEvent::FinishWithFailures => {
            let left = hot.counters.pending + hot.counters.leased;
            if left > 0 {
                return Ok(Err(TransitionRefused::WorkLeft { left }));
            }
        }
        BatchEvent::ExhaustBudget if hot.calls_in_flight > 0 => {
            return Ok(Err(TransitionRefused::CallsInFlight {
                calls: hot.calls_in_flight,
            }));
        }
        _ => {}
    }
    set_state(transaction, id, to, reason, now)?;
    Ok(Ok(to))
}

/// Writes a state and its event; nothing when it is the state already.
pub(super) fn set_state(
    transaction: &mut Transaction<'_>,
    id: BatchId,
    to: BatchState,
    reason: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let hot = transaction.hot(id)?;
    let (from, key) = (hot.state, hot.key);
    if from == to {
        return Ok(());
    }
    hot.state = to;
    reason.clone_into(&mut hot.reason);
    hot.updated_at = now;
    hot.ended_at = to.is_ended().then_some(now);
    if to == BatchState::Running && hot.started_at.is_none() {
        hot.started_at = Some(now);
    }
    let event = EventKind::StateChanged {
        from,
        to,
        reason: reason.to_owned(),
    };
    transaction.log(key, None, &event, now)
}

/// Flips up to `limit` pending documents of a cancelled batch. Returns how many.
pub(super) fn cancel_pending(
    transaction: &mut Transaction<'_>,
    id: BatchId,
    limit: u32,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let hot = transaction.hot(id)?;
    if hot.state != BatchState::Cancelled {
        return Ok(0);
    }
    let key = hot.key;
    let flipped = transaction
        .prepare(
            "UPDATE documents SET state = 'cancelled', updated_at = ?2 WHERE id IN (
                SELECT id FROM documents WHERE batch = ?1 AND state = 'pending'
                ORDER BY next_attempt_at, id LIMIT ?3)",
        )?
        .execute(params![key, now.0, limit])
        .map_err(|error| transaction.explain(error))? as u64;
    transaction
        .hot(id)?
        .move_documents(DocumentState::Pending, DocumentState::Cancelled, flipped);
    Ok(flipped)
}

/// Sets the budget; an exhausted batch with room goes on.
pub(super) fn set_budget(
    transaction: &mut Transaction<'_>,
    id: BatchId,
    budget: Option<Usd>,
    now: Timestamp,
) -> Result<BatchState, StoreError> {
    let hot = transaction.hot(id)?;
    let (key, from, state) = (hot.key, hot.balance.budget, hot.state);
    if from == budget {
        return Ok(state);
    }
    hot.balance.budget = budget;
    hot.updated_at = now;
    transaction.log(key, None, &EventKind::BudgetChanged { from, to: budget }, now)?;
    let raised = match (from, budget) {
        (Some(_), None) => true,
        (Some(from), Some(to)) => to > from,
        (None, _) => false,
    };
    if raised && let Ok(to) = state.on(BatchEvent::RaiseBudget) {
        set_state(transaction, id, to, "the budget was raised", now)?;
    }
    Ok(transaction.hot(id)?.state)
}

/// Where a retry in several transactions goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Retry {
    state: DocumentState,
    after: i64,
    /// Put back so far.
    pub(super) total: u64,
}

impl Retry {
    pub(super) const START: Self = Self {
        state: DocumentState::Failed,
        after: 0,
        total: 0,
    };
}

/// Puts up to `limit` documents back into the queue; says where to go on, and whether that was all.
///
/// In order of their numbers: a document that fails again while others are still put
/// back lies behind the place where this goes on, and is not tried for ever.
pub(super) fn retry(
    transaction: &mut Transaction<'_>,
    id: BatchId,
    selection: &RetrySelection,
    from: Retry,
    limit: u32,
    now: Timestamp,
) -> Result<(Retry, bool), StoreError> {
    let key = transaction.hot(id)?.key;
    let after = from.after.max(document_row(key, Ordinal(0)));
    let rows = retried(transaction, key, selection, from.state, after, limit)
        .map_err(|error| transaction.explain(error))?;
    // A person asks for a fresh start: what was counted against the document is forgotten.
    let mut moved = 0;
    for row in &rows {
        moved += transaction
            .prepare(
                "UPDATE documents SET state = 'pending', failures = 0, waits = 0, next_attempt_at = 0,
                    -- What changed is taken as it is now.
                    content_hash = CASE error_code WHEN 'source_changed' THEN NULL ELSE content_hash END,
                    retried_after = attempts, error_code = NULL, error = NULL, updated_at = ?2 WHERE id = ?1",
            )?
            .execute([*row, now.0])
            .map_err(|error| transaction.explain(error))? as u64;
    }
    transaction
        .hot(id)?
        .move_documents(from.state, DocumentState::Pending, moved);
    let total = from.total + moved;
    if moved > 0 {
        let state = transaction.hot(id)?.state;
        if let Ok(to) = state.on(BatchEvent::Retry) {
            set_state(transaction, id, to, "failed documents are tried again", now)?;
        }
    }
    let next = match (rows.last(), from.state) {
        (Some(last), state) => Retry {
            state,
            after: *last,
            total,
        },
        (None, DocumentState::Failed) if selection.cancelled => Retry {
            state: DocumentState::Cancelled,
            after: 0,
            total,
        },
        (None, _) => {
            if total > 0 {
                transaction.log(key, None, &EventKind::Retried { documents: total }, now)?;
            }
            return Ok((Retry { total, ..from }, true));
        }
    };
    Ok((next, false))
}

/// The next documents that are to be tried again.
fn retried(
    transaction: &Transaction<'_>,
    key: i64,
    selection: &RetrySelection,
    state: DocumentState,
    after: i64,
    limit: u32,
) -> rusqlite::Result<Vec<i64>> {
    if selection.ordinals.is_empty() {
        // The codes are ours, not a person's: no quoting needed.
        let codes: Vec<String> = selection.codes.iter().map(|code| format!("'{code}'")).collect();
        let codes = match (codes.is_empty(), state) {
            (false, DocumentState::Failed) => format!("AND error_code IN ({})", codes.join(", ")),
            _ => String::new(),
        };
        let sql = format!(
            "SELECT id FROM documents INDEXED BY documents_by_state
             WHERE batch = ?1 AND state = '{}' AND id > ?2 {codes} ORDER BY id LIMIT ?3",
            state.as_str()
        );
        return transaction
            .statement(&sql)?
            .query_map(params![key, after, limit], |row| row.get(0))?
            .collect();
    }
    let mut wanted: Vec<i64> = selection
        .ordinals
        .iter()
        .map(|ordinal| document_row(key, *ordinal))
        .filter(|row| *row > after)
        .collect();
    wanted.sort_unstable();
    wanted.dedup();
    let mut found = Vec::new();
    let mut statement =
        transaction.statement("SELECT state, error_code, error FROM documents WHERE id = ?1")?;
    for row in wanted {
        if found.len() as u64 >= u64::from(limit) {
            break;
        }
        let fits = statement
            .query_row([row], |it| {
                let code = it.failure()?.map(|failure| failure.code);
                let listed = selection.codes.is_empty()
                    || state != DocumentState::Failed
                    || code.is_some_and(|code| selection.codes.contains(&code));
                Ok(it.name_of::<DocumentState>("state")? == state && listed)
            })
            .optional()?;
        if fits == Some(true) {
            found.push(row);
        }
    }
    Ok(found)
}

/// Changes its name, whether it is in sight, or parts of its plan.
pub(super) fn change(
    transaction: &mut Transaction<'_>,
    id: BatchId,
    change: &BatchChange,
    now: Timestamp,
) -> Result<(), StoreError> {
    let hot = transaction.hot(id)?;
    hot.updated_at = now;
    let key = hot.key;
    let write = || -> rusqlite::Result<()> {
        if let Some(name) = &change.name {
            transaction
                .statement("UPDATE batches SET name = ?2 WHERE key = ?1")?
                .execute(params![key, name])?;
        }
        if let Some(archived) = change.archived {
            transaction
                .statement("UPDATE batches SET archived_at = ?2 WHERE key = ?1")?
                .execute(params![key, archived.then_some(now.0)])?;
        }
        Ok(())
    };
    write().map_err(|error| transaction.explain(error))?;
    if change.concurrency.is_some() || change.weight.is_some() || change.between.is_some() {
        change_plan(transaction, key, change)?;
    }
    Ok(())
}

/// Changes parts of the plan as it is now, not as somebody read it before.
fn change_plan(transaction: &Transaction<'_>, key: i64, change: &BatchChange) -> Result<(), StoreError> {
    let mut plan: Plan = transaction
        .prepare("SELECT plan FROM batch_specs WHERE batch = ?1")?
        .query_row([key], |row| row.json("plan"))
        .map_err(|error| transaction.explain(error))?;
    plan.concurrency = change.concurrency.or(plan.concurrency);
    plan.weight = change.weight.or(plan.weight);
    plan.between = change.between.unwrap_or(plan.between);
    transaction
        .prepare("UPDATE batch_specs SET plan = ?2 WHERE batch = ?1")?
        .execute(params![key, json(&plan)?])
        .map_err(|error| transaction.explain(error))?;
    Ok(())
}

/// Changes how a batch is processed.
pub(super) fn set_plan(
    transaction: &mut Transaction<'_>,
    id: BatchId,
    plan: &Plan,
    now: Timestamp,
) -> Result<(), StoreError> {
    set_spec(
        transaction,
        id,
        "UPDATE batch_specs SET plan = ?2 WHERE batch = ?1",
        &json(plan)?,
        now,
    )
}

/// Stores the estimate.
pub(super) fn set_estimate(
    transaction: &mut Transaction<'_>,
    id: BatchId,
    estimate: &serde_json::Value,
    now: Timestamp,
) -> Result<(), StoreError> {
    set_spec(
        transaction,
        id,
        "UPDATE batch_specs SET estimate = ?2 WHERE batch = ?1",
        &json(estimate)?,
        now,
    )
}

fn set_spec(
    transaction: &mut Transaction<'_>,
    id: BatchId,
    sql: &str,
    value: &str,
    now: Timestamp,
) -> Result<(), StoreError> {
    let hot = transaction.hot(id)?;
    hot.updated_at = now;
    let key = hot.key;
    transaction
        .prepare(sql)?
        .execute(params![key, value])
        .map_err(|error| transaction.explain(error))?;
    Ok(())
}
