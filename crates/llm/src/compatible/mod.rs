//! OpenAI's chat completions, as OpenAI and nearly every other server speak
//! them: Azure, Groq, Mistral, DeepSeek, xAI, OpenRouter, vLLM, Ollama,
//! llama.cpp.
//!
//! What a failed call says about money is decided in `wire`: a connection that
//! never came about, a 4xx and an error the API itself answers are `NotBilled`;
//! whatever else happened after the request may have left is `Unknown`.

mod decode;
mod encode;

use crate::answer::Answer;
use crate::wire::{Asked, Came, Client, Outgoing, Protocol, Refused};

pub(crate) use encode::{data_url, schema_name};

pub use crate::wire::{Config, ConfigError, HOSTS, Host, Key, Structured, TokenLimit};

/// Chat completions, with what differs between those who speak them.
#[derive(Debug, Clone, Default)]
pub struct Chat {
    /// Azure's older addresses: one per deployment, with this `api-version`.
    pub(crate) api_version: Option<String>,
    /// OpenRouter: only upstreams that take every parameter, `response_format` above all.
    pub(crate) routed: bool,
}

/// A server with OpenAI's chat completions.
pub type Compatible = Client<Chat>;

impl Compatible {
    /// A client for the server the configuration names. Connects when called.
    ///
    /// # Errors
    /// When the address needs TLS and the system has no root certificates.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        let chat = Chat {
            api_version: None,
            routed: config.name == "openrouter",
        };
        Self::speaking(chat, config)
    }
}

impl Protocol for Chat {
    fn encode(&self, asked: &Asked<'_>) -> Result<Outgoing, Refused> {
        encode::outgoing(self, asked)
    }

    fn decode(&self, came: &Came<'_>) -> Result<Answer, Refused> {
        decode::answer(came)
    }

    fn models_path(&self) -> Option<String> {
        // Azure lists deployments only to its management API.
        self.api_version.is_none().then(|| "/models".to_owned())
    }
}
