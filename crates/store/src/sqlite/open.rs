//! Opening the file, with the settings every connection shares.

use std::path::Path;
use std::time::Duration;

use docmill_core::money::Usd;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use uuid::Uuid;

use crate::StoreError;
use crate::sqlite::codec::Context;
use crate::sqlite::integrity::{self, Structure};
use crate::sqlite::marker::{self, Mark, Marker, Written};
use crate::sqlite::migrate;
use crate::sqlite::presence::{Presence, log_of};

/// How to open the store.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Refuse to write.
    pub read_only: bool,
    /// Largest size of the file in pages of 4 KiB; 0: no limit. For tests of a full disk.
    pub max_pages: u32,
}

/// How long a writer waits for another process's transaction. They take milliseconds;
/// a chunk of a cancellation or a large ingest at most a few hundred.
const BUSY: Duration = Duration::from_secs(15);

/// How long a start may look for damage after an end without order.
const CHECK: Duration = Duration::from_secs(2);

/// The check of a database whose last process ended without order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Check {
    /// Size of the database.
    pub bytes: u64,
    /// Whether there was time for all of it. What matters most comes first.
    pub whole: bool,
    /// How long it took.
    pub took: Duration,
}

/// A connection that writes, with what keeps watch over its file.
pub(super) struct Opened {
    pub(super) connection: Connection,
    pub(super) presence: Presence,
    pub(super) check: Option<Check>,
    marker: Option<Marker>,
    database: Uuid,
}

impl Opened {
    /// Writes into the marker what was committed.
    pub(super) fn note(&mut self, written: &Written) {
        if let Some(marker) = &mut self.marker
            && let Err(error) = marker.note(self.database, written)
        {
            // A safeguard: what was committed is safe, and the next commit tries again.
            tracing::debug!(%error, "the marker could not be written");
        }
    }
}

/// The connection that writes; migrates the file first.
pub(super) fn writing(path: &Path, options: &Options) -> Result<Opened, StoreError> {
    let mark = marker::read(path);
    not_missing(path, mark)?;
    let was_left = log_is_left(path);
    let connection = connect(path, options, false)?;
    let context = context(path);
    let database = not_behind(&connection, mark, &context)?;
    // Where it cannot be made the database cannot be written either, or soon will say so itself.
    let mut marker = Marker::open(path).ok();
    if mark.is_none()
        && let Some(marker) = &mut marker
    {
        let mark = position(&connection).map_err(|error| context.explain(error))?;
        let spent = spent(&connection).map_err(|error| context.explain(error))?;
        let _ = marker.reset(mark, &spent);
    }
    let check = match &marker {
        // With others at work the log is theirs.
        Some(marker) if was_left && marker.alone() => Some(look(&connection, &context)?),
        _ => None,
    };
    Ok(Opened {
        presence: Presence::new(path),
        connection,
        check,
        marker,
        database,
    })
}

/// A connection that writes; migrates the file first. `even_behind`: whatever the marker says.
pub(super) fn connect(path: &Path, options: &Options, even_behind: bool) -> Result<Connection, StoreError> {
    let context = context(path);
    let explain = |error| context.explain(error);
    create_private(path);
    // Not the default flags: with those, a path that begins with "file:" would be a URI.
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(explain)?;
    connection.busy_timeout(BUSY).map_err(explain)?;
    connection.set_prepared_statement_cache_capacity(128);
    // Without it a statement that an index with a condition serves is planned anew whenever a bound
    // value changes: a tenth of what a document costs (measured).
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
        .map_err(explain)?;
    // Before the WAL is switched on, which would write: a file that is not ours, or newer than
    // we are, is left alone.
    let found = migrate::check(&connection, &context)?;
    // The same for one that is empty and should not be.
    if found == 0
        && let Some(mark) = marker::read(path).filter(|mark| mark.sequence > 0)
        && !even_behind
    {
        return Err(emptied(mark, &context));
    }
    if options.max_pages > 0 {
        connection
            .pragma_update(None, "max_page_count", options.max_pages)
            .map_err(explain)?;
    }
    write_ahead(&connection).map_err(explain)?;
    set_up(&connection, true).map_err(explain)?;
    if connection.is_readonly("main").map_err(explain)? {
        let reason = "the file or its folder may not be written".to_owned();
        return Err(StoreError::ReadOnly {
            path: context.path,
            reason,
        });
    }
    migrate::migrate(&mut connection, &context)?;
    Ok(connection)
}

/// A log that is not empty: somebody works on the database, or died doing so.
fn log_is_left(path: &Path) -> bool {
    std::fs::metadata(log_of(path)).is_ok_and(|log| log.len() > 0)
}

/// A database that has a marker was there before.
pub(super) fn not_missing(path: &Path, mark: Option<Mark>) -> Result<(), StoreError> {
    match mark {
        Some(mark) if mark.sequence > 0 && matches!(path.try_exists(), Ok(false)) => Err(StoreError::Gone {
            path: path.display().to_string(),
            reason: format!("it was moved or deleted after {} writes", mark.sequence),
        }),
        _ => Ok(()),
    }
}

fn emptied(mark: Mark, context: &Context) -> StoreError {
    StoreError::Behind {
        path: context.path.clone(),
        reason: format!(
            "it is empty, after {} writes that were acknowledged",
            mark.sequence
        ),
    }
}

/// Refuses a database that is older than its marker; returns its id.
fn not_behind(connection: &Connection, mark: Option<Mark>, context: &Context) -> Result<Uuid, StoreError> {
    let found = position(connection).map_err(|error| context.explain(error))?;
    let Some(mark) = mark else {
        return Ok(found.database);
    };
    let reason = if found.database != mark.database {
        "another database was put in its place".to_owned()
    } else if found.sequence < mark.sequence {
        format!(
            "{} of {} writes that were acknowledged are not in it; perhaps its -wal file was deleted, or an old copy put in its place",
            mark.sequence - found.sequence,
            mark.sequence
        )
    } else {
        return Ok(found.database);
    };
    Err(StoreError::Behind {
        path: context.path.clone(),
        reason,
    })
}

