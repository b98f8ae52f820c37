//! What of a template some provider cannot take: warnings, not refusals, because
//! docmill sends a simpler form and validates the whole schema itself.

use serde_json::Value;

use super::view::{Shape, view};
use super::{Template, fields};

/// Something to know about a template that works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// JSON Pointer inside the schema; empty for the whole.
    pub at: String,
    /// What it is, and what docmill does about it.
    pub message: String,
}

/// Providers' strict modes allow five levels in common.
const COMMON_DEPTH: usize = 5;
/// Options that the smaller grammars still take.
const MANY_OPTIONS: usize = 250;
/// Fields of which answers get slow and less complete.
const MANY_FIELDS: usize = 100;

impl Template {
    /// What some provider cannot enforce, and what is likely not meant.
    #[must_use]
    pub fn check(&self) -> Vec<Warning> {
        let mut warnings = Vec::new();
        look(&self.schema, "", 0, &mut warnings);
        let count = fields(&self.schema).len();
        if count > MANY_FIELDS {
            warnings.push(Warning {
                at: String::new(),
                message: format!(
                    "{count} fields are many for one answer; two templates of half the size are more accurate"
                ),
            });
        }
        warnings
    }
}

fn look(schema: &Value, at: &str, depth: usize, warnings: &mut Vec<Warning>) {
    let mut warn = |message: String| {
        warnings.push(Warning {
            at: at.to_owned(),
            message,
        })
    };
    for keyword in [
        "allOf",
        "not",
        "if",
        "dependentRequired",
        "dependentSchemas",
        "patternProperties",
    ] {
        if schema.get(keyword).is_some() {
            warn(format!(
                "{keyword:?} cannot be sent to any provider; docmill checks it when the answer is in"
            ));
        }
    }
    if schema.get("$ref").is_some() {
        warn(
            "this contains itself, which no provider's strict mode takes; only a JSON object is asked for, with the \
             schema in the prompt, and docmill checks it when the answer is in"
                .to_owned(),
        );
    }
    let seen = view(schema);
    if let Some(Value::Array(options)) = seen.schema.get("enum")
        && options.len() > MANY_OPTIONS
    {
        warn(format!(
            "{} options are more than some providers take; consider plain text and a check",
            options.len()
        ));
    }
    match seen.shape {
        Shape::Any => {
            warn("it does not say one type, so a model may answer with any; give it a \"type\"".to_owned())
        }
        Shape::Object if seen.properties().next().is_none() => {
            warn("an object without properties is empty in strict answers; list its properties".to_owned());
        }
        Shape::List if seen.items().is_none() => {
            warn("a list without \"items\" cannot be asked for strictly; say what it holds".to_owned());
        }
        _ => {}
    }
    if depth == COMMON_DEPTH {
        warn(format!(
            "nested more than {COMMON_DEPTH} deep, which some providers refuse"
        ));
        return;
    }
    for (name, inner) in seen.properties() {
        look(
            inner,
            &format!("{at}/properties/{}", super::refs::escape(name)),
            depth + 1,
            warnings,
        );
    }
    if let Some(items) = seen.items() {
        look(items, &format!("{at}/items"), depth + 1, warnings);
    }
}
