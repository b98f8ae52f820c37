//! `docmill reconcile`: settles calls whose outcome was lost, by a provider's usage export
//! or by a person's word.

use std::io::Read as _;

use docmill_engine::reconcile::{self, ReconcileError, Report};
use serde_json::json;

use crate::args::{Context, ReconcileArgs};
use crate::clock::now;
use crate::deed;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::place::Place;
use crate::report::text::{clean, counted};
use crate::wire;

/// Carries out the verb.
pub async fn perform(args: ReconcileArgs, context: &Context) -> Result<Exit, Fault> {
    if context.server.is_some() {
        return Err(Fault::usage(
            "money is reconciled where the database is, not over --server yet",
        ));
    }
    let store = wire::store_to_steer(context)?;
    let before = store.find_batch(&args.batch).await?;
    let who = deed::person();
    let report = match &args.usage {
        Some(file) => {
            let export = read(file)?;
            reconcile::by_usage(store.as_ref(), before.id, &export, &who, now()).await
        }
        None => {
            if !args.yes {
                return Err(Fault::usage(format!(
                    "{} would be counted as not spent; if the provider billed these calls, the bill passes what docmill counts by up to that much, and may pass the budget",
                    before.balance.unconfirmed
                ))
                .hint("say --yes to release it, or give the provider's export with --usage FILE"));
            }
            reconcile::release(store.as_ref(), before.id, &who, now()).await
        }
    };
    let Report { reconciled, left, .. } = report.map_err(fault)?;
    let after = store.batch(before.id).await?;
    let place = Place::Here(store);
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

fn fault(error: ReconcileError) -> Fault {
    let hint = match &error {
        ReconcileError::Store(error) => return Fault::from(error.clone()),
        ReconcileError::Export(_) => "docs/guide/money.md says which exports are read",
        ReconcileError::Nothing => return Fault::new(Exit::Ok, error.to_string()),
        ReconcileError::OtherModels { .. } => "export the usage of the model of this batch",
        ReconcileError::OtherTime(_) => "export the days in which the batch ran",
        ReconcileError::InFlight(..) => "wait until they have ended, or pause what runs",
        ReconcileError::Foreign { .. } => {
            "export the usage of the key docmill used alone, or release the money with --release-unconfirmed"
        }
    };
    Fault::usage(error.to_string()).hint(hint)
}
