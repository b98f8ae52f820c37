//! OpenAI's chat completions, as OpenAI and nearly every other server speak
//! them: Groq, Mistral, DeepSeek, xAI, OpenRouter, Gemini's compatible
//! endpoint, vLLM, Ollama, llama.cpp.
//!
//! What a failed call says about money is decided in `errors` and `http`:
//! a connection that never came about and a 4xx are `NotBilled`; whatever
//! happened after the request may have left is `Unknown`.

mod config;
mod decode;
mod encode;
mod errors;
mod hosts;
mod http;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use docmill_core::failure::FailureCode;
use docmill_core::price::CallBound;
use docmill_core::template::Template;
use docmill_core::usage::Usage;

use crate::answer::{Answer, CallError};
use crate::prompt::wire_schema;
use crate::provider::{ModelLimits, Provider};
use crate::request::Request;
use crate::signals::Signals;
use crate::{catalog, image_tokens, tokens};

pub use config::{Config, ConfigError, Key, Structured, TokenLimit};
pub use hosts::{HOSTS, Host};

use encode::Format;
use errors::Refused;
use http::{Http, Reply};

/// How much of an answer is read: far above any answer, far below trouble.
const MAX_ANSWER_BYTES: usize = 16 << 20;

/// Schemas kept ready; a run uses one or two.
const KEPT_SCHEMAS: usize = 8;

/// A template's schema, ready to be sent. `None`: it has no wire form.
type WireSchema = Option<Arc<serde_json::value::RawValue>>;

/// A server with OpenAI's chat completions.
pub struct Compatible {
    config: Config,
    http: Http,
    schemas: RwLock<Vec<(Arc<Template>, WireSchema)>>,
    /// The server refused a schema once: from then on only "a JSON object" is asked for.
    refuses_schemas: AtomicBool,
}

impl Compatible {
    /// A client for the server the configuration names. Connects when called.
    ///
    /// # Errors
    /// When the address needs TLS and the system has no root certificates.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        let http = Http::new(&config)?;
        Ok(Self {
            config,
            http,
            schemas: RwLock::default(),
            refuses_schemas: AtomicBool::new(false),
        })
    }

    /// The settings in use.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    fn format(&self, template: &Arc<Template>) -> Format {
        let asks_schema =
            self.config.structured == Structured::JsonSchema && !self.refuses_schemas.load(Ordering::Relaxed);
        if asks_schema && let Some(schema) = self.wire_schema(template) {
            return Format::Schema(schema);
        }
        if self.config.structured == Structured::PlainText {
            Format::Text
        } else {
            Format::Object
        }
    }

    /// The schema as it is sent, computed once per template. The list holds
    /// the template itself, so that its address cannot be another's.
    fn wire_schema(&self, template: &Arc<Template>) -> WireSchema {
        let known = |list: &[(Arc<Template>, WireSchema)]| {
            list.iter()
                .find(|(kept, _)| Arc::ptr_eq(kept, template))
                .map(|(_, schema)| schema.clone())
        };
        if let Some(schema) = known(&self.schemas.read().unwrap_or_else(PoisonError::into_inner)) {
            return schema;
        }
        let schema = raw_wire_schema(template);
        let mut list = self.schemas.write().unwrap_or_else(PoisonError::into_inner);
        if known(&list).is_none() {
            if list.len() >= KEPT_SCHEMAS {
                list.remove(0);
            }
            list.push((Arc::clone(template), schema.clone()));
        }
        schema
    }

    async fn send(&self, request: &Request, format: &Format) -> Result<Answer, CallError> {
        let unsaid = |refused: Refused| refused.with(Signals::default());
        let body = encode::body(&self.config, request, format).map_err(unsaid)?;
        let reply = self.http.chat(&request.call_id, body).await.map_err(unsaid)?;
        let signals = self.signals(&reply);
        let answered = if reply.status.is_success() {
            decode::answer(&reply, &self.config, signals)
        } else {
            Err(self.refusal(&reply))
        };
        answered.map_err(|refused| refused.with(signals))
    }

    fn refusal(&self, reply: &Reply) -> Refused {
        errors::classify(reply.status.as_u16(), &reply.body, &self.config)
    }

    fn signals(&self, reply: &Reply) -> Signals {
        let header = |name: &str| reply.headers.get(name).and_then(|value| value.to_str().ok());
        let signals = Signals::from_headers(header, SystemTime::now());
        if self.config.requests_per_day {
            signals.without_requests()
        } else {
            signals
        }
    }
}

