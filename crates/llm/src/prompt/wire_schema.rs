//! The schema as it is sent: the subset that every provider's strict mode
//! takes. The full schema is checked here, by docmill, after the answer.
//!
//! The subset: the root is an object; every property is required, and those the
//! template does not require may be null instead of being left out;
//! `additionalProperties: false`; references are written out, recursion is
//! refused; no limits on numbers, lengths or counts, no patterns or formats
//! (formats go into the description, where the model reads them).

use docmill_core::template::formats;
use serde_json::{Map, Value, json};

/// Levels of objects and lists a provider still takes (OpenAI: 10).
const MAX_DEPTH: usize = 10;
/// Schema nodes; more is refused by providers, and references written out can
/// grow without end.
const MAX_NODES: usize = 5000;
/// Enum values in total; a longer list is sent as a plain type.
const MAX_CHOICES: usize = 500;
/// Steps inside each other, references and alternatives included: what keeps a
/// hostile schema off the stack.
const MAX_STEPS: usize = 64;

/// Fields Anthropic lets be left out, and unions it takes, in a whole schema.
const MAX_LEFT_OUT: usize = 24;
const MAX_UNIONS: usize = 16;

/// Why a schema has no wire form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SchemaProblem {
    /// The root is not an object with properties.
    #[error("the schema's root must be an object with properties")]
    RootNotAnObject,
    /// An object whose property names are not known beforehand.
    #[error("the object at {0:?} has no fixed properties; name them, or make it a list of key and value")]
    FreeForm(String),
    /// A type that contains itself.
    #[error("the schema at {0:?} contains itself; write out as many levels as you need")]
    Recursive(String),
    /// A reference to nowhere.
    #[error("the reference {0:?} points to nothing inside the schema")]
    UnknownReference(String),
    /// `allOf` of parts that are not all objects.
    #[error("the parts of allOf at {0:?} cannot be joined into one object")]
    AllOf(String),
    /// Too many levels.
    #[error("the schema is nested deeper than {MAX_DEPTH} levels at {0:?}")]
    TooDeep(String),
    /// Too many nodes.
    #[error("the schema has more than {MAX_NODES} parts")]
    TooLarge,
    /// More unions than the provider takes.
    #[error("{0} fields may be of several types or null; the provider takes {MAX_UNIONS}")]
    Unions(usize),
    /// `false`, `not` and the like: no value is allowed.
    #[error("no value is allowed at {0:?}")]
    Impossible(String),
}

/// The wire form of a schema.
///
/// # Errors
/// When it has none; the template can still be used with providers that are
/// only asked for a JSON object.
pub fn wire_schema(schema: &Value) -> Result<Value, SchemaProblem> {
    flatten(schema, Style::default())
}

/// The wire form for providers that count unions and let fields be left out
/// (Anthropic: at most [`MAX_LEFT_OUT`] and [`MAX_UNIONS`]): a field the
/// template does not require is left out rather than null, as far as that goes.
///
/// # Errors
/// When it has none, or more unions than are taken.
pub fn schema_with_optional_left_out(schema: &Value) -> Result<Value, SchemaProblem> {
    let wire = flatten(
        schema,
        Style {
            leave_out: true,
            ..Style::default()
        },
    )?;
    let unions = unions(&wire);
    if unions > MAX_UNIONS {
        return Err(SchemaProblem::Unions(unions));
    }
    Ok(wire)
}

/// Nodes that may be of several types.
fn unions(wire: &Value) -> usize {
    match wire {
        Value::Object(map) => {
            let here = map.contains_key("anyOf") || map.get("type").is_some_and(Value::is_array);
            usize::from(here) + map.values().map(unions).sum::<usize>()
        }
        Value::Array(items) => items.iter().map(unions).sum(),
        _ => 0,
    }
}

/// The same shape with its limits kept: for answers that are made up here and
/// must pass the full schema.
pub(crate) fn flat_schema_with_limits(schema: &Value) -> Result<Value, SchemaProblem> {
    flatten(
        schema,
        Style {
            keep_limits: true,
            ..Style::default()
        },
    )
}

/// How a schema is written.
#[derive(Debug, Clone, Copy, Default)]
struct Style {
    /// Limits, patterns and formats stay.
    keep_limits: bool,
    /// What is not required is left out instead of being null.
    leave_out: bool,
}

