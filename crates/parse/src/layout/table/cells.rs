//! What stands in which cell.

use crate::layout::chunk::Chunk;
use crate::layout::rows::Row;
use crate::layout::table::{Cell, Shape};
use crate::layout::{Item, chunk};

/// A line of the table: what of it stands in each column.
struct Line<'a> {
    row: &'a Row,
    cells: Vec<Vec<usize>>,
    /// Columns in which a number stands.
    numbers: usize,
}

/// The table's rows, each with a cell for each column.
pub(super) fn fill(rows: &[Row], shape: &Shape, items: &[Item]) -> Vec<Vec<Cell>> {
    let lines: Vec<Line<'_>> = rows.iter().map(|row| Line::of(row, shape, items)).collect();
    let steps = Steps::of(&lines);
    let mut filled = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        // Lines between the same two rules.
        let band = |line: &Line<'_>| {
            let middle = f32::midpoint(line.row.y0, line.row.y1);
            shape.across.iter().filter(|rule| **rule < middle).count()
        };
        let here = band(&lines[at]);
        let end = at + lines[at..].iter().take_while(|line| band(line) == here).count();
        // A band that is the whole table says nothing about its rows.
        let ruled =
            shape.across.len() >= 2 && end - at < lines.len() && here > 0 && here < shape.across.len();
        for group in groups(&lines[at..end], &steps, ruled) {
            filled.push(cells_of(group, shape.columns.len()));
        }
        at = end;
    }
    filled
}

fn cells_of(lines: &[Line<'_>], columns: usize) -> Vec<Cell> {
    (0..columns)
        .map(|column| {
            let words = lines.iter().map(|line| &line.cells[column]);
            words.filter(|words| !words.is_empty()).cloned().collect()
        })
        .collect()
}

impl<'a> Line<'a> {
    fn of(row: &'a Row, shape: &Shape, items: &[Item]) -> Self {
        let mut cells = vec![Vec::new(); shape.columns.len()];
        for chunk in &row.chunks {
            for (column, words) in parts(chunk, shape, items) {
                cells[column].extend(words);
            }
        }
        let numbers = cells.iter().filter(|words| is_number(words, items)).count();
        Self { row, cells, numbers }
    }

    fn filled(&self) -> usize {
        self.cells.iter().filter(|words| !words.is_empty()).count()
    }
}

fn is_number(words: &[usize], items: &[Item]) -> bool {
    let characters = || words.iter().flat_map(|word| items[*word].text.chars());
    let digits = characters().filter(char::is_ascii_digit).count();
    let letters = characters().filter(|c| c.is_alphabetic()).count();
    digits > 0 && letters <= digits
}

/// The column that a chunk stands in, or the columns its words stand in.
fn parts(chunk: &Chunk, shape: &Shape, items: &[Item]) -> Vec<(usize, Vec<usize>)> {
    let column = |x: f32| {
        let columns = &shape.columns;
        let next = columns.partition_point(|(from, _)| *from <= x);
        // Between two columns the nearer one.
        match next.checked_sub(1) {
            None => 0,
            Some(before) if next < columns.len() && columns[next].0 - x < x - columns[before].1 => next,
            Some(before) => before,
        }
    };
    let middle = |item: &Item| f32::midpoint(item.x0, item.x1);
    let mut parts: Vec<(usize, Vec<usize>)> = Vec::new();
    for word in &chunk.items {
        let here = column(middle(&items[*word]));
        match parts.last_mut() {
            Some((last, words)) if *last == here => words.push(*word),
            _ => parts.push((here, vec![*word])),
        }
    }
    let clean = parts.windows(2).all(|pair| {
        let (Some(before), Some(after)) = (pair[0].1.last(), pair[1].1.first()) else {
            return false;
        };
        let (before, after) = (&items[*before], &items[*after]);
        let wide = after.x0 - before.x1 > chunk.size * 0.4;
        let numbers = [&pair[0].1, &pair[1].1]
            .iter()
            .all(|words| is_number(words, items));
        pair[0].0 < pair[1].0 && (numbers || wide) && (numbers || !shape.ruled)
    });
    if parts.len() > 1 && !clean {
        // It spans columns: it is read where it begins. A narrow one merely sticks out a little.
        let at = if parts.len() == 2 {
            column(f32::midpoint(chunk.x0, chunk.x1))
        } else {
            column(chunk.x0)
        };
        return vec![(at.min(shape.columns.len() - 1), chunk.items.clone())];
    }
    parts
}

/// Distances between the lines of a table.
struct Steps {
    /// Of lines of one cell; lines of different rows may be further apart.
    tight: f32,
    /// Whether there are wider ones.
    uneven: bool,
}

impl Steps {
    fn of(lines: &[Line<'_>]) -> Self {
        let mut steps: Vec<f32> = lines.windows(2).map(|pair| step(&pair[0], &pair[1])).collect();
        steps.sort_by(f32::total_cmp);
        // A few lines that nearly touch do not make all others far apart.
        let tight = steps.get(steps.len() / 10).copied().unwrap_or(0.0);
        let wide = steps.iter().filter(|step| **step > tight * 1.25).count();
        Self {
            tight,
            uneven: wide * 8 >= steps.len(),
        }
    }

    fn follows(&self, before: &Line<'_>, after: &Line<'_>) -> bool {
        step(before, after) <= self.tight * 1.2
    }
}

fn step(before: &Line<'_>, after: &Line<'_>) -> f32 {
    base(after) - base(before)
}

fn base(line: &Line<'_>) -> f32 {
    line.row
        .chunks
        .iter()
        .map(|chunk: &chunk::Chunk| chunk.base)
        .fold(f32::MIN, f32::max)
}

/// Lines that make one row of the table.
fn groups<'l, 'a>(lines: &'l [Line<'a>], steps: &Steps, ruled: bool) -> Vec<&'l [Line<'a>]> {
    let numbered = lines.iter().filter(|line| line.numbers > 0).count();
    // Between two rules stands one row, unless numbers stand under each other.
    if lines.len() < 2 || (ruled && (numbered < 2 || !numbers_stand_under_each_other(lines))) {
        return vec![lines];
    }
    let mut groups = Vec::new();
    let mut begin = 0;
    for at in 1..=lines.len() {
        if at < lines.len() && continues(lines, at, steps, numbered) {
            continue;
        }
        groups.push(&lines[begin..at]);
        begin = at;
    }
    groups
}

fn numbers_stand_under_each_other(lines: &[Line<'_>]) -> bool {
    let most = lines.iter().map(|line| line.numbers).max().unwrap_or(0);
    lines.iter().filter(|line| line.numbers * 2 >= most).count() >= 2
}

/// Whether a line goes on with the cells of the line before.
fn continues(lines: &[Line<'_>], at: usize, steps: &Steps, numbered: usize) -> bool {
    let (before, line) = (&lines[at - 1], &lines[at]);
    if !steps.uneven || !steps.follows(before, line) {
        return false;
    }
    if numbered * 3 >= lines.len() {
        // Number after number is row after row. A line without any belongs to the one above when
        // what comes next stands further off: else it may be the head of what follows.
        let next = (at..lines.len()).find(|next| {
            *next + 1 == lines.len()
                || !steps.follows(&lines[*next], &lines[*next + 1])
                || lines[*next + 1].numbers > 0
        });
        let end = next.unwrap_or(at);
        let apart = end + 1 == lines.len() || !steps.follows(&lines[end], &lines[end + 1]);
        return line.numbers == 0 && line.filled() < lines[at - 1].cells.len() && apart;
    }
    true
}
