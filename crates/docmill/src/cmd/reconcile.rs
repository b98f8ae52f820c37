//! `docmill reconcile`: settles calls whose outcome was lost, by a provider's usage export
//! or by a person's word.

use std::io::Read as _;

use serde_json::json;

use crate::args::{Context, ReconcileArgs};
use crate::deed;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::place::Place;
use crate::report::text::{clean, counted};

/// Carries out the verb.
pub async fn perform(args: ReconcileArgs, context: &Context) -> Result<Exit, Fault> {
    let place = Place::to_steer(context)?;
    let before = place.find_batch(&args.batch).await?;
    let usage = args.usage.as_deref().map(read).transpose()?;
    if usage.is_none() && !args.yes {
        return Err(Fault::usage(format!(
            "{} would be counted as not spent; if the provider billed these calls, the bill passes what docmill counts by up to that much, and may pass the budget",
            before.balance.unconfirmed
        ))
        .hint("say --yes to release it, or give the provider's export with --usage FILE"));
    }
    let (reconciled, left) = place.reconcile(before.id, usage.as_deref()).await?;
    let after = place.batch(before.id).await?;
    deed::changed_batch(&place, "reconcile", &before, &after).await?;
    let ui = &context.ui;
    if args.json {
        ui.json(&json!({
            "batch": after.id.to_string(),
            "calls": reconciled.calls,
            "calls_left": left,
            "was_unconfirmed_usd": reconciled.unconfirmed.to_decimal(),
            "billed_usd": reconciled.settled.to_decimal(),
            "unconfirmed_usd": after.balance.unconfirmed.to_decimal(),
            "state": after.state.as_str(),
        }))?;
        return Ok(Exit::Ok);
    }
    if reconciled.calls == 0 && left == 0 {
        ui.say(&format!("{}: no call is unconfirmed", clean(&after.name)));
        return Ok(Exit::Ok);
    }
    ui.say(&format!(
        "{}: {} settled; {} of the {} held back for them was billed",
        clean(&after.name),
        counted(reconciled.calls, "lost call"),
        reconciled.settled,
        reconciled.unconfirmed
    ));
    if left > 0 {
        ui.warn(&format!(
            "the export does not cover {}: {} stays unconfirmed",
            counted(left, "lost call"),
            after.balance.unconfirmed
        ));
    }
    if before.state != after.state {
        ui.hint(&format!("docmill resume {} goes on", after.id.short()));
    }
    Ok(Exit::Ok)
}

fn read(file: &str) -> Result<String, Fault> {
    let mut bytes = Vec::new();
    let read = if file == "-" {
        std::io::stdin().lock().read_to_end(&mut bytes)
    } else {
        std::fs::File::open(file).and_then(|mut file| file.read_to_end(&mut bytes))
    };
    read.map_err(|error| Fault::usage(format!("{file} cannot be read: {error}")))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
