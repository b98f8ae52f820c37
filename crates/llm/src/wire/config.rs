//! Settings of a server. The environment is read here, once, through a
//! function the caller gives; nothing else in this crate reads it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use docmill_core::outbound::Terms;
use hyper::Uri;

use super::hosts;
use super::http::Signer;

/// A secret: shown nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(String);

impl Key {
    /// A key, as typed; `None` when it is blank.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        (!text.is_empty()).then(|| Self(text.to_owned()))
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

/// How the limit on the answer is called on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenLimit {
    /// `max_completion_tokens`: OpenAI's own servers; reasoning models refuse the other.
    MaxCompletionTokens,
    /// `max_tokens`: everybody else.
    MaxTokens,
}

/// How the form of the answer is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Structured {
    /// `response_format` `json_schema`, strict.
    JsonSchema,
    /// `response_format` `json_object`: the schema is only in the prompt.
    JsonObject,
    /// No `response_format` at all.
    PlainText,
}

/// Which header carries the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyHeader {
    /// `authorization: Bearer …`.
    Bearer,
    /// One of its own.
    Named(&'static str),
}

/// Settings of a server.
#[derive(Debug, Clone)]
pub struct Config {
    /// Name as in `--model NAME/…`.
    pub name: String,
    /// Whose models these are in the catalog.
    pub catalog: String,
    /// Where the server is, up to and including `/v1`.
    pub base_url: Uri,
    /// The key, where one is needed.
    pub key: Option<Key>,
    /// What is granted to the server: where its name may lead, whether it is quoted.
    pub terms: Terms,
    /// Which header carries it.
    pub key_header: KeyHeader,
    /// Signs requests, where a key alone is not enough.
    pub(crate) signer: Option<Arc<dyn Signer>>,
    /// How long a call may take in all.
    pub call_timeout: Duration,
    /// How long a connection may take to come about.
    pub connect_timeout: Duration,
    /// How the limit on the answer is called.
    pub token_limit: TokenLimit,
    /// How the form of the answer is asked for.
    pub structured: Structured,
    /// Whether request counts in headers are per day.
    pub requests_per_day: bool,
    /// Whether refused requests may be billed (Azure: content filter, input limit).
    pub bills_refusals: bool,
    /// Calls in flight when the user does not say.
    pub concurrency: u32,
    /// Context of a model that is not in the catalog.
    pub unknown_context_tokens: u64,
    /// Longest answer of a model that is not in the catalog.
    pub unknown_answer_tokens: u32,
    /// Whether a model that is not in the catalog sees pictures.
    pub unknown_sees: bool,
}

/// Why a server cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Nobody knows the name.
    #[error(
        "unknown provider {name:?}; known are {known}. For another server, give its address with --base-url",
        known = crate::registry::names()
    )]
    UnknownProvider {
        /// As it was typed.
        name: String,
    },
    /// No key.
    #[error("{provider} needs an API key; set {variable} in the environment")]
    KeyMissing {
        /// The server's name.
        provider: String,
        /// Where the key is looked for.
        variable: &'static str,
    },
    /// Something that is not a key is missing.
    #[error("{provider} needs {what}; set {variable} in the environment")]
    NotSet {
        /// The server's name.
        provider: String,
        /// What is missing.
        what: &'static str,
        /// Where it is looked for.
        variable: &'static str,
    },
    /// A file of credentials that cannot be used.
    #[error("{path} cannot be used: {why}")]
    BadFile {
        /// The file, or the variable that names it.
        path: String,
        /// What is wrong.
        why: String,
    },
    /// The key has characters no header can carry.
    #[error("the API key in {variable} has characters that cannot be sent; copy it again")]
    KeyMalformed {
        /// Where the key came from.
        variable: String,
    },
    /// Not an address.
    #[error("{text:?} is not the address of a server; write it like https://host.example/v1")]
    BadAddress {
        /// As it was typed.
        text: String,
    },
    /// Not a number of tokens.
    #[error("{variable} is {text:?}; write a whole number of tokens, like 32768")]
    NotTokens {
        /// The environment variable.
        variable: &'static str,
        /// What it holds.
        text: String,
    },
    /// No root certificates on this system.
    #[error(
        "no root certificates were found, so no server can be trusted; install the package ca-certificates, or \
         point SSL_CERT_FILE at a bundle"
    )]
    NoRootCertificates,
    /// TLS could not be set up.
    #[error("TLS could not be set up")]
    Tls(#[source] rustls::Error),
}

/// The name of a server that is only known by its address.
const UNNAMED: &str = "compatible";

