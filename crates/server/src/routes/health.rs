//! Health for load balancers and service managers, and metrics for Prometheus.

use std::fmt::Write as _;

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use docmill_store::{ActivityQuery, BatchQuery};

use crate::app::App;

/// The process is alive.
pub(crate) async fn healthz() -> &'static str {
    "ok\n"
}

/// The store answers.
pub(crate) async fn readyz(State(app): State<App>) -> (StatusCode, &'static str) {
    let query = BatchQuery {
        limit: 1,
        ..BatchQuery::default()
    };
    match app.store().batches(query).await {
        Ok(_) => (StatusCode::OK, "ready\n"),
        Err(_) => (StatusCode::SERVICE_UNAVAILABLE, "the store does not answer\n"),
    }
}

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

async fn render(app: &App) -> Result<String, crate::problem::Problem> {
    let mut text = String::new();
    let batches = app.store().batches(BatchQuery::default()).await?;
    let mut documents = std::collections::BTreeMap::<&str, u64>::new();
    let mut states = std::collections::BTreeMap::<&str, u64>::new();
    let (mut in_flight, mut reserved, mut unconfirmed) = (0, 0.0, 0.0);
    for row in &batches {
        *states.entry(row.state.as_str()).or_default() += 1;
        for state in docmill_core::DocumentState::ALL {
            *documents.entry(state.as_str()).or_default() += row.counters.of(state);
        }
        in_flight += row.calls_in_flight;
        reserved += row.balance.reserved.as_f64();
        unconfirmed += row.balance.unconfirmed.as_f64();
    }
    let all = ActivityQuery {
        to: app.now().plus_ms(1),
        step_ms: i64::MAX / 4,
        ..ActivityQuery::default()
    };
    let mut sums = docmill_store::Activity::default();
    for row in app.store().activity(all).await? {
        sums.add(&row.activity);
    }
    family(&mut text, "docmill_batches", "gauge", "Batches by state.");
    for (state, count) in states {
        line(&mut text, "docmill_batches", &format!("state=\"{state}\""), count);
    }
    family(
        &mut text,
        "docmill_documents",
        "gauge",
        "Documents by state; pending is the queue.",
    );
    for (state, count) in documents {
        line(
            &mut text,
            "docmill_documents",
            &format!("state=\"{state}\""),
            count,
        );
    }
    family(
        &mut text,
        "docmill_documents_ended_total",
        "counter",
        "Documents ended, by outcome.",
    );
    line(
        &mut text,
        "docmill_documents_ended_total",
        "outcome=\"completed\"",
        sums.completed,
    );
    line(
        &mut text,
        "docmill_documents_ended_total",
        "outcome=\"failed\"",
        sums.failed,
    );
    family(
        &mut text,
        "docmill_calls_total",
        "counter",
        "Calls ended, by outcome.",
    );
    let answered = sums.calls.saturating_sub(sums.refused + sums.errors);
    line(&mut text, "docmill_calls_total", "outcome=\"answered\"", answered);
    line(
        &mut text,
        "docmill_calls_total",
        "outcome=\"refused\"",
        sums.refused,
    );
    line(&mut text, "docmill_calls_total", "outcome=\"error\"", sums.errors);
    family(
        &mut text,
        "docmill_answers_reused_total",
        "counter",
        "Answers found instead of paid for.",
    );
    line(&mut text, "docmill_answers_reused_total", "", sums.reused);
    family(&mut text, "docmill_cost_usd_total", "counter", "Dollars settled.");
    line(&mut text, "docmill_cost_usd_total", "", sums.cost.as_f64());
    family(
        &mut text,
        "docmill_reserved_usd",
        "gauge",
        "Dollars held back for calls in flight.",
    );
    line(&mut text, "docmill_reserved_usd", "", reserved);
    family(
        &mut text,
        "docmill_unconfirmed_usd",
        "gauge",
        "Dollars of calls nobody knows the end of.",
    );
    line(&mut text, "docmill_unconfirmed_usd", "", unconfirmed);
    family(&mut text, "docmill_tokens_total", "counter", "Tokens, by kind.");
    line(
        &mut text,
        "docmill_tokens_total",
        "kind=\"input\"",
        sums.usage.total_input(),
    );
    line(
        &mut text,
        "docmill_tokens_total",
        "kind=\"output\"",
        sums.usage.output_tokens,
    );
    family(&mut text, "docmill_calls_in_flight", "gauge", "Calls in flight.");
    line(&mut text, "docmill_calls_in_flight", "", in_flight);
    family(
        &mut text,
        "docmill_call_duration_seconds",
        "summary",
        "How long answered calls took.",
    );
    for permille in [500, 950, 990] {
        if let Some(took) = sums.latency.permille(permille) {
            let quantile = format!(
                "quantile=\"0.{}\"",
                if permille == 500 { 5 } else { permille / 10 }
            );
            line(
                &mut text,
                "docmill_call_duration_seconds",
                &quantile,
                took.as_secs_f64(),
            );
        }
    }
    line(
        &mut text,
        "docmill_call_duration_seconds_count",
        "",
        sums.latency.count(),
    );
    family(
        &mut text,
        "docmill_lane_places",
        "gauge",
        "Calls that may be in flight, by lane.",
    );
    family_of_lanes(&mut text, app);
    family(
        &mut text,
        "docmill_streams",
        "gauge",
        "Live streams that are open.",
    );
    line(&mut text, "docmill_streams", "", app.limits.streams.taken());
    family(
        &mut text,
        "docmill_requests_in_flight",
        "gauge",
        "Requests being answered, this one among them.",
    );
    line(
        &mut text,
        "docmill_requests_in_flight",
        "",
        app.limits.requests.taken(),
    );
    if let Some(sample) = app.machine.last() {
        for (name, help, value) in [
            (
                "docmill_processors_busy",
                "Processors the server and its readers keep busy.",
                f64::from(sample.processors),
            ),
            (
                "docmill_resident_memory_bytes",
                "Memory of the server and its readers.",
                as_f64(sample.memory),
            ),
            (
                "docmill_processes",
                "The server and its readers.",
                f64::from(sample.processes),
            ),
        ] {
            family(&mut text, name, "gauge", help);
            line(&mut text, name, "", value);
        }
    }
    Ok(text)
}

#[expect(clippy::cast_precision_loss, reason = "bytes for a chart")]
fn as_f64(bytes: u64) -> f64 {
    bytes as f64
}

fn family_of_lanes(text: &mut String, app: &App) {
    let lanes = app.engine.lanes();
    for lane in &lanes {
        line(text, "docmill_lane_places", &label(&lane.name), lane.places);
    }
    family(text, "docmill_lane_in_use", "gauge", "Places taken, by lane.");
    for lane in &lanes {
        line(text, "docmill_lane_in_use", &label(&lane.name), lane.in_use);
    }
    family(
        text,
        "docmill_lane_requests_per_minute",
        "gauge",
        "Requests in the past minute, by lane.",
    );
    for lane in &lanes {
        line(
            text,
            "docmill_lane_requests_per_minute",
            &label(&lane.name),
            lane.load.requests,
        );
    }
}

fn label(lane: &str) -> String {
    let escaped = lane
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n");
    format!("lane=\"{escaped}\"")
}

// Writing to a String cannot fail.
fn family(text: &mut String, name: &str, kind: &str, help: &str) {
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn line(text: &mut String, name: &str, labels: &str, value: impl std::fmt::Display) {
    let _ = match labels {
        "" => writeln!(text, "{name} {value}"),
        labels => writeln!(text, "{name}{{{labels}}} {value}"),
    };
}
