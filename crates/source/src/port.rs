//! The port: what the engine knows of a source, and the values that cross it.

use async_trait::async_trait;
use bytes::Bytes;
use docmill_core::failure::Failure;
use docmill_core::time::Timestamp;
use futures::stream::BoxStream;

/// A document as discovery finds it: listed, not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Where to read it again, also after a restart, as a URI:
    /// `file:///abs/a.pdf`, `zip:///abs/a.zip!/inner/b.pdf`, `s3://bucket/key`.
    /// The same file found through two sources has one key.
    pub key: String,
    /// What people see: the path below the source, `/`-separated ("2024/march/invoice-7.pdf").
    pub name: String,
    /// Size in bytes, as listed.
    pub bytes: u64,
    /// When it was last written, as the place says it; of an archive's entry: the archive.
    pub modified: Option<Timestamp>,
}

/// What discovery yields: a document, or something a person should know that does
/// not stop it (a folder that may not be read).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Discovered {
    /// A document.
    Document(Found),
    /// A sentence about something that was left out.
    Notice(String),
}

/// Why a source as a whole cannot be used (missing folder, unknown scheme, no such bucket).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SourceError {
    /// What is wrong.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
}

impl SourceError {
    /// An error with what to do about it.
    #[must_use]
    pub fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: Some(hint.into()),
        }
    }

    /// An error whose message says all there is to say.
    #[must_use]
    pub fn plain(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            hint: None,
        }
    }
}

/// What a source yields, one by one, in a stable order.
pub type DiscoveredStream = BoxStream<'static, Result<Discovered, SourceError>>;

/// The port: something that lists documents and reads them again by key.
#[async_trait]
pub trait Source: Send + Sync {
    /// Lists the documents of `specs` (paths, ZIP files, URLs as a user types them), in a
    /// stable order, without holding the list in memory: the stream is pulled in chunks.
    ///
    /// # Errors
    /// When a spec as a whole cannot be used. Checked before the first document is yielded
    /// where that is cheap (missing folder), else yielded by the stream.
    async fn discover(&self, specs: &[String]) -> Result<DiscoveredStream, SourceError>;

    /// Whether the documents of `specs` may be read at all by this process. Opens nothing.
    ///
    /// # Errors
    /// When they may not, with what to do.
    fn permits(&self, specs: &[String]) -> Result<(), SourceError>;

    /// Reads a document by the key discovery gave it, refusing more than `limit` bytes.
    ///
    /// # Errors
    /// [`docmill_core::FailureCode::SourceUnreadable`] or [`docmill_core::FailureCode::TooLarge`], with the reason.
    async fn read(&self, key: &str, limit: u64) -> Result<Bytes, Failure>;

    /// [`Source::read`] of several small documents, in their order: cheaper than one by one where each
    /// costs little more than being asked for.
    async fn read_many(&self, keys: &[&str], limit: u64) -> Vec<Result<Bytes, Failure>> {
        one_by_one(self, keys, limit).await
    }
}

/// Reads documents one after the other.
pub(crate) async fn one_by_one(
    source: &(impl Source + ?Sized),
    keys: &[&str],
    limit: u64,
) -> Vec<Result<Bytes, Failure>> {
    let mut contents = Vec::with_capacity(keys.len());
    for key in keys {
        contents.push(source.read(key, limit).await);
    }
    contents
}
