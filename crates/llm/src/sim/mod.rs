//! Rehearsals: a provider that answers from the schema without any model, so
//! that a run can be tried from end to end before it costs anything. Answers
//! are made up (`Answer::simulated`), but the rest is meant to feel real:
//! latency, rate limits, now and then an error, and usage at the price of the
//! model whose part it plays.
//!
//! `sim/gpt-4o-mini` or `sim/openai/gpt-4o-mini` rehearses a model of the
//! catalog. The same request gives the same answer, latency and luck: all is
//! drawn from its content and the configured seed.

mod config;
mod limits;
mod random;
mod values;

use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use docmill_core::failure::FailureCode;
use docmill_core::price::{CallBound, Price};
use docmill_core::usage::Usage;
use tokio::time::Instant;

use crate::answer::{Answer, CallError, Finish};
use crate::catalog::{self, Model};
use crate::prompt::flat_schema_with_limits;
use crate::provider::{Capabilities, ModelLimits, Provider};
use crate::request::Request;
use crate::signals::Signals;
use crate::{image_tokens, prompt, tokens};

pub use config::{Config, RateLimit};

use limits::Window;
use random::Random;

/// Makes answers up.
#[derive(Debug)]
pub struct Sim {
    config: Config,
    window: Mutex<Window>,
}

/// What the name of a model says about its provider and model.
fn known(model: &str) -> Option<&'static Model> {
    catalog::built_in().resolve(model)
}

/// The price of the model whose part is played; `None` when nobody knows it.
#[must_use]
pub fn price(model: &str) -> Option<Price> {
    known(model).map(|model| model.price.clone())
}

impl Sim {
    /// A provider with these settings.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            config,
            window: Mutex::default(),
        }
    }

    /// What makes this call's luck: its content, so that a run can be repeated,
    /// and its id, so that a retry is not doomed to the same error.
    fn luck(&self, request: &Request) -> Random {
        let mut hasher = content_hasher(request);
        hasher.update(request.call_id.as_bytes());
        hasher.update(&self.config.seed.to_le_bytes());
        Random::from_hash(&hasher.finalize())
    }

    /// Takes the call's share of the rate limit, or says when to come back.
    fn admit(&self, tokens: u64) -> (Signals, bool) {
        let Some(limit) = self.config.rate_limit else {
            return (Signals::default(), true);
        };
        let mut window = self.window.lock().unwrap_or_else(PoisonError::into_inner);
        window.admit(limit, tokens, Instant::now())
    }

    fn answer(&self, request: &Request, signals: Signals) -> Answer {
        let mut random = Random::from_hash(&content_hasher(request).finalize());
        let schema = flat_schema_with_limits(&request.template.schema);
        let schema = schema.as_ref().unwrap_or(&request.template.schema);
        let text = values::answer(schema, &request.pages, &mut random).to_string();
        let (text, finish, output_tokens) = cut(text, request.max_output_tokens);
        Answer {
            usage: Some(Usage {
                input_tokens: expect_input(request),
                output_tokens,
                ..Usage::default()
            }),
            text,
            finish,
            request_id: Some(format!("sim-{}", request.call_id)),
            signals,
            notes: Vec::new(),
            evidence: Vec::new(),
            simulated: true,
        }
    }
}

/// Everything the answer depends on.
fn content_hasher(request: &Request) -> blake3::Hasher {
    let mut hasher = blake3::Hasher::new();
    let images = request.images.iter().map(|image| image.png.as_slice());
    let repair = request.repair.as_ref().map(|repair| repair.answer.as_bytes());
    [
        request.model.as_bytes(),
        request.system.as_bytes(),
        request.text.as_bytes(),
    ]
    .into_iter()
    .chain(images)
    .chain(repair)
    .for_each(|part| {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    });
    hasher
}

/// The answer up to the limit, as a provider would cut it.
fn cut(mut text: String, max_output_tokens: u32) -> (String, Finish, u64) {
    let limit = u64::from(max_output_tokens);
    let tokens = tokens::expect(&text);
    if tokens <= limit {
        return (text, Finish::Stop, tokens);
    }
    let share = u128::from(limit) * text.len() as u128 / u128::from(tokens.max(1));
    let mut end = usize::try_from(share).unwrap_or(0);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    (text, Finish::Length, limit)
}

