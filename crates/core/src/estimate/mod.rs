//! The estimate: what a batch will cost and how long it will take, before a cent is
//! spent. Documents are added one by one as they are read; memory does not grow
//! with the batch.

mod budget;
mod pace;
mod pilot;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::document::Class;
use crate::failure::{Failure, FailureCode};
use crate::learned::{Learned, Ratio};
use crate::money::Usd;
use crate::plan::Fallback;
use crate::price::Price;
use crate::usage::Usage;

pub use budget::{Recommended, recommended_budget};
pub use pace::{Bound, Duration, Pace};
pub use pilot::choose;

/// Input tokens are counted from the prompt; tokenizers differ by about this much.
const INPUT_LOW: u64 = 850;
const INPUT_HIGH: u64 = 1150;
/// The same when the model's own tokenizer counted: what is left is how the provider writes the
/// schema into the prompt.
const COUNTED_LOW: u64 = 970;
const COUNTED_HIGH: u64 = 1030;
/// The length of answers is guessed from the schema, within a factor of two.
const OUTPUT_LOW: u64 = 500;
const OUTPUT_HIGH: u64 = 2000;

/// What is learned from earlier documents may be off by this much for others, in thousandths,
/// however many there were.
const LEAST_SPREAD: u64 = 50;

/// Of so many calls one hangs and is made a second time, where a person wants that
/// ([`crate::latency::Histogram::hang`]). The first counts at its worst case until it is reconciled.
const HEDGED_ONE_OF: u64 = 1_000;

/// What was found out about one document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// Its complexity class.
    pub class: Class,
    /// Pages.
    pub pages: u32,
    /// Calls it will take when all goes well.
    pub calls: u32,
    /// What these will probably use.
    pub expected: Usage,
    /// What these can cost at most.
    pub worst_case: Usd,
}

/// Documents of one class, or all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Row {
    /// How many.
    pub documents: u64,
    /// Their pages.
    pub pages: u64,
    /// Calls they will take.
    pub calls: u64,
    /// What these will probably use.
    pub usage: Usage,
    /// What these will probably cost.
    pub cost: Usd,
    /// What these can cost at most.
    pub worst_case: Usd,
    /// What one document will probably cost.
    pub cost_per_document: Usd,
}

/// What a batch will cost and how long it will take.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Estimate {
    /// By class, in the order of the classes; those without documents left out.
    pub classes: BTreeMap<Class, Row>,
    /// All of them.
    pub total: Row,
    /// The cost will probably not be below this.
    pub low: Usd,
    /// The cost will probably not be above this.
    pub high: Usd,
    /// A budget that should do.
    pub budget: Usd,
    /// Of it: room for what is held back for calls in flight.
    #[serde(default)]
    pub budget_in_flight: Usd,
    /// Of it: room for calls of which nobody knows whether they were billed, after a few crashes.
    #[serde(default)]
    pub budget_for_crashes: Usd,
    /// Documents that cannot be read and will fail, by reason.
    pub unreadable: BTreeMap<FailureCode, u64>,
    /// Of the high end and of the budget: room for calls that hang and are made a second time, where
    /// a person wants that.
    #[serde(default)]
    pub hedges: Usd,
    /// What all of it would cost if a fallback model answered instead, in their order.
    #[serde(default)]
    pub fallbacks: Vec<FallbackCost>,
    /// How long it will take.
    pub duration: Duration,
    /// Whose price this is.
    pub price: Price,
}

/// What a whole batch would cost with a fallback model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FallbackCost {
    /// The model, as the user names it.
    pub model: String,
    /// What its answers would probably cost.
    pub cost: Usd,
}

/// Adds up documents.
#[derive(Debug, Clone)]
pub struct Estimator {
    price: Price,
    pace: Pace,
    classes: BTreeMap<Class, Row>,
    dearest: Usd,
    unreadable: BTreeMap<FailureCode, u64>,
    learned: Learned,
    has_tokenizer: bool,
    fallbacks: Vec<(Price, FallbackCost)>,
    is_hedged: bool,
}

impl Estimator {
    /// An estimator for one model.
    #[must_use]
    pub fn new(price: Price, pace: Pace) -> Self {
        Self {
            price,
            pace,
            classes: BTreeMap::new(),
            dearest: Usd::ZERO,
            unreadable: BTreeMap::new(),
            learned: Learned::default(),
            has_tokenizer: false,
            fallbacks: Vec::new(),
            is_hedged: false,
        }
    }

    /// The same with what calls of this model with this template taught.
    #[must_use]
    pub fn with_learned(mut self, learned: Learned) -> Self {
        self.learned = learned;
        self
    }

    /// The same; whether prompts are counted by the model's own tokenizer.
    #[must_use]
    pub fn with_tokenizer(mut self, has_tokenizer: bool) -> Self {
        self.has_tokenizer = has_tokenizer;
        self
    }

    /// The same for a plan with fallback models: each is priced as if it answered everything. Their
    /// prompts are taken to have as many tokens as those of the plan's own model.
    #[must_use]
    pub fn with_fallbacks(mut self, fallbacks: &[Fallback]) -> Self {
        let priced = |fallback: &Fallback| {
            let model = fallback.model.clone();
            let cost = Usd::ZERO;
            (fallback.price.clone(), FallbackCost { model, cost })
        };
        self.fallbacks = fallbacks.iter().map(priced).collect();
        self
    }

