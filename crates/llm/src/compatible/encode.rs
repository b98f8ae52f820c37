//! Writes a request as the body of a chat completion.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;

use super::config::{Config, TokenLimit};
use super::errors::Refused;
use super::{cannot_encode, image_bound, image_expect};
use crate::request::Request;
use crate::{catalog, prompt, tokens};

/// How the form of the answer is asked for, with what it needs.
pub(super) enum Format {
    Schema(Arc<RawValue>),
    Object,
    Text,
}

#[derive(Serialize)]
struct Chat<'a> {
    model: &'a str,
    messages: Vec<Message<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_completion_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    temperature: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_format: Option<ResponseFormat<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<Routing>,
}

#[derive(Serialize)]
struct Message<'a> {
    role: &'static str,
    content: Content<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Content<'a> {
    Text(&'a str),
    Owned(String),
    Parts(Vec<Part<'a>>),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Part<'a> {
    Text { text: PartText<'a> },
    ImageUrl { image_url: ImageUrl },
}

#[derive(Serialize)]
#[serde(untagged)]
enum PartText<'a> {
    Borrowed(&'a str),
    Owned(String),
}

#[derive(Serialize)]
struct ImageUrl {
    url: String,
    detail: &'static str,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ResponseFormat<'a> {
    JsonSchema { json_schema: NamedSchema<'a> },
    JsonObject,
}

#[derive(Serialize)]
struct NamedSchema<'a> {
    name: String,
    strict: bool,
    schema: &'a RawValue,
}

/// OpenRouter: only upstreams that take every parameter, `response_format` above all.
#[derive(Serialize)]
struct Routing {
    require_parameters: bool,
}

/// The body of the call.
pub(super) fn body(config: &Config, request: &Request, format: &Format) -> Result<Bytes, Refused> {
    let known = catalog::built_in().find(&config.name, &request.model);
    let limit = request.max_output_tokens;
    let (max_completion_tokens, max_tokens) = match config.token_limit {
        TokenLimit::MaxCompletionTokens => (Some(limit), None),
        TokenLimit::MaxTokens => (None, Some(limit)),
    };
    let chat = Chat {
        model: &request.model,
        messages: messages(request),
        max_completion_tokens,
        max_tokens,
        // Reasoning models refuse a temperature.
        temperature: (!known.is_some_and(|model| model.reasoning)).then_some(0),
        response_format: match format {
            Format::Schema(schema) => Some(ResponseFormat::JsonSchema {
                json_schema: NamedSchema {
                    name: schema_name(&request.template.name),
                    strict: true,
                    schema,
                },
            }),
            Format::Object => Some(ResponseFormat::JsonObject),
            Format::Text => None,
        },
        provider: (config.name == "openrouter").then_some(Routing {
            require_parameters: true,
        }),
    };
    let mut bytes = Vec::with_capacity(size_hint(request));
    serde_json::to_writer(&mut bytes, &chat).map_err(cannot_encode)?;
    Ok(Bytes::from(bytes))
}

fn size_hint(request: &Request) -> usize {
    let images: usize = request
        .images
        .iter()
        .map(|image| image.png.len() * 4 / 3 + 128)
        .sum();
    (request.system.len() + request.text.len()) * 9 / 8 + images + 4096
}

/// Names of schemas: letters, digits, `_`, `-`, at most 64.
fn schema_name(template: &str) -> String {
    let name: String = template
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '-' || c == '_' {
                c
            } else {
                '_'
            }
        })
        .take(64)
        .collect();
    if name.is_empty() {
        "extraction".to_owned()
    } else {
        name
    }
}

fn messages(request: &Request) -> Vec<Message<'_>> {
    let mut messages = vec![
        Message {
            role: "system",
            content: Content::Text(&request.system),
        },
        Message {
            role: "user",
            content: user_content(request),
        },
    ];
    if let Some(repair) = &request.repair {
        messages.push(Message {
            role: "assistant",
            content: Content::Text(&repair.answer),
        });
        messages.push(Message {
            role: "user",
            content: Content::Owned(prompt::repair(&repair.problems)),
        });
    }
    messages
}

/// Plain text where there are no pictures: servers that do not see often do
/// not take parts either.
fn user_content(request: &Request) -> Content<'_> {
    if request.images.is_empty() {
        return Content::Text(&request.text);
    }
    let mut parts = Vec::with_capacity(1 + 2 * request.images.len());
    if !request.text.is_empty() {
        parts.push(Part::Text {
            text: PartText::Borrowed(&request.text),
        });
    }
    for image in &request.images {
        parts.push(Part::Text {
            text: PartText::Owned(image_label(image.page)),
        });
        let mut url = String::with_capacity(32 + image.png.len() * 4 / 3);
        url.push_str("data:image/png;base64,");
        STANDARD.encode_string(&image.png, &mut url);
        parts.push(Part::ImageUrl {
            image_url: ImageUrl { url, detail: "high" },
        });
    }
    Content::Parts(parts)
}

fn image_label(page: u32) -> String {
    format!("Page {page} as a picture:")
}

fn message_count(request: &Request) -> u64 {
    if request.repair.is_some() { 4 } else { 2 }
}

/// The most the messages can cost, without the schema.
pub(super) fn bound(request: &Request) -> u64 {
    sum_texts(request, tokens::upper_bound)
        .saturating_add(image_bound(request))
        .saturating_add(tokens::overhead_bound(
            message_count(request) + 2 * request.images.len() as u64,
        ))
}

/// What the messages probably cost, without the schema.
pub(super) fn expect(request: &Request) -> u64 {
    sum_texts(request, tokens::expect)
        .saturating_add(image_expect(request))
        .saturating_add(tokens::expected_overhead(message_count(request)))
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

/// What the answer probably costs.
pub(super) fn expect_answer(request: &Request) -> u64 {
    tokens::expect_answer(&request.template.schema, &request.text).min(u64::from(request.max_output_tokens))
}
