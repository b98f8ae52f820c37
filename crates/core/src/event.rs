//! The event log of a batch: one kind of event leaves the engine; terminal,
//! JSON, live streams and webhooks are readers of it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::batch::BatchState;
use crate::failure::FailureCode;
use crate::id::{BatchId, Ordinal};
use crate::money::Usd;
use crate::time::Timestamp;
use crate::verdict::Verdict;

/// How much an event matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// All is well.
    Info,
    /// Someone may want to look.
    Warning,
    /// Something was lost or stopped.
    Error,
}

impl Level {
    /// The name in the database, the API and the docs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum EventKind {
    /// The batch was made.
    BatchCreated {
        /// Its name.
        name: String,
    },
    /// Documents were added to it.
    DocumentsAdded {
        /// New rows.
        added: u64,
        /// Of these: not to be processed.
        skipped: u64,
    },
    /// The batch went from one state to another.
    StateChanged {
        /// Before.
        from: BatchState,
        /// After.
        to: BatchState,
        /// Why.
        reason: String,
    },
    /// A document was completed.
    DocumentCompleted {
        /// What it cost in all.
        cost: Usd,
    },
    /// A document ended without a result.
    DocumentFailed {
        /// The code.
        code: FailureCode,
        /// What happened.
        message: String,
    },
    /// An attempt failed and another will follow.
    AttemptFailed {
        /// The code.
        code: FailureCode,
        /// What happened.
        message: String,
        /// When the next attempt may start.
        retry_at: Timestamp,
    },
    /// The budget was changed.
    BudgetChanged {
        /// Before; `None`: there was none.
        from: Option<Usd>,
        /// After.
        to: Option<Usd>,
    },
    /// Failed documents were put back into the queue.
    Retried {
        /// How many.
        documents: u64,
    },
    /// Documents were taken out of the queue, or out of the failed ones, by a person.
    Skipped {
        /// How many.
        documents: u64,
    },
    /// A person said something about a result.
    Reviewed {
        /// What.
        verdict: Verdict,
        /// Values they changed.
        changes: u64,
        /// Who.
        reviewer: String,
    },
    /// A worker that died was cleared up after.
    Recovered {
        /// Documents put back into the queue.
        documents: u64,
        /// Calls of which nobody knows whether they were billed.
        unconfirmed_calls: u64,
        /// Their worst case.
        unconfirmed: Usd,
    },
    /// Anything else worth a line.
    Note {
        /// The line.
        message: String,
    },
}

impl EventKind {
    /// How much it matters.
    #[must_use]
    pub fn level(&self) -> Level {
        match self {
            Self::DocumentFailed { .. } => Level::Error,
            Self::AttemptFailed { .. } | Self::Recovered { .. } => Level::Warning,
            Self::StateChanged { to, .. } => match to {
                BatchState::Failed | BatchState::BudgetExhausted => Level::Error,
                BatchState::Paused | BatchState::Cancelled | BatchState::CompletedWithFailures => {
                    Level::Warning
                }
                _ => Level::Info,
            },
            _ => Level::Info,
        }
    }
}

/// One line of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Place in the log: later events have larger numbers.
    pub id: u64,
    /// When.
    pub at: Timestamp,
    /// The batch it belongs to.
    pub batch: BatchId,
    /// The document it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<Ordinal>,
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
}
