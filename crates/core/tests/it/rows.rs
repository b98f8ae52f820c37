//! Long lists in parts: every row once, in order, whatever the parts, and what is missing is known.

use std::collections::BTreeSet;

use docmill_core::ground::ground_rows;
use docmill_core::merge::{Piece, merge_pieces};
use docmill_core::page::{Page, TextOrigin};
use docmill_core::rows::{Placements, lines, missing};
use docmill_core::split::{Limit, Part, of_stretches, split, split_part};
use proptest::prelude::*;
use serde_json::{Value, json};

/// One token per byte.
fn bytes(text: &str) -> u64 {
    text.len() as u64
}

fn page(number: usize, text: String) -> Page {
    Page {
        number: u32::try_from(number).unwrap_or(u32::MAX),
        label: None,
        width: 0.0,
        height: 0.0,
        text,
        words: Vec::new(),
        origin: TextOrigin::Native,
    }
}

fn schema() -> Value {
    json!({"type": "object", "properties": {"list": {"type": "object", "properties": {
        "rows": {"type": "array", "items": {"type": "object", "properties": {
            "name": {"type": "string"}, "count": {"type": "integer"}, "amount": {"type": "number"}}}}}}}})
}

/// A row as it is printed. Few different ones, so that many rows of a document are equal.
fn line(kind: usize) -> String {
    let name = ["bolt", "blue nut", "washer"][kind % 3];
    format!(
        "2026-01-{:02} {name} {} {}.50",
        kind % 5 + 1,
        kind % 4 + 1,
        kind % 7
    )
}

/// What a truthful model answers: a row for each line that is one.
fn row(line: &str) -> Option<Value> {
    let mut words: Vec<&str> = line.split(' ').collect();
    words.first().filter(|date| date.starts_with("2026-"))?;
    let amount: f64 = words.pop()?.parse().ok()?;
    let count: u64 = words.pop()?.parse().ok()?;
    Some(json!({"name": words[1..].join(" "), "count": count, "amount": amount}))
}

struct Document {
    pages: Vec<Page>,
    rows: Vec<Value>,
}

/// Pages with a heading and a foot each, and these rows.
fn document(kinds: &[usize], per_page: usize) -> Document {
    let lines: Vec<String> = kinds.iter().map(|kind| line(*kind)).collect();
    let pages = lines.chunks(per_page).zip(1..).map(|(rows, number)| {
        page(
            number,
            format!("DATE NAME COUNT AMOUNT\n{}\nPage {number}\n", rows.join("\n")),
        )
    });
    Document {
        pages: pages.collect(),
        rows: lines.iter().filter_map(|line| row(line)).collect(),
    }
}

/// Answers a part; `keep` says of each row how often it is given.
fn answer(document: &Document, part: &Part, rows_only: bool, keep: &mut dyn FnMut() -> usize) -> Piece {
    let mut rows = Vec::new();
    for page in part.pages(&document.pages) {
        for row in page.text.lines().filter_map(row) {
            rows.extend(std::iter::repeat_n(row, keep()));
        }
    }
    let data = json!({"list": {"rows": rows}});
    Piece {
        placements: Placements::of(&data, &schema(), part, &document.pages),
        data,
        rows_only,
    }
}

fn merged_rows(pieces: Vec<Piece>) -> Vec<Value> {
    let merged = merge_pieces(pieces, &schema());
    merged
        .data
        .pointer("/list/rows")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default()
}

#[test]
fn two_equal_rows_stay_two_and_one_read_twice_stays_one() {
    let document = document(&[1, 2, 2, 2, 3, 3, 1], 20);
    let limit = Limit {
        tokens: 110,
        overlap: 30,
    };
    let parts = split(&document.pages, limit, &bytes);
    assert!(parts.len() > 1 && parts[1].repeated > 0, "{parts:?}");
    let pieces = parts
        .iter()
        .map(|part| answer(&document, part, false, &mut || 1))
        .collect();
    assert_eq!(merged_rows(pieces), document.rows);
}

#[test]
fn a_part_that_begins_in_a_table_has_its_header() {
    let rows: String = (0..40).map(|row| format!("| {row} | bolt |\n")).collect();
    let pages = [page(
        1,
        format!("## Parts\n\n| No | Name |\n| --- | --- |\n{rows}"),
    )];
    let limit = Limit {
        tokens: 300,
        overlap: 30,
    };
    let parts = split(&pages, limit, &bytes);
    assert!(parts.len() > 1);
    for part in &parts {
        let text = part.pages(&pages).remove(0).text;
        assert!(text.contains("| No | Name |\n| --- | --- |\n"), "{text}");
        assert!(text.len() <= 300, "{}", text.len());
    }
}

