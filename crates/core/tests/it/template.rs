//! Templates: what is taken, what is refused and how it says so.

use docmill_core::template::{
    DEFAULT_INSTRUCTIONS, FieldKind, Template, Validator, expected_output_tokens, fields,
};
use serde_json::{Value, json};

const INVOICE: &str = r#"
name = "invoice"
description = "Invoices of suppliers"
instructions = "Take out the fields."
reading = "both"

[schema]
type = "object"
required = ["number", "total", "items"]

[schema.properties.number]
type = "string"

[schema.properties.issued]
type = "string"
format = "date"

[schema.properties.total]
type = "number"

[schema.properties.note]
type = ["string", "null"]

[schema.properties.items]
type = "array"

[schema.properties.items.items]
type = "object"
properties = { text = { type = "string" }, amount = { type = "number" } }
required = ["text"]

[[checks]]
name = "sum"
rule = "sum(items.amount) == total"
"#;

fn refused(text: &str) -> String {
    Template::from_toml(text).expect_err(text).to_string()
}

#[test]
fn a_template_is_read_from_toml_in_the_order_it_was_written() {
    let template = Template::from_toml(INVOICE).unwrap();
    assert_eq!(template.name, "invoice");
    assert_eq!(template.checks.len(), 1);
    let names: Vec<_> = fields(&template.schema)
        .into_iter()
        .map(|field| field.path)
        .collect();
    assert_eq!(names, ["number", "issued", "total", "note", "items"]);
}

#[test]
fn toml_and_json_give_the_same_template() {
    let toml = Template::from_toml(INVOICE).unwrap();
    let json = serde_json::to_string(&toml).unwrap();
    assert_eq!(Template::from_json(&json).unwrap(), toml);
    assert_eq!(Template::from_json(&json).unwrap().hash(), toml.hash());
}

#[test]
fn a_schema_may_be_json_in_a_string() {
    let text = "name = \"x\"\nschema = '''{\"type\":\"object\",\"properties\":{\"b\":{\"type\":\"string\"},\"a\":{\"type\":\"string\"}}}'''";
    let template = Template::from_toml(text).unwrap();
    assert_eq!(fields(&template.schema)[0].path, "b");
}

/// What Pydantic writes for a model with a nested list, an enum and optional fields.
fn pydantic() -> Value {
    json!({
        "$defs": {
            "Currency": {"enum": ["EUR", "USD"], "title": "Currency", "type": "string"},
            "Line": {
                "properties": {
                    "text": {"title": "Text", "type": "string"},
                    "amount": {"anyOf": [{"type": "number"}, {"type": "null"}], "default": null, "title": "Amount"}
                },
                "required": ["text"], "title": "Line", "type": "object"
            }
        },
        "description": "An invoice.\n\nLong text.",
        "properties": {
            "number": {"title": "Number", "type": "string"},
            "currency": {"$ref": "#/$defs/Currency", "description": "As printed"},
            "other": {"allOf": [{"$ref": "#/$defs/Currency"}], "default": "EUR"},
            "lines": {"items": {"$ref": "#/$defs/Line"}, "title": "Lines", "type": "array"},
            "first": {"anyOf": [{"$ref": "#/$defs/Line"}, {"type": "null"}], "default": null}
        },
        "required": ["number", "currency", "lines"], "title": "Invoice", "type": "object"
    })
}

