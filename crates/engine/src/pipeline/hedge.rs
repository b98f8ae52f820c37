//! Hedge: a call that hangs longer than nearly all others is made a second time beside it.
//! Off unless a person wants it. Both are reserved before they are made and booked after; the
//! first answer counts. What happens to the other is not waited for, so that it counts at its
//! worst case until it is reconciled.

use std::pin::pin;
use std::time::Duration;

use docmill_core::failure::{Failure, FailureCode};
use docmill_store::{Bill, LeasedDocument, Settlement};
use futures::future::{Either, select};

use crate::EngineError;
use crate::pipeline::Job;
use crate::pipeline::call::call;
use crate::pipeline::reply::Reply;
use crate::pipeline::reserve::{self, Reservation, Reserved};

/// What came of a call, or of two.
pub(crate) struct Hedged {
    pub(crate) reply: Reply,
    pub(crate) attempt: u32,
    /// The end of the call that was not waited for.
    pub(crate) other: Option<Settlement>,
}

/// Calls; when there is no answer after `after`, calls a second time beside it.
pub(crate) async fn hedged(
    job: &Job,
    document: &LeasedDocument,
    reservation: Reservation,
    room: Option<u32>,
    after: Duration,
) -> Result<Hedged, EngineError> {
    let attempt = reservation.attempt();
    let prompt = reservation.prompt.clone();
    let mut first = pin!(call(job, reservation));
    let only = |reply| Hedged {
        reply,
        attempt,
        other: None,
    };
    tokio::select! {
        reply = &mut first => return Ok(only(reply)),
        () = tokio::time::sleep(after) => {}
    }
    // Not interrupted: an intent to call that was written must not be forgotten.
    let mut reserving = pin!(reserve::reserve(job, document, prompt, room));
    let (answered, reserved) = match select(&mut first, &mut reserving).await {
        Either::Left((reply, reserving)) => (Some(reply), reserving.await?),
        Either::Right((reserved, _)) => (None, reserved?),
    };
    let second = match reserved {
        Reserved::Yes(second) => second,
        // There is no money or no turn for a second one.
        _ => {
            let reply = match answered {
                Some(reply) => reply,
                None => first.await,
            };
            return Ok(only(reply));
        }
    };
    let second_attempt = second.attempt();
    if let Some(reply) = answered {
        // It was not made: nothing is billed for it.
        let other = Some(not_needed(second_attempt, Bill::NotBilled));
        return Ok(Hedged { other, ..only(reply) });
    }
    let mut second = pin!(call(job, *second));
    Ok(match select(&mut first, &mut second).await {
        Either::Left((reply, _)) if reply.answer.is_ok() => Hedged {
            other: Some(not_needed(second_attempt, Bill::Unknown)),
            ..only(reply)
        },
        Either::Right((reply, _)) if reply.answer.is_ok() => Hedged {
            reply,
            attempt: second_attempt,
            other: Some(not_needed(attempt, Bill::Unknown)),
        },
        Either::Left((failed, second)) => ended(failed, attempt, second.await, second_attempt),
        Either::Right((failed, first)) => ended(failed, second_attempt, first.await, attempt),
    })
}

/// One call failed; the other is what counts.
fn ended(failed: Reply, failed_attempt: u32, reply: Reply, attempt: u32) -> Hedged {
    let error = failed.answer.as_ref().err();
    let bill = match error.map(|error| &error.billing) {
        Some(docmill_llm::Billing::NotBilled) => Bill::NotBilled,
        _ => Bill::Unknown,
    };
    Hedged {
        reply,
        attempt,
        other: Some(Settlement {
            failure: error.map(|error| error.failure.clone()),
            latency_ms: failed.latency_ms,
            ..not_needed(failed_attempt, bill)
        }),
    }
}

fn not_needed(attempt: u32, bill: Bill) -> Settlement {
    Settlement {
        attempt,
        bill,
        latency_ms: 0,
        request_id: None,
        raw_answer: None,
        failure: Some(Failure::new(
            FailureCode::CallTimeout,
            "another call for the same was answered first",
        )),
    }
}
