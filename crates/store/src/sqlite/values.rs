//! Values of results that lists are sorted and filtered by: an index of a field of a batch, made
//! when somebody first asks for it, a chunk at a time, and kept by every write from its first
//! chunk on. Batches nobody asks about pay nothing for it.

use docmill_core::id::{BatchId, Ordinal};
use docmill_core::time::Timestamp;
use docmill_core::values::{Comparison, Condition, SortKey};
use rusqlite::types::Value as Sql;
use rusqlite::{Connection, OptionalExtension, params};
use serde::Deserialize;
use serde_json::Value;

use crate::StoreError;
use crate::records::{DocumentQuery, Prepared};
use crate::sqlite::codec::{Columns, document_row};
use crate::sqlite::hot::Transaction;

/// Fields of a batch that are kept; whose turn was longest ago makes room.
const MOST: i64 = 16;

/// What is empty: sorts after numbers and texts.
fn empty() -> Sql {
    Sql::Blob(Vec::new())
}

/// A key as it stands in the index.
pub(super) fn sql(key: &SortKey) -> Sql {
    match key {
        SortKey::Whole(whole) => Sql::Integer(*whole),
        SortKey::Number(number) => Sql::Real(*number),
        SortKey::Text(text) => Sql::Text(text.clone()),
        SortKey::Empty => empty(),
    }
}

/// A field of a batch that is kept, and how many documents have a row in its index.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kept {
    pub(super) field: i64,
    pub(super) rows: u64,
}

/// The index of a field; `None`: it is not made, or not whole.
pub(super) fn kept(connection: &Connection, key: i64, pointer: &str) -> rusqlite::Result<Option<Kept>> {
    connection
        .prepare_cached(
            "SELECT id, documents FROM value_fields WHERE batch = ?1 AND pointer = ?2 AND state = 'ready'",
        )?
        .query_row(params![key, pointer], |row| {
            Ok(Kept {
                field: row.get("id")?,
                rows: row.number("documents")?,
            })
        })
        .optional()
}

/// The pointers a query needs an index of.
pub(super) fn pointers(query: &DocumentQuery) -> impl Iterator<Item = &str> {
    let conditions = query.values.iter().map(|condition| condition.pointer.as_str());
    conditions.chain(query.sort_field.as_deref())
}

/// A condition as SQL on the column of a value: a range of the index wherever it can be one.
pub(super) fn compared(
    condition: &Condition,
    column: &str,
    mut parameter: impl FnMut(Sql) -> usize,
) -> String {
    // Within the values of its own kind: an index holds numbers, then texts, then what is empty.
    let (from, end) = match condition.key {
        SortKey::Text(_) => (format!("{column} >= '' AND "), "x''"),
        _ => (String::new(), "''"),
    };
    let mut typed = || parameter(sql(&condition.key));
    match condition.comparison {
        Comparison::Empty => format!("{column} = x''"),
        Comparison::NotEmpty => format!("{column} < x''"),
        Comparison::Equal => format!("{column} = ?{}", typed()),
        Comparison::Unequal => format!("{column} < x'' AND {column} <> ?{}", typed()),
        Comparison::Less => format!("{from}{column} < ?{}", typed()),
        Comparison::AtMost => format!("{from}{column} <= ?{}", typed()),
        Comparison::Greater => format!("{column} > ?{} AND {column} < {end}", typed()),
        Comparison::AtLeast => format!("{column} >= ?{} AND {column} < {end}", typed()),
        Comparison::Contains => {
            format!(
                "{column} >= '' AND {column} < x'' AND instr({column}, ?{}) > 0",
                typed()
            )
        }
        Comparison::Begins => {
            let SortKey::Text(text) = &condition.key else {
                return format!("{column} < x''");
            };
            let first = parameter(Sql::Text(text.clone()));
            let beyond = parameter(Sql::Text(format!("{text}{}", char::MAX)));
            format!("{column} >= ?{first} AND {column} < ?{beyond}")
        }
    }
}

/// Only the data of a result: the rest is passed over.
#[derive(Deserialize)]
struct Body {
    data: Value,
}

/// A field as it stands in its table.
struct Field {
    id: i64,
    /// Documents up to this one are in the index.
    through: Ordinal,
    is_ready: bool,
}

/// Makes the index of a field a chunk larger; `limit` documents at most.
pub(super) fn prepare(
    transaction: &mut Transaction<'_>,
    batch: BatchId,
    pointer: &str,
    limit: u32,
    now: Timestamp,
) -> Result<Prepared, StoreError> {
    let hot = transaction.hot(batch)?;
    let (key, of) = (hot.key, hot.counters.total());
    let prepared = prepare_in(transaction, key, of, pointer, limit, now);
    let prepared = prepared.map_err(|error| transaction.explain(error))?;
    // Results that are written behind this in the same transaction have to know of it.
    let hot = transaction.hot(batch)?;
    hot.value_fields = hot.value_fields.max(1);
    Ok(prepared)
}

fn prepare_in(
    transaction: &Transaction<'_>,
    key: i64,
    of: u64,
    pointer: &str,
    limit: u32,
    now: Timestamp,
) -> rusqlite::Result<Prepared> {
    sweep(transaction, limit)?;
    let field = match find(transaction, key, pointer)? {
        Some(field) => field,
        None => add(transaction, key, pointer, now)?,
    };
    transaction
        .statement("UPDATE value_fields SET used_at = ?2 WHERE id = ?1")?
        .execute(params![field.id, now.0])?;
    let through = match field.is_ready {
        true => None,
        false => extend(transaction, key, pointer, &field, limit)?,
    };
    Ok(Prepared {
        documents: through.map_or(of, |ordinal| ordinal.0.min(of)),
        of,
        is_ready: through.is_none(),
    })
}

