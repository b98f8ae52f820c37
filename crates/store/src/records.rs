//! What goes into a store and comes out of it.

use std::fmt;
use std::str::FromStr;

use docmill_core::attempt::{AnswerKey, Attempt};
use docmill_core::batch::{BatchState, RefusedTransition};
use docmill_core::document::{Class, DocumentState, Kind, UnknownName};
use docmill_core::extraction::Extraction;
use docmill_core::failure::{Failure, FailureCode};
use docmill_core::hours::Hours;
use docmill_core::id::{BatchId, ContentHash, DocumentId, Ordinal, WorkerId};
use docmill_core::latency::Histogram;
use docmill_core::money::Usd;
use docmill_core::named_enum;
use docmill_core::plan::Plan;
use docmill_core::template::Template;
use docmill_core::time::Timestamp;
use docmill_core::usage::Usage;
use docmill_core::values::Condition;
use docmill_core::verdict::{Review, ReviewEntry, Verdict};
use serde::{Deserialize, Serialize};

/// A batch to be made.
#[derive(Debug, Clone)]
pub struct NewBatch {
    /// Its id.
    pub id: BatchId,
    /// What people call it.
    pub name: String,
    /// What to take out of its documents.
    pub template: Template,
    /// How.
    pub plan: Plan,
    /// The wall; `None`: no limit.
    pub budget: Option<Usd>,
    /// Where its documents come from, as typed.
    pub sources: Vec<String>,
    /// Who made it, as far as is known.
    pub owner: String,
}

/// How many documents of a batch stand where. Kept up to date in the same
/// transaction as the documents; never counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Counters {
    /// Waiting.
    pub pending: u64,
    /// In the hands of a worker.
    pub leased: u64,
    /// Done.
    pub completed: u64,
    /// Ended without a result.
    pub failed: u64,
    /// Given up with their batch.
    pub cancelled: u64,
    /// Duplicates, unsupported, empty.
    pub skipped: u64,
}

impl Counters {
    /// All documents.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.pending + self.leased + self.completed + self.failed + self.cancelled + self.skipped
    }

    /// The counter of one state.
    #[must_use]
    pub fn of(&self, state: DocumentState) -> u64 {
        match state {
            DocumentState::Pending => self.pending,
            DocumentState::Leased => self.leased,
            DocumentState::Completed => self.completed,
            DocumentState::Failed => self.failed,
            DocumentState::Cancelled => self.cancelled,
            DocumentState::Skipped => self.skipped,
        }
    }
}

/// The money of a batch: core's account, so that its arithmetic is the only one.
pub use docmill_core::ledger::Account as Balance;

/// A batch as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BatchRow {
    /// Its id.
    pub id: BatchId,
    /// What people call it.
    pub name: String,
    /// Where it stands.
    pub state: BatchState,
    /// Why it stands there.
    pub reason: String,
    /// What to take out of its documents.
    pub template: Template,
    /// How.
    pub plan: Plan,
    /// Where its documents come from.
    pub sources: Vec<String>,
    /// How many documents stand where.
    pub counters: Counters,
    /// Its money.
    pub balance: Balance,
    /// What the settled calls used.
    pub usage: Usage,
    /// Calls started.
    pub calls: u64,
    /// Calls in flight.
    pub calls_in_flight: u64,
    /// The estimate shown for it.
    pub estimate: Option<serde_json::Value>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was first started.
    pub started_at: Option<Timestamp>,
    /// When it ended, if it has.
    pub ended_at: Option<Timestamp>,
    /// When anything about it last changed.
    pub updated_at: Timestamp,
    /// Who made it, as far as is known.
    pub owner: String,
    /// When it was put out of sight, if it was.
    pub archived_at: Option<Timestamp>,
}

/// What lists of batches are sorted by. Ties are broken by age.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchSort {
    /// When they were made.
    #[default]
    Created,
    /// Name.
    Name,
    /// What they cost so far.
    Cost,
    /// Documents.
    Documents,
    /// When anything about them last changed.
    Updated,
}

