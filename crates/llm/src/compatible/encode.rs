//! Writes a request as the body of a chat completion.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use serde_json::value::RawValue;

use super::Chat;
use crate::prompt;
use crate::request::Request;
use crate::wire::{Asked, Form, Outgoing, Refused, System, TokenLimit, image_label};

#[derive(Serialize)]
struct Completion<'a> {
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
    reasoning_effort: Option<&'static str>,
    /// Sends prompts with the same beginning to the same machine, where its cache is.
    #[serde(skip_serializing_if = "Option::is_none")]
    prompt_cache_key: Option<&'a str>,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'static str>,
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
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
    schema: &'a RawValue,
}

/// OpenRouter: only upstreams that take every parameter, `response_format` above all.
#[derive(Serialize)]
struct Routing {
    require_parameters: bool,
}

/// The call.
pub(super) fn outgoing(chat: &Chat, asked: &Asked<'_>) -> Result<Outgoing, Refused> {
    let Asked { request, shape, .. } = asked;
    let limit = request.max_output_tokens;
    let (max_completion_tokens, max_tokens) = match shape.token_limit {
        TokenLimit::MaxCompletionTokens => (Some(limit), None),
        TokenLimit::MaxTokens => (None, Some(limit)),
    };
    let body = Completion {
        model: &request.model,
        messages: messages(asked),
        max_completion_tokens,
        max_tokens,
        temperature: shape.temperature.then_some(0),
        response_format: match (shape.form, asked.schema) {
            (Form::Schema, Some(schema)) => Some(ResponseFormat::JsonSchema {
                json_schema: NamedSchema {
                    name: schema_name(&request.template.name),
                    strict: shape.strict.then_some(true),
                    schema,
                },
            }),
            (Form::Schema | Form::Object, _) => Some(ResponseFormat::JsonObject),
            (Form::Text, _) => None,
        },
        // Reading what is printed takes little thought; thoughts are billed and count against the limit.
        reasoning_effort: (asked.reasons && shape.effort).then_some("low"),
        prompt_cache_key: (asked.config.catalog == "openai"
            && asked.config.name != "compatible"
            && shape.cache_marks)
            .then_some(&request.template.name),
        provider: (chat.routed && shape.form != Form::Text).then_some(Routing {
            require_parameters: true,
        }),
    };
    let path = match &chat.api_version {
        Some(version) => format!(
            "/openai/deployments/{}/chat/completions?api-version={version}",
            crate::wire::segment(&request.model)
        ),
        None => "/chat/completions".to_owned(),
    };
    Outgoing::json(path, &body)
}

/// Names of schemas: letters, digits, `_`, `-`, at most 64.
pub(crate) fn schema_name(template: &str) -> String {
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

fn messages<'a>(asked: &Asked<'a>) -> Vec<Message<'a>> {
    let request = asked.request;
    let with_user = asked.shape.system == System::WithUser;
    let mut messages = Vec::with_capacity(4);
    if !with_user {
        messages.push(Message {
            role: "system",
            content: Content::Text(&request.system),
        });
    }
    messages.push(Message {
        role: "user",
        content: user_content(request, with_user, asked.shape.image_detail),
    });
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
fn user_content(request: &Request, with_system: bool, detail: bool) -> Content<'_> {
    if request.images.is_empty() && with_system {
        return Content::Owned(format!("{}\n\n{}", request.system, request.text));
    }
    if request.images.is_empty() {
        return Content::Text(&request.text);
    }
    let mut parts = Vec::with_capacity(2 + 2 * request.images.len());
    let mut text = |text| parts.push(Part::Text { text });
    if with_system {
        text(PartText::Borrowed(&request.system));
    }
    if !request.text.is_empty() {
        text(PartText::Borrowed(&request.text));
    }
    for image in &request.images {
        parts.push(Part::Text {
            text: PartText::Owned(image_label(image.page)),
        });
        parts.push(Part::ImageUrl {
            image_url: ImageUrl {
                url: data_url(&image.png),
                detail: detail.then_some("high"),
            },
        });
    }
    Content::Parts(parts)
}

/// A picture inside an address.
pub(crate) fn data_url(png: &[u8]) -> String {
    let mut url = String::with_capacity(32 + png.len() * 4 / 3);
    url.push_str("data:image/png;base64,");
    STANDARD.encode_string(png, &mut url);
    url
}
