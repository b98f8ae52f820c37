//! Reviews: what people say about results, and what they changed.

use docmill_core::document::{DocumentEvent, DocumentState};
use docmill_core::event::EventKind;
use docmill_core::extraction::Extraction;
use docmill_core::id::{BatchId, DocumentId, Ordinal};
use docmill_core::time::Timestamp;
use docmill_core::verdict::{self, Change, Review, ReviewEntry, Verdict};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::StoreError;
use crate::records::{BulkAction, NewReview, ResultRow, ReviewRefused};
use crate::sqlite::batches;
use crate::sqlite::codec::{Columns, document_row};
use crate::sqlite::hot::Transaction;
use crate::sqlite::rows;
use crate::sqlite::values;

/// Takes a person's word about a result.
pub(super) fn review(
    transaction: &mut Transaction<'_>,
    id: DocumentId,
    new: &NewReview,
    now: Timestamp,
) -> Result<Result<Review, ReviewRefused>, StoreError> {
    let key = transaction.hot(id.batch)?.key;
    let row = document_row(key, id.ordinal);
    let found = find(transaction, row).map_err(|error| transaction.explain(error))?;
    let Some((state, extracted, before)) = found else {
        return Err(StoreError::NoSuchDocument(id));
    };
    let (DocumentState::Completed, Some(extracted)) = (state, extracted) else {
        return Ok(Err(ReviewRefused::NoResult(state)));
    };
    if let Some(before) = &before
        && before.version != new.seen
    {
        return Ok(Err(ReviewRefused::Changed(Box::new(before.clone()))));
    }
    let standing = before
        .as_ref()
        .and_then(|before| before.data.as_ref())
        .unwrap_or(&extracted.data);
    let wanted = new.data.as_ref().unwrap_or(standing);
    let changes = verdict::changes(standing, wanted);
    let review = Review {
        verdict: new.verdict,
        // What was set back to the model's own words is no correction.
        data: (*wanted != extracted.data).then(|| wanted.clone()),
        version: before.as_ref().map_or(0, |before| before.version) + 1,
        reviewer: new.reviewer.clone(),
        at: now,
    };
    write(transaction, row, &review, &changes)?;
    if !changes.is_empty() && transaction.hot(id.batch)?.value_fields > 0 {
        values::write(transaction, key, row, wanted).map_err(|error| transaction.explain(error))?;
    }
    let event = EventKind::Reviewed {
        verdict: new.verdict,
        changes: changes.len() as u64,
        reviewer: new.reviewer.clone(),
    };
    transaction.log(key, Some(id.ordinal), &event, now)?;
    Ok(Ok(review))
}

type Found = (DocumentState, Option<Extraction>, Option<Review>);

fn find(transaction: &Transaction<'_>, row: i64) -> rusqlite::Result<Option<Found>> {
    transaction
        .statement(
            "SELECT documents.state, extractions.body, reviews.* FROM documents
             LEFT JOIN extractions ON extractions.document = documents.id
             LEFT JOIN reviews ON reviews.document = documents.id WHERE documents.id = ?1",
        )?
        .query_row([row], |row| {
            let body: Option<String> = row.get("body")?;
            let extraction = body.map(|_| row.json("body")).transpose()?;
            Ok((row.name_of("state")?, extraction, read(row)?))
        })
        .optional()
}

fn write(
    transaction: &Transaction<'_>,
    row: i64,
    review: &Review,
    changes: &[Change],
) -> Result<(), StoreError> {
    let data = review.data.as_ref().map(batches::json).transpose()?;
    let changes = batches::json(&changes)?;
    let run = || -> rusqlite::Result<()> {
        transaction
            .statement(
                "INSERT INTO reviews (document, verdict, data, version, reviewer, at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT (document) DO UPDATE SET verdict = excluded.verdict, data = excluded.data,
                    version = excluded.version, reviewer = excluded.reviewer, at = excluded.at",
            )?
            .execute(params![
                row,
                review.verdict.as_str(),
                data,
                review.version,
                review.reviewer,
                review.at.0
            ])?;
        transaction
            .statement(
                "INSERT INTO review_log (document, at, reviewer, verdict, changes) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute(params![
                row,
                review.at.0,
                review.reviewer,
                review.verdict.as_str(),
                changes
            ])?;
        transaction
            .statement("UPDATE documents SET verdict = ?2, updated_at = ?3 WHERE id = ?1")?
            .execute(params![row, review.verdict.as_str(), review.at.0])?;
        Ok(())
    };
    run().map_err(|error| transaction.explain(error))
}

/// A review in a row that may have none.
pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<Option<Review>> {
    let Some(version) = row.get::<_, Option<i64>>("version")? else {
        return Ok(None);
    };
    let data: Option<String> = row.get("data")?;
    Ok(Some(Review {
        verdict: row.name_of("verdict")?,
        data: data.map(|_| row.json("data")).transpose()?,
        version: u32::try_from(version).unwrap_or(0),
        reviewer: row.get("reviewer")?,
        at: row.time("at")?,
    }))
}

