//! `docmill resume`: go on with a batch that was stopped.

use docmill_core::batch::BatchState;
use docmill_store::{BatchChange, BatchRow};

use super::export;
use super::work::{Bench, Consent, finish};
use crate::args::{Context, OutFile, PasswordArgs, ResumeArgs, out_target, passwords};
use crate::clock::now;
use crate::deed;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::telemetry::{self, Log};
use crate::wire::{self, Needs};

/// Carries out the verb.
pub async fn perform(args: ResumeArgs, context: &Context) -> Result<Exit, Fault> {
    let out = out_target(&args.out)?;
    if let Some(out) = &out {
        export::check(out, &context.ui)?;
    }
    let bench = bench(&args.passwords, context)?;
    let row = bench.store.find_batch(&args.batch).await?;
    let was_started = row.started_at.is_some();
    if let Some(budget) = args.budget {
        bench.store.set_budget(row.id, budget.amount(), now()).await?;
    }
    if args.concurrency.is_some() && args.concurrency != row.plan.concurrency {
        let change = BatchChange {
            concurrency: args.concurrency,
            ..BatchChange::default()
        };
        bench.store.change_batch(row.id, change, now()).await?;
    }
    let before = row;
    let row = bench.row(before.id).await?;
    deed::changed_batch(&bench.place(), "resume", &before, &row).await?;
    if !was_started {
        // Nobody has agreed to anything yet.
        let consent = Consent {
            budget: args.budget,
            yes: args.yes,
            no_estimate: false,
        };
        consent.check(&row.plan, context)?;
        if !consent.obtain(&bench, &row, context).await? {
            context.ui.say("nothing was started, and nothing spent");
            return Ok(Exit::Stopped);
        }
    }
    go_on(&bench, &row, out, args.json, context).await
}

/// A bench for a batch whose documents are known.
pub fn bench(args: &PasswordArgs, context: &Context) -> Result<Bench, Fault> {
    let needs = Needs {
        passwords: passwords(args)?,
        ..Needs::default()
    };
    Bench::new(wire::store_to_steer(context)?, needs, context)
}

/// Works on a batch that is there, once its model is known to answer.
pub async fn go_on(
    bench: &Bench,
    row: &BatchRow,
    out: Option<OutFile>,
    as_json: bool,
    context: &Context,
) -> Result<Exit, Fault> {
    let _telemetry = telemetry::begin(Log::Silent)?;
    if row.state != BatchState::Completed {
        bench.providers.probe(&row.plan).await?;
    }
    finish(bench, row.id, out, as_json, context).await
}
