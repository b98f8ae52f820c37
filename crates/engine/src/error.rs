//! Why the engine cannot go on, for people.

use docmill_core::batch::BatchState;
use docmill_source::SourceError;
use docmill_store::{StoreError, TransitionRefused};

/// Why the engine cannot go on with a batch (one bad document never stops it).
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The source as a whole cannot be used.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// The batch's state does not allow it.
    #[error("{0}")]
    Refused(#[from] TransitionRefused),
    /// The batch is in no state to be worked on.
    #[error("the batch is {0}")]
    NotRunnable(BatchState),
    /// The model cannot be called, or not safely.
    #[error("{message}")]
    Model {
        /// What is wrong.
        message: String,
        /// What to do next.
        hint: String,
        /// Which kind of trouble, for exit codes and tests.
        trouble: ModelTrouble,
    },
    /// A batch without documents is of no use to anybody.
    #[error("no documents were found: {0}")]
    NoDocuments(String),
    /// Results could not be written.
    #[error("{0}")]
    Export(String),
    /// The template cannot be used.
    #[error("{0}")]
    Template(String),
    /// Our own fault. The next start clears up after this process.
    #[error("a step of docmill broke down: {0}; please report it, and start again: nothing is lost")]
    Bug(String),
    /// The work folder cannot be used.
    #[error("the folder {path} cannot be used: {reason}")]
    Folder {
        /// Which.
        path: String,
        /// What the system said.
        reason: String,
    },
}

/// What is wrong with a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ModelTrouble {
    /// Nobody knows this provider or model.
    Unknown,
    /// No key in the environment.
    NoKey,
    /// The provider refused the key.
    KeyRefused,
    /// The provider does not answer.
    Unreachable,
    /// Nobody knows what it costs.
    NoPrice,
}

impl EngineError {
    /// What to do next, where that is known.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Source(error) => error.hint.as_deref(),
            Self::Model { hint, .. } => Some(hint),
            _ => None,
        }
    }
}
