//! Values while a rule is evaluated.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;
use serde_json::Value as Json;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// Not there, null, or something no rule can reckon with. Spreads through everything.
    Missing,
    Truth(bool),
    Number(Number),
    Text(String),
    List(Vec<Value>),
}

/// A number, and how many values were summed up to get it: each may have been rounded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Number {
    pub(super) amount: Decimal,
    pub(super) summed: u32,
}

impl Number {
    pub(super) fn new(amount: Decimal) -> Self {
        Self { amount, summed: 0 }
    }

    /// What two numbers may differ by and still count as equal:
    /// max(0.01, half a cent for each value summed up).
    pub(super) fn tolerance(self, other: Self) -> Decimal {
        let cent = Decimal::new(1, 2);
        let halves = Decimal::new(5, 3) * Decimal::from(self.summed.saturating_add(other.summed));
        cent.max(halves)
    }
}

/// Items of one field over nested lists; more are not worth a check.
const MAX_ITEMS: usize = 100_000;

/// The value of a field; names go through lists by themselves.
pub(super) fn field(data: &Json, names: &[String]) -> Value {
    let Some((name, rest)) = names.split_first() else {
        return of_json(data);
    };
    match data {
        Json::Object(object) => object
            .get(name)
            .map_or(Value::Missing, |inner| field(inner, rest)),
        Json::Array(items) => {
            let mut found = Vec::with_capacity(items.len());
            for item in items.iter().take(MAX_ITEMS) {
                match field(item, names) {
                    Value::List(inner) => found.extend(inner),
                    other => found.push(other),
                }
            }
            found.truncate(MAX_ITEMS);
            Value::List(found)
        }
        _ => Value::Missing,
    }
}

fn of_json(json: &Json) -> Value {
    match json {
        Json::Bool(truth) => Value::Truth(*truth),
        Json::Number(number) => number_of(&number.to_string()).map_or(Value::Missing, Value::Number),
        Json::String(text) => Value::Text(text.clone()),
        Json::Array(items) => Value::List(items.iter().take(MAX_ITEMS).map(of_item).collect()),
        // An object is there, but nothing can be reckoned with it.
        Json::Object(_) => Value::Text(String::from("{…}")),
        Json::Null => Value::Missing,
    }
}

/// Items that are lists or objects only count.
fn of_item(json: &Json) -> Value {
    match json {
        Json::Array(_) => Value::Text(String::from("[…]")),
        other => of_json(other),
    }
}

pub(super) fn number_of(text: &str) -> Option<Number> {
    let text = text.trim();
    let parsed = Decimal::from_str(text).or_else(|_| Decimal::from_scientific(text));
    parsed.ok().map(Number::new)
}

/// Whether text begins like 2024-03-05, so that comparing letters compares dates.
pub(super) fn is_iso_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() >= 10
        && bytes
            .iter()
            .take(10)
            .enumerate()
            .all(|(index, byte)| match index {
                4 | 7 => *byte == b'-',
                _ => byte.is_ascii_digit(),
            })
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("not there"),
            Self::Truth(truth) => write!(f, "{truth}"),
            Self::Number(number) => write!(f, "{}", number.amount.normalize()),
            Self::Text(text) if text.chars().count() > 60 => {
                let short: String = text.chars().take(60).collect();
                write!(f, "{short:?}…")
            }
            Self::Text(text) => write!(f, "{text:?}"),
            Self::List(items) => write!(f, "a list of {}", items.len()),
        }
    }
}
