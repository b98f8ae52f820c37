//! Reserve-and-start, and settle-and-move-on: the two verbs that touch money.
//!
//! The rule they keep, whatever dies when: for every started call there is exactly
//! one attempt row, and `settled + unconfirmed + reserved` of a batch is the sum
//! over its attempts of what each cost, or may cost at most. An attempt leaves
//! `in_flight` once; a late answer (its worker was declared dead meanwhile) takes
//! it from `unconfirmed` to `answered`, which replaces the worst case by the truth.

use docmill_core::attempt::AttemptOutcome;
use docmill_core::batch::BatchState;
use docmill_core::document::{Class, DocumentState};
use docmill_core::event::EventKind;
use docmill_core::failure::{Failure, FailureClass};
use docmill_core::id::BatchId;
use docmill_core::money::Usd;
use docmill_core::usage::Usage;
use rusqlite::{OptionalExtension, named_params, params};

use crate::StoreError;
use crate::records::{Begun, Bill, Commit, Committed, Next, Settlement, Start, StoredAnswer};
use crate::sqlite::codec::{Columns, batch_id, document_id, document_row, int};
use crate::sqlite::hot::Transaction;
use crate::sqlite::values;

/// What of a document's row decides.
struct Holding {
    state: DocumentState,
    mine: bool,
    attempts: u32,
    cost: Usd,
    usage: Usage,
}

fn holding(
    transaction: &Transaction<'_>,
    row: i64,
    worker: docmill_core::WorkerId,
) -> Result<Option<Holding>, StoreError> {
    transaction
        .prepare(
            "SELECT state, worker, attempts, cost, input_tokens, cached_input_tokens, cache_write_tokens,
                output_tokens FROM documents WHERE id = ?1",
        )?
        .query_row([row], |row| {
            let holder: Option<[u8; 16]> = row.get("worker")?;
            Ok(Holding {
                state: row.name_of("state")?,
                mine: holder.as_ref() == Some(worker.0.as_bytes()),
                attempts: row.small("attempts")?,
                cost: row.usd("cost")?,
                usage: row.usage()?,
            })
        })
        .optional()
        .map_err(|error| transaction.explain(error))
}

/// Writes the intent to call and holds back its worst case, or says why not.
pub(super) fn begin(transaction: &mut Transaction<'_>, start: &Start) -> Result<Begun, StoreError> {
    let hot = transaction.hot(start.document.batch)?;
    if hot.state != BatchState::Running {
        return Ok(Begun::NotRunning(hot.state));
    }
    let row = document_row(hot.key, start.document.ordinal);
    let (balance, calls_in_flight) = (hot.balance, hot.calls_in_flight);
    let Some(holding) = holding(transaction, row, start.worker)? else {
        return Ok(Begun::LeaseLost);
    };
    if !(holding.mine && holding.state == DocumentState::Leased) {
        return Ok(Begun::LeaseLost);
    }
    if start.reuse
        && let Some(stored) = stored_answer(transaction, start)?
    {
        return Ok(Begun::Answered(Box::new(stored)));
    }
    let reserve = start.reserve.max(Usd::ZERO);
    let balance = match balance.reserve(reserve) {
        Ok(balance) => balance,
        Err(refused) => {
            return Ok(Begun::NoBudget {
                available: refused.available,
                calls_in_flight,
            });
        }
    };
    let attempt = holding.attempts + 1;
    let write = || -> rusqlite::Result<()> {
        transaction
            .statement(
                "INSERT INTO attempts (document, number, worker, model, part, answer_key, outcome, reserved, started_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'in_flight', ?7, ?8)",
            )?
            .execute(params![
                row,
                attempt,
                start.worker.0.as_bytes(),
                start.model,
                start.part,
                start.answer_key.0.0,
                reserve.nanos(),
                start.now.0
            ])?;
        transaction
            .statement("UPDATE documents SET attempts = ?2 WHERE id = ?1")?
            .execute([row, i64::from(attempt)])?;
        Ok(())
    };
    write().map_err(|error| transaction.explain(error))?;
    let hot = transaction.hot(start.document.batch)?;
    hot.balance = balance;
    hot.calls += 1;
    hot.calls_in_flight += 1;
    hot.updated_at = start.now;
    Ok(Begun::Started { attempt })
}

fn stored_answer(transaction: &Transaction<'_>, start: &Start) -> Result<Option<StoredAnswer>, StoreError> {
    transaction
        .prepare(
            "SELECT attempts.*, answers.raw, batches.id AS batch_id FROM attempts
             JOIN answers ON answers.attempt = attempts.id
             JOIN batches ON batches.key = attempts.document >> 40
             WHERE attempts.answer_key = ?1 AND attempts.outcome = 'answered' AND attempts.error_code IS NULL
             LIMIT 1",
        )?
        .query_row([start.answer_key.0.0], |row| {
            Ok(StoredAnswer {
                document: document_id(batch_id(row, "batch_id")?, row.get("document")?),
                attempt: row.small("number")?,
                raw_answer: row.get("raw")?,
                cost: row.usd("cost")?,
                usage: row.usage()?,
            })
        })
        .optional()
        .map_err(|error| transaction.explain(error))
}

