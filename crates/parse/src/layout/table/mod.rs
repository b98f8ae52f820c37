//! Tables: rows whose chunks stand under each other, or between ruling lines.
//!
//! A table's columns come from lines drawn down the page where there are any, else from
//! the gutters between its chunks. Its rows come from lines drawn across it, and where
//! there are none from what stands at one height; lines of a wrapped cell are put
//! together when it is clear where the cell ends.

mod cells;
mod grid;
mod gutters;

use crate::layout::rows::Row;
use crate::layout::{Item, Rule};

/// The lines of words that stand in a cell.
pub(super) type Cell = Vec<Vec<usize>>;

/// What is written at once.
pub(super) enum Block {
    /// A row that is in no table.
    Line(Row),
    /// A table whose grid is clear.
    Table(Table),
}

/// A table.
pub(super) struct Table {
    pub(super) rows: Vec<Vec<Cell>>,
    pub(super) y0: f32,
    pub(super) y1: f32,
}

/// Where the columns of a table are, and what it is ruled with.
struct Shape {
    /// From and to where each column reaches; they do not overlap.
    columns: Vec<(f32, f32)>,
    /// Heights of lines across the table.
    across: Vec<f32>,
    /// Whether lines were drawn between the columns.
    ruled: bool,
}

/// The rows of a region, as lines and tables.
pub(super) fn blocks(rows: Vec<Row>, rules: &[Rule], items: &[Item]) -> Vec<Block> {
    let grids = grid::of(rules);
    let mut blocks = Vec::new();
    let mut open: Vec<Row> = Vec::new();
    let mut within: Option<usize> = None;
    for row in rows {
        let here = grids.iter().position(|grid| grid.holds(&row));
        if here != within {
            close(
                std::mem::take(&mut open),
                within.map(|at| &grids[at]),
                rules,
                items,
                &mut blocks,
            );
            within = here;
        }
        open.push(row);
    }
    close(open, within.map(|at| &grids[at]), rules, items, &mut blocks);
    blocks
}

/// Rows that are all in one ruled grid, or in none.
fn close(rows: Vec<Row>, grid: Option<&grid::Grid>, rules: &[Rule], items: &[Item], blocks: &mut Vec<Block>) {
    if let Some(grid) = grid {
        let shape = Shape {
            columns: grid.columns(),
            across: grid.across.clone(),
            ruled: true,
        };
        put(rows, &shape, items, blocks);
        return;
    }
    for stretch in gutters::stretches(rows, rules) {
        match stretch {
            gutters::Stretch::Lines(rows) => blocks.extend(rows.into_iter().map(Block::Line)),
            gutters::Stretch::Table(rows, shape) => put(rows, &shape, items, blocks),
        }
    }
}

/// Writes rows as a table when that says more than the rows themselves.
fn put(rows: Vec<Row>, shape: &Shape, items: &[Item], blocks: &mut Vec<Block>) {
    let cells = cells::fill(&rows, shape, items);
    let wrapped = cells.len() < rows.len();
    let columns = shape.columns.len();
    let filled = |column: usize| cells.iter().filter(|row| !row[column].is_empty()).count();
    // A form's labels and values, or a frame around a paragraph, read better as lines.
    let few = (0..columns).filter(|column| filled(*column) > 0).count();
    if few < 2 || cells.len() < 2 || (few == 2 && !wrapped && !shape.ruled) {
        blocks.extend(rows.into_iter().map(Block::Line));
        return;
    }
    let keep: Vec<usize> = (0..columns).filter(|column| filled(*column) > 0).collect();
    let rows_of_cells = cells
        .into_iter()
        .map(|mut row| {
            keep.iter()
                .map(|column| std::mem::take(&mut row[*column]))
                .collect()
        })
        .collect();
    blocks.push(Block::Table(Table {
        rows: rows_of_cells,
        y0: rows.iter().map(|row| row.y0).fold(f32::MAX, f32::min),
        y1: rows.iter().map(|row| row.y1).fold(f32::MIN, f32::max),
    }));
}
