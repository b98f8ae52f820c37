//! What calls taught about a model and a template: how many tokens prompts really have, and how
//! long answers are. Kept across batches; every figure is a sum, so that what two processes
//! learned can be added up.

use serde::{Deserialize, Serialize};

use crate::money::Usd;
use crate::price::Price;
use crate::usage::Usage;

/// Buckets of lengths per doubling: a length is known to within 9 %.
const PER_DOUBLING: u32 = 8;
/// Up to 2^20 tokens.
const BUCKETS: usize = (20 * PER_DOUBLING) as usize;
/// With fewer calls than this, what they taught is not relied on.
const ENOUGH: u64 = 20;

/// How many tokens were counted before, and how many there really were.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Ratio {
    /// Calls.
    calls: u64,
    /// Tokens as counted.
    counted: u64,
    /// Tokens as reported.
    actual: u64,
    /// The sum of the ratios' squares.
    squares: f64,
    /// The sum of the ratios.
    ratios: f64,
}

impl Ratio {
    /// Adds a call.
    pub fn record(&mut self, counted: u64, actual: u64) {
        if counted == 0 || actual == 0 {
            return;
        }
        let ratio = actual as f64 / counted as f64;
        self.calls = self.calls.saturating_add(1);
        self.counted = self.counted.saturating_add(counted);
        self.actual = self.actual.saturating_add(actual);
        self.squares += ratio * ratio;
        self.ratios += ratio;
    }

    /// Adds the calls of another.
    pub fn add(&mut self, other: &Self) {
        self.calls = self.calls.saturating_add(other.calls);
        self.counted = self.counted.saturating_add(other.counted);
        self.actual = self.actual.saturating_add(other.actual);
        self.squares += other.squares;
        self.ratios += other.ratios;
    }

    /// Calls it is known from.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.calls
    }

    /// Whether enough calls were seen to rely on it.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.calls >= ENOUGH
    }

    /// How many tokens there will probably be.
    #[must_use]
    pub fn expect(&self, counted: u64) -> u64 {
        if self.calls == 0 || self.counted == 0 {
            return counted;
        }
        let scaled = u128::from(counted) * u128::from(self.actual) / u128::from(self.counted);
        u64::try_from(scaled).unwrap_or(u64::MAX)
    }

    /// By how much, in thousandths, the sum over `calls` further calls may be off in about 19 of
    /// 20 cases: chance in these calls, and in those it was learned from.
    #[must_use]
    pub fn spread_permille(&self, calls: u64) -> Option<u64> {
        if !self.is_known() {
            return None;
        }
        let (seen, further) = (self.calls as f64, calls.max(1) as f64);
        let mean = self.ratios / seen;
        let variance = (self.squares / seen - mean * mean).max(0.0);
        let relative = variance.sqrt() / mean.max(f64::MIN_POSITIVE);
        let off = 2.0 * relative * (1.0 / further + 1.0 / seen).sqrt() * 1_000.0;
        Some(off.ceil().clamp(0.0, 10_000.0) as u64)
    }
}

/// How long answers are, as a histogram that can be added up.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Lengths {
    /// Bucket and count, in the order of the buckets; empty ones left out.
    counts: Vec<(u16, u64)>,
    total: u64,
    longest: u64,
}

impl Lengths {
    /// Adds a whole answer.
    pub fn record(&mut self, tokens: u64) {
        self.longest = self.longest.max(tokens);
        self.count(bucket_of(tokens), 1);
    }

    /// Adds an answer that was cut at `limit`: nobody knows how long it would have been.
    pub fn record_cut(&mut self, limit: u64) {
        self.record(limit.saturating_mul(3) / 2);
    }

    /// Adds the answers of another.
    pub fn add(&mut self, other: &Self) {
        for (bucket, count) in &other.counts {
            self.count(*bucket, *count);
        }
        self.longest = self.longest.max(other.longest);
    }

    fn count(&mut self, bucket: u16, count: u64) {
        self.total = self.total.saturating_add(count);
        match self.counts.binary_search_by_key(&bucket, |(bucket, _)| *bucket) {
            Ok(index) => self.counts[index].1 = self.counts[index].1.saturating_add(count),
            Err(index) => self.counts.insert(index, (bucket, count)),
        }
    }

