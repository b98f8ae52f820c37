//! Reads the body of an answer: a chat completion, as tolerantly as JSON
//! allows. An answer that was paid for is not thrown away over its envelope.

use docmill_core::failure::{Failure, FailureCode};
use serde_json::Value;

use crate::answer::{Answer, Billing, Finish};
use crate::wire::counts::{Counts, field};
use crate::wire::{Came, Refused, errors};

/// The answer in a response with status 200.
pub(super) fn answer(came: &Came<'_>) -> Result<Answer, Refused> {
    let completion = came.json()?;
    let counts = counts(completion.get("usage").unwrap_or(&Value::Null));
    let used = |answered: bool| counts.settle(&came.bound, answered);
    let choice = completion
        .get("choices")
        .and_then(|choices| choices.get(0))
        .filter(|choice| choice.is_object());
    if let Some(error) = error_in(&completion).or_else(|| choice.and_then(error_in)) {
        return Err(error_inside(came, error, used(false)));
    }
    let Some(choice) = choice else {
        return Err(bare_answer(came, &completion));
    };
    let message = choice
        .get("message")
        .or_else(|| choice.get("delta"))
        .unwrap_or(&Value::Null);
    let finish = finish(choice, message);
    let said = said(choice, message);
    Ok(Answer {
        usage: used(!said.text.is_empty() || said.thought),
        text: said.text,
        finish,
        request_id: came
            .header(&["x-request-id"])
            .or_else(|| completion.get("id").and_then(id)),
        signals: came.signals,
        notes: said.note.into_iter().collect(),
        evidence: Vec::new(),
        simulated: false,
    })
}

/// Ids are texts; some servers number them.
fn id(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn error_in(object: &Value) -> Option<&Value> {
    object.get("error").filter(|error| !error.is_null())
}

/// OpenRouter reports failures of its upstreams inside a 200. What it says was
/// used is what it bills.
fn error_inside(came: &Came<'_>, error: &Value, used: Option<docmill_core::usage::Usage>) -> Refused {
    let status = error
        .get("code")
        .and_then(Value::as_u64)
        .and_then(|code| u16::try_from(code).ok())
        .filter(|code| (400..600).contains(code))
        .unwrap_or(500);
    let body = serde_json::json!({ "error": error }).to_string();
    let refused = errors::classify(status, body.as_bytes(), came.config);
    match used {
        Some(used) => Refused {
            billing: Billing::Used(used),
            ..refused
        },
        None => refused,
    }
}

/// JSON without choices: nothing was answered that could be read.
fn bare_answer(came: &Came<'_>, completion: &Value) -> Refused {
    // A completion without choices, id and usage is an upstream's failure in OpenRouter's
    // envelope; elsewhere nobody knows.
    let blank = |name: &str| completion.get(name).is_some_and(Value::is_null);
    if blank("choices") && blank("usage") && blank("id") {
        return Refused {
            failure: Failure::new(
                FailureCode::ProviderError,
                format!("{} answered 200 with an empty completion", came.config.name),
            ),
            billing: Billing::NotBilled,
            retry_after: None,
            complaint: None,
        };
    }
    came.strange("it is not a chat completion: it has no choices")
}

fn finish(choice: &Value, message: &Value) -> Finish {
    let refused = message
        .get("refusal")
        .and_then(Value::as_str)
        .is_some_and(|refusal| !refusal.is_empty());
    match choice.get("finish_reason").and_then(Value::as_str) {
        Some("content_filter") => Finish::ContentFilter,
        _ if refused => Finish::Refusal,
        Some("refusal") => Finish::Refusal,
        Some("length" | "max_tokens" | "model_length") => Finish::Length,
        // "stop", and whatever else a server calls it; the text is judged anyway.
        _ => Finish::Stop,
    }
}

/// What the model said, and where that stood.
struct SaidText {
    text: String,
    note: Option<String>,
    /// It thought without answering: that costs too.
    thought: bool,
}

/// The text; of a refusal, its words. An object that stands in the thoughts or
/// in a tool call and nowhere else is taken from there when it is all that
/// stands there.
fn said(choice: &Value, message: &Value) -> SaidText {
    let content = message.get("content").or_else(|| choice.get("text"));
    let text = content.map(text_of).unwrap_or_default();
    let plain = |text: String| SaidText {
        text,
        note: None,
        thought: false,
    };
    if !text.trim().is_empty() {
        return plain(text);
    }
    if let Some(refusal) = message
        .get("refusal")
        .and_then(Value::as_str)
        .filter(|text| !text.is_empty())
    {
        return plain(refusal.to_owned());
    }
    let elsewhere = [
        ("reasoning_content", message.get("reasoning_content").map(text_of)),
        ("reasoning", message.get("reasoning").map(text_of)),
        ("a tool call", tool_call(message)),
    ];
    let mut thought = None;
    for (place, found) in elsewhere {
        let Some(found) = found.filter(|found| !found.trim().is_empty()) else {
            continue;
        };
        let alone = crate::answer::json_of(&found).is_ok_and(|value| value.is_object());
        if alone {
            return SaidText {
                text: found,
                note: Some(format!("the object stood in {place}")),
                thought: true,
            };
        }
        thought = Some(place);
    }
    SaidText {
        text,
        note: thought.map(|place| format!("the answer is empty; its text stood in {place}")),
        thought: thought.is_some(),
    }
}

/// A text, or (Mistral's reasoning models) the text parts of a list.
fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts
            .iter()
            .filter(|part| {
                let kind = part.get("type").and_then(Value::as_str);
                kind.is_none_or(|kind| matches!(kind, "text" | "output_text"))
            })
            .filter_map(|part| part.as_str().or_else(|| part.get("text").and_then(Value::as_str)))
            .collect(),
        // A server that answers with the object itself instead of its text.
        Value::Object(object) if !object.is_empty() => content.to_string(),
        _ => String::new(),
    }
}

/// The arguments of the only tool call.
fn tool_call(message: &Value) -> Option<String> {
    let calls = message.get("tool_calls").and_then(Value::as_array);
    let function = match calls.map(Vec::as_slice) {
        Some([only]) => only.get("function"),
        Some(_) => None,
        None => message.get("function_call"),
    };
    function?.get("arguments").map(text_of)
}

/// Token counts. Everything optional: servers leave out what they like.
///
/// Some servers (xAI, Gemini) leave the thoughts out of `completion_tokens`
/// and bill them; they are in `total_tokens`, so the larger figure counts.
fn counts(usage: &Value) -> Counts {
    let prompt = field(usage, &["prompt_tokens", "input_tokens", "promptTokens"]);
    let answer = field(usage, &["completion_tokens", "output_tokens", "completionTokens"]);
    let total = field(usage, &["total_tokens", "totalTokens"]);
    let beyond_prompt = prompt.and_then(|prompt| total?.checked_sub(prompt));
    let details = usage
        .get("prompt_tokens_details")
        .or_else(|| usage.get("input_tokens_details"))
        .unwrap_or(&Value::Null);
    Counts {
        prompt,
        cached: field(details, &["cached_tokens"]).or_else(|| field(usage, &["prompt_cache_hit_tokens"])),
        written: field(details, &["cache_write_tokens"]),
        answer: answer.into_iter().chain(beyond_prompt).max(),
    }
}

#[cfg(test)]
mod tests;
