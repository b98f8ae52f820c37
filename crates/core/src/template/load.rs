//! From text to a template: strict about keys, helpful about what is wrong.

use serde_json::{Map, Value};

use super::{Check, DEFAULT_INSTRUCTIONS, Reading, Template, TemplateError, fields, refs};
use crate::check::Checks;

const KEYS: [&str; 6] = [
    "name",
    "description",
    "instructions",
    "reading",
    "schema",
    "checks",
];
const CHECK_KEYS: [&str; 3] = ["name", "rule", "message"];

impl Template {
    /// A template from TOML. The schema is a table, or JSON in a string.
    ///
    /// # Errors
    /// When the text is no template; the message says where and what to do.
    pub fn from_toml(text: &str) -> Result<Self, TemplateError> {
        let table: toml::Table = toml::from_str(text).map_err(|error| TemplateError::Syntax {
            format: "TOML",
            message: error.to_string().trim_end().to_owned(),
        })?;
        from_object(json_of_table(table), None)
    }

    /// A template from JSON with the same keys as in TOML.
    ///
    /// # Errors
    /// When the text is no template; the message says where and what to do.
    pub fn from_json(text: &str) -> Result<Self, TemplateError> {
        from_object(object_of(text)?, None)
    }

    /// A template from nothing but a JSON Schema, such as Pydantic's
    /// `model_json_schema()`: its `description` describes it, the instructions are
    /// [`DEFAULT_INSTRUCTIONS`].
    ///
    /// # Errors
    /// When the name or the schema cannot be used.
    pub fn from_schema(name: &str, schema: &Value) -> Result<Self, TemplateError> {
        let described = schema
            .get("description")
            .or_else(|| schema.get("title"))
            .and_then(Value::as_str);
        build(Draft {
            name: name.to_owned(),
            description: described.map(first_line).unwrap_or_default(),
            instructions: None,
            reading: Reading::default(),
            schema: schema.clone(),
            checks: Vec::new(),
        })
    }

    /// A template from a file's text: TOML, JSON, or a bare JSON Schema. `stem` is the
    /// file's name without its ending; it names a template that does not name itself.
    ///
    /// # Errors
    /// When the text is no template; the message says where and what to do.
    pub fn from_text(stem: &str, text: &str) -> Result<Self, TemplateError> {
        let name = name_from(stem);
        if !text.trim_start().starts_with('{') {
            let table: toml::Table = toml::from_str(text).map_err(|error| TemplateError::Syntax {
                format: "TOML",
                message: error.to_string().trim_end().to_owned(),
            })?;
            return from_object(json_of_table(table), Some(&name));
        }
        let object = object_of(text)?;
        if !object.contains_key("schema") && is_schema(&object) {
            return Self::from_schema(&name, &Value::Object(object));
        }
        from_object(object, Some(&name))
    }
}

/// A schema says what things are; a template says what to do.
fn is_schema(object: &Map<String, Value>) -> bool {
    [
        "type",
        "properties",
        "$ref",
        "$schema",
        "$defs",
        "anyOf",
        "allOf",
        "oneOf",
    ]
    .iter()
    .any(|keyword| object.contains_key(*keyword))
}

fn object_of(text: &str) -> Result<Map<String, Value>, TemplateError> {
    let value: Value = serde_json::from_str(text).map_err(|error| TemplateError::Syntax {
        format: "JSON",
        message: error.to_string(),
    })?;
    match value {
        Value::Object(object) => Ok(object),
        other => Err(TemplateError::WrongType {
            key: "a template".to_owned(),
            expected: "an object with keys",
            found: kind_of(&other),
        }),
    }
}

/// TOML's values as JSON's; dates become their text.
fn json_of_table(table: toml::Table) -> Map<String, Value> {
    table
        .into_iter()
        .map(|(key, value)| (key, json_of(value)))
        .collect()
}

fn json_of(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::String(text),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(truth) => Value::Bool(truth),
        toml::Value::Datetime(datetime) => Value::String(datetime.to_string()),
        toml::Value::Array(items) => items.into_iter().map(json_of).collect(),
        toml::Value::Table(table) => Value::Object(json_of_table(table)),
    }
}