fn raw_wire_schema(template: &Template) -> WireSchema {
    let wire = match wire_schema(&template.schema) {
        Ok(wire) => wire,
        Err(problem) => {
            tracing::warn!(
                template = %template.name,
                %problem,
                "the provider cannot hold answers to this schema; only a JSON object is asked for"
            );
            return None;
        }
    };
    serde_json::value::to_raw_value(&wire).ok().map(Arc::from)
}

#[async_trait]
impl Provider for Compatible {
    fn name(&self) -> &str {
        &self.config.name
    }

    fn limits(&self, model: &str) -> ModelLimits {
        let known = catalog::built_in().find(&self.config.name, model);
        ModelLimits {
            max_input_tokens: known
                .and_then(|model| model.max_input_tokens)
                .unwrap_or(self.config.unknown_context_tokens),
            max_output_tokens: known
                .and_then(|model| model.max_output_tokens)
                .unwrap_or(self.config.unknown_answer_tokens),
            vision: known.is_some_and(|model| model.vision) || (known.is_none() && self.config.unknown_sees),
            default_concurrency: self.config.concurrency,
        }
    }

    fn bound(&self, request: &Request) -> CallBound {
        let schema = match self.format(&request.template) {
            Format::Schema(schema) => tokens::upper_bound(schema.get()),
            Format::Object | Format::Text => 0,
        };
        CallBound {
            input_tokens: encode::bound(request).saturating_add(schema),
            output_tokens: u64::from(request.max_output_tokens),
        }
    }

    fn expect(&self, request: &Request) -> Usage {
        let schema = match self.format(&request.template) {
            Format::Schema(schema) => tokens::expect(schema.get()),
            Format::Object | Format::Text => 0,
        };
        Usage {
            input_tokens: encode::expect(request).saturating_add(schema),
            output_tokens: encode::expect_answer(request),
            ..Usage::default()
        }
    }

    async fn call(&self, request: &Request) -> Result<Answer, CallError> {
        let format = self.format(&request.template);
        let answer = self.send(request, &format).await;
        let refused =
            matches!(format, Format::Schema(_)) && answer.as_ref().is_err_and(errors::is_schema_mode_unknown);
        if !refused {
            return answer;
        }
        // A 400 costs nothing, so asking again inside the call is safe.
        if !self.refuses_schemas.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                provider = %self.config.name,
                "the server does not know response_format json_schema; from now on only a JSON object is asked \
                 for, and checked here"
            );
        }
        self.send(request, &Format::Object).await
    }

    async fn probe(&self, model: &str) -> Result<(), CallError> {
        let asked = self.http.models().await;
        let reply = asked.map_err(|refused| refused.with(Signals::default()))?;
        let checked = match reply.status.as_u16() {
            // Some servers have no list. The first call will tell.
            404 | 405 => Ok(()),
            200..=299 => decode::check_model(&reply.body, model, &self.config),
            _ => Err(self.refusal(&reply)),
        };
        checked.map_err(|refused| refused.with(self.signals(&reply)))
    }
}

/// The room a call's images take in the prompt.
fn image_bound(request: &Request) -> u64 {
    request
        .images
        .iter()
        .map(|image| image_tokens::upper_bound(&request.model, image.width, image.height))
        .fold(0, u64::saturating_add)
}

fn image_expect(request: &Request) -> u64 {
    request
        .images
        .iter()
        .map(|image| image_tokens::expect(&request.model, image.width, image.height))
        .fold(0, u64::saturating_add)
}

/// A call that could not even be written down.
fn cannot_encode(cause: impl std::fmt::Display) -> Refused {
    Refused::not_billed(
        FailureCode::Internal,
        format!("the request could not be written as JSON: {cause}"),
    )
}

/// Connections that wait unused are closed before servers close them: uvicorn
/// (vLLM) does so after 5 seconds, and a request that meets a closing
/// connection counts as "may have been billed".
const IDLE_CONNECTION: Duration = Duration::from_secs(4);

/// The type of request bodies.
type Body = http_body_util::Full<Bytes>;
