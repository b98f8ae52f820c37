//! Schemas of real shapes, as Pydantic, Zod, OpenAPI and people write them: each is loaded,
//! written for every provider, rehearsed, read offline, validated and exported in every format.

use std::sync::Arc;

use docmill_core::batch::BatchState;
use docmill_core::document::{Class, DocumentState, Kind};
use docmill_core::extraction::Extraction;
use docmill_core::id::{BatchId, Ordinal};
use docmill_core::money::Usd;
use docmill_core::page::{Page, TextOrigin};
use docmill_core::plan::Plan;
use docmill_core::price::Price;
use docmill_core::template::{Template, Validator};
use docmill_core::time::Timestamp;
use docmill_core::usage::Usage;
use docmill_engine::export::{CsvStyle, Format, Options, Target, export_rows};
use docmill_llm::offline::Offline;
use docmill_llm::prompt::{document, schema_with_optional_left_out, system, wire_schema};
use docmill_llm::sim::{Config, Sim};
use docmill_llm::{Provider, Request};
use docmill_store::{Balance, BatchRow, Counters, DocumentRow, ResultRow};
use serde_json::{Value, json};

/// An object with these properties, of which the named ones are required.
fn object(properties: Value, required: &[&str]) -> Value {
    json!({"type": "object", "properties": properties, "required": required})
}

/// One property under the name `x`, optional and required.
fn both(property: &Value) -> [Value; 2] {
    [
        object(json!({ "x": property }), &[]),
        object(json!({ "x": property }), &["x"]),
    ]
}

/// Types of fields as generators write them.
fn fields() -> Vec<Value> {
    let line = object(
        json!({"text": {"type": "string"}, "amount": {"type": "number"}}),
        &["text", "amount"],
    );
    let decimal = json!({"type": "string", "pattern": r"^(?!^[-+.]*$)[+-]?0*\d*\.?\d*$"});
    vec![
        json!({"type": "string"}),
        json!({"type": "string", "minLength": 2, "maxLength": 40}),
        json!({"type": "string", "pattern": "^[A-Z]{3}$"}),
        json!({"type": "string", "format": "date"}),
        json!({"type": "string", "format": "date-time"}),
        json!({"type": "string", "format": "time"}),
        json!({"type": "string", "format": "duration"}),
        json!({"type": "string", "format": "uuid"}),
        json!({"type": "string", "format": "email"}),
        json!({"type": "string", "format": "uri", "minLength": 1, "maxLength": 2083}),
        json!({"type": "integer", "minimum": 1, "maximum": 12}),
        json!({"type": "number", "exclusiveMinimum": 0}),
        json!({"type": "number", "multipleOf": 0.01}),
        json!({"type": "boolean", "default": false}),
        json!({"anyOf": [{"type": "string"}, {"type": "null"}], "default": null}),
        json!({"type": ["number", "null"]}),
        json!({"anyOf": [{"type": "number"}, decimal]}),
        json!({"anyOf": [{"type": "number"}, decimal, {"type": "null"}]}),
        json!({"enum": ["EUR", "USD", "GBP"], "type": "string"}),
        json!({"enum": [1, 2, 3]}),
        json!({"enum": ["paid", "open", null]}),
        json!({"const": "invoice"}),
        json!({"type": "array", "items": {"type": "string"}}),
        json!({"type": "array", "items": {"type": "string"}, "uniqueItems": true, "minItems": 1}),
        json!({"type": "array", "items": line, "minItems": 0, "maxItems": 20}),
        line.clone(),
        json!({"anyOf": [line, {"type": "null"}]}),
        json!({"type": "array", "prefixItems": [{"type": "string"}, {"type": "number"}], "minItems": 2, "maxItems": 2}),
        json!({"type": "object", "additionalProperties": {"type": "number"}}),
        json!({"type": "object", "additionalProperties": true}),
    ]
}

