//! `docmill backup` and `docmill restore`.

use docmill_server::views::dollars;
use docmill_store::sqlite::{Accepted, Judged, SqliteStore};
use serde_json::json;

use crate::args::{BackupArgs, Context, RestoreArgs};
use crate::clock::now;
use crate::deed;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::place::Place;
use crate::report::text::{bytes, clean, count, counted};
use crate::wire;

/// Carries out `backup`.
pub async fn back_up(args: &BackupArgs, context: &Context) -> Result<Exit, Fault> {
    if !args.force && args.file.try_exists().unwrap_or(false) {
        return Err(Fault::usage(format!("{} exists", args.file.display()))
            .hint("choose another name, or replace it with --force"));
    }
    let database = wire::database_with_batches(context)?;
    let judged = SqliteStore::back_up(&database, &args.file)?;
    let place = Place::Here(wire::store_with_batches(context)?);
    deed::read(&place, "backup", &args.file.to_string_lossy(), context).await?;
    if args.json {
        context.ui.json(&judged_json(&judged))?;
    } else {
        context
            .ui
            .say(&format!("{} is {}", args.file.display(), contents(&judged)));
    }
    let uploads = context.data_dir.join("uploads");
    if std::fs::read_dir(&uploads).is_ok_and(|mut folder| folder.next().is_some()) {
        context.ui.hint(&format!(
            "uploaded files are not in it: copy {} as well",
            uploads.display()
        ));
    }
    Ok(Exit::Ok)
}

/// Carries out `restore`.
pub async fn restore(args: &RestoreArgs, context: &Context) -> Result<Exit, Fault> {
    let ui = &context.ui;
    let Some(file) = &args.file else {
        let _server = wire::ServerLock::take(context)?;
        let accepted = SqliteStore::accept(&context.database(), now())?;
        record("restore as it is", "", &accepted, context).await?;
        if args.json {
            ui.json(&accepted_json(&accepted))?;
        } else {
            ui.say(&format!(
                "going on with {} as it is",
                context.database().display()
            ));
            tell(&accepted, context);
        }
        return Ok(Exit::Ok);
    };
    if args.check {
        let judged = SqliteStore::judge(file)?;
        if args.json {
            ui.json(&judged_json(&judged))?;
        } else if judged.faults.is_empty() {
            ui.say(&format!("{} is sound: {}", file.display(), contents(&judged)));
        } else {
            ui.say(&format!("{} is damaged:", file.display()));
            for fault in &judged.faults {
                ui.say(&format!("  {}", clean(fault)));
            }
        }
        return Ok(if judged.faults.is_empty() {
            Exit::Ok
        } else {
            Exit::Store
        });
    }
    wire::make_data_dir(context)?;
    let _server = wire::ServerLock::take(context)?;
    let accepted = SqliteStore::restore(&context.database(), file, now())?;
    record("restore", &file.to_string_lossy(), &accepted, context).await?;
    if args.json {
        ui.json(&accepted_json(&accepted))?;
    } else {
        ui.say(&format!("{} is in place", file.display()));
        tell(&accepted, context);
    }
    Ok(Exit::Ok)
}

/// In the database that is now in place.
async fn record(action: &str, file: &str, accepted: &Accepted, context: &Context) -> Result<(), Fault> {
    let store = wire::store_to_work(context)?;
    deed::changed(store.as_ref(), action, file, None, Some(accepted_json(accepted))).await
}

fn contents(judged: &Judged) -> String {
    format!(
        "{}: {}, {} of {} done, {} settled",
        bytes(judged.bytes),
        batches(judged.batches),
        judged.completed,
        counted(judged.documents, "document"),
        judged.settled
    )
}

fn batches(number: u64) -> String {
    match number {
        1 => "1 batch".to_owned(),
        number => format!("{} batches", count(number)),
    }
}

fn tell(accepted: &Accepted, context: &Context) {
    let ui = &context.ui;
    if accepted.missing > 0 {
        ui.say(&format!(
            "{} that came after it are lost, and will be asked for again",
            counted(accepted.missing, "write")
        ));
    }
    for since in &accepted.spent_since {
        ui.say(&format!(
            "{}: {} that may have been spent since counts as unconfirmed",
            clean(&since.name),
            since.amount
        ));
    }
    if accepted.paused > 0 {
        ui.say(&format!("paused: {} that were running", batches(accepted.paused)));
        ui.hint("docmill resume BATCH goes on; docmill status shows what counts against each budget");
    }
    if let Some(path) = accepted.aside.last() {
        ui.say(&format!("what was there before is {}", path.display()));
    }
}

fn judged_json(judged: &Judged) -> serde_json::Value {
    json!({
        "bytes": judged.bytes,
        "batches": judged.batches,
        "documents": judged.documents,
        "completed": judged.completed,
        "settled_usd": dollars(judged.settled),
        "last_change": judged.last_change,
        "faults": judged.faults,
    })
}

fn accepted_json(accepted: &Accepted) -> serde_json::Value {
    let since = accepted.spent_since.iter().map(|since| {
        json!({
            "batch": since.batch,
            "name": since.name,
            "unconfirmed_usd": dollars(since.amount),
        })
    });
    json!({
        "missing_writes": accepted.missing,
        "spent_since": since.collect::<Vec<_>>(),
        "paused": accepted.paused,
        "aside": accepted.aside,
    })
}