/// Which batches.
#[derive(Debug, Clone, Default)]
pub struct BatchQuery {
    /// Only in these states; empty: all.
    pub states: Vec<BatchState>,
    /// Only names containing this text (case-insensitive).
    pub search: Option<String>,
    /// Only those put out of sight, or only those in sight; `None`: both.
    pub archived: Option<bool>,
    /// Sorted by.
    pub sort: BatchSort,
    /// Smallest, or oldest, first.
    pub ascending: bool,
    /// So many are left out at the beginning.
    pub offset: u32,
    /// At most this many; 0: all.
    pub limit: u32,
}

/// What a person may change about a batch beside its budget. What is `None` stays as it is, also
/// when somebody else changes it at the same time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BatchChange {
    /// A new name.
    pub name: Option<String>,
    /// Put out of sight, or back.
    pub archived: Option<bool>,
    /// Calls in flight; the rest of the plan stays as it is.
    pub concurrency: Option<u32>,
    /// Its share beside others; the rest of the plan stays as it is.
    pub weight: Option<u32>,
    /// The hours in which it may call, or none.
    pub between: Option<Option<Hours>>,
}

/// Why a batch stays in its state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TransitionRefused {
    /// Its state does not take the event.
    #[error("{0}")]
    State(#[from] RefusedTransition),
    /// It cannot finish: documents are pending or leased.
    #[error("{left} documents are not done yet")]
    WorkLeft {
        /// Pending and leased.
        left: u64,
    },
    /// It cannot be exhausted yet: calls are in flight and may give money back.
    #[error("{calls} calls are in flight")]
    CallsInFlight {
        /// How many.
        calls: u64,
    },
}

/// A document to be added.
#[derive(Debug, Clone, PartialEq)]
pub struct NewDocument {
    /// Where to read it again; unique in its batch.
    pub key: String,
    /// What people see.
    pub name: String,
    /// Size.
    pub bytes: u64,
    /// What it is, as far as its first bytes tell.
    pub kind: Kind,
    /// Hash of its content; `None` when it could not be read.
    pub content_hash: Option<ContentHash>,
    /// Why it is not to be processed (empty, unsupported): added as `skipped`.
    pub skip: Option<Failure>,
}

/// A document that a batch has already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownDocument {
    /// Where it is read.
    pub key: String,
    /// Its size then.
    pub bytes: u64,
    /// The hash of its content then; `None` when it could not be read.
    pub content_hash: Option<ContentHash>,
    /// When something last happened to it here.
    pub updated_at: Timestamp,
}

/// What became of a chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Enqueued {
    /// New rows, skipped ones included.
    pub added: u64,
    /// The batch had their key already.
    pub known: u64,
    /// New rows that are duplicates of others (a part of `skipped`).
    pub duplicates: u64,
    /// New rows that will not be processed, duplicates included.
    pub skipped: u64,
}

/// What reading a document for the estimate found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentProfile {
    /// Which.
    pub ordinal: Ordinal,
    /// What it is, by its whole content.
    pub kind: Kind,
    /// What it is likely to cost.
    pub class: Class,
    /// Pages.
    pub pages: u32,
    /// Prompt tokens expected.
    pub input_tokens: u64,
}

/// A worker as it is registered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerRow {
    /// Its id.
    pub id: WorkerId,
    /// Host and process, for people.
    pub label: String,
    /// When it started.
    pub started_at: Timestamp,
    /// When it last said that it is alive.
    pub heartbeat_at: Timestamp,
}

/// A document in the hands of a worker.
#[derive(Debug, Clone, PartialEq)]
pub struct LeasedDocument {
    /// Which.
    pub id: DocumentId,
    /// Where to read it.
    pub key: String,
    /// What people see.
    pub name: String,
    /// Size.
    pub bytes: u64,
    /// What it is, as far as is known.
    pub kind: Kind,
    /// Hash of its content when it was added.
    pub content_hash: Option<ContentHash>,
    /// Calls made for it so far.
    pub attempts: u32,
    /// Failures that counted against it so far.
    pub failures: u32,
    /// Waits for a speed limit so far.
    pub waits: u32,
    /// Calls made for it when a person last asked to try it again; 0: nobody did.
    pub retried_after: u32,
}

/// What came of a claim.
#[derive(Debug, Clone, PartialEq)]
pub enum Claimed {
    /// These.
    Documents(Vec<LeasedDocument>),
    /// Nothing to do now.
    NoDocuments {
        /// When the next pending document's time comes, if there is one.
        next_at: Option<Timestamp>,
        /// Documents in the hands of any worker.
        leased: u64,
    },
    /// The batch is not running.
    NotRunning(BatchState),
}

