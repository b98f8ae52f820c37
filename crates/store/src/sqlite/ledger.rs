//! The ledger of a batch as people look at it, and what becomes of calls whose end is not
//! known: the third verb that touches money, beside those in `settle`.

use docmill_core::batch::BatchEvent;
use docmill_core::document::Class;
use docmill_core::event::EventKind;
use docmill_core::id::{BatchId, Ordinal};
use docmill_core::money::Usd;
use docmill_core::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use crate::StoreError;
use crate::records::{CallShare, LedgerRow, Reconciled, SettledCalls, UnconfirmedCall};
use crate::sqlite::batches::{key_of, set_state};
use crate::sqlite::codec::{Columns, document_row, ordinal_of};
use crate::sqlite::hot::Transaction;

/// What was held back, paid and lost, by model and class of document; dearest first.
pub(super) fn ledger(connection: &Connection, batch: BatchId) -> rusqlite::Result<Vec<LedgerRow>> {
    let key = key_of(connection, batch)?;
    connection
        .prepare_cached(
            "SELECT attempts.model, documents.class, count(*) AS calls,
                sum(attempts.cost) AS settled,
                sum(CASE attempts.outcome WHEN 'in_flight' THEN attempts.reserved ELSE 0 END) AS reserved,
                sum(CASE attempts.outcome WHEN 'unconfirmed' THEN attempts.reserved ELSE 0 END) AS unconfirmed,
                sum(attempts.outcome = 'in_flight') AS in_flight,
                sum(attempts.outcome = 'unconfirmed') AS lost
             FROM attempts JOIN documents ON documents.id = attempts.document
             WHERE attempts.document >= ?1 AND attempts.document < ?2
             GROUP BY attempts.model, documents.class ORDER BY settled DESC, attempts.model, documents.class",
        )?
        .query_map([document_row(key, Ordinal(0)), document_row(key + 1, Ordinal(0))], |row| {
            Ok(LedgerRow {
                model: row.get("model")?,
                class: row.name_of::<Class>("class")?,
                calls: row.number("calls")?,
                calls_in_flight: row.number("in_flight")?,
                unconfirmed_calls: row.number("lost")?,
                settled: row.usd("settled")?,
                reserved: row.usd("reserved")?,
                unconfirmed: row.usd("unconfirmed")?,
            })
        })?
        .collect()
}

/// The calls of a batch of which nobody knows whether they were billed, oldest first.
pub(super) fn unconfirmed(connection: &Connection, batch: BatchId) -> rusqlite::Result<Vec<UnconfirmedCall>> {
    let key = key_of(connection, batch)?;
    connection
        .prepare_cached(
            "SELECT document, number, model, started_at, reserved FROM attempts
             WHERE document >= ?1 AND document < ?2 AND outcome = 'unconfirmed' ORDER BY started_at, id",
        )?
        .query_map(
            [document_row(key, Ordinal(0)), document_row(key + 1, Ordinal(0))],
            |row| {
                Ok(UnconfirmedCall {
                    document: ordinal_of(row.get("document")?),
                    attempt: row.small("number")?,
                    model: row.get("model")?,
                    started_at: row.time("started_at")?,
                    worst_case: row.usd("reserved")?,
                })
            },
        )?
        .collect()
}

/// What all batches settled for a model in a time, whose end is not included.
pub(super) fn settled(
    connection: &Connection,
    model: &str,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
) -> rusqlite::Result<SettledCalls> {
    connection
        .prepare_cached(
            "SELECT COALESCE(sum(cost), 0) AS cost, COALESCE(sum(outcome = 'in_flight'), 0) AS in_flight,
                COALESCE(sum(outcome = 'answered'), 0) AS answered
             FROM attempts WHERE model = ?1 AND started_at >= ?2 AND started_at < ?3",
        )?
        .query_row(
            params![
                model,
                from.map_or(i64::MIN, |it| it.0),
                to.map_or(i64::MAX, |it| it.0)
            ],
            |row| {
                Ok(SettledCalls {
                    calls: row.number("answered")?,
                    calls_in_flight: row.number("in_flight")?,
                    cost: row.usd("cost")?,
                })
            },
        )
}

/// Writes what unconfirmed calls turned out to cost; zero: they were not billed. Calls that
/// are not unconfirmed any more are left alone. A batch that had used up its budget goes on
/// when something came back.
pub(super) fn reconcile(
    transaction: &mut Transaction<'_>,
    batch: BatchId,
    shares: &[CallShare],
    reason: &str,
    now: Timestamp,
) -> Result<Reconciled, StoreError> {
    let key = transaction.hot(batch)?.key;
    let mut done = Reconciled::default();
    for share in shares {
        let row = document_row(key, share.document);
        let found: Option<(i64, i64)> = transaction
            .prepare(
                "SELECT id, reserved FROM attempts
                 WHERE document = ?1 AND number = ?2 AND outcome = 'unconfirmed'",
            )?
            .query_row(params![row, share.attempt], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()
            .map_err(|error| transaction.explain(error))?;
        let Some((attempt, reserved)) = found else {
            continue;
        };
        let (reserved, cost) = (Usd::from_nanos(reserved), share.cost.max(Usd::ZERO));
        let outcome = if cost > Usd::ZERO { "answered" } else { "released" };
        let write = || -> rusqlite::Result<()> {
            transaction
                .statement("UPDATE attempts SET outcome = ?2, cost = ?3 WHERE id = ?1")?
                .execute(params![attempt, outcome, cost.nanos()])?;
            transaction
                .statement("UPDATE documents SET cost = cost + ?2 WHERE id = ?1")?
                .execute([row, cost.nanos()])?;
            Ok(())
        };
        write().map_err(|error| transaction.explain(error))?;
        let hot = transaction.hot(batch)?;
        (hot.balance, _) = hot.balance.reconcile(reserved, cost);
        done.calls += 1;
        done.unconfirmed = done.unconfirmed.saturating_add(reserved);
        done.settled = done.settled.saturating_add(cost);
    }
    if done.calls == 0 {
        return Ok(done);
    }
    let hot = transaction.hot(batch)?;
    hot.updated_at = now;
    let state = hot.state;
    let message = reason.to_owned();
    transaction.log(key, None, &EventKind::Note { message }, now)?;
    if done.settled < done.unconfirmed
        && let Ok(to) = state.on(BatchEvent::RaiseBudget)
    {
        set_state(transaction, batch, to, "unconfirmed money came back", now)?;
    }
    Ok(done)
}
