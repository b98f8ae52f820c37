//! Rows: the chunks that stand beside each other.

use crate::layout::chunk::Chunk;

/// Chunks at one height, from left to right.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) chunks: Vec<Chunk>,
    pub(super) y0: f32,
    pub(super) y1: f32,
    pub(super) size: f32,
}

impl Row {
    fn new(chunk: Chunk) -> Self {
        Self {
            y0: chunk.y0,
            y1: chunk.y1,
            size: chunk.size,
            chunks: vec![chunk],
        }
    }

    fn push(&mut self, chunk: Chunk) {
        self.y0 = self.y0.min(chunk.y0);
        self.y1 = self.y1.max(chunk.y1);
        self.size = self.size.max(chunk.size);
        self.chunks.push(chunk);
    }

    pub(super) fn x0(&self) -> f32 {
        self.chunks.iter().map(|chunk| chunk.x0).fold(f32::MAX, f32::min)
    }

    pub(super) fn x1(&self) -> f32 {
        self.chunks.iter().map(|chunk| chunk.x1).fold(f32::MIN, f32::max)
    }
}

/// The rows of a region, from the top down.
pub(super) fn of(mut chunks: Vec<Chunk>) -> Vec<Row> {
    chunks.sort_by(|a, b| a.base.total_cmp(&b.base).then(a.x0.total_cmp(&b.x0)));
    let mut rows: Vec<Row> = Vec::new();
    for chunk in chunks {
        // What stands beside it began at most a few rows above.
        let home = rows.iter_mut().rev().take(3).find(|row| stands_in(row, &chunk));
        match home {
            Some(row) => row.push(chunk),
            None => rows.push(Row::new(chunk)),
        }
    }
    for row in &mut rows {
        row.chunks.sort_by(|a, b| a.x0.total_cmp(&b.x0));
    }
    rows.sort_by(|a, b| a.y0.total_cmp(&b.y0));
    rows
}

fn stands_in(row: &Row, chunk: &Chunk) -> bool {
    let beside = row.chunks.iter().any(|other| {
        let smaller = other.size.min(chunk.size);
        (other.base - chunk.base).abs() < smaller * 0.42
    });
    let over = row
        .chunks
        .iter()
        .any(|other| chunk.x0 < other.x1 - 1.0 && other.x0 < chunk.x1 - 1.0);
    beside && !over
}
