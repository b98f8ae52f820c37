//! What a provider's folder says: how a request is written, how an answer is
//! read. Pure; [`super::Client`] does the rest.

use bytes::Bytes;
use docmill_core::failure::FailureCode;
use docmill_core::page::PageImage;
use docmill_core::price::CallBound;
use docmill_core::template::Template;
use hyper::header::{HeaderName, HeaderValue};
use serde_json::Value;
use serde_json::value::RawValue;

use super::config::Config;
use super::http::Reply;
use super::learned::Shape;
use super::refused::Refused;
use super::{body, errors};
use crate::answer::Answer;
use crate::image_tokens;
use crate::prompt::{SchemaProblem, wire_schema};
use crate::request::Request;
use crate::signals::Signals;

/// A request, ready to be signed and sent.
pub(crate) struct Outgoing {
    /// Below the base address, with its query.
    pub(crate) path: String,
    /// Beside those every call carries.
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
    /// JSON.
    pub(crate) body: Bytes,
}

impl Outgoing {
    /// A call at a path.
    pub(crate) fn json(path: impl Into<String>, body: &impl serde::Serialize) -> Result<Self, Refused> {
        let body = serde_json::to_vec(body).map_err(|cause| {
            Refused::not_billed(
                FailureCode::Internal,
                format!("the request could not be written as JSON: {cause}"),
            )
        })?;
        Ok(Self {
            path: path.into(),
            headers: Vec::new(),
            body: body.into(),
        })
    }
}

/// What is asked, with all that decides how it is written.
pub(crate) struct Asked<'a> {
    pub(crate) config: &'a Config,
    pub(crate) request: &'a Request,
    pub(crate) shape: Shape,
    /// The model thinks before it answers.
    pub(crate) reasons: bool,
    /// The template's schema in this provider's form, when the shape asks for one.
    pub(crate) schema: Option<&'a RawValue>,
}

/// What came, with all that decides how it is read.
pub(crate) struct Came<'a> {
    pub(crate) config: &'a Config,
    pub(crate) reply: &'a Reply,
    /// The worst case of the call: for counts that cannot be.
    pub(crate) bound: CallBound,
    pub(crate) signals: Signals,
}

impl Came<'_> {
    /// The body as JSON.
    pub(crate) fn json(&self) -> Result<Value, Refused> {
        body::parse(&self.reply.body).map_err(|why| self.strange(&why.to_string()))
    }

    /// A 200 that holds no answer. It may have been paid for.
    pub(crate) fn strange(&self, why: &str) -> Refused {
        Refused::unknown(
            FailureCode::ProviderError,
            format!(
                "{} answered 200, but {}",
                self.config.name,
                super::clean(why, self.config.key.as_ref())
            ),
        )
    }

    /// The provider's id of the call, from the first of these headers.
    pub(crate) fn header(&self, names: &[&str]) -> Option<String> {
        names
            .iter()
            .find_map(|name| self.reply.headers.get(*name))
            .and_then(|id| id.to_str().ok())
            .map(str::to_owned)
    }
}

/// How one kind of server is spoken to.
pub(crate) trait Protocol: Send + Sync + 'static {
    /// The request as it is sent.
    fn encode(&self, asked: &Asked<'_>) -> Result<Outgoing, Refused>;

    /// The answer in a response with a status of success.
    fn decode(&self, came: &Came<'_>) -> Result<Answer, Refused>;

    /// A template's schema in the form this provider takes.
    fn schema(&self, template: &Template) -> Result<Value, SchemaProblem> {
        wire_schema(&template.schema)
    }

    /// What a response without success means.
    fn refusal(&self, status: u16, body: &[u8], config: &Config) -> Refused {
        errors::classify(status, body, config)
    }

    /// Whether prefixes are marked for the cache, and writing one costs: then the first call goes alone.
    fn marks_prefixes(&self) -> bool {
        false
    }

    /// What headers say about limits.
    fn signals<'a>(&self, header: &dyn Fn(&str) -> Option<&'a str>, now: std::time::SystemTime) -> Signals {
        Signals::from_headers(header, now)
    }

    /// Tokens a picture costs: probably, and at most.
    fn image_tokens(&self, model: &str, image: &PageImage) -> (u64, u64) {
        (
            image_tokens::expect(model, image.width, image.height),
            image_tokens::upper_bound(model, image.width, image.height),
        )
    }

    /// Where the list of models is; `None`: there is none to ask.
    fn models_path(&self) -> Option<String> {
        Some("/models".to_owned())
    }

    /// Looks a model up in the list. A list that cannot be read proves nothing either way.
    fn check_model(&self, bytes: &[u8], model: &str, config: &Config) -> Result<(), Refused> {
        let names = body::parse(bytes)
            .map(|list| super::listed(&list))
            .unwrap_or_default();
        let is_it = |name: &String| name == model || name.strip_suffix(":latest") == Some(model);
        if names.is_empty() || names.iter().any(is_it) {
            return Ok(());
        }
        let count = names.len();
        let mut some: Vec<&str> = names.iter().map(String::as_str).collect();
        some.truncate(5);
        let more = if count > some.len() { " and others" } else { "" };
        let has = super::clean(&some.join(", "), config.key.as_ref());
        Err(Refused::not_billed(
            FailureCode::UnknownModel,
            format!("{} has no model {model:?}; it has {has}{more}", config.whose()),
        ))
    }
}
