//! OpenAI's Responses API.

mod decode;
mod encode;

use crate::answer::Answer;
use crate::wire::{Asked, Came, Client, Outgoing, Protocol, Refused};

/// The Responses API.
#[derive(Debug, Clone, Copy, Default)]
pub struct Responses;

/// A client for a server with the Responses API.
pub type OpenAiResponses = Client<Responses>;

impl Protocol for Responses {
    fn encode(&self, asked: &Asked<'_>) -> Result<Outgoing, Refused> {
        Outgoing::json("/responses", &encode::body(asked))
    }

    fn decode(&self, came: &Came<'_>) -> Result<Answer, Refused> {
        decode::answer(came)
    }
}
