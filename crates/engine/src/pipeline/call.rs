//! Call: the one place where money may be spent. Takes a reservation by move, so
//! there is no call without one.

use std::time::Instant;

use docmill_core::money::Usd;
use docmill_llm::{Answer, CallError, Signals};

use crate::lane::signal_of;
use crate::pipeline::Job;
use crate::pipeline::prepare::Prompt;
use crate::pipeline::reserve::Reservation;

/// What came back, and for what.
pub(crate) struct Reply {
    /// What was asked.
    pub(crate) prompt: Prompt,
    /// Where the answer is from.
    pub(crate) origin: ReplyOrigin,
    /// The answer, or why there is none.
    pub(crate) answer: Result<Answer, CallError>,
    /// How long it took.
    pub(crate) latency_ms: u32,
}

/// Where an answer is from.
pub(crate) enum ReplyOrigin {
    /// A call, with this much held back for it.
    Called {
        /// The reservation.
        reserved: Usd,
    },
    /// Stored: it was paid for before.
    Stored,
}

pub(crate) async fn call(job: &Job, reservation: Reservation) -> Reply {
    let Reservation {
        prompt,
        amount,
        admitted,
        ..
    } = reservation;
    let started = Instant::now();
    let answer = job.setup.resolved.provider.call(&prompt.request).await;
    let latency_ms = u32::try_from(started.elapsed().as_millis()).unwrap_or(u32::MAX);
    let signals: &Signals = match &answer {
        Ok(answer) => &answer.signals,
        Err(error) => &error.signals,
    };
    let used = answer.as_ref().ok().and_then(|answer| answer.usage);
    admitted.report(
        job.now(),
        &signal_of(signals, answer.as_ref().err(), &prompt.bound, used),
    );
    Reply {
        prompt,
        origin: ReplyOrigin::Called { reserved: amount },
        answer,
        latency_ms,
    }
}