fn flatten(schema: &Value, style: Style) -> Result<Value, SchemaProblem> {
    let mut writer = Writer {
        root: schema,
        style,
        left_out: 0,
        open_references: Vec::new(),
        steps: 0,
        nodes: 0,
        choices: 0,
    };
    let wire = writer.schema(schema, "", 0)?;
    let is_object = wire.get("type").and_then(Value::as_str) == Some("object");
    if is_object {
        Ok(wire)
    } else {
        Err(SchemaProblem::RootNotAnObject)
    }
}

struct Writer<'a> {
    root: &'a Value,
    style: Style,
    /// Fields that may be left out so far.
    left_out: usize,
    open_references: Vec<&'a str>,
    steps: usize,
    nodes: usize,
    choices: usize,
}

impl<'a> Writer<'a> {
    fn schema(&mut self, schema: &'a Value, path: &str, depth: usize) -> Result<Value, SchemaProblem> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(SchemaProblem::TooLarge);
        }
        if depth > MAX_DEPTH || self.steps >= MAX_STEPS {
            return Err(SchemaProblem::TooDeep(path.to_owned()));
        }
        let Some(map) = schema.as_object() else {
            return if schema.as_bool() == Some(false) {
                Err(SchemaProblem::Impossible(path.to_owned()))
            } else {
                Ok(anything())
            };
        };
        self.steps += 1;
        let wire = self.shape(map, path, depth);
        self.steps -= 1;
        let mut wire = wire?;
        describe(&mut wire, map);
        if self.style.keep_limits {
            copy_limits(&mut wire, map);
        }
        Ok(wire)
    }

    fn shape(
        &mut self,
        map: &'a Map<String, Value>,
        path: &str,
        depth: usize,
    ) -> Result<Value, SchemaProblem> {
        if let Some(target) = map.get("$ref").and_then(Value::as_str) {
            return self.reference(target, path, depth);
        }
        if let Some(parts) = list(map, "allOf") {
            return self.all_of(map, parts, path, depth);
        }
        if let Some(branches) = list(map, "anyOf").or_else(|| list(map, "oneOf")) {
            return self.any_of(branches, path, depth);
        }
        if let Some(value) = map.get("const") {
            return Ok(self.choice(std::slice::from_ref(value)));
        }
        if let Some(values) = list(map, "enum") {
            return Ok(self.choice(values));
        }
        self.typed(map, path, depth)
    }

    fn typed(
        &mut self,
        map: &'a Map<String, Value>,
        path: &str,
        depth: usize,
    ) -> Result<Value, SchemaProblem> {
        let mut kinds = kinds(map);
        if kinds.is_empty() {
            kinds = implied_kinds(map);
        }
        let nullable = kinds.contains(&"null");
        kinds.retain(|kind| *kind != "null");
        let wire = match kinds.as_slice() {
            [] if nullable => return Ok(json!({"type": "null"})),
            [] => anything(),
            ["object"] => self.object(&[map], path, depth)?,
            ["array"] => self.array(map, path, depth)?,
            kinds if kinds.contains(&"object") || kinds.contains(&"array") => {
                let branches = kinds
                    .iter()
                    .map(|kind| match *kind {
                        "object" => self.object(&[map], path, depth),
                        "array" => self.array(map, path, depth),
                        scalar => Ok(json!({"type": scalar})),
                    })
                    .collect::<Result<Vec<_>, _>>()?;
                json!({"anyOf": branches})
            }
            [kind] => json!({"type": kind}),
            kinds => json!({"type": kinds}),
        };
        Ok(if nullable { or_null(wire) } else { wire })
    }

    /// One object from one or (for `allOf`) several parts.
    fn object(
        &mut self,
        parts: &[&'a Map<String, Value>],
        path: &str,
        depth: usize,
    ) -> Result<Value, SchemaProblem> {
        let mut properties = Map::new();
        let mut always: Vec<String> = Vec::new();
        let required: Vec<&str> = parts
            .iter()
            .filter_map(|part| list(part, "required"))
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        for part in parts {
            let Some(named) = part.get("properties").and_then(Value::as_object) else {
                continue;
            };
            for (name, schema) in named {
                let inner = format!("{path}/{name}");
                let wire = self.schema(schema, &inner, depth + 1)?;
                // A field the template leaves out is null here; one it requires is null only where
                // the template says so, else the provider could give what is refused afterwards.
                let wire = if required.contains(&name.as_str()) {
                    always.push(name.clone());
                    wire
                } else if self.style.leave_out && self.left_out < MAX_LEFT_OUT {
                    self.left_out += 1;
                    not_null(wire)
                } else {
                    always.push(name.clone());
                    or_null(wire)
                };
                properties.insert(name.clone(), wire);
            }
        }
        if properties.is_empty() {
            return Err(SchemaProblem::FreeForm(path.to_owned()));
        }
        // Several parts of an `allOf` may name the same field; a strict provider refuses it twice.
        let mut named = std::collections::HashSet::new();
        always.retain(|name| named.insert(name.clone()));
        Ok(json!({
            "type": "object",
            "properties": properties,
            "required": always,
            "additionalProperties": false,
        }))
    }

    fn array(
        &mut self,
        map: &'a Map<String, Value>,
        path: &str,
        depth: usize,
    ) -> Result<Value, SchemaProblem> {
        let inner = format!("{path}/0");
        if let (true, Some(places)) = (self.style.keep_limits, list(map, "prefixItems")) {
            let places: Result<Vec<Value>, SchemaProblem> = places
                .iter()
                .map(|place| self.schema(place, &inner, depth + 1))
                .collect();
            return Ok(json!({"type": "array", "prefixItems": places?}));
        }
        let items = match (map.get("items"), list(map, "prefixItems")) {
            (Some(items), _) if items.is_object() => self.schema(items, &inner, depth + 1)?,
            (_, Some(items)) => self.any_of(items, &inner, depth + 1)?,
            _ => anything(),
        };
        Ok(json!({"type": "array", "items": items}))
    }

    fn reference(&mut self, target: &'a str, path: &str, depth: usize) -> Result<Value, SchemaProblem> {
        let resolved = self.resolve(target)?;
        if self.open_references.contains(&target) {
            return Err(SchemaProblem::Recursive(path.to_owned()));
        }
        self.open_references.push(target);
        let wire = self.schema(resolved, path, depth);
        self.open_references.pop();
        wire
    }

    fn resolve(&self, target: &str) -> Result<&'a Value, SchemaProblem> {
        let unknown = || SchemaProblem::UnknownReference(target.to_owned());
        let pointer = target.strip_prefix('#').ok_or_else(unknown)?;
        self.root.pointer(pointer).ok_or_else(unknown)
    }

    /// Pydantic writes `allOf` with one reference to add a description, and
    /// inheritance as several objects.
    fn all_of(
        &mut self,
        map: &'a Map<String, Value>,
        parts: &'a [Value],
        path: &str,
        depth: usize,
    ) -> Result<Value, SchemaProblem> {
        if let [only] = parts
            && !map.contains_key("properties")
        {
            return self.schema(only, path, depth);
        }
        let mut objects = vec![map];
        for part in parts {
            let mut part = part;
            let mut steps = 0;
            while let Some(target) = part.get("$ref").and_then(Value::as_str) {
                steps += 1;
                if steps > MAX_STEPS || self.open_references.contains(&target) {
                    return Err(SchemaProblem::Recursive(path.to_owned()));
                }
                part = self.resolve(target)?;
            }
            match part.as_object() {
                Some(object) if object.contains_key("properties") => objects.push(object),
                _ => return Err(SchemaProblem::AllOf(path.to_owned())),
            }
        }
        self.object(&objects, path, depth)
    }

    fn any_of(&mut self, branches: &'a [Value], path: &str, depth: usize) -> Result<Value, SchemaProblem> {
        let mut wires: Vec<Value> = Vec::new();
        for branch in branches {
            match self.schema(branch, path, depth)? {
                Value::Object(mut flat) if flat.contains_key("anyOf") => {
                    if let Some(Value::Array(inner)) = flat.remove("anyOf") {
                        wires.extend(inner);
                    }
                }
                wire => wires.push(wire),
            }
        }
        let mut distinct: Vec<Value> = Vec::new();
        for wire in wires {
            if !distinct.contains(&wire) {
                distinct.push(wire);
            }
        }
        let null = json!({"type": "null"});
        let nullable = distinct.contains(&null);
        distinct.retain(|wire| *wire != null);
        let wire = match (distinct.pop(), distinct.is_empty()) {
            (None, _) if nullable => return Ok(null),
            (None, _) => return Err(SchemaProblem::Impossible(path.to_owned())),
            (Some(only), true) => only,
            (Some(last), false) => {
                distinct.push(last);
                json!({"anyOf": distinct})
            }
        };
        Ok(if nullable { or_null(wire) } else { wire })
    }

    fn choice(&mut self, values: &[Value]) -> Value {
        let mut kinds: Vec<&str> = Vec::new();
        for value in values {
            let kind = kind_of(value);
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
        let scalar = kinds.iter().all(|kind| !matches!(*kind, "object" | "array"));
        let kind = match kinds.as_slice() {
            [one] => json!(one),
            many => json!(many),
        };
        self.choices += values.len();
        match (scalar && !values.is_empty(), self.choices <= MAX_CHOICES) {
            (true, true) => json!({"type": kind, "enum": values}),
            (true, false) => json!({"type": kind}),
            (false, _) => anything(),
        }
    }
}

