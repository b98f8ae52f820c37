//! Batches.

use docmill_core::fair::Priority;
use docmill_core::usage::Usage;
use docmill_engine::{Clock as _, SystemClock};
use docmill_store::BatchRow;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{EstimateView, dollars, time};

/// How many documents stand where.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DocumentCounts {
    /// All documents.
    pub total: u64,
    /// Waiting.
    pub pending: u64,
    /// In the hands of a worker.
    pub leased: u64,
    /// Done.
    pub completed: u64,
    /// Ended without a result.
    pub failed: u64,
    /// Given up with their batch.
    pub cancelled: u64,
    /// Duplicates, unsupported, empty.
    pub skipped: u64,
}

/// The money of a batch, in dollars.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Money {
    /// The wall; absent: no limit.
    #[schema(required)]
    pub budget_usd: Option<f64>,
    /// What calls cost so far.
    pub settled_usd: f64,
    /// Held back for calls in flight, at their worst case.
    pub reserved_usd: f64,
    /// Of calls of which nobody knows whether they were billed, at their worst case.
    pub unconfirmed_usd: f64,
}

/// Tokens as the provider counted them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct UsageView {
    /// Prompt tokens at the full price.
    pub input_tokens: u64,
    /// Prompt tokens read from the provider's cache.
    pub cached_input_tokens: u64,
    /// Prompt tokens written to the provider's cache.
    pub cache_write_tokens: u64,
    /// Tokens of the answers.
    pub output_tokens: u64,
}

impl From<&Usage> for UsageView {
    fn from(usage: &Usage) -> Self {
        Self {
            input_tokens: usage.input_tokens,
            cached_input_tokens: usage.cached_input_tokens,
            cache_write_tokens: usage.cache_write_tokens,
            output_tokens: usage.output_tokens,
        }
    }
}

/// A batch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BatchView {
    /// Its id.
    pub id: String,
    /// The end of its id, for people.
    pub short_id: String,
    /// What people call it.
    pub name: String,
    /// `draft`, `estimating`, `ready`, `running`, `paused`, `completed`, `completed_with_failures`,
    /// `budget_exhausted`, `cancelled` or `failed`.
    pub state: String,
    /// Why it stands there.
    pub reason: String,
    /// Who made it, as far as is known.
    pub owner: String,
    /// The template's name.
    pub template: String,
    /// The model as the user named it.
    pub model: String,
    /// Address of the provider, when it is not the provider's own.
    #[schema(required)]
    pub base_url: Option<String>,
    /// Where its documents come from.
    pub sources: Vec<String>,
    /// Calls in flight at most; absent: the model's default.
    #[schema(required)]
    pub concurrency: Option<u32>,
    /// Its share of a limit that other batches want too.
    pub weight: u32,
    /// The same in words: `high`, `normal` or `low`.
    pub priority: String,
    /// Models that are asked when the first cannot answer.
    pub fallback: Vec<String>,
    /// Hours in which it may call.
    #[schema(required)]
    pub between: Option<String>,
    /// How many documents stand where.
    pub documents: DocumentCounts,
    /// Its money.
    pub money: Money,
    /// What its calls used.
    pub usage: UsageView,
    /// Calls started.
    pub calls: u64,
    /// Calls in flight.
    pub calls_in_flight: u64,
    /// The estimate shown for it.
    #[schema(required)]
    pub estimate: Option<EstimateView>,
    /// When it was made.
    pub created_at: String,
    /// When it was first started.
    #[schema(required)]
    pub started_at: Option<String>,
    /// When it ended, if it has.
    #[schema(required)]
    pub ended_at: Option<String>,
    /// When anything about it last changed.
    pub updated_at: String,
    /// When it was put out of sight, if it was.
    #[schema(required)]
    pub archived_at: Option<String>,
    /// Speed and outlook while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live: Option<Live>,
}

