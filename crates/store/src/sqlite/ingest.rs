//! Documents coming in, and what the estimate found about them.

use docmill_core::document::{Class, DocumentState};
use docmill_core::event::EventKind;
use docmill_core::failure::{Failure, FailureCode};
use docmill_core::id::{BatchId, ContentHash, Ordinal};
use docmill_core::time::Timestamp;
use rusqlite::{OptionalExtension, named_params, params};

use crate::StoreError;
use crate::records::{DocumentProfile, Enqueued, KnownDocument, NewDocument};
use crate::sqlite::codec::{Columns, document_row, int, ordinal_of};
use crate::sqlite::hot::Transaction;

/// Adds the documents a batch does not have yet.
pub(super) fn enqueue(
    transaction: &mut Transaction<'_>,
    id: BatchId,
    documents: &[NewDocument],
    now: Timestamp,
) -> Result<Enqueued, StoreError> {
    let hot = transaction.hot(id)?;
    let (key, mut next) = (hot.key, hot.counters.total() + 1);
    let mut report = Enqueued::default();
    for document in documents {
        let key_hash = hash_of(&document.key);
        if is_known(transaction, key, key_hash, &document.key).map_err(|error| transaction.explain(error))? {
            report.known += 1;
            continue;
        }
        let original = match (&document.skip, document.content_hash) {
            (None, Some(hash)) => {
                original(transaction, key, hash).map_err(|error| transaction.explain(error))?
            }
            _ => None,
        };
        let row = Row {
            id: document_row(key, Ordinal(next)),
            batch: key,
            key_hash,
            original,
        };
        let state = insert(transaction, document, &row, now).map_err(|error| transaction.explain(error))?;
        next += 1;
        report.added += 1;
        report.duplicates += u64::from(original.is_some());
        report.skipped += u64::from(state == DocumentState::Skipped);
    }
    if report.added > 0 {
        let hot = transaction.hot(id)?;
        hot.counters.skipped += report.skipped;
        hot.counters.pending += report.added - report.skipped;
        hot.updated_at = now;
        let event = EventKind::DocumentsAdded {
            added: report.added,
            skipped: report.skipped,
        };
        transaction.log(key, None, &event, now)?;
    }
    Ok(report)
}

struct Row {
    id: i64,
    batch: i64,
    key_hash: i64,
    original: Option<Ordinal>,
}

/// Eight bytes of the key's hash: an index of numbers is a tenth of one of paths. The key itself
/// is compared as well, so that a collision costs nothing.
fn hash_of(key: &str) -> i64 {
    let hash = blake3::hash(key.as_bytes());
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&hash.as_bytes()[..8]);
    i64::from_le_bytes(bytes)
}

fn is_known(transaction: &Transaction<'_>, batch: i64, key_hash: i64, key: &str) -> rusqlite::Result<bool> {
    transaction
        .statement("SELECT 1 FROM documents WHERE batch = ?1 AND key_hash = ?2 AND key = ?3")?
        .exists(params![batch, key_hash, key])
}

/// The first document of the batch with this content that is processed (or was).
fn original(
    transaction: &Transaction<'_>,
    batch: i64,
    hash: ContentHash,
) -> rusqlite::Result<Option<Ordinal>> {
    transaction
        .statement(
            "SELECT id FROM documents WHERE batch = ?1 AND content_hash = ?2 AND duplicate_of IS NULL
                AND state <> 'skipped'
             ORDER BY id LIMIT 1",
        )?
        .query_row(params![batch, hash.0], |row| row.get(0).map(ordinal_of))
        .optional()
}

fn insert(
    transaction: &Transaction<'_>,
    document: &NewDocument,
    row: &Row,
    now: Timestamp,
) -> rusqlite::Result<DocumentState> {
    let duplicate = row.original.map(|original| {
        Failure::new(
            FailureCode::Duplicate,
            format!("the same content as document {original}"),
        )
    });
    let failure = duplicate.as_ref().or(document.skip.as_ref());
    let state = if failure.is_some() {
        DocumentState::Skipped
    } else {
        DocumentState::Pending
    };
    transaction
        .statement(
            "INSERT INTO documents (id, batch, key, key_hash, name, bytes, kind, class, content_hash, state,
                error_code, error, duplicate_of, updated_at)
             VALUES (:id, :batch, :key, :key_hash, :name, :bytes, :kind, :class, :content_hash, :state,
                :code, :error, :duplicate_of, :now)",
        )?
        .execute(named_params! {
            ":id": row.id,
            ":batch": row.batch,
            ":key": document.key,
            ":key_hash": row.key_hash,
            ":name": document.name,
            ":bytes": int(document.bytes),
            ":kind": document.kind.as_str(),
            ":class": Class::Unknown.as_str(),
            ":content_hash": document.content_hash.map(|hash| hash.0),
            ":state": state.as_str(),
            ":code": failure.map(|failure| failure.code.as_str()),
            ":error": failure.map(|failure| failure.message.as_str()),
            ":duplicate_of": row.original.map(|original| int(original.0)),
            ":now": now.0,
        })?;
    transaction
        .statement("INSERT INTO document_names (rowid, name) VALUES (?1, ?2)")?
        .execute(params![row.id, document.name])?;
    Ok(state)
}

/// Writes what reading documents for the estimate found.
pub(super) fn profile(
    transaction: &mut Transaction<'_>,
    id: BatchId,
    found: &[DocumentProfile],
    now: Timestamp,
) -> Result<(), StoreError> {
    let hot = transaction.hot(id)?;
    hot.updated_at = now;
    let key = hot.key;
    for profiled in found {
        let write = || -> rusqlite::Result<usize> {
            transaction
                .statement(
                    "UPDATE documents SET kind = ?2, class = ?3, pages = ?4, expected_input_tokens = ?5
                     WHERE id = ?1",
                )?
                .execute(params![
                    document_row(key, profiled.ordinal),
                    profiled.kind.as_str(),
                    profiled.class.as_str(),
                    profiled.pages,
                    int(profiled.input_tokens)
                ])
        };
        write().map_err(|error| transaction.explain(error))?;
    }
    Ok(())
}

/// What the batch has of these keys.
pub(super) fn known_documents(
    connection: &rusqlite::Connection,
    id: BatchId,
    keys: Vec<String>,
) -> rusqlite::Result<Vec<KnownDocument>> {
    let mut statement = connection.prepare_cached(
        "SELECT bytes, content_hash, updated_at FROM documents
         WHERE batch = (SELECT key FROM batches WHERE id = ?1) AND key_hash = ?2 AND key = ?3",
    )?;
    let mut known = Vec::new();
    for key in keys {
        let found = statement.query_row(params![id.0.as_bytes(), hash_of(&key), key], |row| {
            Ok(KnownDocument {
                key: key.clone(),
                bytes: row.number("bytes")?,
                content_hash: row.hash("content_hash")?,
                updated_at: row.time("updated_at")?,
            })
        });
        known.extend(found.optional()?);
    }
    Ok(known)
}
