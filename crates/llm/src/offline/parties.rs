//! Who is named in a block of a document: under "Seller", "Bill to", "Käufer".

use super::fields::Document;
use super::header;
use super::lines::{Cell, Found, Line};

/// Lines below a label that may belong to its block.
const BLOCK: usize = 7;

/// Words that tell what a line is about: no name of a party begins with one.
const NOT_A_PARTY: &[&str] = &[
    "nummer",
    "number",
    "no",
    "nr",
    "id",
    "gln",
    "gtin",
    "page",
    "seite",
    "date",
    "datum",
    "invoice",
    "rechnung",
    "tel",
    "telefon",
    "telephone",
    "phone",
    "fax",
    "mail",
    "e-mail",
    "email",
    "vat",
    "ust",
    "ust-idnr",
    "tva",
    "siret",
    "siren",
    "account",
    "address",
    "adresse",
    "lieferschein",
    "copy",
    "customer",
    "kunde",
    "kundennummer",
    "client",
    "total",
    "tax",
    "steuernummer",
    "reference",
    "referenz",
    "order",
    "bestellung",
    "auftrag",
    "abteilung",
    "department",
    "payment",
    "description",
    "beschreibung",
    "ship to",
    "bill to",
    "rechnungsempfänger",
    "warenempfänger",
    "p.o",
    "street",
    "contact",
    "ansprechpartner",
];

/// Labels that stand beside or above each other: alone they are no name.
const LABELS: &[&str] = &[
    "käufer",
    "verkäufer",
    "lieferant",
    "kunde",
    "seller",
    "buyer",
    "supplier",
    "vendor",
    "client",
    "customer",
    "vendeur",
    "acheteur",
    "fournisseur",
    "name",
    "rooms",
    "description",
    "amount",
    "rate",
];

/// What stands before the name of a person, on a line of its own.
const SALUTATIONS: &[&str] = &[
    "herrn", "herr", "frau", "firma", "mr", "mrs", "ms", "monsieur", "madame",
];

impl Document<'_> {
    /// The name that stands beside or below one of these labels.
    pub(super) fn party(&self, labels: &[String]) -> Option<Found<String>> {
        labels.iter().find_map(|label| {
            let places = self.lines.iter().enumerate();
            places.into_iter().find_map(|(index, line)| {
                let (start, end) = line.find(label)?;
                self.named_at(index, line.offset(start), line.offset(end))
            })
        })
    }

    /// The name that a label from here to there tells of, when it is a label.
    fn named_at(&self, index: usize, start: usize, end: usize) -> Option<Found<String>> {
        let line = &self.lines[index];
        let cell = line.cell_at(start)?;
        // In the middle of a cell it is a word of a sentence.
        if line.text[cell.start..start].chars().any(char::is_alphanumeric) {
            return None;
        }
        let rest = line.text.get(end..cell.end)?;
        // "Buyer/Recipient", "Buyer/Recipient:" and "Bill To Address:" are one label.
        let rest = match rest.strip_prefix('/') {
            Some(other) => other.trim_start_matches(|c: char| c.is_alphabetic() || c == '-'),
            None => rest,
        };
        let colon = rest
            .find(':')
            .filter(|at| rest[..*at].chars().filter(|c| c.is_alphabetic()).count() <= 25);
        let said = rest.get(colon.map_or(0, |at| at + 1)..).unwrap_or_default();
        let said = said
            .trim_start_matches(|c: char| c.is_whitespace() || "|#.-".contains(c))
            .trim_end_matches(|c: char| c.is_whitespace() || "|,;".contains(c));
        if !said.is_empty() {
            // Without a mark between them, label and words are a sentence.
            let marked = colon.is_some() || rest.trim_start().starts_with(['|', '#', '-']);
            return if marked && is_name(said) {
                Some(Found::new(said.to_owned(), line, said))
            } else {
                None
            };
        }
        if let Some(found) = self.named_below(index, cell) {
            return Some(found);
        }
        let beside = line.cells.iter().find(|other| other.start >= cell.end)?;
        let said = line.said(beside);
        (is_name(said) && !said.ends_with(':')).then(|| Found::new(said.to_owned(), line, said))
    }

    /// The first name in the column below a label, within its block.
    fn named_below(&self, index: usize, label: &Cell) -> Option<Found<String>> {
        let page = self.lines[index].page;
        let block = self.lines[index + 1..]
            .iter()
            .take(BLOCK)
            .take_while(|line| line.page == page);
        let mut before: Option<(&Line, &str)> = None;
        for line in block {
            let Some(cell) = line.in_column(label) else {
                continue;
            };
            let said = line.said(cell);
            let value = match said.split_once(':') {
                Some((key, value)) if key.trim().eq_ignore_ascii_case("name") => match value.trim() {
                    "" => line
                        .cells
                        .iter()
                        .find(|other| other.start >= cell.end)
                        .map_or("", |it| line.said(it)),
                    value => value,
                },
                Some(_) => continue,
                None => said,
            };
            let bare = value.trim_end_matches('.').to_lowercase();
            if SALUTATIONS.contains(&bare.as_str()) {
                before = Some((line, value));
                continue;
            }
            if !is_name(value) {
                continue;
            }
            let name = match before {
                Some((_, salutation)) => format!("{salutation} {value}"),
                None => header::with_its_form(&self.lines, line, cell, value),
            };
            return Some(Found::new(name, line, value));
        }
        None
    }
}