impl From<&BatchRow> for BatchView {
    fn from(row: &BatchRow) -> Self {
        let counters = &row.counters;
        let weight = row.plan.weight.unwrap_or(Priority::Normal.weight());
        let waiting = docmill_engine::hours::waiting(&row.plan, row.state, SystemClock::default().now());
        Self {
            id: row.id.to_string(),
            short_id: row.id.short(),
            name: row.name.clone(),
            state: row.state.as_str().to_owned(),
            reason: waiting.unwrap_or_else(|| row.reason.clone()),
            owner: row.owner.clone(),
            template: row.template.name.clone(),
            model: row.plan.model.clone(),
            base_url: row.plan.base_url.clone(),
            sources: row.sources.clone(),
            concurrency: row.plan.concurrency,
            weight,
            priority: Priority::of_weight(weight).as_str().to_owned(),
            fallback: row.plan.fallbacks.iter().map(|it| it.model.clone()).collect(),
            between: row.plan.between.map(|hours| hours.to_string()),
            documents: DocumentCounts {
                total: counters.total(),
                pending: counters.pending,
                leased: counters.leased,
                completed: counters.completed,
                failed: counters.failed,
                cancelled: counters.cancelled,
                skipped: counters.skipped,
            },
            money: Money {
                budget_usd: row.balance.budget.map(dollars),
                settled_usd: dollars(row.balance.settled),
                reserved_usd: dollars(row.balance.reserved),
                unconfirmed_usd: dollars(row.balance.unconfirmed),
            },
            usage: (&row.usage).into(),
            calls: row.calls,
            calls_in_flight: row.calls_in_flight,
            estimate: row.estimate.as_ref().and_then(EstimateView::of_stored),
            created_at: time(row.created_at),
            started_at: row.started_at.map(time),
            ended_at: row.ended_at.map(time),
            updated_at: time(row.updated_at),
            archived_at: row.archived_at.map(time),
            live: None,
        }
    }
}

/// Speed and outlook of a running batch.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, ToSchema)]
pub struct Live {
    /// Documents ended per second, over the last half minute.
    pub documents_per_second: f64,
    /// Calls ended per second.
    pub calls_per_second: f64,
    /// Dollars per hour at this speed.
    pub usd_per_hour: f64,
    /// Seconds until everything is done at this speed; absent while nobody can say.
    #[schema(required)]
    pub eta_seconds: Option<u64>,
    /// Probably not less.
    #[schema(required)]
    pub eta_low_seconds: Option<u64>,
    /// Probably not more.
    #[schema(required)]
    pub eta_high_seconds: Option<u64>,
    /// What decides the speed: `reading`, `concurrency`, `request_limit`, `token_limit`, `held_back`
    /// (after a refusal), `budget`.
    pub bound_by: String,
    /// What it will cost in the end at the cost per document so far.
    #[schema(required)]
    pub projected_usd: Option<f64>,
    /// Share of the provider's limit that is used, 0 to 1; absent when no limit is known.
    #[schema(required)]
    pub utilisation: Option<f64>,
    /// Calls in flight of all batches that share the limit.
    pub lane_in_use: u64,
    /// Calls that may be in flight in that lane.
    pub lane_places: u64,
    /// Why it does not get on: the provider lets nothing through.
    #[schema(required)]
    pub trouble: Option<String>,
}

/// A batch, with what only its own page shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BatchDetail {
    /// The batch.
    #[serde(flatten)]
    pub batch: BatchView,
    /// The template it was made with: name, schema, instructions, checks.
    #[schema(value_type = Object)]
    pub template_spec: serde_json::Value,
    /// The fields of its results.
    pub fields: Vec<super::ResultField>,
    /// The limit sent with each call.
    pub max_output_tokens: u32,
    /// Whether pictures of text are read.
    pub ocr: bool,
    /// Whether answers paid for before are used again.
    pub reuse_answers: bool,
    /// Where the price is from, and its date.
    pub price: super::PriceView,
}

/// Batches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BatchList {
    /// The batches of this page.
    pub batches: Vec<BatchView>,
    /// How many match.
    pub matching: u64,
    /// How many there are in each state, of those in sight.
    pub states: std::collections::BTreeMap<String, u64>,
}

/// Money and work of all batches.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Totals {
    /// Settled since midnight UTC.
    pub today_usd: f64,
    /// Settled since the first of the month, UTC.
    pub month_usd: f64,
    /// What may be spent a day before an alert; absent: not set.
    #[schema(required)]
    pub day_budget_usd: Option<f64>,
    /// What may be spent a month before an alert; absent: not set.
    #[schema(required)]
    pub month_budget_usd: Option<f64>,
    /// Documents completed since midnight UTC.
    pub documents_today: u64,
    /// Batches running.
    pub running: u64,
    /// Documents per second of all of them.
    pub documents_per_second: f64,
    /// The version of docmill.
    pub version: String,
}
