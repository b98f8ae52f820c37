//! Grounding: what is printed is found in whatever form, what is not printed is flagged.

use docmill_core::extraction::Evidence;
use docmill_core::ground::{Grounded, ground};
use docmill_core::page::{BBox, Page, TextOrigin, Word};
use proptest::prelude::*;
use serde_json::{Value, json};

fn page(number: u32, text: &str) -> Page {
    Page {
        number,
        label: None,
        width: 595.0,
        height: 842.0,
        text: text.to_owned(),
        words: Vec::new(),
        origin: TextOrigin::Native,
    }
}

/// A page whose words stand on a grid: 6 points per letter, 12 per line.
fn page_with_words(number: u32, text: &str) -> Page {
    let mut words = Vec::new();
    let mut start = None;
    let (mut line, mut column) = (0_u16, 0_u16);
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        if c.is_whitespace() {
            if let Some((from, line, first)) = start.take() {
                words.push(Word {
                    start: u32::try_from(from).unwrap_or(u32::MAX),
                    end: u32::try_from(at).unwrap_or(u32::MAX),
                    bbox: BBox {
                        x0: f32::from(first) * 6.0,
                        y0: f32::from(line) * 12.0,
                        x1: f32::from(column) * 6.0,
                        y1: f32::from(line) * 12.0 + 10.0,
                    },
                    confidence: None,
                });
            }
        } else if start.is_none() {
            start = Some((at, line, column));
        }
        column += 1;
        if c == '\n' {
            line += 1;
            column = 0;
        }
    }
    Page {
        words,
        ..page(number, text)
    }
}

fn find(data: &Value, pages: &[Page]) -> Grounded {
    ground(data, &json!({}), pages, &[])
}

/// The quote for a single value on a single page.
fn quote(value: Value, text: &str) -> Option<String> {
    let found = find(&json!({ "value": value }), &[page(1, text)]);
    found.evidence.into_iter().next().map(|evidence| evidence.quote)
}

#[test]
fn texts_are_found_whatever_their_case_accents_blanks_and_quotes() {
    for (value, text, quoted) in [
        ("Acme GmbH", "from Acme GmbH, Berlin", "Acme GmbH"),
        ("Acme GmbH", "from ACME   GMBH, Berlin", "ACME   GMBH"),
        ("Acme GmbH", "from Acme\nGmbH", "Acme\nGmbH"),
        ("Müller & Söhne", "MULLER & SOHNE", "MULLER & SOHNE"),
        ("Strasse 5", "Straße 5", "Straße 5"),
        ("the office", "the oﬃce", "the oﬃce"),
        ("Rock 'n' Roll", "Rock ‘n’ Roll", "Rock ‘n’ Roll"),
        ("A-1 B", "A–1 B", "A–1 B"),
        ("invoice", "this in-\n  voice is", "in-\n  voice"),
        ("ABC１２", "abc12 x", "abc12"),
        ("café", "cafe\u{301} noir", "cafe\u{301}"),
        ("co\u{ad}operation", "cooperation", "cooperation"),
        ("Hello World Ltd", "HelloWorld Ltd.", "HelloWorld Ltd"),
        ("Helloworld", "Hello world", "Hello world"),
        ("東京都", "〒100 東京都千代田区", "東京都"),
        (
            "12 Main Street, Springfield, IL",
            "12 Main Street   Tel 555\nSpringfield, IL",
            "12 Main Street   Tel 555\nSpringfield, IL",
        ),
        ("€", "costs 5 €", "€"),
        ("14:30", "at 14:30 h", "14:30"),
        ("EUR", "12,50 €", "€"),
        ("MYR", "TOTAL RM 9.00", "RM"),
    ] {
        assert_eq!(
            quote(json!(value), text).as_deref(),
            Some(quoted),
            "{value:?} in {text:?}"
        );
    }
}

#[test]
fn only_whole_words_count() {
    for (value, text) in [
        (json!("12"), "125 and 312 and A12 and 12.50 and 1,12"),
        (json!("art"), "party starts"),
        (json!(12), "125 and 3.12 and 12.50 and INVOICE12"),
        (json!("239.00"), "1,239.00"),
        (json!(239), "1,239.00"),
        (json!("Acme"), "AcmeCorp"),
        (json!("2024-03-05"), "2024-03-06 and 5.4.2024 and 5.3.2023"),
        (
            json!("one two three four"),
            "one 1 2 3 two 4 5 6 three 7 8 9 four",
        ),
        (json!("made up"), ""),
    ] {
        assert_eq!(quote(value.clone(), text), None, "{value} in {text:?}");
    }
}

