//! Answers and errors in the shapes of the protocols.

use serde_json::{Value, json};

use super::question::Dialect;

/// An answer before it is wrapped.
pub(super) struct Said<'a> {
    pub(super) id: u64,
    pub(super) model: &'a str,
    pub(super) text: &'a str,
    /// As OpenAI calls it: stop, length, content_filter.
    pub(super) finish: &'a str,
    pub(super) refused: bool,
    pub(super) counts: Counts,
}

/// What was counted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counts {
    /// The whole prompt.
    pub(super) input: u64,
    /// Of it: read from the cache.
    pub(super) cached: u64,
    /// Of it: written to the cache.
    pub(super) written: u64,
    pub(super) output: u64,
}

/// The body of a response.
pub(super) fn envelope(dialect: Dialect, said: &Said<'_>) -> Value {
    match dialect {
        Dialect::Chat => chat(said),
        Dialect::Responses => responses(said),
        Dialect::Messages => messages(said),
        Dialect::Generate => generate(said),
        Dialect::Converse => converse(said),
    }
}

/// Under which name the counts stand.
pub(super) fn usage_field(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Generate => "usageMetadata",
        _ => "usage",
    }
}

const REFUSAL: &str = "I cannot help with that.";

fn chat(said: &Said<'_>) -> Value {
    let (content, refusal) = if said.refused {
        (None, Some(REFUSAL))
    } else {
        (Some(said.text), None)
    };
    json!({
        "id": format!("standin-{}", said.id),
        "object": "chat.completion",
        "created": 1_790_000_000,
        "model": said.model,
        "choices": [{
            "index": 0,
            "message": {"role": "assistant", "content": content, "refusal": refusal},
            "finish_reason": said.finish,
        }],
        "usage": {
            "prompt_tokens": said.counts.input,
            "completion_tokens": said.counts.output,
            "total_tokens": said.counts.input + said.counts.output,
            "prompt_tokens_details": {"cached_tokens": said.counts.cached},
        },
    })
}

fn responses(said: &Said<'_>) -> Value {
    let part = if said.refused {
        json!({"type": "refusal", "refusal": REFUSAL})
    } else {
        json!({"type": "output_text", "text": said.text, "annotations": []})
    };
    let incomplete = match said.finish {
        "length" => Some("max_output_tokens"),
        "content_filter" => Some("content_filter"),
        _ => None,
    };
    json!({
        "id": format!("resp_{}", said.id),
        "object": "response",
        "created_at": 1_790_000_000,
        "status": if incomplete.is_some() { "incomplete" } else { "completed" },
        "error": null,
        "incomplete_details": incomplete.map(|reason| json!({"reason": reason})),
        "instructions": null,
        "metadata": {},
        "model": said.model,
        "output": [{"type": "message", "id": format!("msg_{}", said.id), "role": "assistant",
            "status": "completed", "content": [part]}],
        "parallel_tool_calls": true,
        "temperature": 1.0,
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "usage": {
            "input_tokens": said.counts.input,
            "input_tokens_details": {"cached_tokens": said.counts.cached},
            "output_tokens": said.counts.output,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": said.counts.input + said.counts.output,
        },
    })
}

fn messages(said: &Said<'_>) -> Value {
    let reason = match said.finish {
        _ if said.refused => "refusal",
        "length" => "max_tokens",
        "content_filter" => "refusal",
        _ => "end_turn",
    };
    let text = if said.refused { REFUSAL } else { said.text };
    json!({
        "id": format!("msg_{}", said.id),
        "type": "message",
        "role": "assistant",
        "model": said.model,
        "content": [{"type": "text", "text": text}],
        "stop_reason": reason,
        "stop_sequence": null,
        "usage": {
            "input_tokens": said.counts.input - said.counts.cached - said.counts.written,
            "cache_read_input_tokens": said.counts.cached,
            "cache_creation_input_tokens": said.counts.written,
            "output_tokens": said.counts.output,
        },
    })
}

fn generate(said: &Said<'_>) -> Value {
    let reason = match said.finish {
        "length" => "MAX_TOKENS",
        "content_filter" => "SAFETY",
        _ => "STOP",
    };
    let text = if said.refused { REFUSAL } else { said.text };
    json!({
        "candidates": [{
            "index": 0,
            "content": {"role": "model", "parts": [{"text": text}]},
            "finishReason": reason,
        }],
        "usageMetadata": {
            "promptTokenCount": said.counts.input,
            "candidatesTokenCount": said.counts.output,
            "totalTokenCount": said.counts.input + said.counts.output,
        },
        "modelVersion": said.model,
        "responseId": format!("standin-{}", said.id),
    })
}

fn converse(said: &Said<'_>) -> Value {
    let reason = match said.finish {
        _ if said.refused => "refusal",
        "length" => "max_tokens",
        "content_filter" => "content_filtered",
        _ => "end_turn",
    };
    let text = if said.refused { REFUSAL } else { said.text };
    json!({
        "output": {"message": {"role": "assistant", "content": [{"text": text}]}},
        "stopReason": reason,
        "usage": {
            "inputTokens": said.counts.input - said.counts.cached - said.counts.written,
            "outputTokens": said.counts.output,
            "totalTokens": said.counts.input + said.counts.output,
            "cacheReadInputTokens": said.counts.cached,
            "cacheWriteInputTokens": said.counts.written,
        },
        "metrics": {"latencyMs": 1},
    })
}

/// What AWS calls an error; it stands in a header.
pub(super) fn error_type(status: u16) -> &'static str {
    match status {
        400 => "ValidationException",
        403 => "UnrecognizedClientException",
        404 => "ResourceNotFoundException",
        429 => "ThrottlingException",
        503 => "ServiceUnavailableException",
        _ => "InternalServerException",
    }
}

/// An error as this protocol writes it.
pub(super) fn error(dialect: Dialect, status: u16, code: &str, message: &str) -> Value {
    match dialect {
        Dialect::Chat | Dialect::Responses => {
            json!({"error": {"message": message, "type": code, "code": code, "param": null}})
        }
        Dialect::Messages => {
            let kind = match status {
                401 => "authentication_error",
                404 => "not_found_error",
                429 if code == "insufficient_quota" => "enforced_spend_limit_reached",
                429 => "rate_limit_error",
                529 => "overloaded_error",
                400 => "invalid_request_error",
                _ => "api_error",
            };
            json!({"type": "error", "error": {"type": kind, "message": message}})
        }
        Dialect::Converse => json!({"message": message}),
        Dialect::Generate => {
            let name = match status {
                400 => "INVALID_ARGUMENT",
                401 => "UNAUTHENTICATED",
                404 => "NOT_FOUND",
                429 => "RESOURCE_EXHAUSTED",
                503 | 529 => "UNAVAILABLE",
                _ => "INTERNAL",
            };
            json!({"error": {"code": status, "message": message, "status": name}})
        }
    }
}
