//! Writing out local `$ref`s, so that a schema refers to nothing.
//!
//! Walks the schema by its keywords rather than blindly, so that a *property*
//! called `$ref`, or an example that contains one, is left alone. Where a schema
//! contains itself the reference stays, and so does the definition it points to:
//! no provider's strict mode takes that, but a model can be asked for it in
//! words, and the answer is validated all the same. Nodes and depth are bounded, because a few lines of nested
//! definitions can stand for billions of fields.

use serde_json::{Map, Value};

use super::TemplateError;

/// No provider takes more than a fraction of this.
const MAX_NODES: usize = 20_000;
const MAX_DEPTH: usize = 48;

/// The schema with every local reference written out, and `$defs` gone.
pub(super) fn inline(root: &Value) -> Result<Value, TemplateError> {
    let mut walk = Walk {
        root,
        open: Vec::new(),
        nodes: 0,
        circles: Vec::new(),
    };
    let mut schema = walk.schema(root, "")?;
    if let Some(object) = schema.as_object_mut() {
        object.shift_remove("$defs");
        object.shift_remove("definitions");
        walk.define_circles(object)?;
    }
    Ok(schema)
}

struct Walk<'a> {
    root: &'a Value,
    /// References being written out: meeting one again is a circle.
    open: Vec<&'a str>,
    nodes: usize,
    /// References that stay, because what they point to contains itself.
    circles: Vec<&'a str>,
}

enum Holds {
    Schema,
    Schemas,
    NamedSchemas,
    Other,
}

/// What stands under a keyword of JSON Schema.
fn holds(keyword: &str) -> Holds {
    match keyword {
        "items"
        | "additionalProperties"
        | "additionalItems"
        | "not"
        | "if"
        | "then"
        | "else"
        | "contains"
        | "propertyNames"
        | "unevaluatedProperties"
        | "unevaluatedItems" => Holds::Schema,
        "allOf" | "anyOf" | "oneOf" | "prefixItems" => Holds::Schemas,
        "properties" | "patternProperties" | "dependentSchemas" => Holds::NamedSchemas,
        _ => Holds::Other,
    }
}

impl<'a> Walk<'a> {
    fn schema(&mut self, schema: &'a Value, place: &str) -> Result<Value, TemplateError> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(TemplateError::TooLarge(
                "written out it has more than 20,000 parts",
            ));
        }
        if place.bytes().filter(|byte| *byte == b'/').count() + self.open.len() > 2 * MAX_DEPTH {
            return Err(TemplateError::TooLarge("it is nested more than 48 deep"));
        }
        let Some(object) = schema.as_object() else {
            return Ok(schema.clone());
        };
        let mut written = self.keywords(object, place)?;
        let Some(reference) = object.get("$ref") else {
            return Ok(collapse_single_all_of(written));
        };
        let target = self.follow(reference, place)?;
        let Value::Object(mut target) = target else {
            return Ok(target);
        };
        // What stands beside a `$ref` adds to it; a title or default given here wins.
        if let Some(beside) = written.as_object_mut() {
            target.extend(std::mem::take(beside));
        }
        Ok(Value::Object(target))
    }

    fn follow(&mut self, reference: &'a Value, place: &str) -> Result<Value, TemplateError> {
        let refuse = |reference: &str, problem| TemplateError::Reference {
            place: if place.is_empty() {
                "root".to_owned()
            } else {
                place.to_owned()
            },
            reference: reference.to_owned(),
            problem,
        };
        let Some(name) = reference.as_str() else {
            return Err(refuse(&reference.to_string(), "which is not text"));
        };
        let Some(pointer) = name.strip_prefix('#') else {
            return Err(refuse(
                name,
                "outside the file; copy that definition into this schema's $defs",
            ));
        };
        if pointer.is_empty() {
            return Err(refuse(
                name,
                "to the whole schema; put what repeats into $defs and refer to it there",
            ));
        }
        if self.open.contains(&name) {
            let kept = pointer
                .strip_prefix("/$defs/")
                .or(pointer.strip_prefix("/definitions/"));
            if kept.is_none_or(|name| name.contains('/')) {
                return Err(refuse(
                    name,
                    "which contains this place again; put it into $defs and refer to it there",
                ));
            }
            if !self.circles.contains(&name) {
                self.circles.push(name);
            }
            return Ok(serde_json::json!({ "$ref": name }));
        }
        let Some(target) = self.root.pointer(pointer) else {
            return Err(refuse(
                name,
                "which does not exist; look for a typing error or a missing entry in $defs",
            ));
        };
        self.open.push(name);
        let written = self.schema(target, place);
        self.open.pop();
        written
    }

    /// Puts the definitions that refer to themselves back, under the names the references give.
    fn define_circles(&mut self, root: &mut Map<String, Value>) -> Result<(), TemplateError> {
        let mut done = 0;
        // Writing one out may meet another.
        while let Some(name) = self.circles.get(done).copied() {
            done += 1;
            let mut parts = name.trim_start_matches("#/").splitn(2, '/');
            let (Some(holder), Some(key)) = (parts.next(), parts.next()) else {
                continue;
            };
            let target = name
                .strip_prefix('#')
                .and_then(|pointer| self.root.pointer(pointer));
            let Some(target) = target else { continue };
            self.open.push(name);
            let written = self.schema(target, "");
            self.open.pop();
            let definitions = root.entry(holder).or_insert_with(|| Value::Object(Map::new()));
            if let Some(definitions) = definitions.as_object_mut() {
                definitions.insert(key.replace("~1", "/").replace("~0", "~"), written?);
            }
        }
        Ok(())
    }

    fn keywords(&mut self, object: &'a Map<String, Value>, place: &str) -> Result<Value, TemplateError> {
        let mut written = Map::with_capacity(object.len());
        for (keyword, value) in object {
            if matches!(keyword.as_str(), "$ref" | "$defs" | "definitions") {
                continue;
            }
            let here = format!("{place}/{keyword}");
            let value = match (holds(keyword), value) {
                (Holds::Schema, value) => self.schema(value, &here)?,
                (Holds::Schemas, Value::Array(branches)) => {
                    let branches: Result<Vec<_>, _> = branches
                        .iter()
                        .enumerate()
                        .map(|(index, branch)| self.schema(branch, &format!("{here}/{index}")))
                        .collect();
                    Value::Array(branches?)
                }
                (Holds::NamedSchemas, Value::Object(named)) => {
                    let mut all = Map::with_capacity(named.len());
                    for (name, schema) in named {
                        all.insert(
                            name.clone(),
                            self.schema(schema, &format!("{here}/{}", escape(name)))?,
                        );
                    }
                    Value::Object(all)
                }
                (_, other) => other.clone(),
            };
            written.insert(keyword.clone(), value);
        }
        Ok(Value::Object(written))
    }
}

/// `{"allOf": [X], …}` is X with something beside it; older Pydantic writes every
/// reference with a default like that, and no provider takes `allOf`.
fn collapse_single_all_of(mut schema: Value) -> Value {
    let Some(object) = schema.as_object_mut() else {
        return schema;
    };
    let Some(Value::Array(branches)) = object.get_mut("allOf") else {
        return schema;
    };
    if branches.len() != 1 {
        return schema;
    }
    let Some(Value::Object(mut only)) = branches.pop() else {
        return schema;
    };
    object.shift_remove("allOf");
    only.extend(std::mem::take(object));
    Value::Object(only)
}

/// A name as a token of a JSON Pointer (RFC 6901).
pub(crate) fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
