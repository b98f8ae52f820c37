//! Settings of a rehearsal.

use std::time::Duration;

use super::random::Random;

/// Settings of a rehearsal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Config {
    /// How much of the usual time an answer takes: 1 as a real model, 0.1 ten times as fast, 0 no waiting.
    pub latency_scale: f64,
    /// Half of the answers are faster than this (before scaling).
    pub median: Duration,
    /// One answer in a hundred takes this many times the median.
    pub slowest: f64,
    /// Calls in a thousand that fail as an overloaded provider does.
    pub errors_permille: u32,
    /// The limit the provider pretends to have; `None`: none.
    pub rate_limit: Option<RateLimit>,
    /// Another seed, other luck; the answers stay the same.
    pub seed: u64,
}

/// What may be used per minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    /// Calls.
    pub requests_per_minute: u64,
    /// Tokens of prompts and limits on answers together.
    pub tokens_per_minute: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            latency_scale: 1.0,
            median: Duration::from_millis(2500),
            slowest: 4.0,
            errors_permille: 5,
            rate_limit: Some(RateLimit {
                requests_per_minute: 10_000,
                tokens_per_minute: 10_000_000,
            }),
            seed: 0,
        }
    }
}

/// How many deviations above the mean the 99th percentile of a normal distribution is.
const P99_DEVIATIONS: f64 = 2.326_347_874;

impl Config {
    /// A rehearsal without waiting, errors or limits.
    #[must_use]
    pub fn instant() -> Self {
        Self {
            latency_scale: 0.0,
            errors_permille: 0,
            rate_limit: None,
            ..Self::default()
        }
    }

    /// The time one answer takes: log-normal, as measured latencies of
    /// providers are.
    pub(super) fn latency(&self, luck: &mut Random) -> Duration {
        if self.latency_scale <= 0.0 {
            return Duration::ZERO;
        }
        let sigma = self.slowest.max(1.0).ln() / P99_DEVIATIONS;
        let factor = (sigma * luck.normal()).exp() * self.latency_scale;
        Duration::try_from_secs_f64(self.median.as_secs_f64() * factor).unwrap_or(self.median)
    }
}
