//! Are the files still where they were?
//!
//! SQLite writes on into files that were moved or deleted under it, and acknowledges what
//! nobody will find again. So before each transaction the writing thread looks whether the
//! names still lead to the files it has open: two calls of the system, microseconds.

use std::path::{Path, PathBuf};

/// What of the files is not where it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Absence {
    /// The database was moved, deleted or replaced. It may be put back.
    Database,
    /// The write-ahead log was. What is in it can only be saved by who has it open.
    Log,
}

/// Knows the files by what the system calls them.
#[derive(Debug)]
pub(super) struct Presence {
    database: PathBuf,
    log: PathBuf,
    database_id: Option<FileId>,
    log_id: Option<FileId>,
}

type FileId = (u64, u64);

#[cfg(unix)]
fn id_of(path: &Path) -> Option<FileId> {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata(path).ok().map(|it| (it.dev(), it.ino()))
}

/// Elsewhere files that are open cannot be moved.
#[cfg(not(unix))]
fn id_of(_path: &Path) -> Option<FileId> {
    None
}

/// The write-ahead log of a database.
pub(super) fn log_of(database: &Path) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push("-wal");
    path.into()
}

impl Presence {
    /// Notes which files a connection that was just opened has.
    pub(super) fn new(database: &Path) -> Self {
        let log = log_of(database);
        Self {
            database_id: id_of(database),
            log_id: id_of(&log),
            database: database.to_owned(),
            log,
        }
    }

    /// What is not where it was.
    pub(super) fn look(&mut self) -> Option<Absence> {
        if self.database_id != id_of(&self.database) {
            return Some(Absence::Database);
        }
        let found = id_of(&self.log);
        match self.log_id {
            // It is made by the first transaction.
            None => self.log_id = found,
            Some(_) if self.log_id != found => return Some(Absence::Log),
            Some(_) => {}
        }
        None
    }
}
