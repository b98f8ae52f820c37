//! The subset that every provider's strict mode takes.

use docmill_llm::prompt::{SchemaProblem, schema_with_optional_left_out, wire_schema};
use proptest::prelude::*;
use serde_json::{Value, json};

/// The rules of the subset, written down a second time.
fn outside_the_subset(schema: &Value, depth: usize) -> Option<String> {
    const KEYWORDS: [&str; 8] = [
        "type",
        "description",
        "properties",
        "required",
        "additionalProperties",
        "items",
        "enum",
        "anyOf",
    ];
    let Some(map) = schema.as_object() else {
        return Some(format!("not an object: {schema}"));
    };
    if depth > 12 {
        return Some("too deep".into());
    }
    if let Some(key) = map.keys().find(|key| !KEYWORDS.contains(&key.as_str())) {
        return Some(format!("keyword {key}"));
    }
    if !map.contains_key("type") && !map.contains_key("anyOf") {
        return Some(format!("no type: {schema}"));
    }
    if let Some(properties) = map.get("properties").and_then(Value::as_object) {
        let names: Vec<&str> = properties.keys().map(String::as_str).collect();
        let required: Vec<&str> = map["required"]
            .as_array()?
            .iter()
            .filter_map(Value::as_str)
            .collect();
        if names != required || map.get("additionalProperties") != Some(&json!(false)) {
            return Some(format!("an open object: {schema}"));
        }
        // None of the made-up schemas requires anything: all of it may be missing.
        if let Some((name, _)) = properties.iter().find(|(_, inner)| !nullable(inner)) {
            return Some(format!("{name} may not be null"));
        }
        return properties
            .values()
            .find_map(|inner| outside_the_subset(inner, depth + 1));
    }
    let branches = map.get("anyOf").and_then(Value::as_array).into_iter().flatten();
    map.get("items")
        .into_iter()
        .chain(branches)
        .find_map(|inner| outside_the_subset(inner, depth + 1))
}

fn nullable(schema: &Value) -> bool {
    let in_type = match schema.get("type") {
        Some(Value::Array(kinds)) => kinds.contains(&json!("null")),
        Some(kind) => kind == "null",
        None => false,
    };
    let in_enum = schema
        .get("enum")
        .and_then(Value::as_array)
        .is_none_or(|choices| choices.contains(&Value::Null));
    let in_branch = schema
        .get("anyOf")
        .and_then(Value::as_array)
        .is_some_and(|list| list.iter().any(nullable));
    (in_type && in_enum) || in_branch
}

/// Schemas of every kind, valid or not.
fn schemas() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(json!({"type": "string", "pattern": "^a", "maxLength": 3, "x-docmill-labels": ["A"]})),
        Just(json!({"type": ["number", "null"], "minimum": 0})),
        Just(json!({"type": "integer", "description": "how many", "default": 1})),
        Just(json!({"type": "string", "format": "date", "title": "Day"})),
        Just(json!({"enum": ["a", 1, null]})),
        Just(json!({"const": true})),
        Just(json!({"type": "null"})),
        Just(json!({"$ref": "#/$defs/Leaf"})),
        Just(json!({"$ref": "#/$defs/Loop"})),
        Just(json!({"$ref": "#/$defs/Nowhere"})),
        Just(json!({"type": "object"})),
        Just(json!({"type": "array", "prefixItems": [{"type": "string"}, {"type": "number"}]})),
        Just(json!({"type": ["object", "string"], "properties": {"a": {"type": "string"}}})),
        Just(json!({})),
        Just(json!(true)),
        Just(json!(false)),
        Just(json!(7)),
    ];
    leaf.prop_recursive(5, 40, 4, |inner| {
        let list = prop::collection::vec(inner.clone(), 0..3);
        prop_oneof![
            prop::collection::btree_map("[a-c]", inner.clone(), 0..3).prop_map(|properties| {
                json!({"type": "object", "properties": properties, "minProperties": 1, "unevaluatedProperties": true})
            }),
            inner.clone().prop_map(|items| json!({"type": "array", "items": items, "minItems": 1})),
            list.clone().prop_map(|list| json!({"anyOf": list, "description": "either"})),
            list.clone().prop_map(|list| json!({"oneOf": list})),
            list.prop_map(|list| json!({"allOf": list})),
        ]
    })
}

