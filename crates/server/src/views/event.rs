//! The log.

use docmill_core::event::Event;
use docmill_core::money::Usd;
use docmill_core::time::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::{dollars, time, words};

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EventView {
    /// Its place in the log: later lines have larger numbers.
    pub id: u64,
    /// When.
    pub time: String,
    /// `info`, `warning` or `error`.
    pub level: String,
    /// The batch it belongs to.
    pub batch: String,
    /// The document it is about.
    #[schema(required)]
    pub document: Option<u64>,
    /// What happened: `document_completed`, `state_changed`, …
    pub event: String,
    /// The same as a sentence.
    pub text: String,
    /// What else belongs to it: amounts in dollars, times as text.
    #[serde(flatten)]
    #[schema(value_type = std::collections::BTreeMap<String, Value>)]
    pub more: Map<String, Value>,
}

impl From<&Event> for EventView {
    fn from(event: &Event) -> Self {
        let mut more = match json!(&event.kind) {
            Value::Object(fields) => fields,
            _ => Map::new(),
        };
        for name in ["cost", "unconfirmed", "from", "to"] {
            if let Some(nanos) = more.get(name).and_then(Value::as_i64) {
                more.remove(name);
                more.insert(format!("{name}_usd"), json!(dollars(Usd::from_nanos(nanos))));
            }
        }
        if let Some(at) = more.get("retry_at").and_then(Value::as_i64) {
            more.insert("retry_at".to_owned(), json!(time(Timestamp(at))));
        }
        let name = more.remove("event");
        Self {
            id: event.id,
            time: time(event.at),
            level: event.kind.level().as_str().to_owned(),
            batch: event.batch.to_string(),
            document: event.document.map(|document| document.0),
            event: name
                .and_then(|name| name.as_str().map(str::to_owned))
                .unwrap_or_default(),
            text: words::sentence(&event.kind),
            more,
        }
    }
}

/// Lines of the log, oldest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EventList {
    /// The lines.
    pub events: Vec<EventView>,
}

#[cfg(test)]
mod tests {
    use docmill_core::event::EventKind;
    use docmill_core::id::{BatchId, Ordinal};

    use super::*;

    #[test]
    fn amounts_of_events_are_dollars() {
        let event = Event {
            id: 7,
            at: Timestamp(0),
            batch: BatchId("01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap()),
            document: Some(Ordinal(3)),
            kind: EventKind::DocumentCompleted {
                cost: Usd::from_nanos(3_150_000),
            },
        };
        let line = json!(EventView::from(&event));
        assert_eq!(line["cost_usd"].to_string(), "0.00315");
        assert_eq!(line["event"], "document_completed");
        assert_eq!(line["time"], "1970-01-01T00:00:00.000Z");
        assert_eq!(line["cost"], Value::Null);
    }
}
