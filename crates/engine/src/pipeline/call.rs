//! Call: the one place where money may be spent. Takes a reservation by move, so
//! there is no call without one.

use std::time::Instant;

use docmill_llm::Signals;

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
    let started = Instant::now();
    let answer = job.setup.resolved.provider.call(&prompt.request).await;
    let latency_ms = u32::try_from(started.elapsed().as_millis()).unwrap_or(u32::MAX);
    let signals: &Signals = match &answer {
        Ok(answer) => &answer.signals,
        Err(error) => &error.signals,
    };
    if let Ok(answer) = &answer {
        job.setup.learn(&prompt, answer);
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
