//! Is this answer what the schema asks for? Compiled once per batch.

use std::fmt;

use jsonschema::error::{TypeKind, ValidationErrorKind};
use jsonschema::{PatternOptions, ValidationError};
use serde_json::{Map, Value};

use super::formats::{is_date_time, is_time};
use super::view::{Shape, View, view};
use super::{Template, TemplateError, refs};
use crate::extraction::Finding;

/// Findings reported for one answer: a person or a model needs the first few.
const MAX_FINDINGS: usize = 50;
/// Steps a pattern with look-around may take on one value.
const PATTERN_STEPS: usize = 100_000;

/// Says what about an answer does not fit a template's schema.
pub struct Validator {
    compiled: jsonschema::Validator,
    schema: Value,
}

impl fmt::Debug for Validator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Validator").finish_non_exhaustive()
    }
}

impl Validator {
    /// Compiles a template's schema.
    ///
    /// # Errors
    /// When it is not a JSON Schema.
    pub fn new(template: &Template) -> Result<Self, TemplateError> {
        let schema = refs::inline(&template.schema)?;
        let compiled = jsonschema::options()
            .with_draft(jsonschema::Draft::Draft202012)
            .should_validate_formats(true)
            .should_ignore_unknown_formats(true)
            .with_format("time", is_time)
            .with_format("date-time", is_date_time)
            .with_pattern_options(PatternOptions::fancy_regex().backtrack_limit(PATTERN_STEPS))
            .offline()
            .build(&schema)
            .map_err(|error| {
                let place = error.instance_path().to_string();
                TemplateError::Schema {
                    place: if place.is_empty() {
                        "its root".to_owned()
                    } else {
                        place
                    },
                    message: error.to_string(),
                }
            })?;
        Ok(Self { compiled, schema })
    }

    /// Takes away what stands for "not there" in the form that is sent to models,
    /// where every field is required and may be null: a null is dropped when the
    /// schema itself neither requires the field nor lets it be null.
    #[must_use]
    pub fn normalise(&self, mut answer: Value) -> Value {
        drop_nulls(&mut answer, view(&self.schema), 0);
        answer
    }

    /// What fits of an answer nobody can be asked to mend, and what does not: values of the wrong
    /// kind are taken out, and what is missing is said.
    #[must_use]
    pub fn fitting_part(&self, mut answer: Value) -> (Value, Vec<Finding>) {
        let wrong: Vec<Finding> = self
            .validate(&answer)
            .into_iter()
            .filter(|finding| finding.check != "required" && !finding.field.is_empty())
            .collect();
        for finding in &wrong {
            take_out(&mut answer, &finding.field);
        }
        if !answer.is_object() {
            answer = Value::Object(Map::new());
        }
        let mut findings = wrong;
        for finding in self.validate(&answer) {
            if !findings.contains(&finding) {
                findings.push(finding);
            }
        }
        (answer, findings)
    }

    /// What does not fit; empty: the answer is valid.
    #[must_use]
    pub fn validate(&self, answer: &Value) -> Vec<Finding> {
        // The common case costs no list of errors.
        if self.compiled.is_valid(answer) {
            return Vec::new();
        }
        let mut findings = Vec::new();
        for error in self.compiled.iter_errors(answer) {
            report(&error, "", &mut findings);
            if findings.len() >= MAX_FINDINGS {
                findings.truncate(MAX_FINDINGS);
                break;
            }
        }
        findings
    }
}

/// Takes the value at a JSON Pointer out of its object; in a list it becomes null.
fn take_out(value: &mut Value, pointer: &str) {
    let Some((parent, name)) = pointer.rsplit_once('/') else {
        return;
    };
    match value.pointer_mut(parent) {
        Some(Value::Object(object)) => {
            object.shift_remove(&name.replace("~1", "/").replace("~0", "~"));
        }
        Some(Value::Array(items)) => {
            if let Some(item) = name.parse::<usize>().ok().and_then(|at| items.get_mut(at)) {
                *item = Value::Null;
            }
        }
        _ => {}
    }
}

fn drop_nulls(value: &mut Value, seen: View<'_>, depth: usize) {
    if depth > 64 {
        return;
    }
    match value {
        Value::Object(object) => {
            object.retain(|name, inner| !inner.is_null() || keeps_null(&seen, name));
            for (name, inner) in object {
                if let Some(schema) = seen.property(name) {
                    drop_nulls(inner, view(schema), depth + 1);
                }
            }
        }
        Value::Array(items) => {
            if let Some(schema) = seen.items() {
                let seen = view(schema);
                for item in items {
                    drop_nulls(item, seen, depth + 1);
                }
            }
        }
        _ => {}
    }
}