/// The intent to call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// For which document.
    pub document: DocumentId,
    /// Who holds its lease.
    pub worker: WorkerId,
    /// The model asked.
    pub model: String,
    /// The part of a split document, from 0.
    pub part: u32,
    /// What decides the answer.
    pub answer_key: AnswerKey,
    /// Worst case.
    pub reserve: Usd,
    /// Whether an answer stored for another document will do.
    pub reuse: bool,
    /// Now.
    pub now: Timestamp,
}

/// A stored answer that was paid for before.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredAnswer {
    /// The document it was paid for.
    pub document: DocumentId,
    /// Its attempt there.
    pub attempt: u32,
    /// The answer as it came.
    pub raw_answer: String,
    /// What it cost then.
    pub cost: Usd,
    /// What it used then.
    pub usage: Usage,
}

/// What came of an intent.
#[derive(Debug, Clone, PartialEq)]
pub enum Begun {
    /// Reserved: call now. The number of the attempt for its document.
    Started {
        /// From 1.
        attempt: u32,
    },
    /// The answer is stored already: nothing was reserved.
    Answered(Box<StoredAnswer>),
    /// The worst case does not fit.
    NoBudget {
        /// What is left of the budget.
        available: Usd,
        /// Calls in flight that may give some back.
        calls_in_flight: u64,
    },
    /// The batch is not running any more.
    NotRunning(BatchState),
    /// The document is not this worker's any more.
    LeaseLost,
}

/// How a call ended, for the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Bill {
    /// Answered: this is what it used and cost.
    Actual {
        /// Tokens.
        usage: Usage,
        /// Money.
        cost: Usd,
    },
    /// Certainly not billed: the reservation is given back.
    NotBilled,
    /// Nobody knows: counted at its worst case from now on.
    Unknown,
}

/// The end of a call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settlement {
    /// The attempt that [`Begun::Started`] named.
    pub attempt: u32,
    /// The money.
    pub bill: Bill,
    /// How long it took.
    pub latency_ms: u32,
    /// The provider's id of the call.
    pub request_id: Option<String>,
    /// The answer as it came.
    pub raw_answer: Option<String>,
    /// What went wrong, if anything did.
    pub failure: Option<Failure>,
}

/// What becomes of a document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Next {
    /// Its worker goes on with it (repair, next part).
    Continue,
    /// Done.
    Completed(Box<Extraction>),
    /// Ended without a result.
    Failed(Failure),
    /// Back into the queue until then.
    Retry {
        /// Not before.
        at: Timestamp,
        /// Why.
        failure: Failure,
        /// Whether it counts against the document (`failures`) or not (`waits`).
        counts: bool,
    },
    /// Not to be processed after all.
    Skipped(Failure),
    /// Given back untouched.
    Released,
}

/// What reading a document for its call found; fills the row when no profile did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadFacts {
    /// What it is, by its whole content.
    pub kind: Kind,
    /// Its class.
    pub class: Class,
    /// Pages.
    pub pages: u32,
}

/// The end of a step of a document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Commit {
    /// Which.
    pub document: DocumentId,
    /// Who holds its lease.
    pub worker: WorkerId,
    /// The call that ended, if there was one.
    pub settlement: Option<Settlement>,
    /// What becomes of the document.
    pub next: Next,
    /// What reading it found.
    pub facts: Option<ReadFacts>,
    /// Now.
    pub now: Timestamp,
}

/// What came of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    /// Whether the document moved on; `false`: the lease was lost (the money was settled all the same).
    pub applied: bool,
    /// How far the actual cost was above the reservation, if it was: the bound was wrong.
    pub overrun: Option<Usd>,
}

/// What clearing up after dead workers did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Recovered {
    /// Documents put back into the queue.
    pub documents: u64,
    /// Calls of which nobody knows whether they were billed.
    pub unconfirmed_calls: u64,
    /// Their worst case.
    pub unconfirmed: Usd,
}

