//! Work at a running server: the same verbs, done there and watched from here.
//!
//! - [`order`]: documents and how to process them, handed over.
//! - [`watch`]: progress, and what came of it.
//! - [`fetch`]: results, brought here.
//! - [`setup`]: templates and keys.

mod fetch;
mod order;
mod setup;
mod watch;

use docmill_core::batch::BatchState;
use docmill_core::estimate::Estimate;
use docmill_core::id::Ordinal;
use docmill_store::{BatchRow, RetrySelection};
use serde::Deserialize as _;
use serde_json::json;

use super::export;
use super::work::Consent;
use crate::args::{Context, EstimateArgs, ResumeArgs, RetryArgs, RunArgs, out_target, passwords};
use crate::exit::Exit;
use crate::fault::Fault;
use crate::remote::Remote;
use crate::report::text::{clean, counted};
use crate::report::{self, json as printed};

pub use fetch::fetch;
pub use setup::{key, templates};

/// `docmill run` at a server.
pub async fn run(args: RunArgs, remote: &Remote, context: &Context) -> Result<Exit, Fault> {
    let out = out_target(&args.out)?;
    if let Some(out) = &out {
        export::check(out, &context.ui)?;
    }
    let consent = Consent {
        budget: args.budget,
        yes: args.yes,
        no_estimate: args.no_estimate,
    };
    let row = order::hand_over(remote, &args.sources, &args.plan, args.budget, context).await?;
    if !agree(consent, remote, &row, context).await? {
        return Ok(Exit::Stopped);
    }
    remote.steer(row.id, "start").await?;
    watch::finish(remote, row.id, out, args.json, context).await
}

/// `docmill estimate` at a server.
pub async fn estimate(args: EstimateArgs, remote: &Remote, context: &Context) -> Result<Exit, Fault> {
    let row = order::hand_over(remote, &args.sources, &args.plan, None, context).await?;
    let ui = &context.ui;
    if args.json {
        ui.json(&printed::batch(&row))?;
        return Ok(Exit::Ok);
    }
    let found = counted_estimate(&row)?;
    ui.out(&report::estimate::render(
        &found,
        &row.plan.model,
        ui.color_out,
        ui.width_out(),
    ))?;
    ui.hint(&format!("docmill resume {} starts it", row.id.short()));
    Ok(Exit::Ok)
}

/// `docmill resume` at a server.
pub async fn resume(args: ResumeArgs, remote: &Remote, context: &Context) -> Result<Exit, Fault> {
    let out = out_target(&args.out)?;
    if let Some(out) = &out {
        export::check(out, &context.ui)?;
    }
    let mut row = remote.find_batch(&args.batch).await?;
    remote.passwords(row.id, &passwords(&args.passwords)?).await?;
    if let Some(concurrency) = args.concurrency {
        remote
            .change(row.id, &json!({ "concurrency": concurrency }))
            .await?;
    }
    if let Some(budget) = args.budget {
        row.state = remote.set_budget(row.id, budget.amount()).await?.state;
    }
    let consent = Consent {
        budget: args.budget,
        yes: args.yes,
        no_estimate: false,
    };
    match row.state {
        BatchState::Draft | BatchState::Ready | BatchState::Estimating => {
            order::counted(remote, row.id, context).await?;
            row = remote.batch(row.id).await?;
            if !agree(consent, remote, &row, context).await? {
                return Ok(Exit::Stopped);
            }
            remote.steer(row.id, "start").await?;
        }
        BatchState::Running => {}
        _ if row.counters.pending + row.counters.cancelled == 0 => {
            context.ui.say("nothing is left to do");
        }
        _ => {
            remote.steer(row.id, "resume").await?;
        }
    }
    watch::finish(remote, row.id, out, args.json, context).await
}

/// `docmill retry` at a server.
pub async fn retry(args: RetryArgs, remote: &Remote, context: &Context) -> Result<Exit, Fault> {
    if args.later {
        return Err(
            Fault::usage("a server tries again at once: --later is for batches of this machine")
                .hint("docmill pause BATCH stops it"),
        );
    }
    let row = remote.find_batch(&args.batch).await?;
    remote.passwords(row.id, &passwords(&args.passwords)?).await?;
    let selection = RetrySelection {
        codes: args.code,
        ordinals: args.document.into_iter().map(Ordinal).collect(),
        cancelled: args.cancelled,
    };
    let documents = remote.retry(row.id, &selection).await?;
    let ui = &context.ui;
    if documents == 0 {
        if args.json {
            ui.json(&printed::batch(&row))?;
        } else {
            let name = clean(&row.name).into_owned();
            ui.say(&format!("{name} has no such document: nothing to try again"));
        }
        return Ok(Exit::Ok);
    }
    ui.say(&format!(
        "{} put back into the queue",
        counted(documents, "document")
    ));
    watch::finish(remote, row.id, None, args.json, context).await
}

/// Shows what was counted and asks; then the wall stands. `false`: the person said no.
async fn agree(consent: Consent, remote: &Remote, row: &BatchRow, context: &Context) -> Result<bool, Fault> {
    let ways_on = |mut fault: Fault| {
        // The documents are there and counted: nothing of that is lost.
        let short = row.id.short();
        let hint = fault.hint.take().unwrap_or_default();
        fault.hint(format!("{hint}\ndocmill resume {short} --budget USD starts it"))
    };
    consent.check(&row.plan, context).map_err(ways_on)?;
    if row.plan.price.is_free() || consent.no_estimate || row.counters.pending == 0 {
        return Ok(true);
    }
    let estimate = counted_estimate(row)?;
    let Some(wall) = consent.decide(row, &estimate, context).await? else {
        context.ui.say("nothing was started, and nothing spent");
        let short = row.id.short();
        context.ui.hint(&format!("docmill resume {short} starts it"));
        return Ok(false);
    };
    if wall != row.balance.budget {
        remote.set_budget(row.id, wall).await?;
    }
    Ok(true)
}

/// What the server counted.
fn counted_estimate(row: &BatchRow) -> Result<Estimate, Fault> {
    let stored = row.estimate.as_ref();
    stored
        .and_then(|estimate| Estimate::deserialize(estimate).ok())
        .ok_or_else(|| {
            Fault::new(Exit::Failure, "the server did not say what it will cost")
                .hint(format!("docmill show {} shows where it stands", row.id.short()))
        })
}
