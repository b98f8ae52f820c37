//! Writes a request as a body of Converse.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::compatible::schema_name;
use crate::prompt;
use crate::wire::{Asked, Form, Outgoing, Refused, System, image_label, segment};

/// The call.
pub(super) fn outgoing(asked: &Asked<'_>) -> Result<Outgoing, Refused> {
    let path = format!("/model/{}/converse", segment(&asked.request.model));
    Outgoing::json(path, &body(asked))
}

fn body(asked: &Asked<'_>) -> Value {
    let request = asked.request;
    let shape = asked.shape;
    let mut body = Map::new();
    let mut content = Vec::with_capacity(2 + 2 * request.images.len());
    let instructions = json!({"text": request.system.as_ref()});
    match shape.system {
        System::Own => {
            body.insert("system".to_owned(), json!([instructions]));
        }
        System::WithUser => content.push(instructions),
    }
    if !request.text.is_empty() {
        content.push(json!({"text": request.text}));
    }
    for image in &request.images {
        content.push(json!({"text": image_label(image.page)}));
        content.push(json!({"image": {"format": "png", "source": {"bytes": STANDARD.encode(&image.png)}}}));
    }
    let mut messages = vec![json!({"role": "user", "content": content})];
    if let Some(repair) = &request.repair {
        let answer = if repair.answer.trim().is_empty() {
            "(nothing)"
        } else {
            repair.answer.trim_end()
        };
        messages.push(json!({"role": "assistant", "content": [{"text": answer}]}));
        messages.push(json!({"role": "user", "content": [{"text": prompt::repair(&repair.problems)}]}));
    }
    body.insert("messages".to_owned(), json!(messages));
    let mut settings = json!({"maxTokens": request.max_output_tokens});
    if shape.temperature {
        settings["temperature"] = json!(0);
    }
    body.insert("inferenceConfig".to_owned(), settings);
    if let (Form::Schema, Some(schema)) = (shape.form, asked.schema) {
        // The schema goes as text here.
        let schema = json!({"schema": schema.get(), "name": schema_name(&request.template.name)});
        body.insert(
            "outputConfig".to_owned(),
            json!({"textFormat": {"type": "json_schema", "structure": {"jsonSchema": schema}}}),
        );
    }
    Value::Object(body)
}
