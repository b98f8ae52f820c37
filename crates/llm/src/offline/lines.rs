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
    /// What stands apart from each other on it, from left to right.
    pub(super) cells: Vec<Cell>,
}

/// A part of a line, with wide gaps around it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cell {
    /// Bytes of the line's text, from and to.
    pub(super) start: usize,
    pub(super) end: usize,
    /// Where it stands on the page, from left to right.
    pub(super) x0: f32,
    pub(super) x1: f32,
    /// How high its letters are.
    pub(super) height: f32,
}

/// A row of a page: its text and its cells.
type Row = (String, Vec<Cell>);

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
    let mut said: Vec<(u32, Cow<'_, str>, Option<Vec<Cell>>)> = Vec::new();
    for page in pages {
        if page.words.is_empty() {
            let lines = page.text.lines().map(str::trim);
            let lines = lines.filter(|line| !line.is_empty() && !is_rule(line));
            said.extend(lines.map(|line| (page.number, Cow::Borrowed(line), None)));
        } else {
            let rows = rows(page).into_iter().filter(|(text, _)| !is_rule(text));
            said.extend(rows.map(|(text, cells)| (page.number, Cow::Owned(text), Some(cells))));
        }
    }
    let first = within(said.iter());
    let last = within(said.get(first..).unwrap_or_default().iter().rev());
    let cut = |(page, line, cells): &(u32, Cow<'_, str>, Option<Vec<Cell>>)| {
        let text = &line[..line.floor_char_boundary(MOST_LINE)];
        match cells {
            Some(cells) => Line::placed(*page, text, cells),
            None => Line::new(*page, text),
        }
    };
    let ends = said.iter().take(first).chain(said.iter().skip(said.len() - last));
    let shortened = ends.clone().filter(|(_, line, _)| line.len() > MOST_LINE).count();
    (ends.map(cut).collect(), said.len() - first - last + shortened)
}

/// How many of these lines are looked at.
fn within<'l>(lines: impl Iterator<Item = &'l (u32, Cow<'l, str>, Option<Vec<Cell>>)>) -> usize {
    let mut room = MOST_TEXT;
    let fits = lines.take(MOST_LINES).take_while(|(_, line, _)| {
        let length = line.len().min(MOST_LINE);
        let fits = length <= room;
        room = room.saturating_sub(length);
        fits
    });
    fits.count()
}

/// The words of a page, row by row, left to right; a wide gap stays three spaces wide.
fn rows(page: &Page) -> Vec<Row> {
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
            let mut cells: Vec<Cell> = Vec::new();
            let mut last: Option<&Word> = None;
            for word in row {
                let wide = last
                    .is_none_or(|last| word.bbox.x0 - last.bbox.x1 > height(word).max(height(last)) * 1.4);
                if last.is_some() {
                    text.push_str(if wide { "   " } else { " " });
                }
                if wide {
                    cells.push(Cell {
                        start: text.len(),
                        end: text.len(),
                        x0: word.bbox.x0,
                        x1: word.bbox.x1,
                        height: height(word),
                    });
                }
                text.push_str(
                    page.text
                        .get(word.start as usize..word.end as usize)
                        .unwrap_or_default(),
                );
                if let Some(cell) = cells.last_mut() {
                    cell.end = text.len();
                    cell.x1 = cell.x1.max(word.bbox.x1);
                }
                last = Some(word);
            }
            (text, cells)
        })
        .collect()
}

/// The cells of a line of which only the text is known: characters are as wide as high. One pass:
/// a line may have thousands of cells.
fn cells_of(text: &str) -> Vec<Cell> {
    const CHARACTER: f32 = 5.0;
    let mut cells: Vec<Cell> = Vec::new();
    let mut open = false;
    let mut spaces = 0;
    for (column, (offset, c)) in text.char_indices().enumerate() {
        if c == '|' || c.is_whitespace() {
            spaces += 1;
            open &= c != '|' && spaces < 3;
            continue;
        }
        spaces = 0;
        let (x0, end) = (column as f32 * CHARACTER, offset + c.len_utf8());
        match cells.last_mut().filter(|_| open) {
            Some(cell) => (cell.end, cell.x1) = (end, x0 + CHARACTER),
            None => cells.push(Cell {
                start: offset,
                end,
                x0,
                x1: x0 + CHARACTER,
                height: CHARACTER * 2.0,
            }),
        }
        open = true;
    }
    cells
}

/// A ruled line, or the line under a Markdown table's head.
fn is_rule(line: &str) -> bool {
    line.chars().all(|c| "-=_*|+:. ~".contains(c))
}

impl Line {
    pub(super) fn new(page: u32, text: &str) -> Self {
        Self::placed(page, text, &cells_of(text))
    }

