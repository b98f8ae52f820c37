//! How long an answer will probably be.

use serde_json::Value;

use super::fields::{Field, FieldKind, fields};

/// Items a list is expected to have when the schema does not say.
const ITEMS: u64 = 8;

/// Tokens of a typical answer to this schema.
///
/// A heuristic, meant to be right within a factor of two before the first answer
/// is seen (a pilot's real usage replaces it): each value costs the tokens of its
/// key (a quarter of its letters, and three for quotes and punctuation) and of a
/// typical value (text 10, date 7, number 5, boolean 1, a choice its longest
/// option); lists are taken to have eight items. The whole is at least 16.
#[must_use]
pub fn expected_output_tokens(schema: &Value) -> u64 {
    let sum = fields(schema)
        .iter()
        .map(field_tokens)
        .fold(4_u64, u64::saturating_add);
    sum.max(16)
}

fn field_tokens(field: &Field) -> u64 {
    let name = field.path.rsplit('.').next().unwrap_or_default();
    let key = name.chars().count() as u64 / 4 + 3;
    key.saturating_add(value_tokens(&field.kind))
}

fn value_tokens(kind: &FieldKind) -> u64 {
    match kind {
        FieldKind::Text => 10,
        FieldKind::Date => 7,
        FieldKind::Number => 5,
        FieldKind::Integer => 3,
        FieldKind::Boolean => 1,
        FieldKind::Choice(options) => {
            let longest = options
                .iter()
                .map(|option| option.len() as u64)
                .max()
                .unwrap_or(4);
            longest / 4 + 2
        }
        FieldKind::List(inner) => {
            let item = inner.iter().map(field_tokens).fold(2_u64, u64::saturating_add);
            item.saturating_mul(ITEMS)
        }
        FieldKind::Json => 40,
    }
}

/// An answer is allowed this many times the length expected of it: a reservation may be
/// too large, but a cut-off answer is paid and worth nothing.
const ANSWER_ROOM: u64 = 4;

/// No answer is limited to less.
const LEAST_ANSWER: u64 = 2048;

/// An answer that holds the text of the document (or of a part of it) has no typical length.
const WHOLE_TEXT: u64 = 16_384;

/// The limit on each answer when the user does not say.
#[must_use]
pub fn answer_limit(template: &super::Template) -> u32 {
    let expected = expected_output_tokens(&template.schema);
    let least = if holds_text(template) {
        WHOLE_TEXT
    } else {
        LEAST_ANSWER
    };
    u32::try_from(expected.saturating_mul(ANSWER_ROOM).max(least)).unwrap_or(u32::MAX)
}

/// The least limit of a first answer.
const FIRST_ANSWER: u64 = 256;

/// The limit on answers of which none was seen yet, where the schema says how long they are: a
/// template without lists and free text. `None`: only the ceiling will do.
#[must_use]
pub fn first_answer_limit(template: &super::Template) -> Option<u32> {
    let has_no_end = |field: &Field| matches!(field.kind, FieldKind::List(_) | FieldKind::Json);
    if fields(&template.schema).iter().any(has_no_end) || holds_text(template) {
        return None;
    }
    let expected = expected_output_tokens(&template.schema);
    u32::try_from(expected.saturating_mul(ANSWER_ROOM).max(FIRST_ANSWER)).ok()
}

/// Whether answers hold the text of the document.
fn holds_text(template: &super::Template) -> bool {
    let fields = template.schema.get("properties").and_then(Value::as_object);
    fields.into_iter().flatten().any(|(_, field)| {
        field
            .get("x-docmill-merge")
            .is_some_and(|merge| merge == "concatenate")
    })
}
