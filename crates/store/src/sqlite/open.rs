//! Opening the file, with the settings every connection shares.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::StoreError;
use crate::sqlite::codec::Context;
use crate::sqlite::migrate;

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

/// The connection that writes; migrates the file first.
pub(super) fn writing(path: &Path, options: &Options) -> Result<Connection, StoreError> {
    let context = context(path);
    let explain = |error| context.explain(error);
    // Not the default flags: with those, a path that begins with "file:" would be a URI.
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(explain)?;
    connection.busy_timeout(BUSY).map_err(explain)?;
    connection.set_prepared_statement_cache_capacity(128);
    // Before the WAL is switched on, which would write: a file that is not ours, or newer than
    // we are, is left alone.
    migrate::check(&connection, &context)?;
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

/// Takes a file of an older version to this one before it is looked at.
pub(super) fn bring_up(path: &Path) -> Result<(), StoreError> {
    let context = context(path);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let found = {
        let connection = Connection::open_with_flags(path, flags).map_err(|error| context.explain(error))?;
        migrate::check(&connection, &context)?
    };
    if found > 0 && found < migrate::KNOWN {
        writing(path, &Options::default())?;
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
