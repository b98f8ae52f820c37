//! How patient docmill is.

use std::time::Duration;

/// When to try again and when to give up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Failures that count against a document before it is given up (default 4).
    /// Those of an outage do not count: it is the provider's, and the lane waits for its end.
    pub max_failures: u32,
    /// Waits for a speed limit before they count as a failure (default 50). They
    /// say nothing about the document, but must not go on for ever either.
    pub max_waits: u32,
    /// Answers repaired per document (default 1): a second repair rarely helps and is paid.
    pub max_repairs: u32,
    /// Times a document is split because its answer was cut off (default 3: eighths).
    pub max_splits: u32,
    /// The first backoff (default 250 ms: a single error passes quickly, and the last documents
    /// of a batch wait for it); doubled with each failure.
    pub backoff: Duration,
    /// The longest backoff (default 2 min).
    pub max_backoff: Duration,
    /// A provider that asks for a longer wait than this (default 15 min) pauses the
    /// batch instead: nobody wants to watch a batch that does nothing.
    pub longest_wait: Duration,
    /// A provider that fails nearly everything for so long (default 20 s) is down: a fallback model is
    /// asked, where there is one.
    pub down_after: Duration,
    /// Calls in a row that failed alike, for a reason of theirs, before the batch pauses (default 10).
    pub alike: u32,
    /// The same for reasons that pass by themselves: overload, time-outs, broken
    /// connections (default 200). An outage that is waited for counts once it is longer than
    /// `longest_wait`.
    pub alike_transient: u32,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            max_failures: 4,
            max_waits: 50,
            max_repairs: 1,
            max_splits: 3,
            backoff: Duration::from_millis(250),
            max_backoff: Duration::from_secs(120),
            longest_wait: Duration::from_secs(15 * 60),
            down_after: Duration::from_secs(20),
            alike: 10,
            alike_transient: 200,
        }
    }
}
