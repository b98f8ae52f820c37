//! Which of several places is meant.

use std::collections::BTreeMap;

use memchr::memmem;

use crate::extraction::Evidence;
use crate::ground::index::{FoldedText, Index, Place};

/// Words before a value that may name it.
const LABEL_WORDS: usize = 6;

/// Chooses places, remembering where the other values of a row stand.
pub(super) struct Chooser<'a> {
    index: &'a Index<'a>,
    hints: BTreeMap<&'a str, &'a Evidence>,
    row: Row,
}

/// The row (item of a list) whose values are being placed.
#[derive(Default)]
struct Row {
    /// Pointer of the item, with the `/` behind it.
    item: String,
    /// Where a value of this row stands.
    here: Option<(usize, usize)>,
    /// Where the row before began.
    before: Option<(usize, usize)>,
}

impl<'a> Chooser<'a> {
    pub(super) fn new(index: &'a Index<'a>, hints: &'a [Evidence]) -> Self {
        let mut by_field = BTreeMap::new();
        for hint in hints {
            by_field.entry(hint.field.as_str()).or_insert(hint);
        }
        Self {
            index,
            hints: by_field,
            row: Row::default(),
        }
    }

    /// The best of the places for the value of this field.
    pub(super) fn choose(&mut self, pointer: &str, mut places: Vec<Place>) -> Option<Place> {
        self.row.enter(pointer);
        if let Some(hint) = self.hints.get(pointer)
            && let Some(place) = self.confirm(hint, &places)
        {
            self.row.place(place);
            return Some(place);
        }
        let place = match places.as_slice() {
            [] => return None,
            [only] => *only,
            _ => {
                let label = label_of(pointer);
                places.sort_by_cached_key(|place| self.cost(*place, &label));
                *places.first()?
            }
        };
        self.row.place(place);
        Some(place)
    }

    /// A place inside the quote that the provider named, if the quote stands on that page.
    fn confirm(&self, hint: &Evidence, places: &[Place]) -> Option<Place> {
        let page = self
            .index
            .pages
            .iter()
            .position(|index| index.page.number == hint.page)?;
        let quoted = self.index.pages.get(page)?;
        let quote = hint.quote.trim();
        let inside = |from: usize, to: usize| {
            places
                .iter()
                .filter(move |place| place.page == page && place.start >= from && place.end <= to)
        };
        if quote.is_empty() || places.is_empty() {
            return None;
        }
        let mut standing: Vec<&Place> = Vec::new();
        for at in memmem::find_iter(quoted.page.text.as_bytes(), quote.as_bytes()).take(64) {
            standing.extend(inside(at, at + quote.len()));
        }
        if standing.is_empty() {
            let folded = FoldedText::of(quote);
            for at in memmem::find_iter(&quoted.folded.bytes, &folded.bytes).take(64) {
                let tokens = quoted.folded.tokens_in(at + 1, at + folded.bytes.len());
                let tokens = quoted.folded.tokens.get(tokens).unwrap_or_default();
                if let (Some(first), Some(last)) = (tokens.first(), tokens.last()) {
                    standing.extend(inside(first.start as usize, last.end as usize));
                }
            }
        }
        standing
            .into_iter()
            .min_by_key(|place| (place.rank, self.distance(**place)))
            .copied()
    }

    /// How little a place fits: how it was found, then what names it or stands near it.
    fn cost(&self, place: Place, label: &[Vec<u8>]) -> (u8, usize, usize, usize) {
        let label = self.label_distance(place, label);
        let near = self.distance(place);
        // Inside a list the row says more than the column's name, which stands above.
        let (first, second) = if self.row.item.is_empty() {
            (label, near)
        } else {
            (near, label)
        };
        (
            place.rank,
            first,
            second,
            place.page.saturating_mul(1 << 30).saturating_add(place.start),
        )
    }

