//! What comes back from a call, and what comes back when nothing does.

use crate::signals::Signals;
use docmill_core::extraction::Evidence;
use docmill_core::failure::{Failure, FailureCode};
use docmill_core::usage::Usage;

mod mend;
mod read;

pub use read::{Read, Unread, json_of, read};

/// Why the model stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finish {
    /// It was done.
    Stop,
    /// It reached the limit on the answer.
    Length,
    /// The provider's content filter stopped it.
    ContentFilter,
    /// It declined.
    Refusal,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The text of the answer, as it came.
    pub text: String,
    /// Tokens as the provider reported them; `None`: it did not.
    pub usage: Option<Usage>,
    /// Why it stopped.
    pub finish: Finish,
    /// The provider's id of the call.
    pub request_id: Option<String>,
    /// Its limits.
    pub signals: Signals,
    /// What was odd about how it came ("the object stood in `reasoning_content`"), for the log.
    pub notes: Vec<String>,
    /// Evidence the provider gave along (the offline extractor does), to be checked like any other.
    pub evidence: Vec<Evidence>,
    /// Made up: a rehearsal.
    pub simulated: bool,
}

/// Whether a failed call may have been billed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Billing {
    /// Certainly not: the request was not sent, or was refused with a 4xx/429.
    NotBilled,
    /// Nobody knows: the request was sent and no whole answer came back (timeout, reset, a proxy's 5xx).
    Unknown,
    /// Yes: it failed, and the provider says what it used.
    Used(Usage),
}

/// A call that gave no answer.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{failure}")]
pub struct CallError {
    /// What happened, classified.
    pub failure: Failure,
    /// Whether it may cost.
    pub billing: Billing,
    /// What the provider says about its limits.
    pub signals: Signals,
}

impl CallError {
    /// A failure that certainly cost nothing.
    #[must_use]
    pub fn not_billed(code: FailureCode, message: impl Into<String>) -> Self {
        Self {
            failure: Failure::new(code, message),
            billing: Billing::NotBilled,
            signals: Signals::default(),
        }
    }

    /// A failure that may have cost.
    #[must_use]
    pub fn unknown(code: FailureCode, message: impl Into<String>) -> Self {
        Self {
            billing: Billing::Unknown,
            ..Self::not_billed(code, message)
        }
    }
}
