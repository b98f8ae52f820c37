//! Ingest: from a source to rows. Documents are listed as a stream, read once
//! for their hash and kind, and written in chunks: a folder of a million files
//! takes no more memory than one of a hundred.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use docmill_core::batch::{BatchEvent, BatchState};
use docmill_core::document::Kind;
use docmill_core::failure::{Failure, FailureCode};
use docmill_core::id::{BatchId, ContentHash};
use docmill_source::{Discovered, Found, Source};
use docmill_store::{Enqueued, KnownDocument, NewDocument};
use futures::{StreamExt, stream};
use tokio::sync::Semaphore;

use crate::loader::to_kib;
use crate::{Engine, EngineError};

/// Rows written in one transaction: large enough that the commit does not count,
/// small enough that a live count moves.
const CHUNK: usize = 1000;

/// How many documents went in so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ingested {
    /// Rows, by what became of them.
    pub rows: Enqueued,
    /// Sentences about what was left out.
    pub notices: Vec<String>,
    /// Documents whose content is another now than when they were read.
    pub changed: u64,
    /// Names of the first of them.
    pub changed_names: Vec<String>,
}

/// Names of changed documents that are told.
const TOLD: usize = 5;

impl Ingested {
    /// What a person should know about documents that changed: their results are of what they held
    /// before, and nothing is done anew behind anybody's back.
    #[must_use]
    pub fn changed_notice(&self) -> Option<String> {
        let names = self.changed_names.join(", ");
        let more = match self.changed.saturating_sub(self.changed_names.len() as u64) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        let (subject, its) = match self.changed {
            0 => return None,
            1 => ("1 document changed since it was read".to_owned(), "its result is"),
            changed => (
                format!("{changed} documents changed since they were read"),
                "their results are",
            ),
        };
        Some(format!(
            "{subject}: {names}{more}; {its} of what was there before. With a --name of its own a new batch \
             reads everything as it is now; answers about what did not change are found again, not paid"
        ))
    }
}

/// Batches that documents are being added to, by this process.
#[derive(Debug, Default)]
pub(crate) struct Adding {
    batches: Mutex<Vec<BatchId>>,
}

