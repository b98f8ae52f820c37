//! Numbers, times and events as people read them.

use chrono::{DateTime, SecondsFormat, Utc};
use docmill_core::event::EventKind;
use docmill_core::time::Timestamp;

/// `1,234,567`.
#[must_use]
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 document`, `10,000 documents`.
#[must_use]
pub fn counted(number: u64, one: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{} {one}{plural}", count(number))
}

/// A time in UTC, to the millisecond; `None` for one beyond the calendar.
#[must_use]
pub fn rfc3339(at: Timestamp) -> Option<String> {
    DateTime::<Utc>::from_timestamp_millis(at.0).map(|at| at.to_rfc3339_opts(SecondsFormat::Millis, true))
}

/// What happened, as a sentence.
#[must_use]
pub fn sentence(kind: &EventKind) -> String {
    match kind {
        EventKind::BatchCreated { name } => format!("batch “{name}” was made"),
        EventKind::DocumentsAdded { added, skipped: 0 } => format!("{} added", counted(*added, "document")),
        EventKind::DocumentsAdded { added, skipped } => {
            format!("{} added, {skipped} of them skipped", counted(*added, "document"))
        }
        EventKind::StateChanged { from, to, reason } if reason.is_empty() => format!("{from} → {to}"),
        EventKind::StateChanged { from, to, reason } => format!("{from} → {to}: {reason}"),
        EventKind::DocumentCompleted { cost } => match cost.nanos() {
            0 => "completed".to_owned(),
            _ => format!("completed for {cost}"),
        },
        EventKind::DocumentFailed { code, message } => format!("failed: {message} ({code})"),
        EventKind::AttemptFailed {
            code,
            message,
            retry_at,
        } => {
            let at = rfc3339(*retry_at).unwrap_or_default();
            format!("a call failed: {message} ({code}); next try not before {at}")
        }
        EventKind::BudgetChanged { from, to } => {
            let amount = |amount: &Option<docmill_core::Usd>| {
                amount.map_or_else(|| "no limit".to_owned(), |amount| amount.to_string())
            };
            format!("budget changed from {} to {}", amount(from), amount(to))
        }
        EventKind::Retried { documents } => {
            format!("{} put back into the queue", counted(*documents, "document"))
        }
        EventKind::Skipped { documents } => {
            format!("{} skipped by a person", counted(*documents, "document"))
        }
        EventKind::Reviewed {
            verdict,
            changes: 0,
            reviewer,
        } => format!("{verdict} by {reviewer}"),
        EventKind::Reviewed {
            verdict,
            changes,
            reviewer,
        } => format!("{verdict} by {reviewer}, {} changed", counted(*changes, "value")),
        EventKind::Recovered {
            documents,
            unconfirmed_calls,
            unconfirmed,
        } => format!(
            "cleared up after a process that died: {} back in the queue, {} unconfirmed ({unconfirmed} at most)",
            counted(*documents, "document"),
            counted(*unconfirmed_calls, "call")
        ),
        EventKind::Note { message } => message.clone(),
    }
}
