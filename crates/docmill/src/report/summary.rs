//! What came of a batch, in a few lines.

use std::time::Duration;

use docmill_core::batch::BatchState;
use docmill_core::time::Timestamp;
use docmill_store::{BatchRow, Matching};

use super::table::Table;
use super::text::{ago, clean, count, counted, day_and_time, duration, spent};
use super::{Style, paint};

/// How a state is painted.
pub fn state_style(state: BatchState) -> Style {
    match state {
        BatchState::Completed => Style::Green,
        BatchState::Running | BatchState::Estimating => Style::Cyan,
        BatchState::Failed | BatchState::BudgetExhausted => Style::Red,
        BatchState::CompletedWithFailures | BatchState::Paused | BatchState::Cancelled => Style::Yellow,
        BatchState::Draft | BatchState::Ready => Style::Dim,
    }
}

/// A batch with all its numbers.
pub fn batch(row: &BatchRow, now: Timestamp, colored: bool) -> String {
    let counters = &row.counters;
    let mut table = Table::new(&["", ""]);
    let mut line = |label: &str, value: String| {
        table.row(vec![(label.to_owned(), Some(Style::Dim)), (value, None)]);
    };
    line("documents", documents(row));
    if counters.pending + counters.leased > 0 {
        line(
            "to do",
            format!(
                "{} waiting, {} in hand",
                count(counters.pending),
                count(counters.leased)
            ),
        );
    }
    line("cost", cost(row));
    line("model", model(row));
    if !row.plan.fallbacks.is_empty() {
        let names: Vec<&str> = row.plan.fallbacks.iter().map(|it| it.model.as_str()).collect();
        line(
            "else",
            format!(
                "{} (when it is down, was retired or refuses)",
                names.join(", then ")
            ),
        );
    }
    if let Some(between) = row.plan.between {
        line("hours", between.to_string());
    }
    line("template", row.template.name.clone());
    line("sources", row.sources.join(", "));
    line(
        "made",
        format!("{} ({})", day_and_time(row.created_at), ago(row.created_at, now)),
    );
    if let Some(took) = took(row) {
        line("took", duration(took));
    }
    let state = paint(colored, state_style(row.state), &row.state.to_string());
    let waiting = docmill_engine::hours::waiting(&row.plan, row.state, now);
    let reason = match waiting.as_deref().unwrap_or(&row.reason) {
        "" => String::new(),
        reason => format!(": {}", clean(reason)),
    };
    let name = paint(colored, Style::Bold, &clean(&row.name));
    format!(
        "{name} ({}) is {state}{reason}\n{}",
        row.id.short(),
        table.render(colored, None)
    )
}

/// `9,988 completed, 12 failed, 40 skipped of 10,040`.
pub fn documents(row: &BatchRow) -> String {
    let counters = &row.counters;
    let mut parts = vec![format!("{} completed", count(counters.completed))];
    for (number, word) in [
        (counters.failed, "failed"),
        (counters.skipped, "skipped"),
        (counters.cancelled, "cancelled"),
    ] {
        if number > 0 {
            parts.push(format!("{} {word}", count(number)));
        }
    }
    format!("{} of {}", parts.join(", "), count(counters.total()))
}

/// `Needs a look: 18 of 30`; nothing when no result does.
pub fn needs_a_look(found: Matching, row: &BatchRow) -> String {
    let (number, more) = match found {
        Matching::Exactly(0) | Matching::AtLeast(0) => return String::new(),
        Matching::Exactly(number) => (number, ""),
        Matching::AtLeast(number) => (number, "at least "),
    };
    format!(
        "Needs a look: {more}{} of {}\n",
        count(number),
        count(row.counters.completed)
    )
}

/// What was paid, held back and is unknown.
pub fn cost(row: &BatchRow) -> String {
    let balance = &row.balance;
    let mut text = spent(balance.settled, balance.budget);
    if balance.unconfirmed.nanos() > 0 {
        text.push_str(&format!(
            ", {} unconfirmed (calls whose outcome was lost; docmill reconcile {} settles them)",
            balance.unconfirmed,
            row.id.short()
        ));
    }
    if balance.reserved.nanos() > 0 {
        text.push_str(&format!(
            ", {} held back for {}",
            balance.reserved,
            counted(row.calls_in_flight, "call")
        ));
    }
    if row.calls > 0 {
        text.push_str(&format!(" · {}", counted(row.calls, "call")));
    }
    text
}

fn model(row: &BatchRow) -> String {
    match &row.plan.base_url {
        Some(url) => format!("{} at {url}", row.plan.model),
        None => row.plan.model.clone(),
    }
}

fn took(row: &BatchRow) -> Option<Duration> {
    let ms = row.ended_at?.since_ms(row.started_at?);
    u64::try_from(ms).ok().map(Duration::from_millis)
}
