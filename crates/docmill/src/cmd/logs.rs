//! `docmill logs`: what happened, as it happens.

use docmill_core::event::{Event, Level};
use docmill_core::id::Ordinal;

use crate::args::{Context, LogsArgs};
use crate::exit::Exit;
use crate::fault::Fault;
use crate::report::live::LOOK_EVERY;
use crate::report::text::{clean, time_of_day};
use crate::report::{Style, json, paint};
use crate::wire;
use docmill_server::views::words::sentence;

/// Events fetched at a time while following.
const CHUNK: u32 = 500;

/// Carries out the verb.
pub async fn perform(args: LogsArgs, context: &Context) -> Result<Exit, Fault> {
    let store = wire::store_with_batches(context)?;
    let batch = store.find_batch(&args.batch).await?.id;
    let document = args.document.map(Ordinal);
    let mut events = store.last_events(batch, args.lines.max(1)).await?;
    let mut last = events.last().map_or(0, |event| event.id);
    if args.lines == 0 {
        events.clear();
    }
    write(&events, document, args.json, context)?;
    if !args.follow {
        return Ok(Exit::Ok);
    }
    loop {
        // The state is read before the events: what happened up to an end is not missed.
        let ended = store.batch(batch).await?.state.is_ended();
        let events = store.events_after(Some(batch), last, CHUNK).await?;
        if let Some(newest) = events.last() {
            last = newest.id;
            write(&events, document, args.json, context)?;
            continue;
        }
        if ended {
            return Ok(Exit::Ok);
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            _ = tokio::signal::ctrl_c() => return Ok(Exit::Ok),
        }
    }
}

fn write(events: &[Event], document: Option<Ordinal>, as_json: bool, context: &Context) -> Result<(), Fault> {
    let mut out = String::new();
    for event in events
        .iter()
        .filter(|event| document.is_none() || event.document == document)
    {
        if as_json {
            out.push_str(&json::event(event).to_string());
        } else {
            out.push_str(&line(event, context.ui.color_out));
        }
        out.push('\n');
    }
    if out.is_empty() {
        Ok(())
    } else {
        context.ui.out(&out)
    }
}

fn line(event: &Event, colored: bool) -> String {
    let level = event.kind.level();
    let style = match level {
        Level::Info => None,
        Level::Warning => Some(Style::Yellow),
        Level::Error => Some(Style::Red),
    };
    let about = event
        .document
        .map(|document| format!("#{document} "))
        .unwrap_or_default();
    let text = clean(&sentence(&event.kind)).into_owned();
    let level = format!("{:<7}", level.as_str());
    let level = style.map_or_else(|| level.clone(), |style| paint(colored, style, &level));
    format!(
        "{} {level} {about}{text}",
        paint(colored, Style::Dim, &time_of_day(event.at))
    )
}
