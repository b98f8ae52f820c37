//! The fields as a list a model reads well and that costs a third of the
//! tokens of the schema.

use std::fmt::Write as _;

use serde_json::Value;

use super::wire_schema::wire_schema;

/// The fields of a schema, one a line, nested by indentation. A schema that
/// has no wire form (free-form maps, recursion) is given as it is, without
/// docmill's own keywords.
pub(super) fn outline(schema: &Value) -> String {
    let Ok(wire) = wire_schema(schema) else {
        return format!("as this JSON Schema says: {}\n", without_own_keywords(schema));
    };
    let mut out = String::new();
    fields(&wire, 0, &mut out);
    out
}

fn fields(object: &Value, depth: usize, out: &mut String) {
    let Some(properties) = object.get("properties").and_then(Value::as_object) else {
        return;
    };
    for (name, schema) in properties {
        let _ = write!(
            out,
            "{:indent$}- {name} ({})",
            "",
            kind(schema),
            indent = depth * 2
        );
        if let Some(description) = schema.get("description").and_then(Value::as_str) {
            let _ = write!(
                out,
                ": {}",
                description.split_whitespace().collect::<Vec<_>>().join(" ")
            );
        }
        let inner = nested_object(schema);
        if inner.is_some() {
            out.push_str(if is(schema, "array") {
                ", each with:"
            } else {
                ", with:"
            });
        }
        out.push('\n');
        if let Some(inner) = inner {
            fields(inner, depth + 1, out);
        }
    }
}

/// The object behind a field: itself, or the entries of the list.
fn nested_object(schema: &Value) -> Option<&Value> {
    if schema.get("properties").is_some() {
        return Some(schema);
    }
    schema.get("items").and_then(nested_object)
}

fn is(schema: &Value, name: &str) -> bool {
    types(schema).any(|kind| kind == name)
}

fn types(schema: &Value) -> impl Iterator<Item = &str> {
    let kind = schema.get("type");
    let one = kind.and_then(Value::as_str).into_iter();
    let many = kind.and_then(Value::as_array).into_iter().flatten();
    one.chain(many.filter_map(Value::as_str))
        .filter(|kind| *kind != "null")
}

fn kind(schema: &Value) -> String {
    if let Some(choices) = schema.get("enum").and_then(Value::as_array) {
        let choices: Vec<String> = choices
            .iter()
            .filter(|c| !c.is_null())
            .map(Value::to_string)
            .collect();
        return format!("one of {}", choices.join(", "));
    }
    if let Some(branches) = schema.get("anyOf").and_then(Value::as_array) {
        let branches: Vec<String> = branches
            .iter()
            .map(kind)
            .filter(|kind| !kind.is_empty())
            .collect();
        return branches.join(" or ");
    }
    if is(schema, "array") {
        let of = schema.get("items").map(kind).unwrap_or_default();
        return match of.as_str() {
            "object" => "list of objects".to_owned(),
            "text" => "list of texts".to_owned(),
            of => format!("list of {of}"),
        };
    }
    types(schema).map(word).collect::<Vec<_>>().join(" or ")
}

fn word(kind: &str) -> &str {
    match kind {
        "string" => "text",
        "integer" => "whole number",
        "boolean" => "true or false",
        other => other,
    }
}

fn without_own_keywords(schema: &Value) -> Value {
    match schema {
        Value::Object(map) => Value::Object(
            map.iter()
                .filter(|(key, _)| !key.starts_with("x-docmill"))
                .map(|(key, value)| (key.clone(), without_own_keywords(value)))
                .collect(),
        ),
        Value::Array(items) => Value::Array(items.iter().map(without_own_keywords).collect()),
        other => other.clone(),
    }
}
