//! What is on this machine: files, folders, ZIP archives and lists of them.
//!
//! Walking is blocking work, so it runs on a blocking thread that feeds a bounded
//! channel: when nobody pulls, the walk waits, and a million files are never held.

pub(crate) mod archive;
pub(crate) mod files;
pub(crate) mod folder;
pub(crate) mod list;
mod missing;
pub(crate) mod sink;

use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use docmill_core::failure::{Failure, FailureCode};
use docmill_core::time::Timestamp;

use crate::filter::Filter;
use crate::key::Key;
use crate::port::{Found, SourceError};
use files::Files;
use sink::Sink;

/// A path that was looked at and can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// One document.
    File {
        /// Its real, absolute path.
        path: PathBuf,
        /// Its size.
        bytes: u64,
    },
    /// A ZIP archive whose entries are the documents.
    Archive(PathBuf),
    /// A folder.
    Folder(PathBuf),
}

impl Place {
    /// Looks at a path a user gave. Links are resolved, so that one file has one key
    /// however it was named.
    pub fn of(given: &Path, filter: &Filter, files: &Files) -> Result<Self, SourceError> {
        let unusable = |error: &io::Error| match files.is_confined() {
            true => outside(given),
            false => missing::explain(given, error),
        };
        let path = files.locate(given).map_err(|error| unusable(&error))?;
        if filter.is_own(&path) {
            return Err(SourceError::new(
                format!("{} is docmill's own, not a document", given.display()),
                "name the folder or the files where your documents are",
            ));
        }
        let metadata = files.metadata(&path).map_err(|error| unusable(&error))?;
        if metadata.is_dir() {
            files.entries(&path).map_err(|error| unusable(&error))?;
            return Ok(Self::Folder(path));
        }
        if !metadata.is_file() {
            return Err(SourceError::new(
                format!("{} is neither a file nor a folder", given.display()),
                "for a list of files on standard input use --from -",
            ));
        }
        if archive::has_signature(files, &path).map_err(|error| unusable(&error))? {
            match archive::check(files, &path) {
                Ok(archive::Content::Documents) => return Ok(Self::Archive(path)),
                Ok(archive::Content::OneDocument) => {}
                // A DOCX with a broken index is a broken document, not a broken archive.
                Err(reason) if archive::is_named_so(&path) => {
                    return Err(SourceError::new(
                        format!("the ZIP archive {} cannot be opened: {reason}", given.display()),
                        "unpack it and give the folder",
                    ));
                }
                Err(_) => {}
            }
        }
        Ok(Self::File {
            path,
            bytes: metadata.len(),
        })
    }

    /// Sends the documents of this place. Runs on a blocking thread.
    pub fn produce(&self, sink: &Sink<'_>) -> ControlFlow<()> {
        match self {
            Self::File { path, bytes } => sink.document(file(path, file_name(path), *bytes)),
            Self::Archive(path) => archive::list(path, "", sink),
            Self::Folder(path) => folder::walk(path, sink),
        }
    }
}

/// What is said of a path a server may not read, or that is not there: one answer for both, so
/// that nobody can ask what the machine has.
pub(crate) fn outside(given: &Path) -> SourceError {
    SourceError::new(
        format!(
            "{} is not below a folder this server may read from, or is not there",
            given.display()
        ),
        "upload the documents, or start docmill serve with --root FOLDER",
    )
}

/// The document that is the file at `path`.
pub(crate) fn file(path: &Path, name: String, bytes: u64) -> Found {
    Found {
        key: Key::File(path.to_path_buf()).to_string(),
        name,
        bytes,
        modified: modified(path),
    }
}

/// When a file was last written, as far as the system says.
pub(crate) fn modified(path: &Path) -> Option<Timestamp> {
    let at = std::fs::metadata(path)
        .and_then(|metadata| metadata.modified())
        .ok()?;
    let since = at.duration_since(std::time::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_millis()).ok().map(Timestamp)
}

/// Reads a file.
pub(crate) fn read_file(files: &Files, path: &Path, limit: u64) -> Result<Bytes, Failure> {
    let unreadable = |error: &io::Error| {
        Failure::new(
            FailureCode::SourceUnreadable,
            format!("cannot read {}: {}", path.display(), reason(error)),
        )
    };
    let (opened, metadata) = files.open(path).map_err(|error| unreadable(&error))?;
    if metadata.len() > limit {
        return Err(too_large(metadata.len(), limit));
    }
    read_limited(opened, metadata.len(), limit)?.map_err(|error| unreadable(&error))
}

/// Reads to the end, or fails as soon as there is more than `limit`. `expected` only sizes
/// the buffer, and is not believed beyond a few megabytes.
pub(crate) fn read_limited(
    reader: impl Read,
    expected: u64,
    limit: u64,
) -> Result<io::Result<Bytes>, Failure> {
    const BELIEVED: u64 = 8 << 20;
    let capacity = usize::try_from(expected.min(limit).min(BELIEVED)).unwrap_or(0);
    let mut content = Vec::with_capacity(capacity.saturating_add(1));
    if let Err(error) = reader.take(limit.saturating_add(1)).read_to_end(&mut content) {
        return Ok(Err(error));
    }
    let read = u64::try_from(content.len()).unwrap_or(u64::MAX);
    if read > limit {
        return Err(too_large(read, limit));
    }
    Ok(Ok(Bytes::from(content)))
}

/// The failure of a document above the limit. `bytes` may be only what was read so far.
pub(crate) fn too_large(bytes: u64, limit: u64) -> Failure {
    Failure::new(
        FailureCode::TooLarge,
        format!("the document has at least {bytes} bytes; the limit is {limit}"),
    )
}

/// The last part of a path, for people.
pub(crate) fn file_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    printable(&name.to_string_lossy())
}

/// A name that cannot disturb a terminal or a table: control characters become `�`.
pub(crate) fn printable(name: &str) -> String {
    name.chars()
        .map(|c| {
            if c.is_control() {
                char::REPLACEMENT_CHARACTER
            } else {
                c
            }
        })
        .collect()
}

/// Why the operating system refused, without its error number.
pub(crate) fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "it does not exist".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        _ => {
            let text = error.to_string();
            match text.split_once(" (os error") {
                Some((text, _)) => text.to_lowercase(),
                None => text,
            }
        }
    }
}
