//! The servers docmill knows by name. Facts as of 2026-11.

use super::config::{Structured, TokenLimit};

/// A server known by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Host {
    /// Name as in `--model NAME/…`.
    pub name: &'static str,
    /// Where it is.
    pub base_url: &'static str,
    /// Who it is, for people.
    pub title: &'static str,
    /// The environment variables with its key, the usual one first; empty: it needs none.
    pub key_variables: &'static [&'static str],
    /// The environment variable that moves it somewhere else.
    pub base_url_variable: &'static str,
    /// How the limit on the answer is called.
    pub token_limit: TokenLimit,
    /// What it can be asked for.
    pub structured: Structured,
    /// Whether its request counts are per day and say nothing about pace.
    pub requests_per_day: bool,
    /// Whether it runs on the user's own machine.
    pub local: bool,
}

const fn cloud(
    name: &'static str,
    title: &'static str,
    base_url: &'static str,
    key_variables: &'static [&'static str],
    base_url_variable: &'static str,
) -> Host {
    Host {
        name,
        title,
        base_url,
        key_variables,
        base_url_variable,
        token_limit: TokenLimit::MaxTokens,
        structured: Structured::JsonSchema,
        requests_per_day: false,
        local: false,
    }
}

const fn local(
    name: &'static str,
    title: &'static str,
    base_url: &'static str,
    base_url_variable: &'static str,
) -> Host {
    Host {
        local: true,
        ..cloud(name, title, base_url, &[], base_url_variable)
    }
}

/// Every server known by name.
pub const HOSTS: &[Host] = &[
    Host {
        token_limit: TokenLimit::MaxCompletionTokens,
        ..cloud(
            "openai",
            "OpenAI",
            "https://api.openai.com/v1",
            &["OPENAI_API_KEY"],
            "OPENAI_BASE_URL",
        )
    },
    Host {
        // Groq's request counts are per day, its token counts per minute.
        requests_per_day: true,
        ..cloud(
            "groq",
            "Groq",
            "https://api.groq.com/openai/v1",
            &["GROQ_API_KEY"],
            "GROQ_BASE_URL",
        )
    },
    cloud(
        "mistral",
        "Mistral",
        "https://api.mistral.ai/v1",
        &["MISTRAL_API_KEY"],
        "MISTRAL_BASE_URL",
    ),
    Host {
        // DeepSeek knows json_object only.
        structured: Structured::JsonObject,
        ..cloud(
            "deepseek",
            "DeepSeek",
            "https://api.deepseek.com/v1",
            &["DEEPSEEK_API_KEY"],
            "DEEPSEEK_BASE_URL",
        )
    },
    cloud(
        "xai",
        "xAI",
        "https://api.x.ai/v1",
        &["XAI_API_KEY"],
        "XAI_BASE_URL",
    ),
    cloud(
        "openrouter",
        "OpenRouter",
        "https://openrouter.ai/api/v1",
        &["OPENROUTER_API_KEY"],
        "OPENROUTER_BASE_URL",
    ),
    local("ollama", "Ollama", "http://127.0.0.1:11434/v1", "OLLAMA_BASE_URL"),
    local("vllm", "vLLM", "http://127.0.0.1:8000/v1", "VLLM_BASE_URL"),
    local(
        "llamacpp",
        "llama.cpp",
        "http://127.0.0.1:8080/v1",
        "LLAMACPP_BASE_URL",
    ),
    local(
        "lmstudio",
        "LM Studio",
        "http://127.0.0.1:1234/v1",
        "LMSTUDIO_BASE_URL",
    ),
];

/// The server of this name.
pub(super) fn find(name: &str) -> Option<&'static Host> {
    HOSTS.iter().find(|host| host.name == name)
}
