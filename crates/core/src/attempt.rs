//! Attempts: calls for a document, paid or not.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::document::UnknownName;
use crate::failure::Failure;
use crate::id::ContentHash;
use crate::money::Usd;
use crate::time::Timestamp;
use crate::usage::Usage;

/// Everything that decides an answer, as one hash: the same key finds the stored
/// answer instead of paying again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AnswerKey(pub ContentHash);

impl Default for AnswerKey {
    /// Zeros: the key of nothing.
    fn default() -> Self {
        Self(ContentHash([0; 32]))
    }
}

impl AnswerKey {
    /// The key of a call. Each part is length-prefixed, so that no two lists of
    /// parts run into the same bytes.
    #[must_use]
    pub fn of(parts: &[&[u8]]) -> Self {
        let mut hasher = blake3::Hasher::new();
        for part in parts {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part);
        }
        Self(ContentHash(*hasher.finalize().as_bytes()))
    }
}

/// How a call ended, as far as money is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptOutcome {
    /// Reserved and started; no answer yet.
    InFlight,
    /// Answered and settled.
    Answered,
    /// Certainly not billed; the reservation was given back.
    Released,
    /// Nobody knows whether it was billed; counted at its worst case.
    Unconfirmed,
}

impl AttemptOutcome {
    /// The name in the database, the API and the docs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InFlight => "in_flight",
            Self::Answered => "answered",
            Self::Released => "released",
            Self::Unconfirmed => "unconfirmed",
        }
    }
}

impl fmt::Display for AttemptOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for AttemptOutcome {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        [Self::InFlight, Self::Answered, Self::Released, Self::Unconfirmed]
            .into_iter()
            .find(|outcome| outcome.as_str() == name)
            .ok_or_else(|| UnknownName {
                what: "outcome of an attempt",
                name: name.to_owned(),
            })
    }
}

/// One call for one document (or one part of it), as it is stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// Number of the attempt for its document, from 1.
    pub number: u32,
    /// The model asked, as the user names it ("openai/gpt-4o-mini").
    pub model: String,
    /// The part of a split document, from 0.
    pub part: u32,
    /// What decided its answer. Zero where it is not known (rows that came over the wire).
    #[serde(default)]
    pub answer_key: AnswerKey,
    /// How it ended.
    pub outcome: AttemptOutcome,
    /// What was held back for it.
    pub reserved: Usd,
    /// What it cost, once settled.
    pub cost: Usd,
    /// What the provider said it used.
    pub usage: Usage,
    /// When the call started.
    pub started_at: Timestamp,
    /// How long it took; 0 while in flight.
    pub latency_ms: u32,
    /// The provider's own id of the call, for its support.
    pub request_id: Option<String>,
    /// What went wrong, if anything did. An answered attempt can have one too: a bad answer is paid.
    pub failure: Option<Failure>,
    /// The answer as it came.
    pub raw_answer: Option<String>,
}