/// Settles a call and moves its document on.
pub(super) fn commit(transaction: &mut Transaction<'_>, commit: &Commit) -> Result<Committed, StoreError> {
    let batch = commit.document.batch;
    let hot = transaction.hot(batch)?;
    let row = document_row(hot.key, commit.document.ordinal);
    hot.updated_at = commit.now;
    let settled = match &commit.settlement {
        Some(settlement) => settle(transaction, commit, settlement, row)?,
        None => Settled::default(),
    };
    let Some(holding) = holding(transaction, row, commit.worker)? else {
        return Err(StoreError::NoSuchDocument(commit.document));
    };
    let applied = holding.mine && holding.state == DocumentState::Leased;
    note(transaction, commit, &settled, applied)?;
    if applied {
        move_on(transaction, commit, row, &holding, &settled)?;
    } else {
        // The document went its own way, but this was paid for it.
        charge(transaction, row, &holding, &settled).map_err(|error| transaction.explain(error))?;
    }
    Ok(Committed {
        applied,
        overrun: settled.overrun,
    })
}

/// Adds the step to the sums of its interval.
fn note(
    transaction: &mut Transaction<'_>,
    commit: &Commit,
    settled: &Settled,
    applied: bool,
) -> Result<(), StoreError> {
    let moved = applied
        && matches!(
            commit.next,
            Next::Completed(_) | Next::Failed(_) | Next::Retry { .. }
        );
    if commit.settlement.is_none() && !moved {
        return Ok(());
    }
    let key = transaction.hot(commit.document.batch)?.key;
    let class = commit.facts.map_or(Class::Unknown, |facts| facts.class);
    let sums = transaction.activity(key, commit.now, class);
    if let Some(settlement) = &commit.settlement {
        sums.calls += 1;
        sums.cost = sums.cost.saturating_add(settled.cost);
        sums.usage = sums.usage.plus(&settled.usage);
        match settlement.failure.as_ref().map(|failure| failure.code.class()) {
            Some(FailureClass::SpeedLimit | FailureClass::DailyLimit) => sums.refused += 1,
            Some(_) => sums.errors += 1,
            None => {}
        }
        if matches!(settlement.bill, Bill::Actual { .. }) {
            sums.latency.record(settlement.latency_ms);
        }
    }
    if !applied {
        return Ok(());
    }
    match &commit.next {
        Next::Completed(_) => {
            sums.completed += 1;
            // The last answer was found, not paid for.
            sums.reused += u64::from(commit.settlement.is_none());
        }
        Next::Failed(_) => sums.failed += 1,
        Next::Retry { .. } => sums.retried += 1,
        _ => {}
    }
    Ok(())
}

/// What a settlement came to.
#[derive(Default)]
struct Settled {
    cost: Usd,
    usage: Usage,
    overrun: Option<Usd>,
}

fn settle(
    transaction: &mut Transaction<'_>,
    commit: &Commit,
    settlement: &Settlement,
    row: i64,
) -> Result<Settled, StoreError> {
    let found = transaction
        .prepare("SELECT id, outcome, reserved FROM attempts WHERE document = ?1 AND number = ?2")?
        .query_row(params![row, settlement.attempt], |row| {
            Ok((
                row.get::<_, i64>("id")?,
                row.name_of::<AttemptOutcome>("outcome")?,
                row.usd("reserved")?,
            ))
        })
        .optional()
        .map_err(|error| transaction.explain(error))?;
    let Some((attempt, before, reserved)) = found else {
        return Err(StoreError::NoSuchDocument(commit.document));
    };
    if !matches!(before, AttemptOutcome::InFlight | AttemptOutcome::Unconfirmed) {
        // Settled already: saying it twice changes nothing.
        return Ok(Settled::default());
    }
    let late = before == AttemptOutcome::Unconfirmed;
    let hot = transaction.hot(commit.document.batch)?;
    let balance = hot.balance;
    let (outcome, balance, settled) = match settlement.bill {
        Bill::Actual { usage, cost } => {
            let (balance, overrun) = if late {
                balance.reconcile(reserved, cost)
            } else {
                balance.settle(reserved, cost)
            };
            let settled = Settled {
                cost: cost.max(Usd::ZERO),
                usage,
                overrun: overrun.map(|overrun| overrun.0),
            };
            (AttemptOutcome::Answered, balance, settled)
        }
        Bill::NotBilled if late => {
            let (balance, _) = balance.reconcile(reserved, Usd::ZERO);
            (AttemptOutcome::Released, balance, Settled::default())
        }
        Bill::NotBilled => (
            AttemptOutcome::Released,
            balance.release(reserved),
            Settled::default(),
        ),
        Bill::Unknown if late => (AttemptOutcome::Unconfirmed, balance, Settled::default()),
        Bill::Unknown => (
            AttemptOutcome::Unconfirmed,
            balance.unconfirm(reserved),
            Settled::default(),
        ),
    };
    hot.balance = balance;
    if !late {
        hot.calls_in_flight = hot.calls_in_flight.saturating_sub(1);
    }
    hot.usage = hot.usage.plus(&settled.usage);
    write_attempt(transaction, attempt, outcome, settlement, &settled)
        .map_err(|error| transaction.explain(error))?;
    Ok(settled)
}

