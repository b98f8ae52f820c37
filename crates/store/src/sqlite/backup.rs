//! Backups: taking one, judging one, putting one in place, and going on with a database that
//! is older than what was acknowledged.
//!
//! An older database does not know of the calls made after it. Their results are lost, and
//! will be asked for again; their money was spent. The marker still says how much each batch
//! had spent or held back, so the difference is entered as one unconfirmed call, and the wall
//! stays where it is. Batches that ran are paused: a person decides with what they know.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use docmill_core::batch::{BatchEvent, BatchState};
use docmill_core::event::EventKind;
use docmill_core::id::BatchId;
use docmill_core::money::Usd;
use docmill_core::time::Timestamp;
use rusqlite::{Connection, OpenFlags, params};

use crate::StoreError;
use crate::sqlite::batches;
use crate::sqlite::codec::{Columns, batch_id};
use crate::sqlite::hot::Transaction;
use crate::sqlite::integrity::{self, Structure};
use crate::sqlite::marker::{self, Mark, Marker};
use crate::sqlite::open::{self, Options};
use crate::sqlite::presence::log_of;
use crate::sqlite::{SqliteStore, migrate};

/// What is in a database, and whether it is sound.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    /// Size.
    pub bytes: u64,
    /// Batches.
    pub batches: u64,
    /// Documents.
    pub documents: u64,
    /// Documents that are done.
    pub completed: u64,
    /// Settled, in all batches.
    pub settled: Usd,
    /// When anything last happened in it.
    pub last_change: Option<Timestamp>,
    /// What does not fit together, a sentence each; empty: it is sound.
    pub faults: Vec<String>,
}

/// What a batch spent or held back after the moment of the database that is gone on with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpentSince {
    /// The batch.
    pub batch: BatchId,
    /// What people call it.
    pub name: String,
    /// At most.
    pub amount: Usd,
}

/// What going on with an older database meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Accepted {
    /// Writes that were acknowledged and are not in it, as far as is known.
    pub missing: u64,
    /// Money that is not in its ledger and counts as unconfirmed from now on.
    pub spent_since: Vec<SpentSince>,
    /// Batches that were running, and are paused now.
    pub paused: u64,
    /// Where the files are that were in its place.
    pub aside: Vec<PathBuf>,
}

impl SqliteStore {
    /// Copies the database as it is at one moment, while others work on it, to a file that is
    /// not there yet; checks the copy as a whole before it gets its name. Blocks.
    ///
    /// # Errors
    /// When the database cannot be read, or the copy cannot be written or is not sound.
    pub fn back_up(database: &Path, target: &Path) -> Result<Judged, StoreError> {
        let context = open::context(database);
        let partial = with_suffix(target, ".partial");
        let failed = |error: io::Error| write_failed(target, &error);
        let outcome = (|| {
            let _ = fs::remove_file(&partial);
            private_file(&partial).map_err(failed)?;
            let name = partial.to_str().ok_or_else(|| {
                write_failed(
                    target,
                    &io::Error::other("SQLite takes only names that are UTF-8"),
                )
            })?;
            open::reading(database)?
                .execute("VACUUM INTO ?1", [name])
                .map_err(|error| context.explain(error))?;
            let judged = Self::judge(&partial)?;
            if !judged.faults.is_empty() {
                return Err(damaged(database, &judged.faults));
            }
            File::open(&partial)
                .and_then(|file| file.sync_all())
                .map_err(failed)?;
            fs::rename(&partial, target).map_err(failed)?;
            sync_folder(target);
            Ok(judged)
        })();
        if outcome.is_err() {
            let _ = fs::remove_file(&partial);
        }
        outcome
    }

