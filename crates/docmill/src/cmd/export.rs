//! `docmill export`: results as files.

use std::sync::{Mutex, PoisonError};

use docmill_core::document::DocumentState;
use docmill_engine::export::{Exported, Format, Options, Target, export};
use docmill_store::BatchRow;

use super::remote::fetch;
use crate::args::{Context, ExportArgs, OutFile, out_target};
use crate::deed;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::place::Place;
use crate::report::Ui;
use crate::report::live::Reporter;
use crate::report::text::{clean, counted};

/// Carries out the verb.
pub async fn perform(args: ExportArgs, context: &Context) -> Result<Exit, Fault> {
    let Some(out) = out_target(&args.out)? else {
        return Err(Fault::usage("where should the results go?")
            .hint("say --out results.csv (or .xlsx, .parquet, .jsonl), --out FOLDER/, or --out - for standard output"));
    };
    check(&out, &context.ui)?;
    let place = Place::with_batches(context)?;
    let row = place.find_batch(&args.batch).await?;
    deed::read(&place, "export", &row.id.to_string(), context).await?;
    write(&place, &row, out, args.state, context).await?;
    Ok(Exit::Ok)
}

/// What can be known to be wrong before anything is done.
pub fn check(out: &OutFile, ui: &Ui) -> Result<(), Fault> {
    if out.target == Target::Stdout && out.format.is_binary() && ui.terminal_out {
        return Err(Fault::usage(format!("{} is not for a terminal", out.format))
            .hint("say --out FILE, or send it to another program"));
    }
    if let Target::File(path) | Target::Folder(path) = &out.target
        && let Some(folder) = path.parent()
        && !folder.as_os_str().is_empty()
        && !folder.is_dir()
    {
        return Err(
            Fault::usage(format!("the folder {} does not exist", folder.display()))
                .hint("make it first, or choose another place with --out"),
        );
    }
    Ok(())
}

/// Writes the results and says where they are.
pub async fn write(
    place: &Place,
    row: &BatchRow,
    out: OutFile,
    states: Vec<DocumentState>,
    context: &Context,
) -> Result<Exported, Fault> {
    let ui = &context.ui;
    let store = match place {
        Place::Here(store) => store,
        Place::There(remote) => {
            let written = fetch(remote, row, &out, &states, context).await?;
            tell(&written, &out, ui);
            return Ok(written);
        }
    };
    let total = match states.as_slice() {
        [] => row.counters.total(),
        states => states.iter().map(|state| row.counters.of(*state)).sum(),
    };
    let reporter = Mutex::new(Reporter::new(ui));
    let on_progress = |documents| {
        let mut reporter = reporter.lock().unwrap_or_else(PoisonError::into_inner);
        reporter.counting("writing", documents, Some(total));
    };
    let options = Options {
        format: out.format,
        evidence: out.evidence,
        csv: out.csv,
        states,
    };
    let written = export(store, row, out.target.clone(), options, &on_progress).await?;
    drop(reporter);
    tell(&written, &out, ui);
    Ok(written)
}

fn tell(written: &Exported, out: &OutFile, ui: &Ui) {
    let documents = counted(written.documents, "document");
    match written.files.split_first() {
        Some((first, [])) => ui.say(&format!(
            "{documents} written to {}",
            clean(&first.to_string_lossy())
        )),
        Some((first, rest)) => {
            let first = clean(&first.to_string_lossy()).into_owned();
            ui.say(&format!(
                "{documents} written to {first}, their lists to {}",
                counted(rest.len() as u64, "file")
            ));
            for file in rest {
                ui.say(&format!("  {}", clean(&file.to_string_lossy())));
            }
        }
        None => {}
    }
    if !written.left_out.is_empty() {
        let lists = clean(&written.left_out.join(", ")).into_owned();
        ui.warn(&format!(
            "standard output has no place for the tables of lists ({lists})"
        ));
        let jsonl = Format::Jsonl;
        if out.format != jsonl {
            ui.hint("--format jsonl holds everything; --out FOLDER/ writes a file per table");
        }
    }
}
