//! What a refusal means: which failure, whether it may cost, when to come back.

use docmill_core::failure::{Failure, FailureCode};
use serde_json::Value;

use super::config::{Config, Key};
use std::time::Duration;

use crate::answer::{Billing, CallError};
use crate::signals::{Signals, delay_in_text};

/// A failed call before the headers' signals are added to it.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) failure: Failure,
    pub(super) billing: Billing,
    pub(super) retry_after: Option<Duration>,
}

impl Refused {
    pub(super) fn not_billed(code: FailureCode, message: impl Into<String>) -> Self {
        Self {
            failure: Failure::new(code, message),
            billing: Billing::NotBilled,
            retry_after: None,
        }
    }

    pub(super) fn unknown(code: FailureCode, message: impl Into<String>) -> Self {
        Self {
            billing: Billing::Unknown,
            ..Self::not_billed(code, message)
        }
    }

    /// With what the headers say; the body's delay counts only where they say nothing.
    pub(super) fn with(self, headers: Signals) -> CallError {
        CallError {
            failure: self.failure,
            billing: self.billing,
            signals: Signals {
                retry_after: headers.retry_after.or(self.retry_after),
                ..headers
            },
        }
    }
}

/// Codes and types that look like a speed limit and mean money.
const MONEY_CODES: &[&str] = &[
    "insufficient_quota",
    "credit_balance_exhausted",
    "organization_spend_limit_exceeded",
    "project_spend_limit_exceeded",
    "organization_usage_limit_exceeded",
    "billing_hard_limit_reached",
    "billing_not_active",
    "enforced_spend_limit_reached",
    "insufficient_balance",
    "insufficient_credits",
    "payment_required",
];

const MONEY_WORDS: &[&str] = &[
    "credit balance is too low",
    "insufficient balance",
    "insufficient credits",
    "exceeded your current quota, please check your plan and billing",
    "spend limit",
    "spending limit",
];

const DAILY_WORDS: &[&str] = &[
    "per day",
    "perday",
    "(rpd)",
    "(tpd)",
    "daily limit",
    "daily quota",
];

const LENGTH_WORDS: &[&str] = &[
    "context_length_exceeded",
    "context length",
    "context window",
    "maximum context",
    "context size",
    "prompt is too long",
    "too many tokens",
    "string_above_max_length",
    "input is too long",
];

const FILTER_WORDS: &[&str] = &[
    "content_filter",
    "content_policy_violation",
    "content management policy",
];

const MODEL_WORDS: &[&str] = &[
    "model_not_found",
    "invalid_model",
    "unknown model",
    "model not found",
    "is not a valid model",
    "model does not exist",
];

/// Bodies that say clearly that the work was never begun.
const NOT_BEGUN_WORDS: &[&str] = &["overloaded", "at capacity", "slow_down", "loading model"];

/// What a server says about an error, in whichever shape it says it.
struct Said {
    message: String,
    /// Everything, in lower case, for looking things up.
    all: String,
    /// The whole of code and type.
    codes: Vec<String>,
    /// A body that is an error of the API, not the page of some proxy.
    structured: bool,
}

/// Decides what a refusal means.
pub(super) fn classify(status: u16, body: &[u8], config: &Config) -> Refused {
    let said = said(body);
    let code = code(status, &said);
    let message = message(status, &said, config);
    Refused {
        failure: Failure::new(code, message),
        billing: billing(status, code, &said, config),
        retry_after: delay_in_text(&String::from_utf8_lossy(body)),
    }
}

fn code(status: u16, said: &Said) -> FailureCode {
    let money = || has_code(said, MONEY_CODES) || has(said, MONEY_WORDS);
    match status {
        // Azure's filter, some proxies' and OpenRouter's moderation say 403.
        400 | 403 if has(said, FILTER_WORDS) => FailureCode::ContentFiltered,
        402 => FailureCode::BalanceExhausted,
        400 | 403 | 429 if money() => FailureCode::BalanceExhausted,
        401 | 403 => FailureCode::KeyRefused,
        400 if has(
            said,
            &["api key not valid", "invalid api key", "incorrect api key"],
        ) =>
        {
            FailureCode::KeyRefused
        }
        404 => FailureCode::UnknownModel,
        400 | 422 if has(said, MODEL_WORDS) => FailureCode::UnknownModel,
        413 => FailureCode::PromptTooLong,
        400 | 422 if has(said, LENGTH_WORDS) => FailureCode::PromptTooLong,
        // One request above the whole minute's tokens: waiting does not help.
        429 if has(said, &["request too large"]) => FailureCode::PromptTooLong,
        429 if has(said, DAILY_WORDS) => FailureCode::DailyQuota,
        429 => FailureCode::RateLimited,
        408 | 504 => FailureCode::CallTimeout,
        409 | 425 | 500.. => FailureCode::ProviderError,
        _ => FailureCode::RequestRefused,
    }
}

