//! Where Gemini is, and who calls.

use crate::wire::{Config, ConfigError, Key, KeyHeader};

/// The settings from the variables Google's own clients use: `GEMINI_API_KEY`
/// or `GOOGLE_API_KEY`, `GEMINI_BASE_URL` or `GOOGLE_GEMINI_BASE_URL`.
pub(crate) fn from_env(env: &dyn Fn(&str) -> Option<String>) -> Result<Config, ConfigError> {
    let set = |name: &str| env(name).filter(|text| !text.trim().is_empty());
    let moved = set("GEMINI_BASE_URL").or_else(|| set("GOOGLE_GEMINI_BASE_URL"));
    let base = moved
        .as_deref()
        .unwrap_or("https://generativelanguage.googleapis.com");
    // Google's clients take the address without the version.
    let base = base.trim().trim_end_matches('/');
    let last = base.rsplit('/').next().unwrap_or_default();
    let base = if matches!(last, "v1" | "v1beta" | "v1alpha") {
        base.to_owned()
    } else {
        format!("{base}/v1beta")
    };
    let mut config = Config::at("gemini", &base)?;
    config.key_header = KeyHeader::Named("x-goog-api-key");
    let key = set("GEMINI_API_KEY").or_else(|| set("GOOGLE_API_KEY"));
    config.key = key.as_deref().and_then(Key::new);
    if config.key.is_none() && moved.is_none() {
        return Err(ConfigError::KeyMissing {
            provider: "gemini".to_owned(),
            variable: "GEMINI_API_KEY",
        });
    }
    config.with_unknown_models(env)?.checked("GEMINI_API_KEY")
}
