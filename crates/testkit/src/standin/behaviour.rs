//! How the stand-in behaves: latency, limits, misbehaviour. Changed while it
//! runs by `POST /control`.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::random::Random;
use super::rows::RowReading;

/// How the stand-in behaves.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Behaviour {
    /// How long an answer takes.
    pub latency: Latency,
    /// Requests allowed per minute.
    pub requests_per_minute: Option<u64>,
    /// Tokens allowed per minute (prompt and limit on the answer together).
    pub tokens_per_minute: Option<u64>,
    /// How many seconds' worth of the limit may be used at once.
    pub burst_seconds: u64,
    /// Whether limits are told in headers.
    pub limit_headers: bool,
    /// Misbehaviour of the next calls, one each, before anything else.
    pub next: VecDeque<Misbehaviour>,
    /// Share of calls (0 to 1) for each kind of misbehaviour.
    pub shares: BTreeMap<Misbehaviour, f64>,
    /// Tokens added to the true size of each answer, evenly between the two.
    pub extra_output_tokens: (u64, u64),
    /// Answers hold the rows that stand in the prompt, instead of made-up values.
    pub reads_rows: Option<RowReading>,
}

impl Default for Behaviour {
    fn default() -> Self {
        Self {
            latency: Latency::Instant,
            requests_per_minute: None,
            tokens_per_minute: None,
            burst_seconds: 60,
            limit_headers: true,
            next: VecDeque::new(),
            shares: BTreeMap::new(),
            extra_output_tokens: (0, 0),
            reads_rows: None,
        }
    }
}

/// How long an answer takes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Latency {
    /// No time at all.
    Instant,
    /// Always this long, in milliseconds.
    FixedMs(u64),
    /// Log-normal.
    LogNormal {
        /// Half of the answers are faster.
        median_ms: f64,
        /// One in a hundred is slower.
        p99_ms: f64,
    },
}

/// How many deviations above the mean the 99th percentile of a normal distribution is.
const P99_DEVIATIONS: f64 = 2.326_347_874;

impl Latency {
    pub(super) fn draw(self, random: &mut Random) -> Duration {
        match self {
            Self::Instant => Duration::ZERO,
            Self::FixedMs(ms) => Duration::from_millis(ms),
            Self::LogNormal { median_ms, p99_ms } => {
                let sigma = (p99_ms / median_ms).ln().max(0.0) / P99_DEVIATIONS;
                let ms = median_ms * (sigma * random.normal()).exp();
                Duration::try_from_secs_f64(ms / 1000.0).unwrap_or_default()
            }
        }
    }
}

/// Something a provider does wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Misbehaviour {
    /// 429: too many requests, with `retry-after`. Not billed.
    RateLimited,
    /// 429 `insufficient_quota`. Not billed.
    InsufficientQuota,
    /// 429 for a daily quota. Not billed.
    DailyQuota,
    /// 401. Not billed.
    KeyRefused,
    /// 404. Not billed.
    UnknownModel,
    /// 400: the prompt is too long. Not billed.
    ContextLength,
    /// 400: `response_format` is not known. Not billed; only for calls that ask for a schema.
    NoSchemaMode,
    /// 502 of a proxy, **billed**: the work was done and its answer lost on the way.
    InternalError,
    /// 500 of the API itself, not billed.
    InternalErrorUnbilled,
    /// 503 "overloaded". Not billed.
    Overloaded503,
    /// 529. Not billed.
    Overloaded529,
    /// Never answers. Billed.
    Hang,
    /// Answers rightly, after twenty seconds. Billed.
    Stall,
    /// Answers one byte a second. Billed.
    SlowLoris,
    /// Resets the connection before any work. Not billed.
    ResetBeforeBilling,
    /// Does the work, then resets the connection. Billed.
    ResetAfterBilling,
    /// The body ends before its announced length. Billed.
    TruncatedBody,
    /// The answer's text is not JSON. Billed.
    InvalidJson,
    /// The body is no chat completion at all. Billed.
    InvalidEnvelope,
    /// JSON that is not what the schema asks for. Billed.
    SchemaViolation,
    /// Stops in the middle, `finish_reason` `length`. Billed.
    Length,
    /// `finish_reason` `content_filter`. Billed.
    ContentFilter,
    /// The `refusal` field. Billed.
    Refusal,
    /// A right answer without `usage`. Billed.
    MissingUsage,
    /// A right answer between ``` fences. Billed.
    FencedJson,
    /// Thoughts before the answer, with a draft in them. Billed, like all that follow.
    Thoughts,
    /// Prose around a fenced answer.
    Prose,
    /// The object in a list of one.
    ListOfOne,
    /// The object in a JSON text.
    TextOfObject,
    /// The object twice.
    Twice,
    /// A comma before the closing bracket.
    TrailingComma,
    /// Chat only: no content; the object stands in `reasoning_content`.
    ObjectInReasoning,
    /// Chat only: an event stream nobody asked for.
    EventStream,
    /// A byte order mark before the body.
    ByteOrderMark,
    /// A right answer whose counts are all zero.
    ZeroUsage,
    /// A right answer whose counts are all −1.
    NegativeUsage,
    /// A right answer whose counts are texts.
    UsageAsText,
    /// A 200 that holds an error. Not billed.
    ErrorInside200,
    /// 503: the model is being loaded. Not billed.
    Loading503,
    /// 400: no temperature is taken. Not billed; only for calls that send one.
    NoTemperature,
    /// 400: `max_completion_tokens` is wanted instead of `max_tokens`. Not billed; only for calls that send the latter.
    NoMaxTokens,
    /// Bills ten times the prompt's bytes: more than any bound. Billed.
    UsageAboveBound,
}

impl Behaviour {
    /// What the next call does wrong, if anything.
    pub(super) fn draw(&mut self, random: &mut Random) -> Option<Misbehaviour> {
        if let Some(planned) = self.next.pop_front() {
            return Some(planned);
        }
        if self.shares.is_empty() {
            return None;
        }
        let mut point = random.unit();
        for (kind, share) in &self.shares {
            point -= share;
            if point < 0.0 {
                return Some(*kind);
            }
        }
        None
    }
}