fn billing(status: u16, code: FailureCode, said: &Said, config: &Config) -> Billing {
    let refused_late =
        config.bills_refusals && matches!(code, FailureCode::ContentFiltered | FailureCode::PromptTooLong);
    match status {
        408 => Billing::Unknown,
        _ if refused_late => Billing::Unknown,
        529 => Billing::NotBilled,
        // A 503 of the API itself says that nobody began; the same number from
        // a proxy may hide an answer that was lost on its way.
        503 if said.structured && has(said, NOT_BEGUN_WORDS) => Billing::NotBilled,
        500.. => Billing::Unknown,
        _ => Billing::NotBilled,
    }
}

/// Whether the server refused to hold answers to a schema (and would take the
/// request without).
pub(super) fn is_schema_mode_unknown(error: &CallError) -> bool {
    let text = error.failure.message.to_lowercase();
    let about_format = ["response_format", "json_schema", "response format"]
        .iter()
        .any(|word| text.contains(word));
    // "Invalid schema for response_format" is about this schema, not the mode.
    let about_this_schema = text.contains("invalid schema");
    error.failure.code == FailureCode::RequestRefused && about_format && !about_this_schema
}

fn has(said: &Said, words: &[&str]) -> bool {
    words.iter().any(|word| said.all.contains(word))
}

fn has_code(said: &Said, codes: &[&str]) -> bool {
    said.codes.iter().any(|code| codes.contains(&code.as_str()))
}

fn said(body: &[u8]) -> Said {
    let text = String::from_utf8_lossy(body);
    let parsed: Option<Value> = serde_json::from_slice(body).ok();
    // Gemini wraps the object in a list.
    let object = match &parsed {
        Some(Value::Array(list)) => list.first(),
        other => other.as_ref(),
    };
    let Some(object) = object.filter(|value| value.is_object()) else {
        return Said {
            message: text_of_page(&text),
            all: text.to_lowercase(),
            codes: Vec::new(),
            structured: false,
        };
    };
    let error = object.get("error").unwrap_or(object);
    let string = |key: &str| error.get(key).and_then(Value::as_str);
    let message = error
        .as_str()
        .or_else(|| string("message"))
        .or_else(|| string("detail"))
        .or_else(|| object.get("message").and_then(Value::as_str))
        .map_or_else(|| error.to_string(), str::to_owned);
    Said {
        message,
        all: text.to_lowercase(),
        codes: ["code", "type", "status"]
            .iter()
            .filter_map(|key| string(key))
            .map(str::to_lowercase)
            .collect(),
        structured: object.get("error").is_some(),
    }
}

/// The words of an HTML page, without its tags.
fn text_of_page(text: &str) -> String {
    let mut inside_tag = false;
    let words = text.chars().map(|c| {
        match c {
            '<' => inside_tag = true,
            '>' => {
                inside_tag = false;
                return ' ';
            }
            _ => {}
        }
        if inside_tag { ' ' } else { c }
    });
    words.collect()
}

fn message(status: u16, said: &Said, config: &Config) -> String {
    let detail = match config.terms.shows_errors {
        true => clean(&said.message, config.key.as_ref()),
        false => String::new(),
    };
    let detail = if detail.is_empty() {
        String::new()
    } else {
        format!(": {detail}")
    };
    format!("{} answered {status}{detail}", config.name)
}

/// Longest text of an error that is kept.
const MAX_MESSAGE_CHARS: usize = 400;

/// A server's text for people: one line, no control characters, cut, without
/// anything that is or looks like a key, and without a full stop at its end.
pub(super) fn clean(text: &str, key: Option<&Key>) -> String {
    let without_key = match key {
        Some(key) => text.replace(key.expose(), "…"),
        None => text.to_owned(),
    };
    let words: Vec<&str> = without_key
        .split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .map(|word| if looks_like_a_key(word) { "…" } else { word })
        .collect();
    let line = words.join(" ");
    let line = line.trim_end_matches('.');
    match line.char_indices().nth(MAX_MESSAGE_CHARS) {
        Some((cut, _)) => format!("{}…", line.get(..cut).unwrap_or_default().trim_end()),
        None => line.to_owned(),
    }
}

fn looks_like_a_key(word: &str) -> bool {
    let bare = word.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
    ["sk-", "gsk_", "xai-", "AIza"]
        .iter()
        .any(|prefix| bare.starts_with(prefix) && bare.len() > prefix.len() + 4)
}

#[cfg(test)]
mod tests;
