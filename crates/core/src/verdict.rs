//! Reviews: what a person says about a result, and what they changed.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::document::UnknownName;
use crate::named_enum;
use crate::time::Timestamp;

named_enum! {
    /// What a person said about a result.
    Verdict, "verdict" {
        /// It was asked for: somebody shall look at it.
        Assigned = "assigned",
        /// Right, perhaps after corrections.
        Approved = "approved",
        /// Wrong, and not to be used.
        Rejected = "rejected",
    }
}

/// A review as it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Review {
    /// What was said.
    pub verdict: Verdict,
    /// The corrected data; `None`: as the model gave it.
    pub data: Option<Value>,
    /// Counts up with each change, from 1: who overwrites must have seen the one before.
    pub version: u32,
    /// Who.
    pub reviewer: String,
    /// When.
    pub at: Timestamp,
}

/// One value that a person changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// JSON Pointer of the value.
    pub field: String,
    /// Before; `None`: it was not there.
    pub from: Option<Value>,
    /// After; `None`: it was taken out.
    pub to: Option<Value>,
}

/// A line of a document's history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReviewEntry {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub reviewer: String,
    /// What was said.
    pub verdict: Verdict,
    /// What was changed.
    pub changes: Vec<Change>,
}

/// What differs between two results, value by value. Lists are compared place by place.
#[must_use]
pub fn changes(before: &Value, after: &Value) -> Vec<Change> {
    let mut found = Vec::new();
    compare(Some(before), Some(after), String::new(), &mut found);
    found
}

fn compare(before: Option<&Value>, after: Option<&Value>, field: String, found: &mut Vec<Change>) {
    match (before, after) {
        (Some(Value::Object(old)), Some(Value::Object(new))) => {
            let added = new.keys().filter(|name| !old.contains_key(*name));
            for name in old.keys().chain(added) {
                let escaped = name.replace('~', "~0").replace('/', "~1");
                compare(old.get(name), new.get(name), format!("{field}/{escaped}"), found);
            }
        }
        (Some(Value::Array(old)), Some(Value::Array(new))) => {
            for index in 0..old.len().max(new.len()) {
                compare(old.get(index), new.get(index), format!("{field}/{index}"), found);
            }
        }
        (old, new) if old != new => found.push(Change {
            field,
            from: old.cloned(),
            to: new.cloned(),
        }),
        _ => {}
    }
}
