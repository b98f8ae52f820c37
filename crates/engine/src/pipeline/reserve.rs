//! Reserve: the intent to call is written and the worst case held back, in one
//! transaction, just before the call.
//!
//! Three things are needed, and taken in this order, so that nobody sits on one that
//! others could use while waiting for the next: money (a hold in this process's view
//! of the budget, [`super::money`]), a permit (turn and pace, [`crate::lane`]), and the
//! store's word, which alone counts. Money that does not fit now may fit when calls in
//! flight come back cheaper than their worst case; when nothing is in flight any more,
//! the budget is exhausted.

use std::time::Duration;

use docmill_core::batch::BatchEvent;
use docmill_core::failure::{Failure, FailureCode};
use docmill_core::id::DocumentId;
use docmill_core::money::Usd;
use docmill_store::{Begun, LeasedDocument, Start, TransitionRefused};

use crate::EngineError;
use crate::lane::Permit;
use crate::pipeline::Job;
use crate::pipeline::money::Hold;
use crate::pipeline::progress::Prompt;
use crate::pipeline::reply::Reply;

/// How long to wait for money that another process may give back.
const ANOTHER_PROCESS: Duration = Duration::from_millis(200);

/// A reserved call: the only thing [`crate::pipeline::call::call`] takes.
pub(crate) struct Reservation {
    pub(super) prompt: Prompt,
    pub(super) amount: Usd,
    pub(super) hold: Hold,
    pub(super) permit: Permit,
    pub(super) document: DocumentId,
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
    /// Its provider went down: ask another.
    Elsewhere,
    /// Not now: give the document back.
    Later,
    /// This document can never be called.
    Never(Failure),
    /// The document is somebody else's.
    Lost,
}

/// `room`: an answer to this prompt was cut, and this much is allowed now.
pub(crate) async fn reserve(
    job: &Job,
    document: &LeasedDocument,
    mut prompt: Prompt,
    room: Option<u32>,
) -> Result<Reserved, EngineError> {
    let setup = job.setup_of(prompt.route.number);
    let goes_first = document.attempts > 0 || prompt.part.0 > 0;
    loop {
        if job.until_open().is_some() {
            return Ok(Reserved::Later);
        }
        let need = setup.fit(&mut prompt, room)?;
        if let Some(failure) = never_fits(job, &prompt).await? {
            return Ok(Reserved::Never(failure));
        }
        let mut hold = tokio::select! {
            Some(hold) = job.money.hold(prompt.worst_case) => hold,
            () = job.halted() => return Ok(Reserved::Later),
        };
        let permit = tokio::select! {
            Some(permit) = job.permit(prompt.route.number, need, goes_first) => permit,
            () = job.went_down(prompt.route) => return Ok(Reserved::Elsewhere),
            () = job.halted() => return Ok(Reserved::Later),
        };
        if job.is_gone(prompt.route.number) && job.next_route(prompt.route.number).is_some() {
            return Ok(Reserved::Elsewhere);
        }
        let start = Start {
            document: document.id,
            worker: job.worker,
            model: setup.plan.model.clone(),
            part: prompt.part.0,
            answer_key: prompt.answer_key,
            reserve: prompt.worst_case,
            reuse: setup.plan.reuse_answers,
            now: job.now(),
        };
        let (available, calls_in_flight) = match job.store().begin(start).await? {
            Begun::NoBudget {
                available,
                calls_in_flight,
            } => (available, calls_in_flight),
            Begun::Started { attempt } => {
                hold.told();
                return Ok(Reserved::Yes(Box::new(started(
                    prompt,
                    hold,
                    permit,
                    document.id,
                    attempt,
                ))));
            }
            Begun::Answered(stored) => {
                return Ok(Reserved::Answered(Box::new(Reply::of_stored(*stored, prompt))));
            }
            Begun::NotRunning(_) => return Ok(Reserved::Later),
            Begun::LeaseLost => return Ok(Reserved::Lost),
        };
        drop(permit);
        drop(hold);
        job.money.refused(available);
        if calls_in_flight == 0 {
            if exhausted(job, &prompt, available).await? {
                return Ok(Reserved::Later);
            }
            continue;
        }
        if !job.money.is_any_out() {
            // Another process holds it.
            tokio::select! {
                () = tokio::time::sleep(ANOTHER_PROCESS) => {}
                () = job.halted() => return Ok(Reserved::Later),
            }
        }
    }
}

fn started(
    mut prompt: Prompt,
    hold: Hold,
    permit: Permit,
    document: DocumentId,
    attempt: u32,
) -> Reservation {
    // A retry is another call, in the provider's logs and in a rehearsal's luck.
    prompt.request.call_id = format!("{}-{attempt}", prompt.answer_key.0.to_hex());
    Reservation {
        amount: prompt.worst_case,
        prompt,
        hold,
        permit,
        document,
        attempt,
    }
}

/// A document whose call may cost more than the whole budget can never be called; waiting in
/// line would not help it. (A budget of nothing is not its fault: that ends the run.)
async fn never_fits(job: &Job, prompt: &Prompt) -> Result<Option<Failure>, EngineError> {
    let too_dear =
        |budget: Option<Usd>| budget.filter(|budget| *budget > Usd::ZERO && prompt.worst_case > *budget);
    if too_dear(job.money.budget()).is_none() {
        return Ok(None);
    }
    // It may have been raised a moment ago.
    let balance = job.store().batch(job.batch).await?.balance;
    job.money.correct(&balance);
    Ok(too_dear(balance.budget).map(|budget| {
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