#[test]
fn a_pydantic_schema_is_a_template() {
    let text = pydantic().to_string();
    let template = Template::from_text("My Invoice", &text).unwrap();
    assert_eq!(template.name, "my-invoice");
    assert_eq!(template.description, "An invoice.");
    assert_eq!(template.instructions, DEFAULT_INSTRUCTIONS);
    assert!(
        !template.schema.to_string().contains("$ref"),
        "{}",
        template.schema
    );
    let found = fields(&template.schema);
    let paths: Vec<_> = found.iter().map(|field| field.path.as_str()).collect();
    assert_eq!(
        paths,
        [
            "number",
            "currency",
            "other",
            "lines",
            "first.text",
            "first.amount"
        ]
    );
    assert_eq!(
        found[1].kind,
        FieldKind::Choice(vec!["EUR".to_owned(), "USD".to_owned()])
    );
    assert_eq!(found[1].description, "As printed");
    assert!(!found[0].optional && found[4].optional);
    let FieldKind::List(columns) = &found[3].kind else {
        panic!("{:?}", found[3])
    };
    assert_eq!(columns[1].pointer, "/amount");
    assert_eq!(columns[1].kind, FieldKind::Number);
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let with = |line: &str| INVOICE.replacen("reading = \"both\"", line, 1);
    let cases = [
        (
            with("instruction = \"x\""),
            "unknown key \"instruction\"; did you mean instructions?",
        ),
        (
            with("colour = 1"),
            "unknown key \"colour\"; there are name, description",
        ),
        (
            with("reading = \"loud\""),
            "reading must be \"auto\", \"text\", \"vision\" or \"both\"",
        ),
        (
            INVOICE.replace("rule =", "rules ="),
            "unknown key \"rules\" in checks[0]; did you mean rule?",
        ),
        (
            INVOICE.replace("== total", "== totale"),
            "check \"sum\": the schema has no field \"totale\"",
        ),
        (
            INVOICE.replace("== total", "= total"),
            "check \"sum\": write == to compare (column 19)",
        ),
        (
            INVOICE.replace("\"invoice\"", "\"My Invoice\""),
            "cannot be a template's name",
        ),
        (
            "name = \"x\"".to_owned(),
            "schema is missing; write [schema.properties]",
        ),
        ("name = ".to_owned(), "not valid TOML"),
        (
            "name = \"x\"\nschema = \"[1\"".to_owned(),
            "not valid JSON in `schema`",
        ),
        (
            "name = \"x\"\nschema = '{\"type\":\"array\"}'".to_owned(),
            "root must be an object",
        ),
        (
            "name = \"x\"\n[schema]\ntype = \"object\"".to_owned(),
            "root must be an object",
        ),
        (
            INVOICE.replace(
                "\"number\"\n\n[schema.properties.note]",
                "\"numbre\"\n\n[schema.properties.note]",
            ),
            "/properties/total/type",
        ),
        (
            INVOICE.replace("[schema]", "[schema]\npropertyNames = {\"$ref\" = \"#/nowhere\"}"),
            "refers to \"#/nowhere\", which does not exist",
        ),
        (
            INVOICE.replace(
                "[schema]",
                "[schema]\npropertyNames = {\"$ref\" = \"https://example.org/x\"}",
            ),
            "outside the file",
        ),
        (
            INVOICE.replace(
                "[[checks]]",
                "[[checks]]\nname = \"sum\"\nrule = \"total > 0\"\n\n[[checks]]",
            ),
            "two checks are named \"sum\"",
        ),
    ];
    for (text, part) in cases {
        let message = refused(&text);
        assert!(message.contains(part), "{message}\nhas no {part:?}");
    }
}

#[test]
fn schemas_without_end_are_refused() {
    let circle = json!({"$defs": {"Node": {"type": "object", "required": ["name"], "properties": {
        "name": {"type": "string"}, "children": {"type": "array", "items": {"$ref": "#/$defs/Node"}}}}},
        "type": "object", "properties": {"root": {"$ref": "#/$defs/Node"}}});
    let tree = Template::from_schema("tree", &circle).expect("a tree is asked for in words");
    assert!(
        tree.check()
            .iter()
            .any(|warning| warning.message.contains("contains itself"))
    );
    let validator = Validator::new(&tree).unwrap();
    let deep = json!({"root": {"name": "a", "children": [{"name": "b", "children": [{"name": "c"}]}]}});
    assert!(validator.validate(&deep).is_empty());
    let wrong = json!({"root": {"name": "a", "children": [{"name": "b", "children": [{"name": 1}]}]}});
    assert!(!validator.validate(&wrong).is_empty(), "checked at every depth");
    let itself = json!({"type": "object", "properties": {"a": {"$ref": "#"}}});
    let message = Template::from_schema("root", &itself)
        .expect_err("circle")
        .to_string();
    assert!(message.contains("$defs"), "{message}");
    let mut definitions = serde_json::Map::new();
    definitions.insert("d0".to_owned(), json!({"type": "string"}));
    for level in 1..40 {
        let below = format!("#/$defs/d{}", level - 1);
        definitions.insert(
            format!("d{level}"),
            json!({"properties": {"a": {"$ref": below}, "b": {"$ref": below}}}),
        );
    }
    let bomb = json!({"$defs": definitions, "type": "object", "properties": {"a": {"$ref": "#/$defs/d39"}}});
    let message = Template::from_schema("bomb", &bomb)
        .expect_err("bomb")
        .to_string();
    assert!(message.contains("too large"), "{message}");
}

