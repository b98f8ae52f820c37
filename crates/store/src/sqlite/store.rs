//! [`Store`] on SQLite: each verb to its room, on the writing thread or on a
//! connection for looking.

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use docmill_core::audit::{Deed, Entry};
use docmill_core::batch::{BatchEvent, BatchState};
use docmill_core::event::{Event, EventKind};
use docmill_core::id::{BatchId, ContentHash, DocumentId, Ordinal, WorkerId};
use docmill_core::money::Usd;
use docmill_core::plan::Plan;
use docmill_core::time::Timestamp;
use docmill_core::verdict::{Review, Verdict};
use rusqlite::Connection;

use crate::access::{Access, AuditQuery, KeyRefused, KeyRow, SessionRow, Sessions, Used};
use crate::records::*;
use crate::sqlite::hot::Transaction;
use crate::sqlite::open::{self, Check, Options};
use crate::sqlite::readers::Readers;
use crate::sqlite::writer::Writer;
use crate::sqlite::{
    access, activity, audit, batches, claim, events, forget, ingest, jobs, ledger, lists, marker, recover,
    reviews, rows, settle, values,
};
use crate::{Store, StoreError};

/// Documents cancelled or put back in one transaction, so that others get their turn in between.
const CHUNK: u32 = 10_000;

/// A store in one SQLite file. Cheap to clone; the last clone dropped ends the writing
/// thread after what waits.
#[derive(Clone)]
pub struct SqliteStore {
    writer: Option<Arc<Writer>>,
    readers: Arc<Readers>,
    path: Arc<str>,
    check: Option<Check>,
}

impl SqliteStore {
    /// Opens the file, making or migrating it.
    ///
    /// # Errors
    /// When it cannot be used: not a database, of a newer docmill, read-only, in a folder that does not exist.
    pub fn open(path: &Path, options: &Options) -> Result<Self, StoreError> {
        let context = open::context(path);
        let mut check = None;
        let writer = if options.read_only {
            open::bring_up(path)?;
            open::reading(path)?;
            None
        } else {
            let opened = open::writing(path, options)?;
            check = opened.check;
            let writer = Writer::start(opened, context.clone())
                .map_err(|error| StoreError::Database(format!("no thread for writing: {error}")))?;
            Some(Arc::new(writer))
        };
        Ok(Self {
            check,
            writer,
            readers: Arc::new(Readers::new(path.to_owned())),
            path: context.path.into(),
        })
    }

    /// Whether there was a database at this path that was written to.
    #[must_use]
    pub fn was_there(path: &Path) -> bool {
        marker::read(path).is_some_and(|mark| mark.sequence > 0)
    }

    /// What was checked because the last process ended without order; `None`: it was not necessary.
    #[must_use]
    pub fn check(&self) -> Option<Check> {
        self.check
    }

    async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&mut Transaction<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        self.writer()?.write(work).await
    }

    fn writer(&self) -> Result<&Writer, StoreError> {
        self.writer.as_deref().ok_or_else(|| StoreError::ReadOnly {
            path: self.path.to_string(),
            reason: "it was opened for looking only".to_owned(),
        })
    }

    /// Writes the log into the database and overwrites it, as far as others let it.
    async fn empty_log(&self) -> Result<(), StoreError> {
        let path = std::path::PathBuf::from(&*self.path);
        let emptied = tokio::task::spawn_blocking(move || open::empty_log(&path)).await;
        emptied.map_err(|error| StoreError::Database(error.to_string()))?
    }

    async fn read<T, F>(&self, query: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let readers = Arc::clone(&self.readers);
        let permit = readers.permit().await?;
        let reading = tokio::task::spawn_blocking(move || {
            let result = readers.read(query);
            drop(permit);
            result
        });
        reading
            .await
            .map_err(|error| StoreError::Database(error.to_string()))?
    }
}

