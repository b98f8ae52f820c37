//! What a call asks.

use std::sync::Arc;

use docmill_core::page::{Page, PageImage};
use docmill_core::template::Template;

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
