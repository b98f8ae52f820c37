//! A template to begin from: the names that stand in front of values on a document
//! become fields. A draft for a person to correct, made without any model.

use serde_json::{Map, Value, json};

use crate::page::ParsedDocument;

/// Fields of a draft at most: whoever needs more knows which.
const MOST: usize = 30;

/// Names longer than this are sentences.
const LONGEST_NAME: usize = 40;

/// The text of a template for documents like this one, as JSON.
#[must_use]
pub fn draft(reading: &ParsedDocument) -> String {
    let mut fields = Map::new();
    for line in reading.pages.iter().flat_map(|page| page.text.lines()) {
        if fields.len() >= MOST {
            break;
        }
        for cell in line.split('|') {
            if let Some((name, value)) = named_value(cell) {
                fields.entry(key(name)).or_insert_with(|| field(name, value));
            }
        }
    }
    fields.remove("");
    if fields.is_empty() {
        fields.insert(
            "title".to_owned(),
            json!({ "type": "string", "description": "What the document is called" }),
        );
    }
    let template = json!({
        "name": "draft",
        "description": "",
        "instructions": "Take out the fields that the schema asks for, exactly as the document states them.",
        "schema": { "type": "object", "properties": fields },
    });
    serde_json::to_string_pretty(&template).unwrap_or_default()
}

/// `Invoice No: 2024-17` is a name and a value.
fn named_value(cell: &str) -> Option<(&str, &str)> {
    let (name, value) = cell.split_once(':')?;
    let (name, value) = (name.trim(), value.trim());
    let is_name = (2..=LONGEST_NAME).contains(&name.chars().count())
        && name.chars().next().is_some_and(char::is_alphabetic)
        && name.split_whitespace().count() <= 5;
    // A time of day and a web address have a colon too.
    let is_value = !value.is_empty() && !value.starts_with("//") && value.chars().count() <= 200;
    (is_name && is_value && !name.ends_with(|c: char| c.is_ascii_digit())).then_some((name, value))
}

/// `Invoice No.` → `invoice_no`.
fn key(name: &str) -> String {
    let mut key = String::new();
    for c in name.chars().flat_map(char::to_lowercase) {
        if c.is_alphanumeric() {
            key.push(c);
        } else if !key.is_empty() && !key.ends_with('_') {
            key.push('_');
        }
    }
    key.trim_end_matches('_').to_owned()
}

fn field(name: &str, value: &str) -> Value {
    let digits = value.chars().filter(char::is_ascii_digit).count();
    let letters = value.chars().filter(|c| c.is_alphabetic()).count();
    let has_date = value.contains(['-', '/', '.']) && digits >= 5 && letters <= 9;
    // `1,234.50 EUR` is an amount, `A-17` a name.
    let is_currency = |word: &str| word.len() == 3 && word.chars().all(|c| c.is_ascii_uppercase());
    let is_amount = digits > 0
        && value.split_whitespace().all(|word| {
            is_currency(word)
                || word
                    .chars()
                    .all(|c| c.is_ascii_digit() || ".,'$€£¥-+%".contains(c))
        });
    let separators = value.matches(['-', '/']).count() + value.matches('.').count() / 2;
    let mut field = Map::new();
    if has_date
        && separators >= 1
        && digits <= 8
        && value.matches(',').count() == 0
        && !value.contains(['$', '€', '£'])
    {
        field.insert("type".to_owned(), json!("string"));
        field.insert("format".to_owned(), json!("date"));
    } else if is_amount {
        field.insert("type".to_owned(), json!("number"));
    } else {
        field.insert("type".to_owned(), json!("string"));
    }
    field.insert("description".to_owned(), json!(name));
    Value::Object(field)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{Class, Kind};
    use crate::page::{Page, TextOrigin};
    use crate::template::Template;

    #[test]
    fn names_in_front_of_values_become_fields() {
        let text = "ACME Ltd\nInvoice No.: A-17\nDate: 2026-03-01\nTotal: 1,234.50 EUR\nhttp://example.org\n";
        let reading = ParsedDocument {
            kind: Kind::Text,
            class: Class::Text,
            media_type: "text/plain".to_owned(),
            page_count: 1,
            pages: vec![Page {
                number: 1,
                label: None,
                width: 0.0,
                height: 0.0,
                text: text.to_owned(),
                words: Vec::new(),
                origin: TextOrigin::Native,
            }],
            findings: Vec::new(),
        };
        let template = Template::from_text("draft", &draft(&reading)).unwrap();
        let properties = &template.schema["properties"];
        assert_eq!(properties["invoice_no"]["type"], "string");
        assert_eq!(properties["date"]["format"], "date");
        assert_eq!(properties["total"]["type"], "number");
        assert_eq!(properties.as_object().unwrap().len(), 3);
    }
}
