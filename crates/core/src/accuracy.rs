//! What people's reviews say about a model: how often each field was right.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How often a field was right.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FieldAccuracy {
    /// JSON Pointer of the field; items of lists count for their list: `/line_items/*/amount`.
    pub field: String,
    /// Values a person looked at.
    pub reviewed: u64,
    /// Of these: left as they were.
    pub right: u64,
    /// Share that was right, 0 to 1.
    pub share: f64,
    /// The true share is probably (95 %) not below this.
    pub low: f64,
    /// The true share is probably (95 %) not above this.
    pub high: f64,
}

/// Adds up reviewed results, field by field.
#[derive(Debug, Clone, Default)]
pub struct Accuracy {
    fields: BTreeMap<String, (u64, u64)>,
    documents: u64,
    untouched: u64,
}

impl Accuracy {
    /// Counts one document: what the model gave, and what a person made of it.
    pub fn add(&mut self, extracted: &Value, reviewed: &Value) {
        self.documents += 1;
        if extracted == reviewed {
            self.untouched += 1;
        }
        let mut leaves = BTreeMap::new();
        collect(extracted, String::new(), &mut leaves, 0);
        collect(reviewed, String::new(), &mut leaves, 1);
        for (pointer, pair) in leaves {
            let [before, after] = pair;
            // Nothing said and nothing added: a field that is not on the page says little.
            if before.is_none_or(Value::is_null) && after.is_none_or(Value::is_null) {
                continue;
            }
            let entry = self.fields.entry(general(&pointer)).or_default();
            entry.0 += 1;
            let same = match (before, after) {
                (Some(before), Some(after)) => before == after,
                (None, Some(value)) | (Some(value), None) => value.is_null(),
                (None, None) => true,
            };
            entry.1 += u64::from(same);
        }
    }

    /// Documents counted.
    #[must_use]
    pub fn documents(&self) -> u64 {
        self.documents
    }

    /// Documents in which nothing was changed.
    #[must_use]
    pub fn untouched(&self) -> u64 {
        self.untouched
    }

    /// Field by field, in order of their names.
    #[must_use]
    pub fn fields(&self) -> Vec<FieldAccuracy> {
        self.fields
            .iter()
            .map(|(field, (reviewed, right))| {
                let (low, high) = wilson(*right, *reviewed);
                FieldAccuracy {
                    field: field.clone(),
                    reviewed: *reviewed,
                    right: *right,
                    share: ratio(*right, *reviewed),
                    low,
                    high,
                }
            })
            .collect()
    }
}

/// The values at the ends of a result, by their pointers.
fn collect<'v>(
    value: &'v Value,
    pointer: String,
    leaves: &mut BTreeMap<String, [Option<&'v Value>; 2]>,
    side: usize,
) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                let name = name.replace('~', "~0").replace('/', "~1");
                collect(value, format!("{pointer}/{name}"), leaves, side);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                collect(value, format!("{pointer}/{index}"), leaves, side);
            }
        }
        _ => leaves.entry(pointer).or_default()[side] = Some(value),
    }
}

/// `/items/3/amount` counts for `/items/*/amount`.
fn general(pointer: &str) -> String {
    pointer
        .split('/')
        .map(|part| {
            let is_index = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
            if is_index { "*" } else { part }
        })
        .collect::<Vec<_>>()
        .join("/")
}

#[expect(clippy::cast_precision_loss, reason = "counts of reviewed values")]
fn ratio(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        return 0.0;
    }
    part as f64 / whole as f64
}

/// The interval that holds the true share with 95 % (Wilson 1927): honest for small
/// numbers and near 0 and 1, where the textbook interval is not.
#[must_use]
pub fn wilson(right: u64, of: u64) -> (f64, f64) {
    /// The 97.5 % quantile of the normal distribution.
    const Z: f64 = 1.959_963_984_540_054;
    if of == 0 {
        return (0.0, 1.0);
    }
    let share = ratio(right, of);
    #[expect(clippy::cast_precision_loss, reason = "counts of reviewed values")]
    let n = of as f64;
    let z2 = Z * Z;
    let middle = share + z2 / (2.0 * n);
    let spread = Z * ((share * (1.0 - share) + z2 / (4.0 * n)) / n).sqrt();
    let scale = 1.0 + z2 / n;
    (
        ((middle - spread) / scale).max(0.0),
        ((middle + spread) / scale).min(1.0),
    )
}