/// Moves the log into the database and cuts it to nothing: what was deleted must not stay in it.
pub(super) fn empty_log(path: &Path) -> Result<(), StoreError> {
    let context = context(path);
    let run = || -> rusqlite::Result<()> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(Duration::from_secs(2))?;
        connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
    };
    run().map_err(|error| context.explain(error))
}

/// Which database it is, and how far.
pub(super) fn position(connection: &Connection) -> rusqlite::Result<Mark> {
    connection.query_row("SELECT database, sequence FROM commit_sequence", [], |row| {
        let database: [u8; 16] = row.get(0)?;
        Ok(Mark {
            database: Uuid::from_bytes(database),
            sequence: row.get(1)?,
        })
    })
}

/// What each batch has spent or holds back.
pub(super) fn spent(connection: &Connection) -> rusqlite::Result<Vec<(i64, Usd)>> {
    connection
        .prepare("SELECT key, settled + unconfirmed + reserved FROM batches")?
        .query_map([], |row| Ok((row.get(0)?, Usd::from_nanos(row.get(1)?))))?
        .collect()
}

/// Looks for damage, for a bounded time.
fn look(connection: &Connection, context: &Context) -> Result<Check, StoreError> {
    let since = std::time::Instant::now();
    let found = integrity::structure(connection, Some(CHECK)).map_err(|error| context.explain(error))?;
    if let Structure::Damaged(faults) = &found {
        return Err(StoreError::Damaged {
            path: context.path.clone(),
            reason: faults.join("; "),
        });
    }
    Ok(Check {
        bytes: std::fs::metadata(&context.path).map_or(0, |it| it.len()),
        whole: found == Structure::Sound,
        took: since.elapsed(),
    })
}

/// Makes the file for its owner alone; what SQLite puts beside it gets the same mode. Where this
/// is refused SQLite will be refused as well, and says why.
fn create_private(path: &Path) {
    let mut options = std::fs::OpenOptions::new();
    options.create_new(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let _ = options.open(path);
}

/// Takes a file of an older version to this one before it is looked at, and refuses one that is
/// behind its marker.
pub(super) fn bring_up(path: &Path) -> Result<(), StoreError> {
    let context = context(path);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    // Before the database: it may only be further by then.
    let mark = marker::read(path);
    not_missing(path, mark)?;
    let connection = Connection::open_with_flags(path, flags).map_err(|error| context.explain(error))?;
    match (migrate::check(&connection, &context)?, mark) {
        (0, Some(mark)) if mark.sequence > 0 => return Err(emptied(mark, &context)),
        (migrate::KNOWN, mark) => {
            not_behind(&connection, mark, &context)?;
        }
        (1.., _) => {
            drop(connection);
            writing(path, &Options::default())?;
        }
        _ => {}
    }
    Ok(())
}

/// A connection for looking.
pub(super) fn reading(path: &Path) -> Result<Connection, StoreError> {
    let context = context(path);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = || -> rusqlite::Result<Connection> {
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY)?;
        connection.set_prepared_statement_cache_capacity(64);
        set_up(&connection, false)?;
        Ok(connection)
    };
    let connection = open().map_err(|error| context.explain(error))?;
    let found = migrate::check(&connection, &context)?;
    if found < migrate::KNOWN {
        let reason = "it was never used for writing by this version of docmill".to_owned();
        return Err(StoreError::Unusable {
            path: context.path,
            reason,
        });
    }
    Ok(connection)
}

/// Switches the write-ahead log on. Two processes that make the same file at once meet here, and
/// SQLite does not wait for the other by itself when it changes this mode.
fn write_ahead(connection: &Connection) -> rusqlite::Result<()> {
    let since = std::time::Instant::now();
    loop {
        let mode =
            connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get::<_, String>(0));
        match mode {
            // Where it cannot be switched on (some network file systems) SQLite says so by not doing it.
            Ok(mode) if !mode.eq_ignore_ascii_case("wal") => {
                let reason =
                    format!("the write-ahead log cannot be used here, only {mode:?}; choose a local disk");
                let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_CANTOPEN);
                return Err(rusqlite::Error::SqliteFailure(code, Some(reason)));
            }
            Ok(_) => return Ok(()),
            Err(error)
                if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) && since.elapsed() < BUSY =>
            {
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(error) => return Err(error),
        }
    }
}

fn set_up(connection: &Connection, writes: bool) -> rusqlite::Result<()> {
    if writes {
        connection.pragma_update(None, "synchronous", "FULL")?;
        // What is deleted is overwritten: somebody may have asked for it to be forgotten.
        connection.pragma_update(None, "secure_delete", true)?;
        // Elsewhere fsync is enough; on macOS it leaves the data in the disk's own cache.
        connection.pragma_update(None, "fullfsync", true)?;
        connection.pragma_update(None, "checkpoint_fullfsync", true)?;
        connection.pragma_update(None, "wal_autocheckpoint", 4000)?;
        // A WAL that grew is cut back when it is checkpointed.
        connection.pragma_update(None, "journal_size_limit", 64 * 1024 * 1024)?;
    }
    // In KiB when negative: 16 MiB, so that ten readers and a writer stay small.
    connection.pragma_update(None, "cache_size", if writes { -32_768 } else { -8_192 })?;
    connection.pragma_update(None, "temp_store", "MEMORY")
}

pub(super) fn context(path: &Path) -> Context {
    Context {
        path: path.display().to_string(),
    }
}