/// A field without a type: any single value.
fn anything() -> Value {
    json!({"type": ["string", "number", "boolean", "null"]})
}

/// The same, or null.
fn or_null(wire: Value) -> Value {
    let Value::Object(mut map) = wire else {
        return wire;
    };
    if let Some(Value::Array(branches)) = map.get_mut("anyOf") {
        let null = json!({"type": "null"});
        if !branches.contains(&null) {
            branches.push(null);
        }
        return Value::Object(map);
    }
    if let Some(Value::Array(choices)) = map.get_mut("enum")
        && !choices.contains(&Value::Null)
    {
        choices.push(Value::Null);
    }
    let kinds = match map.get("type") {
        Some(Value::String(kind)) if kind != "null" => json!([kind, "null"]),
        Some(Value::Array(kinds)) if !kinds.contains(&json!("null")) => {
            let mut kinds = kinds.clone();
            kinds.push(json!("null"));
            Value::Array(kinds)
        }
        _ => return Value::Object(map),
    };
    map.insert("type".to_owned(), kinds);
    Value::Object(map)
}

/// The same without null, where anything is left then.
fn not_null(wire: Value) -> Value {
    let Value::Object(mut map) = wire else {
        return wire;
    };
    let null = json!({"type": "null"});
    if let Some(Value::Array(branches)) = map.get_mut("anyOf") {
        branches.retain(|branch| *branch != null);
        if let [only] = branches.as_slice() {
            let mut only = only.clone();
            let description = map.remove("description");
            if let (Some(only), Some(description)) = (only.as_object_mut(), description) {
                only.insert("description".to_owned(), description);
            }
            return only;
        }
        return Value::Object(map);
    }
    if let Some(Value::Array(kinds)) = map.get_mut("type") {
        kinds.retain(|kind| kind != "null");
        if let [only] = kinds.as_slice() {
            let only = only.clone();
            map.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(choices)) = map.get_mut("enum")
        && choices.len() > 1
    {
        choices.retain(|choice| !choice.is_null());
    }
    Value::Object(map)
}

fn list<'a>(map: &'a Map<String, Value>, key: &str) -> Option<&'a [Value]> {
    map.get(key).and_then(Value::as_array).map(Vec::as_slice)
}

