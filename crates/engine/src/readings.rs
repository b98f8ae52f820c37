//! Readings kept on disk: what reading a document gave, by the hash of its
//! content and of what was wanted. The estimate reads every document; the run
//! must not do that work again (a scanned page costs a second of CPU).
//!
//! A cache and nothing more: losing it costs time. So files are renamed into
//! place and not synced, and one that cannot be read back is just made again.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use docmill_core::attempt::AnswerKey;
use docmill_core::id::ContentHash;
use docmill_core::page::ParsedDocument;
use docmill_parse::ReadOptions;

use crate::private;

/// Raise when the meaning of a reading changes: older files are then not found.
const VERSION: &[u8] = b"reading-3";

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

    /// Where readings of this content begin: all of them lie together, whatever was wanted.
    fn stem(&self, content: ContentHash) -> (PathBuf, String) {
        let name = AnswerKey::of(&[VERSION, &content.0]).0.to_hex();
        (self.folder.join(&name[..2]), name[2..40].to_owned())
    }

    /// Where the reading of this content is kept, for what was wanted of it.
    fn path(&self, content: ContentHash, options: &ReadOptions) -> PathBuf {
        let options = serde_json::to_vec(options).unwrap_or_default();
        let wanted = AnswerKey::of(&[VERSION, &options]).0.to_hex();
        let (folder, stem) = self.stem(content);
        folder.join(format!("{stem}-{}", &wanted[..16]))
    }

    /// Removes all readings of these contents; returns how many there were.
    pub(crate) fn forget(&self, contents: &[ContentHash]) -> u64 {
        let mut removed = 0;
        for content in contents {
            let (folder, stem) = self.stem(*content);
            for file in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                let is_of_it = file.file_name().to_string_lossy().starts_with(&stem);
                if is_of_it && std::fs::remove_file(file.path()).is_ok() {
                    removed += 1;
                }
            }
        }
        removed
    }

    /// Removes those that were not used for longest until the rest takes no more than `limit`
    /// bytes, less a tenth so that this is not done all the time. Blocks.
    pub(crate) fn prune(&self, limit: u64) {
        let mut files = Vec::new();
        for folder in std::fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            for file in std::fs::read_dir(folder.path()).into_iter().flatten().flatten() {
                if let Ok(metadata) = file.metadata() {
                    files.push((metadata.modified().ok(), metadata.len(), file.path()));
                }
            }
        }
        let mut total: u64 = files.iter().map(|(_, bytes, _)| bytes).sum();
        if total <= limit {
            return;
        }
        files.sort();
        for (_, bytes, path) in files {
            if total <= limit / 10 * 9 {
                break;
            }
            if std::fs::remove_file(path).is_ok() {
                total = total.saturating_sub(bytes);
            }
        }
    }

    pub(crate) async fn find(&self, content: ContentHash, options: &ReadOptions) -> Option<ParsedDocument> {
        let path = self.path(content, options);
        tokio::task::spawn_blocking(move || {
            let packed = std::fs::read(&path).ok()?;
            // The time of its last use: what is used stays when room is made.
            let _ = std::fs::File::options()
                .append(true)
                .open(&path)
                .and_then(|file| file.set_modified(std::time::SystemTime::now()));
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
    private::create_folder(folder)?;
    let unique = NEXT_TEMPORARY.fetch_add(1, Ordering::Relaxed);
    let temporary = folder.join(format!(".{}-{unique}", std::process::id()));
    let mut file = private::file()
        .create(true)
        .truncate(true)
        .write(true)
        .open(&temporary)?;
    file.write_all(&lz4_flex::compress_prepend_size(plain))?;
    std::fs::rename(&temporary, path)
}

#[cfg(test)]
mod tests {
    use docmill_core::document::{Class, Kind};

    use super::*;

    fn reading(text: &str) -> ParsedDocument {
        ParsedDocument {
            kind: Kind::Text,
            class: Class::Text,
            media_type: text.to_owned(),
            page_count: 0,
            pages: Vec::new(),
            findings: Vec::new(),
        }
    }

    #[tokio::test]
    async fn readings_are_found_forgotten_and_pruned_oldest_first() {
        let folder = tempfile::tempdir().unwrap();
        let readings = Readings::new(folder.path());
        let options = ReadOptions::default();
        let contents: Vec<ContentHash> = (0..10_u8).map(|number| ContentHash::of(&[number])).collect();
        for content in &contents {
            let text: String = content.0.iter().map(|byte| format!("{byte:02x}")).collect();
            readings.keep(*content, &options, &reading(&text)).await;
            let path = readings.path(*content, &options);
            let age = std::time::Duration::from_secs(100 + u64::from(content.0[0]));
            std::fs::File::options()
                .append(true)
                .open(path)
                .and_then(|file| file.set_modified(std::time::SystemTime::now() - age))
                .unwrap();
        }
        // Used just now.
        let used = contents[4];
        assert!(readings.find(used, &options).await.is_some());
        let one = std::fs::metadata(readings.path(used, &options)).unwrap().len();
        readings.prune(one * 20);
        let left = || {
            contents
                .iter()
                .filter(|it| readings.path(**it, &options).exists())
                .count()
        };
        assert_eq!(left(), 10, "there is room");
        readings.prune(one * 5 + one / 2);
        assert!((3..=5).contains(&left()), "{}", left());
        assert!(
            readings.find(used, &options).await.is_some(),
            "what is used stays"
        );
        assert_eq!(readings.forget(&[used]), 1);
        assert!(readings.find(used, &options).await.is_none());
    }
}