impl Adding {
    /// Whether this batch gets more documents.
    pub(crate) fn is_at(&self, batch: BatchId) -> bool {
        self.lock().contains(&batch)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<BatchId>> {
        self.batches.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// While this lives, runs of the batch wait for more documents instead of ending.
#[must_use]
#[derive(Debug)]
pub struct MoreToCome {
    adding: Arc<Adding>,
    batch: BatchId,
}

impl Drop for MoreToCome {
    fn drop(&mut self) {
        let mut batches = self.adding.lock();
        if let Some(index) = batches.iter().position(|batch| *batch == self.batch) {
            batches.swap_remove(index);
        }
    }
}

impl Engine {
    /// Says that documents will be added to a batch that may be running already.
    pub fn more_to_come(&self, batch: BatchId) -> MoreToCome {
        self.adding.lock().push(batch);
        MoreToCome {
            adding: Arc::clone(&self.adding),
            batch,
        }
    }

    /// Adds the documents of `specs` to a batch. Those it has already are left alone.
    /// `on_progress` hears the totals after each chunk.
    ///
    /// # Errors
    /// When the source as a whole cannot be used, or the store fails. A document that
    /// cannot be read is added as `skipped`, with the reason.
    pub async fn ingest(
        &self,
        batch: BatchId,
        specs: &[String],
        on_progress: &(dyn Fn(&Ingested) + Sync),
    ) -> Result<Ingested, EngineError> {
        let mut found = self.parts.source.discover(specs).await?.chunks(CHUNK);
        let mut total = Ingested::default();
        while let Some(chunk) = found.next().await {
            let mut listed = Vec::with_capacity(chunk.len());
            for item in chunk {
                match item? {
                    Discovered::Document(found) => listed.push(found),
                    Discovered::Notice(notice) => total.notices.push(notice),
                }
            }
            let written = self.add(batch, listed, &mut total).await?;
            total.rows.added += written.added;
            total.rows.known += written.known;
            total.rows.duplicates += written.duplicates;
            total.rows.skipped += written.skipped;
            on_progress(&total);
        }
        total.notices.extend(total.changed_notice());
        self.reopen_for_added(batch).await?;
        Ok(total)
    }

    /// A batch that had ended and has documents waiting is a draft again.
    pub(crate) async fn reopen_for_added(&self, id: BatchId) -> Result<(), EngineError> {
        let row = self.parts.store.batch(id).await?;
        let ended = matches!(
            row.state,
            BatchState::Completed | BatchState::CompletedWithFailures
        );
        if ended && row.counters.pending > 0 {
            let reason = format!("{} documents were added", row.counters.pending);
            let now = self.parts.clock.now();
            self.parts
                .store
                .transition(id, BatchEvent::Add, &reason, now)
                .await??;
        }
        Ok(())
    }

    /// Adds what the batch does not have yet of a chunk. What it has is read again only when the
    /// place says that it was written since.
    async fn add(
        &self,
        batch: BatchId,
        listed: Vec<Found>,
        total: &mut Ingested,
    ) -> Result<Enqueued, EngineError> {
        let store = &self.parts.store;
        let keys = listed.iter().map(|found| found.key.clone()).collect();
        let known: HashMap<String, KnownDocument> = store
            .known_documents(batch, keys)
            .await?
            .into_iter()
            .map(|known| (known.key.clone(), known))
            .collect();
        let limit = self.settings.max_document_bytes;
        let (old, new): (Vec<Found>, Vec<Found>) = listed
            .into_iter()
            .partition(|found| known.contains_key(&found.key));
        for found in &old {
            if let Some(known) = known.get(&found.key)
                && may_have_changed(found, known)
                && self.has_changed(found, known, limit).await
            {
                total.changed += 1;
                if total.changed_names.len() < TOLD {
                    total.changed_names.push(found.name.clone());
                }
            }
        }
        let known = old.len() as u64;
        let in_hand = to_kib(self.settings.bytes_in_hand).max(1);
        let weights = Semaphore::new(in_hand);
        // One handful of local files at a time keeps a disk and a processor busy, and leaves the other
        // processors to the answers that come in meanwhile.
        let together = Semaphore::new(1);
        let documents: Vec<Vec<NewDocument>> = stream::iter(handfuls(new))
            .map(|found| {
                let (weights, together) = (&weights, &together);
                async move {
                    let bytes = found.iter().map(|found| found.bytes.min(limit)).sum();
                    let weight = to_kib(bytes).clamp(1, in_hand);
                    // The semaphore is never closed; without a permit the read just is not throttled.
                    let _permit = weights
                        .acquire_many(u32::try_from(weight).unwrap_or(1))
                        .await
                        .ok();
                    let _turn = match found.len() {
                        0 | 1 => None,
                        _ => together.acquire().await.ok(),
                    };
                    identify(self.parts.source.as_ref(), found, limit).await
                }
            })
            // In the order of discovery, so that numbers are the same each time.
            .buffered(self.settings.readers.max(1) * 4)
            .collect()
            .await;
        let documents = documents.into_iter().flatten().collect();
        let written = store
            .enqueue_chunk(batch, documents, self.parts.clock.now())
            .await?;
        Ok(Enqueued {
            known: written.known + known,
            ..written
        })
    }

    /// Whether the content is another one now. What cannot be read is not known to be.
    async fn has_changed(&self, found: &Found, known: &KnownDocument, limit: u64) -> bool {
        let Some(before) = known.content_hash else {
            return false;
        };
        let content = self.parts.source.read(&found.key, limit).await;
        content.is_ok_and(|content| ContentHash::of(&content) != before)
    }

    /// Lists the first documents of `specs` without adding them.
    ///
    /// # Errors
    /// When the source as a whole cannot be used.
    pub async fn preview(&self, specs: &[String], limit: usize) -> Result<Vec<Discovered>, EngineError> {
        let found = self.parts.source.discover(specs).await?;
        let items: Vec<_> = found.take(limit).collect().await;
        Ok(items.into_iter().collect::<Result<_, _>>()?)
    }
}

/// Whether reading it again could show something new: its size is another, or it was written after
/// everything that happened to it here.
fn may_have_changed(found: &Found, known: &KnownDocument) -> bool {
    found.bytes != known.bytes || found.modified.is_some_and(|modified| modified > known.updated_at)
}

/// Documents read in one go at most.
const HANDFUL: usize = 16;

/// A document that is larger is read by itself.
const SMALL_DOCUMENT: u64 = 64 * 1024;

/// The same documents in their order; small local files that follow each other are read together.
fn handfuls(documents: Vec<Found>) -> Vec<Vec<Found>> {
    let mut handfuls: Vec<Vec<Found>> = Vec::new();
    for found in documents {
        let is_small = |found: &Found| found.bytes <= SMALL_DOCUMENT && found.key.starts_with("file:");
        let fits = |handful: &Vec<Found>| handful.len() < HANDFUL && handful.iter().all(is_small);
        match handfuls.last_mut().filter(|last| is_small(&found) && fits(last)) {
            Some(handful) => handful.push(found),
            None => handfuls.push(vec![found]),
        }
    }
    handfuls
}

/// Reads each document once: its hash, its kind, and whether it is worth a place in the queue.
async fn identify(source: &dyn Source, found: Vec<Found>, limit: u64) -> Vec<NewDocument> {
    let keys: Vec<&str> = found.iter().map(|found| found.key.as_str()).collect();
    let contents = source.read_many(&keys, limit).await;
    let described = found.into_iter().zip(contents).map(|(found, content)| {
        let mut document = NewDocument {
            key: found.key,
            name: found.name,
            bytes: found.bytes,
            kind: Kind::Unknown,
            content_hash: None,
            skip: None,
        };
        match content {
            Ok(content) => describe(&mut document, &content),
            Err(failure) => document.skip = Some(failure),
        }
        document
    });
    described.collect()
}

fn describe(document: &mut NewDocument, content: &Bytes) {
    document.bytes = content.len() as u64;
    document.content_hash = Some(ContentHash::of(content));
    if content.is_empty() {
        document.skip = Some(Failure::new(FailureCode::EmptyDocument, "the file is empty"));
        return;
    }
    let detected = docmill_parse::detect(&document.name, content);
    document.kind = detected.kind;
    document.skip = detected.unsupported();
}
