//! Reserve: the intent to call is written and the worst case held back, in one
//! transaction, just before the call. Money that does not fit now may fit when
//! calls in flight come back cheaper than their worst case, so a refused call
//! waits for that; when nothing is in flight any more, the budget is exhausted.

use std::time::Duration;

use docmill_core::batch::BatchEvent;
use docmill_core::failure::{Failure, FailureCode};
use docmill_core::money::Usd;
use docmill_store::{Begun, LeasedDocument, Start, TransitionRefused};

use crate::EngineError;
use crate::lane::Admitted;
use crate::pipeline::Job;
use crate::pipeline::progress::Prompt;
use crate::pipeline::reply::Reply;

/// How long to wait for money that another process may give back.
const ANOTHER_PROCESS: Duration = Duration::from_millis(200);

/// A reserved call: the only thing [`crate::pipeline::call::call`] takes.
pub(crate) struct Reservation {
    pub(super) prompt: Prompt,
    pub(super) amount: Usd,
    pub(super) admitted: Admitted,
    attempt: u32,
}

impl Reservation {
    /// The attempt's number for its document.
    pub(crate) fn attempt(&self) -> u32 {
        self.attempt
    }
}

/// What came of it.
pub(crate) enum Reserved {
    /// Call now.
    Yes(Box<Reservation>),
    /// The answer was paid for before.
    Answered(Box<Reply>),
    /// Not now: give the document back.
    Later,
    /// This document can never be called.
    Never(Failure),
    /// The document is somebody else's.
    Lost,
}

pub(crate) async fn reserve(
    job: &Job,
    document: &LeasedDocument,
    prompt: Prompt,
) -> Result<Reserved, EngineError> {
    let tokens = prompt
        .bound
        .input_tokens
        .saturating_add(prompt.bound.output_tokens);
    let mut first_in_line = None;
    loop {
        // Leave to call comes before the money: what is held back is in flight in the next moment.
        let admitted = tokio::select! {
            admitted = job.lane.admit(tokens, job.clock()) => admitted,
            () = job.halted() => return Ok(Reserved::Later),
        };
        // Registered before asking, so that a settlement in between is not missed.
        let settled = job.settled.notified();
        tokio::pin!(settled);
        settled.as_mut().enable();
        let start = Start {
            document: document.id,
            worker: job.worker,
            model: job.setup.plan.model.clone(),
            part: prompt.part.0,
            answer_key: prompt.answer_key,
            reserve: prompt.worst_case,
            reuse: job.setup.plan.reuse_answers,
            now: job.now(),
        };
        let (available, calls_in_flight) = match job.store().begin(start).await? {
            Begun::NoBudget {
                available,
                calls_in_flight,
            } => (available, calls_in_flight),
            begun => return Ok(decided(begun, prompt, admitted)),
        };
        drop(admitted);
        if let Some(failure) = never_fits(job, &prompt).await? {
            return Ok(Reserved::Never(failure));
        }
        // Only the first in line asks the store again after each settlement.
        if first_in_line.is_none() {
            first_in_line = Some(tokio::select! {
                line = job.money_line.lock() => line,
                () = job.halted() => return Ok(Reserved::Later),
            });
            continue;
        }
        if calls_in_flight == 0 {
            if exhausted(job, &prompt, available).await? {
                return Ok(Reserved::Later);
            }
            continue;
        }
        tokio::select! {
            () = &mut settled => {}
            () = job.halted() => return Ok(Reserved::Later),
            // Another process may be the one that settles.
            () = tokio::time::sleep(ANOTHER_PROCESS) => {}
        }
    }
}

fn decided(begun: Begun, mut prompt: Prompt, admitted: Admitted) -> Reserved {
    match begun {
        Begun::Started { attempt } => {
            // A retry is another call, in the provider's logs and in a rehearsal's luck.
            prompt.request.call_id = format!("{}-{attempt}", prompt.answer_key.0.to_hex());
            let amount = prompt.worst_case;
            Reserved::Yes(Box::new(Reservation {
                prompt,
                amount,
                attempt,
                admitted,
            }))
        }
        Begun::Answered(stored) => Reserved::Answered(Box::new(Reply::of_stored(*stored, prompt))),
        Begun::NotRunning(_) | Begun::NoBudget { .. } => Reserved::Later,
        Begun::LeaseLost => Reserved::Lost,
    }
}

/// A document whose call may cost more than the whole budget can never be called; waiting in
/// line would not help it. (A budget of nothing is not its fault: that ends the run.)
async fn never_fits(job: &Job, prompt: &Prompt) -> Result<Option<Failure>, EngineError> {
    let budget = job.store().batch(job.batch).await?.balance.budget;
    let dear = budget.filter(|budget| *budget > Usd::ZERO && prompt.worst_case > *budget);
    Ok(dear.map(|budget| {
        Failure::new(
            FailureCode::OverBudget,
            format!(
                "one call for it may cost {}, the whole budget is {budget}",
                prompt.worst_case
            ),
        )
    }))
}

/// No call in flight can give money back: the budget is used up. `false`: a call slipped in
/// between, and is waited for.
async fn exhausted(job: &Job, prompt: &Prompt, available: Usd) -> Result<bool, EngineError> {
    let balance = job.store().batch(job.batch).await?.balance;
    let reason = why_exhausted(prompt.worst_case, available, balance.unconfirmed);
    let answer = job
        .store()
        .transition(job.batch, BatchEvent::ExhaustBudget, &reason, job.now())
        .await?;
    if matches!(answer, Err(TransitionRefused::CallsInFlight { .. })) {
        return Ok(false);
    }
    job.halt();
    Ok(true)
}

/// Why no further call fits. Money that may never have been spent is named: it comes back
/// when a person looks after it.
fn why_exhausted(worst_case: Usd, available: Usd, unconfirmed: Usd) -> String {
    let mut reason = format!("the next call may cost {worst_case}, {available} of the budget is left");
    if unconfirmed > Usd::ZERO {
        reason.push_str(&format!(
            "; {unconfirmed} of it is held back for calls whose outcome was lost (docmill ledger shows them, docmill reconcile brings it back)"
        ));
    }
    reason
}