/// The parts of a template before they are checked.
struct Draft {
    name: String,
    description: String,
    instructions: Option<String>,
    reading: Reading,
    schema: Value,
    checks: Vec<Check>,
}

fn from_object(mut object: Map<String, Value>, name: Option<&str>) -> Result<Template, TemplateError> {
    refuse_unknown(&object, &KEYS, "")?;
    let name = match take_text(&mut object, "name", "name")? {
        Some(name) => name,
        None => name.map(str::to_owned).ok_or(TemplateError::Missing {
            key: "name".to_owned(),
            advice: "write name = \"invoice\" at the top",
        })?,
    };
    let description = take_text(&mut object, "description", "description")?.unwrap_or_default();
    let instructions = take_text(&mut object, "instructions", "instructions")?;
    let reading = take_reading(&mut object)?;
    let checks = take_checks(&mut object)?;
    let schema = take_schema(&mut object)?;
    build(Draft {
        name,
        description,
        instructions,
        reading,
        schema,
        checks,
    })
}

fn take_reading(object: &mut Map<String, Value>) -> Result<Reading, TemplateError> {
    let Some(value) = object.remove("reading") else {
        return Ok(Reading::default());
    };
    let wrong = TemplateError::WrongType {
        key: "reading".to_owned(),
        expected: "\"auto\", \"text\", \"vision\" or \"both\"",
        found: if value.is_string() {
            "another word"
        } else {
            kind_of(&value)
        },
    };
    serde_json::from_value(value).map_err(|_| wrong)
}

fn take_schema(object: &mut Map<String, Value>) -> Result<Value, TemplateError> {
    match object.remove("schema") {
        Some(Value::String(text)) => serde_json::from_str(&text).map_err(|error| TemplateError::Syntax {
            format: "JSON in `schema`",
            message: error.to_string(),
        }),
        Some(schema @ Value::Object(_)) => Ok(schema),
        Some(other) => Err(TemplateError::WrongType {
            key: "schema".to_owned(),
            expected: "a table, or JSON in a string",
            found: kind_of(&other),
        }),
        None => Err(TemplateError::Missing {
            key: "schema".to_owned(),
            advice: "write [schema.properties] with one entry per field, or paste a JSON Schema as a string",
        }),
    }
}

fn take_checks(object: &mut Map<String, Value>) -> Result<Vec<Check>, TemplateError> {
    let listed = match object.remove("checks") {
        None => return Ok(Vec::new()),
        Some(Value::Array(listed)) => listed,
        Some(other) => {
            return Err(TemplateError::WrongType {
                key: "checks".to_owned(),
                expected: "a list: [[checks]] with name and rule",
                found: kind_of(&other),
            });
        }
    };
    listed
        .into_iter()
        .enumerate()
        .map(|(index, check)| check_from(index, check))
        .collect()
}

fn check_from(index: usize, value: Value) -> Result<Check, TemplateError> {
    let place = format!("checks[{index}]");
    let Value::Object(mut object) = value else {
        return Err(TemplateError::WrongType {
            key: place,
            expected: "a table with name and rule",
            found: kind_of(&value),
        });
    };
    refuse_unknown(&object, &CHECK_KEYS, &format!(" in {place}"))?;
    let mut take = |key: &str| take_text(&mut object, key, &format!("{place}.{key}"));
    let missing = |key: &str, advice| TemplateError::Missing {
        key: format!("{place}.{key}"),
        advice,
    };
    Ok(Check {
        name: take("name")?.ok_or_else(|| missing("name", "write name = \"totals\""))?,
        rule: take("rule")?.ok_or_else(|| {
            missing(
                "rule",
                "write the rule, such as rule = \"subtotal + tax == total\"",
            )
        })?,
        message: take("message")?,
    })
}

fn take_text(
    object: &mut Map<String, Value>,
    key: &str,
    shown: &str,
) -> Result<Option<String>, TemplateError> {
    match object.remove(key) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(TemplateError::WrongType {
            key: shown.to_owned(),
            expected: "text in quotes",
            found: kind_of(&other),
        }),
    }
}

