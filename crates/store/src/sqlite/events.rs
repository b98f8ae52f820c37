//! The event log.

use docmill_core::event::{Event, EventKind};
use docmill_core::id::{BatchId, Ordinal};
use docmill_core::time::Timestamp;
use rusqlite::{Connection, params};

use crate::StoreError;
use crate::sqlite::codec::{Columns, batch_id, int};
use crate::sqlite::hot::Transaction;

impl Transaction<'_> {
    /// Writes a line of the log.
    pub(super) fn log(
        &mut self,
        batch: i64,
        document: Option<Ordinal>,
        kind: &EventKind,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let kind = serde_json::to_string(kind).map_err(|error| StoreError::Database(error.to_string()))?;
        self.prepare("INSERT INTO events (batch, document, at, kind) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![
                batch,
                document.map(|ordinal| int(ordinal.0)),
                now.0,
                kind
            ])
            .map_err(|error| self.explain(error))?;
        Ok(())
    }
}

const COLUMNS: &str = "events.id AS event, batches.id AS batch_id, events.document, events.at, events.kind
    FROM events JOIN batches ON batches.key = events.batch";

/// The log after `after`, oldest first.
pub(super) fn after(
    connection: &Connection,
    batch: Option<BatchId>,
    after: u64,
    limit: u32,
) -> rusqlite::Result<Vec<Event>> {
    match batch {
        Some(batch) => {
            let sql = format!(
                "SELECT {COLUMNS} WHERE events.batch = (SELECT key FROM batches WHERE id = ?1) AND events.id > ?2
                 ORDER BY events.id LIMIT ?3"
            );
            let mut statement = connection.prepare_cached(&sql)?;
            statement
                .query_map(params![batch.0.as_bytes(), int(after), limit], read)?
                .collect()
        }
        None => {
            let sql = format!("SELECT {COLUMNS} WHERE events.id > ?1 ORDER BY events.id LIMIT ?2");
            let mut statement = connection.prepare_cached(&sql)?;
            statement.query_map(params![int(after), limit], read)?.collect()
        }
    }
}

/// The newest lines, oldest first.
pub(super) fn last(connection: &Connection, batch: BatchId, limit: u32) -> rusqlite::Result<Vec<Event>> {
    let sql = format!(
        "SELECT {COLUMNS} WHERE events.batch = (SELECT key FROM batches WHERE id = ?1)
         ORDER BY events.id DESC LIMIT ?2"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let mut events: Vec<Event> = statement
        .query_map(params![batch.0.as_bytes(), limit], read)?
        .collect::<Result<_, _>>()?;
    events.reverse();
    Ok(events)
}

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Event> {
    Ok(Event {
        id: row.number("event")?,
        at: row.time("at")?,
        batch: batch_id(row, "batch_id")?,
        document: row
            .get::<_, Option<i64>>("document")?
            .map(|it| Ordinal(u64::try_from(it).unwrap_or(0))),
        kind: row.json("kind")?,
    })
}
