//! Splitting and merging: every page in a part, every row once.

use docmill_core::merge::merge;
use docmill_core::page::{BBox, Page, TextOrigin, Word};
use docmill_core::split::{Limit, split};
use proptest::prelude::*;
use serde_json::{Value, json};

fn page(number: u32, text: &str) -> Page {
    Page {
        number,
        label: Some(format!("p{number}")),
        width: 1.0,
        height: 1.0,
        text: text.to_owned(),
        words: Vec::new(),
        origin: TextOrigin::Native,
    }
}

fn pages(texts: &[&str]) -> Vec<Page> {
    texts
        .iter()
        .zip(1..)
        .map(|(text, number)| page(number, text))
        .collect()
}

/// One token per byte.
fn bytes(text: &str) -> u64 {
    text.len() as u64
}

fn texts(pages: &[Page], limit: Limit) -> Vec<Vec<String>> {
    split(pages, limit, &bytes)
        .iter()
        .map(|part| part.pages(pages).into_iter().map(|page| page.text).collect())
        .collect()
}

#[test]
fn what_fits_stays_whole() {
    let pages = pages(&["one", "", "two"]);
    let limit = Limit {
        tokens: 6,
        overlap: 2,
    };
    assert_eq!(texts(&pages, limit), [["one", "", "two"]]);
}

#[test]
fn pages_are_kept_whole_and_the_last_lines_repeated() {
    let pages = pages(&["a1\na2\na3\n", "b1\nb2\nb3\n", "c1\n"]);
    let limit = Limit {
        tokens: 14,
        overlap: 4,
    };
    assert_eq!(
        texts(&pages, limit),
        [
            vec!["a1\na2\na3\n"],
            vec!["a3\n", "b1\nb2\nb3\n"],
            vec!["b3\n", "c1\n"]
        ]
    );
}

#[test]
fn a_long_page_is_cut_at_line_ends_and_a_long_line_between_letters() {
    let pages = pages(&["one\ntwo\nthree\n", "äöüäöüäöü"]);
    let limit = Limit {
        tokens: 8,
        overlap: 0,
    };
    assert_eq!(
        texts(&pages, limit),
        [
            vec!["one\ntwo\n"],
            vec!["three\n"],
            vec!["äöüä"],
            vec!["öüäö"],
            vec!["ü"]
        ]
    );
}

#[test]
fn a_cut_page_keeps_its_number_and_the_places_of_its_words() {
    let bbox = BBox {
        x0: 1.0,
        y0: 2.0,
        x1: 3.0,
        y1: 4.0,
    };
    let word = |start, end| Word {
        start,
        end,
        bbox,
        confidence: Some(90),
    };
    let mut long = page(7, "one\ntwo\n");
    long.words = vec![word(0, 3), word(4, 7)];
    let pages = [long];
    let parts = split(
        &pages,
        Limit {
            tokens: 4,
            overlap: 0,
        },
        &bytes,
    );
    let second = &parts[1].pages(&pages)[0];
    assert_eq!(
        (second.number, second.text.as_str(), second.label.as_deref()),
        (7, "two\n", Some("p7"))
    );
    assert_eq!(second.words, [word(0, 3)]);
}

#[test]
fn the_repeated_end_of_a_cut_page_is_one_with_what_follows() {
    let pages = pages(&["1\n2\n3\n4\n5\n6\n"]);
    let limit = Limit {
        tokens: 6,
        overlap: 2,
    };
    assert_eq!(texts(&pages, limit), [["1\n2\n"], ["2\n3\n4\n"], ["4\n5\n6\n"]]);
}

#[test]
fn lists_are_joined_and_the_seam_is_kept_once() {
    let schema = json!({"type": "object", "properties": {"rows": {"type": "array"}}});
    let merged = merge(
        vec![
            json!({"name": "Acme", "total": null, "rows": [{"t": "a", "n": 1}, {"t": "b", "n": 2}, {"t": "c"}], "tags": ["x", "y"]}),
            json!({"name": "ACME", "total": 9, "rows": [{"t": "B ", "n": 2.0}, {"t": "c", "n": 3}, {"t": "d", "n": 4}], "tags": ["y", "z", "x"]}),
        ],
        &schema,
    );
    assert_eq!(
        merged.data,
        json!({"name": "Acme", "total": 9,
            "rows": [{"t": "a", "n": 1}, {"t": "b", "n": 2}, {"t": "c", "n": 3}, {"t": "d", "n": 4}], "tags": ["x", "y", "z"]})
    );
    assert_eq!(merged.conflicts, []);
}