#[test]
fn a_page_is_cut_before_a_heading_that_is_near() {
    let text = format!("{}# Second\n{}", "first part\n".repeat(8), "more\n".repeat(20));
    let pages = [page(1, text)];
    let limit = Limit {
        tokens: 110,
        overlap: 0,
    };
    let parts = split(&pages, limit, &bytes);
    assert!(parts[1].pages(&pages)[0].text.starts_with("# Second\n"));
}

#[test]
fn sums_and_running_heads_are_no_missing_rows() {
    let kinds: Vec<usize> = (0..60).collect();
    let mut document = document(&kinds, 20);
    for page in &mut document.pages {
        page.text = format!(
            "Statement 4711 of 2026-02-01\n{}Total 60 122.00\n17 Main Street 8000 Zurich\n",
            page.text
        );
    }
    let part = Part::whole(&document.pages);
    let piece = answer(&document, &part, false, &mut || 1);
    assert_eq!(missing(&[&piece.placements], &[&part], &document.pages), []);
}

#[test]
fn a_value_that_stands_in_many_rows_is_found_in_its_own() {
    let document = document(&vec![1; 600], 50);
    let part = Part::whole(&document.pages);
    let piece = answer(&document, &part, false, &mut || 1);
    let rows = piece.placements.rows();
    let grounded = ground_rows(&piece.data, &schema(), &document.pages, &[], &rows);
    assert_eq!(grounded.ungrounded, Vec::<String>::new());
    for evidence in &grounded.evidence {
        let row: u32 = evidence.field.split('/').nth(3).unwrap().parse().unwrap();
        assert_eq!(evidence.page, row / 50 + 1, "{evidence:?}");
    }
}

proptest! {
    /// However a document is cut, whichever parts are cut again, in whatever order the answers come
    /// and whatever rows they repeat: every row is there once, in order.
    #[test]
    fn every_row_once_in_order(
        kinds in prop::collection::vec(0..12_usize, 1..150),
        per_page in 1..60_usize,
        tokens in 120..2000_u64,
        overlap in 0..400_u64,
        cuts in prop::collection::vec(any::<bool>(), 40),
        order in any::<u64>(),
        repeats in prop::collection::vec(1..3_usize, 40),
    ) {
        let document = document(&kinds, per_page);
        let limit = Limit { tokens, overlap };
        let parts = split(&document.pages, limit, &bytes);
        let mut cuts = cuts.into_iter().cycle();
        let parts: Vec<Part> = parts.iter().flat_map(|part| {
            let smaller = Limit { tokens: tokens / 2, overlap: overlap / 2 };
            if cuts.next().unwrap() { split_part(&document.pages, part, smaller, &bytes) } else { vec![part.clone()] }
        }).collect();
        let mut repeats = repeats.into_iter().cycle();
        let mut pieces: Vec<Piece> = parts.iter()
            .map(|part| answer(&document, part, false, &mut || repeats.next().unwrap())).collect();
        let length = u64::try_from(pieces.len()).unwrap();
        pieces.rotate_left(usize::try_from(order % length).unwrap());
        prop_assert_eq!(merged_rows(pieces), document.rows);
    }

    /// Rows that answers leave out are noticed, and asking for them alone completes the list.
    #[test]
    fn what_is_left_out_is_noticed_and_completed(
        kinds in prop::collection::vec(0..12_usize, 40..200),
        per_page in 5..60_usize,
        tokens in 300..2000_u64,
        overlap in 0..200_u64,
        left_out in prop::collection::vec(0..5_u8, 97),
    ) {
        let document = document(&kinds, per_page);
        let parts = split(&document.pages, Limit { tokens, overlap }, &bytes);
        let mut left_out = left_out.into_iter().cycle();
        let mut pieces: Vec<Piece> = parts.iter()
            .map(|part| answer(&document, part, false, &mut || usize::from(left_out.next().unwrap() > 0))).collect();
        let asked: Vec<&Part> = parts.iter().collect();
        let found: BTreeSet<_> = pieces.iter().flat_map(|piece| piece.placements.rows().into_values()).collect();
        let all = parts.iter().flat_map(|part| lines(part, &document.pages))
            .filter(|line| row(line.text(&document.pages)).is_some()).collect::<BTreeSet<_>>();
        let gaps = {
            let answers: Vec<_> = pieces.iter().map(|piece| &piece.placements).collect();
            missing(&answers, &asked, &document.pages)
        };
        let named: BTreeSet<_> = gaps.iter().flat_map(|gap| gap.lines.clone()).collect();
        prop_assert_eq!(&named, &all.difference(&found).copied().collect(), "exactly what is not there is missing");
        let again: Vec<Part> = gaps.iter()
            .flat_map(|gap| of_stretches(&document.pages, &gap.stretches(&document.pages), tokens, &bytes)).collect();
        pieces.extend(again.iter().map(|part| answer(&document, part, true, &mut || 1)));
        prop_assert_eq!(merged_rows(pieces), document.rows);
    }
}
