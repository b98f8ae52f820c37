//! Lists: the lines of a document that are entries of a table: some words, then amounts.

use serde_json::{Map, Value};

use super::amounts::{self, Amount};
use super::dates::{self, Order};
use super::lines::{Found, Line};

/// Lines that are sums, payments or heads, not entries.
const NOT_AN_ENTRY: &[&str] = &[
    "total",
    "subtotal",
    "sub-total",
    "sub total",
    "tax",
    "vat",
    "gst",
    "mwst",
    "ust",
    "tva",
    "cash",
    "change",
    "balance",
    "amount due",
    "rounding",
    "discount",
    "summe",
    "gesamt",
    "gesamtbetrag",
    "zwischensumme",
    "netto",
    "brutto",
    "gegeben",
    "rückgeld",
    "bar",
    "montant",
    "rendu",
    "visa",
    "mastercard",
    "card",
    "payment",
    "saldo",
    "solde",
    "tel",
    "fax",
    "phone",
    "date",
    "invoice",
    "rechnung",
    "facture",
    "page",
    "iban",
    "bic",
    "steuer",
    "rabatt",
    "tender",
    "paid",
    "nett",
];

/// The entries, each as an object of the fields that `wanted` names.
pub(super) fn entries(lines: &[Line], wanted: &[String], order: Order) -> Vec<Found<Map<String, Value>>> {
    let wants = |field: &str| wanted.iter().any(|name| name == field);
    let mut entries = Vec::new();
    for line in lines {
        if NOT_AN_ENTRY.iter().any(|word| line.find(word).is_some()) {
            continue;
        }
        let date = if wants("date") {
            dates::of(&line.text, order).into_iter().next()
        } else {
            None
        };
        if wants("date") && date.is_none() {
            continue;
        }
        let amounts: Vec<Amount> = amounts::of(&line.text)
            .into_iter()
            .filter(|amount| {
                date.as_ref()
                    .is_none_or(|date| amount.start >= date.end || amount.end <= date.start)
            })
            .collect();
        let Some(last) = amounts.iter().rev().find(|amount| amount.certain) else {
            continue;
        };
        let from = date
            .as_ref()
            .filter(|date| date.start < 4)
            .map_or(0, |date| date.end);
        let Some(description) = description(&line.text, from, &amounts) else {
            continue;
        };
        let mut entry = Map::new();
        let mut put = |field: &str, value: Value| {
            if wants(field) {
                entry.insert(field.to_owned(), value);
            }
        };
        if let Some(date) = &date {
            put("date", Value::from(date.iso.clone()));
        }
        put("description", Value::from(description));
        let money: Vec<&Amount> = amounts.iter().filter(|amount| amount.certain).collect();
        if wants("balance") && money.len() >= 2 {
            put("balance", amounts::json(last.cents));
            put("amount", amounts::json(money[money.len() - 2].cents));
        } else {
            put("amount", amounts::json(last.cents));
        }
        if let Some((quantity, unit)) = multiplied(&amounts, last) {
            put("quantity", amounts::json(quantity));
            put("unit_price", amounts::json(unit));
        }
        entries.push(Found::new(entry, line, &line.text));
    }
    entries
}

/// The words before the amounts.
fn description(text: &str, from: usize, amounts: &[Amount]) -> Option<String> {
    let end = amounts
        .iter()
        .filter(|amount| amount.certain && amount.start > from)
        .map(|amount| amount.start)
        .min()?;
    let words = text
        .get(from..end)?
        .trim_matches(|c: char| c.is_whitespace() || "|*-:$€£x@".contains(c));
    let words = words.trim_end_matches(" RM").trim_end_matches(" EUR").trim();
    let letters = words.chars().filter(|c| c.is_alphabetic()).count();
    (letters >= 2 && words.len() <= 160).then(|| {
        words
            .split('|')
            .map(str::trim)
            .filter(|cell| !cell.is_empty())
            .collect::<Vec<_>>()
            .join(" ")
    })
}

/// A quantity and a price whose product is the line's amount.
fn multiplied(amounts: &[Amount], total: &Amount) -> Option<(i64, i64)> {
    for first in amounts {
        for second in amounts {
            let distinct =
                first.start != second.start && first.start != total.start && second.start != total.start;
            if distinct
                && !first.certain
                && second.certain
                && first.cents > 0
                && first.cents.checked_mul(second.cents)? == total.cents.checked_mul(100)?
            {
                return Some((first.cents, second.cents));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_told_from_sums() {
        let lines: Vec<Line> = [
            "2 x Coffee 3.50 7.00",
            "| Bread | 1 | 2.50 |",
            "TOTAL 9.50",
            "CASH 10.00",
        ]
        .map(|text| Line::new(1, text))
        .into();
        let wanted = ["description", "amount"].map(str::to_owned);
        let entries = entries(&lines, &wanted, Order::DayFirst);
        assert_eq!(entries.len(), 2, "{entries:?}");
        assert_eq!(entries[0].value["amount"], Value::from(7));
        assert_eq!(entries[1].value["description"], Value::from("Bread 1"));
    }
}