/// What forgetting took away.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Forgotten {
    /// Documents whose names and places are gone.
    pub documents: u64,
    /// Results.
    pub results: u64,
    /// Answers of models.
    pub answers: u64,
    /// What people said about results.
    pub reviews: u64,
    /// What the documents were, for what is kept by content elsewhere.
    pub content: Vec<ContentHash>,
}

/// Which failed documents to try again. Empty lists mean all failed ones.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RetrySelection {
    /// Only these codes.
    pub codes: Vec<FailureCode>,
    /// Only these documents.
    pub ordinals: Vec<Ordinal>,
    /// Cancelled documents too.
    pub cancelled: bool,
}

/// A document as lists show it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DocumentRow {
    /// Its number.
    pub ordinal: Ordinal,
    /// Where to read it again.
    pub key: String,
    /// What people see.
    pub name: String,
    /// Size.
    pub bytes: u64,
    /// What it is.
    pub kind: Kind,
    /// What it is likely to cost.
    pub class: Class,
    /// Pages, once read.
    pub pages: Option<u32>,
    /// Hash of its content.
    pub content_hash: Option<ContentHash>,
    /// Where it stands.
    pub state: DocumentState,
    /// Why it failed, waits or was skipped.
    pub failure: Option<Failure>,
    /// The document with the same content that is processed in its place.
    pub duplicate_of: Option<Ordinal>,
    /// Calls made for it.
    pub attempts: u32,
    /// What they cost.
    pub cost: Usd,
    /// What they used.
    pub usage: Usage,
    /// 0 to 1000, once completed.
    pub risk: Option<u16>,
    /// What a person said about it.
    pub verdict: Option<Verdict>,
    /// Earliest time of its next attempt.
    pub next_attempt_at: Timestamp,
    /// When anything about it last changed.
    pub updated_at: Timestamp,
}

/// What lists are sorted by. Ties are broken by ordinal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SortBy {
    /// Order of discovery.
    #[default]
    Ordinal,
    /// Name.
    Name,
    /// Cost.
    Cost,
    /// Pages.
    Pages,
    /// Time of the last change.
    Updated,
    /// Risk.
    Risk,
    /// The value of a field ([`DocumentQuery::sort_field`]); only documents with a result.
    Value,
}

/// Which page of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Position {
    /// The first.
    First,
    /// The one after the row this cursor names (opaque text made by the store).
    After(String),
    /// The one before it.
    Before(String),
    /// By number, from 1.
    Number(u64),
    /// The one after this document, wherever it stands in the list.
    AfterDocument(Ordinal),
    /// The one before it.
    BeforeDocument(Ordinal),
}

/// Which documents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DocumentQuery {
    /// Only in these states; empty: all.
    pub states: Vec<DocumentState>,
    /// Only of these kinds; empty: all.
    pub kinds: Vec<Kind>,
    /// Only of these classes; empty: all.
    pub classes: Vec<Class>,
    /// Only with these failures; empty: all.
    pub codes: Vec<FailureCode>,
    /// Only names containing this text (case-insensitive).
    pub search: Option<String>,
    /// Only at least this cost.
    pub cost_at_least: Option<Usd>,
    /// Only at least this risk, which leaves out those without a result.
    pub risk_at_least: Option<u16>,
    /// Only with these verdicts; empty: all.
    pub verdicts: Vec<Verdict>,
    /// Only those that nobody approved or rejected.
    pub unreviewed: bool,
    /// Only with results whose values are so. Their fields have to be prepared.
    #[serde(default)]
    pub values: Vec<Condition>,
    /// Sorted by.
    pub sort: SortBy,
    /// The field, as a JSON Pointer, when it is sorted by a value. It has to be prepared.
    #[serde(default)]
    pub sort_field: Option<String>,
    /// Largest first.
    pub descending: bool,
    /// Which page.
    pub position: Position,
    /// Rows a page, 1 to 1000.
    pub limit: u32,
}

impl Default for DocumentQuery {
    fn default() -> Self {
        Self {
            states: Vec::new(),
            kinds: Vec::new(),
            classes: Vec::new(),
            codes: Vec::new(),
            search: None,
            cost_at_least: None,
            risk_at_least: None,
            verdicts: Vec::new(),
            unreviewed: false,
            values: Vec::new(),
            sort: SortBy::Ordinal,
            sort_field: None,
            descending: false,
            position: Position::First,
            limit: 100,
        }
    }
}

