//! Where the resource is, and who calls.

use std::sync::Arc;

use crate::compatible::Chat;
use crate::wire::token::{Grant, TokenSigner};
use crate::wire::{Config, ConfigError, Key, KeyHeader, TokenLimit};

/// The settings from the variables Azure's own clients use:
/// `AZURE_OPENAI_ENDPOINT`; `AZURE_OPENAI_API_KEY`, or `AZURE_OPENAI_AD_TOKEN`,
/// or `AZURE_TENANT_ID`, `AZURE_CLIENT_ID` and `AZURE_CLIENT_SECRET`;
/// `OPENAI_API_VERSION` for deployments (without it: `v1`).
pub(crate) fn from_env(env: &dyn Fn(&str) -> Option<String>) -> Result<(Chat, Config), ConfigError> {
    let set = |name: &str| env(name).filter(|text| !text.trim().is_empty());
    let Some(endpoint) = set("AZURE_OPENAI_ENDPOINT") else {
        return Err(ConfigError::NotSet {
            provider: "azure".to_owned(),
            what: "the address of your resource",
            variable: "AZURE_OPENAI_ENDPOINT",
        });
    };
    let endpoint = endpoint.trim().trim_end_matches('/');
    let endpoint = endpoint
        .strip_suffix("/openai/v1")
        .or_else(|| endpoint.strip_suffix("/openai"))
        .unwrap_or(endpoint);
    let version = set("OPENAI_API_VERSION").or_else(|| set("AZURE_OPENAI_API_VERSION"));
    let version = version.map(|version| version.trim().to_owned());
    let deployments = version.as_deref().is_some_and(|version| version != "v1");
    let base = if deployments {
        endpoint.to_owned()
    } else {
        format!("{endpoint}/openai/v1")
    };
    let mut config = Config::at("azure", &base)?;
    "openai".clone_into(&mut config.catalog);
    config.token_limit = TokenLimit::MaxCompletionTokens;
    // Its filter and its limit on the prompt are billed: Azure's price page says so.
    config.bills_refusals = true;
    authorize(&mut config, &set)?;
    let chat = Chat {
        api_version: version.filter(|_| deployments),
        routed: false,
    };
    Ok((
        chat,
        config.with_unknown_models(env)?.checked("AZURE_OPENAI_API_KEY")?,
    ))
}

fn authorize(config: &mut Config, set: &dyn Fn(&str) -> Option<String>) -> Result<(), ConfigError> {
    if let Some(key) = set("AZURE_OPENAI_API_KEY").as_deref().and_then(Key::new) {
        config.key = Some(key);
        config.key_header = KeyHeader::Named("api-key");
        return Ok(());
    }
    if let Some(token) = set("AZURE_OPENAI_AD_TOKEN").as_deref().and_then(Key::new) {
        config.key = Some(token);
        config.key_header = KeyHeader::Bearer;
        return Ok(());
    }
    let client = (
        set("AZURE_TENANT_ID"),
        set("AZURE_CLIENT_ID"),
        set("AZURE_CLIENT_SECRET"),
    );
    let (Some(tenant), Some(client), Some(secret)) = client else {
        return Err(ConfigError::KeyMissing {
            provider: "azure".to_owned(),
            variable: "AZURE_OPENAI_API_KEY",
        });
    };
    let authority = set("AZURE_AUTHORITY_HOST").unwrap_or("https://login.microsoftonline.com".to_owned());
    config.signer = Some(Arc::new(TokenSigner::new(
        "Entra",
        Grant::ClientSecret {
            uri: format!(
                "{}/{}/oauth2/v2.0/token",
                authority.trim_end_matches('/'),
                tenant.trim()
            ),
            client: client.trim().to_owned(),
            secret: Key::new(&secret).ok_or_else(|| ConfigError::KeyMalformed {
                variable: "AZURE_CLIENT_SECRET".to_owned(),
            })?,
            scope: "https://cognitiveservices.azure.com/.default",
        },
    )));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(pairs: &[(&str, &str)]) -> (Chat, Config) {
        let env = |name: &str| {
            pairs
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        };
        from_env(&env).unwrap()
    }

    #[test]
    fn addresses_and_keys_of_both_kinds() {
        let endpoint = ("AZURE_OPENAI_ENDPOINT", "https://me.openai.azure.com/");
        let (chat, config) = made(&[endpoint, ("AZURE_OPENAI_API_KEY", "k")]);
        assert_eq!(
            config.base_url.to_string(),
            "https://me.openai.azure.com/openai/v1"
        );
        assert_eq!(
            (chat.api_version, config.key_header),
            (None, KeyHeader::Named("api-key"))
        );
        let (chat, config) = made(&[
            endpoint,
            ("AZURE_OPENAI_AD_TOKEN", "t"),
            ("OPENAI_API_VERSION", "2024-10-21"),
        ]);
        assert_eq!(config.base_url.to_string(), "https://me.openai.azure.com/");
        assert_eq!(chat.api_version.as_deref(), Some("2024-10-21"));
        assert_eq!(config.key_header, KeyHeader::Bearer);
        let (_, config) = made(&[
            endpoint,
            ("AZURE_TENANT_ID", "t"),
            ("AZURE_CLIENT_ID", "c"),
            ("AZURE_CLIENT_SECRET", "s3cret"),
        ]);
        assert!(config.key.is_none() && config.signer.is_some());
        assert!(!format!("{config:?}").contains("s3cret"));
    }
}
