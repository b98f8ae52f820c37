//! What a JSON Schema says about the shape of a value, as far as tables need it.
//!
//! Schemas come from people and generators: local `$ref`s, `anyOf` with `null`
//! (Pydantic's optional fields), `allOf` around a reference. What cannot be told is
//! [`Shape::Scalar`] with JSON text: the data is all there, only not in columns.

use serde_json::Value;

use super::layout::ColumnType;

/// Objects deeper than this become JSON text.
const MAX_DEPTH: usize = 16;

/// Schemas visited at most: references can multiply (two fields of a type with two
/// fields of a type …), and what comes after becomes JSON text.
const MAX_VISITS: usize = 20_000;

/// The shape of a value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Shape {
    /// Fields in schema order.
    Object(Vec<(String, Shape)>),
    /// A list of one shape.
    List(Box<Shape>),
    /// One cell.
    Scalar(ColumnType),
}

/// The shape a schema describes.
pub(super) fn shape(schema: &Value) -> Shape {
    Reader {
        root: schema,
        open: vec![""],
        visits: 0,
    }
    .read(schema, 0)
}

struct Reader<'a> {
    root: &'a Value,
    /// References being followed: one that comes again has no end.
    open: Vec<&'a str>,
    visits: usize,
}

impl<'a> Reader<'a> {
    fn read(&mut self, schema: &'a Value, depth: usize) -> Shape {
        let unknown = Shape::Scalar(ColumnType::Json);
        self.visits += 1;
        if depth > MAX_DEPTH || self.visits > MAX_VISITS {
            return unknown;
        }
        if let Some((pointer, target)) = self.reference(schema) {
            if self.open.contains(&pointer) {
                return unknown;
            }
            self.open.push(pointer);
            let shape = self.read(target, depth);
            self.open.pop();
            return shape;
        }
        if let Some(shape) = self.any_of(schema, depth) {
            return shape;
        }
        match type_of(schema) {
            Some("object") => {
                let mut fields = Vec::new();
                self.fields(schema, depth, &mut fields);
                if fields.is_empty() {
                    unknown
                } else {
                    Shape::Object(fields)
                }
            }
            Some("array") => match schema.get("items") {
                Some(items) => Shape::List(Box::new(self.read(items, depth + 1))),
                None => unknown,
            },
            Some("string") => match schema.get("format").and_then(Value::as_str) {
                Some("date") => Shape::Scalar(ColumnType::Date),
                _ => Shape::Scalar(ColumnType::Text),
            },
            Some("integer") => Shape::Scalar(ColumnType::Integer),
            Some("number") => Shape::Scalar(ColumnType::Number),
            Some("boolean") => Shape::Scalar(ColumnType::Boolean),
            _ => self.only_part(schema, depth).unwrap_or(unknown),
        }
    }

    fn reference(&self, schema: &'a Value) -> Option<(&'a str, &'a Value)> {
        let pointer = schema.get("$ref")?.as_str()?.strip_prefix('#')?;
        Some((pointer, self.root.pointer(pointer)?))
    }

    /// The one alternative that is not `null`, or what all of them have in common.
    fn any_of(&mut self, schema: &'a Value, depth: usize) -> Option<Shape> {
        let alternatives = schema.get("anyOf").or_else(|| schema.get("oneOf"))?.as_array()?;
        let mut shapes: Vec<Shape> = Vec::new();
        for alternative in alternatives {
            if type_of(alternative) == Some("null") {
                continue;
            }
            let shape = self.read(alternative, depth + 1);
            if !shapes.contains(&shape) {
                shapes.push(shape);
            }
        }
        // An `anyOf` beside `properties` only narrows them.
        if schema.get("properties").is_some() {
            return None;
        }
        let joined = shapes
            .iter()
            .try_fold(None, |joined: Option<ColumnType>, shape| match shape {
                Shape::Scalar(kind) => Some(Some(joined.map_or(*kind, |joined| joined.or(*kind)))),
                _ => None,
            });
        match (shapes.len(), joined) {
            (1, _) => shapes.pop(),
            (0, _) => None,
            (_, Some(Some(kind))) => Some(Shape::Scalar(kind)),
            _ => Some(Shape::Scalar(ColumnType::Json)),
        }
    }

