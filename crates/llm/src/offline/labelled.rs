//! Values that are told by a label: right of it, in the cell beside it, or below it.

use serde_json::Value;

use super::amounts;
use super::dates::{self, Date, Order};
use super::field::Field;
use super::fields::Document;
use super::lines::{Found, Line};

/// Words before "date" that make it another date than the document's own.
const OTHER_DATES: &[&str] = &[
    "due",
    "delivery",
    "order",
    "ship",
    "shipping",
    "service",
    "supply",
    "period",
    "start",
    "end",
    "expiry",
    "expires",
    "valid",
    "birth",
    "check in",
    "check out",
    "payment",
    "version",
    "from",
    "until",
    "liefer",
    "leistungs",
    "leistung",
    "bestell",
    "bestellung",
    "auftrag",
    "auftrags",
    "fällig",
    "fälligkeit",
    "lieferschein",
    "gültig",
    "bis",
    "stand",
    "geburts",
    "zahlbar",
    "skonto",
    "zeitraum",
    "livraison",
    "commande",
    "échéance",
    "naissance",
    "entrega",
    "pedido",
    "vencimiento",
    "consegna",
    "ordine",
    "scadenza",
    "lever",
];

/// Words of a line that says what kind of document it is: its date is the document's.
const TITLES: &[&str] = &[
    "invoice",
    "receipt",
    "rechnung",
    "beitragsrechnung",
    "gutschrift",
    "quittung",
    "facture",
    "avoir",
    "factuur",
    "factura",
    "fattura",
    "credit note",
    "bill",
    // Also at the end of a longer word, as in "Warenrechnung Nr. 7".
    "rechnung nr",
    "rechnung vom",
    "date",
    "datum",
];

/// Words before a number that make it another number than the document's own.
const OTHER_NUMBERS: &[&str] = &[
    "customer",
    "client",
    "account",
    "order",
    "tax",
    "vat",
    "phone",
    "fax",
    "tel",
    "delivery",
    "reference",
    "kunden",
    "kunde",
    "bestell",
    "auftrag",
    "auftrags",
    "lieferschein",
    "lieferanten",
    "lief",
    "steuer",
    "ust",
    "konto",
    "artikel",
    "art",
    "pos",
    "telefon",
    "handelsregister",
    "hrb",
    "globale",
    "reg",
    "commande",
    "article",
    "compte",
    "siren",
    "siret",
    "tva",
    "klant",
    "cliente",
    "pedido",
    "ordine",
    "abteilung",
    "bank",
    "page",
    "seite",
];

