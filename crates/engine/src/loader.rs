//! The document loader: fetches and reads documents, with limits on how many at once and on the
//! bytes in hand, and keeps what was slow to read.

use std::sync::Arc;

use docmill_core::document::Kind;
use docmill_core::failure::{Failure, FailureCode};
use docmill_core::id::ContentHash;
use docmill_core::page::{PageImage, ParsedDocument};
use docmill_core::plan::Plan;
use docmill_parse::{ImageOptions, Ocr, ReadOptions, ReadRequest};
use docmill_store::{DocumentRow, LeasedDocument};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::readings::Readings;
use crate::settings::Passwords;
use crate::{Engine, Parts};

/// A document as the loader needs it, whoever asks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DocumentRef<'a> {
    pub(crate) key: &'a str,
    pub(crate) name: &'a str,
    pub(crate) bytes: u64,
    pub(crate) kind: Kind,
    pub(crate) content_hash: Option<ContentHash>,
}

impl<'a> From<&'a DocumentRow> for DocumentRef<'a> {
    fn from(row: &'a DocumentRow) -> Self {
        Self {
            key: &row.key,
            name: &row.name,
            bytes: row.bytes,
            kind: row.kind,
            content_hash: row.content_hash,
        }
    }
}

impl<'a> From<&'a LeasedDocument> for DocumentRef<'a> {
    fn from(leased: &'a LeasedDocument) -> Self {
        Self {
            key: &leased.key,
            name: &leased.name,
            bytes: leased.bytes,
            kind: leased.kind,
            content_hash: leased.content_hash,
        }
    }
}

/// Fetches, reads and renders documents.
pub(crate) struct DocumentLoader {
    parts: Parts,
    readings: Readings,
    readers: Semaphore,
    bytes: Arc<Semaphore>,
    capacity_kib: usize,
    max_document_bytes: u64,
    passwords: Passwords,
    options: ReadOptions,
    keeps: bool,
    ocr_available: bool,
    reader_count: usize,
}

impl DocumentLoader {
    pub(crate) fn new(engine: &Engine, plan: &Plan) -> Self {
        let (settings, ocr) = (&engine.settings, plan.ocr);
        let reader_count = settings.readers.max(1);
        let capacity_kib = to_kib(settings.bytes_in_hand).max(1);
        Self {
            parts: engine.parts.clone(),
            readings: Readings::new(&settings.data_dir),
            readers: Semaphore::new(reader_count),
            bytes: Arc::new(Semaphore::new(capacity_kib)),
            capacity_kib,
            max_document_bytes: plan.max_document_bytes.unwrap_or(settings.max_document_bytes),
            passwords: settings.passwords.clone(),
            options: ReadOptions {
                ocr: if ocr { Ocr::Auto } else { Ocr::Off },
                ocr_engine: settings.ocr_engine.unwrap_or_default(),
                ..ReadOptions::default()
            },
            keeps: settings.keep_readings,
            ocr_available: ocr && settings.ocr_engine.is_some(),
            reader_count,
        }
    }

    /// Documents read at the same time.
    pub(crate) fn reader_count(&self) -> usize {
        self.reader_count
    }

    /// Whether pictures of text can be read here.
    pub(crate) fn ocr_available(&self) -> bool {
        self.ocr_available
    }

    /// Fetches and reads a document, or finds what reading it gave before.
    pub(crate) async fn read(&self, document_ref: DocumentRef<'_>) -> Result<ParsedDocument, Failure> {
        let _bytes = self.weigh(document_ref.bytes).await;
        let _reader = self.readers.acquire().await.ok();
        if self.keeps
            && let Some(hash) = document_ref.content_hash
            && is_slow(document_ref.kind)
            && let Some(reading) = self.readings.find(hash, &self.options).await
        {
            return Ok(reading);
        }
        let content = self
            .parts
            .source
            .read(document_ref.key, self.max_document_bytes)
            .await?;
        let hash = unchanged(document_ref.name, document_ref.content_hash, &content)?;
        let reading = self
            .parts
            .reader
            .read(self.request(document_ref.name, content))
            .await?;
        if self.keeps && is_slow(reading.kind) {
            self.readings.keep(hash, &self.options, &reading).await;
        }
        Ok(reading)
    }

    /// Renders pages of a document for a model that sees. A document that has none cannot be asked.
    pub(crate) async fn render(
        &self,
        document_ref: DocumentRef<'_>,
        images: ImageOptions,
    ) -> Result<Vec<PageImage>, Failure> {
        let pictures = self.pictures(document_ref, images).await?;
        if pictures.is_empty() {
            let message = "the document has neither text nor pages that can be shown as pictures";
            return Err(Failure::new(FailureCode::NoText, message));
        }
        Ok(pictures)
    }

    /// Renders pages of a document; formats without pages have none.
    pub(crate) async fn pictures(
        &self,
        document_ref: DocumentRef<'_>,
        images: ImageOptions,
    ) -> Result<Vec<PageImage>, Failure> {
        let _bytes = self.weigh(document_ref.bytes).await;
        let _reader = self.readers.acquire().await.ok();
        let content = self
            .parts
            .source
            .read(document_ref.key, self.max_document_bytes)
            .await?;
        unchanged(document_ref.name, document_ref.content_hash, &content)?;
        self.parts
            .reader
            .render(self.request(document_ref.name, content), images)
            .await
    }

    fn request(&self, name: &str, content: bytes::Bytes) -> ReadRequest {
        ReadRequest {
            name: name.to_owned(),
            content,
            passwords: self.passwords.all(),
            options: self.options.clone(),
        }
    }

    /// Room for the bytes of a document; one larger than all room takes all of it.
    async fn weigh(&self, bytes: u64) -> Option<OwnedSemaphorePermit> {
        let weight = to_kib(bytes).clamp(1, self.capacity_kib);
        Arc::clone(&self.bytes)
            .acquire_many_owned(u32::try_from(weight).unwrap_or(1))
            .await
            .ok()
    }
}

/// The hash of a document's bytes, which must be those that were added to the batch: what a person
/// counted, saw and approved is what is sent, and nothing that took its place since.
pub(crate) fn unchanged(
    name: &str,
    expected: Option<ContentHash>,
    content: &[u8],
) -> Result<ContentHash, Failure> {
    let found = ContentHash::of(content);
    match expected {
        Some(expected) if expected != found => Err(Failure::new(
            FailureCode::SourceChanged,
            format!("{name} has changed since it was added to the batch"),
        )),
        _ => Ok(found),
    }
}

/// A semaphore counts in units of this many bytes.
pub(crate) fn to_kib(bytes: u64) -> usize {
    // Semaphore::acquire_many takes a u32.
    usize::try_from(bytes / 1024)
        .unwrap_or(usize::MAX)
        .min(u32::MAX as usize >> 4)
}

/// Plain text is read faster than a kept reading would be.
fn is_slow(kind: Kind) -> bool {
    matches!(kind, Kind::Pdf | Kind::Image | Kind::Office | Kind::Spreadsheet)
}
