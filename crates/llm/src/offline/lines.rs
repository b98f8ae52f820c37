//! The document as lines, with what is on each: what labels and values are found in.

use std::borrow::Cow;

use docmill_core::extraction::Evidence;
use docmill_core::page::{Page, Word};

/// A line of a page.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) page: u32,
    pub(super) text: String,
    /// Lower case, with the mistakes text recognition makes in words undone (T0TAL), one
    /// character for each of `text`.
    pub(super) folded: Vec<char>,
    /// Byte offset of each character of `text`, and its length at the end.
    offsets: Vec<usize>,
}

/// Lines that are looked at, from each end of a document: labels and sums stand there. A list that is
/// longer is for a model.
const MOST_LINES: usize = 25_000;
/// Bytes of them, from each end.
const MOST_TEXT: usize = 4 << 20;
/// Bytes of one line; a line for people has a hundredth of it.
const MOST_LINE: usize = 20_000;

/// The lines that say anything, of a very long document those at both ends; and how many were left
/// out or cut. Where words have places, lines are what stands at one height
/// on the page: a reader's order goes down columns, and would part labels from their values.
pub(super) fn of(pages: &[Page]) -> (Vec<Line>, usize) {
    let mut said: Vec<(u32, Cow<'_, str>)> = Vec::new();
    for page in pages {
        if page.words.is_empty() {
            let lines = page.text.lines().map(str::trim);
            let lines = lines.filter(|line| !line.is_empty() && !is_rule(line));
            said.extend(lines.map(|line| (page.number, Cow::Borrowed(line))));
        } else {
            let rows = rows(page).into_iter().filter(|row| !is_rule(row));
            said.extend(rows.map(|row| (page.number, Cow::Owned(row))));
        }
    }
    let first = within(said.iter());
    let last = within(said.get(first..).unwrap_or_default().iter().rev());
    let cut =
        |(page, line): &(u32, Cow<'_, str>)| Line::new(*page, &line[..line.floor_char_boundary(MOST_LINE)]);
    let ends = said.iter().take(first).chain(said.iter().skip(said.len() - last));
    let shortened = ends.clone().filter(|(_, line)| line.len() > MOST_LINE).count();
    (ends.map(cut).collect(), said.len() - first - last + shortened)
}

/// How many of these lines are looked at.
fn within<'l>(lines: impl Iterator<Item = &'l (u32, Cow<'l, str>)>) -> usize {
    let mut room = MOST_TEXT;
    let fits = lines.take(MOST_LINES).take_while(|(_, line)| {
        let length = line.len().min(MOST_LINE);
        let fits = length <= room;
        room = room.saturating_sub(length);
        fits
    });
    fits.count()
}

/// The words of a page, row by row, left to right; a wide gap stays three spaces wide.
fn rows(page: &Page) -> Vec<String> {
    let middle = |word: &Word| f32::midpoint(word.bbox.y0, word.bbox.y1);
    let height = |word: &Word| (word.bbox.y1 - word.bbox.y0).max(1.0);
    let mut words: Vec<&Word> = page.words.iter().collect();
    words.sort_by(|a, b| {
        middle(a)
            .total_cmp(&middle(b))
            .then(a.bbox.x0.total_cmp(&b.bbox.x0))
    });
    let mut rows: Vec<Vec<&Word>> = Vec::new();
    for word in words {
        match rows.last_mut() {
            Some(row)
                if row.last().is_some_and(|last| {
                    middle(word) - middle(last) < height(word).min(height(last)) * 0.45
                }) =>
            {
                row.push(word);
            }
            _ => rows.push(vec![word]),
        }
    }
    rows.into_iter()
        .map(|mut row| {
            row.sort_by(|a, b| a.bbox.x0.total_cmp(&b.bbox.x0));
            let mut text = String::new();
            let mut last: Option<&Word> = None;
            for word in row {
                if let Some(last) = last {
                    let wide = word.bbox.x0 - last.bbox.x1 > height(word).max(height(last)) * 1.4;
                    text.push_str(if wide { "   " } else { " " });
                }
                text.push_str(
                    page.text
                        .get(word.start as usize..word.end as usize)
                        .unwrap_or_default(),
                );
                last = Some(word);
            }
            text
        })
        .collect()
}

/// A ruled line, or the line under a Markdown table's head.
fn is_rule(line: &str) -> bool {
    line.chars().all(|c| "-=_*|+:. ~".contains(c))
}

impl Line {
    pub(super) fn new(page: u32, text: &str) -> Self {
        let chars: Vec<char> = text.chars().collect();
        let mut offsets: Vec<usize> = text.char_indices().map(|(offset, _)| offset).collect();
        offsets.push(text.len());
        Self {
            page,
            text: text.to_owned(),
            folded: fold(&chars),
            offsets,
        }
    }

    /// Where `label` stands as whole words: the characters from and to.
    pub(super) fn find(&self, label: &str) -> Option<(usize, usize)> {
        let label: Vec<char> = label.chars().flat_map(char::to_lowercase).collect();
        if label.is_empty() || label.len() > self.folded.len() {
            return None;
        }
        let starts = 0..=self.folded.len() - label.len();
        // Nearly everywhere the first character says no.
        starts
            .filter(|start| self.folded[*start] == label[0])
            .find_map(|start| {
                let end = start + label.len();
                let runs_on_before = start > 0 && is_word(self.folded[start - 1]) && is_word(label[0]);
                let runs_on_after =
                    end < self.folded.len() && is_word(self.folded[end]) && is_word(label[label.len() - 1]);
                let whole = !runs_on_before && !runs_on_after;
                (whole && self.folded[start..end] == label[..]).then_some((start, end))
            })
    }

    /// Whether one of these words stands on it.
    pub(super) fn has_any(&self, words: &[&str]) -> bool {
        words.iter().any(|word| self.find(word).is_some())
    }

    /// The text from a character on.
    pub(super) fn from(&self, character: usize) -> &str {
        let offset = self.offsets.get(character).copied().unwrap_or(self.text.len());
        &self.text[offset..]
    }

    /// The byte where a character begins.
    pub(super) fn offset(&self, character: usize) -> usize {
        self.offsets.get(character).copied().unwrap_or(self.text.len())
    }

    /// Letters, over all that is printed.
    pub(super) fn letters(&self) -> usize {
        self.text.chars().filter(|c| c.is_alphabetic()).count()
    }

    /// Digits.
    pub(super) fn digits(&self) -> usize {
        self.text.chars().filter(char::is_ascii_digit).count()
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric()
}

fn fold(chars: &[char]) -> Vec<char> {
    let lower: Vec<char> = chars
        .iter()
        .map(|c| c.to_lowercase().next().unwrap_or(*c))
        .collect();
    let letter = |at: Option<usize>| at.and_then(|at| lower.get(at)).is_some_and(|c| c.is_alphabetic());
    lower
        .iter()
        .enumerate()
        .map(|(at, c)| match c {
            // Between or beside letters only: "T0TAL", "1NVOICE"; never in numbers.
            '0' if letter(at.checked_sub(1)) && letter(Some(at + 1)) => 'o',
            '1' if letter(at.checked_sub(1)) && letter(Some(at + 1)) => 'l',
            '|' if letter(Some(at + 1)) => 'i',
            '’' | '`' => '\'',
            '\t' | '\u{a0}' => ' ',
            other => *other,
        })
        .collect()
}

/// A value, and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Found<T> {
    pub(super) value: T,
    pub(super) page: u32,
    pub(super) quote: String,
}

impl<T> Found<T> {
    pub(super) fn new(value: T, line: &Line, quote: &str) -> Self {
        Self {
            value,
            page: line.page,
            quote: quote.trim().to_owned(),
        }
    }

    pub(super) fn map<U>(self, change: impl FnOnce(T) -> U) -> Found<U> {
        Found {
            value: change(self.value),
            page: self.page,
            quote: self.quote,
        }
    }

    pub(super) fn evidence(&self, field: &str) -> Evidence {
        Evidence {
            field: field.to_owned(),
            page: self.page,
            quote: self.quote.clone(),
            bbox: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_found_as_whole_words_through_bad_recognition() {
        assert_eq!(Line::new(1, "SUBT0TAL 9.00").find("subtotal"), Some((0, 8)));
        assert_eq!(Line::new(1, "Subtotal 9.00").find("total"), None);
        assert_eq!(Line::new(1, "Total: 9.00").find("total"), Some((0, 5)));
        let line = Line::new(1, "Größe (Maß) Total 10");
        let (_, end) = line.find("total").unwrap();
        assert_eq!(line.from(end), " 10");
    }
}