const KINDS: [&str; 7] = [
    "string", "number", "integer", "boolean", "object", "array", "null",
];

fn kinds(map: &Map<String, Value>) -> Vec<&'static str> {
    let named = |name: &str| KINDS.iter().copied().find(|kind| *kind == name);
    match map.get("type") {
        Some(Value::String(kind)) => named(kind).into_iter().collect(),
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).filter_map(named).collect(),
        _ => Vec::new(),
    }
}

fn implied_kinds(map: &Map<String, Value>) -> Vec<&'static str> {
    if map.contains_key("properties") || map.contains_key("additionalProperties") {
        vec!["object"]
    } else if map.contains_key("items") || map.contains_key("prefixItems") {
        vec!["array"]
    } else {
        Vec::new()
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

const LIMITS: [&str; 12] = [
    "multipleOf",
    "uniqueItems",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "pattern",
    "format",
];

fn copy_limits(wire: &mut Value, map: &Map<String, Value>) {
    let Some(target) = wire.as_object_mut() else {
        return;
    };
    for key in LIMITS {
        if let Some(limit) = map.get(key) {
            target.insert(key.to_owned(), limit.clone());
        }
    }
}

/// Keeps the description and says in it what the wire form cannot. The
/// description beside a reference wins over the one behind it.
fn describe(wire: &mut Value, map: &Map<String, Value>) {
    let Some(target) = wire.as_object_mut() else {
        return;
    };
    let own = map.get("description").and_then(Value::as_str).map(str::trim);
    let inherited = target.get("description").and_then(Value::as_str);
    let mut text = own
        .filter(|text| !text.is_empty())
        .or(inherited)
        .unwrap_or_default()
        .to_owned();
    if let Some(hint) = format_hint(map)
        && !text.contains(hint)
    {
        text.push_str(if text.is_empty() { "" } else { " " });
        text.push_str(hint);
    }
    if !text.is_empty() {
        target.insert("description".to_owned(), Value::String(text));
    }
}

fn format_hint(map: &Map<String, Value>) -> Option<&'static str> {
    let name = map.get("format").and_then(Value::as_str)?;
    formats::format(name).map(|format| format.hint)
}
