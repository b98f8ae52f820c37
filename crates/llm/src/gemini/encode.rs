//! Writes a request as a body of `generateContent`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::prompt;
use crate::wire::{Asked, Form, Outgoing, Refused, System, image_label, segment};

/// The call.
pub(super) fn outgoing(asked: &Asked<'_>) -> Result<Outgoing, Refused> {
    let model = asked.request.model.trim_start_matches("models/");
    let path = format!("/models/{}:generateContent", segment(model));
    Outgoing::json(path, &body(asked))
}

fn body(asked: &Asked<'_>) -> Value {
    let request = asked.request;
    let mut body = Map::new();
    let mut parts = Vec::with_capacity(2 + 2 * request.images.len());
    match asked.shape.system {
        System::Own => {
            body.insert(
                "systemInstruction".to_owned(),
                json!({"parts": [{"text": request.system.as_ref()}]}),
            );
        }
        System::WithUser => parts.push(json!({"text": request.system.as_ref()})),
    }
    if !request.text.is_empty() {
        parts.push(json!({"text": request.text}));
    }
    for image in &request.images {
        parts.push(json!({"text": image_label(image.page)}));
        parts.push(json!({"inlineData": {"mimeType": "image/png", "data": STANDARD.encode(&image.png)}}));
    }
    let mut contents = vec![json!({"role": "user", "parts": parts})];
    if let Some(repair) = &request.repair {
        contents.push(json!({"role": "model", "parts": [{"text": repair.answer}]}));
        contents.push(json!({"role": "user", "parts": [{"text": prompt::repair(&repair.problems)}]}));
    }
    body.insert("contents".to_owned(), json!(contents));
    body.insert("generationConfig".to_owned(), settings(asked));
    Value::Object(body)
}

fn settings(asked: &Asked<'_>) -> Value {
    let mut settings = Map::new();
    settings.insert(
        "maxOutputTokens".to_owned(),
        json!(asked.request.max_output_tokens),
    );
    if asked.shape.temperature {
        settings.insert("temperature".to_owned(), json!(0));
    }
    if asked.shape.form != Form::Text {
        settings.insert("responseMimeType".to_owned(), json!("application/json"));
    }
    if let (Form::Schema, Some(schema)) = (asked.shape.form, asked.schema) {
        settings.insert("responseJsonSchema".to_owned(), json!(schema));
    }
    if let Some(thinking) = thinking(asked) {
        settings.insert("thinkingConfig".to_owned(), thinking);
    }
    Value::Object(settings)
}

/// Reading what is printed takes little thought; thoughts are billed and count
/// against the limit. Gemini 2.5 is told in tokens (Pro cannot be without
/// any), later ones in a word.
fn thinking(asked: &Asked<'_>) -> Option<Value> {
    if !asked.reasons || !asked.shape.effort {
        return None;
    }
    let model = asked.request.model.trim_start_matches("models/");
    Some(match model {
        model if model.starts_with("gemini-2.5-pro") => json!({"thinkingBudget": 128}),
        model if model.starts_with("gemini-2.5") => json!({"thinkingBudget": 0}),
        model if model.starts_with("gemini-") => json!({"thinkingLevel": "low"}),
        _ => return None,
    })
}
