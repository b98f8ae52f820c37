//! How a batch is to be processed: decided before the start, stored with the batch.

use serde::{Deserialize, Serialize};

use crate::hours::Hours;
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
    /// Models that are asked in this order when the one before them is down, was retired or refuses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fallbacks: Vec<Fallback>,
    /// Calls are made only between these times of the day, where docmill runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub between: Option<Hours>,
    /// Seconds after which a call without an answer is given up; `None`: by what the model's calls took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<u32>,
    /// Whether a call that hangs longer than nearly all others is made a second time beside it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hedge: bool,
}

/// A model that is asked when others cannot answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fallback {
    /// As the user names it.
    pub model: String,
    /// Address of its provider, when it is not the provider's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    /// What its calls are reserved and booked at.
    pub price: Price,
}

/// The model and the address of a fallback as a person names it: `MODEL`, or `MODEL@URL` for one at
/// another address. A name without a provider is of the server the batch has: `base_url`.
#[must_use]
pub fn fallback_name(text: &str, base_url: Option<&str>) -> (String, Option<String>) {
    let text = text.trim();
    let at = text.split_once("@http");
    match at {
        Some((model, rest)) => (model.to_owned(), Some(format!("http{rest}"))),
        None if text.contains('/') || text == "offline" => (text.to_owned(), None),
        None => (text.to_owned(), base_url.map(str::to_owned)),
    }
}

impl Plan {
    /// Whether no call costs anything, of whichever model.
    #[must_use]
    pub fn is_free(&self) -> bool {
        self.price.is_free() && self.fallbacks.iter().all(|it| it.price.is_free())
    }

    /// The same for a model that is asked instead.
    #[must_use]
    pub fn falling_back_to(&self, fallback: &Fallback) -> Self {
        Self {
            model: fallback.model.clone(),
            base_url: fallback.base_url.clone(),
            price: fallback.price.clone(),
            // Limits that a person set are those of the first model's key.
            limits: Limits::default(),
            fallbacks: Vec::new(),
            ..self.clone()
        }
    }
}

fn is_unlimited(limits: &Limits) -> bool {
    *limits == Limits::default()
}
