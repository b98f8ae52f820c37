//! Estimates.

use std::collections::BTreeMap;

use docmill_core::estimate::{Bound, Estimate, Row};
use docmill_core::price::Price;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::dollars;

/// Documents of one class, or all.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EstimateRow {
    /// The class, or `total`.
    pub class: String,
    /// How many.
    pub documents: u64,
    /// Their pages.
    pub pages: u64,
    /// Calls they will take.
    pub calls: u64,
    /// Prompt tokens.
    pub input_tokens: u64,
    /// Tokens of the answers.
    pub output_tokens: u64,
    /// What they will probably cost.
    pub cost_usd: f64,
    /// What they can cost at most.
    pub worst_case_usd: f64,
    /// What one of them will probably cost.
    pub cost_per_document_usd: f64,
}

impl EstimateRow {
    fn of(class: &str, row: &Row) -> Self {
        Self {
            class: class.to_owned(),
            documents: row.documents,
            pages: row.pages,
            calls: row.calls,
            input_tokens: row.usage.total_input(),
            output_tokens: row.usage.output_tokens,
            cost_usd: dollars(row.cost),
            worst_case_usd: dollars(row.worst_case),
            cost_per_document_usd: dollars(row.cost_per_document),
        }
    }
}

/// A price per million tokens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PriceView {
    /// Of the prompt.
    pub input_usd_per_million: f64,
    /// Of the answer.
    pub output_usd_per_million: f64,
    /// Where it is from and of which date.
    pub origin: String,
}

impl From<&Price> for PriceView {
    fn from(price: &Price) -> Self {
        Self {
            input_usd_per_million: per_million(price.input.0),
            output_usd_per_million: per_million(price.output.0),
            origin: price.origin.clone(),
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a price for display; the exact one is stored"
)]
fn per_million(picos: u64) -> f64 {
    picos as f64 / 1e6
}

/// What a whole batch would cost with a fallback model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FallbackCostView {
    /// The model.
    pub model: String,
    /// What its answers would probably cost.
    pub cost_usd: f64,
}

/// What a batch will cost and how long it will take.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EstimateView {
    /// By class; those without documents left out.
    pub classes: Vec<EstimateRow>,
    /// All of them.
    pub total: EstimateRow,
    /// The cost will probably not be below this.
    pub low_usd: f64,
    /// The cost will probably not be above this.
    pub high_usd: f64,
    /// A budget that should do.
    pub recommended_budget_usd: f64,
    /// Of the high end and of the budget: room for second calls beside hanging ones.
    pub hedges_usd: f64,
    /// What all of it would cost if a fallback model answered instead.
    pub fallbacks: Vec<FallbackCostView>,
    /// How long it will take, in milliseconds.
    pub duration_ms: u64,
    /// What decides that: `concurrency`, `request_limit`, `token_limit` or `reading`.
    pub bound_by: String,
    /// Whose price this is.
    pub price: PriceView,
    /// Documents that cannot be read and will fail, by code.
    pub unreadable: BTreeMap<String, u64>,
}

impl From<&Estimate> for EstimateView {
    fn from(estimate: &Estimate) -> Self {
        let classes = estimate.classes.iter();
        Self {
            classes: classes
                .map(|(class, row)| EstimateRow::of(class.as_str(), row))
                .collect(),
            total: EstimateRow::of("total", &estimate.total),
            low_usd: dollars(estimate.low),
            high_usd: dollars(estimate.high),
            recommended_budget_usd: dollars(estimate.budget),
            hedges_usd: dollars(estimate.hedges),
            fallbacks: estimate
                .fallbacks
                .iter()
                .map(|fallback| FallbackCostView {
                    model: fallback.model.clone(),
                    cost_usd: dollars(fallback.cost),
                })
                .collect(),
            duration_ms: estimate.duration.ms,
            bound_by: bound(estimate.duration.bound_by).to_owned(),
            price: (&estimate.price).into(),
            unreadable: estimate
                .unreadable
                .iter()
                .map(|(code, count)| (code.as_str().to_owned(), *count))
                .collect(),
        }
    }
}

impl EstimateView {
    /// A stored estimate, when this docmill can read it.
    #[must_use]
    pub fn of_stored(stored: &serde_json::Value) -> Option<Self> {
        Estimate::deserialize(stored)
            .ok()
            .map(|estimate| (&estimate).into())
    }
}

const fn bound(bound: Bound) -> &'static str {
    match bound {
        Bound::Concurrency => "concurrency",
        Bound::RequestLimit => "request_limit",
        Bound::TokenLimit => "token_limit",
        Bound::Reading => "reading",
    }
}
