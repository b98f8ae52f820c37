//! Everything that is counted, for Prometheus.

use std::collections::BTreeMap;

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use docmill_core::batch::BatchState;
use docmill_core::money::Usd;
use docmill_engine::telemetry::{BUCKETS_MS, ModelCalls};
use docmill_store::{Activity, ActivityQuery, BatchQuery, BatchRow};

use crate::alerts::{self, Outcome};
use crate::app::App;
use crate::exposition::Kind::{Counter, Gauge, Histogram};
use crate::exposition::{Exposition, Family};
use crate::problem::Problem;

/// Everything that is counted, in the text format of Prometheus.
pub(crate) async fn metrics(State(app): State<App>) -> Response {
    match render(&app).await {
        Ok(text) => {
            let kind = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
            ([(header::CONTENT_TYPE, kind)], text).into_response()
        }
        Err(problem) => problem.into_response(),
    }
}

async fn render(app: &App) -> Result<String, Problem> {
    let batches = app.store().batches(BatchQuery::default()).await?;
    let all = ActivityQuery {
        to: app.now().plus_ms(1),
        step_ms: i64::MAX / 4,
        ..ActivityQuery::default()
    };
    let mut sums = Activity::default();
    for row in app.store().activity(all).await? {
        sums.add(&row.activity);
    }
    let mut text = Exposition::default();
    text.family("docmill_build_info", Gauge, "Which docmill this is; always 1.")
        .sample(&[("version", env!("CARGO_PKG_VERSION"))], 1);
    of_batches(&mut text, &batches);
    of_activity(&mut text, &sums);
    of_models(&mut text, &app.engine.call_metrics().all());
    of_lanes(&mut text, app);
    of_server(&mut text, app).await?;
    Ok(text.finish())
}

fn of_batches(text: &mut Exposition, batches: &[BatchRow]) {
    let mut documents = BTreeMap::<&str, u64>::new();
    let mut states = BTreeMap::<&str, u64>::new();
    let (mut in_flight, mut reserved, mut unconfirmed) = (0, Usd::ZERO, Usd::ZERO);
    for row in batches {
        *states.entry(row.state.as_str()).or_default() += 1;
        for state in docmill_core::DocumentState::ALL {
            *documents.entry(state.as_str()).or_default() += row.counters.of(state);
        }
        in_flight += row.calls_in_flight;
        reserved = reserved.saturating_add(row.balance.reserved);
        unconfirmed = unconfirmed.saturating_add(row.balance.unconfirmed);
    }
    let mut family = text.family("docmill_batches", Gauge, "Batches by state.");
    by(&mut family, "state", &states);
    let mut family = text.family(
        "docmill_documents",
        Gauge,
        "Documents by state; pending is the queue.",
    );
    by(&mut family, "state", &documents);
    text.family("docmill_calls_in_flight", Gauge, "Calls in flight.")
        .sample(&[], in_flight);
    text.family(
        "docmill_reserved_usd",
        Gauge,
        "Dollars held back for calls in flight.",
    )
    .sample(&[], reserved.as_f64());
    text.family(
        "docmill_unconfirmed_usd",
        Gauge,
        "Dollars of calls nobody knows the end of.",
    )
    .sample(&[], unconfirmed.as_f64());
    let mut left = text.family(
        "docmill_budget_left_usd",
        Gauge,
        "Dollars a batch that has work left may still spend; without a budget it has no sample.",
    );
    for row in batches.iter().filter(|row| has_work(row)) {
        if row.balance.budget.is_some() {
            let id = row.id.to_string();
            let labels = [("batch", id.as_str()), ("name", row.name.as_str())];
            left.sample(&labels, row.balance.available().as_f64());
        }
    }
}

/// Whether its budget matters to anybody.
fn has_work(row: &BatchRow) -> bool {
    matches!(
        row.state,
        BatchState::Running | BatchState::Paused | BatchState::BudgetExhausted
    )
}

fn by(family: &mut Family<'_>, label: &str, counts: &BTreeMap<&str, u64>) {
    for (name, count) in counts {
        family.sample(&[(label, name)], count);
    }
}

/// What the database counts: of all processes, since it was made.
fn of_activity(text: &mut Exposition, sums: &Activity) {
    let mut ended = text.family(
        "docmill_documents_ended_total",
        Counter,
        "Documents ended, by outcome.",
    );
    ended.sample(&[("outcome", "completed")], sums.completed);
    ended.sample(&[("outcome", "failed")], sums.failed);
    let mut calls = text.family("docmill_calls_total", Counter, "Calls ended, by outcome.");
    let answered = sums.calls.saturating_sub(sums.refused + sums.errors);
    calls.sample(&[("outcome", "answered")], answered);
    calls.sample(&[("outcome", "refused")], sums.refused);
    calls.sample(&[("outcome", "error")], sums.errors);
    text.family(
        "docmill_answers_reused_total",
        Counter,
        "Answers found instead of paid for.",
    )
    .sample(&[], sums.reused);
    text.family("docmill_cost_usd_total", Counter, "Dollars settled.")
        .sample(&[], sums.cost.as_f64());
    let mut tokens = text.family("docmill_tokens_total", Counter, "Tokens, by kind.");
    tokens.sample(&[("kind", "input")], sums.usage.total_input());
    tokens.sample(&[("kind", "output")], sums.usage.output_tokens);
}

