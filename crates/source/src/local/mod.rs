//! What is on this machine: files, folders, ZIP archives and lists of them.
//!
//! Walking is blocking work, so it runs on a blocking thread that feeds a bounded
//! channel: when nobody pulls, the walk waits, and a million files are never held.

pub(crate) mod archive;
pub(crate) mod folder;
pub(crate) mod list;
mod missing;
pub(crate) mod sink;

use std::fs;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use docmill_core::failure::{Failure, FailureCode};

use crate::filter::Filter;
use crate::key::Key;
use crate::port::{Found, SourceError};
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
    pub fn of(given: &Path, filter: &Filter) -> Result<Self, SourceError> {
        let path = fs::canonicalize(given).map_err(|error| missing::explain(given, &error))?;
        if filter.is_own(&path) {
            return Err(SourceError::new(
                format!("{} is docmill's own, not a document", given.display()),
                "name the folder or the files where your documents are",
            ));
        }
        let unusable = |error: &io::Error| missing::explain(given, error);
        let metadata = fs::metadata(&path).map_err(|error| unusable(&error))?;
        if metadata.is_dir() {
            fs::read_dir(&path).map_err(|error| unusable(&error))?;
            return Ok(Self::Folder(path));
        }
        if !metadata.is_file() {
            return Err(SourceError::new(
                format!("{} is neither a file nor a folder", given.display()),
                "for a list of files on standard input use --from -",
            ));
        }
        if archive::has_signature(&path).map_err(|error| unusable(&error))? {
            match archive::check(&path) {
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

/// The document that is the file at `path`.
pub(crate) fn file(path: &Path, name: String, bytes: u64) -> Found {
    Found {
        key: Key::File(path.to_path_buf()).to_string(),
        name,
        bytes,
    }
}

/// Reads a file, not following what it has become in the meantime (a pipe would block for ever).
pub(crate) fn read_file(path: &Path, limit: u64) -> Result<Bytes, Failure> {
    let unreadable = |error: &io::Error| {
        Failure::new(
            FailureCode::SourceUnreadable,
            format!("cannot read {}: {}", path.display(), reason(error)),
        )
    };
    let metadata = fs::metadata(path).map_err(|error| unreadable(&error))?;
    if !metadata.is_file() {
        return Err(Failure::new(
            FailureCode::SourceUnreadable,
            format!("{} is no longer a file", path.display()),
        ));
    }
    if metadata.len() > limit {
        return Err(too_large(metadata.len(), limit));
    }
    let opened = fs::File::open(path).map_err(|error| unreadable(&error))?;
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
