//! What comes back from a call, and what comes back when nothing does.

use docmill_core::extraction::Evidence;
use docmill_core::failure::{Failure, FailureCode};
use docmill_core::usage::Usage;
use serde_json::Value;

use crate::signals::Signals;

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
    /// Nobody knows: the request was sent and no whole answer came back (timeout, reset, 5xx after sending).
    Unknown,
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

/// The JSON of an answer: without the code fence some models put around it,
/// whatever they were told.
///
/// # Errors
/// When what is left is not JSON. The message names the line and column.
pub fn json_of(text: &str) -> Result<Value, serde_json::Error> {
    serde_json::from_str(without_fence(text))
}

/// What stands between ``` fences, when the answer is fenced; else the answer.
fn without_fence(text: &str) -> &str {
    let text = text.trim_start_matches('\u{feff}').trim();
    let Some(opened) = text.strip_prefix("```") else {
        return text;
    };
    // The rest of the opening line is the language ("json"), unless the JSON
    // follows on the same line.
    let body = opened.trim_start_matches(|c: char| c.is_ascii_alphanumeric());
    let body = body.trim_end();
    body.strip_suffix("```").unwrap_or(body).trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fences_are_taken_off_and_nothing_else() {
        for text in [
            "{\"a\":1}",
            "```json\n{\"a\":1}\n```",
            "  ```\n{\"a\":1}```  ",
            "```JSON {\"a\":1}```\n",
            "\u{feff}{\"a\":1}",
            "```json\n{\"a\":1}",
        ] {
            assert_eq!(json_of(text).unwrap(), serde_json::json!({"a": 1}), "{text:?}");
        }
        assert_eq!(
            json_of("{\"a\":\"```\"}").unwrap(),
            serde_json::json!({"a": "```"})
        );
        for bad in ["", "```", "Sure! {\"a\":1}", "{\"a\":", "``````"] {
            assert!(json_of(bad).is_err(), "{bad:?} is not JSON");
        }
    }
}
