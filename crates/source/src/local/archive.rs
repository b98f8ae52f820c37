//! ZIP archives: every file inside is a document.
//!
//! Listing walks the archive's index entry by entry; reading keeps the index of the
//! last few archives, because opening a large one for each of its documents would
//! cost the square of their number. Nothing is ever unpacked to disk, so a name like
//! `../../etc/passwd` can do no harm; it is only shown without its dots.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use bytes::Bytes;
use docmill_core::failure::{Failure, FailureCode};
use zip::ZipReadOptions;
use zip::read::{Config, ZipFileEntry};
use zip::result::ZipError;
use zip::unstable::read::ZipIterable;
use zip::{CompressionMethod, ZipArchive};

use super::files::Files;
use super::sink::Sink;
use super::{printable, read_limited, reason, too_large};
use crate::filter::is_hidden;
use crate::key::Key;
use crate::port::Found;

/// Above this an archive's index would take hundreds of megabytes.
const MAX_ENTRIES: usize = 500_000;

/// What a ZIP file is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    /// An archive of documents.
    Documents,
    /// A document whose format happens to be ZIP (DOCX, XLSX, ODS, EPUB, …).
    OneDocument,
}

/// Whether the file is called an archive.
pub(crate) fn is_named_so(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension.eq_ignore_ascii_case("zip"))
}

