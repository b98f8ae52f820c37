//! `docmill estimate`: what it will cost and how long it will take, without paying.

use docmill_core::estimate::Estimate;

use super::work::{Bench, Order, profile};
use crate::args::{Context, EstimateArgs};
use crate::exit::Exit;
use crate::fault::Fault;
use crate::report::{estimate, json};

/// Carries out the verb.
pub async fn perform(args: EstimateArgs, context: &Context) -> Result<Exit, Fault> {
    let order = Order::new(&args.sources, &args.plan)?;
    let bench = Bench::for_estimate(&args.sources, context)?;
    let row = order.open(&bench, None, context).await?;
    let found: Estimate = profile(&bench, row.id, context).await?;
    let ui = &context.ui;
    if args.json {
        ui.json(&json::batch(&bench.row(row.id).await?))?;
        return Ok(Exit::Ok);
    }
    ui.out(&estimate::render(
        &found,
        &row.plan.model,
        ui.color_out,
        ui.width_out(),
    ))?;
    ui.hint(&format!(
        "docmill run with the same words, or docmill resume {}, goes on from here",
        row.id.short()
    ));
    Ok(Exit::Ok)
}