#[test]
fn what_parts_say_differently_is_noted_and_the_first_kept() {
    let merged = merge(
        vec![
            json!({"a": {"total": 1}}),
            json!({"a": {"total": ""}}),
            json!({"a": {"total": 2}, "b": true}),
        ],
        &json!({}),
    );
    assert_eq!(merged.data, json!({"a": {"total": 1}, "b": true}));
    assert_eq!(merged.conflicts.len(), 1);
    assert_eq!(merged.conflicts[0].field, "/a/total");
    assert_eq!(merged.conflicts[0].message, "part 3 says 2, kept was 1");
}

#[test]
fn whole_texts_are_joined_when_the_schema_says_so() {
    let schema = json!({"type": "object", "properties": {"text": {"type": "string", "x-docmill-merge": "concatenate"}}});
    let merged = merge(
        vec![
            json!({"text": "a\nb\nc\n"}),
            json!({"text": "b\nc\nd"}),
            json!({"text": "e"}),
        ],
        &schema,
    );
    assert_eq!(merged.data, json!({"text": "a\nb\nc\nd\ne"}));
}

fn any_pages() -> impl Strategy<Value = Vec<Page>> {
    prop::collection::vec("([a-zäß€ ]{0,12}\n){0,6}[a-z]{0,30}", 1..6).prop_map(|texts| {
        texts
            .iter()
            .zip(1..)
            .map(|(text, number)| page(number, text))
            .collect()
    })
}

proptest! {
    /// Every byte of every page is in a part, in order; every part is within the limit.
    #[test]
    fn every_page_is_in_a_part(pages in any_pages(), tokens in 4..80_u64, overlap in 0..40_u64) {
        let parts = split(&pages, Limit { tokens, overlap }, &bytes);
        let mut seen = vec![0_usize; pages.len()];
        let mut met = vec![false; pages.len()];
        for part in &parts {
            let mut used = 0;
            for (index, stretch) in part.stretches.iter().enumerate() {
                used += stretch.end - stretch.start;
                met[stretch.page] = true;
                if index >= part.repeated {
                    prop_assert_eq!(stretch.start, seen[stretch.page], "a gap, or out of order");
                    seen[stretch.page] = stretch.end;
                }
            }
            prop_assert!(used as u64 <= tokens, "{used} of {tokens}");
        }
        for (index, page) in pages.iter().enumerate() {
            prop_assert!(met[index], "page {} is in no part", index);
            prop_assert_eq!(seen[index], page.text.len());
        }
    }

    /// A table is split, each part is read as its lines, the results are merged: each row
    /// is there once, in order.
    #[test]
    fn merging_the_parts_of_a_table_gives_each_row_once(rows in 1..120_usize, per_page in 1..40_usize, tokens in 40..400_u64, overlap in 0..60_u64) {
        let lines: Vec<String> = (0..rows).map(|row| format!("row {row} amount {}", row % 7)).collect();
        let texts: Vec<String> = lines.chunks(per_page).map(|page| page.join("\n") + "\n").collect();
        let pages: Vec<Page> = texts.iter().zip(1..).map(|(text, number)| page(number, text)).collect();
        let read = |part: &docmill_core::split::Part| -> Value {
            let rows: Vec<Value> = part.pages(&pages).iter().flat_map(|page| page.text.lines())
                .map(|line| json!({"text": line, "amount": line.len() % 3})).collect();
            json!({"rows": rows})
        };
        let parts: Vec<Value> = split(&pages, Limit { tokens, overlap }, &bytes).iter().map(read).collect();
        let merged = merge(parts, &json!({}));
        let found: Vec<&str> = merged.data["rows"].as_array().unwrap().iter().map(|row| row["text"].as_str().unwrap()).collect();
        prop_assert_eq!(found, lines.iter().map(String::as_str).collect::<Vec<_>>());
        prop_assert_eq!(merged.conflicts, []);
    }
}
