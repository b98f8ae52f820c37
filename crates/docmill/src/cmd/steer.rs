//! `docmill pause` and `docmill cancel`.

use docmill_core::batch::BatchState;
use docmill_store::BatchRow;

use crate::args::{BatchArg, Context};
use crate::deed;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::place::{Place, Step};
use crate::report::json;
use crate::report::text::{clean, counted};

/// Carries out `pause`.
pub async fn pause(args: BatchArg, context: &Context) -> Result<Exit, Fault> {
    let before = step(&args, Step::Pause, context).await?;
    if !args.json {
        let ui = &context.ui;
        ui.say(&format!(
            "{} is paused{}",
            clean(&before.name),
            in_flight(&before)
        ));
        ui.hint(&format!("docmill resume {}", before.id.short()));
    }
    Ok(Exit::Ok)
}

/// Carries out `cancel`.
pub async fn cancel(args: BatchArg, context: &Context) -> Result<Exit, Fault> {
    let before = step(&args, Step::Cancel, context).await?;
    if !args.json {
        let ui = &context.ui;
        let given_up = match before.state {
            BatchState::Cancelled => "it was already".to_owned(),
            _ => format!("{} given up", counted(before.counters.pending, "document")),
        };
        ui.say(&format!(
            "{} is cancelled: {given_up}{}",
            clean(&before.name),
            in_flight(&before)
        ));
        ui.hint(&format!(
            "results so far stay; docmill retry {} --cancelled takes it up again",
            before.id.short()
        ));
    }
    Ok(Exit::Ok)
}

/// Moves the batch; returns how it was before.
async fn step(args: &BatchArg, step: Step, context: &Context) -> Result<BatchRow, Fault> {
    let place = Place::to_steer(context)?;
    let before = place.find_batch(&args.batch).await?;
    place.step(before.id, step).await?;
    let after = place.batch(before.id).await?;
    let action = match step {
        Step::Pause => "pause",
        Step::Cancel => "cancel",
    };
    deed::changed_batch(&place, action, &before, &after).await?;
    if args.json {
        context.ui.json(&json::batch(&after))?;
    }
    Ok(before)
}

fn in_flight(row: &BatchRow) -> String {
    match row.calls_in_flight {
        0 => String::new(),
        calls => format!("; {} in flight will be finished", counted(calls, "call")),
    }
}