/// What this process counts since it began.
fn of_models(text: &mut Exposition, models: &BTreeMap<String, ModelCalls>) {
    let mut calls = text.family(
        "docmill_model_calls_total",
        Counter,
        "Calls of this process, by model and outcome: answered, or what went wrong.",
    );
    for (model, its) in models {
        for (outcome, count) in &its.outcomes {
            calls.sample(&[("model", model), ("outcome", outcome)], count);
        }
    }
    let mut tokens = text.family(
        "docmill_model_tokens_total",
        Counter,
        "Tokens of answered calls of this process, by model and kind.",
    );
    for (model, its) in models {
        tokens.sample(&[("model", model), ("kind", "input")], its.input_tokens);
        tokens.sample(&[("model", model), ("kind", "output")], its.output_tokens);
    }
    let mut took = text.family(
        "docmill_call_duration_seconds",
        Histogram,
        "How long answered calls of this process took, by model.",
    );
    for (model, its) in models {
        let ends = BUCKETS_MS.iter().map(|ms| seconds(*ms));
        let buckets: Vec<(f64, u64)> = ends.zip(its.buckets).collect();
        let count = its.outcomes.get("answered").copied().unwrap_or_default();
        took.histogram(&[("model", model)], &buckets, count, seconds(its.took_ms));
    }
}

#[expect(clippy::cast_precision_loss, reason = "a sum of times for a chart")]
fn seconds(ms: u64) -> f64 {
    ms as f64 / 1000.0
}

fn of_lanes(text: &mut Exposition, app: &App) {
    let lanes = app.engine.lanes();
    let mut places = text.family(
        "docmill_lane_places",
        Gauge,
        "Calls that may be in flight, by what shares a provider's limit.",
    );
    for lane in &lanes {
        places.sample(&[("lane", &lane.name)], lane.places);
    }
    let mut taken = text.family("docmill_lane_in_use", Gauge, "Places taken.");
    for lane in &lanes {
        taken.sample(&[("lane", &lane.name)], lane.in_use);
    }
    let mut requests = text.family(
        "docmill_lane_requests_per_minute",
        Gauge,
        "Requests in the past minute.",
    );
    for lane in &lanes {
        requests.sample(&[("lane", &lane.name)], lane.load.requests);
    }
}

async fn of_server(text: &mut Exposition, app: &App) -> Result<(), Problem> {
    text.family(
        "docmill_spooled_answers",
        Gauge,
        "Answers that were paid for and wait for the database to take them; not 0 for long.",
    )
    .sample(&[], app.engine.spooled());
    let mut outcomes = BTreeMap::<&str, u64>::new();
    for delivery in alerts::deliveries(app.store(), &app.seal).await? {
        let outcome = match delivery.outcome {
            Outcome::Pending => "pending",
            Outcome::Delivered => "delivered",
            Outcome::Failed => "failed",
        };
        *outcomes.entry(outcome).or_default() += 1;
    }
    let mut deliveries = text.family(
        "docmill_deliveries",
        Gauge,
        "Alerts that are remembered, by outcome.",
    );
    by(&mut deliveries, "outcome", &outcomes);
    let mut requests = text.family(
        "docmill_http_requests_total",
        Counter,
        "Requests answered by this process, by method and status.",
    );
    for ((method, status), count) in app.requests.all() {
        requests.sample(&[("method", &method), ("status", &status.to_string())], count);
    }
    text.family(
        "docmill_wrong_keys_total",
        Counter,
        "Keys that opened nothing, sent to this process.",
    )
    .sample(&[], app.tries.count());
    text.family("docmill_streams", Gauge, "Live streams that are open.")
        .sample(&[], app.limits.streams.taken());
    text.family(
        "docmill_requests_in_flight",
        Gauge,
        "Requests being answered, this one among them.",
    )
    .sample(&[], app.limits.requests.taken());
    if let Some(sample) = app.machine.last() {
        text.family(
            "docmill_processors_busy",
            Gauge,
            "Processors the server and its readers keep busy.",
        )
        .sample(&[], sample.processors);
        text.family(
            "docmill_resident_memory_bytes",
            Gauge,
            "Memory of the server and its readers.",
        )
        .sample(&[], sample.memory);
        text.family("docmill_processes", Gauge, "The server and its readers.")
            .sample(&[], sample.processes);
    }
    Ok(())
}