fn refuse_unknown(object: &Map<String, Value>, known: &[&str], place: &str) -> Result<(), TemplateError> {
    let Some(key) = object.keys().find(|key| !known.contains(&key.as_str())) else {
        return Ok(());
    };
    let near = known.iter().find(|candidate| is_near(key, candidate));
    Err(TemplateError::UnknownKey {
        key: key.clone(),
        place: place.to_owned(),
        advice: match near {
            Some(near) => format!("did you mean {near}?"),
            None => format!("there are {}", known.join(", ")),
        },
    })
}

/// One letter more, less or other, or a plural: what typing errors look like.
fn is_near(typed: &str, known: &str) -> bool {
    let typed = typed.to_lowercase();
    let same_start = typed
        .chars()
        .zip(known.chars())
        .take_while(|(a, b)| a == b)
        .count();
    let same_end = typed
        .chars()
        .rev()
        .zip(known.chars().rev())
        .take_while(|(a, b)| a == b)
        .count();
    let (short, long) = {
        let (a, b) = (typed.chars().count(), known.chars().count());
        (a.min(b), a.max(b))
    };
    long - short <= 1 && same_start + same_end + 1 >= long
}

fn build(draft: Draft) -> Result<Template, TemplateError> {
    if !is_name(&draft.name) {
        return Err(TemplateError::BadName(draft.name));
    }
    let template = Template {
        name: draft.name,
        description: draft.description,
        instructions: draft
            .instructions
            .unwrap_or_else(|| DEFAULT_INSTRUCTIONS.to_owned()),
        reading: draft.reading,
        schema: checked_schema(&draft.schema)?,
        checks: draft.checks,
    };
    super::Validator::new(&template)?;
    check_the_checks(&template)?;
    Ok(template)
}

/// References written out, an object at the root, and something asked for.
fn checked_schema(schema: &Value) -> Result<Value, TemplateError> {
    let mut schema = refs::inline(schema)?;
    if let Some(object) = schema.as_object_mut()
        && !object.contains_key("type")
        && object.contains_key("properties")
    {
        // Said by the properties already, but every provider wants to read it.
        object.shift_insert(0, "type".to_owned(), Value::String("object".to_owned()));
    }
    let asks = schema
        .get("properties")
        .and_then(Value::as_object)
        .is_some_and(|all| !all.is_empty());
    let is_object = schema.get("type").and_then(Value::as_str) == Some("object");
    if is_object && asks {
        Ok(schema)
    } else {
        Err(TemplateError::RootNotObject)
    }
}

fn check_the_checks(template: &Template) -> Result<(), TemplateError> {
    for (index, check) in template.checks.iter().enumerate() {
        if template
            .checks
            .iter()
            .take(index)
            .any(|other| other.name == check.name)
        {
            return Err(TemplateError::DuplicateCheck(check.name.clone()));
        }
        let compiled = Checks::compile(std::slice::from_ref(check)).map_err(|error| TemplateError::Rule {
            name: check.name.clone(),
            error: error.error,
        })?;
        if let Some(field) = compiled
            .names()
            .find(|name| !fields::has_field(&template.schema, name))
        {
            return Err(TemplateError::UnknownField {
                name: check.name.clone(),
                field: field.join("."),
            });
        }
    }
    Ok(())
}

fn is_name(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

/// "My Invoice.v2" → "my-invoice-v2".
fn name_from(stem: &str) -> String {
    let mut name = String::with_capacity(stem.len());
    for c in stem.chars() {
        if c.is_ascii_alphanumeric() {
            name.push(c.to_ascii_lowercase());
        } else if !name.is_empty() && !name.ends_with('-') {
            name.push('-');
        }
    }
    let name = name.trim_end_matches('-');
    let name: String = name.chars().take(64).collect();
    if name.starts_with(|c: char| c.is_ascii_digit()) {
        format!("t-{name}")
    } else {
        name
    }
}

fn first_line(text: &str) -> String {
    text.lines()
        .map(str::trim)
        .find(|line| !line.is_empty())
        .unwrap_or_default()
        .to_owned()
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a table",
    }
}