/// Whether a text can be the name of a person or a company.
pub(super) fn is_name(text: &str) -> bool {
    let line = Line::new(1, text);
    let begins_with = |word: &&str| line.find(word).is_some_and(|(start, _)| start == 0);
    line.letters() >= 3
        && line.letters() > line.digits()
        && text.chars().count() <= 80
        && !text.contains(['@', ':', '€', '$', '%'])
        && !text.contains("www.")
        && !LABELS
            .iter()
            .any(|label| label.eq_ignore_ascii_case(text.trim()) || *label == text.trim().to_lowercase())
        && !NOT_A_PARTY.iter().any(begins_with)
        && !header::is_address(&line)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::offline::{extract, page_of};

    fn parties(text: &str) -> (Value, Value) {
        let page = page_of(text);
        let field = |kind: &str, aliases: &[&str]| json!({"type": "string", "x-docmill-type": kind, "x-docmill-aliases": aliases});
        let schema = json!({"type": "object", "properties": {
            "seller_name": field("company", &["seller", "verkäufer", "lieferant"]),
            "buyer_name": field("name", &["bill to", "käufer"]),
        }});
        let (data, _) = extract(&schema, &[page]);
        (data["seller_name"].clone(), data["buyer_name"].clone())
    }

    #[test]
    fn names_stand_in_blocks_below_numbers() {
        let text = "Invoice 7\n\nVerkäufer:\nNummer : 549910\nGlobale Nummer: 433374100\nMühle Nord GmbH\nMühlweg 3\n\nKäufer/Leistungsempfänger:\nNummer : GE20\nHerrn\nPeter Krug\nAm Tor 1";
        assert_eq!(
            parties(text),
            (json!("Mühle Nord GmbH"), json!("Herrn Peter Krug"))
        );
    }

    #[test]
    fn names_stand_behind_their_own_label_and_run_over_two_lines() {
        let text = "Verkäufer\nNummer:   549\nName:   Mühle Nord\nKäufer/Empfänger:\nNordsee Müller\nVersicherungsverein a.G.\nAm Tor 1";
        assert_eq!(
            parties(text),
            (
                json!("Mühle Nord"),
                json!("Nordsee Müller Versicherungsverein a.G.")
            )
        );
    }

    #[test]
    fn names_stand_in_columns_under_a_head() {
        let text = "| Lieferant | Käufer | Seite 1 |\n| GLN 4333741 | GLN 4304171 | |\n| MILL NORTH LTD | BLUE HERON LLC | No 7 |";
        assert_eq!(parties(text), (json!("MILL NORTH LTD"), json!("BLUE HERON LLC")));
    }

    #[test]
    fn a_label_in_a_sentence_is_none() {
        let text = "Blue Heron Ltd\n12 Mill Street\nThe seller keeps title.\nBill to: Ann Roe\nTotal 7.00";
        assert_eq!(parties(text), (json!("Blue Heron Ltd"), json!("Ann Roe")));
    }
}