impl Document<'_> {
    /// Lines on which one of the labels stands, the most telling label first, and where it ends.
    pub(super) fn labelled(&self, labels: &[String]) -> Vec<(usize, usize)> {
        let at = self.labels_at(labels);
        at.into_iter().map(|(line, _, end)| (line, end)).collect()
    }

    /// The same with where the label begins.
    fn labels_at(&self, labels: &[String]) -> Vec<(usize, usize, usize)> {
        let mut places: Vec<(usize, usize, usize)> = Vec::new();
        let mut seen = vec![false; self.lines.len()];
        for label in labels {
            for (index, line) in self.lines.iter().enumerate() {
                if !seen[index]
                    && let Some((start, end)) = line.find(label)
                {
                    seen[index] = true;
                    places.push((index, start, end));
                }
            }
        }
        places
    }

    /// The date beside a label, else the one that is most likely the document's own.
    pub(super) fn date(&self, field: &Field<'_>) -> Option<Found<String>> {
        for (index, start, end) in self.labels_at(&field.labels()) {
            let line = &self.lines[index];
            if !field.labelled_only() && before_in_cell(line, start, OTHER_DATES) {
                continue;
            }
            let after = line.offset(end);
            let dates = dates::of(&line.text, self.order);
            if let Some(date) = dates.iter().find(|date| date.start >= after) {
                return Some(found_date(line, date));
            }
            // Below the label, as in a table's head: in its column, else wherever on the line.
            let below = self.lines.get(index + 1).filter(|below| below.page == line.page);
            if let Some(below) = below {
                let dates = dates::of(&below.text, self.order);
                let column = line
                    .cell_at(line.offset(start))
                    .and_then(|cell| below.in_column(cell));
                let inside = |date: &&Date| {
                    column.is_some_and(|cell| cell.start <= date.start && date.end <= cell.end)
                };
                if let Some(date) = dates.iter().find(inside).or(dates.first()) {
                    return Some(found_date(below, date));
                }
            }
        }
        if field.labelled_only() {
            return None;
        }
        self.likeliest_date()
    }

    /// Of all dates the one that most looks like the document's own; the first of equal ones.
    fn likeliest_date(&self) -> Option<Found<String>> {
        let mut best: Option<(i32, Found<String>)> = None;
        for (index, line) in self.lines.iter().enumerate() {
            // A word in a sentence says nothing about a date in the same sentence.
            let is_short = line.text.chars().count() <= 80;
            for date in dates::of(&line.text, self.order) {
                let printed = &line.text[date.start..date.end];
                let digits = printed.bytes().filter(u8::is_ascii_digit).count();
                let year: i32 = date.iso.get(..4).and_then(|year| year.parse().ok()).unwrap_or(0);
                let score = 3 * i32::from(is_short && line.has_any(TITLES))
                    + 2 * i32::from(digits >= 8 || printed.chars().any(char::is_alphabetic))
                    + 2 * i32::from(begins_with_time(&line.text[date.end..]))
                    + i32::from(index < self.lines.len() / 3)
                    - 4 * i32::from(is_short && line.has_any(OTHER_DATES))
                    - 4 * i32::from(!(1995..=2040).contains(&year));
                if best.as_ref().is_none_or(|(known, _)| score > *known) {
                    best = Some((score, found_date(line, &date)));
                }
            }
        }
        best.map(|(_, found)| found)
    }

    /// A number or code right of its label (or below it): something with a digit in it.
    pub(super) fn number(&self, field: &Field<'_>) -> Option<Found<String>> {
        for (index, start, end) in self.labels_at(&field.labels()) {
            let line = &self.lines[index];
            if before_in_cell(line, start, OTHER_NUMBERS) {
                continue;
            }
            if let Some(code) = code_in(line.from(end), self.order) {
                return Some(Found::new(code.to_owned(), line, code));
            }
            let alone = line.from(end).chars().filter(|c| c.is_alphanumeric()).count() <= 30;
            let cell = line.cell_at(line.offset(start)).filter(|_| alone);
            let below = self.lines[index + 1..].iter().take(2);
            for below in below.take_while(|below| below.page == line.page) {
                let Some(cell) = cell else { break };
                let column = below.in_column(cell).map(|cell| below.said(cell));
                let said = column.or((below.cells.len() == 1).then_some(below.text.as_str()));
                if let Some(code) = said.and_then(|said| code_in(said, self.order)) {
                    return Some(Found::new(code.to_owned(), below, code));
                }
            }
        }
        None
    }

    /// What is printed after a label: the rest of the line, or the next line when there is none.
    pub(super) fn labelled_name(&self, field: &Field<'_>) -> Option<Found<String>> {
        for (index, end) in self.labelled(&field.labels()) {
            let line = &self.lines[index];
            // "Buyer/Recipient" is one label.
            let joined = line
                .from(end)
                .chars()
                .take_while(|c| *c == '/' || (c.is_alphabetic() && line.from(end).starts_with('/')))
                .count();
            let end = end + joined;
            let rest = line.from(end);
            // A value follows a colon or a wide gap; otherwise the label is part of a sentence.
            let marked = rest.starts_with("   ") || rest.trim_start().starts_with([':', '|', '#']);
            let value = cell(rest);
            if marked && value.chars().any(char::is_alphabetic) {
                return Some(Found::new(value.to_owned(), line, value));
            }
            if let Some(found) = self.below(index, end, value.is_empty()) {
                return Some(found);
            }
        }
        None
    }

    /// The first of the choices that stands behind one of the labels.
    pub(super) fn choice(&self, field: &Field<'_>) -> Option<Found<Value>> {
        let choices = field.strings("enum");
        self.labelled(&field.labels())
            .into_iter()
            .find_map(|(index, end)| {
                let line = &self.lines[index];
                let rest = line.from(end).to_lowercase();
                let mut words = rest.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '-');
                let chosen =
                    words.find_map(|word| choices.iter().find(|choice| choice.to_lowercase() == word))?;
                Some(Found::new(Value::from(chosen.clone()), line, chosen))
            })
    }

    /// What stands below a label in its column: the value of a "Name:" within a few lines, else
    /// the next line when the label had its line (or its cell) to itself.
    fn below(&self, index: usize, end: usize, label_alone: bool) -> Option<Found<String>> {
        let line = &self.lines[index];
        let column = line.text[..line.offset(end)].matches("   ").count();
        let alone = label_alone || line.from(end).is_empty() || line.from(end).starts_with("   ");
        if !alone {
            return None;
        }
        let below = || {
            self.lines[index + 1..]
                .iter()
                .take(5)
                .take_while(|below| below.page == line.page)
        };
        let in_column = |below: &Line| {
            let cells: Vec<String> = below
                .text
                .split("   ")
                .map(|cell| cell.trim().to_owned())
                .collect();
            cells.get(column).or(cells.first()).cloned().unwrap_or_default()
        };
        for line in below() {
            // Label and value are cells of their own: "Name:   Blue Heron   Name:   Ann Roe".
            let labels: Vec<(usize, &str)> = line.text.match_indices("Name:").collect();
            let at = labels.get(column).or(labels.first()).map(|(at, _)| at + 5);
            if let Some(value) = at
                .and_then(|at| line.text.get(at..))
                .map(cell)
                .filter(|value| value.chars().any(char::is_alphabetic))
            {
                return Some(Found::new(value.to_owned(), line, value));
            }
        }
        let next = below().next()?;
        let value = in_column(next);
        let value = value.trim_matches(|c: char| c.is_whitespace() || "|:,;".contains(c));
        let says = value.chars().filter(|c| c.is_alphabetic()).count() >= 2 && !value.contains(':');
        says.then(|| Found::new(value.to_owned(), next, value))
    }

    /// A person's name: after a label, else the first line that is two to four capitalised words.
    pub(super) fn person(&self, field: &Field<'_>) -> Option<Found<String>> {
        self.labelled_name(field).or_else(|| {
            let line = self.lines.iter().take(6).find(|line| {
                let words: Vec<&str> = line.text.split_whitespace().collect();
                (2..=4).contains(&words.len())
                    && line.digits() == 0
                    && words.iter().all(|word| word.starts_with(char::is_uppercase))
            })?;
            Some(Found::new(line.text.clone(), line, &line.text))
        })
    }

    /// What is listed after a label: "Skills: a, b, c", or the lines below it.
    pub(super) fn list(&self, field: &Field<'_>) -> Vec<Found<String>> {
        let Some((index, end)) = self.labelled(&field.labels()).into_iter().next() else {
            return Vec::new();
        };
        let line = &self.lines[index];
        let rest = line.from(end).trim_start_matches([':', ' ']);
        let source: Vec<&Line> = if rest.is_empty() {
            self.lines[index + 1..]
                .iter()
                .take(6)
                .take_while(|line| line.page == self.lines[index].page)
                .collect()
        } else {
            vec![line]
        };
        let mut found = Vec::new();
        for (at, line) in source.into_iter().enumerate() {
            let text = if at == 0 && !rest.is_empty() {
                rest
            } else {
                &line.text
            };
            for item in text
                .split([',', ';', '•', '|'])
                .map(|item| item.trim_matches(|c: char| c.is_whitespace() || "-–*.".contains(c)))
            {
                if item.chars().any(char::is_alphabetic) && item.len() <= 60 {
                    found.push(Found::new(item.to_owned(), line, item));
                }
            }
        }
        found
    }
}