    /// The fields of an object, those of its `allOf` parts among them.
    fn fields(&mut self, schema: &'a Value, depth: usize, fields: &mut Vec<(String, Shape)>) {
        if depth > MAX_DEPTH {
            return;
        }
        for (name, field) in schema
            .get("properties")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            if !fields.iter().any(|(known, _)| known == name) {
                fields.push((name.clone(), self.read(field, depth + 1)));
            }
        }
        for part in schema
            .get("allOf")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            let part = self.reference(part).map_or(part, |(_, target)| target);
            self.fields(part, depth + 1, fields);
        }
    }

    /// `{"allOf": [{"$ref": …}]}`, as some generators write a reference with a description.
    fn only_part(&mut self, schema: &'a Value, depth: usize) -> Option<Shape> {
        match schema.get("allOf")?.as_array()?.as_slice() {
            [part] => Some(self.read(part, depth + 1)),
            _ => None,
        }
    }
}

/// The one type a schema names besides `null`, or that its values or keywords imply.
fn type_of(schema: &Value) -> Option<&str> {
    match schema.get("type") {
        Some(Value::String(name)) => Some(name),
        Some(Value::Array(names)) => {
            let mut names = names
                .iter()
                .filter_map(Value::as_str)
                .filter(|name| *name != "null");
            match (names.next(), names.next()) {
                (Some(first), None) => Some(first),
                (Some("integer"), Some("number")) | (Some("number"), Some("integer")) => Some("number"),
                (None, _) => Some("null"),
                _ => None,
            }
        }
        _ if schema.get("properties").is_some() => Some("object"),
        _ if schema.get("items").is_some() => Some("array"),
        _ => {
            let values = schema.get("enum").and_then(Value::as_array);
            let mut types = values
                .into_iter()
                .flatten()
                .chain(schema.get("const"))
                .map(type_of_value);
            let first = types.find(|name| *name != "null")?;
            types.all(|name| name == first || name == "null").then_some(first)
        }
    }
}

fn type_of_value(value: &Value) -> &'static str {
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn pydantic_schemas_are_understood() {
        let schema = json!({
            "$defs": {
                "Item": {"type": "object", "properties": {"amount": {"type": "number"}}},
                "Kind": {"enum": ["a", "b"]},
            },
            "type": "object",
            "properties": {
                "total": {"anyOf": [{"type": "number"}, {"type": "null"}]},
                "items": {"type": "array", "items": {"$ref": "#/$defs/Item"}},
                "kind": {"allOf": [{"$ref": "#/$defs/Kind"}], "description": "which"},
                "when": {"type": ["string", "null"], "format": "date"},
                "either": {"anyOf": [{"type": "integer"}, {"type": "number"}]},
            },
        });
        let expected = Shape::Object(vec![
            ("total".into(), Shape::Scalar(ColumnType::Number)),
            (
                "items".into(),
                Shape::List(Box::new(Shape::Object(vec![(
                    "amount".into(),
                    Shape::Scalar(ColumnType::Number),
                )]))),
            ),
            ("kind".into(), Shape::Scalar(ColumnType::Text)),
            ("when".into(), Shape::Scalar(ColumnType::Date)),
            ("either".into(), Shape::Scalar(ColumnType::Number)),
        ]);
        assert_eq!(shape(&schema), expected);
    }

    #[test]
    fn a_schema_that_contains_itself_ends() {
        let schema = json!({
            "type": "object",
            "properties": {"name": {"type": "string"}, "parent": {"$ref": "#"}},
        });
        let json_text = Shape::Scalar(ColumnType::Json);
        let fields = vec![
            ("name".into(), Shape::Scalar(ColumnType::Text)),
            ("parent".into(), json_text),
        ];
        assert_eq!(shape(&schema), Shape::Object(fields));
        assert_eq!(shape(&json!({"$ref": "#"})), Shape::Scalar(ColumnType::Json));
        assert_eq!(shape(&json!(true)), Shape::Scalar(ColumnType::Json));
    }
}
