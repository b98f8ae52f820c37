//! Which line says which row.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::ground::{LineIndex, RowValue, line_pages, row_values};
use crate::page::Page;
use crate::rows::{Line, lines, lists};
use crate::split::Part;

/// Lines after that of the row before in which a row is looked for first.
const NEAR: usize = 12;

/// Lines farther away that are looked at for one row.
const FAR: usize = 48;

/// Of ten rows of a list, so many must have a line for the list to be one of lines.
const MOST: usize = 8;

/// Lines that are searched for all rows of a list that are not where they should be: a list of
/// twenty thousand rows whose values are all computed must not take minutes.
const FAR_LINES: usize = 20_000_000;

/// Where a row of an answer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placed {
    /// On this line.
    On(Line),
    /// It says again what a row before it says: no other line fits as well as the one that row has.
    Repeats(Line),
    /// On no one line.
    Nowhere,
}

/// Where the rows of an answer stand, list by list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Placements {
    /// By the list's JSON Pointer.
    pub lists: BTreeMap<String, Vec<Placed>>,
}

impl Placements {
    /// Places the rows of what was answered for a part.
    #[must_use]
    pub fn of(data: &Value, schema: &Value, part: &Part, pages: &[Page]) -> Self {
        let mut placements = BTreeMap::new();
        let found = lists(data, schema);
        if found.is_empty() {
            return Self::default();
        }
        let lines = lines(part, pages);
        let texts = line_pages(lines.iter().map(|line| line.text(pages)));
        let index = LineIndex::new(&texts);
        for list in found {
            let mut placer = Placer {
                index: &index,
                taken: vec![false; lines.len()],
                next: 0,
                far_lines: 0,
            };
            let placed = list.rows.iter().map(|row| {
                let values = row_values(row, list.row_schema);
                match placer.place(&values) {
                    Found::At(line) => lines.get(line).copied().map_or(Placed::Nowhere, Placed::On),
                    Found::Repeats(line) => lines.get(line).copied().map_or(Placed::Nowhere, Placed::Repeats),
                    Found::Nowhere => Placed::Nowhere,
                }
            });
            placements.insert(list.pointer, placed.collect());
        }
        Self { lists: placements }
    }

    /// The lines of the rows, by the rows' JSON Pointers; of lists of lines only.
    #[must_use]
    pub fn rows(&self) -> BTreeMap<String, Line> {
        let mut rows = BTreeMap::new();
        for (list, placed) in &self.lists {
            if !is_of_lines(placed.iter()) {
                continue;
            }
            for (index, placed) in placed.iter().enumerate() {
                if let Placed::On(line) = placed {
                    rows.insert(format!("{list}/{index}"), *line);
                }
            }
        }
        rows
    }
}

/// Whether so many rows with and without a line make a list whose rows are lines.
pub(crate) fn is_of_lines<'a>(rows: impl Iterator<Item = &'a Placed>) -> bool {
    let (mut with, mut all) = (0, 0);
    for placed in rows {
        all += 1;
        with += usize::from(*placed != Placed::Nowhere);
    }
    all > 0 && with * 10 >= all * MOST
}

enum Found {
    At(usize),
    Repeats(usize),
    Nowhere,
}

struct Placer<'a> {
    index: &'a LineIndex<'a>,
    taken: Vec<bool>,
    /// The line after that of the row before.
    next: usize,
    /// Lines searched for rows that were not near.
    far_lines: usize,
}

impl Placer<'_> {
    fn place(&mut self, values: &[RowValue<'_>]) -> Found {
        if values.is_empty() {
            return Found::Nowhere;
        }
        let mut free: Option<(usize, usize)> = None;
        let mut taken: Option<(usize, usize)> = None;
        for line in self.next..(self.next + NEAR).min(self.taken.len()) {
            let score = self.index.score(line, values);
            if score == values.len() && !self.is_taken(line) {
                return self.take(line);
            }
            self.note(line, score, &mut free, &mut taken);
        }
        let far = if self.far_lines < FAR_LINES {
            self.far_lines += self.taken.len();
            self.index.candidates(values, self.next, FAR)
        } else {
            Vec::new()
        };
        for line in far {
            let score = self.index.score(line, values);
            if score == values.len() && !self.is_taken(line) {
                return self.take(line);
            }
            self.note(line, score, &mut free, &mut taken);
        }
        let enough = |score: usize| score * 2 >= values.len() && (score > 1 || values.len() == 1);
        let free_score = free.map_or(0, |(score, _)| score);
        match (free, taken) {
            (_, Some((score, line))) if score > free_score && enough(score) => Found::Repeats(line),
            (Some((score, line)), _) if enough(score) => self.take(line),
            _ => Found::Nowhere,
        }
    }

    fn note(
        &self,
        line: usize,
        score: usize,
        free: &mut Option<(usize, usize)>,
        taken: &mut Option<(usize, usize)>,
    ) {
        let best = if self.is_taken(line) { taken } else { free };
        if score > best.map_or(0, |(score, _)| score) {
            *best = Some((score, line));
        }
    }

    fn is_taken(&self, line: usize) -> bool {
        self.taken.get(line).copied().unwrap_or(true)
    }

    fn take(&mut self, line: usize) -> Found {
        if let Some(taken) = self.taken.get_mut(line) {
            *taken = true;
        }
        self.next = line + 1;
        Found::At(line)
    }
}
