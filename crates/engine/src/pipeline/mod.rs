//! The way of one document: lease → read → prepare → reserve → call → judge → commit.
//!
//! Each step takes the value of the step before by move, and only that step makes
//! it: a call without a reservation does not compile, nor a reservation for a
//! prompt that was not measured.
//!
//! ```text
//! Leased ─read→ Reading ─prepare→ Prompt ─reserve→ Reservation ─call→ Reply ─judge→ Commit
//!                                    ↑                                          │
//!                                    └────────── repair, pieces, next part ─────┘
//! ```
//!
//! A document that was asked about before is first taken to where its stored answers
//! lead ([`judge::take_up`]); the parts of a long one are asked side by side
//! ([`walk`]). What steps hand to each other is in [`progress`] and [`reply`].

mod call;
mod complete;
mod conclude;
mod fit;
mod hedge;
mod job;
mod judge;
mod money;
mod parts;
mod prepare;
mod progress;
mod reply;
mod reserve;
mod route;
mod setup;
mod walk;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use docmill_core::failure::{Failure, FailureCode};
use docmill_store::{LeasedDocument, Next, ReadFacts};
use futures::FutureExt;

pub(crate) use job::Job;
pub(crate) use prepare::{Pictures, prepare};
pub(crate) use route::Route;
pub(crate) use setup::Setup;

use crate::EngineError;
use crate::loader::DocumentRef;

/// Takes a document all the way, or as far as it goes now. Whatever happens to the
/// document is written down; an error means that writing it down failed.
pub(crate) async fn process(job: Arc<Job>, document: LeasedDocument) -> Result<(), EngineError> {
    let id = document.id;
    match AssertUnwindSafe(take(&job, document)).catch_unwind().await {
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

async fn take(job: &Job, document: LeasedDocument) -> Result<(), EngineError> {
    if job.is_halted() {
        return job.commit(job.plain(document.id, Next::Released)).await;
    }
    let document_ref = DocumentRef::from(&document);
    let read = tokio::select! {
        read = job.setup.loader.read(document_ref) => read,
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
    let turn = job.turn().await;
    let mut prompts = match prepare(&job.setup, document_ref, reading, Pictures::Rendered).await {
        Ok(prompts) => prompts,
        Err(failure) => return job.give_up(&document, failure, Some(facts)).await,
    };
    drop(turn);
    prompts.add_fallbacks(job);
    if document.attempts > 0 {
        prompts.past = job.store().document(document.id).await?.attempts;
        prompts.past.retain(|attempt| !judge::was_asked_again(attempt));
        judge::take_up(job, &document, &mut prompts);
    }
    walk::step_through(job, &document, &mut prompts, facts).await
}
