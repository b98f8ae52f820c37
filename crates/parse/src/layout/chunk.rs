//! Chunks: words that stand together on a line, with no more than word spaces between them.
//! A chunk is a cell, a label, or a line of prose in one column.

use crate::layout::{Item, Rule};

/// Words that stand together.
#[derive(Debug, Clone)]
pub(super) struct Chunk {
    /// Its words, from left to right.
    pub(super) items: Vec<usize>,
    pub(super) x0: f32,
    pub(super) x1: f32,
    pub(super) y0: f32,
    pub(super) y1: f32,
    pub(super) base: f32,
    pub(super) size: f32,
    /// Letters and all characters of its words.
    pub(super) letters: usize,
    pub(super) characters: usize,
}

impl Chunk {
    pub(super) fn new(items: Vec<usize>, all: &[Item]) -> Self {
        let mut chunk = Self {
            items,
            x0: f32::MAX,
            x1: f32::MIN,
            y0: f32::MAX,
            y1: f32::MIN,
            base: 0.0,
            size: 0.0,
            letters: 0,
            characters: 0,
        };
        for item in chunk.items.iter().filter_map(|at| all.get(*at)) {
            chunk.x0 = chunk.x0.min(item.x0);
            chunk.x1 = chunk.x1.max(item.x1);
            chunk.y0 = chunk.y0.min(item.y0);
            chunk.y1 = chunk.y1.max(item.y1);
            if item.size > chunk.size {
                chunk.size = item.size;
                chunk.base = item.base;
            }
            chunk.characters += item.text.chars().count();
            chunk.letters += item.text.chars().filter(|c| c.is_alphabetic()).count();
        }
        chunk
    }

    pub(super) fn width(&self) -> f32 {
        self.x1 - self.x0
    }

    pub(super) fn middle(&self) -> f32 {
        f32::midpoint(self.y0, self.y1)
    }
}

/// The chunks of a page, in no order.
pub(super) fn of(items: &[Item], rules: &[Rule]) -> Vec<Chunk> {
    let mut down: Vec<&Rule> = rules.iter().filter(|rule| rule.down).collect();
    down.sort_by(|a, b| a.at.total_cmp(&b.at));
    let mut chunks = Vec::new();
    for line in lines(items) {
        let mut together: Vec<usize> = Vec::new();
        // Where the words so far end: a wide word may reach beyond the next.
        let mut end = f32::MIN;
        for at in line {
            let item = &items[at];
            if let Some(last) = together.last()
                && apart(&items[*last], end, item, &down)
            {
                chunks.push(Chunk::new(std::mem::take(&mut together), items));
                end = f32::MIN;
            }
            end = end.max(item.x1);
            together.push(at);
        }
        if !together.is_empty() {
            chunks.push(Chunk::new(together, items));
        }
    }
    chunks
}

/// Whether more than a word space parts two words of a line.
fn apart(before: &Item, end: f32, after: &Item, down: &[&Rule]) -> bool {
    let gap = after.x0 - end;
    let size = before.size.max(after.size);
    if gap > size {
        return true;
    }
    // Columns of numbers stand closer together than anything else in a table.
    let number = |item: &Item| item.text.contains(|c: char| c.is_ascii_digit());
    if gap > size * 0.65 && number(before) && number(after) {
        return true;
    }
    let from = down.partition_point(|rule| rule.at < end - size * 0.1);
    down[from..]
        .iter()
        .take_while(|rule| rule.at <= after.x0 + size * 0.1)
        .any(|rule| rule.from < after.base - after.size * 0.2 && rule.to > after.base - after.size * 0.5)
}

/// Words that stand on one line, from left to right, over the whole width of the page.
fn lines(items: &[Item]) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..items.len()).collect();
    order.sort_by(|a, b| items[*a].base.total_cmp(&items[*b].base));
    let mut lines: Vec<Line> = Vec::new();
    for at in order {
        let item = &items[at];
        match lines.last_mut() {
            Some(line) if item.base - line.base < item.size.min(line.size) * 0.25 => line.push(at, item),
            _ => lines.push(Line::new(at, item)),
        }
    }
    raise(&mut lines, items);
    lines
        .into_iter()
        .filter(|line| !line.items.is_empty())
        .map(|mut line| {
            line.items.sort_by(|a, b| items[*a].x0.total_cmp(&items[*b].x0));
            line.items
        })
        .collect()
}

struct Line {
    items: Vec<usize>,
    base: f32,
    size: f32,
}

impl Line {
    fn new(at: usize, item: &Item) -> Self {
        Self {
            items: vec![at],
            base: item.base,
            size: item.size,
        }
    }

    fn push(&mut self, at: usize, item: &Item) {
        self.items.push(at);
        self.size = self.size.max(item.size);
    }
}

/// Words in smaller type above or below a line (a footnote's mark, an index) belong to the
/// line when there is room for them beside its words.
fn raise(lines: &mut [Line], items: &[Item]) {
    for at in 0..lines.len() {
        let small = std::mem::take(&mut lines[at].items);
        let mut rest = Vec::new();
        for word in small {
            let item = &items[word];
            let home = [at.checked_sub(1), Some(at + 1), at.checked_sub(2), Some(at + 2)]
                .into_iter()
                .flatten()
                .find(|near| lines.get(*near).is_some_and(|line| takes(line, item, items)));
            match home {
                Some(near) => lines[near].items.push(word),
                None => rest.push(word),
            }
        }
        lines[at].items = rest;
    }
}

fn takes(line: &Line, item: &Item, items: &[Item]) -> bool {
    let off = item.base - line.base;
    if item.size > line.size * 0.85 || off > line.size * 0.35 || off < line.size * -0.6 {
        return false;
    }
    let mut beside = false;
    for other in line.items.iter().map(|at| &items[*at]) {
        if item.x0 < other.x1 - item.size * 0.3 && other.x0 < item.x1 - item.size * 0.3 {
            return false;
        }
        let gap = (item.x0 - other.x1).max(other.x0 - item.x1);
        beside |= gap < line.size * 0.4 && other.size > item.size;
    }
    beside
}
