//! Google's `generateContent`, as Gemini's own API and Vertex speak it.

mod config;
mod decode;
mod encode;

use crate::answer::Answer;
use crate::wire::{Asked, Came, Client, Outgoing, Protocol, Refused};

pub(crate) use config::from_env;

/// `generateContent`.
#[derive(Debug, Clone, Copy)]
pub struct GenerateContent {
    /// Vertex lists models only to its management API.
    pub(crate) lists_models: bool,
}

/// A client for Gemini or Vertex.
pub type Gemini = Client<GenerateContent>;

impl Protocol for GenerateContent {
    fn encode(&self, asked: &Asked<'_>) -> Result<Outgoing, Refused> {
        encode::outgoing(asked)
    }

    fn decode(&self, came: &Came<'_>) -> Result<Answer, Refused> {
        decode::answer(came)
    }

    fn models_path(&self) -> Option<String> {
        self.lists_models.then(|| "/models?pageSize=1000".to_owned())
    }
}
