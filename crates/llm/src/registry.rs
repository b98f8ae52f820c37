//! Every provider docmill knows by name: one entry each, which makes its
//! client from the environment. Nothing else tests a provider's name.

use std::sync::Arc;

use crate::wire::{Client, Config, ConfigError, HOSTS, Host};
use crate::{anthropic, azure, bedrock, gemini, responses, vertex};
use crate::{compatible::Compatible, provider::Provider};

/// Reads a variable of the environment.
pub type Variables<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A provider, known by name.
#[derive(Clone, Copy)]
pub struct Factory {
    /// As in `--model NAME/…`.
    pub name: &'static str,
    /// Who it is, for people.
    pub title: &'static str,
    /// Whose prices its models have in the catalog; `None`: they have to be said.
    pub catalog: Option<&'static str>,
    /// The variables that say who calls; the first is the usual one. Empty: none is needed.
    pub keys: &'static [&'static str],
    /// The variable that says where it is.
    pub address: &'static str,
    /// Whether it runs on the user's own machine.
    pub local: bool,
    make: Make,
}

#[derive(Clone, Copy)]
enum Make {
    /// A server with chat completions.
    Chat(&'static Host),
    /// Everything else.
    Own(fn(Variables<'_>) -> Result<Arc<dyn Provider>, ConfigError>),
}

impl std::fmt::Debug for Factory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Factory")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

impl Factory {
    /// Its client, with key and address from the environment. Connects when called.
    ///
    /// # Errors
    /// When something is missing or malformed; the message says what to set.
    pub fn make(&self, env: Variables<'_>) -> Result<Arc<dyn Provider>, ConfigError> {
        match self.make {
            Make::Chat(host) => {
                let client = Compatible::new(Config::from_env(host.name, env)?)?;
                Ok(Arc::new(client))
            }
            Make::Own(make) => make(env),
        }
    }

    /// What is missing before it can be called; `None`: nothing.
    #[must_use]
    pub fn missing(&self, env: Variables<'_>) -> Option<String> {
        self.make(env).err().map(|error| error.to_string())
    }
}

/// Providers with a protocol or an authorization of their own.
const OWN: &[Factory] = &[
    Factory {
        name: "openai-responses",
        title: "OpenAI, Responses API",
        catalog: Some("openai"),
        keys: &["OPENAI_API_KEY"],
        address: "OPENAI_BASE_URL",
        local: false,
        make: Make::Own(|env| {
            let mut config = Config::from_env("openai", env)?;
            "openai-responses".clone_into(&mut config.name);
            Ok(Arc::new(Client::speaking(responses::Responses, config)?))
        }),
    },
    Factory {
        name: "anthropic",
        title: "Anthropic",
        catalog: Some("anthropic"),
        keys: &["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"],
        address: "ANTHROPIC_BASE_URL",
        local: false,
        make: Make::Own(|env| {
            let config = anthropic::from_env(env)?;
            Ok(Arc::new(Client::speaking(anthropic::Messages, config)?))
        }),
    },
    Factory {
        name: "gemini",
        title: "Google Gemini",
        catalog: Some("gemini"),
        keys: &["GEMINI_API_KEY", "GOOGLE_API_KEY"],
        address: "GEMINI_BASE_URL",
        local: false,
        make: Make::Own(|env| {
            let config = gemini::from_env(env)?;
            let protocol = gemini::GenerateContent { lists_models: true };
            Ok(Arc::new(Client::speaking(protocol, config)?))
        }),
    },
    Factory {
        name: "vertex",
        title: "Google Vertex AI",
        catalog: Some("gemini"),
        keys: &["GOOGLE_APPLICATION_CREDENTIALS", "VERTEX_ACCESS_TOKEN"],
        address: "VERTEX_BASE_URL",
        local: false,
        make: Make::Own(|env| {
            let config = vertex::from_env(env)?;
            let protocol = gemini::GenerateContent { lists_models: false };
            Ok(Arc::new(Client::speaking(protocol, config)?))
        }),
    },
    Factory {
        name: "azure",
        title: "Azure OpenAI",
        catalog: Some("openai"),
        keys: &[
            "AZURE_OPENAI_API_KEY",
            "AZURE_OPENAI_AD_TOKEN",
            "AZURE_CLIENT_SECRET",
        ],
        address: "AZURE_OPENAI_ENDPOINT",
        local: false,
        make: Make::Own(|env| {
            let (chat, config) = azure::from_env(env)?;
            Ok(Arc::new(Client::speaking(chat, config)?))
        }),
    },
    Factory {
        name: "bedrock",
        title: "Amazon Bedrock, Converse API",
        catalog: None,
        keys: &["AWS_ACCESS_KEY_ID", "AWS_BEARER_TOKEN_BEDROCK", "AWS_PROFILE"],
        address: "AWS_ENDPOINT_URL_BEDROCK_RUNTIME",
        local: false,
        make: Make::Own(|env| {
            let config = bedrock::from_env(env)?;
            Ok(Arc::new(Client::speaking(bedrock::Converse, config)?))
        }),
    },
];

/// All of them.
pub fn all() -> impl Iterator<Item = Factory> {
    let chat = HOSTS
        .iter()
        .filter(|host| OWN.iter().all(|own| own.name != host.name));
    let chat = chat.map(|host| Factory {
        name: host.name,
        title: host.title,
        catalog: Some(host.name),
        keys: host.key_variables,
        address: host.base_url_variable,
        local: host.local,
        make: Make::Chat(host),
    });
    chat.chain(OWN.iter().copied())
}

/// The provider of this name.
///
/// # Errors
/// When nobody has it; the message lists all that do.
pub fn find(name: &str) -> Result<Factory, ConfigError> {
    all()
        .find(|factory| factory.name == name)
        .ok_or_else(|| ConfigError::UnknownProvider {
            name: name.to_owned(),
        })
}

/// The names of all, for messages.
pub(crate) fn names() -> String {
    all().map(|factory| factory.name).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_provider_says_what_it_misses_and_is_made_when_it_has_it() {
        let nothing = |_: &str| None;
        for factory in all() {
            if !factory.local {
                let missing = factory.missing(&nothing).unwrap_or_default();
                let named = missing.contains(factory.address)
                    || factory.keys.iter().any(|key| missing.contains(key))
                    || missing.contains("AWS_REGION")
                    || missing.contains("GOOGLE_CLOUD_PROJECT");
                assert!(named, "{}: {missing:?}", factory.name);
            }
            let everything = |name: &str| match name {
                "AZURE_OPENAI_ENDPOINT" => Some("https://me.openai.azure.com".to_owned()),
                "AWS_REGION" => Some("eu-central-1".to_owned()),
                "GOOGLE_CLOUD_PROJECT" => Some("my-project".to_owned()),
                "GOOGLE_APPLICATION_CREDENTIALS" => None,
                name if name.ends_with("BASE_URL") || name.contains("ENDPOINT") => None,
                name if name.starts_with("DOCMILL_") || name == "OPENAI_API_VERSION" => None,
                _ => Some("key".to_owned()),
            };
            assert_eq!(factory.missing(&everything), None, "{}", factory.name);
            let made = factory.make(&everything).unwrap();
            assert_eq!(made.name(), factory.name);
        }
    }

    #[test]
    fn names_are_told_apart() {
        let mut names: Vec<&str> = all().map(|factory| factory.name).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        let error = find("opnai").unwrap_err().to_string();
        assert!(
            error.contains("anthropic") && error.contains("bedrock"),
            "{error}"
        );
    }
}