    /// Looks at all of a database: structure, counters, money. Changes nothing. Blocks.
    ///
    /// # Errors
    /// When it is no database of docmill, or too broken to be asked.
    pub fn judge(path: &Path) -> Result<Judged, StoreError> {
        let context = open::context(path);
        let explain = |error| context.explain(error);
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(path, flags).map_err(explain)?;
        connection
            .busy_timeout(Duration::from_secs(15))
            .map_err(explain)?;
        if migrate::check(&connection, &context)? == 0 {
            return Err(StoreError::Unusable {
                path: context.path,
                reason: "it is empty".to_owned(),
            });
        }
        let mut faults = match integrity::structure(&connection, None).map_err(explain)? {
            Structure::Damaged(faults) => faults,
            Structure::Sound | Structure::SoundSoFar => Vec::new(),
        };
        if faults.is_empty() {
            faults = integrity::books(&connection).map_err(explain)?;
        }
        connection
            .query_row(
                "SELECT count(*) AS batches, coalesce(sum(completed), 0) AS completed,
                    coalesce(sum(pending + leased + completed + failed + cancelled + skipped), 0) AS documents,
                    coalesce(sum(settled), 0) AS settled, max(updated_at) AS last FROM batches",
                [],
                |row| {
                    Ok(Judged {
                        bytes: fs::metadata(path).map_or(0, |it| it.len()),
                        batches: row.number("batches")?,
                        documents: row.number("documents")?,
                        completed: row.number("completed")?,
                        settled: row.usd("settled")?,
                        last_change: row.get::<_, Option<i64>>("last")?.map(Timestamp),
                        faults,
                    })
                },
            )
            .map_err(explain)
    }

    /// Puts a backup in the place of the database; what was there is kept beside it. Nobody may
    /// have it open. Blocks.
    ///
    /// # Errors
    /// When the backup is not sound, another process works here, or the disk refuses.
    pub fn restore(database: &Path, backup: &Path, now: Timestamp) -> Result<Accepted, StoreError> {
        let judged = Self::judge(backup)?;
        if !judged.faults.is_empty() {
            return Err(damaged(backup, &judged.faults));
        }
        let mut marker = alone(database)?;
        let failed = |error: io::Error| write_failed(database, &error);
        let arriving = with_suffix(database, ".restoring");
        let _ = fs::remove_file(&arriving);
        private_file(&arriving).map_err(failed)?;
        fs::copy(backup, &arriving).map_err(failed)?;
        File::open(&arriving)
            .and_then(|file| file.sync_all())
            .map_err(failed)?;
        // A backup that was in use has a log of its own.
        let aside = set_aside(database, now).map_err(failed)?;
        if let Ok(true) = log_of(backup).try_exists() {
            fs::copy(log_of(backup), log_of(database)).map_err(failed)?;
        }
        fs::rename(&arriving, database).map_err(failed)?;
        sync_folder(database);
        let accepted = accept(database, &mut marker, now)?;
        Ok(Accepted { aside, ..accepted })
    }

    /// Goes on with the database as it is, although it is older than what was acknowledged, was
    /// emptied, or is not there any more. Nobody may have it open. Blocks.
    ///
    /// # Errors
    /// When another process works here, or the database is damaged or cannot be written.
    pub fn accept(database: &Path, now: Timestamp) -> Result<Accepted, StoreError> {
        let mut marker = alone(database)?;
        accept(database, &mut marker, now)
    }
}

/// The marker, locked for this process alone.
fn alone(database: &Path) -> Result<Marker, StoreError> {
    let marker = Marker::open(database).map_err(|error| write_failed(database, &error))?;
    if marker.lock_alone() {
        Ok(marker)
    } else {
        Err(StoreError::Busy)
    }
}

fn accept(database: &Path, marker: &mut Marker, now: Timestamp) -> Result<Accepted, StoreError> {
    let context = open::context(database);
    let explain = |error| context.explain(error);
    let mark = marker::read(database);
    let known = marker::spent(database);
    let connection = open::connect(database, &Options::default(), true)?;
    let mut found = open::position(&connection).map_err(explain)?;
    // The marker of another database says nothing about this one.
    let mark = mark.filter(|mark| mark.database == found.database);
    connection.execute_batch("BEGIN IMMEDIATE").map_err(explain)?;
    let mut accepted = Accepted {
        missing: mark.map_or(0, |mark| {
            u64::try_from(mark.sequence - found.sequence).unwrap_or(0)
        }),
        ..Accepted::default()
    };
    let mut transaction = Transaction::new(&connection, &context);
    if mark.is_some() {
        for (key, spent) in known {
            accepted
                .spent_since
                .extend(enter(&mut transaction, key, spent, now)?);
        }
    }
    accepted.paused = pause_all(&mut transaction, now)?;
    transaction.flush()?;
    found.sequence = found.sequence.max(mark.map_or(0, |mark| mark.sequence)) + 1;
    connection
        .execute("UPDATE commit_sequence SET sequence = ?1", [found.sequence])
        .map_err(explain)?;
    connection.execute_batch("COMMIT").map_err(explain)?;
    begin_marker(&connection, marker, found).map_err(explain)?;
    Ok(accepted)
}

