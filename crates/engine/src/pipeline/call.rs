//! Call: the one place where money may be spent. Takes a reservation by move, so
//! there is no call without one.

use std::time::Instant;

use docmill_core::failure::{Failure, FailureCode};
use docmill_llm::{Billing, CallError, Signals};

use crate::lane::signal_of;
use crate::pipeline::Job;
use crate::pipeline::reply::{Reply, ReplyOrigin};
use crate::pipeline::reserve::Reservation;

pub(crate) async fn call(job: &Job, reservation: Reservation) -> Reply {
    let Reservation {
        prompt,
        amount,
        hold,
        permit,
        ..
    } = reservation;
    let setup = job.setup_of(prompt.route.number);
    let patience = setup.patience();
    let started = Instant::now();
    let answer = tokio::time::timeout(patience, setup.resolved.provider.call(&prompt.request)).await;
    let answer = match answer {
        Ok(answer) => answer,
        Err(_) => Err(timed_out(patience.as_secs())),
    };
    let latency_ms = u32::try_from(started.elapsed().as_millis()).unwrap_or(u32::MAX);
    let signals: &Signals = match &answer {
        Ok(answer) => &answer.signals,
        Err(error) => &error.signals,
    };
    if let Ok(answer) = &answer {
        setup.took(latency_ms);
        setup.learn(&prompt, answer);
    }
    permit.report(&signal_of(signals, answer.as_ref().err()));
    Reply {
        prompt,
        origin: ReplyOrigin::Called { reserved: amount },
        hold: Some(hold),
        answer,
        latency_ms,
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
