//! Lists that stand in a table with heads: each property of an entry from the column that is
//! called like it.

use docmill_core::page::Page;
use serde_json::{Map, Value};

use super::amounts;
use super::dates::{self, Order};
use super::field::has_type;
use super::lines::{Found, Line};

/// How columns are called in invoices, by the names that properties usually have.
const HEADS: &[(&str, &[&str])] = &[
    (
        "description",
        &[
            "description",
            "item",
            "artikel",
            "bezeichnung",
            "beschreibung",
            "leistung",
            "désignation",
            "descripción",
            "descrizione",
            "omschrijving",
            "product",
            "produkt",
            "name",
        ],
    ),
    (
        "quantity",
        &[
            "quantity",
            "qty",
            "menge",
            "anzahl",
            "quantité",
            "qté",
            "cantidad",
            "quantità",
            "aantal",
        ],
    ),
    (
        "unit_price",
        &[
            "unit price",
            "price",
            "einzelpreis",
            "preis",
            "nettopreis",
            "prix unitaire",
            "precio",
            "prezzo",
            "prijs",
            "rate",
        ],
    ),
    (
        "amount",
        &[
            "amount",
            "total",
            "betrag",
            "gesamt",
            "gesamtpreis",
            "entgelt",
            "montant",
            "importe",
            "importo",
            "bedrag",
        ],
    ),
];

/// The entries of the first table of which two columns are called like properties of an entry.
pub(super) fn entries<'p>(
    pages: impl Iterator<Item = &'p Page>,
    properties: &Map<String, Value>,
    order: Order,
) -> Vec<Found<Map<String, Value>>> {
    for page in pages {
        let mut lines = page.text.lines().peekable();
        while let Some(line) = lines.next() {
            let is_head = line.starts_with('|') && lines.peek().is_some_and(|next| is_rule(next));
            let columns = if is_head {
                columns(line, properties)
            } else {
                Vec::new()
            };
            if columns.len() < 2 {
                continue;
            }
            let rows = lines.by_ref().skip(1).take_while(|line| line.starts_with('|'));
            let entries: Vec<_> = rows
                .filter_map(|row| entry(page.number, row, &columns, order))
                .collect();
            if !entries.is_empty() {
                return entries;
            }
        }
    }
    Vec::new()
}

/// Which property stands in which column.
fn columns<'s>(head: &str, properties: &'s Map<String, Value>) -> Vec<(usize, &'s str, &'s Value)> {
    let heads: Vec<Line> = cells(head).map(|cell| Line::new(1, cell)).collect();
    let mut columns: Vec<(usize, &str, &Value)> = Vec::new();
    for (name, property) in properties {
        let spoken = name.replace(['_', '-'], " ");
        let known = HEADS
            .iter()
            .find(|(known, _)| known == name)
            .map_or(&[][..], |(_, heads)| heads);
        let called = |label: &str| {
            let free = |at: &usize| columns.iter().all(|(taken, ..)| taken != at);
            (0..heads.len())
                .filter(free)
                .find(|at| heads[*at].find(label).is_some())
        };
        let at = called(&spoken).or_else(|| known.iter().find_map(|label| called(label)));
        if let Some(at) = at {
            columns.push((at, name, property));
        }
    }
    columns
}

fn entry(
    page: u32,
    row: &str,
    columns: &[(usize, &str, &Value)],
    order: Order,
) -> Option<Found<Map<String, Value>>> {
    let cells: Vec<&str> = cells(row).collect();
    let mut entry = Map::new();
    for (at, name, property) in columns {
        let said = cells.get(*at).copied().unwrap_or_default();
        if let Some(value) = value(said, property, order) {
            entry.insert((*name).to_owned(), value);
        }
    }
    (!entry.is_empty()).then(|| Found {
        value: entry,
        page,
        quote: row.trim().to_owned(),
    })
}

/// A cell as the kind of value that a property wants.
fn value(said: &str, property: &Value, order: Order) -> Option<Value> {
    if said.is_empty() {
        return None;
    }
    if has_type(property, "number") || has_type(property, "integer") {
        // Exactly, where it is a plain number: quantities and prices have more than two decimals.
        let plain = said.parse::<f64>().ok().filter(|number| number.is_finite());
        let whole = plain.filter(|number| number.fract() == 0.0 && number.abs() < 9e15);
        #[expect(clippy::cast_possible_truncation, reason = "it is whole and below 2^53")]
        let plain = match whole {
            Some(number) => Some(Value::from(number as i64)),
            None if has_type(property, "number") => plain.map(Value::from),
            None => None,
        };
        return plain.or_else(|| {
            amounts::of(said)
                .first()
                .map(|amount| amounts::json(amount.cents))
        });
    }
    if property.get("format").and_then(Value::as_str) == Some("date") {
        return dates::of(said, order)
            .into_iter()
            .next()
            .map(|date| Value::from(date.iso));
    }
    has_type(property, "string").then(|| Value::from(said))
}

fn cells(row: &str) -> impl Iterator<Item = &str> {
    row.trim().trim_matches('|').split('|').map(str::trim)
}

fn is_rule(line: &str) -> bool {
    line.starts_with('|') && line.contains("---") && line.chars().all(|c| "|-: ".contains(c))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::offline::page_of;

    fn read(text: &str, properties: &Value) -> Vec<Value> {
        let page = page_of(text);
        let properties = properties.as_object().unwrap();
        let found = entries([&page].into_iter(), properties, Order::DayFirst);
        found
            .into_iter()
            .map(|entry| Value::Object(entry.value))
            .collect()
    }

    #[test]
    fn columns_are_told_by_their_heads() {
        let properties = json!({
            "description": {"type": "string"}, "quantity": {"type": "number"}, "amount": {"type": ["number", "null"]},
        });
        let text = "| Pos | Beschreibung | Menge | Betrag |\n| --- | --- | --- | --- |\n| 1 | Nägel | 2.5 | 1.234,50 |\n| 2 | Bretter | | 7,00 |\n\nx";
        assert_eq!(
            read(text, &properties),
            [
                json!({"description": "Nägel", "quantity": 2.5, "amount": 1234.5}),
                json!({"description": "Bretter", "amount": 7}),
            ]
        );
    }

    #[test]
    fn properties_of_the_users_own_are_found_by_their_names() {
        let properties =
            json!({"serial_number": {"type": "string"}, "built": {"type": "string", "format": "date"}});
        let text = "| Serial No | Serial Number | Built |\n| --- | --- | --- |\n| 1 | A-7 | 3 May 2024 |";
        assert_eq!(
            read(text, &properties),
            [json!({"serial_number": "A-7", "built": "2024-05-03"})]
        );
        assert!(read("| Built | x |\n| --- | --- |\n| 2024-05-03 | y |", &properties).is_empty());
    }
}
