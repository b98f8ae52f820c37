//! The port: what the engine and the command may ask of a store.

use std::sync::Arc;

use async_trait::async_trait;
use docmill_core::batch::{BatchEvent, BatchState};
use docmill_core::event::{Event, EventKind};
use docmill_core::id::{BatchId, DocumentId, Ordinal, WorkerId};
use docmill_core::money::Usd;
use docmill_core::time::Timestamp;

use docmill_core::verdict::{Review, Verdict};

use crate::access::Access;
use crate::records::{
    ActivityQuery, ActivityRow, BatchChange, BatchQuery, BatchRow, Begun, BulkAction, CallShare, Claimed,
    Commit, Committed, DocumentDetail, DocumentPage, DocumentProfile, DocumentQuery, Enqueued, FailureGroup,
    Forgotten, JobProgress, JobRow, JobState, KeptRow, KnownDocument, LedgerRow, NewBatch, NewDocument,
    NewReview, Prepared, Reconciled, Recovered, ResultRow, RetrySelection, ReviewRefused, SettledCalls,
    Start, TransitionRefused, UnconfirmedCall, WorkerRow,
};

/// Why the store could not do what it was asked.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Another program, or the file system, does not let us write.
    #[error("the database {path} is read-only: {reason}")]
    ReadOnly {
        /// The database file.
        path: String,
        /// What the database said.
        reason: String,
    },
    /// No space left. Nothing of the transaction was written.
    #[error(
        "the disk is full while writing {path}; free some space, then run the command again: nothing is lost"
    )]
    DiskFull {
        /// The database file.
        path: String,
    },
    /// The system refused a write. Nothing of the transaction was written.
    #[error(
        "{path} cannot be written ({reason}): perhaps the disk is full, or a limit on file sizes is reached; what was acknowledged before is safe"
    )]
    WriteFailed {
        /// The database file.
        path: String,
        /// What the database said.
        reason: String,
    },
    /// Made by a newer docmill.
    #[error(
        "the database {path} has version {found}, this docmill knows versions up to {known}; use a newer docmill"
    )]
    NewerVersion {
        /// The database file.
        path: String,
        /// Version of the file.
        found: i64,
        /// Newest version this program knows.
        known: i64,
    },
    /// Not a database, or a damaged one.
    #[error("{path} cannot be used as a database: {reason}")]
    Unusable {
        /// The database file.
        path: String,
        /// What the database said.
        reason: String,
    },
    /// Damaged: what is in it does not fit together. Nothing is written to it any more.
    #[error("the database {path} is damaged: {reason}")]
    Damaged {
        /// The database file.
        path: String,
        /// What does not fit.
        reason: String,
    },
    /// In good order, but not what was acknowledged last: an old copy, or one without its log.
    #[error("the database {path} is not as docmill left it: {reason}")]
    Behind {
        /// The database file.
        path: String,
        /// What is missing.
        reason: String,
    },
    /// Moved, deleted or replaced under a running process.
    #[error("the database {path} is not in its place: {reason}")]
    Gone {
        /// The database file.
        path: String,
        /// What happened, as far as it is known.
        reason: String,
    },
    /// Another process held the write lock for too long.
    #[error("the database is busy: another docmill holds it; try again")]
    Busy,
    /// There is no such batch.
    #[error("there is no batch {0}")]
    NoSuchBatch(String),
    /// A batch with this id was made before.
    #[error("there is a batch {0} already")]
    BatchExists(BatchId),
    /// Somebody works on the batch.
    #[error("the batch {0} is being worked on")]
    AtWork(BatchId),
    /// There is no such document.
    #[error("there is no document {0}")]
    NoSuchDocument(DocumentId),
    /// A cursor that this list did not make.
    #[error("{0}")]
    BadCursor(String),
    /// Anything else the database said.
    #[error("the database failed: {0}")]
    Database(String),
}

impl StoreError {
    /// Whether it may pass by itself, or when somebody makes room or puts the file back.
    #[must_use]
    pub const fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::Busy
                | Self::DiskFull { .. }
                | Self::WriteFailed { .. }
                | Self::ReadOnly { .. }
                | Self::Gone { .. }
                | Self::Database(_)
        )
    }
}

/// Everything docmill remembers. Each verb is one transaction; what it returned
/// as done survives `kill -9` and power loss.
#[async_trait]
pub trait Store: Access {
    // Batches

    /// Makes a batch in state `draft`.
    async fn create_batch(&self, batch: NewBatch, now: Timestamp) -> Result<(), StoreError>;

    /// Makes a batch and writes down a job for it, in one transaction: a batch that nobody gets
    /// ready would stay a draft for ever. Returns the job's number.
    async fn create_batch_with_job(
        &self,
        batch: NewBatch,
        job: serde_json::Value,
        now: Timestamp,
    ) -> Result<u64, StoreError>;

    /// Batches, newest first by default, with their counters and account.
    async fn batches(&self, query: BatchQuery) -> Result<Vec<BatchRow>, StoreError>;

