//! Reads a message.

use serde_json::Value;

use crate::answer::{Answer, Finish};
use crate::wire::counts::{Counts, field};
use crate::wire::{Came, Refused};

/// The answer in a response with status 200.
pub(super) fn answer(came: &Came<'_>) -> Result<Answer, Refused> {
    let message = came.json()?;
    let usage = message.get("usage").unwrap_or(&Value::Null);
    let Some(content) = message.get("content").and_then(Value::as_array) else {
        return Err(came.strange("it is not a message: it has no content"));
    };
    let (text, note) = text(content);
    let finish = match message.get("stop_reason").and_then(Value::as_str) {
        Some("max_tokens" | "model_context_window_exceeded") => Finish::Length,
        Some("refusal") => Finish::Refusal,
        _ => Finish::Stop,
    };
    Ok(Answer {
        usage: counts(usage).settle(&came.bound, !content.is_empty()),
        text,
        finish,
        request_id: came
            .header(&["request-id"])
            .or_else(|| message.get("id").and_then(Value::as_str).map(str::to_owned)),
        signals: came.signals,
        notes: note.into_iter().collect(),
        evidence: Vec::new(),
        simulated: false,
    })
}

/// The text blocks; the input of the only tool, when there is no text. Thoughts are blocks of
/// their own and left alone.
fn text(content: &[Value]) -> (String, Option<String>) {
    let of = |kind: &str| {
        let kind = kind.to_owned();
        content
            .iter()
            .filter(move |block| block.get("type").and_then(Value::as_str) == Some(kind.as_str()))
    };
    let text: String = of("text")
        .filter_map(|block| block.get("text").and_then(Value::as_str))
        .collect();
    if !text.trim().is_empty() {
        return (text, None);
    }
    let mut tools = of("tool_use").filter_map(|block| block.get("input"));
    match (tools.next(), tools.next()) {
        (Some(input), None) => (
            input.to_string(),
            Some("the object stood in a tool call".to_owned()),
        ),
        _ => (text, None),
    }
}

/// Anthropic counts the cached parts of the prompt apart from the rest.
fn counts(usage: &Value) -> Counts {
    let cached = field(usage, &["cache_read_input_tokens"]);
    let written = field(usage, &["cache_creation_input_tokens"]);
    let fresh = field(usage, &["input_tokens"]);
    Counts {
        prompt: fresh.map(|fresh| {
            fresh
                .saturating_add(cached.unwrap_or(0))
                .saturating_add(written.unwrap_or(0))
        }),
        cached,
        written,
        answer: field(usage, &["output_tokens"]),
    }
}

#[cfg(test)]
mod tests {
    use docmill_core::price::CallBound;
    use docmill_core::usage::Usage;
    use hyper::{HeaderMap, StatusCode};

    use super::*;
    use crate::signals::Signals;
    use crate::wire::{Config, Reply};

    fn read(body: &str) -> Result<Answer, Refused> {
        let reply = Reply {
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            body: body.to_owned().into(),
        };
        answer(&Came {
            config: &Config::for_server("https://host.example/v1", |_| None).unwrap(),
            reply: &reply,
            bound: CallBound {
                input_tokens: 1000,
                output_tokens: 200,
            },
            signals: Signals::default(),
        })
    }

    #[test]
    fn blocks_ends_and_cached_tokens_are_read() {
        let answer = read(
            r#"{"id":"msg_1","content":[{"type":"thinking","thinking":"{\"n\":0}?"},{"type":"text","text":"{\"n\":1}"}],
                "stop_reason":"end_turn","usage":{"input_tokens":10,"cache_read_input_tokens":70,
                "cache_creation_input_tokens":20,"output_tokens":5}}"#,
        )
        .unwrap();
        assert_eq!(
            (answer.text.as_str(), answer.finish),
            (r#"{"n":1}"#, Finish::Stop)
        );
        let usage = Usage {
            input_tokens: 10,
            cached_input_tokens: 70,
            cache_write_tokens: 20,
            output_tokens: 5,
        };
        assert_eq!(answer.usage, Some(usage));
        assert_eq!(answer.request_id.as_deref(), Some("msg_1"));
        let tool =
            read(r#"{"content":[{"type":"tool_use","input":{"n":1}}],"stop_reason":"tool_use"}"#).unwrap();
        assert_eq!((tool.text.as_str(), tool.usage), (r#"{"n":1}"#, None));
        for (reason, finish) in [("max_tokens", Finish::Length), ("refusal", Finish::Refusal)] {
            let body = format!(r#"{{"content":[],"stop_reason":"{reason}"}}"#);
            assert_eq!(read(&body).unwrap().finish, finish);
        }
        assert!(read("{}").is_err());
    }
}
