//! What charts are drawn from.

use docmill_store::{Activity, ActivityRow};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{UsageView, dollars, time};

/// Sums of an interval, or of everything asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Slice {
    /// Documents completed.
    pub completed: u64,
    /// Documents failed.
    pub failed: u64,
    /// Calls that ended.
    pub calls: u64,
    /// Of these: refused for speed.
    pub refused: u64,
    /// Of these: ended otherwise without a usable answer.
    pub errors: u64,
    /// Documents put back for another try.
    pub retried: u64,
    /// Answers found in the store instead of paid for.
    pub reused: u64,
    /// What was settled.
    pub cost_usd: f64,
    /// What the calls used.
    pub usage: UsageView,
    /// Half of the answered calls took no longer; absent without any. Milliseconds.
    #[schema(required)]
    pub latency_p50_ms: Option<u64>,
    /// 95 of 100.
    #[schema(required)]
    pub latency_p95_ms: Option<u64>,
    /// 99 of 100.
    #[schema(required)]
    pub latency_p99_ms: Option<u64>,
}

impl From<&Activity> for Slice {
    fn from(activity: &Activity) -> Self {
        let latency = |permille| {
            let found = activity.latency.permille(permille)?;
            u64::try_from(found.as_millis()).ok()
        };
        Self {
            completed: activity.completed,
            failed: activity.failed,
            calls: activity.calls,
            refused: activity.refused,
            errors: activity.errors,
            retried: activity.retried,
            reused: activity.reused,
            cost_usd: dollars(activity.cost),
            usage: UsageView::from(&activity.usage),
            latency_p50_ms: latency(500),
            latency_p95_ms: latency(950),
            latency_p99_ms: latency(990),
        }
    }
}

/// One interval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ActivityPoint {
    /// When it begins.
    pub at: String,
    /// Whose, when batches are told apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<String>,
    /// Of which class, when classes are told apart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<String>,
    /// What happened.
    #[serde(flatten)]
    pub slice: Slice,
}

impl From<&ActivityRow> for ActivityPoint {
    fn from(row: &ActivityRow) -> Self {
        Self {
            at: time(row.at),
            batch: row.batch.map(|id| id.to_string()),
            class: row.class.map(|class| class.as_str().to_owned()),
            slice: (&row.activity).into(),
        }
    }
}

/// Intervals, oldest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ActivityList {
    /// The first moment looked at.
    pub from: String,
    /// The first moment no longer looked at.
    pub to: String,
    /// Length of each, in milliseconds. Intervals in which nothing happened are left out.
    pub step_ms: i64,
    /// The intervals.
    pub points: Vec<ActivityPoint>,
    /// All of them together.
    pub total: Slice,
}
