//! What a refusal means: which failure, whether it may cost, when to come back.
//! Decided by status, code, quota id and `RetryInfo`; by words only last.

use std::time::Duration;

use docmill_core::failure::{Failure, FailureCode};

use super::config::Config;
use super::refused::{Refused, clean};
use super::said::Said;
use crate::answer::Billing;
use crate::signals::delay_in_text;

/// Codes and types that look like a speed limit and mean money.
const MONEY_CODES: &[&str] = &[
    "insufficient_quota",
    "credit_balance_exhausted",
    "organization_spend_limit_exceeded",
    "project_spend_limit_exceeded",
    "organization_usage_limit_exceeded",
    "billing_hard_limit_reached",
    "billing_not_active",
    "billing_error",
    "enforced_spend_limit_reached",
    "insufficient_balance",
    "insufficient_credits",
    "payment_required",
];

/// Codes that mean a speed limit, whatever the sentence beside them says.
const SPEED_CODES: &[&str] = &[
    "rate_limit_exceeded",
    "rate_limit_error",
    "rate_limit_reached",
    "throttlingexception",
    "too_many_requests",
    "tokens",
    "requests",
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
    "input token count",
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
    "model identifier is invalid",
];

const KEY_WORDS: &[&str] = &[
    "api key not valid",
    "invalid api key",
    "incorrect api key",
    "api_key_invalid",
];

/// A server that will be able to in a moment, and says so.
const LOADING_WORDS: &[&str] = &[
    "loading model",
    "model is loading",
    "is currently loading",
    "still loading",
    "modelnotreadyexception",
    "model is warming up",
    "server is starting",
];

/// How long to wait for a server that loads, when it does not say.
const LOADING_WAIT: Duration = Duration::from_secs(4);

/// Codes that say clearly that the work was never begun.
const NOT_BEGUN_CODES: &[&str] = &["overloaded_error", "server_overloaded", "unavailable_error"];
const NOT_BEGUN_WORDS: &[&str] = &["overloaded", "at capacity", "slow_down"];

/// Decides what a refusal means.
pub(crate) fn classify(status: u16, body: &[u8], config: &Config) -> Refused {
    let said = Said::of(body);
    let code = code(status, &said);
    let told = said
        .retry_delay
        .or_else(|| delay_in_text(&String::from_utf8_lossy(body)));
    let loading = code == FailureCode::ModelLoading;
    Refused {
        failure: Failure::new(code, message(status, code, &said, config)),
        billing: billing(status, code, &said, config),
        retry_after: told.or(loading.then_some(LOADING_WAIT)),
        complaint: matches!(status, 400 | 404 | 422).then(|| Box::new(said.complaint())),
    }
}

fn code(status: u16, said: &Said) -> FailureCode {
    match status {
        429 => too_many(said),
        402 => FailureCode::BalanceExhausted,
        // Azure's filter, some proxies' and OpenRouter's moderation say 403.
        400 | 403 if said.has(FILTER_WORDS) => FailureCode::ContentFiltered,
        400 | 403 if said.has_code(MONEY_CODES) || said.has(MONEY_WORDS) => FailureCode::BalanceExhausted,
        // AWS and Azure say so with a 403 or 400 of their own.
        400 | 403 if said.has_code(&["throttlingexception"]) => FailureCode::RateLimited,
        401 | 403 => FailureCode::KeyRefused,
        400 if said.has(KEY_WORDS) => FailureCode::KeyRefused,
        404 if said.has(&["no endpoints found that"]) => FailureCode::RequestRefused,
        404 => FailureCode::UnknownModel,
        400 | 422 if said.has(MODEL_WORDS) => FailureCode::UnknownModel,
        413 => FailureCode::PromptTooLong,
        400 | 422 if said.has(LENGTH_WORDS) => FailureCode::PromptTooLong,
        409 | 503 if said.has(LOADING_WORDS) => FailureCode::ModelLoading,
        424 if said.has(LOADING_WORDS) => FailureCode::ModelLoading,
        408 | 504 | 524 => FailureCode::CallTimeout,
        409 | 424 | 425 | 500.. => FailureCode::ProviderError,
        _ => FailureCode::RequestRefused,
    }
}

/// 429: too fast, too much for a day, too much for one call, or no money. The
/// quota's id says which; then the code; a wait that is told means that waiting
/// helps, whatever the sentence says about plans and billing.
fn too_many(said: &Said) -> FailureCode {
    let quota = |word: &str| said.quotas.iter().any(|quota| quota.contains(word));
    if said.has_code(MONEY_CODES) || said.limit_is_zero {
        return FailureCode::BalanceExhausted;
    }
    // One request above the whole minute's tokens: waiting does not help.
    if said.has(&["request too large"]) {
        return FailureCode::PromptTooLong;
    }
    if quota("PerDay") {
        return FailureCode::DailyQuota;
    }
    if quota("PerMinute") || quota("PerSecond") {
        return FailureCode::RateLimited;
    }
    if said.has(DAILY_WORDS) {
        return FailureCode::DailyQuota;
    }
    let waiting_helps = said.retry_delay.is_some() || said.has_code(SPEED_CODES);
    if !waiting_helps && said.has(MONEY_WORDS) {
        return FailureCode::BalanceExhausted;
    }
    FailureCode::RateLimited
}

/// Whether a refused call may cost. An error that the API itself answers is no
/// lost call: OpenAI, Anthropic, Google and OpenRouter bill answers, not errors
/// (docs/decisions/billed-errors.md). A time-out on their side may hide an
/// answer that was made, and so may the page of a proxy.
fn billing(status: u16, code: FailureCode, said: &Said, config: &Config) -> Billing {
    let refused_late =
        config.bills_refusals && matches!(code, FailureCode::ContentFiltered | FailureCode::PromptTooLong);
    let not_begun = said.has_code(NOT_BEGUN_CODES) || said.has(NOT_BEGUN_WORDS);
    match status {
        _ if refused_late => Billing::Unknown,
        408 | 504 | 524 => Billing::Unknown,
        529 => Billing::NotBilled,
        500.. if said.structured => Billing::NotBilled,
        503 if not_begun && !said.all.contains('<') => Billing::NotBilled,
        500.. if code == FailureCode::ModelLoading => Billing::NotBilled,
        500.. => Billing::Unknown,
        _ => Billing::NotBilled,
    }
}

fn message(status: u16, code: FailureCode, said: &Said, config: &Config) -> String {
    let detail = match config.terms.shows_errors {
        true => clean(&said.message, config.key.as_ref()),
        false => String::new(),
    };
    let plan = if code == FailureCode::BalanceExhausted && said.limit_is_zero {
        "; this model is not in the account's plan"
    } else {
        ""
    };
    let detail = if detail.is_empty() {
        String::new()
    } else {
        format!(": {detail}")
    };
    format!("{} answered {status}{detail}{plan}", config.name)
}

#[cfg(test)]
mod tests;