    /// How many batches are in which state, of those that match (whatever states are asked for).
    async fn count_batches(&self, query: BatchQuery) -> Result<Vec<(BatchState, u64)>, StoreError>;

    /// One batch by what a person typed: full id, the short id's digits (a unique part of the
    /// id's end), its name, or `last`. `NoSuchBatch` says so, also when several would match.
    async fn find_batch(&self, reference: &str) -> Result<BatchRow, StoreError>;

    /// One batch.
    async fn batch(&self, id: BatchId) -> Result<BatchRow, StoreError>;

    /// Moves a batch to its next state and writes the event. `Finish…` is refused while
    /// documents are pending or leased; `ExhaustBudget` while attempts are in flight.
    /// `Cancel` also flips all pending documents to `cancelled` (in chunks, so that the writer
    /// is not held); in-flight ones end by themselves.
    async fn transition(
        &self,
        id: BatchId,
        event: BatchEvent,
        reason: &str,
        now: Timestamp,
    ) -> Result<Result<BatchState, TransitionRefused>, StoreError>;

    /// Sets the budget (`None`: no limit). A `budget_exhausted` batch becomes `running` when
    /// the new budget is larger. A budget below what is already settled, reserved and
    /// unconfirmed is accepted: it just admits no further call.
    async fn set_budget(
        &self,
        id: BatchId,
        budget: Option<Usd>,
        now: Timestamp,
    ) -> Result<BatchState, StoreError>;

    /// Puts failed (or cancelled) documents back into the queue and moves an ended batch back
    /// to `running`. Returns how many.
    async fn retry(&self, id: BatchId, selection: RetrySelection, now: Timestamp) -> Result<u64, StoreError>;

