//! What a model costs, and what a call can cost at most.

use serde::{Deserialize, Serialize};

use crate::money::{PicoPerToken, Usd};
use crate::usage::Usage;

/// The price of one model, as of one price list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// Per prompt token.
    pub input: PicoPerToken,
    /// Per prompt token read from the provider's cache; `None`: as `input`.
    pub cached_input: Option<PicoPerToken>,
    /// Per prompt token written to the provider's cache; `None`: as `input`.
    pub cache_write: Option<PicoPerToken>,
    /// Per token of the answer.
    pub output: PicoPerToken,
    /// Where the price is from and of which date ("catalog 2026-11", "typed by the user").
    pub origin: String,
}

/// The most a call can use: what a reservation is computed from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallBound {
    /// No tokenizer makes more tokens of this prompt than this.
    pub input_tokens: u64,
    /// The limit on the answer that is sent with the call.
    pub output_tokens: u64,
}

/// A sum of money that does not fit an `i64` of nano-dollars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the cost of {0:?} is larger than can be stored")]
pub struct CostOverflow(pub Usage);

impl Price {
    /// A model that costs nothing (local servers, `offline`).
    #[must_use]
    pub fn free(origin: impl Into<String>) -> Self {
        Self {
            input: PicoPerToken(0),
            cached_input: None,
            cache_write: None,
            output: PicoPerToken(0),
            origin: origin.into(),
        }
    }

    /// Whether every call costs nothing.
    #[must_use]
    pub fn is_free(&self) -> bool {
        self.dearest_input().0 == 0 && self.output.0 == 0
    }

    /// The cost of a call, exact and rounded up once to a nano-dollar.
    ///
    /// # Errors
    /// When the amount does not fit.
    pub fn cost(&self, usage: &Usage) -> Result<Usd, CostOverflow> {
        let picos = self
            .input
            .times(usage.input_tokens)
            .checked_add(
                self.cached_input
                    .unwrap_or(self.input)
                    .times(usage.cached_input_tokens),
            )
            .and_then(|sum| {
                sum.checked_add(
                    self.cache_write
                        .unwrap_or(self.input)
                        .times(usage.cache_write_tokens),
                )
            })
            .and_then(|sum| sum.checked_add(self.output.times(usage.output_tokens)));
        picos
            .and_then(Usd::from_picos_rounded_up)
            .ok_or(CostOverflow(*usage))
    }

    /// The most a call within `bound` can cost, whatever share of the prompt is
    /// read from or written to the provider's cache.
    ///
    /// # Errors
    /// When the amount does not fit.
    pub fn worst_case(&self, bound: &CallBound) -> Result<Usd, CostOverflow> {
        let dearest = Self {
            input: self.dearest_input(),
            cached_input: None,
            cache_write: None,
            ..self.clone()
        };
        dearest.cost(&Usage {
            input_tokens: bound.input_tokens,
            output_tokens: bound.output_tokens,
            ..Usage::default()
        })
    }

    fn dearest_input(&self) -> PicoPerToken {
        [self.cached_input, self.cache_write]
            .into_iter()
            .flatten()
            .fold(self.input, Ord::max)
    }
}
