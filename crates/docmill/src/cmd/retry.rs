//! `docmill retry`: put failed documents back into the queue, and go on.

use docmill_core::id::Ordinal;
use docmill_store::RetrySelection;

use super::resume;
use crate::args::{Context, RetryArgs};
use crate::clock::now;
use crate::deed;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::report::json;
use crate::report::text::{clean, counted};

/// Carries out the verb.
pub async fn perform(args: RetryArgs, context: &Context) -> Result<Exit, Fault> {
    let bench = resume::bench(&args.passwords, context)?;
    let before = bench.store.find_batch(&args.batch).await?;
    let selection = RetrySelection {
        codes: args.code,
        ordinals: args.document.into_iter().map(Ordinal).collect(),
        cancelled: args.cancelled,
    };
    let documents = bench.store.retry(before.id, selection, now()).await?;
    let row = bench.row(before.id).await?;
    deed::changed_batch(&bench.place(), "retry", &before, &row).await?;
    let ui = &context.ui;
    if documents > 0 && !args.later {
        ui.say(&format!(
            "{} put back into the queue",
            counted(documents, "document")
        ));
        return resume::go_on(&bench, &row, None, args.json, context).await;
    }
    if args.json {
        ui.json(&json::batch(&row))?;
        return Ok(Exit::Ok);
    }
    let name = clean(&row.name).into_owned();
    if documents == 0 {
        ui.say(&format!("{name} has no such document: nothing to try again"));
    } else {
        ui.say(&format!(
            "{} of {name} put back into the queue",
            counted(documents, "document")
        ));
        ui.hint(&format!("docmill resume {} goes on", row.id.short()));
    }
    Ok(Exit::Ok)
}
