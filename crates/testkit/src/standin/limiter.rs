//! The stand-in's own rate limits: buckets that fill evenly, as the real ones do.

use std::time::{Duration, Instant};

use super::behaviour::Behaviour;

/// What is left of a limit.
#[derive(Debug, Clone, Copy)]
pub(super) struct Left {
    pub(super) limit: u64,
    pub(super) remaining: u64,
    pub(super) reset: Duration,
}

/// The state of both limits after a call was admitted or not.
#[derive(Debug, Clone, Copy)]
pub(super) struct Verdict {
    /// `None`: admitted. Else: come back after this.
    pub(super) retry_after: Option<Duration>,
    pub(super) requests: Option<Left>,
    pub(super) tokens: Option<Left>,
}

#[derive(Debug, Default)]
pub(super) struct Limiter {
    requests: Bucket,
    tokens: Bucket,
}

/// Counts what is used and lets it leak away at the allowed rate.
#[derive(Debug, Default)]
struct Bucket {
    used: f64,
    as_of: Option<Instant>,
}

impl Limiter {
    pub(super) fn admit(&mut self, behaviour: &Behaviour, tokens: u64, now: Instant) -> Verdict {
        let burst = behaviour.burst_seconds;
        let rpm = behaviour.requests_per_minute;
        let tpm = behaviour.tokens_per_minute;
        let waits = [
            rpm.and_then(|limit| self.requests.wait(limit, burst, 1, now)),
            tpm.and_then(|limit| self.tokens.wait(limit, burst, tokens, now)),
        ];
        let retry_after = waits.into_iter().flatten().max();
        if retry_after.is_none() {
            self.requests.take(1);
            self.tokens.take(tokens);
        }
        Verdict {
            retry_after,
            requests: rpm.map(|limit| self.requests.left(limit, burst)),
            tokens: tpm.map(|limit| self.tokens.left(limit, burst)),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "limits are far below 2^53")]
fn float(number: u64) -> f64 {
    number as f64
}

impl Bucket {
    /// How long until `need` fits; `None`: now.
    fn wait(&mut self, per_minute: u64, burst_seconds: u64, need: u64, now: Instant) -> Option<Duration> {
        let rate = float(per_minute) / 60.0;
        let elapsed = self.as_of.map_or(0.0, |then| (now - then).as_secs_f64());
        self.used = (self.used - rate * elapsed).max(0.0);
        self.as_of = Some(now);
        let room = (rate * float(burst_seconds)).max(float(need).min(1.0));
        let over = self.used + float(need) - room;
        (over > 1e-9).then(|| Duration::try_from_secs_f64(over / rate).unwrap_or(Duration::from_secs(60)))
    }

    fn take(&mut self, need: u64) {
        self.used += float(need);
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to what is not negative just before"
    )]
    fn left(&self, per_minute: u64, burst_seconds: u64) -> Left {
        let rate = float(per_minute) / 60.0;
        let room = rate * float(burst_seconds);
        Left {
            limit: per_minute,
            remaining: (room - self.used).max(0.0) as u64,
            reset: Duration::try_from_secs_f64(self.used / rate).unwrap_or_default(),
        }
    }
}

impl Verdict {
    /// The same without telling what is left.
    pub(super) fn silent(self) -> Self {
        Self {
            requests: None,
            tokens: None,
            ..self
        }
    }
}