#[test]
fn numbers_are_found_in_every_printed_form() {
    for (value, text, quoted) in [
        (json!(1234.5), "Total 1,234.50 EUR", "1,234.50"),
        (json!(1234.5), "Summe 1.234,50 €", "1.234,50"),
        (json!(1234.5), "Total 1 234,50", "1 234,50"),
        (json!(1234.5), "Total 1\u{202f}234,5", "1\u{202f}234,5"),
        (json!(1234.5), "CHF 1'234.50", "1'234.50"),
        (json!(1234.5), "CHF 1’234.50", "1’234.50"),
        (json!(1234), "a 1,234 b", "1,234"),
        (json!(1.234), "a 1,234 b", "1,234"),
        (json!(1234), "a 1.234 b", "1.234"),
        (json!(1_234_567.89), "1,234,567.89", "1,234,567.89"),
        (json!(1_234_567), "12,34,56 and 1.234.567", "1.234.567"),
        (json!(1_234_567), "12,34,567", "12,34,567"),
        (json!(9), "RM9.00", "9.00"),
        (json!(9.0), "TOTAL: 9", "9"),
        (json!(-50.25), "(50.25)", "50.25"),
        (json!(-50.25), "50,25-", "50,25"),
        (json!(0.19), "VAT 19 %", "19"),
        (json!(0.19), "VAT 19%", "19"),
        (json!(0.5), "costs .50 now", ".50"),
        (json!(12), "weighs 12kg", "12"),
        (json!(2024), "on 05.03.2024", "2024"),
        (json!(100), "100,- Euro", "100"),
        (json!(0), "balance 0.00", "0.00"),
        (json!("1,234.50"), "1.234,50 €", "1.234,50"),
        (json!("9.00"), "total 9", "9"),
        (json!("$ 12"), "12.00 USD", "12.00"),
        (json!("2 100"), "qty 2 100", "2 100"),
    ] {
        assert_eq!(
            quote(value.clone(), text).as_deref(),
            Some(quoted),
            "{value} in {text:?}"
        );
    }
}

#[test]
fn two_columns_are_still_two_numbers() {
    let found = find(
        &json!({"quantity": 2, "price": 100, "amount": 200}),
        &[page(1, "Nails 2 100 200")],
    );
    assert_eq!(found.ungrounded, Vec::<String>::new());
    let quotes: Vec<_> = found
        .evidence
        .iter()
        .map(|evidence| evidence.quote.as_str())
        .collect();
    assert_eq!(quotes, ["2", "100", "200"]);
}

#[test]
fn dates_are_found_in_every_common_form() {
    for text in [
        "2024-03-05",
        "2024/3/5",
        "05.03.2024",
        "5.3.2024",
        "05/03/2024",
        "03/05/2024",
        "05-03-24",
        "3/5/24",
        "5 March 2024",
        "March 5, 2024",
        "Mar 5th, 2024",
        "5th of March, 2024",
        "05MAR2024",
        "5-Mar-24",
        "5. März 2024",
        "5. Mrz. 2024",
        "5 mars 2024",
        "1er, le 5 mars 2024",
        "5 de marzo de 2024",
        "5 marzo 2024",
        "20240305",
        "05032024",
        "2024年3月5日",
        "Tue 5 Mar 2024 10:00",
        "2024-03-05T10:00:00Z",
        "MARCH 5 2024",
    ] {
        assert!(quote(json!("2024-03-05"), text).is_some(), "{text:?}");
    }
    assert_eq!(
        quote(json!("2024-03-05"), "due 5 March 2024 at noon").as_deref(),
        Some("5 March 2024")
    );
    assert_eq!(
        quote(json!("2024-03-05T00:00:00Z"), "due 5.3.24.").as_deref(),
        Some("5.3.24")
    );
    assert_eq!(
        quote(json!("2024-03"), "for March 2024").as_deref(),
        Some("March 2024")
    );
    assert_eq!(quote(json!("2024-02"), "for March 2024"), None);
}

#[test]
fn booleans_choices_and_derived_values_are_not_looked_for() {
    let schema = json!({"type": "object", "properties": {
        "kind": {"enum": ["a", "b"]},
        "summary": {"type": "string", "x-docmill-ground": false},
        "paid": {"type": "boolean"},
        "name": {"anyOf": [{"type": "string"}, {"type": "null"}]},
        "lines": {"type": "array", "items": {"type": "object", "properties": {"vat": {"enum": [7, 19]}}}}
    }});
    let data = json!({"kind": "a", "summary": "nice", "paid": true, "name": null, "lines": [{"vat": 7}], "blank": " "});
    assert_eq!(
        ground(&data, &schema, &[page(1, "nothing")], &[]),
        Grounded::default()
    );
}

