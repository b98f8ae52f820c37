//! The offline model on documents made up for it: what it finds, and what it leaves out.

use docmill_core::page::{Page, TextOrigin};
use docmill_core::template::Template;
use serde_json::{Value, json};

fn page(text: &str) -> Page {
    Page {
        number: 1,
        label: None,
        width: 0.0,
        height: 0.0,
        text: text.to_owned(),
        words: Vec::new(),
        origin: TextOrigin::Native,
    }
}

fn extract(template: &str, text: &str) -> (Value, Vec<String>) {
    let path = format!("{}/../../templates/{template}.toml", env!("CARGO_MANIFEST_DIR"));
    let template = Template::from_toml(&std::fs::read_to_string(path).unwrap()).unwrap();
    let page = page(text);
    let (data, evidence) = docmill_llm::offline::extract(&template.schema, &[page]);
    (data, evidence.into_iter().map(|it| it.field).collect())
}

#[test]
fn a_receipt_is_filled_by_its_labels_with_places() {
    let (data, places) = extract(
        "receipt",
        "CORNER SHOP LTD\n12 Harbour Road, London\nDate: 14/03/2026\nBread 2.50\nMilk 1.20\nSubtotal 3.70\nVAT 0.74\nTOTAL 4.44\nVISA\n",
    );
    assert_eq!(data["company"], "CORNER SHOP LTD");
    assert_eq!(data["date"], "2026-03-14");
    assert_eq!(data["subtotal"], json!(3.7));
    assert_eq!(data["tax"], json!(0.74));
    assert_eq!(data["total"], json!(4.44));
    assert_eq!(data["payment_method"], "card");
    for field in ["/company", "/date", "/total"] {
        assert!(places.iter().any(|it| it == field), "{field} in {places:?}");
    }
}

#[test]
fn the_sum_to_pay_is_the_one_after_rounding() {
    let (data, _) = extract(
        "receipt",
        "CORNER SHOP\nTotal (inclusive of GST): 23.26\nRounding Adj: -0.01\nAmount: 23.25\n",
    );
    assert_eq!(data["total"], json!(23.25));
    let (data, _) = extract("receipt", "CORNER SHOP\nTotal: 23.26\nService 3.10\n");
    assert_eq!(data["total"], json!(23.26), "nothing was rounded here");
}

#[test]
fn a_misread_total_is_put_right_by_cash_less_change() {
    let (data, _) = extract(
        "receipt",
        "CORNER SHOP\nTotal Sales 60.91\nTo pay 80.90\nCash 100.00\nChange 19.10\n",
    );
    assert_eq!(data["total"], json!(80.9));
    let (data, _) = extract("receipt", "CORNER SHOP\nTotal 80.90\nCash 100.00\nChange 9.10\n");
    assert_eq!(data["total"], json!(80.9), "90.90 is not printed");
}

#[test]
fn an_invoice_has_its_number_dates_and_sums() {
    let (data, _) = extract(
        "invoice",
        "Nordlicht Werkzeuge GmbH\nRechnungsnummer: RE-2026-0042\nRechnungsdatum: 14.03.2026\nNettobetrag 1.000,00 EUR\nMwSt 19 % 190,00 EUR\nGesamtbetrag 1.190,00 EUR\nIBAN DE89 3704 0044 0532 0130 00\nUSt-IdNr. DE123456789\n",
    );
    assert_eq!(data["invoice_number"], "RE-2026-0042");
    assert_eq!(data["invoice_date"], "2026-03-14");
    assert_eq!(data["subtotal"], json!(1000));
    assert_eq!(data["total"], json!(1190));
    assert_eq!(data["currency"], "EUR");
    assert_eq!(data["iban"], "DE89370400440532013000");
    assert_eq!(data["seller_vat_id"], "DE123456789");
}