fn begin_marker(connection: &Connection, marker: &mut Marker, mark: Mark) -> rusqlite::Result<()> {
    let spent = open::spent(connection)?;
    if let Err(error) = marker.reset(mark, &spent) {
        tracing::warn!(%error, "the marker could not be written");
    }
    Ok(())
}

/// Enters what a batch spent after the moment of this database as one unconfirmed call.
fn enter(
    transaction: &mut Transaction<'_>,
    key: i64,
    spent: Usd,
    now: Timestamp,
) -> Result<Option<SpentSince>, StoreError> {
    let found = transaction
        .prepare("SELECT id, name FROM batches WHERE key = ?1")?
        .query_map([key], |row| {
            Ok((batch_id(row, "id")?, row.get::<_, String>("name")?))
        })
        .and_then(|mut rows| rows.next().transpose())
        .map_err(|error| transaction.explain(error))?;
    let Some((batch, name)) = found else {
        // Made after the moment of this database: gone, with its money.
        return Ok(None);
    };
    let hot = transaction.hot(batch)?;
    let balance = hot.balance;
    let recorded = balance
        .settled
        .saturating_add(balance.unconfirmed)
        .saturating_add(balance.reserved);
    let amount = Usd::from_nanos(spent.nanos().saturating_sub(recorded.nanos()));
    if amount <= Usd::ZERO {
        return Ok(None);
    }
    hot.balance.unconfirmed = balance.unconfirmed.saturating_add(amount);
    hot.calls += 1;
    hot.updated_at = now;
    let insert = || -> rusqlite::Result<()> {
        // Of no document, and of many: number 0 is none's.
        transaction
            .statement(
                "INSERT INTO attempts (document, number, worker, model, part, answer_key, outcome, reserved, started_at)
                 VALUES (?1, (SELECT coalesce(max(number), 0) + 1 FROM attempts WHERE document = ?1),
                    zeroblob(16), 'unknown', 0, zeroblob(32), 'unconfirmed', ?2, ?3)",
            )?
            .execute(params![key << 40, amount.nanos(), now.0])?;
        Ok(())
    };
    insert().map_err(|error| transaction.explain(error))?;
    let message = format!(
        "the database was set back to an earlier moment; {amount} that may have been spent since counts as unconfirmed"
    );
    transaction.log(key, None, &EventKind::Note { message }, now)?;
    Ok(Some(SpentSince { batch, name, amount }))
}

/// Pauses what was running; returns how many.
fn pause_all(transaction: &mut Transaction<'_>, now: Timestamp) -> Result<u64, StoreError> {
    let running: Vec<BatchId> = transaction
        .prepare("SELECT id FROM batches WHERE state = ?1")?
        .query_map([BatchState::Running.as_str()], |row| batch_id(row, "id"))
        .and_then(Iterator::collect)
        .map_err(|error| transaction.explain(error))?;
    let reason =
        "the database was set back to an earlier moment; results since are lost and will be paid again";
    let mut paused = 0;
    for batch in running {
        if batches::transition(transaction, batch, BatchEvent::Pause, reason, now)?.is_ok() {
            paused += 1;
        }
    }
    Ok(paused)
}

/// Moves the files of a database aside, each beside its place.
fn set_aside(database: &Path, now: Timestamp) -> io::Result<Vec<PathBuf>> {
    let aside = with_suffix(database, &format!(".before-{}", now.0 / 1000));
    let mut moved = Vec::new();
    // The log first: a database without its log is worse than a log without its database.
    for suffix in ["-wal", "-shm", ""] {
        let (from, to) = (with_suffix(database, suffix), with_suffix(&aside, suffix));
        match fs::rename(&from, &to) {
            Ok(()) => moved.push(to),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(moved)
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create_new(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn sync_folder(file: &Path) {
    let folder = file.parent().filter(|it| !it.as_os_str().is_empty());
    // Where folders cannot be synced, the system does it in its own time.
    let _ = File::open(folder.unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all());
}

fn write_failed(path: &Path, error: &io::Error) -> StoreError {
    let path = path.display().to_string();
    match error.kind() {
        io::ErrorKind::StorageFull => StoreError::DiskFull { path },
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => StoreError::ReadOnly {
            path,
            reason: error.to_string(),
        },
        _ => StoreError::WriteFailed {
            path,
            reason: error.to_string(),
        },
    }
}

fn damaged(path: &Path, faults: &[String]) -> StoreError {
    StoreError::Damaged {
        path: path.display().to_string(),
        reason: faults.join("; "),
    }
}