    /// The same; whether calls that hang are made a second time.
    #[must_use]
    pub fn with_hedges(mut self, is_hedged: bool) -> Self {
        self.is_hedged = is_hedged;
        self
    }

    /// Adds a document.
    pub fn add(&mut self, sample: &Sample) {
        let row = self.classes.entry(sample.class).or_default();
        row.documents += 1;
        row.pages += u64::from(sample.pages);
        row.calls += u64::from(sample.calls);
        row.usage = row.usage.plus(&sample.expected);
        row.worst_case = row.worst_case.saturating_add(sample.worst_case);
        // Rounded up call by call, as the bill will be.
        let cost = self.price.cost(&sample.expected).unwrap_or(Usd::MAX);
        row.cost = row.cost.saturating_add(cost);
        self.dearest = self.dearest.max(sample.worst_case);
        for (price, fallback) in &mut self.fallbacks {
            let cost = price.cost(&sample.expected).unwrap_or(Usd::MAX);
            fallback.cost = fallback.cost.saturating_add(cost);
        }
    }

    /// Adds a document that cannot be read: it will fail, and cost nothing.
    pub fn add_unreadable(&mut self, failure: &Failure) {
        *self.unreadable.entry(failure.code).or_default() += 1;
    }

    /// What is to be expected of the documents added so far.
    #[must_use]
    pub fn finish(&self) -> Estimate {
        let classes: BTreeMap<Class, Row> = self
            .classes
            .iter()
            .map(|(class, row)| (*class, row.completed()))
            .collect();
        let total = classes
            .values()
            .fold(Row::default(), |sum, row| sum.plus(row))
            .completed();
        let (low, high) = self.interval(&total);
        let calls_at_once = u64::from(self.pace.concurrency.max(1)).min(total.calls);
        let hedges = if self.is_hedged {
            total.worst_case_of(total.calls.div_ceil(HEDGED_ONE_OF))
        } else {
            Usd::ZERO
        };
        let in_flight = total.worst_case_of(calls_at_once);
        let recommended = recommended_budget(total.cost.saturating_add(hedges), self.dearest, in_flight);
        Estimate {
            low,
            high: high.saturating_add(hedges),
            hedges,
            fallbacks: self
                .fallbacks
                .iter()
                .map(|(_, fallback)| fallback.clone())
                .collect(),
            budget: recommended.budget,
            budget_in_flight: recommended.in_flight,
            budget_for_crashes: recommended.for_crashes,
            unreadable: self.unreadable.clone(),
            duration: self.pace.duration(&total),
            price: self.price.clone(),
            classes,
            total,
        }
    }

    /// Within what was learned of the model and the template; before that, counted input within
    /// a tokenizer's difference (hardly any where it is the model's own), guessed output within a factor of two. Never above the worst case.
    fn interval(&self, total: &Row) -> (Usd, Usd) {
        let scaled = |input: u64, output: u64| {
            let usage = Usage {
                input_tokens: scale(total.usage.input_tokens, input),
                cached_input_tokens: scale(total.usage.cached_input_tokens, input),
                cache_write_tokens: scale(total.usage.cache_write_tokens, input),
                output_tokens: scale(total.usage.output_tokens, output),
            };
            self.price.cost(&usage).unwrap_or(Usd::MAX)
        };
        let worst = total.worst_case.max(total.cost);
        let known = |ratio: &Ratio| {
            ratio
                .spread_permille(total.calls)
                .map(|spread| spread.clamp(LEAST_SPREAD, 900))
        };
        let around = |spread: Option<u64>, (low, high): (u64, u64)| match spread {
            Some(spread) => (1_000 - spread, 1_000 + spread),
            None => (low, high),
        };
        let counted = if self.has_tokenizer {
            (COUNTED_LOW, COUNTED_HIGH)
        } else {
            (INPUT_LOW, INPUT_HIGH)
        };
        let input = around(known(&self.learned.input), counted);
        let output = around(known(&self.learned.output), (OUTPUT_LOW, OUTPUT_HIGH));
        let low = scaled(input.0, output.0).min(total.cost);
        let high = scaled(input.1, output.1).min(worst).max(total.cost);
        (low, high)
    }
}

fn scale(tokens: u64, thousandths: u64) -> u64 {
    let scaled = u128::from(tokens) * u128::from(thousandths) / 1000;
    u64::try_from(scaled).unwrap_or(u64::MAX)
}

impl Row {
    fn plus(&self, other: &Self) -> Self {
        Self {
            documents: self.documents + other.documents,
            pages: self.pages + other.pages,
            calls: self.calls + other.calls,
            usage: self.usage.plus(&other.usage),
            cost: self.cost.saturating_add(other.cost),
            worst_case: self.worst_case.saturating_add(other.worst_case),
            cost_per_document: Usd::ZERO,
        }
    }

    /// What so many of the calls can cost at most, on average.
    fn worst_case_of(&self, calls: u64) -> Usd {
        let share = i128::from(self.worst_case.nanos()) * i128::from(calls) / i128::from(self.calls.max(1));
        i64::try_from(share).map_or(Usd::MAX, Usd::from_nanos)
    }

    fn completed(&self) -> Self {
        let documents = i64::try_from(self.documents).unwrap_or(i64::MAX).max(1);
        Self {
            cost_per_document: Usd::from_nanos(self.cost.nanos() / documents),
            ..*self
        }
    }
}
