//! Columns of prose: where a gutter runs down between two bodies of running text, the
//! left one is read to its end before the right one is begun. A gutter between the cells
//! of a table, or between a label and its value, parts nothing: those are read row by row.

use crate::layout::chunk::Chunk;

/// Deepest nesting of columns in columns; newspapers have four beside each other.
const DEEPEST: usize = 6;

/// Lines that two columns must stand beside each other for.
const FEWEST_LINES: usize = 3;

/// Parts the chunks of a page into regions, in reading order.
pub(super) fn split(chunks: Vec<Chunk>) -> Vec<Vec<Chunk>> {
    let mut regions = Vec::new();
    split_into(chunks, DEEPEST, &mut regions);
    regions
}

fn split_into(mut chunks: Vec<Chunk>, depth: usize, regions: &mut Vec<Vec<Chunk>>) {
    if chunks.is_empty() {
        return;
    }
    chunks.sort_by(|a, b| a.middle().total_cmp(&b.middle()));
    let found = if depth == 0 || chunks.len() < FEWEST_LINES * 2 {
        None
    } else {
        widest_columns(&chunks)
    };
    let Some(columns) = found else {
        regions.push(chunks);
        return;
    };
    let (mut above, mut left, mut right, mut below) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for chunk in chunks {
        let middle = chunk.middle();
        if middle < columns.top {
            above.push(chunk);
        } else if middle > columns.bottom {
            below.push(chunk);
        } else if f32::midpoint(chunk.x0, chunk.x1) < columns.gutter {
            left.push(chunk);
        } else {
            right.push(chunk);
        }
    }
    if left.is_empty() || right.is_empty() {
        regions.push([above, left, right, below].concat());
        return;
    }
    for part in [above, left, right, below] {
        split_into(part, depth - 1, regions);
    }
}

/// Two bodies of prose beside each other.
#[derive(Debug, Clone, Copy)]
struct Columns {
    gutter: f32,
    top: f32,
    bottom: f32,
}

/// A strip without any text, between chunks on both sides.
struct Gutter {
    from: f32,
    to: f32,
    /// The chunks beside it, by their number.
    left: Vec<usize>,
    right: Vec<usize>,
}

/// The tallest pair of columns of prose.
fn widest_columns(chunks: &[Chunk]) -> Option<Columns> {
    let mut best: Option<(usize, Columns)> = None;
    for gutter in gutters(chunks) {
        let Some((lines, columns)) = prose(&gutter, chunks) else {
            continue;
        };
        if best.as_ref().is_none_or(|(most, _)| lines > *most) {
            best = Some((lines, columns));
        }
    }
    best.map(|(_, columns)| columns)
}

/// All gutters that run down beside a few lines. Chunks come from the top down.
fn gutters(chunks: &[Chunk]) -> Vec<Gutter> {
    let mut open: Vec<Gutter> = Vec::new();
    let mut done: Vec<Gutter> = Vec::new();
    for (at, chunk) in chunks.iter().enumerate() {
        // What this chunk crosses ends; what it stands beside is narrowed.
        for mut gutter in std::mem::take(&mut open) {
            let least = chunk.size * 0.5;
            if chunk.x1 <= gutter.to - least && chunk.x0 < gutter.from + least {
                gutter.from = gutter.from.max(chunk.x1);
                gutter.left.push(at);
                open.push(gutter);
            } else if chunk.x0 >= gutter.from + least && chunk.x1 > gutter.to - least {
                gutter.to = gutter.to.min(chunk.x0);
                gutter.right.push(at);
                open.push(gutter);
            } else if gutter.left.len() >= FEWEST_LINES && gutter.right.len() >= FEWEST_LINES {
                done.push(gutter);
            }
        }
        // The gap to what stands beside it on the right is a gutter that may begin here.
        let beside = chunks[at.saturating_sub(40)..(at + 40).min(chunks.len())]
            .iter()
            .filter(|other| other.y0 < chunk.middle() && other.y1 > chunk.middle() && other.x0 > chunk.x1)
            .map(|other| other.x0)
            .fold(f32::MAX, f32::min);
        let known = |gutter: &Gutter| gutter.from < beside && gutter.to > chunk.x1;
        if beside < f32::MAX && beside - chunk.x1 > chunk.size * 0.6 && !open.iter().any(known) {
            open.push(Gutter {
                from: chunk.x1,
                to: beside,
                left: vec![at],
                right: Vec::new(),
            });
        }
        if open.len() > 64 {
            open.remove(0);
        }
    }
    done.extend(
        open.into_iter()
            .filter(|gutter| gutter.left.len() >= FEWEST_LINES && gutter.right.len() >= FEWEST_LINES),
    );
    done
}