/// How far the index of a field's values is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Prepared {
    /// Documents that were looked at.
    pub documents: u64,
    /// Of so many.
    pub of: u64,
    /// Lists can be sorted and filtered by it.
    pub is_ready: bool,
}

/// How many documents match a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "count", content = "documents", rename_all = "snake_case")]
pub enum Matching {
    /// Known from counters, or counted.
    Exactly(u64),
    /// Counting stopped here.
    AtLeast(u64),
}

/// A page of documents.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DocumentPage {
    /// The rows.
    pub rows: Vec<DocumentRow>,
    /// Number of the first row among those that match, from 1, when known.
    pub first: Option<u64>,
    /// How many match.
    pub matching: Matching,
    /// Cursor of the next page; `None`: this is the last.
    pub next: Option<String>,
    /// Cursor of the previous page; `None`: this is the first.
    pub previous: Option<String>,
}

/// Everything about one document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DocumentDetail {
    /// Its row.
    pub row: DocumentRow,
    /// Its result.
    pub extraction: Option<Extraction>,
    /// Its calls, oldest first.
    pub attempts: Vec<Attempt>,
    /// What a person said about it.
    pub review: Option<Review>,
    /// Who changed what, oldest first.
    pub history: Vec<ReviewEntry>,
}

/// A document with its result, for exports.
#[derive(Debug, Clone, PartialEq)]
pub struct ResultRow {
    /// Its row.
    pub row: DocumentRow,
    /// Its result.
    pub extraction: Option<Extraction>,
    /// What a person said about it, and corrected.
    pub review: Option<Review>,
}

impl ResultRow {
    /// Puts what a person corrected in the place of what the model gave.
    pub fn correct(&mut self) {
        let corrected = self.review.as_mut().and_then(|review| review.data.take());
        if let (Some(extraction), Some(data)) = (&mut self.extraction, corrected) {
            extraction.data = data;
        }
    }
}

/// Failed documents with the same code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureGroup {
    /// The code.
    pub code: FailureCode,
    /// How many.
    pub documents: u64,
    /// The newest message.
    pub example: String,
    /// Its document.
    pub example_document: Ordinal,
}

/// What calls of a model for a class of documents came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LedgerRow {
    /// The model asked.
    pub model: String,
    /// The class of the documents.
    pub class: Class,
    /// Calls started.
    pub calls: u64,
    /// Of these: in flight.
    pub calls_in_flight: u64,
    /// Of these: nobody knows whether they were billed.
    pub unconfirmed_calls: u64,
    /// Paid.
    pub settled: Usd,
    /// Held back for the calls in flight.
    pub reserved: Usd,
    /// The worst case of the unconfirmed ones.
    pub unconfirmed: Usd,
}

/// A call of which nobody knows whether it was billed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnconfirmedCall {
    /// For which document.
    pub document: Ordinal,
    /// Its number there.
    pub attempt: u32,
    /// The model asked.
    pub model: String,
    /// When it started.
    pub started_at: Timestamp,
    /// What it cost at most.
    pub worst_case: Usd,
}

/// What was settled for a model in a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SettledCalls {
    /// Answered calls.
    pub calls: u64,
    /// Calls that are in flight now.
    pub calls_in_flight: u64,
    /// What the answered ones cost.
    pub cost: Usd,
}

/// What an unconfirmed call turned out to cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallShare {
    /// For which document.
    pub document: Ordinal,
    /// Its number there.
    pub attempt: u32,
    /// Zero: it was not billed.
    pub cost: Usd,
}

/// What a reconciliation did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Reconciled {
    /// Calls that are not unconfirmed any more.
    pub calls: u64,
    /// What was held back for them.
    pub unconfirmed: Usd,
    /// What they cost.
    pub settled: Usd,
}

/// A person's word about a result.
#[derive(Debug, Clone, PartialEq)]
pub struct NewReview {
    /// What they say.
    pub verdict: Verdict,
    /// The data as it should be; `None`: as it is.
    pub data: Option<serde_json::Value>,
    /// The version of the review they saw; 0: none.
    pub seen: u32,
    /// Who.
    pub reviewer: String,
}

