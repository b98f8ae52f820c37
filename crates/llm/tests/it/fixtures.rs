//! Requests as the engine makes them.

use std::sync::Arc;

use docmill_core::page::{Page, TextOrigin};
use docmill_core::template::{Reading, Template};
use docmill_llm::{Request, prompt};
use serde_json::json;

pub fn template() -> Arc<Template> {
    Arc::new(Template {
        name: "invoice".into(),
        description: String::new(),
        instructions: "Take the invoice apart.".into(),
        reading: Reading::Auto,
        schema: json!({
            "type": "object",
            "required": ["number", "total"],
            "properties": {
                "number": {"type": "string", "description": "The invoice number"},
                "issued": {"type": "string", "format": "date"},
                "total": {"type": "number", "minimum": 0},
                "currency": {"enum": ["EUR", "USD"]},
                "lines": {"type": "array", "items": {"$ref": "#/$defs/Line"}},
            },
            "$defs": {"Line": {"type": "object", "properties": {
                "text": {"type": "string"}, "amount": {"type": "number"}}}},
        }),
        checks: Vec::new(),
    })
}

pub fn request(text: &str) -> Request {
    let template = template();
    let pages = Arc::new(vec![Page {
        number: 1,
        label: None,
        width: 0.0,
        height: 0.0,
        text: text.to_owned(),
        words: Vec::new(),
        origin: TextOrigin::Native,
    }]);
    Request {
        model: "gpt-4o-mini".into(),
        system: prompt::system(&template).into(),
        text: prompt::document(&pages),
        images: Vec::new(),
        template,
        pages,
        repair: None,
        max_output_tokens: 1000,
        call_id: "call-1".into(),
    }
}
