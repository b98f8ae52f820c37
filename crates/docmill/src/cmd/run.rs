//! `docmill run`: turn documents into data.

use super::export;
use super::work::{Bench, Consent, Order, finish, finish_while_adding};
use crate::args::{Context, RunArgs, out_target};
use crate::deed;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::telemetry::{self, Log};
use crate::wire;

/// Carries out the verb.
pub async fn perform(args: RunArgs, context: &Context) -> Result<Exit, Fault> {
    let _telemetry = telemetry::begin(Log::Silent)?;
    let out = out_target(&args.out)?;
    if let Some(out) = &out {
        export::check(out, &context.ui)?;
    }
    let order = Order::new(&args.sources, &args.plan)?;
    let consent = Consent {
        budget: args.budget,
        yes: args.yes,
        no_estimate: args.no_estimate,
    };
    consent.check(order.plan(), context)?;
    let bench = Bench::for_run(&args.sources, out.clone(), context)?;
    // A server on the same folder does the work itself; it gets the documents first.
    let at_once = consent.starts_at_once(order.plan()) && wire::running(context).is_none();
    let found = order.find(&bench, args.budget, context).await?;
    deed::changed_batch(&bench.place(), "run", &found.batch, &found.batch).await?;
    if at_once && !found.existing {
        return finish_while_adding(&bench, &found, out, args.json, context).await;
    }
    found.add(&bench, context).await?;
    let row = bench.row(found.batch.id).await?;
    if !consent.obtain(&bench, &row, context).await? {
        context.ui.say("nothing was started, and nothing spent");
        context
            .ui
            .hint(&format!("docmill resume {} starts it", row.id.short()));
        return Ok(Exit::Stopped);
    }
    finish(&bench, row.id, out, args.json, context).await
}
