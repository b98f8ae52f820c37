//! The rows of a long list, and the lines of the document they stand on.
//!
//! A model that reads a long table in parts gives rows twice (parts overlap), leaves rows
//! out, and repeats itself. Comparing values does not tell these apart: two rows of a
//! document may well be equal. Comparing *places* does. So each row of an answer is put on
//! the line of the document that says it ([`place`]), each line at most once:
//!
//! - two rows on one line are one row, from whichever parts they came ([`crate::merge`]);
//! - a line that looks like those with rows and has none is a row that is missing
//!   ([`missing`]), and is asked for again;
//! - the line is where the values of the row are looked for ([`crate::ground`]).
//!
//! Lists whose entries are not lines (clauses, parties) are left alone: none of this is
//! used for a list of which too few rows have a line.

mod missing;
mod place;
mod shape;

use serde_json::Value;

use crate::page::Page;
use crate::split::Part;
use crate::template::view::{View, view};

pub use missing::{Gap, missing};
pub(crate) use place::is_of_lines;
pub use place::{Placed, Placements};
pub use shape::{RowShape, usual_shape};

/// Objects inside objects in which lists are looked for.
const MAX_DEPTH: usize = 8;

/// A line of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Line {
    /// Index of the page (not its number).
    pub page: usize,
    /// First byte.
    pub start: usize,
    /// One past the last byte, the line break not counted.
    pub end: usize,
}

impl Line {
    /// What stands on it.
    #[must_use]
    pub fn text<'a>(&self, pages: &'a [Page]) -> &'a str {
        let page = pages.get(self.page).map_or("", |page| page.text.as_str());
        page.get(self.start..self.end).unwrap_or_default()
    }
}

/// The lines of a part that are not blank, each once, whole even where the part cuts one.
#[must_use]
pub fn lines(part: &Part, pages: &[Page]) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    for stretch in &part.stretches {
        let text = pages.get(stretch.page).map_or("", |page| page.text.as_str());
        let before = text.get(..stretch.start).unwrap_or_default();
        let mut start = before.rfind('\n').map_or(0, |newline| newline + 1);
        while start < stretch.end {
            let rest = text.get(start..).unwrap_or_default();
            let length = rest.find('\n').unwrap_or(rest.len());
            let line = Line {
                page: stretch.page,
                start,
                end: start + length,
            };
            let is_blank = rest.get(..length).is_none_or(|line| line.trim().is_empty());
            if !is_blank && lines.last() != Some(&line) {
                lines.push(line);
            }
            start += length + 1;
        }
    }
    lines
}

/// A list of objects inside a result: where it stands, its rows, and what the schema says of a row.
struct List<'a> {
    pointer: String,
    rows: &'a [Value],
    row_schema: Option<View<'a>>,
}

/// The lists of objects that stand in objects only.
fn lists<'a>(data: &'a Value, schema: &'a Value) -> Vec<List<'a>> {
    let mut found = Vec::new();
    collect(data, Some(view(schema)), String::new(), 0, &mut found);
    found
}

fn collect<'a>(
    data: &'a Value,
    seen: Option<View<'a>>,
    pointer: String,
    depth: usize,
    found: &mut Vec<List<'a>>,
) {
    match data {
        Value::Object(fields) if depth < MAX_DEPTH => {
            for (name, value) in fields {
                let seen = seen.and_then(|seen| seen.property(name)).map(view);
                let pointer = format!("{pointer}/{}", escaped(name));
                collect(value, seen, pointer, depth + 1, found);
            }
        }
        Value::Array(rows) if rows.iter().any(Value::is_object) => found.push(List {
            pointer,
            rows,
            row_schema: seen.and_then(|seen| seen.items()).map(view),
        }),
        _ => {}
    }
}

fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
