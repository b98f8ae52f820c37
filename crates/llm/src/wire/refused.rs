//! A failed call before its headers are read, and the cleaning of what servers
//! say in it.

use std::time::Duration;

use docmill_core::failure::{Failure, FailureCode};

use super::config::Key;
use crate::answer::{Billing, CallError};
use crate::signals::Signals;

/// A failed call before the headers' signals are added to it.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) failure: Failure,
    pub(crate) billing: Billing,
    pub(crate) retry_after: Option<Duration>,
    /// What the server complains about, for [`super::learned`]: the parameter it names, and all it says.
    pub(crate) complaint: Option<Box<Complaint>>,
}

/// What a refusal is about, in lower case.
#[derive(Debug, Clone, Default)]
pub(crate) struct Complaint {
    /// The parameter the server names in a field of its own.
    pub(crate) parameter: Option<String>,
    /// Its whole text.
    pub(crate) text: String,
}

impl Refused {
    pub(crate) fn not_billed(code: FailureCode, message: impl Into<String>) -> Self {
        Self {
            failure: Failure::new(code, message),
            billing: Billing::NotBilled,
            retry_after: None,
            complaint: None,
        }
    }

    pub(crate) fn unknown(code: FailureCode, message: impl Into<String>) -> Self {
        Self {
            billing: Billing::Unknown,
            ..Self::not_billed(code, message)
        }
    }

    /// With what the headers say; the body's delay counts only where they say nothing.
    pub(crate) fn with(self, headers: Signals) -> CallError {
        CallError {
            failure: self.failure,
            billing: self.billing,
            signals: Signals {
                retry_after: headers.retry_after.or(self.retry_after),
                ..headers
            },
        }
    }
}

/// Longest text of an error that is kept.
const MAX_MESSAGE_CHARS: usize = 400;

/// A server's text for people: one line, no control characters, cut, without
/// anything that is or looks like a key, and without a full stop at its end.
pub(crate) fn clean(text: &str, key: Option<&Key>) -> String {
    let without_key = match key {
        Some(key) => text.replace(key.expose(), "…"),
        None => text.to_owned(),
    };
    let words: Vec<&str> = without_key
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .map(|word| if looks_like_a_key(word) { "…" } else { word })
        .collect();
    let line = words.join(" ");
    let line = line.trim_end_matches('.');
    match line.char_indices().nth(MAX_MESSAGE_CHARS) {
        Some((cut, _)) => format!("{}…", line.get(..cut).unwrap_or_default().trim_end()),
        None => line.to_owned(),
    }
}

fn looks_like_a_key(word: &str) -> bool {
    let bare = word.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
    ["sk-", "gsk_", "xai-", "AIza", "AKIA", "ASIA", "ya29.", "eyJ"]
        .iter()
        .any(|prefix| bare.starts_with(prefix) && bare.len() > prefix.len() + 4)
}
