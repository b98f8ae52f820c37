//! Answers that follow a schema, written straight as text: the peer of a
//! benchmark must not cost more than what is measured.

use std::fmt::Write as _;

use serde_json::Value;

use super::random::Random;

/// Deeper than any schema that is sent.
const MAX_DEPTH: u8 = 16;

const WORDS: &[&str] = &[
    "Alder", "Birch", "Cedar", "Delta", "Ember", "Fjord", "Grove", "Harbour", "Iris", "Juniper", "Kestrel",
    "Linden",
];

/// Writes a value that fits the schema.
pub(super) fn write(schema: &Value, random: &mut Random, out: &mut String) {
    value(schema, random, out, 0);
}

fn value(schema: &Value, random: &mut Random, out: &mut String, depth: u8) {
    if depth > MAX_DEPTH {
        out.push_str("null");
        return;
    }
    if let Some(fixed) = schema.get("const") {
        let _ = write!(out, "{fixed}");
        return;
    }
    for choices in ["enum", "anyOf", "oneOf"] {
        let Some(list) = schema.get(choices).and_then(Value::as_array) else {
            continue;
        };
        let chosen = usize::try_from(random.below(list.len() as u64))
            .ok()
            .and_then(|at| list.get(at));
        match chosen {
            Some(fixed) if choices == "enum" => {
                let _ = write!(out, "{fixed}");
            }
            Some(branch) => value(branch, random, out, depth + 1),
            None => out.push_str("null"),
        }
        return;
    }
    match kind(schema, random) {
        "object" => object(schema, random, out, depth),
        "array" => array(schema, random, out, depth),
        "string" => string(random, out),
        "number" => {
            let _ = write!(out, "{}.{:02}", random.below(10_000), random.below(100));
        }
        "integer" => {
            let _ = write!(out, "{}", random.below(1000));
        }
        "boolean" => out.push_str(if random.below(2) == 0 { "true" } else { "false" }),
        _ => out.push_str("null"),
    }
}

/// One of the types; null one time in eight where it is allowed.
fn kind<'a>(schema: &'a Value, random: &mut Random) -> &'a str {
    match schema.get("type") {
        Some(Value::String(one)) => one,
        Some(Value::Array(many)) => {
            let nullable = many.iter().any(|kind| kind == "null");
            if nullable && random.below(8) == 0 {
                return "null";
            }
            many.iter()
                .filter_map(Value::as_str)
                .find(|kind| *kind != "null")
                .unwrap_or("null")
        }
        _ if schema.get("properties").is_some() => "object",
        _ => "string",
    }
}

fn object(schema: &Value, random: &mut Random, out: &mut String, depth: u8) {
    out.push('{');
    let properties = schema.get("properties").and_then(Value::as_object);
    for (index, (name, inner)) in properties.into_iter().flatten().enumerate() {
        if index > 0 {
            out.push(',');
        }
        let _ = write!(out, "{}:", Value::from(name.as_str()));
        value(inner, random, out, depth + 1);
    }
    out.push('}');
}

fn array(schema: &Value, random: &mut Random, out: &mut String, depth: u8) {
    let items = schema.get("items").unwrap_or(&Value::Null);
    out.push('[');
    for index in 0..=random.below(3) {
        if index > 0 {
            out.push(',');
        }
        value(items, random, out, depth + 1);
    }
    out.push(']');
}

fn string(random: &mut Random, out: &mut String) {
    let mut word = || {
        let at = usize::try_from(random.below(WORDS.len() as u64)).unwrap_or(0);
        WORDS.get(at).copied().unwrap_or("Word")
    };
    let _ = write!(out, "\"{} {}", word(), word());
    let _ = write!(out, " {}\"", random.below(1000));
}