/// Whether one of these words stands before a character, in the same cell.
fn before_in_cell(line: &Line, character: usize, words: &[&str]) -> bool {
    let at = line.offset(character);
    let start = line
        .cells
        .iter()
        .rev()
        .find(|cell| cell.start <= at)
        .map_or(0, |cell| cell.start);
    let before = Line::new(line.page, line.text.get(start..at).unwrap_or_default());
    before.has_any(words)
}

/// Whether a text begins with a time of day.
fn begins_with_time(text: &str) -> bool {
    let text = text.trim_start();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    (1..=2).contains(&digits) && text[digits..].starts_with([':', '.'])
}

fn found_date(line: &Line, date: &Date) -> Found<String> {
    Found::new(date.iso.clone(), line, &line.text[date.start..date.end])
}

/// The first cell of what follows a label.
fn cell(text: &str) -> &str {
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || ":|#.".contains(c));
    let end = text
        .find("   ")
        .or_else(|| text.find(" | "))
        .unwrap_or(text.len());
    text[..end].trim_matches(|c: char| c.is_whitespace() || "|:,;".contains(c))
}

/// The first word with a digit that can be a number: no date, no amount of money, not a bare year.
fn code_in(text: &str, order: Order) -> Option<&str> {
    let dates = dates::of(text, order);
    let mut offset = 0;
    for word in text.split([' ', '\t', '|', ',']) {
        let start = offset;
        offset += word.len() + 1;
        let bare = word.trim_matches(|c: char| "()[]:#.;*".contains(c));
        let digits = bare.chars().filter(char::is_ascii_digit).count();
        let in_date = dates
            .iter()
            .any(|date| start < date.end && date.start < start + word.len());
        if digits == 0 || bare.len() < 2 || in_date || bare.contains(['€', '$', '%']) {
            // Words between label and number ("no.", "nr") are stepped over, but not sentences.
            if bare.chars().filter(|c| c.is_alphabetic()).count() > 12 {
                return None;
            }
            continue;
        }
        let money = amounts::of(word).first().is_some_and(|amount| amount.certain);
        if !money {
            return Some(bare);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::offline::{extract, page_of};

    fn filled(text: &str) -> serde_json::Value {
        let field = |kind: &str, aliases: &[&str]| json!({"type": "string", "x-docmill-type": kind, "x-docmill-aliases": aliases});
        let schema = json!({"type": "object", "properties": {
            "number": field("number", &["invoice no", "rechnung nr", "nr."]),
            "issued": field("date", &["invoice date", "date", "datum"]),
        }});
        extract(&schema, &[page_of(text)]).0
    }

    #[test]
    fn other_numbers_and_dates_are_not_the_documents_own() {
        let data = filled(
            "Kunden-Nr. 009420   Bestell-Datum: 01.08.2023\nWarenrechnung Nr. R8765 vom 06.08.2023\nLiefer-Datum: 05.08.2023",
        );
        assert_eq!(data, json!({"number": "R8765", "issued": "2023-08-06"}));
    }

    #[test]
    fn values_stand_below_their_labels_in_their_column() {
        let data = filled("Account   Invoice No   Invoice Date\nA-17   B-42   3 May 2024");
        assert_eq!(data, json!({"number": "B-42", "issued": "2024-05-03"}));
    }

    #[test]
    fn the_likeliest_date_wins_where_no_label_tells() {
        let data = filled("Valid until 01.01.2030\nTel 22.05.95\n30/03/2018 12:36 till 7");
        assert_eq!(data["issued"], "2018-03-30");
    }
}
