//! Blocks, written out as text.

use crate::layout::chunk::Chunk;
use crate::layout::table::{Block, Cell};
use crate::layout::{Arranged, Item};

/// What stands between the chunks of a row that is in no table.
const APART: &str = "   ";

/// Writes blocks, remembering where each word comes to stand.
pub(super) struct Writer<'a> {
    items: &'a [Item],
    arranged: Arranged,
    /// Where the last line ended on the page, and the height of its type.
    last: Option<(f32, f32)>,
}

impl<'a> Writer<'a> {
    pub(super) fn new(items: &'a [Item]) -> Self {
        let length = items.iter().map(|item| item.text.len() + 1).sum();
        Self {
            items,
            arranged: Arranged {
                text: String::with_capacity(length),
                spans: Vec::with_capacity(items.len()),
            },
            last: None,
        }
    }

    /// What comes next stands elsewhere on the page.
    pub(super) fn part(&mut self) {
        self.last = None;
    }

    pub(super) fn block(&mut self, block: &Block) {
        match block {
            Block::Line(row) => {
                self.line(row.y0, row.y1, row.size);
                let rtl = self.is_right_to_left(&row.chunks);
                for (at, chunk) in in_order(&row.chunks, rtl).enumerate() {
                    if at > 0 {
                        self.arranged.text.push_str(APART);
                    }
                    self.words(&chunk.items);
                }
            }
            Block::Table(table) => {
                self.line(table.y0, table.y1, f32::MAX);
                for (at, row) in table.rows.iter().enumerate() {
                    if at > 0 {
                        self.arranged.text.push('\n');
                    }
                    self.row(row);
                    if at == 0 {
                        self.arranged.text.push_str("\n|");
                        row.iter().for_each(|_| self.arranged.text.push_str(" --- |"));
                    }
                }
            }
        }
    }

    fn row(&mut self, cells: &[Cell]) {
        self.arranged.text.push('|');
        for cell in cells {
            for line in cell {
                self.arranged.text.push(' ');
                self.words(line);
            }
            self.arranged.text.push_str(" |");
        }
    }

    /// Begins a line, after an empty one when there is room for one on the page.
    fn line(&mut self, y0: f32, y1: f32, size: f32) {
        if !self.arranged.text.is_empty() {
            let near = self
                .last
                .is_some_and(|(end, before)| y0 - end < size.min(before) * 0.75);
            self.arranged.text.push_str(if near { "\n" } else { "\n\n" });
        }
        self.last = Some((y1, size));
    }

    fn is_right_to_left(&self, chunks: &[Chunk]) -> bool {
        let (mut right, mut left) = (0, 0);
        for item in chunks.iter().flat_map(|chunk| &chunk.items) {
            for c in self.items[*item].text.chars() {
                right += usize::from(super::is_right_to_left(c));
                left += usize::from(c.is_alphabetic() && !super::is_right_to_left(c));
            }
        }
        right > left
    }

    /// Words of a chunk, in the order they are read in.
    fn words(&mut self, words: &[usize]) {
        for (at, word) in reading_order(words, self.items).into_iter().enumerate() {
            if at > 0 {
                self.arranged.text.push(' ');
            }
            let start = self.arranged.text.len();
            self.arranged.text.push_str(&self.items[word].text);
            let end = self.arranged.text.len();
            let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
            self.arranged.spans.push((offset(start), offset(end), word));
        }
    }

    pub(super) fn finish(self) -> Arranged {
        self.arranged
    }
}

fn in_order(chunks: &[Chunk], right_to_left: bool) -> Box<dyn Iterator<Item = &Chunk> + '_> {
    if right_to_left {
        Box::new(chunks.iter().rev())
    } else {
        Box::new(chunks.iter())
    }
}

/// Words from left to right, as they are read: in Hebrew or Arabic from right to left,
/// where numbers and foreign words in between keep their own order.
fn reading_order(words: &[usize], items: &[Item]) -> Vec<usize> {
    let direction = |word: usize| {
        let mut letters = items[word].text.chars().filter(|c| c.is_alphabetic());
        letters.next().map(super::is_right_to_left)
    };
    let right = words
        .iter()
        .filter(|word| direction(**word) == Some(true))
        .count();
    if right == 0 {
        return words.to_vec();
    }
    let left = words
        .iter()
        .filter(|word| direction(**word) == Some(false))
        .count();
    let mut order = words.to_vec();
    if right >= left {
        order.reverse();
        turn_runs(&mut order, |word| direction(word) != Some(true));
    } else {
        turn_runs(&mut order, |word| direction(word) == Some(true));
    }
    order
}

/// Reverses each run of words for which `holds`.
fn turn_runs(words: &mut [usize], holds: impl Fn(usize) -> bool) {
    let mut at = 0;
    while at < words.len() {
        let end = words[at..]
            .iter()
            .position(|word| !holds(*word))
            .map_or(words.len(), |length| at + length);
        words[at..end].reverse();
        at = end.max(at + 1);
    }
}
