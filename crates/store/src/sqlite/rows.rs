//! Documents as they are looked at: rows, everything about one, results in order,
//! failures by code.

use docmill_core::attempt::{AnswerKey, Attempt};
use docmill_core::id::{BatchId, ContentHash, Ordinal};
use rusqlite::{Connection, OptionalExtension, Row};

use crate::records::{DocumentDetail, DocumentRow, FailureGroup, ResultRow};
use crate::sqlite::codec::{Columns, document_row, ordinal_of};
use crate::sqlite::{batches, reviews};

/// A row of `documents`.
pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<DocumentRow> {
    let pages: i64 = row.get("pages")?;
    let risk: i64 = row.get("risk")?;
    Ok(DocumentRow {
        ordinal: ordinal_of(row.get("id")?),
        key: row.get("key")?,
        name: row.get("name")?,
        bytes: row.number("bytes")?,
        kind: row.name_of("kind")?,
        class: row.name_of("class")?,
        pages: u32::try_from(pages).ok(),
        content_hash: row.hash("content_hash")?,
        state: row.name_of("state")?,
        failure: row.failure()?,
        duplicate_of: row
            .get::<_, Option<i64>>("duplicate_of")?
            .map(|ordinal| Ordinal(u64::try_from(ordinal).unwrap_or(0))),
        attempts: row.small("attempts")?,
        cost: row.usd("cost")?,
        usage: row.usage()?,
        risk: u16::try_from(risk).ok(),
        verdict: match row.get_ref("verdict")?.as_str()? {
            "" => None,
            _ => Some(row.name_of("verdict")?),
        },
        next_attempt_at: row.time("next_attempt_at")?,
        updated_at: row.time("updated_at")?,
    })
}

/// Everything about one document.
pub(super) fn detail(
    connection: &Connection,
    batch: BatchId,
    ordinal: Ordinal,
) -> rusqlite::Result<Option<DocumentDetail>> {
    // One snapshot: the row and its attempts belong together.
    let connection = &connection.unchecked_transaction()?;
    let key: Option<i64> = connection
        .prepare_cached("SELECT key FROM batches WHERE id = ?1")?
        .query_row([batch.0.as_bytes()], |row| row.get(0))
        .optional()?;
    let Some(key) = key else { return Ok(None) };
    let id = document_row(key, ordinal);
    let row = connection
        .prepare_cached("SELECT * FROM documents WHERE id = ?1")?
        .query_row([id], read)
        .optional()?;
    let Some(row) = row else { return Ok(None) };
    let extraction = connection
        .prepare_cached("SELECT body FROM extractions WHERE document = ?1")?
        .query_row([id], |row| row.json("body"))
        .optional()?;
    let attempts = connection
        .prepare_cached(
            "SELECT attempts.*, answers.raw FROM attempts LEFT JOIN answers ON answers.attempt = attempts.id
             WHERE attempts.document = ?1 ORDER BY attempts.number",
        )?
        .query_map([id], read_attempt)?
        .collect::<Result<_, _>>()?;
    let (review, history) = reviews::of(connection, id)?;
    Ok(Some(DocumentDetail {
        row,
        extraction,
        attempts,
        review,
        history,
    }))
}

fn read_attempt(row: &Row<'_>) -> rusqlite::Result<Attempt> {
    Ok(Attempt {
        number: row.small("number")?,
        model: row.get("model")?,
        part: row.small("part")?,
        answer_key: AnswerKey(ContentHash(row.get("answer_key")?)),
        outcome: row.name_of("outcome")?,
        reserved: row.usd("reserved")?,
        cost: row.usd("cost")?,
        usage: row.usage()?,
        started_at: row.time("started_at")?,
        latency_ms: row.small("latency_ms")?,
        request_id: row.get("request_id")?,
        failure: row.failure()?,
        raw_answer: row.get("raw")?,
    })
}

/// Documents with their results, in order.
pub(super) fn results_after(
    connection: &Connection,
    batch: BatchId,
    after: Ordinal,
    limit: u32,
) -> rusqlite::Result<Vec<ResultRow>> {
    let key = batches::key_of(connection, batch)?;
    connection
        .prepare_cached(
            "SELECT documents.*, extractions.body, reviews.data, reviews.version, reviews.reviewer, reviews.at
             FROM documents LEFT JOIN extractions ON extractions.document = documents.id
             LEFT JOIN reviews ON reviews.document = documents.id
             WHERE documents.id > ?1 AND documents.id < ?2 ORDER BY documents.id LIMIT ?3",
        )?
        .query_map(
            [
                document_row(key, after),
                document_row(key + 1, Ordinal(0)),
                i64::from(limit),
            ],
            read_result,
        )?
        .collect()
}

/// Documents of these numbers with their results.
pub(super) fn results_of(
    connection: &Connection,
    batch: BatchId,
    ordinals: &[Ordinal],
) -> rusqlite::Result<Vec<ResultRow>> {
    let key = batches::key_of(connection, batch)?;
    let mut select = connection.prepare_cached(
        "SELECT documents.*, extractions.body, reviews.data, reviews.version, reviews.reviewer, reviews.at
         FROM documents LEFT JOIN extractions ON extractions.document = documents.id
         LEFT JOIN reviews ON reviews.document = documents.id WHERE documents.id = ?1",
    )?;
    let found = ordinals.iter().map(|ordinal| {
        select
            .query_row([document_row(key, *ordinal)], read_result)
            .optional()
    });
    found.filter_map(Result::transpose).collect()
}

/// A document with its result and its review.
pub(super) fn read_result(row: &Row<'_>) -> rusqlite::Result<ResultRow> {
    let body: Option<String> = row.get("body")?;
    Ok(ResultRow {
        row: read(row)?,
        extraction: body.map(|_| row.json("body")).transpose()?,
        review: reviews::read(row)?,
    })
}

/// Failed documents grouped by code, most first.
pub(super) fn failures(connection: &Connection, batch: BatchId) -> rusqlite::Result<Vec<FailureGroup>> {
    connection
        .prepare_cached(
            "WITH groups AS (
                SELECT error_code, count(*) AS documents, max(id) AS newest
                FROM documents INDEXED BY documents_by_error
                WHERE batch = (SELECT key FROM batches WHERE id = ?1) AND state = 'failed'
                    AND error_code IS NOT NULL
                GROUP BY error_code)
             SELECT groups.error_code, groups.documents, documents.error, documents.id
             FROM groups JOIN documents ON documents.id = groups.newest
             ORDER BY groups.documents DESC, groups.error_code",
        )?
        .query_map([batch.0.as_bytes()], |row| {
            Ok(FailureGroup {
                code: row.name_of("error_code")?,
                documents: row.number("documents")?,
                example: row.get::<_, Option<String>>("error")?.unwrap_or_default(),
                example_document: ordinal_of(row.get("id")?),
            })
        })?
        .collect()
}
