//! The simulated rate limit: two buckets of one minute that leak evenly.

use std::time::Duration;

use tokio::time::Instant;

use super::config::RateLimit;
use crate::signals::Signals;

const MINUTE: Duration = Duration::from_secs(60);

/// What was used and has not leaked away yet, in millionths.
#[derive(Debug, Default)]
pub(super) struct Window {
    requests: Bucket,
    tokens: Bucket,
    as_of: Option<Instant>,
}

#[derive(Debug, Default)]
struct Bucket {
    /// Millionths of a request or token, so that nothing is lost to rounding.
    used: u128,
}

const MILLION: u128 = 1_000_000;

impl Window {
    /// Whether a call fits, and what the provider says about it.
    pub(super) fn admit(&mut self, limit: RateLimit, tokens: u64, now: Instant) -> (Signals, bool) {
        let elapsed = self
            .as_of
            .map_or(Duration::ZERO, |then| now.saturating_duration_since(then));
        self.as_of = Some(now);
        self.requests.leak(limit.requests_per_minute, elapsed);
        self.tokens.leak(limit.tokens_per_minute, elapsed);
        let waits = [
            self.requests.wait(limit.requests_per_minute, 1),
            self.tokens.wait(limit.tokens_per_minute, tokens),
        ];
        let retry_after = waits.into_iter().flatten().max();
        if retry_after.is_none() {
            self.requests.take(1);
            self.tokens.take(tokens);
        }
        let signals = Signals {
            requests_limit: Some(limit.requests_per_minute),
            requests_remaining: Some(self.requests.left(limit.requests_per_minute)),
            requests_reset: Some(self.requests.reset(limit.requests_per_minute)),
            tokens_limit: Some(limit.tokens_per_minute),
            tokens_remaining: Some(self.tokens.left(limit.tokens_per_minute)),
            tokens_reset: Some(self.tokens.reset(limit.tokens_per_minute)),
            retry_after,
        };
        (signals, retry_after.is_none())
    }
}

impl Bucket {
    fn leak(&mut self, per_minute: u64, elapsed: Duration) {
        let leaked = u128::from(per_minute)
            .saturating_mul(elapsed.as_micros())
            .saturating_mul(MILLION)
            / MINUTE.as_micros();
        self.used = self.used.saturating_sub(leaked);
    }

    /// How long until `need` fits; `None`: now. What is larger than the whole
    /// bucket fits when the bucket is empty.
    fn wait(&self, per_minute: u64, need: u64) -> Option<Duration> {
        let room = u128::from(per_minute) * MILLION;
        let need = (u128::from(need) * MILLION).min(room);
        let over = self
            .used
            .saturating_add(need)
            .checked_sub(room)
            .filter(|over| *over > 0)?;
        Some(time_of(over, per_minute))
    }

    fn take(&mut self, need: u64) {
        self.used = self.used.saturating_add(u128::from(need) * MILLION);
    }

    fn left(&self, per_minute: u64) -> u64 {
        let left = (u128::from(per_minute) * MILLION).saturating_sub(self.used) / MILLION;
        u64::try_from(left).unwrap_or(u64::MAX)
    }

    fn reset(&self, per_minute: u64) -> Duration {
        time_of(self.used, per_minute)
    }
}

/// How long `amount` takes to leak away, rounded up. A limit of zero leaks
/// nothing: an hour stands for never.
fn time_of(amount: u128, per_minute: u64) -> Duration {
    let Some(rate) = u128::from(per_minute)
        .checked_mul(MILLION)
        .filter(|rate| *rate > 0)
    else {
        return 60 * MINUTE;
    };
    let micros = amount.saturating_mul(MINUTE.as_micros()).div_ceil(rate);
    Duration::from_micros(u64::try_from(micros).unwrap_or(u64::MAX))
}
