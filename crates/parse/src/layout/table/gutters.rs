//! Tables without lines between their columns: chunks that stand under each other, with
//! the same gutters between them row after row.

use crate::layout::Rule;
use crate::layout::rows::Row;
use crate::layout::table::{Shape, grid};

/// Rows with two chunks or more that a table without drawn columns must have.
const FEWEST_ROWS: usize = 3;

/// Rows that belong together.
pub(super) enum Stretch {
    Lines(Vec<Row>),
    Table(Vec<Row>, Shape),
}

/// Parts rows into tables and what stands between them.
pub(super) fn stretches(rows: Vec<Row>, rules: &[Rule]) -> Vec<Stretch> {
    let left = rows.iter().map(Row::x0).fold(f32::MAX, f32::min);
    let right = rows.iter().map(Row::x1).fold(f32::MIN, f32::max);
    let width = (right - left).max(1.0);
    let mut found = Vec::new();
    let mut open: Vec<Row> = Vec::new();
    for row in rows {
        let far = open
            .last()
            .is_some_and(|last: &Row| row.y0 - last.y1 > row.size.max(last.size) * 2.5);
        if far || is_prose(&row, width) {
            close(std::mem::take(&mut open), rules, &mut found);
        }
        if is_prose(&row, width) {
            found.push(Stretch::Lines(vec![row]));
        } else {
            open.push(row);
        }
    }
    close(open, rules, &mut found);
    found
}

/// A line of running text, which no table has.
fn is_prose(row: &Row, width: f32) -> bool {
    row.chunks.iter().any(|chunk| {
        chunk.width() > width * 0.5 && chunk.items.len() >= 7 && chunk.letters * 2 > chunk.characters
    })
}

fn close(mut rows: Vec<Row>, rules: &[Rule], found: &mut Vec<Stretch>) {
    // Headings above and notes below are no rows of it.
    let several = |row: &Row| row.chunks.len() >= 2;
    let Some(first) = rows.iter().position(several) else {
        if !rows.is_empty() {
            found.push(Stretch::Lines(rows));
        }
        return;
    };
    let last = rows.iter().rposition(several).unwrap_or(first);
    let mut end = last + 1;
    // Lines of a wrapped cell follow closely.
    while end < rows.len() && rows[end].y0 - rows[end - 1].y1 < rows[end].size * 0.3 {
        end += 1;
    }
    let below = rows.split_off(end);
    let table = rows.split_off(first);
    if !rows.is_empty() {
        found.push(Stretch::Lines(rows));
    }
    found.push(match shape(&table, rules) {
        Some(shape) => Stretch::Table(table, shape),
        None => Stretch::Lines(table),
    });
    if !below.is_empty() {
        found.push(Stretch::Lines(below));
    }
}

/// The columns of rows, when they have any.
fn shape(rows: &[Row], rules: &[Rule]) -> Option<Shape> {
    let several: Vec<&Row> = rows.iter().filter(|row| row.chunks.len() >= 2).collect();
    if several.len() < FEWEST_ROWS || several.len() * 5 < rows.len() * 2 {
        return None;
    }
    // Heads that span columns have fewer chunks than the rows below them.
    let mut counts: Vec<usize> = several.iter().map(|row| row.chunks.len()).collect();
    counts.sort_unstable();
    let usual = counts[counts.len() / 2];
    let full: Vec<&&Row> = several.iter().filter(|row| row.chunks.len() >= usual).collect();
    let size = full.iter().map(|row| row.size).fold(0.0, f32::max);
    let columns = columns(&full, size);
    if columns.len() < 2 {
        return None;
    }
    // Chunks that reach over several columns are the exception.
    let chunks = || several.iter().flat_map(|row| &row.chunks);
    let over = |x0: f32, x1: f32| {
        columns
            .iter()
            .filter(|(from, to)| x1.min(*to) - x0.max(*from) > size * 0.3)
            .count()
    };
    let spanning = chunks().filter(|chunk| over(chunk.x0, chunk.x1) > 1).count();
    if spanning * 6 > chunks().count() {
        return None;
    }
    let left = rows.iter().map(Row::x0).fold(f32::MAX, f32::min);
    let right = rows.iter().map(Row::x1).fold(f32::MIN, f32::max);
    let (top, bottom) = (rows.first()?.y0 - size, rows.last()?.y1 + size);
    Some(Shape {
        columns,
        across: grid::across(rules, (left, right), (top, bottom)),
        ruled: false,
    })
}

/// Stretches along the line that are used by more than a few of the rows.
fn columns(rows: &[&&Row], size: f32) -> Vec<(f32, f32)> {
    let mut edges: Vec<(f32, i32)> = rows
        .iter()
        .flat_map(|row| &row.chunks)
        .flat_map(|chunk| [(chunk.x0, 1), (chunk.x1, -1)])
        .collect();
    edges.sort_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)));
    let few = i32::try_from(rows.len() / 12).unwrap_or(0);
    let mut columns: Vec<(f32, f32)> = Vec::new();
    let mut used = 0;
    let mut begin = None;
    for (x, change) in edges {
        used += change;
        if used > few && begin.is_none() {
            begin = Some(x);
        } else if used <= few
            && let Some(from) = begin.take()
        {
            match columns.last_mut() {
                Some(last) if from - last.1 < size * 0.35 => last.1 = x,
                _ => columns.push((from, x)),
            }
        }
    }
    columns
}