#[test]
fn what_is_not_there_is_listed_with_its_pointer() {
    let data = json!({"a/b": "missing", "items": [{"x": 1}, {"x": 77}]});
    let found = find(&data, &[page(1, "only 1 here")]);
    assert_eq!(found.ungrounded, ["/a~1b", "/items/1/x"]);
    assert_eq!(found.evidence[0].field, "/items/0/x");
}

const INVOICE: &str = "\
Invoice 100
Subtotal 100.00
Tax 19.00
Total 119.00
Paid 119.00
Nails 2 10.00 20.00
Screws 8 10.00 80.00
Total 100.00";

#[test]
fn the_place_beside_its_name_is_chosen() {
    let pages = [page(1, INVOICE)];
    let found = find(
        &json!({"paid": 119.0, "subtotal": 100, "total": 119, "invoice_number": "100"}),
        &pages,
    );
    let at: Vec<_> = found
        .evidence
        .iter()
        .map(|evidence| evidence.quote.as_str())
        .collect();
    assert_eq!(at, ["119.00", "100.00", "119.00", "100"]);
    // Told apart by their boxes.
    let pages = [page_with_words(1, INVOICE)];
    let found = find(&json!({"paid": 119.0, "total": 119}), &pages);
    let lines: Vec<_> = found
        .evidence
        .iter()
        .map(|evidence| evidence.bbox.unwrap().y0)
        .collect();
    assert_eq!(lines, [4.0 * 12.0, 3.0 * 12.0]);
}

#[test]
fn the_values_of_a_row_are_found_in_one_row() {
    let data = json!({"items": [
        {"text": "Nails", "price": 10, "amount": 20},
        {"text": "Screws", "price": 10, "amount": 80}
    ]});
    let found = find(&data, &[page_with_words(1, INVOICE)]);
    let lines: Vec<_> = found
        .evidence
        .iter()
        .map(|evidence| evidence.bbox.unwrap().y0 / 12.0)
        .collect();
    assert_eq!(lines, [5.0, 5.0, 5.0, 6.0, 6.0, 6.0]);
}

#[test]
fn equal_rows_are_found_one_after_the_other() {
    let text = "Coffee 2.50\nCoffee 2.50\nCoffee 2.50";
    let row = json!({"text": "Coffee", "amount": 2.5});
    let found = find(&json!({"items": [row, row, row]}), &[page_with_words(1, text)]);
    let lines: Vec<_> = found
        .evidence
        .iter()
        .map(|evidence| evidence.bbox.unwrap().y0 / 12.0)
        .collect();
    assert_eq!(lines, [0.0, 0.0, 1.0, 1.0, 2.0, 2.0]);
}

#[test]
fn a_box_holds_the_words_on_the_first_line() {
    let found = find(
        &json!({"name": "Acme Trading Company"}),
        &[page_with_words(1, "by Acme Trading\nCompany")],
    );
    let bbox = found.evidence[0].bbox.unwrap();
    assert_eq!((bbox.x0, bbox.x1, bbox.y0), (18.0, 90.0, 0.0));
}

#[test]
fn a_hint_is_taken_when_it_is_true() {
    let pages = [page(1, "Total 9.00"), page(2, "Total 9.00 and Total 8.00")];
    let data = json!({"total": 9});
    let with = |page: u32, quote: &str| {
        let hint = Evidence {
            field: "/total".to_owned(),
            page,
            quote: quote.to_owned(),
            bbox: None,
        };
        ground(&data, &json!({}), &pages, &[hint]).evidence[0].page
    };
    assert_eq!(with(2, "TOTAL  9.00"), 2);
    assert_eq!(with(2, "Total 9.00 and"), 2);
    assert_eq!(with(2, "Total 8.00"), 1, "the value is not in the quote");
    assert_eq!(with(2, "Sum 9.00"), 1, "the quote is not on the page");
    assert_eq!(with(7, "Total 9.00"), 1, "there is no such page");
}

