//! How a batch is to be processed: decided before the start, stored with the batch.

use serde::{Deserialize, Serialize};

use crate::pacing::Limits;
use crate::price::Price;

/// How a batch is to be processed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The model as the user names it: `openai/gpt-4o-mini`, `offline`, `sim/openai/gpt-4o-mini`.
    pub model: String,
    /// Address of the provider, when it is not the provider's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    /// Who named that address may decide what a server calls: an admin, or the user of the command
    /// line. Only then may it be private, be sent a key, and be quoted ([`crate::outbound`]).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub base_url_by_admin: bool,
    /// The price every reservation and cost of this batch is computed from.
    pub price: Price,
    /// Calls in flight; `None`: the model's default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<u32>,
    /// Limit on each answer.
    pub max_output_tokens: u32,
    /// Whether an answer stored for the same content, prompt, schema and model is used again.
    pub reuse_answers: bool,
    /// Whether pictures of text are read with tesseract.
    pub ocr: bool,
    /// Largest document read; `None`: this machine's default. Kept here so that going on later
    /// reads what the first start read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_document_bytes: Option<u64>,
    /// Share of a limit that several batches want at once, in proportion to the others; `None`: 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weight: Option<u32>,
    /// Limits per minute that a person set; what the provider tells wins.
    #[serde(default, skip_serializing_if = "is_unlimited")]
    pub limits: Limits,
    /// Rehearsals only: how fast simulated time passes; 0 does not wait at all. In thousandths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sim_speed_milli: Option<u32>,
}

fn is_unlimited(limits: &Limits) -> bool {
    *limits == Limits::default()
}
