//! Analytics: what happened when.

use axum::extract::State;
use docmill_core::time::Timestamp;
use docmill_store::{ACTIVITY_INTERVAL_MS, Activity, ActivityQuery};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::app::App;
use crate::params::{Query, moment};
use crate::problem::Problem;
use crate::views::{ActivityList, ActivityPoint, Slice};

/// Points of a chart when nobody says how many: one for each two pixels of a wide one.
const POINTS: i64 = 300;

/// The longest time charts look back: ten years.
const LONGEST_MS: i64 = 10 * 366 * 24 * 3600 * 1000;

/// Steps that people read: ten seconds to a week.
const STEPS: [i64; 12] = [
    10_000,
    30_000,
    60_000,
    300_000,
    900_000,
    1_800_000,
    3_600_000,
    10_800_000,
    21_600_000,
    43_200_000,
    86_400_000,
    604_800_000,
];

/// Which intervals.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct ActivityParams {
    /// Only of these batches: ids, short ids or names, separated by commas.
    pub batch: Option<String>,
    /// From this time on, RFC 3339; absent: a day ago, or the start of the batch that is asked for.
    #[param(format = DateTime)]
    pub from: Option<String>,
    /// Before this time, RFC 3339; absent: now, or the end of the batches that are asked for.
    #[param(format = DateTime)]
    pub to: Option<String>,
    /// Length of an interval in seconds; absent: about 300 intervals.
    #[param(minimum = 10)]
    pub step: Option<u32>,
    /// Batches and classes told apart.
    pub apart: bool,
}

/// Sums per interval: documents, calls, cost, tokens, latency.
#[utoipa::path(get, path = "/activity", tag = "analytics", params(ActivityParams),
    responses((status = 200, body = ActivityList), (status = 400, body = Problem, content_type = "application/problem+json"),
        (status = 404, body = Problem, content_type = "application/problem+json")))]
pub async fn activity(
    State(app): State<App>,
    Query(params): Query<ActivityParams>,
) -> Result<axum::Json<ActivityList>, Problem> {
    let now = app.now();
    let mut batches = Vec::new();
    let mut started = None;
    let mut ended = Some(Timestamp(0));
    for name in params.batch.as_deref().unwrap_or_default().split(',') {
        if name.trim().is_empty() {
            continue;
        }
        let row = app.batch(name.trim()).await?;
        started = started.into_iter().chain(row.started_at).min();
        ended = ended.zip(row.ended_at).map(|(last, end)| last.max(end));
        batches.push(row.id);
    }
    let to = match params.to.as_deref() {
        Some(to) => moment(to)?,
        // The interval of the last moment is looked at whole.
        None if !batches.is_empty() => ended
            .map_or(now, |end| end.plus_ms(ACTIVITY_INTERVAL_MS))
            .min(now)
            .plus_ms(1),
        None => now.plus_ms(1),
    };
    let from = match params.from.as_deref() {
        Some(from) => moment(from)?,
        None if batches.is_empty() => to.plus_ms(-24 * 3600 * 1000),
        None => started.unwrap_or(to).plus_ms(-ACTIVITY_INTERVAL_MS),
    };
    let length = to.since_ms(from).clamp(0, LONGEST_MS);
    let step_ms = match params.step {
        Some(seconds) => i64::from(seconds.max(10)) * 1000,
        None => STEPS
            .into_iter()
            .find(|step| length / step <= POINTS)
            .unwrap_or(STEPS[STEPS.len() - 1]),
    };
    let from = Timestamp(to.0.saturating_sub(length));
    let query = ActivityQuery {
        batches,
        from,
        to,
        step_ms,
        apart: params.apart,
    };
    let rows = app.store().activity(query).await?;
    let mut total = Activity::default();
    for row in &rows {
        total.add(&row.activity);
    }
    Ok(axum::Json(ActivityList {
        from: crate::views::time(from),
        to: crate::views::time(to),
        step_ms,
        points: rows.iter().map(ActivityPoint::from).collect(),
        total: Slice::from(&total),
    }))
}
