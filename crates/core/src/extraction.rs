//! The result: validated JSON, and where on the page each value stands.

use serde::{Deserialize, Serialize};

use crate::page::BBox;

/// Where a value stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// JSON Pointer (RFC 6901) of the value inside the extraction: `/line_items/0/amount`.
    pub field: String,
    /// Page, from 1.
    pub page: u32,
    /// The text on the page, as printed there.
    pub quote: String,
    /// Its place, when the page's words have places. One box around the quote.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bbox: Option<BBox>,
}

/// A finding about a result: a rule it does not meet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// The check's name, or the schema keyword ("required", "type").
    pub check: String,
    /// JSON Pointer of the value it is about; empty for the whole.
    pub field: String,
    /// What is wrong, as a sentence for a person.
    pub message: String,
}

/// The accepted result for a document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Extraction {
    /// The data, valid against the template's schema.
    pub data: serde_json::Value,
    /// Places of the values that were found on the pages.
    pub evidence: Vec<Evidence>,
    /// JSON Pointers of values that were looked for on the pages and not found.
    pub ungrounded: Vec<String>,
    /// Template checks the data does not meet. They flag, they do not refuse.
    pub findings: Vec<Finding>,
    /// 0 (nothing speaks against it) to 1000: orders the review queue.
    pub risk: u16,
    /// Made up by `sim/…`: a rehearsal, not data.
    pub simulated: bool,
}