/// Why a review was not taken.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ReviewRefused {
    /// Somebody else was faster.
    #[error("{} changed it in the meantime", .0.reviewer)]
    Changed(Box<Review>),
    /// There is nothing to review.
    #[error("a document that is {0} has no result to review")]
    NoResult(DocumentState),
}

/// What is done to many documents at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BulkAction {
    /// Put failed and cancelled ones back into the queue.
    Retry,
    /// Take pending, failed and cancelled ones out.
    Skip,
    /// Ask for a review of those with a result.
    Assign,
    /// Approve those with a result that nobody reviewed.
    Approve,
}

/// What happened in one interval: what charts are drawn from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Activity {
    /// Documents completed.
    pub completed: u64,
    /// Documents failed.
    pub failed: u64,
    /// Calls that ended.
    pub calls: u64,
    /// Of these: refused for speed.
    pub refused: u64,
    /// Of these: ended otherwise without a usable answer.
    pub errors: u64,
    /// Documents put back for another try.
    pub retried: u64,
    /// Answers found in the store instead of paid for.
    pub reused: u64,
    /// What was settled.
    pub cost: Usd,
    /// What the settled calls used.
    pub usage: Usage,
    /// How long the answered calls took.
    pub latency: Histogram,
}

impl Activity {
    /// Adds another interval.
    pub fn add(&mut self, other: &Self) {
        self.completed += other.completed;
        self.failed += other.failed;
        self.calls += other.calls;
        self.refused += other.refused;
        self.errors += other.errors;
        self.retried += other.retried;
        self.reused += other.reused;
        self.cost = self.cost.saturating_add(other.cost);
        self.usage = self.usage.plus(&other.usage);
        self.latency.add(&other.latency);
    }
}

/// Intervals are this long: short enough for a live chart, long enough that a batch of a
/// week has sixty thousand.
pub const ACTIVITY_INTERVAL_MS: i64 = 10_000;

/// Which intervals.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ActivityQuery {
    /// Only of these batches; empty: all.
    pub batches: Vec<BatchId>,
    /// From this time on.
    pub from: Timestamp,
    /// Before this time.
    pub to: Timestamp,
    /// Intervals are added up to this length in milliseconds; 0: as they are stored.
    pub step_ms: i64,
    /// One row for each class and batch, or one for all.
    pub apart: bool,
}

/// An interval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActivityRow {
    /// When it begins.
    pub at: Timestamp,
    /// Whose; `None`: all that were asked for.
    pub batch: Option<BatchId>,
    /// Of which class; `None`: all.
    pub class: Option<Class>,
    /// What happened.
    pub activity: Activity,
}

/// Something done in the background for a person: it goes on after a restart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobRow {
    /// Its number.
    pub id: u64,
    /// The batch it is about.
    pub batch: BatchId,
    /// What is to be done, as JSON: whoever runs jobs knows what it means.
    pub spec: serde_json::Value,
    /// Where it stands.
    pub state: JobState,
    /// Documents it is about, as far as is known.
    pub total: u64,
    /// Documents it has been through.
    pub done: u64,
    /// Of these: changed.
    pub changed: u64,
    /// Where it goes on.
    pub cursor: Option<String>,
    /// What there is to say about it.
    pub message: String,
    /// When it was asked for.
    pub created_at: Timestamp,
    /// When it last moved.
    pub updated_at: Timestamp,
}

named_enum! {
    /// Where a job stands.
    JobState, "state of a job" {
        /// Waits or is being done.
        Running = "running",
        /// Done.
        Done = "done",
        /// Given up by a person.
        Cancelled = "cancelled",
        /// Could not go on.
        Failed = "failed",
    }
}

/// How far a job is.
#[derive(Debug, Clone, PartialEq)]
pub struct JobProgress {
    /// Where it stands.
    pub state: JobState,
    /// Documents it is about.
    pub total: u64,
    /// Documents it has been through.
    pub done: u64,
    /// Of these: changed.
    pub changed: u64,
    /// Where it goes on.
    pub cursor: Option<String>,
    /// What there is to say about it.
    pub message: String,
}

/// Small things that are kept by name: templates, rules, settings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeptRow {
    /// Its name, unique on its shelf.
    pub name: String,
    /// What it is.
    pub value: serde_json::Value,
    /// When it was last changed.
    pub updated_at: Timestamp,
}