    /// How far a place is from where the row is, or must begin.
    fn distance(&self, place: Place) -> usize {
        const PAGE: usize = 1 << 24;
        const OTHER_LINE: usize = 1 << 12;
        let at = place.page.saturating_mul(PAGE).saturating_add(place.start);
        let of = |(page, start): (usize, usize)| page.saturating_mul(PAGE).saturating_add(start);
        match (self.row.here, self.row.before) {
            (Some(here), _) if self.line_start(here) == self.line_start((place.page, place.start)) => {
                at.abs_diff(of(here))
            }
            (Some(here), _) => at.abs_diff(of(here)).saturating_add(OTHER_LINE),
            // Rows follow each other: after the one before comes first.
            (None, Some(before)) if at > of(before) => at - of(before),
            (None, Some(before)) => (of(before) - at).saturating_add(PAGE / 2),
            (None, None) => 0,
        }
    }

    /// Where the line of a place begins.
    fn line_start(&self, (page, start): (usize, usize)) -> (usize, usize) {
        let text = self.index.pages.get(page).map(|index| index.page.text.as_str());
        let before = text.and_then(|text| text.get(..start)).unwrap_or_default();
        (
            page,
            memchr::memrchr(b'\n', before.as_bytes()).map_or(0, |newline| newline + 1),
        )
    }

    /// Words between the value and a word of its name before it, on the same line.
    fn label_distance(&self, place: Place, label: &[Vec<u8>]) -> usize {
        let Some(page) = self.index.pages.get(place.page) else {
            return LABEL_WORDS;
        };
        let folded = &page.folded;
        let (_, line_start) = self.line_start((place.page, place.start));
        let end = folded
            .tokens
            .partition_point(|token| (token.start as usize) < place.start);
        (0..LABEL_WORDS)
            .take_while(|back| {
                end.checked_sub(back + 1)
                    .and_then(|token| folded.tokens.get(token))
                    .is_some_and(|token| token.start as usize >= line_start)
            })
            .find(|back| label.iter().any(|word| word == folded.word(end - back - 1)))
            .unwrap_or(LABEL_WORDS)
    }
}

impl Row {
    fn enter(&mut self, pointer: &str) {
        let item = item_of(pointer);
        if self.item == item {
            return;
        }
        let same_list = list_of(&self.item) == list_of(item) && !item.is_empty();
        self.before = if same_list {
            self.here.or(self.before)
        } else {
            None
        };
        self.here = None;
        item.clone_into(&mut self.item);
    }

    fn place(&mut self, place: Place) {
        if !self.item.is_empty() && self.here.is_none() {
            self.here = Some((place.page, place.start));
        }
    }
}

/// `/items/3/` of `/items/3/amount`; empty outside lists.
fn item_of(pointer: &str) -> &str {
    let mut end = 0;
    let mut at = 0;
    for part in pointer.split_inclusive('/') {
        at += part.len();
        let name = part.trim_end_matches('/');
        if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit()) {
            end = at;
        }
    }
    pointer.get(..end).unwrap_or_default()
}

/// `/items` of `/items/3/`.
fn list_of(item: &str) -> &str {
    let item = item.trim_end_matches('/');
    item.rfind('/')
        .and_then(|slash| item.get(..slash))
        .unwrap_or_default()
}

/// The words of a field's name, folded: `invoiceNumber` and `invoice_number` alike.
fn label_of(pointer: &str) -> Vec<Vec<u8>> {
    let name = pointer
        .rsplit('/')
        .find(|part| !part.is_empty() && !part.bytes().all(|byte| byte.is_ascii_digit()))
        .unwrap_or_default();
    let mut spaced = String::with_capacity(name.len() + 4);
    let mut before = ' ';
    for c in name.chars() {
        if c.is_uppercase() && before.is_lowercase() {
            spaced.push(' ');
        }
        spaced.push(c);
        before = c;
    }
    let folded = FoldedText::of(&spaced);
    (0..folded.tokens.len())
        .map(|index| folded.word(index).to_vec())
        .collect()
}