impl Config {
    /// The settings of a server known by name, with its key and address from
    /// the environment (`OPENAI_API_KEY`, `OPENAI_BASE_URL` and so on).
    ///
    /// # Errors
    /// When the name is unknown, the key is missing or the address is none.
    pub fn from_env(provider: &str, env: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let host = hosts::find(provider).ok_or_else(|| ConfigError::UnknownProvider {
            name: provider.to_owned(),
        })?;
        let moved = env(host.base_url_variable).filter(|url| !url.trim().is_empty());
        let mut config = Self::at(host.name, moved.as_deref().unwrap_or(host.base_url))?;
        config.token_limit = host.token_limit;
        config.structured = host.structured;
        config.requests_per_day = host.requests_per_day;
        let key = host.key_variables.iter().find_map(|variable| env(variable));
        config.key = key.as_deref().and_then(Key::new);
        if moved.is_some() {
            // Somebody else's server: only what all of them know.
            config.token_limit = token_limit_of(&config.base_url);
        }
        match host.key_variables.first().copied() {
            Some(variable) if config.key.is_none() && moved.is_none() => Err(ConfigError::KeyMissing {
                provider: host.name.to_owned(),
                variable,
            }),
            variable => config
                .with_unknown_models(&env)?
                .checked(variable.unwrap_or("the environment")),
        }
    }

    /// The settings of any other server (`--base-url`). Its key, where it
    /// needs one, comes from `DOCMILL_API_KEY`: a key meant for OpenAI is not
    /// sent to a stranger.
    ///
    /// # Errors
    /// When the address is none.
    pub fn for_server(base_url: &str, env: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let mut config = Self::at(UNNAMED, base_url)?;
        config.token_limit = token_limit_of(&config.base_url);
        config.key = env("DOCMILL_API_KEY").as_deref().and_then(Key::new);
        config.with_unknown_models(&env)?.checked("DOCMILL_API_KEY")
    }

    /// The same under these terms: whoever is not to be sent a key has none.
    #[must_use]
    pub fn under(mut self, terms: Terms) -> Self {
        if !terms.sends_key {
            self.key = None;
        }
        self.terms = terms;
        self
    }

