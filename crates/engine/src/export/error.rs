//! Why results could not be written, for people.

use std::io;
use std::path::{Path, PathBuf};

use docmill_store::StoreError;

/// Why results could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A file or folder cannot be used.
    #[error("{} cannot be written: {}", path.display(), io_reason(source))]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Standard output is gone or refuses.
    #[error("standard output cannot be written: {}", io_reason(.0))]
    Stdout(#[source] io::Error),
    /// The target is a folder where a file is wanted, or the other way round.
    #[error("{} is {found}, not {wanted}", path.display())]
    WrongPlace {
        /// Which.
        path: PathBuf,
        /// What is there.
        found: &'static str,
        /// What is wanted.
        wanted: &'static str,
    },
    /// Nobody knows this format.
    #[error("{0:?} is not a format; docmill writes csv, jsonl, parquet and xlsx")]
    UnknownFormat(String),
    /// More columns than the format has.
    #[error("the template has {columns} columns, {format} holds {limit}")]
    TooManyColumns {
        /// Columns of the widest table.
        columns: usize,
        /// The format.
        format: &'static str,
        /// What it holds.
        limit: usize,
    },
    /// Our own fault.
    #[error("the export broke down: {0}; please report it")]
    Bug(String),
}

impl ExportError {
    pub(super) fn file(path: &Path, source: io::Error) -> Self {
        Self::File {
            path: path.to_owned(),
            source,
        }
    }

    /// Whether the reader of standard output went away: not worth a message.
    #[must_use]
    pub fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Stdout(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// What to do next, where that is known.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::File { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    Some("free some space or choose another place with --out; no file was changed")
                }
                io::ErrorKind::NotFound => Some("make the folder first, or choose another place with --out"),
                io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                    Some("choose a place you may write to with --out")
                }
                _ => None,
            },
            Self::WrongPlace { .. } => Some("choose another place with --out"),
            Self::UnknownFormat(_) => Some("choose csv, jsonl, parquet or xlsx"),
            Self::TooManyColumns { .. } => Some("export to csv, jsonl or parquet instead"),
            _ => None,
        }
    }
}

/// The system's words without its numbers ("No space left on device").
fn io_reason(error: &io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error") {
        Some((words, _)) => words.to_lowercase(),
        None => text,
    }
}
