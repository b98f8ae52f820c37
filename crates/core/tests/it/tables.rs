//! The tables in the guide are printed from the code, and must not be stale.
//! `DOCMILL_WRITE_DOCS=1 cargo nextest run -p docmill-core tables` writes them anew.
#![expect(
    clippy::disallowed_methods,
    reason = "the one test of core that reads files: the guide itself"
)]

use std::path::Path;

use docmill_core::batch::{BatchEvent, BatchState, EVENTS, STATES};
use docmill_core::document::{DocumentEvent, DocumentState};
use docmill_core::failure::{FailureClass, FailureCode};

const NOTE: &str = "<!-- Printed from crates/core by its tests; do not edit by hand. \
DOCMILL_WRITE_DOCS=1 cargo nextest run -p docmill-core tables -->\n";

fn is_written(name: &str, content: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../docs/guide")
        .join(name);
    if std::env::var("DOCMILL_WRITE_DOCS").is_ok() {
        std::fs::write(&path, content).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        return;
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == content,
        "docs/guide/{name} is stale; run DOCMILL_WRITE_DOCS=1 cargo nextest run -p docmill-core tables"
    );
}

fn batch_event(event: BatchEvent) -> &'static str {
    match event {
        BatchEvent::Estimate => "estimate",
        BatchEvent::Estimated => "estimated",
        BatchEvent::Start => "start",
        BatchEvent::Pause => "pause",
        BatchEvent::Resume => "resume",
        BatchEvent::Cancel => "cancel",
        BatchEvent::Finish => "finish",
        BatchEvent::FinishWithFailures => "finish with failures",
        BatchEvent::ExhaustBudget => "exhaust budget",
        BatchEvent::RaiseBudget => "raise budget",
        BatchEvent::Retry => "retry",
        BatchEvent::Add => "add documents",
        BatchEvent::Fail => "fail",
    }
}

fn batch_meaning(state: BatchState) -> &'static str {
    match state {
        BatchState::Draft => "Documents are being added; nothing was counted yet.",
        BatchState::Estimating => "Pages and tokens are being counted; nothing is paid.",
        BatchState::Ready => "Counted, waiting for the start.",
        BatchState::Running => "Workers process documents.",
        BatchState::Paused => {
            "Stopped by a person, or by a failure that would repeat; the reason says which."
        }
        BatchState::Completed => "Every document ended well (completed or skipped).",
        BatchState::CompletedWithFailures => "Every document ended, at least one of them failed.",
        BatchState::BudgetExhausted => "The next call would not fit into the budget, and none is in flight.",
        BatchState::Cancelled => "Given up by a person; finished results stay.",
        BatchState::Failed => "Cannot go on (a bug, a cost above its worst case).",
    }
}

const DOCUMENT_EVENTS: [(DocumentEvent, &str); 7] = [
    (DocumentEvent::Lease, "lease"),
    (DocumentEvent::Release, "release"),
    (DocumentEvent::Complete, "complete"),
    (DocumentEvent::Fail, "fail"),
    (DocumentEvent::Cancel, "cancel"),
    (DocumentEvent::Skip, "skip"),
    (DocumentEvent::Retry, "retry"),
];

fn document_meaning(state: DocumentState) -> &'static str {
    match state {
        DocumentState::Pending => "Waits for a worker, or for the time of its next attempt.",
        DocumentState::Leased => "A worker holds it.",
        DocumentState::Completed => "Its extraction is stored.",
        DocumentState::Failed => "Ended without an extraction; the failure says why.",
        DocumentState::Cancelled => "Its batch was cancelled before its turn.",
        DocumentState::Skipped => "Never processed: duplicate content, unsupported type, or empty.",
    }
}

/// `from | event → to` as rows: one line per state, its transitions beside it.
fn row(name: &str, meaning: &str, transitions: &[(String, String)]) -> String {
    let listed: Vec<String> = transitions
        .iter()
        .map(|(event, to)| format!("{event} → `{to}`"))
        .collect();
    let listed = if listed.is_empty() {
        "—".to_owned()
    } else {
        listed.join("<br>")
    };
    format!("| `{name}` | {meaning} | {listed} |\n")
}

fn states() -> String {
    let mut text = format!("# States\n\n{NOTE}\n");
    text.push_str("What is not listed is refused. An event that changes nothing is left out.\n\n");
    text.push_str("## Batches\n\n| state | meaning | what can happen |\n| --- | --- | --- |\n");
    for state in STATES {
        let transitions: Vec<_> = EVENTS
            .into_iter()
            .filter_map(|event| Some((event, state.on(event).ok()?)))
            .filter(|(_, to)| *to != state)
            .map(|(event, to)| (batch_event(event).to_owned(), to.as_str().to_owned()))
            .collect();
        text.push_str(&row(state.as_str(), batch_meaning(state), &transitions));
    }
    text.push_str("\n## Documents\n\n| state | meaning | what can happen |\n| --- | --- | --- |\n");
    for state in DocumentState::ALL {
        let transitions: Vec<_> = DOCUMENT_EVENTS
            .into_iter()
            .filter_map(|(event, name)| Some((name.to_owned(), state.on(event)?.as_str().to_owned())))
            .collect();
        text.push_str(&row(state.as_str(), document_meaning(state), &transitions));
    }
    text
}

fn action(code: FailureCode) -> &'static str {
    if matches!(
        code,
        FailureCode::Duplicate | FailureCode::UnsupportedType | FailureCode::EmptyDocument
    ) {
        return "skips the document; nothing is paid";
    }
    match code.class() {
        FailureClass::SpeedLimit => {
            "waits as long as the provider says, then goes on; does not count against the document"
        }
        FailureClass::DailyLimit => "pauses the batch until the limit resets",
        FailureClass::Money => "pauses the batch",
        FailureClass::Configuration => "pauses the batch; a single refused request fails its document only",
        FailureClass::Transient => "tries again with growing pauses, at most four times",
        FailureClass::BadAnswer => "sends the answer back once with what is wrong, then fails the document",
        FailureClass::Truncated => "asks for smaller parts, never the same again",
        FailureClass::Refusal => "fails the document",
        FailureClass::BadDocument => "fails the document at once; nothing is paid",
        FailureClass::Bug => "fails the document",
    }
}

fn failures() -> String {
    let mut text = format!("# Failures\n\n{NOTE}\n");
    text.push_str(
        "Every failure a document can meet, under the same code in the database, the API and the reports. ",
    );
    text.push_str(
        "A batch whose calls all fail alike (10 in a row; 200 for overload and time-outs) pauses itself.\n\n",
    );
    text.push_str("| code | class | what docmill does | what you can do |\n| --- | --- | --- | --- |\n");
    for code in FailureCode::ALL {
        let class = code.class();
        text.push_str(&format!(
            "| `{code}` | {} | {} | {} |\n",
            class.as_str(),
            action(*code),
            code.hint()
        ));
    }
    text
}

#[test]
fn the_table_of_states_is_fresh() {
    is_written("states.md", &states());
}

#[test]
fn the_table_of_failures_is_fresh() {
    is_written("failures.md", &failures());
}
