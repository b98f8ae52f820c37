//! Where Anthropic is, and who calls.

use crate::wire::{Config, ConfigError, Key, KeyHeader};

/// The settings from the variables Anthropic's own clients use:
/// `ANTHROPIC_API_KEY` or `ANTHROPIC_AUTH_TOKEN`, `ANTHROPIC_BASE_URL`.
pub(crate) fn from_env(env: &dyn Fn(&str) -> Option<String>) -> Result<Config, ConfigError> {
    let moved = env("ANTHROPIC_BASE_URL").filter(|url| !url.trim().is_empty());
    let base = moved.as_deref().unwrap_or("https://api.anthropic.com");
    at(base, env, moved.is_some())
}

/// The same at an address of the user's choice.
pub(crate) fn at(
    base: &str,
    env: &dyn Fn(&str) -> Option<String>,
    moved: bool,
) -> Result<Config, ConfigError> {
    // Anthropic's clients take the address without the version.
    let base = base.trim().trim_end_matches('/');
    let base = match base.strip_suffix("/v1") {
        Some(_) => base.to_owned(),
        None => format!("{base}/v1"),
    };
    let mut config = Config::at("anthropic", &base)?;
    config.key_header = KeyHeader::Named("x-api-key");
    config.key = env("ANTHROPIC_API_KEY").as_deref().and_then(Key::new);
    if config.key.is_none()
        && let Some(token) = env("ANTHROPIC_AUTH_TOKEN").as_deref().and_then(Key::new)
    {
        config.key = Some(token);
        config.key_header = KeyHeader::Bearer;
    }
    if config.key.is_none() && !moved {
        return Err(ConfigError::KeyMissing {
            provider: "anthropic".to_owned(),
            variable: "ANTHROPIC_API_KEY",
        });
    }
    config.with_unknown_models(env)?.checked("ANTHROPIC_API_KEY")
}
