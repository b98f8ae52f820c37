//! Which values of a result are looked for.

use serde_json::Value;

use crate::template::view::{Shape, View, view};

/// A value to look for, and its place in the result.
pub(super) struct Leaf<'a> {
    pub(super) pointer: String,
    pub(super) value: &'a Value,
}

/// Bounds the work on absurd results; twenty fields of twenty thousand rows are not.
const MAX_LEAVES: usize = 400_000;
const MAX_DEPTH: usize = 64;

/// Texts and numbers, in the order of the result.
pub(super) fn of<'a>(data: &'a Value, schema: &'a Value) -> Vec<Leaf<'a>> {
    below(data, Some(view(schema)))
}

/// The same of a value inside a result.
pub(super) fn below<'a>(data: &'a Value, seen: Option<View<'a>>) -> Vec<Leaf<'a>> {
    let mut walk = Walk {
        leaves: Vec::new(),
        pointer: String::new(),
    };
    walk.value(data, seen, 0);
    walk.leaves
}

struct Walk<'a> {
    leaves: Vec<Leaf<'a>>,
    pointer: String,
}

impl<'a> Walk<'a> {
    fn value(&mut self, value: &'a Value, seen: Option<View<'a>>, depth: usize) {
        if depth > MAX_DEPTH || self.leaves.len() >= MAX_LEAVES || seen.as_ref().is_some_and(is_derived) {
            return;
        }
        let before = self.pointer.len();
        match value {
            Value::Object(object) => {
                for (name, inner) in object {
                    self.pointer.push('/');
                    for c in name.chars() {
                        match c {
                            '~' => self.pointer.push_str("~0"),
                            '/' => self.pointer.push_str("~1"),
                            c => self.pointer.push(c),
                        }
                    }
                    self.value(
                        inner,
                        seen.and_then(|seen| seen.property(name)).map(view),
                        depth + 1,
                    );
                    self.pointer.truncate(before);
                }
            }
            Value::Array(items) => {
                let seen = seen.and_then(|seen| seen.items()).map(view);
                for (index, item) in items.iter().enumerate() {
                    self.pointer.push('/');
                    self.pointer.push_str(&index.to_string());
                    self.value(item, seen, depth + 1);
                    self.pointer.truncate(before);
                }
            }
            Value::String(text) if text.trim().is_empty() => {}
            Value::String(_) | Value::Number(_) => {
                self.leaves.push(Leaf {
                    pointer: self.pointer.clone(),
                    value,
                });
            }
            Value::Null | Value::Bool(_) => {}
        }
    }
}

/// Whether the value need not be printed anywhere.
fn is_derived(seen: &View<'_>) -> bool {
    seen.shape == Shape::Choice || seen.schema.get("x-docmill-ground") == Some(&Value::Bool(false))
}
