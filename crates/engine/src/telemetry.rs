//! What goes on, for those who operate docmill: counts of calls by model, and who asked for a run.
//!
//! Counts begin with the process, as counters of Prometheus do. Spans and events are `tracing`'s;
//! their names and fields are those of OpenTelemetry's conventions for generative AI, and what
//! becomes of them is up to the program.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use docmill_core::failure::FailureCode;
use docmill_core::id::BatchId;
use docmill_core::usage::Usage;
use docmill_store::StoreError;

/// What spans and events of single calls are named under; they are many, and off unless asked for.
pub const CALLS: &str = "docmill::calls";

/// What events are named under that are numbers for a collector, and say nothing in a log.
pub const METRICS: &str = "docmill::metrics";

/// Upper ends of the buckets of call durations, in milliseconds.
pub const BUCKETS_MS: [u64; 12] = [
    50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 20_000, 40_000, 80_000, 160_000,
];

/// Calls of one model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModelCalls {
    /// By how they ended: `answered`, or the code of what went wrong.
    pub outcomes: BTreeMap<&'static str, u64>,
    /// Answered calls that took at most so long, by [`BUCKETS_MS`], each counted once.
    pub buckets: [u64; BUCKETS_MS.len()],
    /// How long answered calls took together, in milliseconds.
    pub took_ms: u64,
    /// Tokens of answered calls, as the provider reported them.
    pub input_tokens: u64,
    /// The same of what was answered.
    pub output_tokens: u64,
}

/// Calls by model. One per process.
#[derive(Debug, Default)]
pub struct CallMetrics(Mutex<BTreeMap<String, ModelCalls>>);

impl CallMetrics {
    /// A call of `model` (as in `--model`) ended.
    pub(crate) fn ended(&self, model: &str, took: Duration, answer: Result<Option<Usage>, FailureCode>) {
        let mut all = self.lock();
        let calls = match all.get_mut(model) {
            Some(calls) => calls,
            None => all.entry(model.to_owned()).or_default(),
        };
        let outcome = match &answer {
            Ok(_) => "answered",
            Err(code) => code.as_str(),
        };
        *calls.outcomes.entry(outcome).or_default() += 1;
        let Ok(usage) = answer else {
            return;
        };
        let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        if let Some(bucket) = BUCKETS_MS.iter().position(|end| ms <= *end) {
            calls.buckets[bucket] += 1;
        }
        calls.took_ms = calls.took_ms.saturating_add(ms);
        if let Some(usage) = usage {
            calls.input_tokens = calls.input_tokens.saturating_add(usage.total_input());
            calls.output_tokens = calls.output_tokens.saturating_add(usage.output_tokens);
        }
    }

    /// All of them, by the name of the model.
    #[must_use]
    pub fn all(&self) -> BTreeMap<String, ModelCalls> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, ModelCalls>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Which request set a batch going: the link from a log line about a call to the one about the
/// request. Only the last counts.
#[derive(Debug, Default)]
pub(crate) struct Origins(Mutex<HashMap<BatchId, String>>);

/// Batches remembered.
const REMEMBERED: usize = 10_000;

impl Origins {
    pub(crate) fn note(&self, batch: BatchId, request: String) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= REMEMBERED {
            all.clear();
        }
        all.insert(batch, request);
    }

    pub(crate) fn of(&self, batch: BatchId) -> Option<String> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(&batch).cloned()
    }
}

/// That the database takes nothing at the moment: for those who watch and could do something.
#[derive(Debug, Default)]
pub(crate) struct StoreTrouble(Mutex<Option<String>>);

impl StoreTrouble {
    pub(crate) fn say(&self, error: &StoreError, patience: Duration) {
        let mut said = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        said.get_or_insert_with(|| {
            format!(
                "{error}; answers wait for it, and it is tried again for {} s",
                patience.as_secs()
            )
        });
    }

    pub(crate) fn passed(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    pub(crate) fn now(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_call_is_counted_once() {
        let metrics = CallMetrics::default();
        let usage = Usage {
            input_tokens: 100,
            output_tokens: 7,
            ..Usage::default()
        };
        metrics.ended("a/b", Duration::from_millis(50), Ok(Some(usage)));
        metrics.ended("a/b", Duration::from_millis(51), Ok(None));
        metrics.ended("a/b", Duration::from_secs(1000), Ok(None));
        metrics.ended("a/b", Duration::from_secs(3), Err(FailureCode::RateLimited));
        let all = metrics.all();
        let calls = &all["a/b"];
        assert_eq!(calls.outcomes["answered"], 3);
        assert_eq!(calls.outcomes["rate_limited"], 1);
        assert_eq!(calls.buckets[..3], [1, 1, 0]);
        assert_eq!(
            calls.buckets.iter().sum::<u64>(),
            2,
            "one took longer than any bucket"
        );
        assert_eq!((calls.input_tokens, calls.output_tokens), (100, 7));
        assert_eq!(calls.took_ms, 1_000_101);
    }
}