    /// Changes how the batch is processed (concurrency, model). Stored plans are JSON of `core::Plan`.
    async fn set_plan(
        &self,
        id: BatchId,
        plan: docmill_core::plan::Plan,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Stores the estimate shown for the batch, as JSON.
    async fn set_estimate(
        &self,
        id: BatchId,
        estimate: serde_json::Value,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// Changes what a person may change about a batch beside its budget.
    async fn change_batch(&self, id: BatchId, change: BatchChange, now: Timestamp) -> Result<(), StoreError>;

    // Documents coming in

    /// Adds documents; those whose key the batch has already are left alone, those whose content
    /// the batch has already become `skipped` with a pointer to the first.
    async fn enqueue_chunk(
        &self,
        id: BatchId,
        documents: Vec<NewDocument>,
        now: Timestamp,
    ) -> Result<Enqueued, StoreError>;

    /// What the batch has of these keys already: so that adding again what is mostly known does not
    /// read it all again.
    async fn known_documents(&self, id: BatchId, keys: Vec<String>)
    -> Result<Vec<KnownDocument>, StoreError>;

    /// Writes what reading documents for the estimate found.
    async fn profile(
        &self,
        id: BatchId,
        found: Vec<DocumentProfile>,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    // Work

    /// Announces a worker, before its first claim.
    async fn register_worker(&self, worker: WorkerRow) -> Result<(), StoreError>;

    /// Workers that are registered and not retired.
    async fn workers(&self) -> Result<Vec<WorkerRow>, StoreError>;

    /// Says that a worker is alive.
    async fn heartbeat(&self, worker: WorkerId, now: Timestamp) -> Result<(), StoreError>;

    /// Leases up to `limit` pending documents whose time has come, in order of priority and ordinal.
    async fn claim(
        &self,
        batch: BatchId,
        worker: WorkerId,
        limit: u32,
        now: Timestamp,
    ) -> Result<Claimed, StoreError>;

    /// Reserve-and-start: writes the intent and holds back the money, or says why not. Group-committed.
    async fn begin(&self, start: Start) -> Result<Begun, StoreError>;

    /// Settles a call and moves its document on, in one transaction. Group-committed. The money
    /// is always settled, even when the lease was lost meanwhile (it was spent).
    async fn commit(&self, commit: Arc<Commit>) -> Result<Committed, StoreError>;

    /// Clears up after workers that are dead: their leased documents become pending, their calls
    /// in flight unconfirmed. Their late words match nothing afterwards. Writes an event per batch.
    async fn recover(&self, dead: Vec<WorkerId>, now: Timestamp) -> Result<Recovered, StoreError>;

    /// A worker that ends in order: its leases are given back, its row removed.
    async fn retire_worker(&self, worker: WorkerId, now: Timestamp) -> Result<(), StoreError>;

    /// Takes away what was learned from a batch's documents, or from one: results, answers,
    /// reviews, names, places. What was spent stays. `AtWork` while it runs.
    async fn forget(
        &self,
        id: BatchId,
        document: Option<Ordinal>,
        now: Timestamp,
    ) -> Result<Forgotten, StoreError>;

    // Looking

    /// A page of documents, with the counters that say how many there are.
    async fn documents(&self, id: BatchId, query: DocumentQuery) -> Result<DocumentPage, StoreError>;

    /// Everything about one document: row, extraction, attempts.
    async fn document(&self, id: DocumentId) -> Result<DocumentDetail, StoreError>;

    /// Documents with their extractions in order of ordinal, for exports: `limit` of them after `after`.
    async fn results_after(
        &self,
        id: BatchId,
        after: Ordinal,
        limit: u32,
    ) -> Result<Vec<ResultRow>, StoreError>;

    /// Documents of these numbers with their extractions, for one page of a list; in their own order.
    async fn results_of(&self, id: BatchId, ordinals: Vec<Ordinal>) -> Result<Vec<ResultRow>, StoreError>;

    /// Makes the values of a field (a JSON Pointer) ready for lists to be sorted and filtered by,
    /// `limit` documents at a time: to be called until it is ready. Kept from then on, until many
    /// other fields were asked for since.
    async fn prepare_values(
        &self,
        id: BatchId,
        pointer: &str,
        limit: u32,
        now: Timestamp,
    ) -> Result<Prepared, StoreError>;

    /// Failed documents grouped by code, most first, each with an example.
    async fn failures(&self, id: BatchId) -> Result<Vec<FailureGroup>, StoreError>;

    /// What was held back, paid and lost, by model and class of document.
    async fn ledger(&self, id: BatchId) -> Result<Vec<LedgerRow>, StoreError>;

    /// The calls of which nobody knows whether they were billed, oldest first.
    async fn unconfirmed(&self, id: BatchId) -> Result<Vec<UnconfirmedCall>, StoreError>;

    /// What all batches settled for a model in a time, whose end is not included; `None`: always.
    async fn settled(
        &self,
        model: &str,
        from: Option<Timestamp>,
        to: Option<Timestamp>,
    ) -> Result<SettledCalls, StoreError>;

    /// Writes what unconfirmed calls turned out to cost (zero: not billed), with the reason into
    /// the log. Those whose answer came in between are left alone. A `budget_exhausted` batch
    /// becomes `running` when money came back.
    async fn reconcile(
        &self,
        id: BatchId,
        shares: Vec<CallShare>,
        reason: &str,
        now: Timestamp,
    ) -> Result<Reconciled, StoreError>;

    /// What happened when, for charts and totals: interval by interval, oldest first.
    async fn activity(&self, query: ActivityQuery) -> Result<Vec<ActivityRow>, StoreError>;

    // What people do

    /// Takes a person's word about a result, unless somebody else's came in between.
    async fn review(
        &self,
        id: DocumentId,
        review: NewReview,
        now: Timestamp,
    ) -> Result<Result<Review, ReviewRefused>, StoreError>;

    /// Reviewed documents (approved and rejected) with their results in order of ordinal:
    /// `limit` of them after `after`.
    async fn reviewed_after(
        &self,
        id: BatchId,
        after: Ordinal,
        limit: u32,
    ) -> Result<Vec<ResultRow>, StoreError>;

    /// How many documents have which verdict.
    async fn verdicts(&self, id: BatchId) -> Result<Vec<(Verdict, u64)>, StoreError>;

    /// Does the same to many documents; those whose state does not allow it are left alone.
    /// Returns how many were changed.
    async fn bulk(
        &self,
        id: BatchId,
        ordinals: Vec<Ordinal>,
        action: BulkAction,
        who: &str,
        now: Timestamp,
    ) -> Result<u64, StoreError>;

    /// Writes down something to be done in the background.
    async fn add_job(
        &self,
        batch: BatchId,
        spec: serde_json::Value,
        total: u64,
        now: Timestamp,
    ) -> Result<u64, StoreError>;

    /// Says how far a job is. One that was cancelled stays so; returns its state.
    async fn move_job(&self, job: u64, progress: JobProgress, now: Timestamp)
    -> Result<JobState, StoreError>;

    /// Jobs of one batch or of all, newest first; those that are not over, or the last `limit`.
    async fn jobs(
        &self,
        batch: Option<BatchId>,
        only_running: bool,
        limit: u32,
    ) -> Result<Vec<JobRow>, StoreError>;

    /// One job.
    async fn job(&self, job: u64) -> Result<Option<JobRow>, StoreError>;

    /// Puts something small on a shelf; `None` takes it away.
    async fn keep(
        &self,
        shelf: &str,
        name: &str,
        value: Option<serde_json::Value>,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// What is on a shelf, by name.
    async fn kept(&self, shelf: &str) -> Result<Vec<KeptRow>, StoreError>;

    /// Adds a line to the log.
    async fn log(
        &self,
        id: BatchId,
        document: Option<Ordinal>,
        event: EventKind,
        now: Timestamp,
    ) -> Result<(), StoreError>;

    /// The log after `after` (0: from the start), oldest first; of one batch or of all.
    async fn events_after(
        &self,
        batch: Option<BatchId>,
        after: u64,
        limit: u32,
    ) -> Result<Vec<Event>, StoreError>;

    /// The newest `limit` lines of the log of a batch, oldest first.
    async fn last_events(&self, batch: BatchId, limit: u32) -> Result<Vec<Event>, StoreError>;
}
