//! Talking to language models: one request and answer type, one folder per
//! provider, each with the same rooms. This crate knows core and nothing else
//! of docmill.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use docmill_core::failure::Failure;
use docmill_core::page::{Page, PageImage};
use docmill_core::price::CallBound;
use docmill_core::template::Template;
use docmill_core::usage::Usage;

/// What a call asks.
#[derive(Debug, Clone)]
pub struct Request {
    /// The model's name without the provider ("gpt-4o-mini").
    pub model: String,
    /// Instructions: the same for every document of a batch, sent first so that providers can cache it.
    pub system: Arc<str>,
    /// The document (or the part of it) as text; empty when only pictures are sent.
    pub text: String,
    /// Pages as pictures.
    pub images: Vec<PageImage>,
    /// The template; its schema is sent in the form the provider supports.
    pub template: Arc<Template>,
    /// The pages behind `text`, for providers that read them directly (`offline`, `sim`).
    pub pages: Arc<Vec<Page>>,
    /// For a repair: the bad answer and what was wrong with it.
    pub repair: Option<Repair>,
    /// Limit on the answer, sent with the call.
    pub max_output_tokens: u32,
    /// Sent as an idempotency key where the provider knows one, and as `X-Request-Id`-like metadata in logs.
    pub call_id: String,
}

/// A second try after a bad answer.
#[derive(Debug, Clone)]
pub struct Repair {
    /// The answer that was not accepted.
    pub answer: String,
    /// Why, as sentences for the model.
    pub problems: String,
}

/// Why the model stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finish {
    /// It was done.
    Stop,
    /// It reached the limit on the answer.
    Length,
    /// The provider's content filter stopped it.
    ContentFilter,
    /// It declined.
    Refusal,
}

/// What the provider says about its limits, when it does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Signals {
    /// Requests allowed per minute.
    pub requests_limit: Option<u64>,
    /// Requests left in the window.
    pub requests_remaining: Option<u64>,
    /// Until the window is full again.
    pub requests_reset: Option<Duration>,
    /// Tokens allowed per minute.
    pub tokens_limit: Option<u64>,
    /// Tokens left in the window.
    pub tokens_remaining: Option<u64>,
    /// Until the window is full again.
    pub tokens_reset: Option<Duration>,
    /// "Not before": from `retry-after` in any of its forms.
    pub retry_after: Option<Duration>,
}

/// What came back.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The text of the answer, as it came.
    pub text: String,
    /// Tokens as the provider reported them; `None`: it did not.
    pub usage: Option<Usage>,
    /// Why it stopped.
    pub finish: Finish,
    /// The provider's id of the call.
    pub request_id: Option<String>,
    /// Its limits.
    pub signals: Signals,
    /// Evidence the provider gave along (the offline extractor does), to be checked like any other.
    pub evidence: Vec<docmill_core::extraction::Evidence>,
    /// Made up: a rehearsal.
    pub simulated: bool,
}

/// Whether a failed call may have been billed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Billing {
    /// Certainly not: the request was not sent, or was refused with a 4xx/429.
    NotBilled,
    /// Nobody knows: the request was sent and no whole answer came back (timeout, reset, 5xx after sending).
    Unknown,
}

/// A call that gave no answer.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{failure}")]
pub struct CallError {
    /// What happened, classified.
    pub failure: Failure,
    /// Whether it may cost.
    pub billing: Billing,
    /// What the provider says about its limits.
    pub signals: Signals,
}

/// What is known about a model before it is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelLimits {
    /// Prompt tokens it takes.
    pub max_input_tokens: u64,
    /// Answer tokens it gives at most.
    pub max_output_tokens: u32,
    /// Whether it sees pictures.
    pub vision: bool,
    /// Calls in flight when the user does not say.
    pub default_concurrency: u32,
}

/// The port: something that answers requests.
#[async_trait]
pub trait Provider: Send + Sync {
    /// Name as in `--model NAME/…`.
    fn name(&self) -> &str;

    /// What is known about `model`; careful defaults for a model nobody knows.
    fn limits(&self, model: &str) -> ModelLimits;

    /// The most tokens the request can be billed for, whatever the tokenizer. Pure.
    fn bound(&self, request: &Request) -> CallBound;

    /// What the request will probably use, for estimates. Pure.
    fn expect(&self, request: &Request) -> Usage;

    /// Makes the call.
    ///
    /// # Errors
    /// When no whole answer came back; says whether it may have been billed.
    async fn call(&self, request: &Request) -> Result<Answer, CallError>;

    /// A free call that proves that key, address and model are right (a list of models), before a batch starts.
    ///
    /// # Errors
    /// When the start would be in vain.
    async fn probe(&self, model: &str) -> Result<(), CallError>;
}
