//! Writes a request as the body of a message.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{HeaderName, HeaderValue};
use serde_json::{Map, Value, json};

use crate::prompt;
use crate::wire::{Asked, Form, Outgoing, Refused, System, image_label};

const VERSION: (HeaderName, HeaderValue) = (
    HeaderName::from_static("anthropic-version"),
    HeaderValue::from_static("2023-06-01"),
);

/// The call.
pub(super) fn outgoing(asked: &Asked<'_>) -> Result<Outgoing, Refused> {
    let mut outgoing = Outgoing::json("/messages", &body(asked))?;
    outgoing.headers.push(VERSION);
    Ok(outgoing)
}

/// The body: what is the same for every document first, and marked, so that it is read from
/// the cache from the second call on. Below the model's smallest prefix the mark does nothing.
pub(crate) fn body(asked: &Asked<'_>) -> Value {
    let request = asked.request;
    let mut body = Map::new();
    body.insert("model".to_owned(), json!(request.model));
    body.insert("max_tokens".to_owned(), json!(request.max_output_tokens));
    let mut system = json!({"type": "text", "text": request.system.as_ref()});
    if asked.shape.cache_marks {
        system["cache_control"] = json!({"type": "ephemeral"});
    }
    let mut content = Vec::with_capacity(2 + 2 * request.images.len());
    match asked.shape.system {
        System::Own => {
            body.insert("system".to_owned(), json!([system]));
        }
        System::WithUser => content.push(system),
    }
    if !request.text.is_empty() {
        content.push(json!({"type": "text", "text": request.text}));
    }
    for image in &request.images {
        content.push(json!({"type": "text", "text": image_label(image.page)}));
        content.push(json!({"type": "image", "source": {
            "type": "base64", "media_type": "image/png", "data": STANDARD.encode(&image.png)}}));
    }
    let mut messages = vec![json!({"role": "user", "content": content})];
    if let Some(repair) = &request.repair {
        // An empty turn would be refused.
        let answer = if repair.answer.trim().is_empty() {
            "(nothing)"
        } else {
            repair.answer.trim_end()
        };
        messages.push(json!({"role": "assistant", "content": answer}));
        messages.push(json!({"role": "user", "content": prompt::repair(&repair.problems)}));
    }
    body.insert("messages".to_owned(), json!(messages));
    if asked.shape.temperature {
        body.insert("temperature".to_owned(), json!(0));
    }
    if let (Form::Schema, Some(schema)) = (asked.shape.form, asked.schema) {
        body.insert(
            "output_config".to_owned(),
            json!({"format": {"type": "json_schema", "schema": schema}}),
        );
    }
    Value::Object(body)
}
