//! Is the database sound? A bounded look at each start after an end without order, a whole
//! one for backups.
//!
//! SQLite itself checks the structure. What it cannot know is checked here too: that counters
//! are what counting gives, and that the money of a batch is the sum over its calls.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use docmill_core::money::Usd;
use rusqlite::{Connection, ErrorCode, Row};

use crate::sqlite::codec::Columns;

/// Tables in the order they matter; the others come after them.
const FIRST: [&str; 7] = [
    "batches",
    "batch_specs",
    "attempts",
    "documents",
    "answers",
    "extractions",
    "events",
];

/// Faults told at most: the first few say it.
const FAULTS: usize = 10;

/// What a check of the structure found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Structure {
    /// Everything was looked at, and is sound.
    Sound,
    /// What was looked at is sound; there was no time for the rest.
    SoundSoFar,
    /// These are the first faults.
    Damaged(Vec<String>),
}

/// Checks table by table until the time is over.
pub(super) fn structure(connection: &Connection, limit: Option<Duration>) -> rusqlite::Result<Structure> {
    let since = Instant::now();
    let is_over = || limit.is_some_and(|limit| since.elapsed() >= limit);
    let (_done, waiting) = mpsc::channel::<()>();
    if let Some(limit) = limit {
        let handle = connection.get_interrupt_handle();
        // Ends with the check: then `_done` is dropped, and receiving fails at once.
        std::thread::spawn(move || {
            if waiting.recv_timeout(limit) == Err(mpsc::RecvTimeoutError::Timeout) {
                handle.interrupt();
            }
        });
    }
    for table in tables(connection)? {
        if is_over() {
            return Ok(Structure::SoundSoFar);
        }
        match faults_of(connection, &table) {
            Ok(faults) if faults.is_empty() => {}
            Ok(faults) => return Ok(Structure::Damaged(faults)),
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) => {
                return Ok(Structure::SoundSoFar);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(Structure::Sound)
}

fn tables(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut names: Vec<String> = connection
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0 ORDER BY name")?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    names.sort_by_key(|name| {
        FIRST
            .iter()
            .position(|first| first == name)
            .unwrap_or(FIRST.len())
    });
    Ok(names)
}

fn faults_of(connection: &Connection, table: &str) -> rusqlite::Result<Vec<String>> {
    let mut faults = Vec::new();
    // Names of our own tables: no quoting needed.
    connection.pragma(None, "quick_check", table, |row| {
        // Several faults may come in one text, under a heading.
        let said: String = row.get(0)?;
        let lines = said
            .lines()
            .filter(|line| *line != "ok" && !line.starts_with("***"));
        let room = FAULTS.saturating_sub(faults.len());
        faults.extend(lines.take(room).map(str::to_owned));
        Ok(())
    })?;
    Ok(faults)
}

/// Where counters and money are not what counting and adding up give: a sentence each.
pub(super) fn books(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut faults = Vec::new();
    let mut statement = connection.prepare(
        "SELECT name, settled, reserved, unconfirmed, calls_in_flight,
            pending + leased + completed + failed + cancelled + skipped AS counted,
            (SELECT count(*) FROM documents WHERE documents.batch = batches.key) AS documents,
            (SELECT coalesce(sum(cost), 0) FROM attempts WHERE outcome = 'answered' AND document >> 40 = batches.key)
                AS paid,
            (SELECT coalesce(sum(reserved), 0) FROM attempts
                WHERE outcome = 'in_flight' AND document >> 40 = batches.key) AS held,
            (SELECT coalesce(sum(reserved), 0) FROM attempts
                WHERE outcome = 'unconfirmed' AND document >> 40 = batches.key) AS unknown
         FROM batches ORDER BY key",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        faults.extend(unbalanced(row)?);
    }
    Ok(faults)
}

fn unbalanced(row: &Row<'_>) -> rusqlite::Result<Vec<String>> {
    let name: String = row.get("name")?;
    let mut faults = Vec::new();
    let (counted, documents) = (row.number("counted")?, row.number("documents")?);
    if counted != documents {
        faults.push(format!(
            "batch {name} counts {counted} documents and has {documents}"
        ));
    }
    for (what, says, adds_up) in [
        ("settled", "settled", "paid"),
        ("held back", "reserved", "held"),
        ("unconfirmed", "unconfirmed", "unknown"),
    ] {
        let (says, adds_up): (Usd, Usd) = (row.usd(says)?, row.usd(adds_up)?);
        if says != adds_up {
            faults.push(format!(
                "batch {name} says {says} {what}, its calls add up to {adds_up}"
            ));
        }
    }
    Ok(faults)
}
