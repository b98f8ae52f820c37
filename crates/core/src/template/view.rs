//! What a schema says about one value, with the ways of writing "or null" taken away.

use serde_json::{Map, Value};

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Object,
    List,
    Text,
    Number,
    Integer,
    Boolean,
    /// One of a fixed set of values.
    Choice,
    Null,
    /// Several of the above, or not said.
    Any,
}

/// What a schema says about one value.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a> {
    /// The schema, or its branch that is not null.
    pub(crate) schema: &'a Value,
    pub(crate) shape: Shape,
    pub(crate) nullable: bool,
}

/// Looks at a schema without references.
pub(crate) fn view(schema: &Value) -> View<'_> {
    let mut nullable = false;
    let mut schema = schema;
    // Nested unions are rare; the bound keeps a hostile schema from costing anything.
    for _ in 0..8 {
        let Some(branches) = union(schema) else { break };
        nullable |= branches.iter().any(is_null);
        let mut rest = branches.iter().filter(|branch| !is_null(branch));
        match (rest.next(), rest.next()) {
            (Some(only), None) => schema = only,
            _ => {
                return View {
                    schema,
                    shape: Shape::Any,
                    nullable,
                };
            }
        }
    }
    let (shape, or_null) = shape_of(schema);
    View {
        schema,
        shape,
        nullable: nullable || or_null,
    }
}

fn union(schema: &Value) -> Option<&Vec<Value>> {
    schema
        .get("anyOf")
        .or_else(|| schema.get("oneOf"))
        .and_then(Value::as_array)
}

fn is_null(schema: &Value) -> bool {
    schema.get("type").and_then(Value::as_str) == Some("null")
        || schema.get("const").is_some_and(Value::is_null)
}

fn shape_of(schema: &Value) -> (Shape, bool) {
    let Some(object) = schema.as_object() else {
        return (Shape::Any, true);
    };
    let (named, mut nullable) = named_type(object);
    if let Some(Value::Array(options)) = object.get("enum") {
        nullable = options.iter().any(Value::is_null) && (nullable || named.is_none());
        return (Shape::Choice, nullable);
    }
    if object.contains_key("const") {
        return (Shape::Choice, nullable);
    }
    match named {
        Some(shape) => (shape, nullable),
        None if object.contains_key("properties") => (Shape::Object, nullable),
        None if object.contains_key("items") => (Shape::List, nullable),
        None => (Shape::Any, true),
    }
}

fn named_type(object: &Map<String, Value>) -> (Option<Shape>, bool) {
    let shape = |name: &str| match name {
        "object" => Shape::Object,
        "array" => Shape::List,
        "string" => Shape::Text,
        "number" => Shape::Number,
        "integer" => Shape::Integer,
        "boolean" => Shape::Boolean,
        "null" => Shape::Null,
        _ => Shape::Any,
    };
    match object.get("type") {
        Some(Value::String(name)) => (Some(shape(name)), name == "null"),
        Some(Value::Array(names)) => {
            let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
            let nullable = names.contains(&"null");
            let mut rest = names.into_iter().filter(|name| *name != "null");
            match (rest.next(), rest.next()) {
                (Some(only), None) => (Some(shape(only)), nullable),
                (None, _) => (Some(Shape::Null), nullable),
                _ => (Some(Shape::Any), nullable),
            }
        }
        _ => (None, false),
    }
}

impl<'a> View<'a> {
    /// The properties of an object, in their order.
    pub(crate) fn properties(&self) -> impl Iterator<Item = (&'a String, &'a Value)> + use<'a> {
        self.schema
            .get("properties")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
    }

    /// The schema of one property.
    pub(crate) fn property(&self, name: &str) -> Option<&'a Value> {
        self.schema
            .get("properties")
            .and_then(Value::as_object)
            .and_then(|all| all.get(name))
    }

    /// The schema of a list's items.
    pub(crate) fn items(&self) -> Option<&'a Value> {
        self.schema.get("items").filter(|items| items.is_object())
    }

    /// Whether an object must have this property.
    pub(crate) fn requires(&self, name: &str) -> bool {
        self.schema
            .get("required")
            .and_then(Value::as_array)
            .is_some_and(|names| names.iter().any(|required| required == name))
    }

    /// A keyword's text.
    pub(crate) fn text(&self, keyword: &str) -> Option<&'a str> {
        self.schema.get(keyword).and_then(Value::as_str)
    }
}
