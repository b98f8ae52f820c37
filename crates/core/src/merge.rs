//! Merging the results of a document's parts into one, by its schema.
//!
//! - **Lists whose rows stand on lines of the document** (see [`crate::rows`]) get every
//!   row once, in the order of the lines, whichever parts gave it.
//! - **Other lists** are joined in order. Rows that the end of one part and the beginning
//!   of the next have in common were read twice (parts overlap) and are kept once;
//!   of texts in a list, those an earlier part has are dropped.
//! - **Single values**: the first that is there. A later part that says something
//!   else is noted as a conflict.
//! - **Objects**: field by field.
//! - **Texts marked `"x-docmill-merge": "concatenate"`** (the whole text of a
//!   document) are joined line by line, the overlap kept once.

mod by_place;

use serde_json::{Map, Value};

use crate::extraction::Finding;
use crate::template::view::{View, view};

/// The name of the check that conflicts between parts are reported under.
pub const CONFLICT: &str = "parts";

/// The name of the check that parts without an answer are reported under.
pub const MISSING: &str = "missing_part";

/// The name of the check that rows without an entry are reported under.
pub const MISSING_ROWS: &str = "missing_rows";

/// Rows compared at a seam; overlaps are a few lines long.
const MAX_OVERLAP: usize = 200;
const MAX_DEPTH: usize = 48;

pub use by_place::{MergedRows, Piece, merge_pieces};

/// The result of all parts.
#[derive(Debug, Clone, PartialEq)]
pub struct Merged {
    /// The data.
    pub data: Value,
    /// Fields of which parts say different things.
    pub conflicts: Vec<Finding>,
}

/// Merges the results of parts by their values alone, in their order.
#[must_use]
pub fn merge(parts: Vec<Value>, schema: &Value) -> Merged {
    let mut merger = Merger {
        conflicts: Vec::new(),
    };
    let mut merged = Value::Null;
    for (index, part) in parts.into_iter().enumerate() {
        let place = Place {
            pointer: String::new(),
            part: index + 1,
            depth: 0,
        };
        merged = merger.value(merged, part, Some(view(schema)), &place);
    }
    Merged {
        data: merged,
        conflicts: merger.conflicts,
    }
}

struct Merger {
    conflicts: Vec<Finding>,
}

struct Place {
    pointer: String,
    /// The part that comes in, from 1.
    part: usize,
    depth: usize,
}

impl Merger {
    fn value(&mut self, first: Value, next: Value, seen: Option<View<'_>>, place: &Place) -> Value {
        match (first, next) {
            (first, next) if is_absent(&next) => {
                if first.is_null() {
                    next
                } else {
                    first
                }
            }
            (first, next) if is_absent(&first) => next,
            (Value::Object(first), Value::Object(next)) if place.depth < MAX_DEPTH => {
                Value::Object(self.object(first, next, seen, place))
            }
            (Value::Array(first), Value::Array(next)) => Value::Array(join_lists(first, next)),
            (Value::String(first), Value::String(next)) if is_concatenated(seen.as_ref()) => {
                Value::String(join_texts(&first, &next))
            }
            (first, next) => {
                if !same(&first, &next) {
                    self.conflict(&first, &next, place);
                }
                first
            }
        }
    }

    fn object(
        &mut self,
        mut first: Map<String, Value>,
        next: Map<String, Value>,
        seen: Option<View<'_>>,
        place: &Place,
    ) -> Map<String, Value> {
        for (name, value) in next {
            let inner = Place {
                pointer: format!("{}/{}", place.pointer, name.replace('~', "~0").replace('/', "~1")),
                part: place.part,
                depth: place.depth + 1,
            };
            let seen = seen.and_then(|seen| seen.property(&name)).map(view);
            let old = first.get_mut(&name).map(Value::take).unwrap_or_default();
            let merged = self.value(old, value, seen, &inner);
            first.insert(name, merged);
        }
        first
    }

    fn conflict(&mut self, kept: &Value, other: &Value, place: &Place) {
        self.conflicts.push(Finding {
            check: CONFLICT.to_owned(),
            field: place.pointer.clone(),
            message: format!(
                "part {} says {}, kept was {}",
                place.part,
                short(other),
                short(kept)
            ),
        });
    }
}

fn is_absent(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

fn is_concatenated(seen: Option<&View<'_>>) -> bool {
    seen.and_then(|seen| seen.text("x-docmill-merge")) == Some("concatenate")
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

/// Rows of the first list, then those of the next that are not in the overlap.
fn join_lists(mut first: Vec<Value>, next: Vec<Value>) -> Vec<Value> {
    let overlap = overlap(&first, &next, is_same_row);
    let from = first.len() - overlap;
    let mut next = next.into_iter();
    for (old, new) in first.iter_mut().skip(from).zip(next.by_ref().take(overlap)) {
        fill(old, new);
    }
    let known: Vec<String> = first.iter().filter_map(Value::as_str).map(plain).collect();
    let fresh = next.filter(|value| value.as_str().is_none_or(|text| !known.contains(&plain(text))));
    first.extend(fresh);
    first
}

/// The most items that end the one and begin the other.
fn overlap<T>(first: &[T], next: &[T], same: impl Fn(&T, &T) -> bool) -> usize {
    let most = first.len().min(next.len()).min(MAX_OVERLAP);
    (1..=most)
        .rev()
        .find(|length| {
            let tail = first.get(first.len() - length..).unwrap_or_default();
            tail.iter().zip(next).all(|(old, new)| same(old, new))
        })
        .unwrap_or(0)
}

/// A row cut at a seam may lack fields in one part; the other has them.
fn fill(old: &mut Value, new: Value) {
    if let (Value::Object(old), Value::Object(new)) = (&mut *old, new) {
        for (name, value) in new {
            let slot = old.entry(name).or_insert(Value::Null);
            if is_absent(slot) {
                *slot = value;
            }
        }
    }
}

/// Equal in every field that both have, and both have at least half of the fields of either.
fn is_same_row(one: &Value, other: &Value) -> bool {
    let (Value::Object(one), Value::Object(other)) = (one, other) else {
        return same(one, other);
    };
    let present = |row: &Map<String, Value>| row.values().filter(|value| !is_absent(value)).count();
    let mut common = 0;
    for (name, value) in one.iter().filter(|(_, value)| !is_absent(value)) {
        match other.get(name).filter(|value| !is_absent(value)) {
            Some(theirs) if !same(value, theirs) => return false,
            Some(_) => common += 1,
            None => {}
        }
    }
    common > 0 && common * 2 >= present(one).max(present(other)) || one == other
}

/// Equal but for case and blanks; numbers by their value.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::String(one), Value::String(other)) => one == other || plain(one) == plain(other),
        (Value::Number(one), Value::Number(other)) => crate::digits::same(one, other),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        _ => one == other,
    }
}

fn plain(text: &str) -> String {
    text.split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
        .to_lowercase()
}

fn join_texts(first: &str, next: &str) -> String {
    let before: Vec<&str> = first.trim_end().lines().collect();
    let after: Vec<&str> = next.trim_end().lines().collect();
    let overlap = overlap(&before, &after, |one, other| one.trim() == other.trim());
    let mut lines = before;
    lines.extend(after.into_iter().skip(overlap));
    lines.join("\n")
}
