//! `docmill run`: turn documents into data.

use super::export;
use super::work::{Bench, Consent, Order, finish};
use crate::args::{Context, RunArgs, out_target};
use crate::exit::Exit;
use crate::fault::Fault;

/// Carries out the verb.
pub async fn perform(args: RunArgs, context: &Context) -> Result<Exit, Fault> {
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
    let row = order.open(&bench, args.budget, context).await?;
    if !consent.obtain(&bench, &row, context).await? {
        context.ui.say("nothing was started, and nothing spent");
        context
            .ui
            .hint(&format!("docmill resume {} starts it", row.id.short()));
        return Ok(Exit::Stopped);
    }
    finish(&bench, row.id, out, args.json, context).await
}
