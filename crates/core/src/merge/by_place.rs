//! Merging by place: rows that stand on lines of the document are put in the order of
//! those lines, each once.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{Merged, fill, is_same_row, merge};
use crate::extraction::Finding;
use crate::rows::{Line, Placed, Placements, is_of_lines};

/// What was answered for a part.
#[derive(Debug, Clone)]
pub struct Piece {
    /// The data.
    pub data: Value,
    /// Where its rows stand.
    pub placements: Placements,
    /// Only rows were asked for, those that had been missing: nothing else is taken from it.
    pub rows_only: bool,
}

/// The result of all parts, and where its rows stand.
#[derive(Debug, Clone, PartialEq)]
pub struct MergedRows {
    /// The data.
    pub data: Value,
    /// Fields of which parts say different things.
    pub conflicts: Vec<Finding>,
    /// The lines of rows, by their JSON Pointers.
    pub rows: BTreeMap<String, Line>,
}

/// Merges what was answered for the parts of a document, in their order.
#[must_use]
pub fn merge_pieces(mut pieces: Vec<Piece>, schema: &Value) -> MergedRows {
    let mut lists: BTreeMap<String, Rows> = BTreeMap::new();
    for pointer in placed_lists(&pieces) {
        let mut rows = Rows::default();
        for piece in &mut pieces {
            let placed = piece
                .placements
                .lists
                .get(&pointer)
                .map_or(&[][..], Vec::as_slice);
            if let Some(Value::Array(list)) = piece.data.pointer_mut(&pointer) {
                rows.add(std::mem::take(list), placed, piece.rows_only);
            }
        }
        lists.insert(pointer, rows);
    }
    let rest = pieces.into_iter().filter(|piece| !piece.rows_only);
    let Merged { mut data, conflicts } = merge(rest.map(|piece| piece.data).collect(), schema);
    let mut places = BTreeMap::new();
    for (pointer, rows) in lists {
        let (list, lines) = rows.in_order();
        for (index, line) in lines.into_iter().enumerate() {
            if let Some(line) = line {
                places.insert(format!("{pointer}/{index}"), line);
            }
        }
        put(&mut data, &pointer, list);
    }
    MergedRows {
        data,
        conflicts,
        rows: places,
    }
}

/// The lists of which most rows have a line.
fn placed_lists(pieces: &[Piece]) -> BTreeSet<String> {
    let mut found: BTreeMap<&String, Vec<&Placed>> = BTreeMap::new();
    for piece in pieces {
        for (pointer, placed) in &piece.placements.lists {
            found.entry(pointer).or_default().extend(placed);
        }
    }
    let of_lines = found
        .into_iter()
        .filter(|(_, placed)| is_of_lines(placed.iter().copied()));
    of_lines.map(|(pointer, _)| pointer.clone()).collect()
}

/// A row's place in the order: its line, and after how many rows without a line of their own.
type Order = (Option<(usize, usize)>, u32);

/// The rows of one list.
#[derive(Default)]
struct Rows {
    rows: BTreeMap<Order, (Option<Line>, Value)>,
}

impl Rows {
    fn add(&mut self, rows: Vec<Value>, placed: &[Placed], only_placed: bool) {
        let first = placed.iter().find_map(|placed| match placed {
            Placed::On(line) => Some(*line),
            Placed::Repeats(_) | Placed::Nowhere => None,
        });
        // What comes before the first row with a line stands before that line.
        let mut at: Option<(usize, usize)> = first.and_then(before);
        for (row, placed) in rows.into_iter().zip(placed) {
            match placed {
                Placed::On(line) => {
                    at = Some((line.page, line.start));
                    match self.rows.get_mut(&(at, 0)) {
                        Some((_, known)) => fill(known, row),
                        None => {
                            self.rows.insert((at, 0), (Some(*line), row));
                        }
                    }
                }
                Placed::Nowhere if !only_placed => self.add_after(at, row),
                Placed::Repeats(_) | Placed::Nowhere => {}
            }
        }
    }

    /// A row without a line goes behind the row before it, unless that place has it already.
    fn add_after(&mut self, at: Option<(usize, usize)>, row: Value) {
        let here = self.rows.range((at, 0)..=(at, u32::MAX));
        let mut next = 1;
        for ((_, number), (_, known)) in here {
            if is_same_row(known, &row) {
                return;
            }
            next = number + 1;
        }
        self.rows.insert((at, next), (None, row));
    }

    fn in_order(self) -> (Vec<Value>, Vec<Option<Line>>) {
        self.rows.into_values().map(|(line, row)| (row, line)).unzip()
    }
}

/// The place just before a line.
fn before(line: Line) -> Option<(usize, usize)> {
    match (line.page, line.start) {
        (page, start) if start > 0 => Some((page, start - 1)),
        (page, _) => page.checked_sub(1).map(|page| (page, usize::MAX)),
    }
}

/// Puts a list where it was taken from; what is absent on the way becomes an object.
fn put(data: &mut Value, pointer: &str, list: Vec<Value>) {
    let mut here = data;
    for name in pointer.split('/').skip(1) {
        let name = name.replace("~1", "/").replace("~0", "~");
        if here.is_null() {
            *here = Value::Object(Map::new());
        }
        let Some(fields) = here.as_object_mut() else {
            return;
        };
        here = fields.entry(name).or_insert(Value::Null);
    }
    *here = Value::Array(list);
}
