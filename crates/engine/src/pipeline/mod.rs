//! The way of one document: lease → read → prepare → reserve → call → judge → commit.
//!
//! Each step takes the value of the step before by move, and only that step makes
//! it: a call without a reservation does not compile, nor a reservation for a
//! prompt that was not measured.
//!
//! ```text
//! Leased ─read→ Reading ─prepare→ Prompt ─reserve→ Reservation ─call→ Reply ─judge→ Commit
//!                                    ↑                                          │
//!                                    └──────────── repair, next part ───────────┘
//! ```

mod call;
mod job;
mod judge;
mod prepare;
mod reserve;
mod setup;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use docmill_core::failure::{Failure, FailureCode};
use docmill_store::{Commit, LeasedDocument, Next, ReadFacts};
use futures::FutureExt;

pub(crate) use job::Job;
pub(crate) use prepare::{Pictures, prepare};
pub(crate) use setup::Setup;

use crate::EngineError;
use crate::desk::Sheet;
use crate::pipeline::judge::Verdict;
use crate::pipeline::prepare::Prompts;
use crate::pipeline::reserve::Reserved;

/// Takes a document all the way, or as far as it goes now. Whatever happens to the
/// document is written down; an error means that writing it down failed.
pub(crate) async fn process(job: Arc<Job>, document: LeasedDocument) -> Result<(), EngineError> {
    let id = document.id;
    match AssertUnwindSafe(walk(&job, document)).catch_unwind().await {
        Ok(result) => result,
        Err(_) => {
            // A step panicked: our bug, this document's bad luck. A call it may have had in flight
            // stays in flight until this worker retires, and is unconfirmed then.
            let failure = Failure::new(
                FailureCode::Internal,
                "a step of docmill broke down on this document",
            );
            job.commit(job.plain(id, Next::Failed(failure))).await
        }
    }
}

async fn walk(job: &Job, document: LeasedDocument) -> Result<(), EngineError> {
    if job.is_halted() {
        return job.commit(job.plain(document.id, Next::Released)).await;
    }
    let sheet = sheet_of(&document);
    let read = tokio::select! {
        read = job.setup.desk.read(sheet) => read,
        // A scanned book takes minutes; nobody who stops a run waits for it. Its reader is killed.
        () = job.halted() => return job.commit(job.plain(document.id, Next::Released)).await,
    };
    let reading = match read {
        Ok(reading) => reading,
        Err(failure) => return job.give_up(&document, failure, None).await,
    };
    let facts = ReadFacts {
        kind: reading.kind,
        class: reading.class,
        pages: reading.page_count,
    };
    let mut prompts = match prepare(&job.setup, sheet, reading, Pictures::Rendered).await {
        Ok(prompts) => prompts,
        Err(failure) => return job.give_up(&document, failure, Some(facts)).await,
    };
    let _place = tokio::select! {
        place = job.place() => place,
        () = job.halted() => return job.commit(job.plain(document.id, Next::Released)).await,
    };
    step_through(job, &document, &mut prompts, facts).await
}

/// One call after the other until the document ends or goes back into the queue.
async fn step_through(
    job: &Job,
    document: &LeasedDocument,
    prompts: &mut Prompts,
    facts: ReadFacts,
) -> Result<(), EngineError> {
    loop {
        let prompt = prompts.current()?;
        let (reply, attempt) = match reserve::reserve(job, document, prompt).await? {
            Reserved::Yes(reservation) => {
                let attempt = reservation.attempt();
                (call::call(job, *reservation).await, Some(attempt))
            }
            Reserved::Answered(reply) => (*reply, None),
            Reserved::Later => return job.commit(job.plain(document.id, Next::Released)).await,
            Reserved::Never(failure) => return job.give_up(document, failure, Some(facts)).await,
            Reserved::Lost => return Ok(()),
        };
        let judged = judge::judge(job, document, prompts, reply, attempt).await;
        let commit = Commit {
            document: document.id,
            worker: job.worker,
            settlement: judged.settlement,
            next: judged.next,
            facts: Some(facts),
            now: job.now(),
        };
        let applied = job.commit_and_watch(commit).await?;
        if let Some((reason, until)) = judged.pause {
            job.pause(&reason, until).await?;
        }
        match judged.verdict {
            Verdict::Again if applied && !job.is_halted() => {}
            Verdict::Again if applied => {
                return job.commit(job.plain(document.id, Next::Released)).await;
            }
            Verdict::Again | Verdict::Ended => return Ok(()),
        }
    }
}

fn sheet_of(document: &LeasedDocument) -> Sheet<'_> {
    Sheet {
        key: &document.key,
        name: &document.name,
        bytes: document.bytes,
        kind: document.kind,
        content_hash: document.content_hash,
    }
}