#[test]
fn a_property_may_be_called_ref() {
    let schema =
        json!({"type": "object", "properties": {"$ref": {"type": "string"}, "enum": {"type": "string"}}});
    let template = Template::from_schema("odd", &schema).unwrap();
    assert_eq!(fields(&template.schema).len(), 2);
}

#[test]
fn findings_name_the_field_and_what_is_wrong() {
    let validator = Validator::new(&Template::from_toml(INVOICE).unwrap()).unwrap();
    let good =
        json!({"number": "1", "total": 3, "items": [{"text": "a", "amount": 3}], "issued": "2024-02-29"});
    assert_eq!(validator.validate(&good), []);
    let said = |data: Value| -> Vec<(String, String, String)> {
        validator
            .validate(&data)
            .into_iter()
            .map(|f| (f.check, f.field, f.message))
            .collect()
    };
    let one = |check: &str, field: &str, message: &str| {
        vec![(check.to_owned(), field.to_owned(), message.to_owned())]
    };
    assert_eq!(
        said(json!({"number": 1, "total": 3, "items": []})),
        one("type", "/number", "1 is not text")
    );
    assert_eq!(
        said(json!({"number": "1", "items": []})),
        one("required", "", "total is missing")
    );
    assert_eq!(
        said(json!({"number": "1", "total": 1, "items": [{"text": "a", "amount": "3,50"}]})),
        one("type", "/items/0/amount", "\"3,50\" is not a number")
    );
    assert_eq!(
        said(json!({"number": "1", "total": 1, "items": [], "issued": "29.2.2024"})),
        one("format", "/issued", "\"29.2.2024\" is not a valid date")
    );
    let pydantic = Validator::new(&Template::from_schema("p", &pydantic()).unwrap()).unwrap();
    let found = pydantic
        .validate(&json!({"number": "1", "currency": "GBP", "lines": [{"text": "a", "amount": "x"}]}));
    assert_eq!(found[0].message, "\"GBP\" is not one of \"EUR\", \"USD\"");
    assert_eq!(
        (found[1].field.as_str(), found[1].message.as_str()),
        ("/lines/0/amount", "\"x\" is not a number")
    );
}

#[test]
fn nulls_that_stand_for_absent_are_dropped_and_no_others() {
    let validator = Validator::new(&Template::from_toml(INVOICE).unwrap()).unwrap();
    let wire = json!({"number": "1", "issued": null, "total": 3, "note": null, "items": [{"text": "a", "amount": null}]});
    let own = validator.normalise(wire);
    assert_eq!(
        own,
        json!({"number": "1", "total": 3, "note": null, "items": [{"text": "a"}]})
    );
    assert_eq!(validator.validate(&own), []);
    // A required field stays, so that its absence is reported.
    let missing = validator.normalise(json!({"number": null, "total": 3, "items": []}));
    assert_eq!(validator.validate(&missing)[0].field, "/number");
}

#[test]
fn warnings_name_what_providers_cannot_take() {
    let schema = json!({"type": "object", "properties": {
        "a": {"type": "string", "not": {"const": "x"}}, "b": {}, "c": {"type": "array"}, "d": {"type": "string"}}});
    let template = Template::from_schema("w", &schema).unwrap();
    let places: Vec<_> = template.check().into_iter().map(|warning| warning.at).collect();
    assert_eq!(places, ["/properties/a", "/properties/b", "/properties/c"]);
}

#[test]
fn longer_schemas_are_expected_to_have_longer_answers() {
    let small = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    let invoice = Template::from_toml(INVOICE).unwrap();
    assert!(expected_output_tokens(&small) < expected_output_tokens(&invoice.schema));
    assert!((100..400).contains(&expected_output_tokens(&invoice.schema)));
}
