//! Truthful answers about long tables: the rows that stand in the prompt, and no others.
//!
//! A row is a line whose first word or cell is a number like `R-00017`. Its cells (of a line
//! without cells: its words, the middle ones together) are the fields of the first list of
//! objects in the schema, by position.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::random::Random;

/// How rows are read.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RowReading {
    /// Share of rows (0 to 1) that are left out.
    pub drop: f64,
    /// Share of rows that are given twice.
    pub repeat: f64,
    /// Rows that are always left out, by the end of their number.
    pub never: Option<String>,
}

/// The answer to a prompt; `None` when the schema has no list of objects.
pub(super) fn answer(
    schema: &Value,
    body: &[u8],
    reading: &RowReading,
    random: &mut Random,
) -> Option<String> {
    let properties = schema.get("properties")?.as_object()?;
    let (list, fields) = properties
        .iter()
        .find_map(|(name, inner)| Some((name, fields_of(inner)?)))?;
    let mut texts = Vec::new();
    strings(&serde_json::from_slice(body).ok()?, &mut texts);
    let mut rows = Vec::new();
    for line in texts.iter().flat_map(|text| text.lines()) {
        let Some(row) = row(line, &fields) else { continue };
        let is_never = reading.never.as_deref().is_some_and(|end| {
            cells(line, fields.len())
                .first()
                .is_some_and(|number| number.ends_with(end))
        });
        if is_never || random.unit() < reading.drop {
            continue;
        }
        if random.unit() < reading.repeat {
            rows.push(row.clone());
        }
        rows.push(row);
    }
    let mut answer: Map<String, Value> = properties
        .keys()
        .map(|name| (name.clone(), Value::Null))
        .collect();
    answer.insert(list.clone(), Value::Array(rows));
    Some(Value::Object(answer).to_string())
}

/// The fields of a list of objects, and whether each is a number.
fn fields_of(schema: &Value) -> Option<Vec<(String, bool)>> {
    let items = schema.get("items")?.get("properties")?.as_object()?;
    let is_number = |schema: &Value| {
        let kind = schema.get("type").map(Value::to_string).unwrap_or_default();
        kind.contains("number") || kind.contains("integer")
    };
    Some(
        items
            .iter()
            .map(|(name, inner)| (name.clone(), is_number(inner)))
            .collect(),
    )
}

fn row(line: &str, fields: &[(String, bool)]) -> Option<Value> {
    let cells = cells(line, fields.len());
    let digits = cells.first()?.strip_prefix("R-")?;
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) || cells.len() < fields.len() {
        return None;
    }
    let value = |cell: &str, is_number: bool| match is_number {
        true => serde_json::from_str(&cell.replace(',', "")).unwrap_or(Value::Null),
        false => Value::from(cell),
    };
    let row: Map<String, Value> = fields
        .iter()
        .zip(&cells)
        .map(|((name, is_number), cell)| (name.clone(), value(cell, *is_number)))
        .collect();
    Some(Value::Object(row))
}

/// The cells of a row: of a Markdown table as they are, else two words before and two behind what
/// stands in the middle.
fn cells(line: &str, count: usize) -> Vec<String> {
    let line = line.trim();
    if let Some(cells) = line.strip_prefix('|') {
        let cells = cells.strip_suffix('|').unwrap_or(cells).split('|');
        return cells.map(|cell| cell.trim().to_owned()).collect();
    }
    let words: Vec<&str> = line.split_whitespace().collect();
    let before = (count / 2).min(words.len());
    let behind = count.saturating_sub(before + 1);
    let Some(middle) = words.len().checked_sub(before + behind) else {
        return Vec::new();
    };
    let (first, rest) = words.split_at(before);
    let (inner, last) = rest.split_at(middle);
    let cells = first.iter().map(|word| (*word).to_owned());
    cells
        .chain([inner.join(" ")])
        .chain(last.iter().map(|word| (*word).to_owned()))
        .collect()
}

fn strings(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| strings(item, found)),
        Value::Object(fields) => fields.values().for_each(|inner| strings(inner, found)),
        _ => {}
    }
}
