//! How long a batch will take, and what decides that.

use serde::{Deserialize, Serialize};

use super::Row;

/// How fast calls can go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Calls in flight at most.
    pub concurrency: u32,
    /// Requests allowed per minute, when known.
    pub requests_per_minute: Option<u64>,
    /// Tokens allowed per minute, when known.
    pub tokens_per_minute: Option<u64>,
    /// A call's time apart from writing the answer (default 800 ms).
    pub call_ms: u64,
    /// Time for a thousand tokens of the answer (default 12 s: 80 tokens per second).
    pub thousand_tokens_ms: u64,
    /// Documents read at the same time.
    pub readers: u32,
    /// Time to read a page (default 5 ms; 0 when the readings were kept).
    pub page_ms: u64,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            concurrency: 8,
            requests_per_minute: None,
            tokens_per_minute: None,
            call_ms: 800,
            thousand_tokens_ms: 12_000,
            readers: 2,
            page_ms: 5,
        }
    }
}

/// What decides how long it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// Calls in flight.
    Concurrency,
    /// Requests per minute.
    RequestLimit,
    /// Tokens per minute.
    TokenLimit,
    /// Reading the documents.
    Reading,
}

/// How long it takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Duration {
    /// In milliseconds.
    pub ms: u64,
    /// What decides it.
    pub bound_by: Bound,
}

impl Pace {
    /// Everything overlaps, so the slowest thing decides.
    pub(super) fn duration(&self, total: &Row) -> Duration {
        let calls = u128::from(total.calls);
        let writing = u128::from(total.usage.output_tokens) * u128::from(self.thousand_tokens_ms) / 1000;
        let in_calls = calls * u128::from(self.call_ms) + writing;
        let at_once = u128::from(self.concurrency.max(1)).min(calls.max(1));
        let tokens = u128::from(total.usage.total_input()) + u128::from(total.usage.output_tokens);
        let per_minute = |amount: u128, limit: Option<u64>| {
            limit.map_or(0, |limit| amount * 60_000 / u128::from(limit.max(1)))
        };
        let reading = u128::from(total.pages) * u128::from(self.page_ms) / u128::from(self.readers.max(1));
        let mut slowest = (in_calls / at_once, Bound::Concurrency);
        for other in [
            (per_minute(calls, self.requests_per_minute), Bound::RequestLimit),
            (per_minute(tokens, self.tokens_per_minute), Bound::TokenLimit),
            (reading, Bound::Reading),
        ] {
            if other.0 > slowest.0 {
                slowest = other;
            }
        }
        Duration {
            ms: u64::try_from(slowest.0).unwrap_or(u64::MAX),
            bound_by: slowest.1,
        }
    }
}
