//! What programs get: names and units that stay the same, whatever the store does.
//! Amounts are dollars with all their digits, times RFC 3339 in UTC.

use docmill_core::attempt::Attempt;
use docmill_core::event::Event;
use docmill_core::extraction::Extraction;
use docmill_core::money::Usd;
use docmill_core::time::Timestamp;
use docmill_core::usage::Usage;
use docmill_store::{BatchRow, DocumentDetail, DocumentPage, DocumentRow, FailureGroup, Matching};
use serde_json::{Value, json};

use super::text::rfc3339;

fn dollars(amount: Usd) -> Value {
    // As a number with its decimal digits, which the float nearest to them prints back.
    json!(amount.as_f64())
}

fn time(at: Timestamp) -> Value {
    json!(rfc3339(at))
}

/// A batch.
pub fn batch(row: &BatchRow) -> Value {
    let counters = &row.counters;
    json!({
        "id": row.id.to_string(),
        "short_id": row.id.short(),
        "name": row.name,
        "state": row.state.as_str(),
        "reason": row.reason,
        "template": row.template.name,
        "model": row.plan.model,
        "base_url": row.plan.base_url,
        "sources": row.sources,
        "documents": {
            "total": counters.total(),
            "pending": counters.pending,
            "leased": counters.leased,
            "completed": counters.completed,
            "failed": counters.failed,
            "cancelled": counters.cancelled,
            "skipped": counters.skipped,
        },
        "money": {
            "budget_usd": row.balance.budget.map(dollars),
            "settled_usd": dollars(row.balance.settled),
            "reserved_usd": dollars(row.balance.reserved),
            "unconfirmed_usd": dollars(row.balance.unconfirmed),
        },
        "usage": usage(&row.usage),
        "calls": row.calls,
        "calls_in_flight": row.calls_in_flight,
        "estimate": row.estimate.as_ref().and_then(estimate),
        "created_at": time(row.created_at),
        "started_at": row.started_at.map(time),
        "ended_at": row.ended_at.map(time),
        "updated_at": time(row.updated_at),
    })
}

/// The stored estimate, when this docmill can read it.
fn estimate(stored: &Value) -> Option<Value> {
    serde_json::from_value(stored.clone())
        .ok()
        .map(|estimate| super::estimate::json(&estimate))
}

fn usage(usage: &Usage) -> Value {
    json!({
        "input_tokens": usage.input_tokens,
        "cached_input_tokens": usage.cached_input_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "output_tokens": usage.output_tokens,
    })
}

/// A document of a list.
pub fn document(row: &DocumentRow) -> Value {
    json!({
        "document": row.ordinal.0,
        "name": row.name,
        "key": row.key,
        "bytes": row.bytes,
        "kind": row.kind.as_str(),
        "class": row.class.as_str(),
        "pages": row.pages,
        "content_hash": row.content_hash.map(|hash| hash.to_hex()),
        "state": row.state.as_str(),
        "error_code": row.failure.as_ref().map(|failure| failure.code.as_str()),
        "error": row.failure.as_ref().map(|failure| &failure.message),
        "duplicate_of": row.duplicate_of.map(|original| original.0),
        "attempts": row.attempts,
        "cost_usd": dollars(row.cost),
        "usage": usage(&row.usage),
        "risk": row.risk,
        "updated_at": time(row.updated_at),
    })
}

/// A page of documents.
pub fn page(page: &DocumentPage) -> Value {
    let (matching, exact) = match page.matching {
        Matching::Exactly(number) => (number, true),
        Matching::AtLeast(number) => (number, false),
    };
    json!({
        "documents": page.rows.iter().map(document).collect::<Vec<_>>(),
        "first": page.first,
        "matching": matching,
        "matching_is_exact": exact,
        "has_next": page.next.is_some(),
    })
}

/// Everything about a document.
pub fn detail(detail: &DocumentDetail, raw: bool) -> Value {
    let mut value = document(&detail.row);
    if let Some(fields) = value.as_object_mut() {
        fields.insert(
            "extraction".to_owned(),
            json!(detail.extraction.as_ref().map(extraction)),
        );
        let attempts: Vec<Value> = detail.attempts.iter().map(|found| attempt(found, raw)).collect();
        fields.insert("calls".to_owned(), Value::Array(attempts));
    }
    value
}

fn extraction(extraction: &Extraction) -> Value {
    json!({
        "data": extraction.data,
        "evidence": extraction.evidence,
        "ungrounded": extraction.ungrounded,
        "findings": extraction.findings,
        "risk": extraction.risk,
        "simulated": extraction.simulated,
    })
}

fn attempt(attempt: &Attempt, raw: bool) -> Value {
    let mut value = json!({
        "number": attempt.number,
        "part": attempt.part,
        "model": attempt.model,
        "outcome": attempt.outcome.as_str(),
        "reserved_usd": dollars(attempt.reserved),
        "cost_usd": dollars(attempt.cost),
        "usage": usage(&attempt.usage),
        "started_at": time(attempt.started_at),
        "latency_ms": attempt.latency_ms,
        "request_id": attempt.request_id,
        "error_code": attempt.failure.as_ref().map(|failure| failure.code.as_str()),
        "error": attempt.failure.as_ref().map(|failure| &failure.message),
    });
    if raw && let Some(fields) = value.as_object_mut() {
        fields.insert("raw_answer".to_owned(), json!(attempt.raw_answer));
    }
    value
}

/// Failed documents with the same cause.
pub fn failure(group: &FailureGroup) -> Value {
    json!({
        "code": group.code.as_str(),
        "documents": group.documents,
        "example": group.example,
        "example_document": group.example_document.0,
        "hint": group.code.hint(),
    })
}

/// A line of the log: the event with amounts in dollars and times as text, and the
/// sentence people get.
pub fn event(event: &Event) -> Value {
    let mut line = json!(&event.kind);
    let Some(fields) = line.as_object_mut() else {
        return line;
    };
    for name in ["cost", "unconfirmed", "from", "to"] {
        if let Some(nanos) = fields.get(name).and_then(Value::as_i64) {
            fields.remove(name);
            fields.insert(format!("{name}_usd"), dollars(Usd::from_nanos(nanos)));
        }
    }
    if let Some(at) = fields.get("retry_at").and_then(Value::as_i64) {
        fields.insert("retry_at".to_owned(), time(Timestamp(at)));
    }
    fields.insert("id".to_owned(), json!(event.id));
    fields.insert("time".to_owned(), time(event.at));
    fields.insert("level".to_owned(), json!(event.kind.level().as_str()));
    fields.insert("batch".to_owned(), json!(event.batch.to_string()));
    fields.insert(
        "document".to_owned(),
        json!(event.document.map(|document| document.0)),
    );
    fields.insert("text".to_owned(), json!(super::words::sentence(&event.kind)));
    line
}

#[cfg(test)]
mod tests {
    use docmill_core::event::EventKind;
    use docmill_core::id::{BatchId, Ordinal};

    use super::*;

    #[test]
    fn amounts_of_events_are_dollars() {
        let line = event(&Event {
            id: 7,
            at: Timestamp(0),
            batch: BatchId("01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap()),
            document: Some(Ordinal(3)),
            kind: EventKind::DocumentCompleted {
                cost: Usd::from_nanos(3_150_000),
            },
        });
        assert_eq!(line["cost_usd"].to_string(), "0.00315");
        assert_eq!(line["event"], "document_completed");
        assert_eq!(line["time"], "1970-01-01T00:00:00.000Z");
        assert_eq!(line["cost"], Value::Null);
    }
}
