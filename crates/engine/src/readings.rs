//! Readings kept on disk: what reading a document gave, by the hash of its
//! content and of what was wanted. The estimate reads every document; the run
//! must not do that work again (a scanned page costs a second of CPU).
//!
//! A cache and nothing more: losing it costs time. So files are renamed into
//! place and not synced, and one that cannot be read back is just made again.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use docmill_core::attempt::AnswerKey;
use docmill_core::id::ContentHash;
use docmill_core::page::ParsedDocument;
use docmill_parse::ReadOptions;

/// Raise when the meaning of a reading changes: older files are then not found.
const VERSION: &[u8] = b"reading-2";

static NEXT_TEMPORARY: AtomicU64 = AtomicU64::new(0);

/// Readings below one folder.
#[derive(Debug, Clone)]
pub(crate) struct Readings {
    folder: PathBuf,
}

impl Readings {
    pub(crate) fn new(data_dir: &Path) -> Self {
        Self {
            folder: data_dir.join("readings"),
        }
    }

    /// Where the reading of this content is kept. Passwords are part of the key: a
    /// document that failed without one is another reading.
    fn path(&self, content: ContentHash, options: &ReadOptions) -> PathBuf {
        let options = serde_json::to_vec(options).unwrap_or_default();
        let name = AnswerKey::of(&[VERSION, &content.0, &options]).0.to_hex();
        self.folder.join(&name[..2]).join(&name[2..40])
    }

    pub(crate) async fn find(&self, content: ContentHash, options: &ReadOptions) -> Option<ParsedDocument> {
        let path = self.path(content, options);
        tokio::task::spawn_blocking(move || {
            let packed = std::fs::read(path).ok()?;
            let plain = lz4_flex::decompress_size_prepended(&packed).ok()?;
            serde_json::from_slice(&plain).ok()
        })
        .await
        .ok()
        .flatten()
    }

    pub(crate) async fn keep(&self, content: ContentHash, options: &ReadOptions, reading: &ParsedDocument) {
        let path = self.path(content, options);
        let Ok(plain) = serde_json::to_vec(reading) else {
            return;
        };
        let written = tokio::task::spawn_blocking(move || write(&path, &plain)).await;
        if let Ok(Err(error)) = written {
            tracing::debug!(%error, "a reading could not be kept");
        }
    }
}

fn write(path: &Path, plain: &[u8]) -> std::io::Result<()> {
    let Some(folder) = path.parent() else {
        return Ok(());
    };
    std::fs::create_dir_all(folder)?;
    let unique = NEXT_TEMPORARY.fetch_add(1, Ordering::Relaxed);
    let temporary = folder.join(format!(".{}-{unique}", std::process::id()));
    std::fs::write(&temporary, lz4_flex::compress_prepend_size(plain))?;
    std::fs::rename(&temporary, path)
}
