//! The body of an answer as JSON: with a mark before it, as an event stream
//! nobody asked for, or as it should be.

use serde_json::{Map, Value, json};

/// A body that is not JSON, in whichever wrapping.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreadable {
    /// Nothing at all.
    #[error("the answer is empty")]
    Empty,
    /// The page of a proxy.
    #[error("it is a web page, not an answer")]
    Page,
    /// Something else.
    #[error("it is not JSON ({0})")]
    NotJson(serde_json::Error),
    /// A stream without an answer in it.
    #[error("it is an event stream without an answer")]
    EmptyStream,
}

/// Reads a body.
pub(crate) fn parse(bytes: &[u8]) -> Result<Value, Unreadable> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match serde_json::from_slice(bytes) {
        Ok(value) => Ok(value),
        Err(cause) => {
            let text = String::from_utf8_lossy(bytes);
            let text = text.trim_start_matches('\u{feff}').trim();
            if text.is_empty() {
                Err(Unreadable::Empty)
            } else if is_stream(text) {
                joined(text).ok_or(Unreadable::EmptyStream)
            } else if text.starts_with('<') {
                Err(Unreadable::Page)
            } else if let Ok(value) = serde_json::from_str(text) {
                Ok(value)
            } else {
                Err(Unreadable::NotJson(cause))
            }
        }
    }
}

fn is_stream(text: &str) -> bool {
    ["data:", "event:", "id:", ":", "retry:"]
        .iter()
        .any(|start| text.starts_with(start))
}

/// The chunks of a stream of chat completions as the whole completion they are
/// the pieces of. Other protocols are never streamed to us unasked.
fn joined(stream: &str) -> Option<Value> {
    let mut whole = Map::new();
    let mut message: Map<String, Value> = Map::new();
    let mut finish = Value::Null;
    let mut seen = false;
    for line in stream.lines() {
        let Some(data) = line.trim_start().strip_prefix("data:") else {
            continue;
        };
        let Ok(Value::Object(chunk)) = serde_json::from_str::<Value>(data.trim()) else {
            continue;
        };
        for (name, value) in chunk {
            if name != "choices" {
                if !value.is_null() {
                    whole.insert(name, value);
                }
                continue;
            }
            let Some(choice) = value.get(0) else { continue };
            seen = true;
            if let Some(reason) = choice.get("finish_reason").filter(|reason| !reason.is_null()) {
                finish = reason.clone();
            }
            let piece = choice.get("delta").or_else(|| choice.get("message"));
            add(&mut message, piece);
        }
    }
    if !seen && !whole.contains_key("error") {
        return None;
    }
    if seen {
        let choice = json!({"index": 0, "message": message, "finish_reason": finish});
        whole.insert("choices".to_owned(), json!([choice]));
    }
    Some(Value::Object(whole))
}

/// Adds a piece to the message: texts are joined, the rest is kept.
fn add(message: &mut Map<String, Value>, piece: Option<&Value>) {
    for (name, value) in piece.and_then(Value::as_object).into_iter().flatten() {
        match (message.get_mut(name), value) {
            (_, Value::Null) => {}
            (Some(Value::String(text)), Value::String(more)) if name != "role" => text.push_str(more),
            (_, value) => {
                message.insert(name.clone(), value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_is_the_answer_it_is_cut_from() {
        let stream = concat!(
            ": comment\n\n",
            "data: {\"id\":\"a\",\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"{\\\"n\\\":\"}}]}\n\n",
            "data: {\"id\":\"a\",\"choices\":[{\"delta\":{\"content\":\"1}\"},\"finish_reason\":\"stop\"}]}\n\n",
            "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3}}\n\ndata: [DONE]\n\n",
        );
        let value = parse(stream.as_bytes()).unwrap();
        assert_eq!(value["choices"][0]["message"]["content"], "{\"n\":1}");
        assert_eq!(value["choices"][0]["finish_reason"], "stop");
        assert_eq!(value["usage"]["prompt_tokens"], 3);
    }

    #[test]
    fn marks_pages_and_nothing_are_told_apart() {
        assert_eq!(parse("\u{feff}{\"a\":1}".as_bytes()).unwrap()["a"], 1);
        assert!(matches!(parse(b" \n"), Err(Unreadable::Empty)));
        assert!(matches!(parse(b"<html>"), Err(Unreadable::Page)));
        assert!(matches!(parse(b"data: [DONE]\n\n"), Err(Unreadable::EmptyStream)));
        assert!(matches!(parse(b"nonsense"), Err(Unreadable::NotJson(_))));
    }
}