/// A query that found no batch says so by name.
fn no_batch(id: BatchId) -> impl FnOnce(StoreError) -> StoreError {
    move |error| match error {
        StoreError::Database(reason) if reason == rusqlite::Error::QueryReturnedNoRows.to_string() => {
            StoreError::NoSuchBatch(id.to_string())
        }
        other => other,
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn create_batch(&self, batch: NewBatch, now: Timestamp) -> Result<(), StoreError> {
        self.write(move |transaction| batches::create(transaction, &batch, now))
            .await
    }

    async fn create_batch_with_job(
        &self,
        batch: NewBatch,
        job: serde_json::Value,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        self.write(move |transaction| {
            batches::create(transaction, &batch, now)?;
            jobs::add(transaction, batch.id, &job, 0, now)
        })
        .await
    }

    async fn batches(&self, query: BatchQuery) -> Result<Vec<BatchRow>, StoreError> {
        self.read(move |connection| batches::list(connection, &query))
            .await
    }

    async fn count_batches(&self, query: BatchQuery) -> Result<Vec<(BatchState, u64)>, StoreError> {
        self.read(move |connection| batches::count(connection, &query))
            .await
    }

    async fn find_batch(&self, reference: &str) -> Result<BatchRow, StoreError> {
        let wanted = reference.trim().to_owned();
        if let Ok(id) = wanted.parse::<BatchId>() {
            return self.batch(id).await;
        }
        let name = wanted.clone();
        let found = self
            .read(move |connection| batches::candidates(connection, &wanted))
            .await?;
        match found.as_slice() {
            [] => Err(StoreError::NoSuchBatch(name)),
            [only] => self.batch(*only).await,
            // The newest of several with one name; of several with the same digits none.
            [newest, ..] => {
                let row = self.batch(*newest).await?;
                if row.name == name {
                    Ok(row)
                } else {
                    Err(StoreError::NoSuchBatch(format!(
                        "{name} (several ids end like this; type more of it)"
                    )))
                }
            }
        }
    }

    async fn batch(&self, id: BatchId) -> Result<BatchRow, StoreError> {
        self.read(move |connection| batches::get(connection, id))
            .await
            .map_err(no_batch(id))
    }

    async fn transition(
        &self,
        id: BatchId,
        event: BatchEvent,
        reason: &str,
        now: Timestamp,
    ) -> Result<Result<BatchState, TransitionRefused>, StoreError> {
        let reason = reason.to_owned();
        let moved = self
            .write(move |transaction| batches::transition(transaction, id, event, &reason, now))
            .await?;
        if event == BatchEvent::Cancel && moved.is_ok() {
            while self
                .write(move |transaction| batches::cancel_pending(transaction, id, CHUNK, now))
                .await?
                > 0
            {}
        }
        Ok(moved)
    }

    async fn set_budget(
        &self,
        id: BatchId,
        budget: Option<Usd>,
        now: Timestamp,
    ) -> Result<BatchState, StoreError> {
        self.write(move |transaction| batches::set_budget(transaction, id, budget, now))
            .await
    }

    async fn retry(&self, id: BatchId, selection: RetrySelection, now: Timestamp) -> Result<u64, StoreError> {
        let selection = Arc::new(selection);
        let mut from = batches::Retry::START;
        loop {
            let selection = Arc::clone(&selection);
            let (next, done) = self
                .write(move |transaction| batches::retry(transaction, id, &selection, from, CHUNK, now))
                .await?;
            if done {
                return Ok(next.total);
            }
            from = next;
        }
    }

    async fn set_plan(&self, id: BatchId, plan: Plan, now: Timestamp) -> Result<(), StoreError> {
        self.write(move |transaction| batches::set_plan(transaction, id, &plan, now))
            .await
    }

    async fn set_estimate(
        &self,
        id: BatchId,
        estimate: serde_json::Value,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(move |transaction| batches::set_estimate(transaction, id, &estimate, now))
            .await
    }

    async fn enqueue_chunk(
        &self,
        id: BatchId,
        documents: Vec<NewDocument>,
        now: Timestamp,
    ) -> Result<Enqueued, StoreError> {
        self.write(move |transaction| ingest::enqueue(transaction, id, &documents, now))
            .await
    }

    async fn known_documents(
        &self,
        id: BatchId,
        keys: Vec<String>,
    ) -> Result<Vec<KnownDocument>, StoreError> {
        self.read(move |connection| ingest::known_documents(connection, id, keys))
            .await
    }

    async fn profile(
        &self,
        id: BatchId,
        found: Vec<DocumentProfile>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(move |transaction| ingest::profile(transaction, id, &found, now))
            .await
    }

    async fn register_worker(&self, worker: WorkerRow) -> Result<(), StoreError> {
        self.write(move |transaction| recover::register(transaction, &worker))
            .await
    }

    async fn workers(&self) -> Result<Vec<WorkerRow>, StoreError> {
        self.read(recover::workers).await
    }

    async fn heartbeat(&self, worker: WorkerId, now: Timestamp) -> Result<(), StoreError> {
        self.write(move |transaction| recover::heartbeat(transaction, worker, now))
            .await
    }

    async fn claim(
        &self,
        batch: BatchId,
        worker: WorkerId,
        limit: u32,
        now: Timestamp,
    ) -> Result<Claimed, StoreError> {
        self.write(move |transaction| claim::claim(transaction, batch, worker, limit, now))
            .await
    }

    async fn begin(&self, start: Start) -> Result<Begun, StoreError> {
        self.write(move |transaction| settle::begin(transaction, &start))
            .await
    }

    async fn commit(&self, commit: Arc<Commit>) -> Result<Committed, StoreError> {
        self.writer()?
            .write_deferrable(move |transaction| settle::commit(transaction, &commit))
            .await
    }

    async fn recover(&self, dead: Vec<WorkerId>, now: Timestamp) -> Result<Recovered, StoreError> {
        self.write(move |transaction| recover::recover(transaction, &dead, now))
            .await
    }

    async fn retire_worker(&self, worker: WorkerId, now: Timestamp) -> Result<(), StoreError> {
        self.write(move |transaction| recover::retire(transaction, worker, now))
            .await
    }

    async fn forget(
        &self,
        id: BatchId,
        document: Option<Ordinal>,
        now: Timestamp,
    ) -> Result<Forgotten, StoreError> {
        let mut total = Forgotten::default();
        let mut after = 0;
        loop {
            let mut forgotten = std::mem::take(&mut total);
            let step = move |transaction: &mut Transaction<'_>| {
                let last =
                    forget::documents(transaction, id, document, after, CHUNK / 10, now, &mut forgotten)?;
                Ok((last, forgotten))
            };
            let (last, forgotten) = self.write(step).await?;
            total = forgotten;
            match last {
                Some(last) => after = last,
                None => break,
            }
        }
        let told = Forgotten {
            content: Vec::new(),
            ..total.clone()
        };
        match document {
            Some(ordinal) if total.documents == 0 => {
                return Err(StoreError::NoSuchDocument(DocumentId { batch: id, ordinal }));
            }
            Some(_) => {
                self.write(move |transaction| forget::note(transaction, id, &told, now))
                    .await?;
            }
            None => {
                self.write(move |transaction| forget::batch(transaction, id, &told, now))
                    .await?;
            }
        }
        self.empty_log().await?;
        Ok(total)
    }

    async fn documents(&self, id: BatchId, query: DocumentQuery) -> Result<DocumentPage, StoreError> {
        self.read(move |connection| lists::page(connection, id, &query))
            .await
            .map_err(no_batch(id))?
            .map_err(StoreError::BadCursor)
    }

    async fn document(&self, id: DocumentId) -> Result<DocumentDetail, StoreError> {
        self.read(move |connection| rows::detail(connection, id.batch, id.ordinal))
            .await?
            .ok_or(StoreError::NoSuchDocument(id))
    }

    async fn results_after(
        &self,
        id: BatchId,
        after: Ordinal,
        limit: u32,
    ) -> Result<Vec<ResultRow>, StoreError> {
        self.read(move |connection| rows::results_after(connection, id, after, limit))
            .await
            .map_err(no_batch(id))
    }

    async fn results_of(&self, id: BatchId, ordinals: Vec<Ordinal>) -> Result<Vec<ResultRow>, StoreError> {
        self.read(move |connection| rows::results_of(connection, id, &ordinals))
            .await
            .map_err(no_batch(id))
    }

    async fn prepare_values(
        &self,
        id: BatchId,
        pointer: &str,
        limit: u32,
        now: Timestamp,
    ) -> Result<Prepared, StoreError> {
        let pointer = pointer.to_owned();
        self.write(move |transaction| values::prepare(transaction, id, &pointer, limit.max(1), now))
            .await
    }

    async fn failures(&self, id: BatchId) -> Result<Vec<FailureGroup>, StoreError> {
        self.read(move |connection| rows::failures(connection, id)).await
    }

    async fn ledger(&self, id: BatchId) -> Result<Vec<LedgerRow>, StoreError> {
        self.read(move |connection| ledger::ledger(connection, id)).await
    }

    async fn unconfirmed(&self, id: BatchId) -> Result<Vec<UnconfirmedCall>, StoreError> {
        self.read(move |connection| ledger::unconfirmed(connection, id))
            .await
    }

    async fn settled(
        &self,
        model: &str,
        from: Option<Timestamp>,
        to: Option<Timestamp>,
    ) -> Result<SettledCalls, StoreError> {
        let model = model.to_owned();
        self.read(move |connection| ledger::settled(connection, &model, from, to))
            .await
    }

    async fn reconcile(
        &self,
        id: BatchId,
        shares: Vec<CallShare>,
        reason: &str,
        now: Timestamp,
    ) -> Result<Reconciled, StoreError> {
        let reason = reason.to_owned();
        self.write(move |transaction| ledger::reconcile(transaction, id, &shares, &reason, now))
            .await
    }

    async fn change_batch(&self, id: BatchId, change: BatchChange, now: Timestamp) -> Result<(), StoreError> {
        self.write(move |transaction| batches::change(transaction, id, &change, now))
            .await
    }

    async fn activity(&self, query: ActivityQuery) -> Result<Vec<ActivityRow>, StoreError> {
        self.read(move |connection| activity::read(connection, &query))
            .await
    }

    async fn review(
        &self,
        id: DocumentId,
        review: NewReview,
        now: Timestamp,
    ) -> Result<Result<Review, ReviewRefused>, StoreError> {
        self.write(move |transaction| reviews::review(transaction, id, &review, now))
            .await
    }

    async fn reviewed_after(
        &self,
        id: BatchId,
        after: Ordinal,
        limit: u32,
    ) -> Result<Vec<ResultRow>, StoreError> {
        self.read(move |connection| reviews::reviewed_after(connection, id, after, limit))
            .await
            .map_err(no_batch(id))
    }

    async fn verdicts(&self, id: BatchId) -> Result<Vec<(Verdict, u64)>, StoreError> {
        self.read(move |connection| reviews::verdicts(connection, id))
            .await
            .map_err(no_batch(id))
    }

    async fn bulk(
        &self,
        id: BatchId,
        ordinals: Vec<Ordinal>,
        action: BulkAction,
        who: &str,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        if ordinals.is_empty() {
            return Ok(0);
        }
        if action == BulkAction::Retry {
            let selection = RetrySelection {
                ordinals,
                cancelled: true,
                ..RetrySelection::default()
            };
            return self.retry(id, selection, now).await;
        }
        let who = who.to_owned();
        self.write(move |transaction| reviews::bulk(transaction, id, &ordinals, action, &who, now))
            .await
    }

    async fn add_job(
        &self,
        batch: BatchId,
        spec: serde_json::Value,
        total: u64,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        self.write(move |transaction| jobs::add(transaction, batch, &spec, total, now))
            .await
    }

    async fn move_job(
        &self,
        job: u64,
        progress: JobProgress,
        now: Timestamp,
    ) -> Result<JobState, StoreError> {
        self.write(move |transaction| jobs::advance(transaction, job, &progress, now))
            .await
    }

    async fn jobs(
        &self,
        batch: Option<BatchId>,
        only_running: bool,
        limit: u32,
    ) -> Result<Vec<JobRow>, StoreError> {
        self.read(move |connection| jobs::list(connection, batch, only_running, limit))
            .await
    }

    async fn job(&self, job: u64) -> Result<Option<JobRow>, StoreError> {
        self.read(move |connection| jobs::one(connection, job)).await
    }

    async fn keep(
        &self,
        shelf: &str,
        name: &str,
        value: Option<serde_json::Value>,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let (shelf, name) = (shelf.to_owned(), name.to_owned());
        self.write(move |transaction| jobs::keep(transaction, &shelf, &name, value.as_ref(), now))
            .await
    }

    async fn kept(&self, shelf: &str) -> Result<Vec<KeptRow>, StoreError> {
        let shelf = shelf.to_owned();
        self.read(move |connection| jobs::kept(connection, &shelf)).await
    }

    async fn log(
        &self,
        id: BatchId,
        document: Option<Ordinal>,
        event: EventKind,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.write(move |transaction| {
            let key = transaction.hot(id)?.key;
            transaction.log(key, document, &event, now)
        })
        .await
    }

    async fn events_after(
        &self,
        batch: Option<BatchId>,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Event>, StoreError> {
        self.read(move |connection| events::after(connection, batch, after, limit))
            .await
    }

    async fn last_events(&self, batch: BatchId, limit: u32) -> Result<Vec<Event>, StoreError> {
        self.read(move |connection| events::last(connection, batch, limit))
            .await
    }
}

#[async_trait]
impl Access for SqliteStore {
    async fn add_key(&self, key: KeyRow) -> Result<Result<(), KeyRefused>, StoreError> {
        self.write(move |transaction| access::add_key(transaction, &key))
            .await
    }

    async fn keys(&self) -> Result<Vec<KeyRow>, StoreError> {
        self.read(access::keys).await
    }

    async fn has_keys(&self) -> Result<bool, StoreError> {
        self.read(access::has_keys).await
    }

    async fn key_of(&self, hash: ContentHash) -> Result<Option<KeyRow>, StoreError> {
        self.read(move |connection| access::key_of(connection, hash))
            .await
    }

    async fn remove_key(&self, name: &str) -> Result<Result<(), KeyRefused>, StoreError> {
        let name = name.to_owned();
        self.write(move |transaction| access::remove_key(transaction, &name))
            .await
    }

    async fn open_session(&self, session: SessionRow) -> Result<(), StoreError> {
        self.write(move |transaction| access::open_session(transaction, &session))
            .await
    }

    async fn session(&self, hash: ContentHash) -> Result<Option<SessionRow>, StoreError> {
        self.read(move |connection| access::session(connection, hash))
            .await
    }

    async fn end_sessions(&self, which: Sessions) -> Result<u64, StoreError> {
        self.write(move |transaction| access::end_sessions(transaction, &which))
            .await
    }

    async fn note_use(&self, used: Vec<Used>, now: Timestamp) -> Result<(), StoreError> {
        self.write(move |transaction| access::note_use(transaction, &used, now))
            .await
    }

    async fn record(&self, deed: Deed) -> Result<Entry, StoreError> {
        self.write(move |transaction| audit::record(transaction, deed))
            .await
    }

    async fn audit(&self, query: AuditQuery) -> Result<Vec<Entry>, StoreError> {
        self.read(move |connection| audit::list(connection, &query)).await
    }
}