    /// Answers it is known from.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The limit on the next answer, between 1 and `ceiling`: the one with which a call costs
    /// least, all told. A limit that is met is paid for nothing, and the call is made again with
    /// more room; a limit that is not met holds back money and speed that others could use.
    /// Until enough answers were seen it is `first`.
    #[must_use]
    pub fn limit(&self, first: u32, ceiling: u32, call: &CallCost) -> u32 {
        let ceiling = ceiling.max(1);
        if self.total < ENOUGH {
            return first.clamp(1, ceiling);
        }
        let most = bucket_of(u64::from(ceiling));
        let least = self.counts.first().map_or(0, |(bucket, _)| *bucket);
        let best = (least..=most).min_by_key(|bucket| self.cost_with(*bucket, call));
        let limit = best.map_or(u64::from(ceiling), upper_edge);
        u32::try_from(limit).unwrap_or(u32::MAX).clamp(1, ceiling)
    }

    /// What a limit at the upper edge of a bucket costs a call: its share of the calls that are
    /// cut and paid for nothing, and of what is held back. In millionths of a nano-dollar or
    /// token-equivalent; only comparisons matter.
    fn cost_with(&self, bucket: u16, call: &CallCost) -> u128 {
        let limit = upper_edge(bucket);
        let above: u64 = self
            .counts
            .iter()
            .filter(|(other, _)| *other > bucket)
            .map(|(_, count)| *count)
            .sum();
        // Beyond the longest that was seen, one in so many may be longer; the farther, the fewer.
        let room = u128::from(limit) * 1_000 / u128::from(self.longest.max(1));
        let unseen = if above > 0 {
            1_000_000
        } else {
            1_000_000_000_000_000 / (room * room * room).max(1)
        };
        let cut = u128::from(above) * 1_000_000 + unseen.min(1_000_000);
        let retry = u128::from(call.prompt) + u128::from(limit) * u128::from(call.answer_token);
        let held = u128::from(limit) * u128::from(call.answer_token) * HELD_PER_MILLION;
        cut * retry / u128::from(self.total + 1) + held
    }
}

/// What holding back the price of a token costs, in millionths of its price: it may keep another
/// call waiting, but nobody is charged for it.
const HELD_PER_MILLION: u128 = 10_000;

/// What a call costs, as far as the choice of a limit is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallCost {
    /// Its prompt.
    prompt: u64,
    /// Each token of its answer.
    answer_token: u64,
}

impl CallCost {
    /// The cost of a call with a prompt of so many tokens. A model that is free costs time:
    /// there a token of the answer takes as long as fifty of the prompt.
    #[must_use]
    pub fn new(price: &Price, prompt_tokens: u64) -> Self {
        let pico = |usage: Usage| price.cost(&usage).map_or(0, Usd::nanos).unsigned_abs();
        let prompt = pico(Usage {
            input_tokens: prompt_tokens,
            ..Usage::default()
        });
        // A thousand tokens, so that rounding does not matter.
        let thousand = pico(Usage {
            output_tokens: 1_000,
            ..Usage::default()
        });
        if thousand == 0 {
            return Self {
                prompt: prompt_tokens,
                answer_token: 50,
            };
        }
        Self {
            prompt,
            answer_token: (thousand / 1_000).max(1),
        }
    }
}

/// The bucket of a length: its binary exponent, and its place within the doubling.
fn bucket_of(tokens: u64) -> u16 {
    let tokens = tokens.max(1);
    let doublings = tokens.ilog2();
    let part = (u128::from(tokens) * u128::from(PER_DOUBLING)) >> doublings;
    let bucket = doublings * PER_DOUBLING + u32::try_from(part).unwrap_or(0).saturating_sub(PER_DOUBLING);
    u16::try_from(bucket.min(BUCKETS as u32 - 1)).unwrap_or(u16::MAX)
}

/// The greatest length that falls into a bucket.
fn upper_edge(bucket: u16) -> u64 {
    let next = u64::from(bucket) + 1;
    let (doublings, part) = (next / u64::from(PER_DOUBLING), next % u64::from(PER_DOUBLING));
    let start = (u64::from(PER_DOUBLING) + part) << doublings;
    start.div_ceil(u64::from(PER_DOUBLING)).saturating_sub(1).max(1)
}

/// Everything that calls of one model with one template taught.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Learned {
    /// Prompt tokens: as counted, and as reported.
    pub input: Ratio,
    /// Answer tokens: as expected from the schema and the document, and as reported.
    pub output: Ratio,
    /// How long answers are.
    pub lengths: Lengths,
}

impl Learned {
    /// Adds what another learned.
    pub fn add(&mut self, other: &Self) {
        self.input.add(&other.input);
        self.output.add(&other.output);
        self.lengths.add(&other.lengths);
    }
}