fn find(transaction: &Transaction<'_>, key: i64, pointer: &str) -> rusqlite::Result<Option<Field>> {
    transaction
        .statement(
            "SELECT id, through, state FROM value_fields WHERE batch = ?1 AND pointer = ?2 AND state <> 'dropped'",
        )?
        .query_row(params![key, pointer], |row| {
            Ok(Field {
                id: row.get("id")?,
                through: Ordinal(row.number("through")?),
                is_ready: row.get::<_, String>("state")? == "ready",
            })
        })
        .optional()
}

/// Begins the index of a field. The one that was not used for longest makes room.
fn add(transaction: &Transaction<'_>, key: i64, pointer: &str, now: Timestamp) -> rusqlite::Result<Field> {
    transaction
        .statement(
            "UPDATE value_fields SET state = 'dropped' WHERE id IN (
                SELECT id FROM value_fields WHERE batch = ?1 AND state <> 'dropped'
                ORDER BY used_at DESC, id DESC LIMIT -1 OFFSET ?2)",
        )?
        .execute(params![key, MOST - 1])?;
    let id = transaction
        .statement(
            "INSERT INTO value_fields (batch, pointer, state, used_at) VALUES (?1, ?2, 'building', ?3) RETURNING id",
        )?
        .query_row(params![key, pointer, now.0], |row| row.get(0))?;
    transaction
        .statement(
            "UPDATE batches SET value_fields = (SELECT count(*) FROM value_fields
                WHERE batch = ?1 AND state <> 'dropped') WHERE key = ?1",
        )?
        .execute([key])?;
    Ok(Field {
        id,
        through: Ordinal(0),
        is_ready: false,
    })
}

/// Takes the next documents into the index; the last of them, `None`: that were all.
fn extend(
    transaction: &Transaction<'_>,
    key: i64,
    pointer: &str,
    field: &Field,
    limit: u32,
) -> rusqlite::Result<Option<Ordinal>> {
    let first = document_row(key, Ordinal(0));
    let mut select = transaction.statement(
        "SELECT extractions.document, body, reviews.data FROM extractions
         LEFT JOIN reviews ON reviews.document = extractions.document
         WHERE extractions.document > ?1 AND extractions.document < ?2 ORDER BY extractions.document LIMIT ?3",
    )?;
    let found = select.query_map(
        params![
            document_row(key, field.through),
            document_row(key + 1, Ordinal(0)),
            limit
        ],
        |row| {
            let (document, body): (i64, String) = (row.get(0)?, row.get(1)?);
            Ok((document, body, row.get::<_, Option<String>>(2)?))
        },
    )?;
    let (mut count, mut last) = (0, field.through);
    for row in found {
        let (document, body, reviewed) = row?;
        let data = match reviewed {
            Some(data) => serde_json::from_str(&data).ok(),
            None => serde_json::from_str::<Body>(&body).ok().map(|body| body.data),
        };
        put(
            transaction,
            field.id,
            document,
            pointer,
            &data.unwrap_or_default(),
        )?;
        last = Ordinal((document - first).unsigned_abs());
        count += 1;
    }
    let is_whole = count < limit;
    transaction
        .statement("UPDATE value_fields SET through = ?2, state = ?3 WHERE id = ?1")?
        .execute(params![
            field.id,
            i64::try_from(last.0).unwrap_or(i64::MAX),
            if is_whole { "ready" } else { "building" }
        ])?;
    Ok((!is_whole).then_some(last))
}

/// Takes the value of a field of one document in place of the one that was there.
fn put(
    transaction: &Transaction<'_>,
    field: i64,
    document: i64,
    pointer: &str,
    data: &Value,
) -> rusqlite::Result<()> {
    let replaced = transaction
        .statement("DELETE FROM field_values WHERE document = ?1 AND field = ?2")?
        .execute([document, field])?;
    transaction
        .statement("INSERT INTO field_values (field, value, document) VALUES (?1, ?2, ?3)")?
        .execute(params![field, sql(&SortKey::of(data.pointer(pointer))), document])?;
    if replaced == 0 {
        transaction
            .statement("UPDATE value_fields SET documents = documents + 1 WHERE id = ?1")?
            .execute([field])?;
    }
    Ok(())
}

/// Takes the data of a result into the indexes of its batch, if there are any. Of a field whose
/// index is being made too: who makes it passes over what is there already.
pub(super) fn write(
    transaction: &Transaction<'_>,
    key: i64,
    document: i64,
    data: &Value,
) -> rusqlite::Result<()> {
    let fields: Vec<(i64, String)> = transaction
        .statement("SELECT id, pointer FROM value_fields WHERE batch = ?1 AND state <> 'dropped'")?
        .query_map([key], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    for (field, pointer) in fields {
        put(transaction, field, document, &pointer, data)?;
    }
    Ok(())
}

/// Takes away some of what belongs to fields that made room for others.
fn sweep(transaction: &Transaction<'_>, limit: u32) -> rusqlite::Result<()> {
    let dropped: Option<i64> = transaction
        .statement("SELECT id FROM value_fields WHERE state = 'dropped' LIMIT 1")?
        .query_row([], |row| row.get(0))
        .optional()?;
    let Some(field) = dropped else {
        return Ok(());
    };
    let removed = transaction
        .statement(
            "DELETE FROM field_values WHERE (field, value, document) IN (
                SELECT field, value, document FROM field_values WHERE field = ?1 LIMIT ?2)",
        )?
        .execute(params![field, limit])?;
    if removed < limit as usize {
        transaction
            .statement("DELETE FROM value_fields WHERE id = ?1")?
            .execute([field])?;
    }
    Ok(())
}
