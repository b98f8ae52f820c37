//! Anthropic's Messages API.

mod config;
mod decode;
mod encode;

use docmill_core::template::Template;
use serde_json::Value;

use crate::answer::Answer;
use crate::prompt::{SchemaProblem, schema_with_optional_left_out};
use crate::wire::{Asked, Came, Client, Outgoing, Protocol, Refused};

pub(crate) use config::from_env;

/// The Messages API.
#[derive(Debug, Clone, Copy, Default)]
pub struct Messages;

/// A client for Anthropic.
pub type Anthropic = Client<Messages>;

impl Protocol for Messages {
    fn encode(&self, asked: &Asked<'_>) -> Result<Outgoing, Refused> {
        encode::outgoing(asked)
    }

    fn decode(&self, came: &Came<'_>) -> Result<Answer, Refused> {
        decode::answer(came)
    }

    fn schema(&self, template: &Template) -> Result<Value, SchemaProblem> {
        schema_with_optional_left_out(&template.schema)
    }

    fn marks_prefixes(&self) -> bool {
        true
    }

    fn models_path(&self) -> Option<String> {
        Some("/models?limit=1000".to_owned())
    }
}
