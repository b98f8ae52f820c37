//! The fields of a schema as a flat list: the columns of an export, and what an
//! estimate counts.

use serde_json::Value;

use super::refs::{self, escape};
use super::view::{Shape, View, view};

/// Deeper objects become one column of JSON.
const MAX_DEPTH: usize = 8;

/// What a field holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FieldKind {
    /// Text.
    Text,
    /// Text of the form 2024-03-05, perhaps with a time.
    Date,
    /// A number.
    Number,
    /// A whole number.
    Integer,
    /// True or false.
    Boolean,
    /// One of these.
    Choice(Vec<String>),
    /// A list. Its items' fields, relative to the item: one with an empty path for
    /// a list of plain values.
    List(Vec<Field>),
    /// Anything else, as JSON.
    Json,
}

/// A leaf of a schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// Names from the root, joined by dots: `seller.name`. What a column is called.
    pub path: String,
    /// The same as a JSON Pointer: `/seller/name`.
    pub pointer: String,
    /// What it holds.
    pub kind: FieldKind,
    /// Whether it may be null or absent.
    pub optional: bool,
    /// The schema's words about it.
    pub description: String,
}

/// All fields of a schema, in its order; objects are taken apart, lists are not.
#[must_use]
pub fn fields(schema: &Value) -> Vec<Field> {
    // A schema that was loaded refers to nothing; one from elsewhere may.
    let inlined = refs::inline(schema);
    let mut found = Vec::new();
    collect(
        view(inlined.as_ref().unwrap_or(schema)),
        &Place::default(),
        0,
        &mut found,
    );
    found
}

#[derive(Debug, Clone, Default)]
struct Place {
    path: String,
    pointer: String,
    optional: bool,
}

impl Place {
    fn of(&self, name: &str, optional: bool) -> Self {
        let path = if self.path.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.path)
        };
        Self {
            path,
            pointer: format!("{}/{}", self.pointer, escape(name)),
            optional: self.optional || optional,
        }
    }
}

fn collect(seen: View<'_>, place: &Place, depth: usize, found: &mut Vec<Field>) {
    let has_properties = seen.properties().next().is_some();
    if seen.shape == Shape::Object && has_properties && depth < MAX_DEPTH {
        for (name, schema) in seen.properties() {
            let inner = view(schema);
            let optional = inner.nullable || !seen.requires(name);
            collect(inner, &place.of(name, optional), depth + 1, found);
        }
        return;
    }
    found.push(Field {
        path: place.path.clone(),
        pointer: place.pointer.clone(),
        kind: kind(seen, depth),
        optional: place.optional,
        description: seen
            .text("description")
            .or_else(|| seen.text("title"))
            .unwrap_or_default()
            .to_owned(),
    });
}

fn kind(seen: View<'_>, depth: usize) -> FieldKind {
    match seen.shape {
        Shape::Text if matches!(seen.text("format"), Some("date" | "date-time")) => FieldKind::Date,
        Shape::Text => FieldKind::Text,
        Shape::Number => FieldKind::Number,
        Shape::Integer => FieldKind::Integer,
        Shape::Boolean => FieldKind::Boolean,
        Shape::Choice => FieldKind::Choice(choices(seen.schema)),
        Shape::List => match seen.items() {
            Some(items) if depth < MAX_DEPTH => {
                let mut inner = Vec::new();
                collect(view(items), &Place::default(), depth + 1, &mut inner);
                FieldKind::List(inner)
            }
            _ => FieldKind::Json,
        },
        Shape::Object | Shape::Null | Shape::Any => FieldKind::Json,
    }
}

fn choices(schema: &Value) -> Vec<String> {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Null => None,
        other => Some(other.to_string()),
    };
    match (schema.get("enum"), schema.get("const")) {
        (Some(Value::Array(options)), _) => options.iter().filter_map(text).collect(),
        (_, Some(only)) => text(only).into_iter().collect(),
        _ => Vec::new(),
    }
}

/// Whether a schema can have a field of these names, going through lists.
pub(super) fn has_field(schema: &Value, names: &[String]) -> bool {
    let mut seen = view(schema);
    for name in names {
        while seen.shape == Shape::List {
            match seen.items() {
                Some(items) => seen = view(items),
                None => return true,
            }
        }
        match seen.property(name) {
            Some(next) => seen = view(next),
            // An object without listed properties, or something not said: cannot be told.
            None => return seen.schema.get("properties").is_none(),
        }
    }
    true
}
