//! Forgetting: what was taken out of documents, what the model answered, what people said
//! about it, and what the documents are called goes; what was spent stays, for the books.
//!
//! Deleted bytes are overwritten (`secure_delete`), and the log is emptied at the end, so that
//! nothing of it stays behind in the files. Backups taken before still hold it.

use docmill_core::batch::BatchState;
use docmill_core::document::DocumentState;
use docmill_core::event::EventKind;
use docmill_core::id::{BatchId, ContentHash, Ordinal};
use docmill_core::time::Timestamp;
use rusqlite::params;

use crate::StoreError;
use crate::records::Forgotten;
use crate::sqlite::codec::{Columns, document_row};
use crate::sqlite::hot::Transaction;
use crate::sqlite::values;

/// What is left of a name.
const NAME: &str = "forgotten";

/// A document as far as forgetting needs it.
struct Known {
    row: i64,
    name: String,
    state: DocumentState,
    content: Option<ContentHash>,
}

/// Forgets up to `limit` documents after a row; returns the last row, `None` when none was left.
pub(super) fn documents(
    transaction: &mut Transaction<'_>,
    batch: BatchId,
    only: Option<Ordinal>,
    after: i64,
    limit: u32,
    now: Timestamp,
    forgotten: &mut Forgotten,
) -> Result<Option<i64>, StoreError> {
    let hot = transaction.hot(batch)?;
    let key = hot.key;
    if hot.state == BatchState::Running || hot.counters.leased > 0 {
        return Err(StoreError::AtWork(batch));
    }
    let (first, last) = match only {
        Some(ordinal) => (document_row(key, ordinal), document_row(key, ordinal)),
        None => (
            document_row(key, Ordinal(0)),
            document_row(key, Ordinal(u64::MAX)),
        ),
    };
    let found = known(transaction, first.max(after.saturating_add(1)), last, limit)
        .map_err(|error| transaction.explain(error))?;
    let has_values = transaction.hot(batch)?.value_fields > 0;
    for document in &found {
        let results = forgotten.results;
        forget(transaction, document, now, forgotten).map_err(|error| transaction.explain(error))?;
        if has_values && forgotten.results > results {
            // Empty ones: lists go on counting it.
            values::write(transaction, key, document.row, &serde_json::Value::Null)
                .map_err(|error| transaction.explain(error))?;
        }
        if document.state == DocumentState::Pending {
            // There is nothing to read it from any more.
            transaction
                .hot(batch)?
                .move_document(DocumentState::Pending, DocumentState::Cancelled);
        }
        if only.is_some() {
            transaction
                .prepare("DELETE FROM events WHERE batch = ?1 AND document = ?2")?
                .execute(params![key, document.row - document_row(key, Ordinal(0))])
                .map_err(|error| transaction.explain(error))?;
        }
    }
    Ok(found.last().map(|document| document.row))
}

fn known(transaction: &Transaction<'_>, first: i64, last: i64, limit: u32) -> rusqlite::Result<Vec<Known>> {
    transaction
        .statement(
            "SELECT id, name, state, content_hash FROM documents WHERE id BETWEEN ?1 AND ?2 ORDER BY id LIMIT ?3",
        )?
        .query_map(params![first, last, limit], |row| {
            Ok(Known {
                row: row.get("id")?,
                name: row.get("name")?,
                state: row.name_of("state")?,
                content: row.hash("content_hash")?,
            })
        })?
        .collect()
}

fn forget(
    transaction: &Transaction<'_>,
    document: &Known,
    now: Timestamp,
    forgotten: &mut Forgotten,
) -> rusqlite::Result<()> {
    let Known { row, name, .. } = document;
    let count =
        |sql: &str| -> rusqlite::Result<u64> { Ok(transaction.statement(sql)?.execute([row])? as u64) };
    forgotten.documents += 1;
    forgotten.content.extend(document.content);
    forgotten.results += count("DELETE FROM extractions WHERE document = ?1")?;
    forgotten.answers +=
        count("DELETE FROM answers WHERE attempt IN (SELECT id FROM attempts WHERE document = ?1)")?;
    forgotten.reviews += count("DELETE FROM reviews WHERE document = ?1")?;
    count("DELETE FROM review_log WHERE document = ?1")?;
    // The key is a hash of what the document said: with it somebody could prove a guess.
    count("UPDATE attempts SET error = NULL, answer_key = zeroblob(32) WHERE document = ?1")?;
    transaction
        .statement("INSERT INTO document_names (document_names, rowid, name) VALUES ('delete', ?1, ?2)")?
        .execute(params![row, name])?;
    transaction
        .statement("INSERT INTO document_names (rowid, name) VALUES (?1, ?2)")?
        .execute(params![row, NAME])?;
    transaction
        .statement(
            "UPDATE documents SET name = ?2, key = ?2 || ':' || id, key_hash = id, content_hash = NULL,
                error = NULL, verdict = '', state = CASE state WHEN 'pending' THEN 'cancelled' ELSE state END,
                updated_at = ?3 WHERE id = ?1",
        )?
        .execute(params![row, NAME, now.0])?;
    Ok(())
}

/// What belongs to the batch as a whole: where its documents came from, and its log.
pub(super) fn batch(
    transaction: &mut Transaction<'_>,
    batch: BatchId,
    forgotten: &Forgotten,
    now: Timestamp,
) -> Result<(), StoreError> {
    let hot = transaction.hot(batch)?;
    hot.updated_at = now;
    let key = hot.key;
    let write = || -> rusqlite::Result<()> {
        transaction
            .statement("DELETE FROM events WHERE batch = ?1")?
            .execute([key])?;
        transaction
            .statement("DELETE FROM jobs WHERE batch = ?1")?
            .execute([key])?;
        transaction
            .statement("UPDATE batch_specs SET sources = '[]' WHERE batch = ?1")?
            .execute([key])?;
        // Names are kept in pieces; this writes them together, without those that are gone.
        transaction
            .statement("INSERT INTO document_names (document_names) VALUES ('optimize')")?
            .execute([])?;
        Ok(())
    };
    write().map_err(|error| transaction.explain(error))?;
    note(transaction, batch, forgotten, now)
}

/// A line in the log, without a word of what was forgotten.
pub(super) fn note(
    transaction: &mut Transaction<'_>,
    batch: BatchId,
    forgotten: &Forgotten,
    now: Timestamp,
) -> Result<(), StoreError> {
    let key = transaction.hot(batch)?.key;
    let message = format!(
        "forgotten: {} documents, {} results, {} answers, {} reviews; what was spent stays",
        forgotten.documents, forgotten.results, forgotten.answers, forgotten.reviews
    );
    transaction.log(key, None, &EventKind::Note { message }, now)
}