proptest! {
    /// Whatever goes in, what comes out is inside the subset, and the same
    /// again when it is put through a second time.
    #[test]
    fn the_result_is_always_within_the_subset(field in schemas(), other in schemas()) {
        let schema = json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "type": "object",
            "properties": {"field": field, "other": other},
            "$defs": {
                "Leaf": {"type": "string"},
                "Loop": {"type": "object", "properties": {"again": {"$ref": "#/$defs/Loop"}}},
            },
        });
        if let Ok(wire) = wire_schema(&schema) {
            prop_assert_eq!(outside_the_subset(&wire, 0), None);
            prop_assert_eq!(&wire["type"], "object");
            prop_assert_eq!(wire_schema(&wire), Ok(wire));
        }
    }
}

#[test]
fn a_pydantic_schema_keeps_what_matters() {
    let schema = json!({
        "$defs": {
            "Line": {"type": "object", "title": "Line", "required": ["text"], "properties": {
                "text": {"type": "string", "title": "Text", "minLength": 1},
                "amount": {"anyOf": [{"type": "number"}, {"type": "null"}], "default": null},
            }},
            "Kind": {"enum": ["goods", "service"], "type": "string", "description": "What was sold"},
        },
        "type": "object",
        "title": "Invoice",
        "required": ["number"],
        "properties": {
            "number": {"type": "string", "description": "Printed at the top"},
            "issued": {"type": "string", "format": "date"},
            "kind": {"allOf": [{"$ref": "#/$defs/Kind"}], "description": "Goods or service"},
            "lines": {"type": "array", "items": {"$ref": "#/$defs/Line"}, "maxItems": 100},
        },
    });
    let line = json!({
        "type": "object",
        "properties": {"text": {"type": "string"}, "amount": {"type": ["number", "null"]}},
        "required": ["text", "amount"],
        "additionalProperties": false,
    });
    assert_eq!(
        wire_schema(&schema).unwrap(),
        json!({
            "type": "object",
            "properties": {
                "number": {"type": "string", "description": "Printed at the top"},
                "issued": {"type": ["string", "null"], "description": "(as YYYY-MM-DD)"},
                "kind": {"type": ["string", "null"], "enum": ["goods", "service", null],
                    "description": "Goods or service"},
                "lines": {"type": ["array", "null"], "items": line},
            },
            "required": ["number", "issued", "kind", "lines"],
            "additionalProperties": false,
        })
    );
}

/// For providers that count unions: what is not required is left out rather than null.
#[test]
fn optional_fields_are_left_out_where_unions_are_counted() {
    let schema = json!({"type": "object", "required": ["number", "due"], "properties": {
        "number": {"type": "string"},
        "due": {"type": ["string", "null"]},
        "total": {"anyOf": [{"type": "number", "description": "in all"}, {"type": "null"}]},
        "kind": {"enum": ["goods", null]},
    }});
    let wire = schema_with_optional_left_out(&schema).unwrap();
    assert_eq!(wire["required"], json!(["number", "due"]));
    assert_eq!(wire["properties"]["due"], json!({"type": ["string", "null"]}));
    assert_eq!(wire["properties"]["total"]["type"], "number");
    assert_eq!(
        wire["properties"]["kind"],
        json!({"type": "string", "enum": ["goods"]})
    );
    let many: serde_json::Map<String, Value> = (0..30)
        .map(|at| (format!("f{at}"), json!({"type": "string"})))
        .collect();
    let wire = schema_with_optional_left_out(&json!({"type": "object", "properties": many})).unwrap();
    let nullable = wire["properties"]
        .as_object()
        .unwrap()
        .values()
        .filter(|field| nullable(field));
    assert_eq!(nullable.count(), 6, "24 may be left out, the rest is null");
    let more: serde_json::Map<String, Value> = (0..60)
        .map(|at| (format!("f{at}"), json!({"type": "string"})))
        .collect();
    let refused = schema_with_optional_left_out(&json!({"type": "object", "properties": more}));
    assert_eq!(refused, Err(SchemaProblem::Unions(36)));
}