/// The review of a document, and its history.
pub(super) fn of(connection: &Connection, row: i64) -> rusqlite::Result<(Option<Review>, Vec<ReviewEntry>)> {
    let review = connection
        .prepare_cached("SELECT * FROM reviews WHERE document = ?1")?
        .query_row([row], read)
        .optional()?
        .flatten();
    let history = connection
        .prepare_cached("SELECT * FROM review_log WHERE document = ?1 ORDER BY id")?
        .query_map([row], |row| {
            Ok(ReviewEntry {
                at: row.time("at")?,
                reviewer: row.get("reviewer")?,
                verdict: row.name_of("verdict")?,
                changes: row.json("changes")?,
            })
        })?
        .collect::<Result<_, _>>()?;
    Ok((review, history))
}

/// Documents approved or rejected, with their results, in order.
pub(super) fn reviewed_after(
    connection: &Connection,
    batch: BatchId,
    after: Ordinal,
    limit: u32,
) -> rusqlite::Result<Vec<ResultRow>> {
    let key = batches::key_of(connection, batch)?;
    connection
        .prepare_cached(
            "SELECT documents.*, extractions.body, reviews.data, reviews.version, reviews.reviewer, reviews.at
             FROM documents INDEXED BY documents_by_verdict
             JOIN reviews ON reviews.document = documents.id
             LEFT JOIN extractions ON extractions.document = documents.id
             WHERE documents.batch = ?1 AND documents.verdict <> ''
                AND documents.verdict IN ('approved', 'rejected') AND documents.id > ?2
             ORDER BY documents.id LIMIT ?3",
        )?
        .query_map(
            [key, document_row(key, after), i64::from(limit)],
            rows::read_result,
        )?
        .collect()
}

/// How many documents have which verdict.
pub(super) fn verdicts(connection: &Connection, batch: BatchId) -> rusqlite::Result<Vec<(Verdict, u64)>> {
    let key = batches::key_of(connection, batch)?;
    connection
        .prepare_cached(
            "SELECT verdict, count(*) AS documents FROM documents INDEXED BY documents_by_verdict
             WHERE batch = ?1 AND verdict <> '' GROUP BY verdict ORDER BY verdict",
        )?
        .query_map([key], |row| {
            Ok((row.name_of("verdict")?, row.number("documents")?))
        })?
        .collect()
}

/// Does the same to many documents.
pub(super) fn bulk(
    transaction: &mut Transaction<'_>,
    id: BatchId,
    ordinals: &[Ordinal],
    action: BulkAction,
    who: &str,
    now: Timestamp,
) -> Result<u64, StoreError> {
    match action {
        BulkAction::Skip => skip(transaction, id, ordinals, now),
        BulkAction::Assign => say(transaction, id, ordinals, Verdict::Assigned, who, now),
        BulkAction::Approve => say(transaction, id, ordinals, Verdict::Approved, who, now),
        // Retrying has a verb of its own, which also sets the batch going.
        BulkAction::Retry => Ok(0),
    }
}

fn skip(
    transaction: &mut Transaction<'_>,
    id: BatchId,
    ordinals: &[Ordinal],
    now: Timestamp,
) -> Result<u64, StoreError> {
    let key = transaction.hot(id)?.key;
    let mut skipped = 0;
    for ordinal in ordinals {
        let row = document_row(key, *ordinal);
        let state: Option<DocumentState> = transaction
            .prepare("SELECT state FROM documents WHERE id = ?1")?
            .query_row([row], |row| row.name_of("state"))
            .optional()
            .map_err(|error| transaction.explain(error))?;
        // What a worker holds ends by itself.
        let Some(state) = state.filter(|state| *state != DocumentState::Leased) else {
            continue;
        };
        let Some(to) = state.on(DocumentEvent::Skip) else {
            continue;
        };
        transaction
            .prepare("UPDATE documents SET state = ?2, updated_at = ?3 WHERE id = ?1")?
            .execute(params![row, to.as_str(), now.0])
            .map_err(|error| transaction.explain(error))?;
        transaction.hot(id)?.move_document(state, to);
        skipped += 1;
    }
    if skipped > 0 {
        transaction.log(key, None, &EventKind::Skipped { documents: skipped }, now)?;
    }
    Ok(skipped)
}

fn say(
    transaction: &mut Transaction<'_>,
    id: BatchId,
    ordinals: &[Ordinal],
    verdict: Verdict,
    who: &str,
    now: Timestamp,
) -> Result<u64, StoreError> {
    let key = transaction.hot(id)?.key;
    let mut said = 0;
    for ordinal in ordinals {
        let row = document_row(key, *ordinal);
        let found = find(transaction, row).map_err(|error| transaction.explain(error))?;
        let Some((DocumentState::Completed, Some(_), before)) = found else {
            continue;
        };
        // A person's own word is not replaced by one said about many.
        if before.as_ref().is_some_and(|before| {
            before.verdict == verdict || matches!(before.verdict, Verdict::Approved | Verdict::Rejected)
        }) {
            continue;
        }
        let review = Review {
            verdict,
            data: before.as_ref().and_then(|before| before.data.clone()),
            version: before.map_or(0, |before| before.version) + 1,
            reviewer: who.to_owned(),
            at: now,
        };
        write(transaction, row, &review, &[])?;
        said += 1;
    }
    Ok(said)
}
