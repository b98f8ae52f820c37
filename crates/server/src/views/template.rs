//! Templates.

use docmill_core::template::{self, Field, FieldKind, Template};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A field a template asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FieldView {
    /// Its name in the data.
    pub name: String,
    /// What it holds.
    pub description: String,
}

/// A field of a batch's results: objects are taken apart, lists are not.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ResultField {
    /// Its names from the root, joined by dots.
    pub path: String,
    /// The same as a JSON Pointer.
    pub pointer: String,
    /// `text`, `date`, `number`, `integer`, `boolean`, `choice`, `list` or `json`.
    pub kind: String,
    /// What it may be, when it is a choice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
    /// What it holds.
    pub description: String,
}

impl From<&Field> for ResultField {
    fn from(field: &Field) -> Self {
        let (kind, choices) = match &field.kind {
            FieldKind::Text => ("text", &[][..]),
            FieldKind::Date => ("date", &[][..]),
            FieldKind::Number => ("number", &[][..]),
            FieldKind::Integer => ("integer", &[][..]),
            FieldKind::Boolean => ("boolean", &[][..]),
            FieldKind::Choice(choices) => ("choice", choices.as_slice()),
            FieldKind::List(_) => ("list", &[][..]),
            FieldKind::Json => ("json", &[][..]),
        };
        Self {
            path: field.path.clone(),
            pointer: field.pointer.clone(),
            kind: kind.to_owned(),
            choices: choices.to_vec(),
            description: field.description.clone(),
        }
    }
}

/// A template of a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TemplateView {
    /// Its name.
    pub name: String,
    /// One line about it.
    pub description: String,
    /// Whether it comes with docmill.
    pub built_in: bool,
    /// The fields it asks for.
    pub fields: Vec<FieldView>,
}

impl TemplateView {
    /// A template.
    #[must_use]
    pub fn of(template: &Template, built_in: bool) -> Self {
        let properties = template.schema.get("properties").and_then(|it| it.as_object());
        let fields = properties.into_iter().flatten().map(|(name, schema)| FieldView {
            name: name.clone(),
            description: schema
                .get("description")
                .and_then(|it| it.as_str())
                .unwrap_or_default()
                .to_owned(),
        });
        Self {
            name: template.name.clone(),
            description: template.description.clone(),
            built_in,
            fields: fields.collect(),
        }
    }
}

/// A template with its text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TemplateDetail {
    /// The template.
    #[serde(flatten)]
    pub template: TemplateView,
    /// As it is written: TOML or JSON.
    pub text: String,
    /// The schema with all references written out.
    #[schema(value_type = Object)]
    pub schema: serde_json::Value,
    /// What some provider cannot take.
    pub warnings: Vec<TemplateWarning>,
}

/// Something some provider cannot take.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TemplateWarning {
    /// JSON Pointer inside the schema; empty for the whole.
    pub at: String,
    /// What it is, and what docmill does about it.
    pub message: String,
}

impl From<&template::Warning> for TemplateWarning {
    fn from(warning: &template::Warning) -> Self {
        Self {
            at: warning.at.clone(),
            message: warning.message.clone(),
        }
    }
}

/// What is wrong with a template.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TemplateProblem {
    /// What is wrong, and where; absent: nothing.
    #[schema(required)]
    pub error: Option<String>,
    /// The template as it would be used; absent when it cannot be.
    #[schema(required)]
    pub template: Option<TemplateDetail>,
}

/// Templates.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TemplateList {
    /// Those that come with docmill first.
    pub templates: Vec<TemplateView>,
}