/// Whole models: nesting, references, unions, recursion.
fn models() -> Vec<Value> {
    let address = object(
        json!({"street": {"type": "string"}, "city": {"type": "string"}}),
        &["street", "city"],
    );
    let card = object(
        json!({"kind": {"const": "card"}, "last4": {"type": "string"}}),
        &["kind", "last4"],
    );
    let bank = object(
        json!({"kind": {"const": "bank"}, "iban": {"type": "string"}}),
        &["kind", "iban"],
    );
    vec![
        json!({"title": "Invoice", "type": "object", "$defs": {
            "Seller": {"title": "Seller", "type": "object", "properties": {
                "name": {"type": "string"}, "address": {"$ref": "#/$defs/Address"},
                "vat": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": null}},
                "required": ["name", "address"]},
            "Address": address,
            "Status": {"enum": ["paid", "open"], "title": "Status", "type": "string"}},
            "properties": {
                "number": {"title": "Number", "type": "string"},
                "issued": {"format": "date", "title": "Issued", "type": "string"},
                "total": {"anyOf": [{"type": "number"}, {"type": "string", "pattern": r"^(?!^[-+.]*$)[+-]?0*\d*\.?\d*$"}],
                    "title": "Total"},
                "due": {"anyOf": [{"format": "date", "type": "string"}, {"type": "null"}], "default": null},
                "seller": {"$ref": "#/$defs/Seller"},
                "status": {"$ref": "#/$defs/Status", "default": "open"}},
            "required": ["number", "issued", "total", "seller"]}),
        json!({"type": "object", "properties": {"payment": {"oneOf": [card, bank],
            "discriminator": {"propertyName": "kind"}}}, "required": ["payment"]}),
        json!({"type": "object", "properties": {"payments": {"type": "array", "items": {"anyOf": [card, bank]}}}}),
        json!({"type": "object", "$defs": {"Node": {"type": "object", "properties": {"name": {"type": "string"},
            "children": {"type": "array", "items": {"$ref": "#/$defs/Node"}}}, "required": ["name", "children"]}},
            "properties": {"root": {"$ref": "#/$defs/Node"}}, "required": ["root"]}),
        json!({"type": "object", "definitions": {"Part": {"type": "object", "properties": {
            "name": {"type": "string"}, "within": {"anyOf": [{"$ref": "#/definitions/Part"}, {"type": "null"}]}}}},
            "properties": {"part": {"$ref": "#/definitions/Part"}}}),
        json!({"$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "additionalProperties": false,
            "properties": {"name": {"type": "string"}, "tags": {"type": "array", "items": {"type": "string"}}},
            "required": ["name", "tags"]}),
        json!({"type": "object", "allOf": [{"type": "object", "properties": {"a": {"type": "string"}}},
            {"type": "object", "properties": {"b": {"type": "number"}}}], "properties": {"c": {"type": "boolean"}}}),
        object(
            json!({"owner": {"allOf": [address], "description": "Who owns it"}, "since": {"type": "integer"}}),
            &["owner"],
        ),
        object(
            json!({"a": object(json!({"b": object(json!({"c": object(json!({"d": {"type": "number"}}), &["d"])}), &["c"])}), &["b"])}),
            &["a"],
        ),
        object(
            json!({"rows": {"type": "array", "items": {"type": "array", "items": {"type": "number"}}}}),
            &["rows"],
        ),
        json!({"properties": {"no type": {"description": "anything"}, "with/slash": {"type": "string"},
            "tilde~": {"type": "integer"}}}),
    ]
}

fn corpus() -> Vec<Value> {
    fields().iter().flat_map(both).chain(models()).collect()
}

fn template(schema: &Value) -> Template {
    Template::from_schema("shape", schema).unwrap_or_else(|error| panic!("{error}\n{schema}"))
}

fn request(template: &Arc<Template>) -> Request {
    let text =
        "Invoice No. A-17\nDate: 2026-03-14\nSeller: Alder & Birch Ltd\nTotal: 41.50 EUR\nOak table 41.50\n";
    let pages = Arc::new(vec![Page {
        number: 1,
        label: None,
        width: 0.0,
        height: 0.0,
        text: text.to_owned(),
        words: Vec::new(),
        origin: TextOrigin::Native,
    }]);
    Request {
        model: "gpt-4o-mini".into(),
        system: system(template).into(),
        text: document(&pages),
        images: Vec::new(),
        template: Arc::clone(template),
        pages,
        repair: None,
        max_output_tokens: 4000,
        call_id: "call-1".into(),
    }
}

#[test]
fn there_are_enough_shapes() {
    assert!(corpus().len() >= 60, "{}", corpus().len());
}

/// What no provider can be asked for in a schema is asked for in words; the rest keeps the
/// common subset.
#[test]
fn every_schema_has_a_form_for_every_provider() {
    for schema in corpus() {
        let template = template(&schema);
        let _ = template.check();
        assert!(system(&template).contains("Fields:"));
        for wire in [
            wire_schema(&template.schema),
            schema_with_optional_left_out(&template.schema),
        ] {
            let Ok(wire) = wire else { continue };
            let text = wire.to_string();
            for keyword in [
                "allOf",
                "oneOf",
                "$ref",
                "$defs",
                "pattern\"",
                "minimum",
                "prefixItems",
                "uniqueItems",
            ] {
                assert!(!text.contains(&format!("\"{keyword}")), "{keyword} in {text}");
            }
            assert_eq!(wire["additionalProperties"], json!(false), "{text}");
        }
    }
}

/// The shape a strict provider is held to is one docmill accepts: whatever is null on the wire
/// may be missing or null in the template.
#[tokio::test]
async fn rehearsals_are_valid_and_the_offline_reader_is_honest() {
    let sim = Sim::new(Config {
        errors_permille: 0,
        ..Config::instant()
    });
    for schema in corpus() {
        let template = Arc::new(template(&schema));
        let validator = Validator::new(&template).unwrap();
        let request = request(&template);
        let made_up = sim.call(&request).await.unwrap();
        let data: Value = serde_json::from_str(&made_up.text).unwrap();
        let (data, findings) = validator.fitting_part(validator.normalise(data));
        assert!(findings.is_empty(), "{schema}\n{}\n{findings:?}", made_up.text);
        exported(&template, data).await;

        let read = Offline.call(&request).await.unwrap();
        let data: Value = serde_json::from_str(&read.text).unwrap();
        let (data, findings) = validator.fitting_part(validator.normalise(data));
        // What is left is missing, never wrong.
        let left = validator.validate(&data);
        assert!(
            left.iter().all(|finding| finding.check == "required"),
            "{schema}\n{data}\n{left:?}"
        );
        assert!(findings.len() >= left.len());
        exported(&template, data).await;
    }
}

/// One document with this result, in every format; JSON Lines gives the data back as they were.
async fn exported(template: &Template, data: Value) {
    let folder = tempfile::tempdir().unwrap();
    for format in [Format::Jsonl, Format::Csv, Format::Parquet, Format::Xlsx] {
        let path = folder.path().join(format!("out.{}", format.as_str()));
        let rows = futures::stream::iter([Ok(vec![result(data.clone())])]);
        let options = Options {
            format,
            evidence: true,
            states: Vec::new(),
            csv: CsvStyle::default(),
        };
        let target = Target::File(path.clone());
        export_rows(rows, &batch(template.clone()), target, options, &|_| {})
            .await
            .unwrap_or_else(|error| panic!("{format:?}: {error}\n{data}"));
        if format == Format::Jsonl {
            let line = std::fs::read_to_string(&path).unwrap();
            let line: Value = serde_json::from_str(line.trim()).unwrap();
            assert_eq!(line["data"], data);
        }
    }
}

fn result(data: Value) -> ResultRow {
    ResultRow {
        row: DocumentRow {
            ordinal: Ordinal(1),
            key: "file:///a.txt".into(),
            name: "a.txt".into(),
            bytes: 10,
            kind: Kind::Text,
            class: Class::Text,
            pages: Some(1),
            content_hash: None,
            state: DocumentState::Completed,
            failure: None,
            duplicate_of: None,
            attempts: 1,
            cost: Usd::ZERO,
            usage: Usage::default(),
            risk: Some(0),
            verdict: None,
            next_attempt_at: Timestamp(0),
            updated_at: Timestamp(0),
        },
        extraction: Some(Extraction {
            data,
            evidence: Vec::new(),
            ungrounded: Vec::new(),
            findings: Vec::new(),
            risk: 0,
            simulated: true,
        }),
        review: None,
    }
}

fn batch(template: Template) -> BatchRow {
    BatchRow {
        id: BatchId(uuid::Uuid::nil()),
        name: "shapes".into(),
        state: BatchState::Completed,
        reason: String::new(),
        template,
        plan: Plan {
            model: "offline".into(),
            base_url: None,
            base_url_by_admin: false,
            price: Price::free("test"),
            concurrency: None,
            max_output_tokens: 1000,
            reuse_answers: true,
            ocr: true,
            max_document_bytes: None,
            weight: None,
            limits: docmill_core::pacing::Limits::default(),
            sim_speed_milli: None,
            fallbacks: Vec::new(),
            between: None,
            timeout_seconds: None,
            hedge: false,
        },
        sources: Vec::new(),
        counters: Counters::default(),
        balance: Balance::default(),
        usage: Usage::default(),
        calls: 0,
        calls_in_flight: 0,
        estimate: None,
        created_at: Timestamp(0),
        started_at: None,
        ended_at: None,
        updated_at: Timestamp(0),
        owner: String::new(),
        archived_at: None,
    }
}
