//! Why a template cannot be used, in sentences that say where and what to do.

use crate::check::ParseError;

/// Why a template cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// The text is not TOML or JSON.
    #[error("not valid {format}: {message}")]
    Syntax {
        /// "TOML" or "JSON".
        format: &'static str,
        /// What the reader of that format says, with line and column.
        message: String,
    },
    /// A key that means nothing.
    #[error("unknown key {key:?}{place}; {advice}")]
    UnknownKey {
        /// The key.
        key: String,
        /// Where, with a leading blank; empty at the top.
        place: String,
        /// Which keys there are, or which was probably meant.
        advice: String,
    },
    /// A key has the wrong kind of value.
    #[error("{key} must be {expected}, not {found}")]
    WrongType {
        /// The key.
        key: String,
        /// What it must be.
        expected: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// A key is needed.
    #[error("{key} is missing; {advice}")]
    Missing {
        /// The key.
        key: String,
        /// What to write.
        advice: &'static str,
    },
    /// The name cannot be typed on a command line.
    #[error(
        "{0:?} cannot be a template's name: use lower-case letters, digits and hyphens, \
         beginning with a letter, at most 64 characters"
    )]
    BadName(String),
    /// The result would not be an object.
    #[error(
        "the schema's root must be an object with properties; \
         put what you have under a property: {{\"type\": \"object\", \"properties\": {{\"items\": …}}}}"
    )]
    RootNotObject,
    /// The schema is not a JSON Schema.
    #[error("the schema is not valid at {place}: {message}")]
    Schema {
        /// JSON Pointer inside the schema, or "its root".
        place: String,
        /// What is wrong.
        message: String,
    },
    /// A `$ref` leads nowhere, or in a circle.
    #[error("the schema's {place} refers to {reference:?}, {problem}")]
    Reference {
        /// JSON Pointer of the place.
        place: String,
        /// What it refers to.
        reference: String,
        /// What is wrong with it and what to do.
        problem: &'static str,
    },
    /// The schema is larger than can be sent to any model.
    #[error("the schema is too large: {0}; ask for fewer fields, or split the template in two")]
    TooLarge(&'static str),
    /// A check's rule cannot be read.
    #[error("check {name:?}: {error}")]
    Rule {
        /// The check's name.
        name: String,
        /// What is wrong with its rule.
        #[source]
        error: ParseError,
    },
    /// A check's rule is about a field that the schema does not have.
    #[error("check {name:?}: the schema has no field {field:?}")]
    UnknownField {
        /// The check's name.
        name: String,
        /// The field.
        field: String,
    },
    /// Two checks have one name.
    #[error("two checks are named {0:?}; findings are told apart by these names, so rename one")]
    DuplicateCheck(String),
}
