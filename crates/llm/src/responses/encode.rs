//! Writes a request as the body of a response.

use serde_json::{Map, Value, json};

use crate::compatible::{data_url, schema_name};
use crate::prompt;
use crate::wire::{Asked, Form, System, image_label};

pub(super) fn body(asked: &Asked<'_>) -> Value {
    let request = asked.request;
    let shape = asked.shape;
    let mut body = Map::new();
    let mut put = |name: &str, value: Value| {
        body.insert(name.to_owned(), value);
    };
    put("model", json!(request.model));
    put("max_output_tokens", json!(request.max_output_tokens));
    // Answers are kept here, not there.
    put("store", json!(false));
    let mut content = Vec::with_capacity(2 + 2 * request.images.len());
    match shape.system {
        System::Own => put("instructions", json!(request.system.as_ref())),
        System::WithUser => content.push(json!({"type": "input_text", "text": request.system.as_ref()})),
    }
    if !request.text.is_empty() {
        content.push(json!({"type": "input_text", "text": request.text}));
    }
    for image in &request.images {
        content.push(json!({"type": "input_text", "text": image_label(image.page)}));
        let mut part = json!({"type": "input_image", "image_url": data_url(&image.png)});
        if shape.image_detail {
            part["detail"] = json!("high");
        }
        content.push(part);
    }
    let mut input = vec![json!({"type": "message", "role": "user", "content": content})];
    if let Some(repair) = &request.repair {
        input.push(json!({"type": "message", "role": "assistant",
            "content": [{"type": "output_text", "text": repair.answer}]}));
        input.push(json!({"type": "message", "role": "user",
            "content": [{"type": "input_text", "text": prompt::repair(&repair.problems)}]}));
    }
    put("input", json!(input));
    if shape.temperature {
        put("temperature", json!(0));
    }
    if asked.reasons && shape.effort {
        put("reasoning", json!({"effort": "low"}));
    }
    match (shape.form, asked.schema) {
        (Form::Schema, Some(schema)) => {
            let mut format = json!({"type": "json_schema", "name": schema_name(&request.template.name),
                "schema": schema});
            if shape.strict {
                format["strict"] = json!(true);
            }
            put("text", json!({"format": format}));
        }
        (Form::Schema | Form::Object, _) => put("text", json!({"format": {"type": "json_object"}})),
        (Form::Text, _) => {}
    }
    if shape.cache_marks && asked.config.name.starts_with("openai") {
        put("prompt_cache_key", json!(request.template.name));
    }
    Value::Object(body)
}
