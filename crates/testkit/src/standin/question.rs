//! A call in any of the protocols, reduced to what the stand-in needs: read
//! independently of docmill, as the providers' documentation describes it.

use serde_json::Value;

use super::chat::{Chat, Size};

/// The protocols the stand-in speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    /// OpenAI's chat completions.
    Chat,
    /// OpenAI's Responses API.
    Responses,
    /// Anthropic's Messages API.
    Messages,
    /// Google's `generateContent`, of Gemini and of Vertex.
    Generate,
    /// Amazon Bedrock's Converse.
    Converse,
}

impl Dialect {
    /// By the path of a call.
    pub(super) fn of(path: &str, query: Option<&str>) -> Option<Self> {
        let deployment = path.strip_prefix("/openai/deployments/");
        match path {
            "/v1/chat/completions" | "/openai/v1/chat/completions" => Some(Self::Chat),
            // Azure's older addresses say the version in the query.
            _ if deployment.is_some_and(|rest| rest.ends_with("/chat/completions")) => query
                .is_some_and(|query| query.starts_with("api-version="))
                .then_some(Self::Chat),
            "/v1/responses" => Some(Self::Responses),
            "/v1/messages" => Some(Self::Messages),
            path if path.ends_with(":generateContent") => Some(Self::Generate),
            path if path.starts_with("/model/") && path.ends_with("/converse") => Some(Self::Converse),
            _ => None,
        }
    }
}

/// What is asked.
pub(super) struct Question {
    pub(super) dialect: Dialect,
    pub(super) model: String,
    /// The limit on the answer.
    pub(super) limit: u64,
    /// The schema the answer has to follow, as text.
    pub(super) schema: Option<String>,
    pub(super) size: Size,
    /// What tells one prompt from another.
    pub(super) hash: blake3::Hash,
    /// The part of the prompt that is marked for the cache, and its tokens.
    pub(super) marked: Option<(blake3::Hash, u64)>,
}

impl Question {
    pub(super) fn parse(dialect: Dialect, path: &str, body: &[u8]) -> Result<Self, serde_json::Error> {
        if dialect == Dialect::Chat {
            let chat = Chat::parse(body)?;
            return Ok(Self {
                dialect,
                model: chat.model.to_string(),
                limit: chat.limit(),
                schema: chat.schema().map(str::to_owned),
                size: chat.size()?,
                hash: chat.hash(),
                marked: None,
            });
        }
        let body: Value = serde_json::from_slice(body)?;
        Ok(match dialect {
            Dialect::Generate => Self::of(
                dialect,
                &body,
                model_in(path),
                "/generationConfig/maxOutputTokens",
                &[
                    "/generationConfig/responseJsonSchema",
                    "/generationConfig/responseSchema",
                ],
            ),
            Dialect::Converse => Self::of(
                dialect,
                &body,
                decoded(path.split('/').nth(2).unwrap_or_default()),
                "/inferenceConfig/maxTokens",
                &["/outputConfig/textFormat/structure/jsonSchema/schema"],
            ),
            Dialect::Responses => {
                let model = text(&body, "model");
                Self::of(
                    dialect,
                    &body,
                    model,
                    "/max_output_tokens",
                    &["/text/format/schema"],
                )
            }
            _ => {
                let model = text(&body, "model");
                Self::of(
                    dialect,
                    &body,
                    model,
                    "/max_tokens",
                    &["/output_config/format/schema"],
                )
            }
        })
    }

    fn of(dialect: Dialect, body: &Value, model: String, limit: &str, schemas: &[&str]) -> Self {
        let schema = schemas.iter().find_map(|pointer| body.pointer(pointer));
        let mut size = Size::default();
        let prompt = [
            "system",
            "systemInstruction",
            "instructions",
            "messages",
            "contents",
            "input",
        ];
        let mut hasher = blake3::Hasher::new();
        hasher.update(model.as_bytes());
        for name in prompt {
            let Some(part) = body.get(name) else { continue };
            count(part, &mut size);
            hasher.update(part.to_string().as_bytes());
            let messages = part.as_array().map_or(1, Vec::len);
            size.add_messages(messages as u64);
        }
        // Converse takes the schema as text.
        let schema = schema.map(|schema| schema.as_str().map_or_else(|| schema.to_string(), str::to_owned));
        if let Some(schema) = &schema {
            size.add_text(schema);
            hasher.update(schema.as_bytes());
        }
        Self {
            dialect,
            limit: body.pointer(limit).and_then(Value::as_u64).unwrap_or(4096),
            marked: marked(body, schema.as_deref()),
            model,
            schema,
            size,
            hash: hasher.finalize(),
        }
    }
}

/// Anthropic's `cache_control` on the system text: that, with the schema before it, is the prefix.
fn marked(body: &Value, schema: Option<&str>) -> Option<(blake3::Hash, u64)> {
    let block = body
        .pointer("/system/0")
        .filter(|block| block.get("cache_control").is_some())?;
    let text = text(block, "text");
    let mut hasher = blake3::Hasher::new();
    hasher.update(text.as_bytes());
    hasher.update(schema.unwrap_or_default().as_bytes());
    let bytes = text.len() + schema.map_or(0, str::len);
    Some((hasher.finalize(), (bytes as u64).div_ceil(4)))
}

fn text(object: &Value, name: &str) -> String {
    object
        .get(name)
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned()
}

fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text)
        .decode_utf8_lossy()
        .into_owned()
}

fn model_in(path: &str) -> String {
    let last = path.rsplit('/').next().unwrap_or_default();
    last.split(':').next().unwrap_or_default().to_owned()
}

/// Adds all texts and pictures below a value.
fn count(value: &Value, size: &mut Size) {
    match value {
        Value::String(text) => size.add_text(text),
        Value::Array(items) => items.iter().for_each(|item| count(item, size)),
        Value::Object(object) => {
            for (name, inner) in object {
                match (name.as_str(), inner) {
                    ("image_url" | "data" | "bytes", Value::String(picture)) => size.add_picture(picture),
                    ("text" | "content" | "parts" | "source" | "inlineData" | "image", inner) => {
                        count(inner, size);
                    }
                    _ => {}
                }
            }
        }
        _ => {}
    }
}
