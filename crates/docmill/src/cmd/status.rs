//! `docmill status`: all batches, or one.

use docmill_store::BatchRow;

use crate::args::{Context, StatusArgs};
use crate::clock::now;
use crate::exit::Exit;
use crate::fault::Fault;
use crate::place::Place;
use crate::report::live::{LOOK_EVERY, Reporter, Watcher};
use crate::report::summary::{self, state_style};
use crate::report::table::Table;
use crate::report::text::{ago, count, spent};
use crate::report::{failures, json};

/// Carries out the verb.
pub async fn perform(args: StatusArgs, context: &Context) -> Result<Exit, Fault> {
    let Some(reference) = &args.batch else {
        return all(args.json, context).await;
    };
    let place = Place::with_batches(context)?;
    let mut row = place.find_batch(reference).await?;
    if args.watch {
        row = watch(&place, &row, context).await?;
    }
    let groups = place.failures(row.id).await?;
    let needs_a_look = place.needs_a_look(row.id).await?;
    if args.json {
        let mut value = json::batch(&row);
        if let Some(fields) = value.as_object_mut() {
            fields.insert("needs_a_look".to_owned(), json::matching(needs_a_look));
            fields.insert("failures".to_owned(), groups.iter().map(json::failure).collect());
        }
        context.ui.json(&value)?;
        return Ok(Exit::Ok);
    }
    let ui = &context.ui;
    let mut text = summary::batch(&row, now(), ui.color_out);
    text.push_str(&summary::needs_a_look(needs_a_look, &row));
    if !groups.is_empty() {
        text.push('\n');
        text.push_str(&failures::render(&groups, ui.color_out, ui.width_out()));
    }
    ui.out(&text)?;
    Ok(Exit::Ok)
}

/// Draws the batch until it rests.
async fn watch(place: &Place, row: &BatchRow, context: &Context) -> Result<BatchRow, Fault> {
    let mut watcher = Watcher::new(place.clone(), row.id);
    let mut reporter = Reporter::new(&context.ui);
    loop {
        let glance = watcher.look().await?;
        reporter.batch(&glance);
        let rests = glance.row.state.is_ended() || glance.row.state == docmill_core::BatchState::Paused;
        if rests && glance.row.calls_in_flight == 0 {
            return Ok(glance.row);
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            // Watching ends, the work goes on.
            _ = tokio::signal::ctrl_c() => return Ok(glance.row),
        }
    }
}

async fn all(as_json: bool, context: &Context) -> Result<Exit, Fault> {
    let rows = match Place::to_look(context)? {
        Some(place) => place.batches().await?,
        None => Vec::new(),
    };
    let ui = &context.ui;
    if as_json {
        ui.json(&rows.iter().map(json::batch).collect::<Vec<_>>())?;
        return Ok(Exit::Ok);
    }
    if rows.is_empty() {
        ui.say(&match &context.server {
            Some(url) => format!("no batches at {url}"),
            None => format!("no batches in {}", context.data_dir.display()),
        });
        ui.hint("docmill run SOURCE --template TEMPLATE makes one");
        return Ok(Exit::Ok);
    }
    let mut table = Table::new(&[
        "id",
        "name",
        "state",
        ">documents",
        ">completed",
        ">failed",
        "cost",
        "model",
        "changed",
    ]);
    let now = now();
    for row in &rows {
        table.row(vec![
            (row.id.short(), None),
            (row.name.clone(), None),
            (row.state.to_string(), Some(state_style(row.state))),
            (count(row.counters.total()), None),
            (count(row.counters.completed), None),
            (count(row.counters.failed), None),
            (spent(row.balance.settled, row.balance.budget), None),
            (row.plan.model.clone(), None),
            (ago(row.updated_at, now), None),
        ]);
    }
    ui.out(&table.render(ui.color_out, ui.width_out()))?;
    Ok(Exit::Ok)
}
