//! Looking for the values of a row on one line, and near it.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::ground::index::{Index, PageIndex, Place};
use crate::ground::{leaves, search};
use crate::page::{Page, TextOrigin};
use crate::rows::Line;
use crate::template::view::View;

/// Values of a row that are searched for when it does not stand where it should.
const SEARCHED: usize = 3;

/// A value that stands more often says nothing about which line is meant.
const OFTEN: usize = 256;

/// Bytes before and behind a row's line in which its values are looked for as well: cells of
/// several lines.
const NEARBY: usize = 400;

/// A value of a row.
pub(crate) struct RowValue<'a>(&'a Value);

/// The values of a row that can be looked for.
pub(crate) fn row_values<'a>(row: &'a Value, seen: Option<View<'a>>) -> Vec<RowValue<'a>> {
    let leaves = leaves::below(row, seen);
    leaves.into_iter().map(|leaf| RowValue(leaf.value)).collect()
}

/// Lines as pages of their own.
pub(crate) fn line_pages<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<Page> {
    let page = |text: &str| Page {
        number: 1,
        label: None,
        width: 0.0,
        height: 0.0,
        text: text.to_owned(),
        words: Vec::new(),
        origin: TextOrigin::Native,
    };
    lines.map(page).collect()
}

/// Lines in which values are looked for one by one.
pub(crate) struct LineIndex<'a> {
    index: Index<'a>,
}

impl<'a> LineIndex<'a> {
    /// `lines`: from [`line_pages`].
    pub(crate) fn new(lines: &'a [Page]) -> Self {
        Self {
            index: Index::new(lines),
        }
    }

    /// How many of the values stand on a line.
    pub(crate) fn score(&self, line: usize, values: &[RowValue<'_>]) -> usize {
        let Some(line) = self.index.pages.get(line) else {
            return 0;
        };
        let stands = |value: &&RowValue<'_>| !search::find(std::slice::from_ref(line), value.0).is_empty();
        values.iter().filter(stands).count()
    }

    /// The lines on which the rarest of the values stands, those near `from` first.
    pub(crate) fn candidates(&self, values: &[RowValue<'_>], from: usize, most: usize) -> Vec<usize> {
        let mut longest: Vec<&RowValue<'_>> = values.iter().collect();
        longest.sort_by_key(|value| std::cmp::Reverse(value.0.to_string().len()));
        let places = longest.into_iter().take(SEARCHED).map(|value| {
            let mut lines: Vec<usize> = search::find(&self.index.pages, value.0)
                .into_iter()
                .map(|place| place.page)
                .collect();
            lines.dedup();
            lines
        });
        let rare = places.filter(|lines| !lines.is_empty() && lines.len() < OFTEN);
        let mut lines = rare.min_by_key(Vec::len).unwrap_or_default();
        lines.sort_by_key(|line| (*line < from, line.abs_diff(from)));
        lines.truncate(most);
        lines
    }
}

/// The lines on which rows stand.
pub(super) struct Anchored<'a> {
    rows: BTreeMap<&'a str, (Line, PageIndex<'a>)>,
    pages: &'a [Page],
}

impl<'a> Anchored<'a> {
    /// `texts`: the lines' texts, in the order of `rows`.
    pub(super) fn new(rows: &'a BTreeMap<String, Line>, texts: &'a [Page], pages: &'a [Page]) -> Self {
        let rows = rows
            .iter()
            .zip(texts)
            .map(|((pointer, line), text)| (pointer.as_str(), (*line, PageIndex::new(text))));
        Self {
            rows: rows.collect(),
            pages,
        }
    }

    /// The places of a value on the line of its row, else near it; `None`: it is in no such row.
    pub(super) fn find(&self, pointer: &str, value: &Value) -> Option<Vec<Place>> {
        let (line, index) = self.row_of(pointer)?;
        let on_line = search::find(std::slice::from_ref(index), value);
        if !on_line.is_empty() {
            return Some(moved(on_line, line.page, line.start));
        }
        let text = self.pages.get(line.page)?.text.as_str();
        let boundary = |mut at: usize| {
            while !text.is_char_boundary(at) {
                at -= 1;
            }
            at
        };
        let start = boundary(line.start.saturating_sub(NEARBY));
        let end = boundary((line.end + NEARBY).min(text.len()));
        let nearby = line_pages(text.get(start..end).into_iter());
        let index = Index::new(&nearby);
        Some(moved(search::find(&index.pages, value), line.page, start))
    }

    /// The row a value is in: the outermost list item that has a line.
    fn row_of(&self, pointer: &str) -> Option<&(Line, PageIndex<'a>)> {
        if self.rows.is_empty() {
            return None;
        }
        let mut at = 0;
        pointer.split_inclusive('/').find_map(|part| {
            at += part.len();
            let name = part.trim_end_matches('/');
            let is_item = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
            let end = at - (part.len() - name.len());
            is_item.then(|| self.rows.get(pointer.get(..end)?)).flatten()
        })
    }
}

fn moved(mut places: Vec<Place>, page: usize, start: usize) -> Vec<Place> {
    for place in &mut places {
        place.page = page;
        place.start += start;
        place.end += start;
    }
    places
}
