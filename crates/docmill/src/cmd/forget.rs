//! `docmill forget`: what was learned from a batch's documents, or from one, goes.

use docmill_core::id::{DocumentId, Ordinal};
use docmill_engine::forget::{Report, forget};
use serde_json::json;

use super::show;
use crate::args::{Context, ForgetArgs};
use crate::clock::now;
use crate::deed;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::place::Place;
use crate::report::text::{clean, counted};
use crate::wire;

/// Carries out the verb.
pub async fn perform(args: ForgetArgs, context: &Context) -> Result<Exit, Fault> {
    let store = wire::store_to_steer(context)?;
    let row = store.find_batch(&args.batch).await?;
    let document = match &args.document {
        None => None,
        Some(named) => Some(match named.parse() {
            Ok(number) => Ordinal(number),
            Err(_) => show::by_name(&Place::Here(store.clone()), row.id, named).await?,
        }),
    };
    let what = match document {
        Some(ordinal) => {
            let id = DocumentId {
                batch: row.id,
                ordinal,
            };
            clean(&store.document(id).await?.row.name).into_owned()
        }
        None => counted(row.counters.total(), "document"),
    };
    if !args.yes {
        return Err(Fault::usage(format!(
            "forgetting {what} of {} cannot be undone",
            clean(&row.name)
        ))
        .hint("say that it is meant with --yes; docmill export takes the results away first"));
    }
    let report = forget(store.as_ref(), &context.data_dir, row.id, document, now()).await?;
    let target = match document {
        Some(ordinal) => format!("{}/{ordinal}", row.id),
        None => row.id.to_string(),
    };
    // Not where the documents were: that is forgotten, too.
    let stored = &report.stored;
    let after =
        json!({ "documents": stored.documents, "results": stored.results, "answers": stored.answers });
    deed::changed(store.as_ref(), "forget", &target, None, Some(after)).await?;
    if args.json {
        context.ui.json(&as_json(&report))?;
        return Ok(Exit::Ok);
    }
    tell(&report, context);
    Ok(Exit::Ok)
}

fn tell(report: &Report, context: &Context) {
    let (ui, stored) = (&context.ui, &report.stored);
    ui.say(&format!(
        "forgotten: {}, {}, {}, {}, {}, {} of docmill's own",
        counted(stored.documents, "document"),
        counted(stored.results, "result"),
        counted(stored.answers, "answer"),
        counted(stored.reviews, "review"),
        counted(report.readings, "reading"),
        counted(report.files.len() as u64, "file")
    ));
    ui.say("what remains: what was spent and when, states, sizes, the template; and backups taken before");
    if !report.elsewhere.is_empty() {
        let places: Vec<_> = report.elsewhere.iter().map(|place| clean(place)).collect();
        ui.say(&format!("not docmill's to remove: {}", places.join(", ")));
    }
}

fn as_json(report: &Report) -> serde_json::Value {
    let stored = &report.stored;
    json!({
        "documents": stored.documents,
        "results": stored.results,
        "answers": stored.answers,
        "reviews": stored.reviews,
        "readings": report.readings,
        "files": report.files,
        "remains_elsewhere": report.elsewhere,
    })
}