/// The stretch of a gutter that has prose on both sides, and how many lines of it.
fn prose(gutter: &Gutter, chunks: &[Chunk]) -> Option<(usize, Columns)> {
    let left = Side::of(&gutter.left, chunks);
    let right = Side::of(&gutter.right, chunks);
    if !(left.is_prose() && right.is_prose()) {
        return None;
    }
    // They stand beside each other, not one above the other.
    let (top, bottom) = (left.top.max(right.top), left.bottom.min(right.bottom));
    let beside = |side: &[usize]| {
        side.iter()
            .filter(|at| (top..=bottom).contains(&chunks[**at].middle()))
            .count()
    };
    if beside(&gutter.left) < FEWEST_LINES || beside(&gutter.right) < FEWEST_LINES {
        return None;
    }
    let columns = Columns {
        gutter: f32::midpoint(gutter.from, gutter.to),
        top: left.top.min(right.top),
        bottom: left.bottom.max(right.bottom),
    };
    Some((gutter.left.len() + gutter.right.len(), columns))
}

/// What stands on one side of a gutter.
struct Side {
    lines: usize,
    top: f32,
    bottom: f32,
    /// Lines that fill most of the side's width with words.
    full: usize,
    letters: usize,
    characters: usize,
    /// Lines that follow the one before at the distance of lines of one text.
    following: usize,
}

impl Side {
    fn of(numbers: &[usize], chunks: &[Chunk]) -> Self {
        let chunks: Vec<&Chunk> = numbers.iter().map(|at| &chunks[*at]).collect();
        let lines = lines_of(&chunks);
        let x0 = lines.iter().map(|line| line.x0).fold(f32::MAX, f32::min);
        let x1 = lines.iter().map(|line| line.x1).fold(f32::MIN, f32::max);
        let wide = (x1 - x0).max(1.0);
        let full = lines
            .iter()
            .filter(|line| line.filled > wide * 0.6 && line.words >= 3 && line.chunks <= 2)
            .count();
        let following = lines
            .windows(2)
            .filter(|pair| {
                let step = pair[1].base - pair[0].base;
                step < pair[0].size.max(pair[1].size) * 1.9
            })
            .count();
        Self {
            lines: lines.len(),
            top: lines.iter().map(|line| line.top).fold(f32::MAX, f32::min),
            bottom: lines.iter().map(|line| line.bottom).fold(f32::MIN, f32::max),
            full,
            letters: chunks.iter().map(|chunk| chunk.letters).sum(),
            characters: chunks.iter().map(|chunk| chunk.characters).sum(),
            following,
        }
    }

    fn is_prose(&self) -> bool {
        self.lines >= FEWEST_LINES
            && self.full * 2 >= self.lines
            && self.following * 3 >= (self.lines - 1) * 2
            && self.letters * 3 >= self.characters * 2
    }
}

/// A line of one side.
struct LineOf {
    x0: f32,
    x1: f32,
    top: f32,
    bottom: f32,
    base: f32,
    size: f32,
    filled: f32,
    words: usize,
    chunks: usize,
}

fn lines_of(chunks: &[&Chunk]) -> Vec<LineOf> {
    let mut sorted = chunks.to_vec();
    sorted.sort_by(|a, b| a.base.total_cmp(&b.base));
    let mut lines: Vec<LineOf> = Vec::new();
    for chunk in sorted {
        if let Some(line) = lines.last_mut()
            && chunk.base - line.base < chunk.size * 0.4
        {
            line.x0 = line.x0.min(chunk.x0);
            line.x1 = line.x1.max(chunk.x1);
            line.top = line.top.min(chunk.y0);
            line.bottom = line.bottom.max(chunk.y1);
            line.filled += chunk.width();
            line.words += chunk.items.len();
            line.chunks += 1;
            continue;
        }
        lines.push(LineOf {
            x0: chunk.x0,
            x1: chunk.x1,
            top: chunk.y0,
            bottom: chunk.y1,
            base: chunk.base,
            size: chunk.size,
            filled: chunk.width(),
            words: chunk.items.len(),
            chunks: 1,
        });
    }
    lines
}