    /// What the user knows about a model that is not in the catalog:
    /// `DOCMILL_CONTEXT_TOKENS`, `DOCMILL_ANSWER_TOKENS`, and
    /// `DOCMILL_MODEL_SEES=1` for one that takes pictures.
    pub(crate) fn with_unknown_models(
        mut self,
        env: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ConfigError> {
        if let Some(tokens) = tokens_in("DOCMILL_CONTEXT_TOKENS", &env)? {
            self.unknown_context_tokens = u64::from(tokens);
        }
        if let Some(tokens) = tokens_in("DOCMILL_ANSWER_TOKENS", &env)? {
            self.unknown_answer_tokens = tokens;
        }
        let sees = env("DOCMILL_MODEL_SEES").is_some_and(|text| matches!(text.trim(), "1" | "true" | "yes"));
        self.unknown_sees |= sees;
        Ok(self)
    }

    /// How to call it in a sentence: a provider by its name, any other server by its address.
    pub(crate) fn whose(&self) -> String {
        if self.name == UNNAMED {
            self.base_url.to_string()
        } else {
            self.name.clone()
        }
    }

    pub(crate) fn at(name: &str, base_url: &str) -> Result<Self, ConfigError> {
        let base_url = address(base_url)?;
        let host = base_url.host().unwrap_or_default();
        let bills_refusals = is_below(host, "azure.com");
        let local = is_loopback(host);
        Ok(Self {
            name: name.to_owned(),
            catalog: name.to_owned(),
            key_header: KeyHeader::Bearer,
            signer: None,
            bills_refusals,
            // A server of one's own has few slots, whatever is sent to it.
            concurrency: if local { 8 } else { 64 },
            base_url,
            key: None,
            terms: Terms::TRUSTED,
            // The engine gives a call up earlier, by what the model's calls take.
            call_timeout: Duration::from_secs(3600),
            connect_timeout: Duration::from_secs(10),
            token_limit: TokenLimit::MaxTokens,
            structured: Structured::JsonSchema,
            requests_per_day: false,
            unknown_context_tokens: 8192,
            unknown_answer_tokens: 4096,
            unknown_sees: false,
        })
    }

    pub(crate) fn checked(self, variable: &str) -> Result<Self, ConfigError> {
        let sendable = |key: &Key| key.expose().bytes().all(|byte| byte.is_ascii_graphic());
        if self.key.as_ref().is_none_or(sendable) {
            Ok(self)
        } else {
            Err(ConfigError::KeyMalformed {
                variable: variable.to_owned(),
            })
        }
    }
}

/// A positive number of tokens, where the variable is set.
fn tokens_in(
    variable: &'static str,
    env: impl Fn(&str) -> Option<String>,
) -> Result<Option<u32>, ConfigError> {
    let Some(text) = env(variable).filter(|text| !text.trim().is_empty()) else {
        return Ok(None);
    };
    match text.trim().parse() {
        Ok(tokens) if tokens > 0 => Ok(Some(tokens)),
        _ => Err(ConfigError::NotTokens { variable, text }),
    }
}

fn token_limit_of(base_url: &Uri) -> TokenLimit {
    let host = base_url.host().unwrap_or_default();
    if is_below(host, "openai.com") || is_below(host, "azure.com") {
        TokenLimit::MaxCompletionTokens
    } else {
        TokenLimit::MaxTokens
    }
}

fn is_below(host: &str, domain: &str) -> bool {
    host.strip_suffix(domain)
        .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || bare
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// Parses an address: http or https, a host, no user, no query.
fn address(text: &str) -> Result<Uri, ConfigError> {
    let bad = || ConfigError::BadAddress {
        text: text.to_owned(),
    };
    let uri: Uri = text.trim().trim_end_matches('/').parse().map_err(|_| bad())?;
    let known_scheme = matches!(uri.scheme_str(), Some("http" | "https"));
    let has_host = uri.host().is_some_and(|host| !host.is_empty());
    let has_user = uri
        .authority()
        .is_some_and(|authority| authority.as_str().contains('@'));
    if known_scheme && has_host && !has_user && uri.query().is_none() {
        Ok(uri)
    } else {
        Err(bad())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &'static [(&'static str, &'static str)]) -> impl Fn(&str) -> Option<String> {
        move |name| {
            pairs
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| (*value).to_owned())
        }
    }

    #[test]
    fn a_known_server_takes_its_key_and_address_from_the_environment() {
        let config = Config::from_env("openai", env(&[("OPENAI_API_KEY", " sk-1 \n")])).unwrap();
        assert_eq!(config.base_url.to_string(), "https://api.openai.com/v1");
        assert_eq!(config.key.as_ref().unwrap().expose(), "sk-1");
        assert_eq!(config.token_limit, TokenLimit::MaxCompletionTokens);
        let moved =
            Config::from_env("openai", env(&[("OPENAI_BASE_URL", "http://localhost:9000/v1/")])).unwrap();
        assert_eq!(moved.base_url.to_string(), "http://localhost:9000/v1");
        assert_eq!(moved.token_limit, TokenLimit::MaxTokens);
        assert!(moved.key.is_none(), "a server of one's own may need none");
    }

    #[test]
    fn what_is_missing_is_named() {
        let message = |result: Result<Config, ConfigError>| result.unwrap_err().to_string();
        assert_eq!(
            message(Config::from_env("groq", env(&[]))),
            "groq needs an API key; set GROQ_API_KEY in the environment"
        );
        assert!(message(Config::from_env("opnai", env(&[]))).contains("openai, groq, mistral, deepseek"));
        assert!(
            message(Config::from_env(
                "openai",
                env(&[("OPENAI_API_KEY", "sk 1\u{7f}ü")])
            ))
            .contains("OPENAI_API_KEY")
        );
        for bad in [
            "",
            "localhost",
            "ftp://x/v1",
            "https://",
            "https://me@host/v1",
            "http://h/v1?x=1",
            "/v1",
        ] {
            let message = message(Config::for_server(bad, env(&[])));
            assert!(message.contains("write it like"), "{bad:?}: {message}");
        }
    }

    #[test]
    fn a_strange_server_never_gets_the_key_of_openai() {
        let all = env(&[("OPENAI_API_KEY", "sk-secret"), ("DOCMILL_API_KEY", "mine")]);
        let config = Config::for_server("https://host.example/v1", all).unwrap();
        assert_eq!(config.key.as_ref().unwrap().expose(), "mine");
        assert!(!format!("{config:?}").contains("mine"), "keys are not printed");
    }

    #[test]
    fn a_model_outside_the_catalog_is_described_by_the_user() {
        let url = "http://127.0.0.1:8000/v1";
        let told = env(&[("DOCMILL_CONTEXT_TOKENS", "32768"), ("DOCMILL_MODEL_SEES", "1")]);
        let config = Config::for_server(url, told).unwrap();
        assert_eq!(
            (config.unknown_context_tokens, config.unknown_sees),
            (32_768, true)
        );
        assert_eq!(
            config.unknown_answer_tokens, 4096,
            "what is not said stays careful"
        );
        for bad in ["0", "-1", "32k", "99999999999"] {
            let told = move |name: &str| (name == "DOCMILL_ANSWER_TOKENS").then(|| bad.to_owned());
            let message = Config::for_server(url, told).unwrap_err().to_string();
            assert!(message.contains("DOCMILL_ANSWER_TOKENS"), "{bad}: {message}");
        }
    }

    #[test]
    fn azure_counts_as_openai_and_as_one_that_bills_refusals() {
        let config = Config::for_server("https://me.openai.azure.com/openai/v1", env(&[])).unwrap();
        assert_eq!(config.token_limit, TokenLimit::MaxCompletionTokens);
        assert!(config.bills_refusals);
        let other = Config::for_server("https://notazure.com/v1", env(&[])).unwrap();
        assert!(!other.bills_refusals);
    }
}