fn write_attempt(
    transaction: &Transaction<'_>,
    attempt: i64,
    outcome: AttemptOutcome,
    settlement: &Settlement,
    settled: &Settled,
) -> rusqlite::Result<()> {
    transaction
        .statement(
            "UPDATE attempts SET outcome = :outcome, cost = :cost, input_tokens = :input,
                cached_input_tokens = :cached, cache_write_tokens = :written, output_tokens = :output,
                latency_ms = :latency, request_id = :request, error_code = :code, error = :error
             WHERE id = :id",
        )?
        .execute(named_params! {
            ":outcome": outcome.as_str(),
            ":cost": settled.cost.nanos(),
            ":input": int(settled.usage.input_tokens),
            ":cached": int(settled.usage.cached_input_tokens),
            ":written": int(settled.usage.cache_write_tokens),
            ":output": int(settled.usage.output_tokens),
            ":latency": settlement.latency_ms,
            ":request": settlement.request_id,
            ":code": settlement.failure.as_ref().map(|failure| failure.code.as_str()),
            ":error": settlement.failure.as_ref().map(|failure| failure.message.as_str()),
            ":id": attempt,
        })?;
    if let Some(raw) = &settlement.raw_answer {
        transaction
            .statement("INSERT INTO answers (attempt, raw) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?
            .execute(params![attempt, raw])?;
    }
    Ok(())
}

/// Adds what a call cost to its document. The sums are made here, where they cannot overflow: a
/// provider may claim any number of tokens.
fn charge(
    transaction: &Transaction<'_>,
    row: i64,
    holding: &Holding,
    settled: &Settled,
) -> rusqlite::Result<()> {
    if settled.cost == Usd::ZERO && settled.usage == Usage::default() {
        return Ok(());
    }
    let usage = holding.usage.plus(&settled.usage);
    transaction
        .statement(
            "UPDATE documents SET cost = ?2, input_tokens = ?3, cached_input_tokens = ?4,
                cache_write_tokens = ?5, output_tokens = ?6 WHERE id = ?1",
        )?
        .execute(params![
            row,
            holding.cost.saturating_add(settled.cost).nanos(),
            int(usage.input_tokens),
            int(usage.cached_input_tokens),
            int(usage.cache_write_tokens),
            int(usage.output_tokens)
        ])?;
    Ok(())
}

/// Where a document goes, and what its row then says.
struct Move<'a> {
    to: DocumentState,
    failure: Option<&'a Failure>,
    next_attempt_at: i64,
    failures: u32,
    waits: u32,
    risk: Option<u16>,
    event: Option<EventKind>,
}

fn destination<'a>(next: &'a Next, cancelled: bool, cost: Usd) -> Option<Move<'a>> {
    let still = |to| Move {
        to,
        failure: None,
        next_attempt_at: 0,
        failures: 0,
        waits: 0,
        risk: None,
        event: None,
    };
    // Of a cancelled batch nothing goes back into the queue.
    let queue = if cancelled {
        DocumentState::Cancelled
    } else {
        DocumentState::Pending
    };
    Some(match next {
        Next::Continue => return None,
        Next::Completed(extraction) => Move {
            risk: Some(extraction.risk),
            event: Some(EventKind::DocumentCompleted { cost }),
            ..still(DocumentState::Completed)
        },
        Next::Failed(failure) => Move {
            failure: Some(failure),
            event: Some(EventKind::DocumentFailed {
                code: failure.code,
                message: failure.message.clone(),
            }),
            ..still(DocumentState::Failed)
        },
        Next::Skipped(failure) => Move {
            failure: Some(failure),
            ..still(DocumentState::Skipped)
        },
        Next::Released => still(queue),
        Next::Retry { at, failure, counts } => Move {
            failure: Some(failure),
            next_attempt_at: at.0,
            failures: u32::from(*counts),
            waits: u32::from(!*counts),
            event: (!cancelled).then(|| EventKind::AttemptFailed {
                code: failure.code,
                message: failure.message.clone(),
                retry_at: *at,
            }),
            ..still(queue)
        },
    })
}

