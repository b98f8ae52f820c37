//! Call: the one place where money may be spent. Takes a reservation by move, so
//! there is no call without one.

use std::time::Duration;

use docmill_core::failure::{Failure, FailureCode};
use docmill_llm::{Answer, Billing, CallError, Signals};
use tokio::time::Instant;
use tracing::field::Empty;
use tracing::{Instrument as _, Span};

use crate::lane::signal_of;
use crate::pipeline::reply::{Reply, ReplyOrigin};
use crate::pipeline::reserve::Reservation;
use crate::pipeline::{Job, Setup};
use crate::telemetry::{CALLS, METRICS};

pub(crate) async fn call(job: &Job, reservation: Reservation) -> Reply {
    let Reservation {
        prompt,
        amount,
        hold,
        permit,
        document,
        ..
    } = reservation;
    let setup = job.setup_of(prompt.route.number);
    let patience = setup.patience();
    let provider = &setup.resolved.provider;
    // The names of OpenTelemetry's conventions for generative AI.
    let span = tracing::debug_span!(
        target: CALLS,
        "chat",
        otel.name = format_args!("chat {}", setup.resolved.model),
        otel.kind = "client",
        otel.status_code = Empty,
        gen_ai.operation.name = "chat",
        gen_ai.provider.name = provider.name(),
        gen_ai.request.model = &*setup.resolved.model,
        gen_ai.response.id = Empty,
        gen_ai.usage.input_tokens = Empty,
        gen_ai.usage.output_tokens = Empty,
        error.type = Empty,
        docmill.document = document.ordinal.0,
    );
    let started = Instant::now();
    let calling = provider.call(&prompt.request).instrument(span.clone());
    let answer = match within(patience, calling).await {
        Some(answer) => answer,
        None => Err(timed_out(patience.as_secs())),
    };
    let took = started.elapsed();
    let latency_ms = u32::try_from(took.as_millis()).unwrap_or(u32::MAX);
    tell(&span, setup, took, &answer);
    let signals: &Signals = match &answer {
        Ok(answer) => &answer.signals,
        Err(error) => &error.signals,
    };
    if let Ok(answer) = &answer {
        // One that was read late says nothing about the model.
        if took <= patience {
            setup.took(latency_ms);
        }
        setup.learn(&prompt, answer);
    }
    let error = answer.as_ref().err();
    permit.report(&signal_of(signals, error), error.map(|error| &error.failure));
    Reply {
        prompt,
        origin: ReplyOrigin::Called { reserved: amount },
        hold: Some(hold),
        answer,
        latency_ms,
    }
}

/// Waits for an answer for so long; `None`: none came. A process that stood still (SIGSTOP, a machine
/// that slept) finds its time run out and the answer, which was paid for, unread in the socket: then
/// there is a little time to read it.
async fn within<T>(patience: Duration, calling: impl Future<Output = T>) -> Option<T> {
    let deadline = Instant::now() + patience;
    tokio::pin!(calling);
    if let Ok(answer) = tokio::time::timeout_at(deadline, &mut calling).await {
        return Some(answer);
    }
    if deadline.elapsed() < STOOD_STILL {
        return None;
    }
    tokio::time::timeout(TO_READ, calling).await.ok()
}

/// A timer that rings so late was not heard.
const STOOD_STILL: Duration = Duration::from_secs(1);

/// For an answer that came while nobody looked.
const TO_READ: Duration = Duration::from_secs(5);

/// Counts a call, and says how it ended.
fn tell(span: &Span, setup: &Setup, took: Duration, answer: &Result<Answer, CallError>) {
    let ended = match answer {
        Ok(answer) => Ok(answer.usage),
        Err(error) => Err(error.failure.code),
    };
    setup.calls.ended(&setup.plan.model, took, ended);
    if span.is_disabled() {
        return;
    }
    match answer {
        Ok(answer) => {
            if let Some(id) = &answer.request_id {
                span.record("gen_ai.response.id", id);
            }
            if let Some(usage) = &answer.usage {
                span.record("gen_ai.usage.input_tokens", usage.total_input());
                span.record("gen_ai.usage.output_tokens", usage.output_tokens);
            }
        }
        Err(error) => {
            span.record("otel.status_code", "ERROR");
            span.record("error.type", error.failure.code.as_str());
        }
    }
    let latency_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    span.in_scope(|| match answer {
        Ok(_) => tracing::debug!(target: CALLS, latency_ms, "answered"),
        Err(error) => tracing::debug!(target: CALLS, latency_ms, failure = %error.failure, "failed"),
    });
    measure(setup, took, answer);
}

/// The histograms of OpenTelemetry's conventions for generative AI; the words before the names tell
/// the layer that sends metrics what these events are.
fn measure(setup: &Setup, took: Duration, answer: &Result<Answer, CallError>) {
    let provider = setup.resolved.provider.name();
    let model = &*setup.resolved.model;
    let error = answer.as_ref().err().map(|error| error.failure.code.as_str());
    tracing::debug!(
        target: METRICS,
        {
            histogram.gen_ai.client.operation.duration = took.as_secs_f64(),
            gen_ai.operation.name = "chat",
            gen_ai.provider.name = provider,
            gen_ai.request.model = model,
            error.type = error,
        },
        "a call took"
    );
    let Some(usage) = answer.as_ref().ok().and_then(|answer| answer.usage) else {
        return;
    };
    for (kind, tokens) in [("input", usage.total_input()), ("output", usage.output_tokens)] {
        tracing::debug!(
            target: METRICS,
            {
                histogram.gen_ai.client.token.usage = tokens,
                gen_ai.token.type = kind,
                gen_ai.operation.name = "chat",
                gen_ai.provider.name = provider,
                gen_ai.request.model = model,
            },
            "a call used"
        );
    }
}

/// Nobody knows whether a call that was given up is billed.
fn timed_out(seconds: u64) -> CallError {
    CallError {
        failure: Failure::new(FailureCode::CallTimeout, format!("no answer within {seconds} s")),
        billing: Billing::Unknown,
        signals: Signals::default(),
    }
}
