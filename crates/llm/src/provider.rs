//! The port: something that answers requests.

use async_trait::async_trait;
use docmill_core::price::CallBound;
use docmill_core::usage::Usage;

use crate::answer::{Answer, CallError};
use crate::encoding::Encoding;
use crate::request::Request;

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

/// What a model is and can do, by its description and not by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Capabilities {
    /// Answers are made up: a rehearsal.
    pub simulated: bool,
    /// A language model answers. Without one, what is not found is missing, and asking again
    /// with what was wrong changes nothing.
    pub asks_a_model: bool,
    /// Documents of any length are taken in one call without losing anything.
    pub reads_whole_documents: bool,
    /// It sees pictures.
    pub vision: bool,
    /// The provider holds answers to a schema.
    pub holds_to_schema: bool,
}

/// The port: something that answers requests.
#[async_trait]
pub trait Provider: Send + Sync {
    /// Name as in `--model NAME/…`.
    fn name(&self) -> &str;

    /// What is known about `model`; careful defaults for a model nobody knows.
    fn limits(&self, model: &str) -> ModelLimits;

    /// What `model` is and can do.
    fn capabilities(&self, model: &str) -> Capabilities {
        Capabilities {
            asks_a_model: true,
            vision: self.limits(model).vision,
            ..Capabilities::default()
        }
    }

    /// The most tokens the request can be billed for, whatever the tokenizer. Pure.
    fn bound(&self, request: &Request) -> CallBound;

    /// What the request will probably use, for estimates. Pure.
    fn expect(&self, request: &Request) -> Usage;

    /// The tokenizer of `model`, where it is public.
    fn encoding(&self, model: &str) -> Option<Encoding> {
        let _ = model;
        None
    }

    /// [`Provider::expect`]'s prompt tokens, counted by the model's own tokenizer; `None` where that
    /// is not public. Slow. Pure.
    fn count(&self, request: &Request) -> Option<u64> {
        let _ = request;
        None
    }

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

    /// The names of the models it says it has; empty where it does not say.
    ///
    /// # Errors
    /// When it cannot be asked.
    async fn models(&self) -> Result<Vec<String>, CallError> {
        Ok(Vec::new())
    }
}
