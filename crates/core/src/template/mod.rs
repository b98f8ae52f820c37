//! A template: what to take out of a document, and how to tell that it is right.
//!
//! A template is one TOML or JSON file, or nothing but a JSON Schema (what
//! Pydantic's `model_json_schema()` gives works as it is). Loading refuses what
//! cannot work and says where; [`Template::check`] warns about what some
//! provider cannot take. After loading, local `$ref`s are written out, so that
//! nobody else has to follow them; only what contains itself keeps its own.

pub mod draft;
mod error;
mod fields;
pub mod formats;
mod load;
mod portable;
mod refs;
mod tokens;
mod validate;
pub(crate) mod view;

use serde::{Deserialize, Serialize};

pub use error::TemplateError;
pub use fields::{Field, FieldKind, fields};
pub use portable::Warning;
pub use tokens::{answer_limit, expected_output_tokens, first_answer_limit};
pub use validate::Validator;

use crate::id::ContentHash;

/// What the model is told when a template has no instructions of its own.
pub const DEFAULT_INSTRUCTIONS: &str =
    "Take out the fields that the schema asks for, exactly as the document states them.";

/// How the model gets to see the document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reading {
    /// Text where there is text, page images where there is none and the model sees.
    #[default]
    Auto,
    /// Text only.
    Text,
    /// Page images only.
    Vision,
    /// Both.
    Both,
}

/// A rule a result must meet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// Short name, shown with the finding.
    pub name: String,
    /// The expression: `subtotal + tax == total`.
    pub rule: String,
    /// What to tell the person when it fails; made from the rule when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// What to take out of a document, and how to tell that it is right.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Template {
    /// Name on the command line: lower-case letters, digits, hyphens.
    pub name: String,
    /// One line for lists.
    #[serde(default)]
    pub description: String,
    /// What the model is told, beside the schema.
    #[serde(default)]
    pub instructions: String,
    /// How the model gets to see the document.
    #[serde(default)]
    pub reading: Reading,
    /// JSON Schema 2020-12 of the result; its root is an object. docmill's own
    /// keywords (`x-docmill-…`) steer the offline extractor and are not sent to models.
    pub schema: serde_json::Value,
    /// Rules beyond the schema.
    #[serde(default)]
    pub checks: Vec<Check>,
}

impl Template {
    /// A hash of everything that decides a result: two templates with the same
    /// hash ask the same and judge the same. Name and description do not count.
    #[must_use]
    pub fn hash(&self) -> ContentHash {
        let decisive = serde_json::json!([self.instructions, self.reading, self.schema, self.checks]);
        ContentHash::of(decisive.to_string().as_bytes())
    }
}
