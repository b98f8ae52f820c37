//! Amazon Bedrock's Converse API: requests signed with Signature Version 4, or
//! with a bearer token.

mod config;
mod credentials;
mod decode;
mod encode;
mod sign;

use docmill_core::template::Template;
use serde_json::Value;

use crate::answer::Answer;
use crate::prompt::{SchemaProblem, schema_with_optional_left_out};
use crate::wire::{Asked, Came, Client, Config, Outgoing, Protocol, Refused};

pub(crate) use config::from_env;

/// The Converse API.
#[derive(Debug, Clone, Copy, Default)]
pub struct Converse;

/// A client for Bedrock.
pub type Bedrock = Client<Converse>;

impl Protocol for Converse {
    fn encode(&self, asked: &Asked<'_>) -> Result<Outgoing, Refused> {
        encode::outgoing(asked)
    }

    fn decode(&self, came: &Came<'_>) -> Result<Answer, Refused> {
        decode::answer(came)
    }

    /// Its grammars have Anthropic's limits.
    fn schema(&self, template: &Template) -> Result<Value, SchemaProblem> {
        schema_with_optional_left_out(&template.schema)
    }

    fn refusal(&self, status: u16, body: &[u8], config: &Config) -> Refused {
        decode::refusal(status, body, config)
    }

    /// Models are listed by another service.
    fn models_path(&self) -> Option<String> {
        None
    }
}
