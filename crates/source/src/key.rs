//! A document's key: a URI that finds the same bytes again after a restart, and
//! is the same whichever way the document was found.
//!
//! File names are bytes, not text, so everything outside `A–Z a–z 0–9 - . _ ~ /`
//! is percent-encoded byte by byte: any name round-trips, and the `!/` between a
//! ZIP archive and its entry is unambiguous because a `!` in a name is encoded.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};

use crate::spec::{Scheme, is_bucket_name};

const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'/');

/// Where one document is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Key {
    /// A file, by its absolute path.
    File(PathBuf),
    /// An entry of a ZIP archive; the entry's name as the archive spells it, byte for byte.
    ZipEntry {
        /// The archive's absolute path.
        archive: PathBuf,
        /// The entry's raw name.
        entry: Vec<u8>,
    },
    /// One of several entries of one name in a ZIP archive.
    ZipNamesake {
        /// The archive's absolute path.
        archive: PathBuf,
        /// The entry's raw name.
        entry: Vec<u8>,
        /// Which of them, from 1, in the order of the archive's index.
        number: u32,
    },
    /// An object in a bucket.
    Object {
        /// The bucket.
        bucket: Bucket,
        /// The object's key in the bucket, as it is (not encoded).
        path: String,
    },
}

/// A bucket or container of a cloud store.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Bucket {
    /// Whose store.
    pub scheme: Scheme,
    /// The bucket's name (for Azure also `container@account.dfs.core.windows.net`).
    pub name: String,
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme.as_str(), self.name)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "file://{}", encode_path(path)),
            Self::ZipEntry { archive, entry } => write!(
                f,
                "zip://{}!/{}",
                encode_path(archive),
                percent_encode(entry, ESCAPED)
            ),
            Self::ZipNamesake {
                archive,
                entry,
                number,
            } => write!(
                f,
                "zip://{}!/{}#{number}",
                encode_path(archive),
                percent_encode(entry, ESCAPED)
            ),
            Self::Object { bucket, path } => {
                write!(f, "{bucket}/{}", percent_encode(path.as_bytes(), ESCAPED))
            }
        }
    }
}

impl Key {
    /// Reads a key back. `None` when it is not one that [`fmt::Display`] writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        match scheme {
            "file" => Some(Self::File(decode_path(rest)?)),
            "zip" => {
                let (archive, entry) = rest.split_once("!/")?;
                let archive = decode_path(archive)?;
                // A "#" in a name is encoded, so this one is ours.
                Some(match entry.split_once('#') {
                    Some((entry, number)) => Self::ZipNamesake {
                        archive,
                        entry: percent_decode_str(entry).collect(),
                        number: number.parse().ok()?,
                    },
                    None => Self::ZipEntry {
                        archive,
                        entry: percent_decode_str(entry).collect(),
                    },
                })
            }
            _ => {
                let scheme = Scheme::parse(scheme)?;
                let (name, path) = rest.split_once('/')?;
                let path = percent_decode_str(path).decode_utf8().ok()?.into_owned();
                let name = name.to_owned();
                (is_bucket_name(&name) && !path.is_empty()).then_some(Self::Object {
                    bucket: Bucket { scheme, name },
                    path,
                })
            }
        }
    }
}

fn encode_path(path: &Path) -> String {
    percent_encode(path.as_os_str().as_encoded_bytes(), ESCAPED).to_string()
}

fn decode_path(encoded: &str) -> Option<PathBuf> {
    let bytes: Vec<u8> = percent_decode_str(encoded).collect();
    let path = PathBuf::from(os_string(bytes)?);
    path.is_absolute().then_some(path)
}

/// The operating system's name for these bytes: on Unix any bytes, elsewhere only UTF-8.
#[cfg(unix)]
#[expect(
    clippy::unnecessary_wraps,
    reason = "other systems refuse bytes that are not UTF-8"
)]
pub(crate) fn os_string(bytes: Vec<u8>) -> Option<OsString> {
    Some(std::os::unix::ffi::OsStringExt::from_vec(bytes))
}

/// The operating system's name for these bytes: on Unix any bytes, elsewhere only UTF-8.
#[cfg(not(unix))]
pub(crate) fn os_string(bytes: Vec<u8>) -> Option<OsString> {
    String::from_utf8(bytes).ok().map(OsString::from)
}
