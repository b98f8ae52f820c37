//! A provider over HTTP: writes, sends, reads, and learns from what is refused.

use std::sync::OnceLock;
use std::time::SystemTime;

use async_trait::async_trait;
use docmill_core::price::CallBound;
use docmill_core::usage::Usage;

use super::config::{Config, ConfigError};
use super::http::{Http, Reply};
use super::learned::{self, Form, Learned, Shape};
use super::protocol::{Asked, Came, Protocol};
use super::refused::Refused;
use super::schemas::{Schemas, WireSchema};
use super::warmth::{self, First, Warmth};
use crate::answer::{Answer, CallError};
use crate::encoding::Encoding;
use crate::provider::{Capabilities, ModelLimits, Provider};
use crate::request::Request;
use crate::signals::Signals;
use crate::{catalog, prompt, tokens};

/// A provider over HTTP.
pub struct Client<P> {
    config: Config,
    http: Http,
    protocol: P,
    schemas: Schemas,
    learned: Learned,
    warmth: Warmth,
    /// What the catalog says of the model that was asked first; nearly always there is only one.
    first: OnceLock<(String, Option<&'static catalog::Model>)>,
}

#[expect(
    private_bounds,
    reason = "protocols are this crate's own; the client is used through the port"
)]
impl<P: Protocol> Client<P> {
    /// A client that speaks this protocol. Connects when called.
    pub(crate) fn speaking(protocol: P, config: Config) -> Result<Self, ConfigError> {
        let http = Http::new(&config)?;
        Ok(Self {
            config,
            http,
            protocol,
            schemas: Schemas::default(),
            learned: Learned::default(),
            warmth: Warmth::default(),
            first: OnceLock::new(),
        })
    }

    /// The settings in use.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.config
    }

    fn known(&self, model: &str) -> Option<&'static catalog::Model> {
        let find = |model: &str| catalog::built_in().find(&self.config.catalog, model);
        let (first, known) = self.first.get_or_init(|| (model.to_owned(), find(model)));
        if first == model { *known } else { find(model) }
    }

    fn shape(&self, request: &Request) -> Shape {
        self.learned.shape(&request.model, &request.template.name, || {
            let shape = Shape::of(&self.config);
            Shape {
                // Reasoning models refuse a temperature.
                temperature: shape.temperature
                    && !self.known(&request.model).is_some_and(|model| model.reasoning),
                ..shape
            }
        })
    }

    fn schema(&self, request: &Request, shape: Shape) -> WireSchema {
        (shape.form == Form::Schema)
            .then(|| {
                self.schemas
                    .get(&request.template, |template| self.protocol.schema(template))
            })
            .flatten()
    }

    async fn send(&self, request: &Request, shape: Shape) -> (Result<Answer, Refused>, Signals) {
        let schema = self.schema(request, shape);
        let asked = Asked {
            config: &self.config,
            request,
            shape: match (shape.form, &schema) {
                // A template whose schema this provider does not take.
                (Form::Schema, None) => Shape {
                    form: Form::Object,
                    ..shape
                },
                _ => shape,
            },
            reasons: self.known(&request.model).is_some_and(|model| model.reasoning),
            schema: schema.as_deref(),
        };
        let outgoing = match self.protocol.encode(&asked) {
            Ok(outgoing) => outgoing,
            Err(refused) => return (Err(refused), Signals::default()),
        };
        let reply = match self.http.post(&request.call_id, outgoing).await {
            Ok(reply) => reply,
            Err(refused) => return (Err(refused), Signals::default()),
        };
        let signals = self.signals(&reply);
        if !reply.status.is_success() {
            return (Err(self.refusal(&reply)), signals);
        }
        let came = Came {
            config: &self.config,
            reply: &reply,
            bound: self.bound(request),
            signals,
        };
        (self.protocol.decode(&came), signals)
    }

    fn refusal(&self, reply: &Reply) -> Refused {
        self.protocol
            .refusal(reply.status.as_u16(), &reply.body, &self.config)
    }

    fn signals(&self, reply: &Reply) -> Signals {
        let header = |name: &str| reply.headers.get(name).and_then(|value| value.to_str().ok());
        let signals = self.protocol.signals(&header, SystemTime::now());
        if self.config.requests_per_day {
            signals.without_requests()
        } else {
            signals
        }
    }

    fn image_tokens(&self, request: &Request) -> (u64, u64) {
        request.images.iter().fold((0, 0), |(probably, most), image| {
            let (one, bound) = self.protocol.image_tokens(&request.model, image);
            (probably.saturating_add(one), most.saturating_add(bound))
        })
    }

    /// Waits for the prefix to be in the cache, where that pays.
    async fn warmed(&self, request: &Request, shape: Shape) -> Option<First> {
        let pays = self.protocol.marks_prefixes()
            && shape.cache_marks
            && tokens::expect(&request.system) + self.schema_tokens(request, tokens::expect)
                >= warmth::LEAST_TOKENS;
        if !pays {
            return None;
        }
        self.warmth.turn(&request.model, &request.template.name).await
    }

    /// Tokens of the prompt, as `count` counts those of a text.
    fn input(&self, request: &Request, count: impl Fn(&str) -> u64) -> u64 {
        sum_texts(request, &count)
            .saturating_add(self.image_tokens(request).0)
            .saturating_add(tokens::expected_overhead(message_count(request)))
            .saturating_add(self.schema_tokens(request, count))
    }

    /// The schema's share of the prompt, in whatever unit `count` gives.
    fn schema_tokens(&self, request: &Request, count: impl Fn(&str) -> u64) -> u64 {
        self.schema(request, self.shape(request))
            .map_or(0, |schema| count(schema.get()))
    }
}

