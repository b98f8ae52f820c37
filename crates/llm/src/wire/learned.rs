//! What servers refuse is learned, whatever the host is called: the parameter a
//! 400 names is renamed or left out, at no cost, and remembered for the model.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use docmill_core::failure::FailureCode;

use super::config::{Config, Structured, TokenLimit};
use super::refused::Refused;
use crate::answer::Billing;

/// How the form of the answer is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// With the schema.
    Schema,
    /// "A JSON object"; the fields are in the prompt.
    Object,
    /// Not at all.
    Text,
}

/// Where the instructions go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum System {
    /// In a place of their own.
    Own,
    /// Before the document, in the user's message.
    WithUser,
}

/// Which parameters a call to a model carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shape {
    pub(crate) token_limit: TokenLimit,
    pub(crate) temperature: bool,
    pub(crate) system: System,
    pub(crate) form: Form,
    /// Whether a schema is marked as strict.
    pub(crate) strict: bool,
    /// Whether pictures say how closely they are to be looked at.
    pub(crate) image_detail: bool,
    /// How much a model may think, where that is asked for.
    pub(crate) effort: bool,
    /// Whether the stable part of the prompt is marked for the cache.
    pub(crate) cache_marks: bool,
}

impl Shape {
    /// What is asked of a server nothing was learned about.
    pub(crate) fn of(config: &Config) -> Self {
        Self {
            token_limit: config.token_limit,
            temperature: true,
            system: System::Own,
            form: match config.structured {
                Structured::JsonSchema => Form::Schema,
                Structured::JsonObject => Form::Object,
                Structured::PlainText => Form::Text,
            },
            strict: true,
            image_detail: true,
            effort: true,
            cache_marks: true,
        }
    }
}

/// A lesson: what is done differently from now on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lesson {
    pub(crate) shape: Shape,
    /// For the log.
    pub(crate) what: &'static str,
    /// About this template's schema alone, not about the server.
    pub(crate) this_schema: bool,
}

/// As many lessons as there are parameters; more would be going in circles.
pub(crate) const MOST_LESSONS: usize = 8;

/// What a refusal of a call in this shape teaches. `None`: nothing; asking again would be refused again.
pub(crate) fn lesson(shape: Shape, refused: &Refused) -> Option<Lesson> {
    let free = refused.billing == Billing::NotBilled;
    if !free || refused.failure.code != FailureCode::RequestRefused {
        return None;
    }
    let complaint = refused.complaint.as_ref()?;
    // What the server names in a field of its own counts before what its sentence mentions.
    let named = complaint.parameter.as_deref().unwrap_or_default();
    learn(shape, named).or_else(|| learn(shape, &complaint.text))
}

fn learn(shape: Shape, text: &str) -> Option<Lesson> {
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    let learned = |shape: Shape, what: &'static str| {
        Some(Lesson {
            shape,
            what,
            this_schema: false,
        })
    };
    if has(&["max_tokens", "max_completion_tokens", "maxtokens"]) {
        let (token_limit, what) = match shape.token_limit {
            TokenLimit::MaxTokens => (
                TokenLimit::MaxCompletionTokens,
                "the limit is called max_completion_tokens",
            ),
            TokenLimit::MaxCompletionTokens => (TokenLimit::MaxTokens, "the limit is called max_tokens"),
        };
        return learned(Shape { token_limit, ..shape }, what);
    }
    if shape.temperature && has(&["temperature"]) {
        let shape = Shape {
            temperature: false,
            ..shape
        };
        return learned(shape, "no temperature is sent");
    }
    if shape.effort && has(&["reasoning_effort", "reasoning.effort", "thinking", "effort"]) {
        let shape = Shape {
            effort: false,
            ..shape
        };
        return learned(shape, "the effort of reasoning is not set");
    }
    if shape.image_detail && has(&["image_url.detail", "'detail'", "\"detail\"", ".detail"]) {
        let shape = Shape {
            image_detail: false,
            ..shape
        };
        return learned(shape, "the detail of pictures is not set");
    }
    if shape.cache_marks && has(&["cache_control", "cachepoint", "prompt_cache"]) {
        let shape = Shape {
            cache_marks: false,
            ..shape
        };
        return learned(shape, "nothing is marked for the cache");
    }
    if let Some(lesson) = learn_form(shape, &has) {
        return Some(lesson);
    }
    let about_system = [
        "roles must alternate",
        "system role",
        "role 'system'",
        "role \"system\"",
        "system message",
        "role system",
        "developer instruction",
        "system_instruction",
        "systeminstruction",
    ];
    if shape.system == System::Own && (has(&about_system) || is_system_index(text)) {
        let shape = Shape {
            system: System::WithUser,
            ..shape
        };
        return learned(shape, "the instructions go into the user's message");
    }
    None
}

/// `param` of a server that means the first message.
fn is_system_index(text: &str) -> bool {
    matches!(text, "messages[0].role" | "messages.0.role" | "system")
}