/// Whether the file begins like a ZIP archive (with an entry, or with the index of an empty one).
pub(crate) fn has_signature(files: &Files, path: &Path) -> io::Result<bool> {
    let mut start = [0; 4];
    let (mut file, _) = files.open(path)?;
    match file.read_exact(&mut start) {
        Ok(()) => Ok(matches!(&start, b"PK\x03\x04" | b"PK\x05\x06")),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// Looks through the archive's index for the marks of the formats built on ZIP. All of
/// it: some programs write `[Content_Types].xml` last.
pub(crate) fn check(files: &Files, path: &Path) -> Result<Content, String> {
    let mut index = open_index(files, path)?;
    let entries = index.files().map_err(|error| explain(&error))?;
    for entry in entries {
        let entry = entry.map_err(|error| explain(&error))?;
        let marked = matches!(
            entry.name_raw(),
            b"[Content_Types].xml"
                | b"mimetype"
                | b"META-INF/manifest.xml"
                | b"META-INF/container.xml"
                | b"Index/Document.iwa"
                | b"Index.zip"
        );
        if marked {
            return Ok(Content::OneDocument);
        }
    }
    Ok(Content::Documents)
}

/// Yields the documents of the archive at `path`, named below `prefix`.
pub(crate) fn list(path: &Path, prefix: &str, sink: &Sink<'_>) -> ControlFlow<()> {
    let shown = if prefix.is_empty() {
        super::file_name(path)
    } else {
        prefix.to_owned()
    };
    let left_out = |reason: &str| format!("the ZIP archive {shown} was left out: {reason}");
    let mut index = match open_index(sink.files(), path) {
        Ok(index) => index,
        Err(reason) => return sink.notice(left_out(&reason)),
    };
    let mut namesakes = match namesakes(&mut index) {
        Ok(namesakes) => namesakes,
        Err(reason) => return sink.notice(left_out(&reason)),
    };
    let entries = match index.files() {
        Ok(entries) => entries,
        Err(error) => return sink.notice(left_out(&explain(&error))),
    };
    for entry in entries {
        match entry {
            Ok(entry) => {
                let number = namesakes.get_mut(entry.name_raw()).map(|seen| {
                    *seen += 1;
                    *seen
                });
                list_entry(path, prefix, &entry, number, sink)?;
            }
            Err(error) => {
                return sink.notice(format!(
                    "the rest of the ZIP archive {shown} was left out: {}",
                    explain(&error)
                ));
            }
        }
    }
    ControlFlow::Continue(())
}

/// Names that several entries have, each with how many of them were listed so far: none.
fn namesakes(index: &mut ZipIterable<SharedFile>) -> Result<HashMap<Vec<u8>, u32>, String> {
    let mut seen = HashSet::new();
    let mut several = HashMap::new();
    let entries = index.files().map_err(|error| explain(&error))?;
    // A damaged index ends the pass; the listing that follows says so.
    for entry in entries.map_while(Result::ok) {
        let mut hasher = DefaultHasher::new();
        entry.name_raw().hash(&mut hasher);
        // Names may be long and many; a number for each is enough to find those that may be
        // there twice, and one that is taken for a namesake by chance is only numbered.
        if !seen.insert(hasher.finish()) {
            several.insert(entry.name_raw().to_vec(), 0);
        }
    }
    Ok(several)
}

/// Yields an entry; `number` tells it from others of the same name.
fn list_entry(
    path: &Path,
    prefix: &str,
    entry: &ZipFileEntry<'_>,
    number: Option<u32>,
    sink: &Sink<'_>,
) -> ControlFlow<()> {
    let mut inner = shown_name(entry);
    if let Some(number) = number.filter(|number| *number > 1) {
        inner.push_str(&format!(" ({number})"));
    }
    if entry.is_dir() || inner.split('/').any(is_hidden) {
        return ControlFlow::Continue(());
    }
    let name = if prefix.is_empty() {
        inner
    } else {
        format!("{prefix}/{inner}")
    };
    if !sink.wants(&name) {
        return ControlFlow::Continue(());
    }
    let obstacle = if entry.is_symlink() {
        Some("it is a link")
    } else if name.to_ascii_lowercase().ends_with(".zip") {
        Some("it is an archive inside an archive; unpack the outer one and give the folder")
    } else if !matches!(
        entry.compression(),
        CompressionMethod::Stored | CompressionMethod::Deflated
    ) {
        Some("it is compressed by a method docmill does not read; unpack the archive and give the folder")
    } else {
        None
    };
    match obstacle {
        Some(obstacle) => sink.notice(format!(
            "{name} in {} was left out: {obstacle}",
            super::file_name(path)
        )),
        None => sink.document(Found {
            key: key_of(path, entry, number).to_string(),
            name,
            bytes: entry.size(),
            modified: super::modified(path),
        }),
    }
}

fn key_of(path: &Path, entry: &ZipFileEntry<'_>, number: Option<u32>) -> Key {
    let (archive, entry) = (path.to_path_buf(), entry.name_raw().to_vec());
    match number {
        Some(number) => Key::ZipNamesake {
            archive,
            entry,
            number,
        },
        None => Key::ZipEntry { archive, entry },
    }
}

/// The entry's name for people: below the archive whatever it says, and `/`-separated.
/// Many programs write UTF-8 without saying so, so that is tried before the format's old code page.
fn shown_name(entry: &ZipFileEntry<'_>) -> String {
    let raw = entry.name_raw();
    let decoded = match std::str::from_utf8(raw) {
        Ok(name) => name.to_owned(),
        Err(_) => match entry.name() {
            Ok(name) => name.into_owned(),
            Err(_) => String::from_utf8_lossy(raw).into_owned(),
        },
    };
    let parts: Vec<String> = decoded
        .split(['/', '\\'])
        .filter(|part| !matches!(*part, "" | "." | ".."))
        .map(printable)
        .collect();
    parts.join("/")
}

fn open_index(files: &Files, path: &Path) -> Result<ZipIterable<SharedFile>, String> {
    let file = SharedFile::open(files, path).map_err(|error| reason(&error))?;
    let index = ZipIterable::try_new(file, Config::default()).map_err(|error| explain(&error))?;
    if index.len() > MAX_ENTRIES {
        return Err(format!(
            "it has {} entries, more than {MAX_ENTRIES}; unpack it and give the folder",
            index.len()
        ));
    }
    Ok(index)
}

fn explain(error: &ZipError) -> String {
    match error {
        ZipError::Io(error) => reason(error),
        ZipError::InvalidArchive(what) => format!("it is damaged ({what})"),
        ZipError::UnsupportedArchive(what) => format!("it is of a kind docmill does not read ({what})"),
        ZipError::FileNotFound => "it no longer has this entry".to_owned(),
        other => other.to_string(),
    }
}

/// The indexes of the archives read last.
#[derive(Debug, Default)]
pub(crate) struct Archives {
    /// Latest last.
    opened: Mutex<Vec<Opened>>,
}

#[derive(Debug, Clone)]
struct Opened {
    path: PathBuf,
    /// An archive that was rewritten is opened anew.
    version: (u64, Option<SystemTime>),
    archive: ZipArchive<SharedFile>,
}

/// Enough for several workers in several archives; each may hold a large index.
const KEPT: usize = 4;

impl Archives {
    /// Reads one entry, on a blocking thread; an encrypted one with the first of the passwords
    /// that opens it.
    pub fn read(
        &self,
        files: &Files,
        path: &Path,
        entry: &[u8],
        passwords: &[String],
        limit: u64,
    ) -> Result<Bytes, Failure> {
        let failure = |reason: &str| {
            Failure::new(
                FailureCode::SourceUnreadable,
                format!(
                    "cannot read {} in {}: {reason}",
                    printable(&String::from_utf8_lossy(entry)),
                    path.display()
                ),
            )
        };
        let mut archive = self.open(files, path).map_err(|reason| failure(&reason))?;
        let index = archive
            .index_for_name_raw(entry)
            .ok_or_else(|| failure("the archive no longer has it"))?;
        let (bytes, encrypted) = {
            let raw = archive
                .by_index_raw(index)
                .map_err(|error| failure(&explain(&error)))?;
            (raw.size(), raw.encrypted())
        };
        if bytes > limit {
            return Err(too_large(bytes, limit));
        }
        if encrypted {
            for password in passwords {
                // One wrong password in 256 seems to open it; then the content's checksum says no.
                if let Ok(file) = archive.by_index_decrypt(index, password.as_bytes())
                    && let Ok(content) = read_limited(file, bytes, limit)?
                {
                    return Ok(content);
                }
            }
            let message = if passwords.is_empty() {
                "it is encrypted in its archive"
            } else {
                "none of the passwords opens it in its archive"
            };
            return Err(Failure::new(FailureCode::PasswordRequired, message));
        }
        let file = archive
            .by_index(index)
            .map_err(|error| failure(&explain(&error)))?;
        read_limited(file, bytes, limit)?
            .map_err(|error| failure(&format!("it is damaged ({})", reason(&error))))
    }

    /// Reads one of several entries of one name, on a blocking thread. The index keeps only the
    /// last of them, so the archive's own list is gone through.
    pub fn read_namesake(
        &self,
        files: &Files,
        path: &Path,
        entry: &[u8],
        number: u32,
        limit: u64,
    ) -> Result<Bytes, Failure> {
        let failure = |reason: &str| {
            Failure::new(
                FailureCode::SourceUnreadable,
                format!(
                    "cannot read {} (number {number} of that name) in {}: {reason}",
                    printable(&String::from_utf8_lossy(entry)),
                    path.display()
                ),
            )
        };
        let mut index = open_index(files, path).map_err(|reason| failure(&reason))?;
        let mut entries = index
            .files_with_cloned_reader(ZipReadOptions::new())
            .map_err(|error| failure(&explain(&error)))?;
        let mut before = 0;
        while let Some(file) = entries.next() {
            let file = file.map_err(|error| failure(&explain(&error)))?;
            if file.name_raw() != entry {
                continue;
            }
            before += 1;
            if before < number {
                continue;
            }
            if file.encrypted() {
                let message = "it is encrypted in its archive, beside others of its name; unpack the archive and give the folder";
                return Err(Failure::new(FailureCode::PasswordRequired, message));
            }
            let bytes = file.size();
            if bytes > limit {
                return Err(too_large(bytes, limit));
            }
            return read_limited(file, bytes, limit)?
                .map_err(|error| failure(&format!("it is damaged ({})", reason(&error))));
        }
        Err(failure("the archive no longer has it"))
    }

    fn open(&self, files: &Files, path: &Path) -> Result<ZipArchive<SharedFile>, String> {
        let metadata = files.metadata(path).map_err(|error| reason(&error))?;
        let version = (metadata.len(), metadata.modified().ok());
        if let Some(opened) = self.kept(path, version) {
            return Ok(opened);
        }
        open_index(files, path)?;
        let file = SharedFile::open(files, path).map_err(|error| reason(&error))?;
        let archive = ZipArchive::new(file).map_err(|error| explain(&error))?;
        let mut opened = self.lock();
        opened.retain(|other| other.path != path);
        if opened.len() >= KEPT {
            opened.remove(0);
        }
        opened.push(Opened {
            path: path.to_path_buf(),
            version,
            archive: archive.clone(),
        });
        Ok(archive)
    }

    fn kept(&self, path: &Path, version: (u64, Option<SystemTime>)) -> Option<ZipArchive<SharedFile>> {
        let mut opened = self.lock();
        let position = opened
            .iter()
            .position(|other| other.path == path && other.version == version)?;
        let found = opened.remove(position);
        let archive = found.archive.clone();
        opened.push(found);
        Some(archive)
    }

    /// The list is whole at every step, so a panic elsewhere while it was held does not spoil it.
    fn lock(&self) -> MutexGuard<'_, Vec<Opened>> {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One open file read by several at once, each at a place of its own. An index is read
/// in pieces of a few bytes, so a little is read ahead.
#[derive(Debug, Clone)]
struct SharedFile {
    file: Arc<File>,
    bytes: u64,
    position: u64,
    /// What was read ahead, and where it stands in the file.
    ahead: Vec<u8>,
    ahead_at: u64,
}

/// How much is read ahead: some hundred index entries.
const AHEAD: usize = 16 << 10;

impl SharedFile {
    fn open(files: &Files, path: &Path) -> io::Result<Self> {
        let (file, metadata) = files.open(path)?;
        let bytes = metadata.len();
        Ok(Self {
            file: Arc::new(file),
            bytes,
            position: 0,
            ahead: Vec::new(),
            ahead_at: 0,
        })
    }

    /// What was read ahead from the current position on.
    fn rest(&self) -> &[u8] {
        let start = self
            .position
            .checked_sub(self.ahead_at)
            .and_then(|start| usize::try_from(start).ok());
        start
            .and_then(|start| self.ahead.get(start..))
            .unwrap_or_default()
    }

    fn read_at(&self, buffer: &mut [u8]) -> io::Result<usize> {
        #[cfg(unix)]
        return std::os::unix::fs::FileExt::read_at(&*self.file, buffer, self.position);
        #[cfg(windows)]
        return std::os::windows::fs::FileExt::seek_read(&*self.file, buffer, self.position);
    }
}

impl Read for SharedFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = if buffer.len() >= AHEAD {
            self.read_at(buffer)?
        } else {
            if self.rest().is_empty() {
                let mut ahead = std::mem::take(&mut self.ahead);
                ahead.resize(AHEAD, 0);
                let filled = self.read_at(&mut ahead)?;
                ahead.truncate(filled);
                self.ahead = ahead;
                self.ahead_at = self.position;
            }
            self.rest().read(buffer)?
        };
        self.position = self.position.saturating_add(u64::try_from(read).unwrap_or(0));
        Ok(read)
    }
}

impl Seek for SharedFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(offset) => self.bytes.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position =
            target.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "seek before the start"))?;
        Ok(self.position)
    }
}