/// Text as documents have it: words, numbers, dates, marks, line ends, other scripts.
fn any_page_text() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        4 => "[A-Za-z]{1,9}",
        2 => "[0-9]{1,7}([.,][0-9]{2,3}){0,2}",
        1 => "[0-9]{2}[./-][0-9]{2}[./-][0-9]{4}",
        1 => "[äöüßéñçœøŁž]{1,5}",
        1 => "[€$£%&()'’\"–—:;,.-]{1,2}",
        1 => "[東京都中文字]{1,4}",
        1 => "[a-z]{2,6}-",
        1 => "\\PC{1,6}",
    ];
    let blank = prop_oneof![4 => Just(" "), 1 => Just("\n"), 1 => Just("  "), 1 => Just("\u{a0}")];
    prop::collection::vec((word, blank), 1..60).prop_map(|parts| {
        parts
            .into_iter()
            .map(|(word, blank)| format!("{word}{blank}"))
            .collect()
    })
}

proptest! {
    /// A value copied from a page (any stretch between blanks) is found there, and the
    /// quote is what was copied or stands for it.
    #[test]
    fn a_value_copied_from_a_page_is_found(text in any_page_text(), from in any::<prop::sample::Index>(), length in 1..6_usize) {
        let words: Vec<(usize, &str)> = text
            .split_whitespace()
            .map(|word| (word.as_ptr() as usize - text.as_ptr() as usize, word))
            .collect();
        prop_assume!(!words.is_empty());
        let first = from.index(words.len());
        let last = (first + length - 1).min(words.len() - 1);
        let value = &text[words[first].0..words[last].0 + words[last].1.len()];
        let found = find(&json!({ "value": value }), &[page(1, "another page"), page(2, &text)]);
        prop_assert_eq!(&found.ungrounded, &Vec::<String>::new(), "{:?} in {:?}", value, text);
        prop_assert_eq!(&found.evidence[0].quote, value);
    }

    /// An amount printed in any of the usual forms is found.
    #[test]
    fn an_amount_is_found_in_any_form(cents in 0..100_000_000_000_i64, form in 0..7_usize) {
        let (whole, rest) = (cents / 100, cents % 100);
        let group = |mark: &str| {
            let digits = whole.to_string();
            let mut out = String::new();
            for (index, digit) in digits.chars().enumerate() {
                if index > 0 && (digits.len() - index).is_multiple_of(3) {
                    out.push_str(mark);
                }
                out.push(digit);
            }
            out
        };
        let printed = match form {
            0 => format!("{whole}.{rest:02}"),
            1 => format!("{whole},{rest:02}"),
            2 => format!("{}.{rest:02}", group(",")),
            3 => format!("{},{rest:02}", group(".")),
            4 => format!("{},{rest:02}", group(" ")),
            5 => format!("{}.{rest:02}", group("'")),
            _ => format!("${}.{rest:02}", group(",")),
        };
        let value: Value = serde_json::from_str(&format!("{whole}.{rest:02}")).unwrap();
        let text = format!("Amount due: {printed} net");
        prop_assert!(quote(value.clone(), &text).is_some(), "{} in {}", value, text);
    }

    /// Any date is found in any of the usual forms.
    #[test]
    fn a_date_is_found_in_any_form(year in 1950..2050_u32, month in 1..13_u32, day in 1..29_u32, form in 0..6_usize) {
        const NAMES: [&str; 12] = ["January", "Februar", "mars", "abril", "May", "Juni", "juillet", "agosto", "September", "Oktober", "novembre", "diciembre"];
        let name = NAMES[month as usize - 1];
        let printed = match form {
            0 => format!("{day:02}.{month:02}.{year}"),
            1 => format!("{month}/{day}/{year}"),
            2 => format!("{day}. {name} {year}"),
            3 => format!("{name} {day}, {year}"),
            4 => format!("{day:02}-{month:02}-{:02}", year % 100),
            _ => format!("{day} de {name} de {year}"),
        };
        let value = format!("{year}-{month:02}-{day:02}");
        prop_assert!(quote(json!(value), &format!("Datum: {printed}.")).is_some(), "{} as {}", value, printed);
    }

    /// Nothing on a page, in a result or in a hint makes grounding panic, and its places are places.
    #[test]
    fn nothing_breaks_it(texts in prop::collection::vec("\\PC{0,80}", 0..3), values in prop::collection::vec("\\PC{0,12}|[0-9.,' %-]{0,12}", 0..4), number: f64, quoted in "\\PC{0,8}") {
        let pages: Vec<Page> = texts.iter().zip(1..).map(|(text, number)| page_with_words(number, text)).collect();
        let hint = Evidence { field: "/values/0".to_owned(), page: 1, quote: quoted, bbox: None };
        let found = ground(&json!({"values": values, "number": number}), &json!({"type": 3}), &pages, &[hint]);
        for evidence in &found.evidence {
            let page = pages.iter().find(|page| page.number == evidence.page).unwrap();
            prop_assert!(page.text.contains(&evidence.quote));
        }
    }
}