#[async_trait]
impl<P: Protocol> Provider for Client<P> {
    fn name(&self) -> &str {
        &self.config.name
    }

    fn capabilities(&self, model: &str) -> Capabilities {
        let known = self.known(model);
        Capabilities {
            simulated: false,
            asks_a_model: true,
            reads_whole_documents: false,
            vision: self.limits(model).vision,
            holds_to_schema: Shape::of(&self.config).form == Form::Schema
                && known.is_none_or(|model| model.structured_output),
        }
    }

    fn limits(&self, model: &str) -> ModelLimits {
        let known = self.known(model);
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
        let texts = sum_texts(request, tokens::upper_bound);
        let messages = message_count(request) + 2 * request.images.len() as u64;
        CallBound {
            input_tokens: texts
                .saturating_add(self.image_tokens(request).1)
                .saturating_add(tokens::overhead_bound(messages))
                .saturating_add(self.schema_tokens(request, tokens::upper_bound)),
            output_tokens: u64::from(request.max_output_tokens),
        }
    }

    fn encoding(&self, model: &str) -> Option<Encoding> {
        self.known(model).and_then(Encoding::of)
    }

    fn count(&self, request: &Request) -> Option<u64> {
        let encoding = self.encoding(&request.model)?;
        Some(self.input(request, |text| encoding.count(text)))
    }

    fn expect(&self, request: &Request) -> Usage {
        let answer = tokens::expect_answer(&request.template.schema, &request.text);
        Usage {
            input_tokens: self.input(request, tokens::expect),
            output_tokens: answer.min(u64::from(request.max_output_tokens)),
            ..Usage::default()
        }
    }

    /// Asks, and asks again without the parameter a refusal names: a 400 costs
    /// nothing, so that is safe inside the call.
    async fn call(&self, request: &Request) -> Result<Answer, CallError> {
        let mut shape = self.shape(request);
        let mut lessons = 0;
        let _first = self.warmed(request, shape).await;
        loop {
            let (answer, signals) = self.send(request, shape).await;
            let refused = match answer {
                Ok(answer) => return Ok(answer),
                Err(refused) => refused,
            };
            let lesson = learned::lesson(shape, &refused).filter(|_| lessons < learned::MOST_LESSONS);
            let Some(lesson) = lesson else {
                return Err(refused.with(signals));
            };
            lessons += 1;
            if self
                .learned
                .remember(&request.model, &request.template.name, &lesson)
            {
                tracing::warn!(
                    provider = %self.config.name,
                    model = %request.model,
                    said = %refused.failure.message,
                    "from now on {}", lesson.what
                );
            }
            shape = lesson.shape;
        }
    }

    async fn probe(&self, model: &str) -> Result<(), CallError> {
        let Some(path) = self.protocol.models_path() else {
            return self
                .http
                .authorized()
                .await
                .map_err(|refused| refused.with(Signals::default()));
        };
        let asked = self.http.get(&path).await;
        let reply = asked.map_err(|refused| refused.with(Signals::default()))?;
        let checked = match reply.status.as_u16() {
            // Some servers have no list. The first call will tell.
            404 | 405 | 501 => Ok(()),
            200..=299 => self.protocol.check_model(&reply.body, model, &self.config),
            _ => Err(self.refusal(&reply)),
        };
        match checked {
            // A server that loads its model is waited for by the calls.
            Err(refused) if refused.failure.code == docmill_core::failure::FailureCode::ModelLoading => {
                Ok(())
            }
            checked => checked.map_err(|refused| refused.with(self.signals(&reply))),
        }
    }

    async fn models(&self) -> Result<Vec<String>, CallError> {
        let Some(path) = self.protocol.models_path() else {
            return Ok(Vec::new());
        };
        let asked = self.http.get(&path).await;
        let reply = asked.map_err(|refused| refused.with(Signals::default()))?;
        if !reply.status.is_success() {
            return Err(self.refusal(&reply).with(self.signals(&reply)));
        }
        Ok(super::body::parse(&reply.body)
            .map(|list| super::listed(&list))
            .unwrap_or_default())
    }
}

/// What stands before a picture.
pub(crate) fn image_label(page: u32) -> String {
    format!("Page {page} as a picture:")
}

fn message_count(request: &Request) -> u64 {
    if request.repair.is_some() { 4 } else { 2 }
}

fn sum_texts(request: &Request, count: impl Fn(&str) -> u64) -> u64 {
    let mut sum = count(&request.system).saturating_add(count(&request.text));
    for image in &request.images {
        sum = sum.saturating_add(count(&image_label(image.page)));
    }
    if let Some(repair) = &request.repair {
        sum = sum
            .saturating_add(count(&repair.answer))
            .saturating_add(count(&prompt::repair(&repair.problems)));
    }
    sum
}