/// One step down: a schema without "strict", a JSON object, plain text.
fn learn_form(shape: Shape, has: &impl Fn(&[&str]) -> bool) -> Option<Lesson> {
    let about_form = has(&[
        "response_format",
        "response format",
        "json_schema",
        "json_object",
        "json schema",
        "json mode",
        "structured output",
        "output_config",
        "outputconfig",
        "output_format",
        "text.format",
        "responseschema",
        "response_schema",
        "responsejsonschema",
        "response_json_schema",
        "responsemimetype",
        "response_mime_type",
        "grammar",
        "no endpoints found that",
    ]);
    let strict = shape.form == Form::Schema && shape.strict && has(&["'strict'", "\"strict\"", ".strict"]);
    if strict {
        return Some(Lesson {
            shape: Shape {
                strict: false,
                ..shape
            },
            what: "schemas are not marked as strict",
            this_schema: false,
        });
    }
    if !about_form {
        return None;
    }
    let (form, what) = match shape.form {
        Form::Schema => (Form::Object, "only a JSON object is asked for, and checked here"),
        Form::Object => (
            Form::Text,
            "the form of the answer is asked for in the prompt alone",
        ),
        Form::Text => return None,
    };
    Some(Lesson {
        shape: Shape { form, ..shape },
        what,
        this_schema: shape.form == Form::Schema && has(&["invalid schema", "schema is too", "too complex"]),
    })
}

/// What was learned, by model, and by model and template.
#[derive(Debug, Default)]
pub(crate) struct Learned {
    models: RwLock<HashMap<String, Shape>>,
    schemas: RwLock<HashMap<(String, String), Form>>,
}

impl Learned {
    /// How to call this model with this template.
    pub(crate) fn shape(&self, model: &str, template: &str, first: impl FnOnce() -> Shape) -> Shape {
        let models = self.models.read().unwrap_or_else(PoisonError::into_inner);
        let shape = models.get(model).copied().unwrap_or_else(first);
        drop(models);
        let schemas = self.schemas.read().unwrap_or_else(PoisonError::into_inner);
        if schemas.is_empty() || shape.form != Form::Schema {
            return shape;
        }
        match schemas.get(&(model.to_owned(), template.to_owned())) {
            Some(form) => Shape { form: *form, ..shape },
            None => shape,
        }
    }

    /// Remembers a lesson; says whether it is news.
    pub(crate) fn remember(&self, model: &str, template: &str, lesson: &Lesson) -> bool {
        if lesson.this_schema {
            let mut schemas = self.schemas.write().unwrap_or_else(PoisonError::into_inner);
            let key = (model.to_owned(), template.to_owned());
            return schemas.insert(key, lesson.shape.form) != Some(lesson.shape.form);
        }
        let mut models = self.models.write().unwrap_or_else(PoisonError::into_inner);
        models.insert(model.to_owned(), lesson.shape) != Some(lesson.shape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::errors::classify;

    fn config() -> Config {
        Config::for_server("https://host.example/v1", |_| None).unwrap()
    }

    fn taught(shape: Shape, body: &str) -> Option<Shape> {
        lesson(shape, &classify(400, body.as_bytes(), &config())).map(|lesson| lesson.shape)
    }

    /// Sentences of real servers, and what is done differently after them.
    #[test]
    fn the_parameter_that_is_named_is_renamed_or_left_out() {
        let first = Shape::of(&config());
        let said = |message: &str, param: Option<&str>| {
            serde_json::json!({"error": {"message": message, "param": param}}).to_string()
        };
        let cases = [
            (
                said("Unsupported value: 'temperature' does not support 0 with this model. Only the default (1) value is supported.", Some("temperature")),
                Shape { temperature: false, ..first },
            ),
            (
                said("Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.", Some("max_tokens")),
                Shape { token_limit: TokenLimit::MaxCompletionTokens, ..first },
            ),
            (
                r#"{"object":"error","message":"Conversation roles must alternate user/assistant/user/assistant/...","type":"BadRequestError","code":400}"#.to_owned(),
                Shape { system: System::WithUser, ..first },
            ),
            (
                said("Developer instruction is not enabled for models/gemma-3-27b-it", None),
                Shape { system: System::WithUser, ..first },
            ),
            (
                r#"{"error":"json_schema is not supported by this model"}"#.to_owned(),
                Shape { form: Form::Object, ..first },
            ),
            (
                said("Unrecognized request argument supplied: reasoning_effort", None),
                Shape { effort: false, ..first },
            ),
            (
                said("Invalid value: 'high'", Some("messages[1].content[0].image_url.detail")),
                Shape { image_detail: false, ..first },
            ),
        ];
        for (body, expected) in cases {
            assert_eq!(taught(first, &body), Some(expected), "{body}");
        }
        let object = Shape {
            form: Form::Object,
            ..first
        };
        let body = r#"{"error":"'response_format.type' must be 'json_schema' or 'text'"}"#;
        assert_eq!(taught(object, body).unwrap().form, Form::Text);
        assert_eq!(taught(first, r#"{"error":"something else"}"#), None);
        let other = classify(429, body.as_bytes(), &config());
        assert_eq!(lesson(first, &other), None, "only what is refused for its shape");
    }

    #[test]
    fn a_schema_that_is_refused_is_no_fault_of_the_next() {
        let body = br#"{"error":{"message":"Invalid schema for response_format 'x': 'y' is not permitted"}}"#;
        let learned = Learned::default();
        let first = Shape::of(&config());
        let refused = classify(400, body, &config());
        learned.remember("m", "a", &lesson(first, &refused).unwrap());
        assert_eq!(learned.shape("m", "a", || first).form, Form::Object);
        assert_eq!(learned.shape("m", "b", || first).form, Form::Schema);
    }
}