    fn placed(page: u32, text: &str, cells: &[Cell]) -> Self {
        let chars: Vec<char> = text.chars().collect();
        let mut offsets: Vec<usize> = text.char_indices().map(|(offset, _)| offset).collect();
        offsets.push(text.len());
        Self {
            page,
            text: text.to_owned(),
            folded: fold(&chars),
            offsets,
            cells: cells
                .iter()
                .filter(|cell| cell.end <= text.len())
                .copied()
                .collect(),
        }
    }

    /// The cell in which a byte of the text stands.
    pub(super) fn cell_at(&self, offset: usize) -> Option<&Cell> {
        self.cells
            .iter()
            .find(|cell| cell.start <= offset && offset < cell.end)
    }

    /// What a cell says.
    pub(super) fn said(&self, cell: &Cell) -> &str {
        self.text.get(cell.start..cell.end).unwrap_or_default()
    }

    /// The cell that stands in the column of a cell on another line.
    pub(super) fn in_column(&self, of: &Cell) -> Option<&Cell> {
        let apart = |cell: &&Cell| (cell.x0 - of.x0).abs();
        let overlaps = |cell: &&Cell| cell.x0 < of.x1.max(of.x0 + 4.0 * of.height) && cell.x1 > of.x0;
        self.cells
            .iter()
            .filter(overlaps)
            .min_by(|a, b| apart(a).total_cmp(&apart(b)))
    }

    /// Where `label` stands as whole words: the characters from and to. Between its words may
    /// stand what people put there: "Invoice-No", "Rechnungs Nr", "Sub Total".
    pub(super) fn find(&self, label: &str) -> Option<(usize, usize)> {
        let label: Vec<char> = label.chars().flat_map(char::to_lowercase).collect();
        let first = *label.first()?;
        // Nearly everywhere the first character says no.
        let starts = (0..self.folded.len()).filter(|start| self.folded[*start] == first);
        starts
            .into_iter()
            .find_map(|start| Some((start, self.runs_to(&label, start)?)))
    }

    /// Where the label ends when it begins at this character.
    fn runs_to(&self, label: &[char], start: usize) -> Option<usize> {
        let mut at = start;
        for (index, wanted) in label.iter().enumerate() {
            if is_between(*wanted) && index + 1 < label.len() {
                let run = self.folded[at..]
                    .iter()
                    .take(3)
                    .take_while(|c| is_between(**c))
                    .count();
                at += run;
                continue;
            }
            if self.folded.get(at) != Some(wanted) {
                return None;
            }
            at += 1;
        }
        let before = start.checked_sub(1).map(|before| self.folded[before]);
        let runs_on_before = before.is_some_and(is_word) && is_word(label[0]) && !is_compound(label);
        let runs_on_after =
            self.folded.get(at).copied().is_some_and(is_word) && label.last().copied().is_some_and(is_word);
        (!runs_on_before && !runs_on_after).then_some(at)
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

/// What may stand between the words of a label.
fn is_between(c: char) -> bool {
    " .-/:°º#".contains(c)
}

/// German puts what kind of invoice it is before the word: "Handelsrechnung Nr.".
fn is_compound(label: &[char]) -> bool {
    let head: Vec<char> = "rechnung".chars().collect();
    label.len() > head.len() + 1 && label.starts_with(&head)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
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
    fn cells_stand_in_columns() {
        let said = |text: &str| {
            let line = Line::new(1, text);
            let cells = line.cells.iter().map(|cell| line.said(cell).to_owned());
            cells.collect::<Vec<String>>()
        };
        assert_eq!(said("| a b | ü  c |  | d |"), ["a b", "ü  c", "d"]);
        assert_eq!(said("a:   b c|d"), ["a:", "b c", "d"]);
        let head = Line::new(1, "Supplier   Customer");
        let below = Line::new(1, "Mill Ltd   Blue Heron");
        assert_eq!(head.cells.len(), 2);
        let customer = below.in_column(&head.cells[1]).expect("a cell below it");
        assert_eq!(below.said(customer), "Blue Heron");
        assert_eq!(head.cell_at(12).map(|cell| head.said(cell)), Some("Customer"));
    }

    #[test]
    fn labels_are_found_as_whole_words_through_bad_recognition() {
        assert_eq!(Line::new(1, "SUBT0TAL 9.00").find("subtotal"), Some((0, 8)));
        assert_eq!(Line::new(1, "Subtotal 9.00").find("total"), None);
        assert_eq!(Line::new(1, "Total: 9.00").find("total"), Some((0, 5)));
        assert_eq!(
            Line::new(1, "Handelsrechnung Nr. 7").find("rechnung nr"),
            Some((7, 18))
        );
        assert!(Line::new(1, "Invoice-No.: 7").find("invoice no").is_some());
        assert!(Line::new(1, "RechnungsNr 7").find("rechnungs-nr").is_some());
        let line = Line::new(1, "Größe (Maß) Total 10");
        let (_, end) = line.find("total").unwrap();
        assert_eq!(line.from(end), " 10");
    }
}