fn move_on(
    transaction: &mut Transaction<'_>,
    commit: &Commit,
    row: i64,
    holding: &Holding,
    settled: &Settled,
) -> Result<(), StoreError> {
    let cost = holding.cost.saturating_add(settled.cost);
    let hot = transaction.hot(commit.document.batch)?;
    let key = hot.key;
    let usage = holding.usage.plus(&settled.usage);
    let Some(step) = destination(&commit.next, hot.state == BatchState::Cancelled, cost) else {
        return charge(transaction, row, holding, settled).map_err(|error| transaction.explain(error));
    };
    hot.move_document(DocumentState::Leased, step.to);
    let facts = commit.facts;
    let write = || -> rusqlite::Result<()> {
        transaction
            .statement(
                "UPDATE documents SET state = :state, worker = NULL, cost = :cost,
                    input_tokens = :input, cached_input_tokens = :cached,
                    cache_write_tokens = :written, output_tokens = :output,
                    error_code = :code, error = :error, next_attempt_at = :next, failures = failures + :failures,
                    waits = waits + :waits, risk = COALESCE(:risk, risk), kind = COALESCE(:kind, kind),
                    class = COALESCE(:class, class), pages = COALESCE(:pages, pages), updated_at = :now
                 WHERE id = :id",
            )?
            .execute(named_params! {
                ":state": step.to.as_str(),
                ":cost": cost.nanos(),
                ":input": int(usage.input_tokens),
                ":cached": int(usage.cached_input_tokens),
                ":written": int(usage.cache_write_tokens),
                ":output": int(usage.output_tokens),
                ":code": step.failure.map(|failure| failure.code.as_str()),
                ":error": step.failure.map(|failure| failure.message.as_str()),
                ":next": step.next_attempt_at,
                ":failures": step.failures,
                ":waits": step.waits,
                ":risk": step.risk,
                ":kind": facts.map(|facts| facts.kind.as_str()),
                ":class": facts.map(|facts| facts.class.as_str()),
                ":pages": facts.map(|facts| facts.pages),
                ":now": commit.now.0,
                ":id": row,
            })?;
        Ok(())
    };
    write().map_err(|error| transaction.explain(error))?;
    if let Next::Completed(extraction) = &commit.next {
        let body =
            serde_json::to_string(extraction).map_err(|error| StoreError::Database(error.to_string()))?;
        transaction
            .prepare("INSERT INTO extractions (document, body) VALUES (?1, ?2)")?
            .execute(params![row, body])
            .map_err(|error| transaction.explain(error))?;
        if transaction.hot(commit.document.batch)?.value_fields > 0 {
            values::write(transaction, key, row, &extraction.data)
                .map_err(|error| transaction.explain(error))?;
        }
    }
    if let Some(event) = &step.event {
        transaction.log(key, Some(commit.document.ordinal), event, commit.now)?;
    }
    Ok(())
}

/// The calls in flight of a worker become unconfirmed. Returns batch, calls and worst case.
pub(super) fn unconfirm(
    transaction: &mut Transaction<'_>,
    worker: docmill_core::WorkerId,
) -> Result<Vec<(BatchId, u64, Usd)>, StoreError> {
    let rows: Vec<(BatchId, u64, Usd)> =
        {
            let read =
                || -> rusqlite::Result<_> {
                    transaction
                .statement(
                    "SELECT batches.id AS batch_id, count(*) AS calls, sum(attempts.reserved) AS reserved
                     FROM attempts JOIN batches ON batches.key = attempts.document >> 40
                     WHERE attempts.worker = ?1 AND attempts.outcome = 'in_flight' GROUP BY batches.id",
                )?
                .query_map([worker.0.as_bytes()], |row| {
                    Ok((batch_id(row, "batch_id")?, row.number("calls")?, row.usd("reserved")?))
                })?
                .collect()
                };
            read().map_err(|error| transaction.explain(error))?
        };
    transaction
        .prepare("UPDATE attempts SET outcome = 'unconfirmed' WHERE worker = ?1 AND outcome = 'in_flight'")?
        .execute([worker.0.as_bytes()])
        .map_err(|error| transaction.explain(error))?;
    for (batch, calls, reserved) in &rows {
        let hot = transaction.hot(*batch)?;
        hot.balance = hot.balance.unconfirm(*reserved);
        hot.calls_in_flight = hot.calls_in_flight.saturating_sub(*calls);
    }
    Ok(rows)
}
