//! Reads a response of Converse, and its errors.

use serde_json::{Value, json};

use crate::answer::{Answer, Finish};
use crate::wire::counts::{Counts, field};
use crate::wire::{Came, Config, Refused, errors};

/// The answer in a response with status 200.
pub(super) fn answer(came: &Came<'_>) -> Result<Answer, Refused> {
    let response = came.json()?;
    let content = response
        .pointer("/output/message/content")
        .and_then(Value::as_array);
    let Some(content) = content else {
        return Err(came.strange("it has no message"));
    };
    let text: String = content
        .iter()
        .filter_map(|block| block.get("text").and_then(Value::as_str))
        .collect();
    let finish = match response.get("stopReason").and_then(Value::as_str) {
        Some("max_tokens" | "model_context_window_exceeded") => Finish::Length,
        Some("guardrail_intervened" | "content_filtered") => Finish::ContentFilter,
        Some("refusal") => Finish::Refusal,
        _ => Finish::Stop,
    };
    let usage = response.get("usage").unwrap_or(&Value::Null);
    Ok(Answer {
        usage: counts(usage).settle(&came.bound, !content.is_empty()),
        text,
        finish,
        request_id: came.header(&["x-amzn-requestid"]),
        signals: came.signals,
        notes: Vec::new(),
        evidence: Vec::new(),
        simulated: false,
    })
}

/// Cached parts of the prompt are counted apart from the rest.
fn counts(usage: &Value) -> Counts {
    let cached = field(usage, &["cacheReadInputTokens", "cacheReadInputTokensCount"]);
    let written = field(usage, &["cacheWriteInputTokens", "cacheWriteInputTokensCount"]);
    let fresh = field(usage, &["inputTokens"]);
    Counts {
        prompt: fresh.map(|fresh| {
            fresh
                .saturating_add(cached.unwrap_or(0))
                .saturating_add(written.unwrap_or(0))
        }),
        cached,
        written,
        answer: field(usage, &["outputTokens"]),
    }
}

/// AWS says `{"message": …}`, alone: the service answered itself, no proxy did.
pub(super) fn refusal(status: u16, body: &[u8], config: &Config) -> Refused {
    let said: Option<Value> = serde_json::from_slice(body).ok();
    let message = said
        .as_ref()
        .and_then(|said| said.get("message").or_else(|| said.get("Message")))
        .and_then(Value::as_str);
    match message {
        Some(message) => {
            let kind = said.as_ref().and_then(|said| said.get("__type"));
            let body = json!({"error": {"message": message, "type": kind}}).to_string();
            errors::classify(status, body.as_bytes(), config)
        }
        None => errors::classify(status, body, config),
    }
}
