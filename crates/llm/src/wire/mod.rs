//! What all providers reached over HTTP share: settings, connections, the
//! account of what a failed call may cost, what was learned from refusals. A
//! provider's own folder says only how a request is written and an answer is
//! read ([`Protocol`]); it does no I/O.

pub(crate) mod body;
mod client;
mod config;
pub(crate) mod counts;
pub(crate) mod errors;
mod hosts;
pub(crate) mod http;
mod learned;
mod protocol;
mod refused;
pub(crate) mod said;
mod schemas;
pub(crate) mod token;
mod warmth;

pub use client::Client;
pub(crate) use client::image_label;
pub use config::{Config, ConfigError, Key, KeyHeader, Structured, TokenLimit};
pub use hosts::{HOSTS, Host};
#[cfg(test)]
pub(crate) use http::Reply;
pub(crate) use http::{Http, Signer, Unsigned};
pub(crate) use learned::{Form, System};
pub(crate) use protocol::{Asked, Came, Outgoing, Protocol};
pub(crate) use refused::{Refused, clean};

use std::time::Duration;

/// How much of an answer is read: far above any answer, far below trouble.
const MAX_ANSWER_BYTES: usize = 16 << 20;

/// Connections that wait unused are closed before servers close them: uvicorn
/// (vLLM) does so after 5 seconds, and a request that meets a closing
/// connection counts as "may have been billed".
const IDLE_CONNECTION: Duration = Duration::from_secs(4);

/// The names in a list of models, in whichever of the usual forms it is.
pub(crate) fn listed(list: &serde_json::Value) -> Vec<String> {
    let entries = ["data", "models"]
        .iter()
        .find_map(|key| list.get(key))
        .or(Some(list))
        .and_then(serde_json::Value::as_array);
    let name = |entry: &serde_json::Value| {
        ["id", "name", "model"]
            .iter()
            .find_map(|key| entry.get(key))
            .and_then(serde_json::Value::as_str)
            .map(|name| name.trim_start_matches("models/").to_owned())
    };
    entries.into_iter().flatten().filter_map(name).collect()
}

/// A text as one segment of a path.
pub(crate) fn segment(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