fn keeps_null(object: &View<'_>, name: &str) -> bool {
    match object.property(name) {
        Some(schema) => {
            let inner = view(schema);
            inner.nullable || inner.shape == Shape::Any || object.requires(name)
        }
        None => true,
    }
}

/// One error as findings: a union that is just "T or null" is reported as what is wrong with T.
fn report(error: &ValidationError<'_>, base: &str, findings: &mut Vec<Finding>) {
    let field = format!("{base}{}", error.instance_path().as_str());
    if let ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } =
        error.kind()
    {
        let mut said: Vec<&Vec<ValidationError<'_>>> =
            context.iter().filter(|branch| !is_not_null(branch)).collect();
        if let (Some(only), true) = (said.pop(), said.is_empty()) {
            for inner in only {
                report(inner, base, findings);
            }
            return;
        }
    }
    findings.push(Finding {
        check: error.kind().keyword().to_owned(),
        field,
        message: message(error),
    });
}

/// Whether a branch of a union only failed because the value is not null.
fn is_not_null(branch: &[ValidationError<'_>]) -> bool {
    matches!(branch, [only] if matches!(
        only.kind(),
        ValidationErrorKind::Type { kind: TypeKind::Single(jsonschema::JsonType::Null) }
    ))
}

fn message(error: &ValidationError<'_>) -> String {
    use ValidationErrorKind as K;
    let found = show(error.instance());
    match error.kind() {
        K::Required { property } => format!("{} is missing", plain(property)),
        K::Type { kind } => format!("{found} is not {}", types(kind)),
        K::Enum { options } => format!("{found} is not one of {}", list(options)),
        K::Constant { expected_value } => format!("{found} is not {}", show(expected_value)),
        K::AdditionalProperties { unexpected } | K::UnevaluatedProperties { unexpected } => {
            format!("the schema has no field {}", unexpected.join(", "))
        }
        K::Pattern { pattern } => format!("{found} does not have the form {pattern}"),
        K::Format { format } => format!("{found} is not a valid {format}"),
        K::Minimum { limit } => format!("{found} is less than {limit}"),
        K::Maximum { limit } => format!("{found} is more than {limit}"),
        K::ExclusiveMinimum { limit } => format!("{found} is not more than {limit}"),
        K::ExclusiveMaximum { limit } => format!("{found} is not less than {limit}"),
        K::MinLength { limit } => format!("{found} is shorter than {limit} characters"),
        K::MaxLength { limit } => format!("{found} is longer than {limit} characters"),
        K::MinItems { limit } => format!("the list has fewer than {limit} items"),
        K::MaxItems { limit } => format!("the list has more than {limit} items"),
        K::UniqueItems => "the list has the same item twice".to_owned(),
        K::MultipleOf { multiple_of } => format!("{found} is not a multiple of {multiple_of}"),
        K::AnyOf { .. } | K::OneOfNotValid { .. } => format!("{found} has none of the allowed forms"),
        K::OneOfMultipleValid { .. } => {
            format!("{found} has more than one of the forms that exclude each other")
        }
        K::FalseSchema => "nothing is allowed here".to_owned(),
        _ => clip(&error.to_string()),
    }
}

fn types(kind: &TypeKind) -> String {
    let name = |kind: jsonschema::JsonType| match kind {
        jsonschema::JsonType::Array => "a list",
        jsonschema::JsonType::Boolean => "true or false",
        jsonschema::JsonType::Integer => "a whole number",
        jsonschema::JsonType::Null => "null",
        jsonschema::JsonType::Number => "a number",
        jsonschema::JsonType::Object => "an object",
        jsonschema::JsonType::String => "text",
    };
    match kind {
        TypeKind::Single(single) => name(*single).to_owned(),
        TypeKind::Multiple(several) => {
            let names: Vec<&str> = several.iter().map(name).collect();
            names.join(" or ")
        }
    }
}

fn list(options: &Value) -> String {
    let Value::Array(options) = options else {
        return show(options);
    };
    let mut shown: Vec<String> = options.iter().take(12).map(show).collect();
    if options.len() > shown.len() {
        shown.push("…".to_owned());
    }
    shown.join(", ")
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A value in a sentence: never longer than a line.
fn show(value: &Value) -> String {
    match value {
        Value::Object(object) => describe(object),
        Value::Array(items) => format!("a list of {}", items.len()),
        other => clip(&other.to_string()),
    }
}

fn describe(object: &Map<String, Value>) -> String {
    if object.is_empty() {
        "an empty object".to_owned()
    } else {
        "an object".to_owned()
    }
}

fn clip(text: &str) -> String {
    const LINE: usize = 120;
    if text.chars().count() <= LINE {
        return text.to_owned();
    }
    let mut clipped: String = text.chars().take(LINE).collect();
    clipped.push('…');
    clipped
}