fn texts(request: &Request) -> impl Iterator<Item = std::borrow::Cow<'_, str>> {
    let repair = request.repair.iter().flat_map(|repair| {
        [
            std::borrow::Cow::Borrowed(repair.answer.as_str()),
            std::borrow::Cow::Owned(prompt::repair(&repair.problems)),
        ]
    });
    [request.system.as_ref(), request.text.as_str()]
        .into_iter()
        .map(std::borrow::Cow::Borrowed)
        .chain(repair)
}

fn message_count(request: &Request) -> u64 {
    2 + 2 * u64::from(request.repair.is_some())
}

fn expect_input(request: &Request) -> u64 {
    let images = request
        .images
        .iter()
        .map(|image| image_tokens::expect(model_name(request), image.width, image.height));
    texts(request)
        .map(|text| tokens::expect(&text))
        .chain(images)
        .fold(
            tokens::expected_overhead(message_count(request)),
            u64::saturating_add,
        )
}

fn model_name(request: &Request) -> &str {
    known(&request.model).map_or(request.model.as_str(), |model| model.name.as_str())
}

/// What a run is rehearsed with when the catalog does not know the model.
const UNKNOWN_INPUT: u64 = 128_000;
const UNKNOWN_OUTPUT: u32 = 16_384;

#[async_trait]
impl Provider for Sim {
    fn name(&self) -> &str {
        "sim"
    }

    fn capabilities(&self, model: &str) -> Capabilities {
        Capabilities {
            simulated: true,
            vision: self.limits(model).vision,
            holds_to_schema: true,
            ..Capabilities::default()
        }
    }

    fn limits(&self, model: &str) -> ModelLimits {
        let known = known(model);
        ModelLimits {
            max_input_tokens: known
                .and_then(|model| model.max_input_tokens)
                .unwrap_or(UNKNOWN_INPUT),
            max_output_tokens: known
                .and_then(|model| model.max_output_tokens)
                .unwrap_or(UNKNOWN_OUTPUT),
            vision: known.is_none_or(|model| model.vision),
            default_concurrency: 64,
        }
    }

    fn bound(&self, request: &Request) -> CallBound {
        let images = request
            .images
            .iter()
            .map(|image| image_tokens::upper_bound(model_name(request), image.width, image.height));
        let input_tokens = texts(request)
            .map(|text| tokens::upper_bound(&text))
            .chain(images)
            .fold(
                tokens::overhead_bound(message_count(request)),
                u64::saturating_add,
            );
        CallBound {
            input_tokens,
            output_tokens: u64::from(request.max_output_tokens),
        }
    }

    fn expect(&self, request: &Request) -> Usage {
        let answer = tokens::expect_answer(&request.template.schema, &request.text);
        Usage {
            input_tokens: expect_input(request),
            output_tokens: answer.min(u64::from(request.max_output_tokens)),
            ..Usage::default()
        }
    }

    async fn call(&self, request: &Request) -> Result<Answer, CallError> {
        let needed = expect_input(request).saturating_add(u64::from(request.max_output_tokens));
        let (signals, admitted) = self.admit(needed);
        if !admitted {
            return Err(CallError {
                signals,
                ..CallError::not_billed(FailureCode::RateLimited, "the simulated rate limit was reached")
            });
        }
        let mut luck = self.luck(request);
        let fails = luck.permille() < self.config.errors_permille;
        let latency = self.config.latency(&mut luck);
        if !latency.is_zero() {
            tokio::time::sleep(latency).await;
        }
        if fails {
            return Err(CallError {
                signals,
                ..CallError::not_billed(FailureCode::ProviderError, "a simulated error of the provider")
            });
        }
        Ok(self.answer(request, signals))
    }

    async fn probe(&self, _model: &str) -> Result<(), CallError> {
        Ok(())
    }
}
