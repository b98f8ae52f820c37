//! Reads the body of an answer.

use std::borrow::Cow;

use docmill_core::failure::FailureCode;
use docmill_core::usage::Usage;
use serde::Deserialize;

use super::config::Config;
use super::errors::{self, Refused};
use super::http::Reply;
use crate::answer::{Answer, Finish};
use crate::signals::Signals;

#[derive(Deserialize)]
struct Completion<'a> {
    #[serde(borrow, default)]
    id: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    choices: Vec<Choice<'a>>,
    #[serde(default)]
    usage: Option<WireUsage>,
    #[serde(default)]
    error: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(borrow, default)]
    message: Option<Message<'a>>,
    #[serde(borrow, default)]
    finish_reason: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow, default)]
    content: Option<Content<'a>>,
    #[serde(borrow, default)]
    refusal: Option<Cow<'a, str>>,
}

/// Text, or (Mistral's reasoning models) a list of parts.
#[derive(Deserialize)]
#[serde(untagged)]
enum Content<'a> {
    Text(#[serde(borrow)] Cow<'a, str>),
    Parts(Vec<Part>),
}

#[derive(Deserialize)]
struct Part {
    #[serde(default, rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    text: Option<String>,
}

/// Token counts. Everything optional: servers leave out what they like.
#[derive(Deserialize)]
struct WireUsage {
    #[serde(default)]
    prompt_tokens: Option<u64>,
    #[serde(default)]
    completion_tokens: Option<u64>,
    #[serde(default)]
    total_tokens: Option<u64>,
    #[serde(default)]
    prompt_tokens_details: Option<PromptDetails>,
    /// DeepSeek's name for cached tokens.
    #[serde(default)]
    prompt_cache_hit_tokens: Option<u64>,
}

#[derive(Deserialize)]
struct PromptDetails {
    #[serde(default)]
    cached_tokens: Option<u64>,
    #[serde(default)]
    cache_write_tokens: Option<u64>,
}

/// The answer in a response with status 200.
pub(super) fn answer(reply: &Reply, config: &Config, signals: Signals) -> Result<Answer, Refused> {
    let completion: Completion<'_> = serde_json::from_slice(&reply.body)
        .map_err(|cause| strange(config, &format!("it is not a chat completion ({cause})")))?;
    if let Some(error) = completion.error.filter(|error| !error.is_null()) {
        return Err(error_inside(&error, &reply.body, config));
    }
    let usage = completion.usage.as_ref().and_then(usage);
    let Some(choice) = completion.choices.into_iter().next() else {
        return Err(strange(config, "it has no choices"));
    };
    let finish = finish(&choice);
    let text = choice.message.map(text).unwrap_or_default();
    let header_id = reply.headers.get("x-request-id").and_then(|id| id.to_str().ok());
    Ok(Answer {
        text,
        usage,
        finish,
        request_id: header_id
            .map(str::to_owned)
            .or_else(|| completion.id.map(Cow::into_owned)),
        signals,
        evidence: Vec::new(),
        simulated: false,
    })
}

/// OpenRouter reports failures of its upstreams inside a 200.
fn error_inside(error: &serde_json::Value, body: &[u8], config: &Config) -> Refused {
    let status = error
        .get("code")
        .and_then(serde_json::Value::as_u64)
        .and_then(|code| u16::try_from(code).ok())
        .filter(|code| (400..600).contains(code))
        .unwrap_or(500);
    errors::classify(status, body, config)
}

fn strange(config: &Config, why: &str) -> Refused {
    Refused::unknown(
        FailureCode::ProviderError,
        format!(
            "{} answered 200, but {}",
            config.name,
            errors::clean(why, config.key.as_ref())
        ),
    )
}

fn finish(choice: &Choice<'_>) -> Finish {
    let refused = choice
        .message
        .as_ref()
        .and_then(|message| message.refusal.as_deref())
        .is_some_and(|refusal| !refusal.is_empty());
    match choice.finish_reason.as_deref() {
        Some("content_filter") => Finish::ContentFilter,
        _ if refused => Finish::Refusal,
        Some("refusal") => Finish::Refusal,
        Some("length" | "max_tokens" | "model_length") => Finish::Length,
        // "stop", and whatever else a server calls it; the text is judged anyway.
        _ => Finish::Stop,
    }
}

/// The text; of a refusal, its words.
fn text(message: Message<'_>) -> String {
    let content = match message.content {
        Some(Content::Text(text)) => text.into_owned(),
        Some(Content::Parts(parts)) => parts
            .into_iter()
            .filter(|part| part.kind.as_deref().is_none_or(|kind| kind == "text"))
            .filter_map(|part| part.text)
            .collect(),
        None => String::new(),
    };
    match message.refusal {
        Some(refusal) if content.is_empty() => refusal.into_owned(),
        _ => content,
    }
}

/// `None` unless both sums are there: half a usage would settle too low.
///
/// Some servers (xAI, Gemini) leave the thoughts out of `completion_tokens`
/// and bill them; they are in `total_tokens`, so the larger figure counts.
fn usage(wire: &WireUsage) -> Option<Usage> {
    let prompt = wire.prompt_tokens?;
    let beyond_prompt = wire.total_tokens.map(|total| total.saturating_sub(prompt));
    let output = wire.completion_tokens.into_iter().chain(beyond_prompt).max()?;
    let details = wire.prompt_tokens_details.as_ref();
    let cached = details
        .and_then(|details| details.cached_tokens)
        .or(wire.prompt_cache_hit_tokens)
        .unwrap_or(0)
        .min(prompt);
    let written = details
        .and_then(|details| details.cache_write_tokens)
        .unwrap_or(0)
        .min(prompt - cached);
    Some(Usage {
        input_tokens: prompt - cached - written,
        cached_input_tokens: cached,
        cache_write_tokens: written,
        output_tokens: output,
    })
}

#[derive(Deserialize)]
struct ModelList<'a> {
    #[serde(borrow, default)]
    data: Vec<ListedModel<'a>>,
}

#[derive(Deserialize)]
struct ListedModel<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
}

/// Looks the model up in the server's list. A list that cannot be read proves
/// nothing either way.
pub(super) fn check_model(body: &[u8], model: &str, config: &Config) -> Result<(), Refused> {
    let Ok(list) = serde_json::from_slice::<ModelList<'_>>(body) else {
        return Ok(());
    };
    let is_it = |id: &str| {
        id == model || id.strip_prefix("models/") == Some(model) || id.strip_suffix(":latest") == Some(model)
    };
    if list.data.is_empty() || list.data.iter().any(|listed| is_it(&listed.id)) {
        return Ok(());
    }
    let mut ids: Vec<&str> = list.data.iter().map(|listed| listed.id.as_ref()).collect();
    let count = ids.len();
    ids.truncate(5);
    let more = if count > ids.len() { " and others" } else { "" };
    let has = errors::clean(&ids.join(", "), config.key.as_ref());
    Err(Refused::not_billed(
        FailureCode::UnknownModel,
        format!("{} has no model {model:?}; it has {has}{more}", config.whose()),
    ))
}

#[cfg(test)]
mod tests;
