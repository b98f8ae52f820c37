//! `docmill budget`: raise or lower the wall.

use docmill_core::batch::BatchState;

use crate::args::{BudgetArgs, Context};
use crate::deed;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::place::Place;
use crate::report::json;
use crate::report::text::clean;

/// Carries out the verb.
pub async fn perform(args: BudgetArgs, context: &Context) -> Result<Exit, Fault> {
    let place = Place::to_steer(context)?;
    let before = place.find_batch(&args.batch).await?;
    let budget = args.budget.amount();
    let state = place.set_budget(before.id, budget).await?;
    let row = place.batch(before.id).await?;
    deed::changed_batch(&place, "budget", &before, &row).await?;
    let ui = &context.ui;
    if args.json {
        ui.json(&json::batch(&row))?;
        return Ok(Exit::Ok);
    }
    let words = budget.map_or_else(|| "no limit".to_owned(), |budget| format!("a budget of {budget}"));
    ui.say(&format!(
        "{} has {words}; {} is spent",
        clean(&row.name),
        row.balance.settled
    ));
    let committed = row
        .balance
        .settled
        .saturating_add(row.balance.reserved)
        .saturating_add(row.balance.unconfirmed);
    if budget.is_some_and(|budget| budget < committed) {
        ui.warn("that is less than what is spent and held back already: no further call will be made");
    }
    if before.state == BatchState::BudgetExhausted && state == BatchState::Running && context.server.is_none()
    {
        ui.hint(&format!("docmill resume {} goes on", row.id.short()));
    }
    Ok(Exit::Ok)
}
