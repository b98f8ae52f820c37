//! Azure OpenAI: chat completions at an address of the user's own, by
//! deployment and `api-version` or by the newer `v1`, with a key or an Entra token.

mod config;

pub(crate) use config::from_env;
