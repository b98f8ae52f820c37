//! What came of a batch, and ways on.

use docmill_core::batch::BatchState;
use docmill_core::id::BatchId;
use docmill_core::money::Usd;
use docmill_engine::run::{RunEnd, Stop};

use super::attend::attend;
use super::{Bench, FoundBatch};
use crate::args::{Context, OutFile};
use crate::clock::now;
use crate::cmd::export;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::place::Place;
use crate::report::{failures, json, summary};

/// Works on a batch until it rests, with progress; then tells what came of it.
pub async fn finish(
    bench: &Bench,
    id: BatchId,
    out: Option<OutFile>,
    as_json: bool,
    context: &Context,
) -> Result<Exit, Fault> {
    let row = bench.row(id).await?;
    let has_work = row.counters.pending + row.counters.leased > 0;
    let mut exit = exit_of(row.state);
    if has_work || !row.state.is_ended() {
        let nothing_to_add = std::future::ready(Ok(()));
        let (end, stop) = attend(bench, id, nothing_to_add, context).await?;
        exit = exit_of_run(&end, stop);
    } else {
        context.ui.say("nothing is left to do");
    }
    tell(&Place::Here(bench.store.clone()), id, exit, out, as_json, context).await?;
    Ok(exit)
}

/// Works on a new batch while its documents are being added: the first calls leave as soon as the
/// first documents are found.
pub async fn finish_while_adding(
    bench: &Bench,
    found: &FoundBatch,
    out: Option<OutFile>,
    as_json: bool,
    context: &Context,
) -> Result<Exit, Fault> {
    let id = found.batch.id;
    let more_to_come = bench.engine.more_to_come(id);
    let adding = async {
        let added = found.add_meanwhile(bench, context).await;
        drop(more_to_come);
        added
    };
    let (end, stop) = attend(bench, id, adding, context).await?;
    let exit = exit_of_run(&end, stop);
    tell(&Place::Here(bench.store.clone()), id, exit, out, as_json, context).await?;
    Ok(exit)
}

fn exit_of_run(end: &RunEnd, stop: Stop) -> Exit {
    match end {
        RunEnd::State { state, .. } => exit_of(*state),
        RunEnd::Stopped if stop == Stop::Now => Exit::Interrupted,
        RunEnd::Stopped | RunEnd::Left => Exit::Stopped,
    }
}

/// The exit status of a batch in this state.
pub const fn exit_of(state: BatchState) -> Exit {
    match state {
        BatchState::Completed => Exit::Ok,
        BatchState::CompletedWithFailures => Exit::DocumentsFailed,
        BatchState::BudgetExhausted => Exit::BudgetExhausted,
        BatchState::Failed => Exit::Failure,
        BatchState::Draft
        | BatchState::Estimating
        | BatchState::Ready
        | BatchState::Running
        | BatchState::Paused
        | BatchState::Cancelled => Exit::Stopped,
    }
}

/// What came of the batch, its results where they are wanted, and ways on.
pub async fn tell(
    place: &Place,
    id: BatchId,
    exit: Exit,
    out: Option<OutFile>,
    as_json: bool,
    context: &Context,
) -> Result<(), Fault> {
    let ui = &context.ui;
    let row = place.batch(id).await?;
    let groups = place.failures(id).await?;
    let needs_a_look = place.needs_a_look(id).await?;
    if !ui.quiet && !as_json {
        let mut text = format!("\n{}", summary::batch(&row, now(), ui.color_err));
        if !groups.is_empty() {
            text.push('\n');
            text.push_str(&failures::render(&groups, ui.color_err, None));
        }
        text.push_str(&summary::needs_a_look(needs_a_look, &row));
        ui.say(text.trim_end());
    }
    let is_stopped = matches!(exit, Exit::Stopped | Exit::Interrupted);
    let mut files = Vec::new();
    let has_out = out.is_some();
    match out {
        Some(_) if is_stopped => ui.warn("the batch is not done: nothing was written to --out"),
        Some(out) => files = export::write(place, &row, out, Vec::new(), context).await?.files,
        None => {}
    }
    if as_json {
        let mut value = json::batch(&row);
        if let Some(fields) = value.as_object_mut() {
            fields.insert("failures".to_owned(), groups.iter().map(json::failure).collect());
            fields.insert("needs_a_look".to_owned(), json::matching(needs_a_look));
            fields.insert("files".to_owned(), serde_json::json!(files));
            fields.insert("exit_status".to_owned(), exit.code().into());
        }
        ui.json(&value)?;
        return Ok(());
    }
    let short = row.id.short();
    match exit {
        Exit::Stopped | Exit::Interrupted => {
            ui.hint(&format!("docmill resume {short} goes on where it stopped"))
        }
        Exit::BudgetExhausted => {
            let more = row.balance.budget.unwrap_or(Usd::ZERO);
            ui.hint(&format!(
                "docmill resume {short} --budget USD goes on, with more than {more}"
            ));
            if row.balance.unconfirmed > Usd::ZERO {
                ui.hint(&format!(
                    "docmill reconcile {short} --usage FILE settles the {} held back for lost calls",
                    row.balance.unconfirmed
                ));
            }
        }
        _ => {}
    }
    failures::next_commands(&row, &groups, ui);
    if !has_out && row.counters.completed > 0 {
        ui.hint(&format!("docmill export {short} --out results.xlsx"));
    }
    Ok(())
}
