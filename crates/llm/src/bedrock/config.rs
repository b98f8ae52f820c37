//! Which region, and who calls.

use std::sync::Arc;

use super::credentials::Chain;
use super::sign::AwsSigner;
use crate::wire::{Config, ConfigError, Key};

/// The settings from the variables AWS's own clients use: `AWS_REGION`;
/// `AWS_BEARER_TOKEN_BEDROCK`, or what the chain of credentials finds;
/// `AWS_ENDPOINT_URL_BEDROCK_RUNTIME`.
pub(crate) fn from_env(env: &dyn Fn(&str) -> Option<String>) -> Result<Config, ConfigError> {
    let set = |name: &str| env(name).filter(|text| !text.trim().is_empty());
    let chain = Chain::from_env(env)?;
    let region = set("AWS_REGION")
        .or_else(|| set("AWS_DEFAULT_REGION"))
        .or_else(|| chain.region());
    let Some(region) = region.map(|region| region.trim().to_owned()) else {
        return Err(ConfigError::NotSet {
            provider: "bedrock".to_owned(),
            what: "the region",
            variable: "AWS_REGION",
        });
    };
    let base = set("AWS_ENDPOINT_URL_BEDROCK_RUNTIME")
        .unwrap_or_else(|| format!("https://bedrock-runtime.{region}.amazonaws.com"));
    let mut config = Config::at("bedrock", &base)?;
    match set("AWS_BEARER_TOKEN_BEDROCK").as_deref().and_then(Key::new) {
        Some(token) => config.key = Some(token),
        None => config.signer = Some(Arc::new(AwsSigner::new(region, chain))),
    }
    config
        .with_unknown_models(env)?
        .checked("AWS_BEARER_TOKEN_BEDROCK")
}
