//! Events as sentences.

use docmill_core::event::EventKind;

use super::text::{counted, rfc3339};

/// What happened, as a sentence.
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