#[test]
fn numbers_with_wrong_check_digits_are_no_cards_and_no_ibans() {
    let found = |text: &str, kind: &str| {
        let (data, _) = extract("pii", text);
        let entities = data["entities"].as_array().cloned().unwrap_or_default();
        entities.iter().any(|it| it["type"] == kind)
    };
    assert!(found("Card 4111 1111 1111 1111 please", "credit_card"));
    assert!(!found("Card 4111 1111 1111 1112 please", "credit_card"));
    assert!(found("Pay to DE89 3704 0044 0532 0130 00 today", "iban"));
    assert!(!found("Pay to DE88 3704 0044 0532 0130 00 today", "iban"));
    assert!(found("Write to ada@example.org", "email"));
}

#[test]
fn what_is_not_there_is_left_out() {
    let (data, places) = extract("invoice", "Dear Ada, see you on the beach. Yours, Grace\n");
    for field in ["total", "iban", "invoice_number", "invoice_date"] {
        assert!(data[field].is_null(), "{field} in {data}");
    }
    assert!(!places.iter().any(|it| it == "/total"), "{places:?}");
}

/// Pydantic writes nested models as references, optional ones as `anyOf` with null.
#[test]
fn references_and_optional_fields_of_pydantic_are_followed() {
    let schema = json!({
        "$defs": {"Money": {"type": "number"}},
        "type": "object",
        "properties": {
            "total": {"anyOf": [{"$ref": "#/$defs/Money"}, {"type": "null"}], "default": null},
            "order_date": {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]}
        }
    });
    let page = page("Order date: 2026-03-14\nTotal 12.50\n");
    let (data, _) = docmill_llm::offline::extract(&schema, &[page]);
    assert_eq!(data, json!({"total": 12.5, "order_date": "2026-03-14"}));
}

/// A schema of somebody's own, without a word for us: names and objects say what is wanted.
#[test]
fn plain_schemas_and_their_nested_objects_are_filled_by_their_names() {
    let nullable = json!({"type": ["string", "null"]});
    let party = json!({"type": "object", "required": ["name"], "properties": {
        "name": nullable, "address": nullable, "vat_id": nullable}});
    let schema = json!({"type": "object", "required": ["seller", "payment", "delivery"], "properties": {
        "merchant": nullable,
        "seller": party,
        "buyer": party,
        "payment": {"type": "object", "properties": {
            "method": {"type": "string", "enum": ["cash", "card", "transfer"]},
            "total": {"type": "number"}}},
        "delivery": {"type": "object", "required": ["driver"], "properties": {"driver": nullable}},
    }});
    let text = "Brightwater Design LLC\n12 Harbour Road, Portland, OR 97204\nVAT ID: GB 555 7741 02\n\n\
        Buyer: Tamarack Hotels Inc.\nPayment method: Card (contactless)\nTotal: 120.50 USD\n";
    let page = page(text);
    let (data, evidence) = docmill_llm::offline::extract(&schema, &[page]);
    assert_eq!(data["merchant"], "Brightwater Design LLC", "{data}");
    assert_eq!(data["seller"]["name"], "Brightwater Design LLC", "{data}");
    assert!(
        data["seller"]["address"]
            .as_str()
            .unwrap()
            .contains("12 Harbour Road"),
        "{data}"
    );
    assert_eq!(data["seller"]["vat_id"], "GB555774102", "{data}");
    assert_eq!(data["buyer"]["name"], "Tamarack Hotels Inc.", "{data}");
    assert_eq!(
        data["buyer"].get("address"),
        None,
        "not the one of the seller: {data}"
    );
    assert_eq!(
        data["payment"],
        json!({"method": "card", "total": 120.5}),
        "{data}"
    );
    assert_eq!(data["delivery"], json!({"driver": null}), "it has to be there");
    assert!(
        evidence.iter().any(|it| it.field == "/seller/name"),
        "{evidence:?}"
    );
}

#[test]
fn of_a_very_long_document_both_ends_are_looked_at() {
    let middle = "4711  an article of a list that does not end  1.00\n".repeat(30_000);
    let endless = "x".repeat(3_000_000);
    let text = format!("CORNER SHOP\nDate: 2026-03-01\n{middle}{endless}\n{middle}TOTAL 12.50 EUR\n");
    let (data, _) = extract("receipt", &text);
    assert_eq!(data["total"], 12.5);
    assert_eq!(data["date"], "2026-03-01");
}
