//! The audit log. Its rows are only ever added: a trigger of the database refuses anything else.

use docmill_core::audit::{Deed, Entry, START};
use docmill_core::id::ContentHash;
use docmill_core::time::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, named_params, params};

use crate::StoreError;
use crate::access::AuditQuery;
use crate::sqlite::codec::{Columns, int};
use crate::sqlite::hot::Transaction;

/// Adds an entry after the last one. The writing transaction is the only one, so nothing comes between.
pub(super) fn record(transaction: &Transaction<'_>, deed: Deed) -> Result<Entry, StoreError> {
    let last = || {
        transaction
            .statement("SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1")?
            .query_row([], |row| Ok((row.number("id")?, row.name_of("hash")?)))
            .optional()
    };
    let (id, previous): (u64, ContentHash) = last()
        .map_err(|error| transaction.explain(error))?
        .unwrap_or((0, START));
    let entry = Entry::after(previous, id + 1, deed);
    let write = || {
        let deed = &entry.deed;
        transaction
            .statement(
                "INSERT INTO audit (id, at, who, via, origin, action, target, outcome, before, after, hash)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            )?
            .execute(params![
                int(entry.id),
                deed.at.0,
                deed.who,
                deed.via,
                deed.origin,
                deed.action,
                deed.target,
                deed.outcome,
                deed.before,
                deed.after,
                entry.hash.to_hex()
            ])
    };
    write().map_err(|error| transaction.explain(error))?;
    Ok(entry)
}

/// Entries: forwards after one, or backwards from the end.
pub(super) fn list(connection: &Connection, query: &AuditQuery) -> rusqlite::Result<Vec<Entry>> {
    let order = if query.after.is_some() { "ASC" } else { "DESC" };
    let sql = format!(
        "SELECT * FROM audit
         WHERE id > :after AND id < :before
            AND (:who IS NULL OR who = :who)
            AND (:action IS NULL OR instr(action, :action) > 0)
            AND (:target IS NULL OR instr(target, :target) > 0)
         ORDER BY id {order} LIMIT :limit"
    );
    connection
        .prepare_cached(&sql)?
        .query_map(
            named_params! {
                ":after": int(query.after.unwrap_or(0)),
                ":before": query.before.map_or(i64::MAX, int),
                ":who": query.who,
                ":action": query.action,
                ":target": query.target,
                ":limit": query.limit,
            },
            read,
        )?
        .collect()
}

fn read(row: &Row<'_>) -> rusqlite::Result<Entry> {
    Ok(Entry {
        id: row.number("id")?,
        deed: Deed {
            at: Timestamp(row.get("at")?),
            who: row.get("who")?,
            via: row.get("via")?,
            origin: row.get("origin")?,
            action: row.get("action")?,
            target: row.get("target")?,
            outcome: row.get("outcome")?,
            before: row.get("before")?,
            after: row.get("after")?,
        },
        hash: row.name_of("hash")?,
    })
}
