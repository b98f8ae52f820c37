//! `docmill logs`: what happened, as it happens.

use docmill_core::time::Timestamp;
use docmill_server::views::EventView;

use crate::args::{Context, LogsArgs};
use crate::exit::Exit;
use crate::fault::Fault;
use crate::place::Place;
use crate::report::live::LOOK_EVERY;
use crate::report::text::{clean, time_of_day};
use crate::report::{Style, paint};

/// Events fetched at a time while following.
const CHUNK: u32 = 500;

/// Carries out the verb.
pub async fn perform(args: LogsArgs, context: &Context) -> Result<Exit, Fault> {
    let place = Place::with_batches(context)?;
    let batch = place.find_batch(&args.batch).await?.id;
    let document = args.document;
    let mut events = place.last_events(batch, args.lines.max(1)).await?;
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
        let ended = place.batch(batch).await?.state.is_ended();
        let events = place.events_after(batch, last, CHUNK).await?;
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

fn write(events: &[EventView], document: Option<u64>, as_json: bool, context: &Context) -> Result<(), Fault> {
    let mut out = String::new();
    for event in events
        .iter()
        .filter(|event| document.is_none() || event.document == document)
    {
        if as_json {
            out.push_str(&serde_json::json!(event).to_string());
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

fn line(event: &EventView, colored: bool) -> String {
    let style = match event.level.as_str() {
        "warning" => Some(Style::Yellow),
        "error" => Some(Style::Red),
        _ => None,
    };
    let about = event
        .document
        .map(|document| format!("#{document} "))
        .unwrap_or_default();
    let text = clean(&event.text).into_owned();
    let level = format!("{:<7}", event.level);
    let at = chrono::DateTime::parse_from_rfc3339(&event.time)
        .map_or(Timestamp(0), |at| Timestamp(at.timestamp_millis()));
    let level = style.map_or_else(|| level.clone(), |style| paint(colored, style, &level));
    format!(
        "{} {level} {about}{text}",
        paint(colored, Style::Dim, &time_of_day(at))
    )
}