#[test]
fn what_has_no_wire_form_is_named_with_its_place() {
    let with = |field: Value| {
        let defs = json!({
            "Tree": {"type": "object", "properties": {"child": {"$ref": "#/$defs/Tree"}}},
            "A": {"$ref": "#/$defs/B"}, "B": {"$ref": "#/$defs/A"},
        });
        wire_schema(&json!({"type": "object", "properties": {"f": field}, "$defs": defs})).unwrap_err()
    };
    let at = |place: &str| place.to_owned();
    assert_eq!(
        with(json!({"type": "object", "additionalProperties": {"type": "string"}})),
        SchemaProblem::FreeForm(at("/f"))
    );
    assert_eq!(
        with(json!({"$ref": "#/$defs/Tree"})),
        SchemaProblem::Recursive(at("/f/child"))
    );
    assert_eq!(
        with(json!({"$ref": "#/$defs/A"})),
        SchemaProblem::Recursive(at("/f"))
    );
    assert_eq!(
        with(json!({"$ref": "other.json"})),
        SchemaProblem::UnknownReference(at("other.json"))
    );
    assert_eq!(with(json!(false)), SchemaProblem::Impossible(at("/f")));
    assert_eq!(
        with(json!({"allOf": [{"type": "string"}, {"minLength": 1}]})),
        SchemaProblem::AllOf(at("/f"))
    );
    for root in [
        json!({"type": "array", "items": {"type": "string"}}),
        json!({"type": "string"}),
        json!(true),
    ] {
        assert_eq!(wire_schema(&root), Err(SchemaProblem::RootNotAnObject), "{root}");
    }
}

#[test]
fn a_hostile_schema_is_refused_before_it_costs_anything() {
    let mut deep = json!({"type": "string"});
    for _ in 0..50 {
        deep = json!({"type": "object", "properties": {"a": deep}});
    }
    assert!(matches!(wire_schema(&deep), Err(SchemaProblem::TooDeep(_))));

    let mut chained = serde_json::Map::new();
    for step in 0..5000 {
        chained.insert(
            format!("R{step}"),
            json!({"$ref": format!("#/$defs/R{}", step + 1)}),
        );
    }
    let chain = json!({"type": "object", "properties": {"a": {"$ref": "#/$defs/R0"}}, "$defs": chained});
    assert!(matches!(wire_schema(&chain), Err(SchemaProblem::TooDeep(_))));

    // Each level names the next one ten times: ten to the eighth when written out.
    let mut defs = serde_json::Map::new();
    for level in 0..8 {
        let properties: serde_json::Map<String, Value> = (0..10)
            .map(|at| {
                (
                    format!("p{at}"),
                    json!({"$ref": format!("#/$defs/L{}", level + 1)}),
                )
            })
            .collect();
        defs.insert(
            format!("L{level}"),
            json!({"type": "object", "properties": properties}),
        );
    }
    defs.insert("L8".into(), json!({"type": "string"}));
    let bomb = json!({"$ref": "#/$defs/L0", "$defs": defs});
    assert_eq!(wire_schema(&bomb), Err(SchemaProblem::TooLarge));

    let choices: Vec<String> = (0..600).map(|at| at.to_string()).collect();
    let long = wire_schema(&json!({"type": "object", "properties": {"c": {"enum": choices}}})).unwrap();
    assert_eq!(long["properties"]["c"], json!({"type": ["string", "null"]}));
}
