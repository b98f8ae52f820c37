//! What programs get: the same as over the API, so that a script can move from one to the other.

use docmill_server::views::{BatchView, DocumentDetailView, DocumentList, FailureView};
use docmill_store::{BatchRow, DocumentDetail, DocumentPage, FailureGroup, Matching};
use serde_json::{Value, json};

/// A batch.
pub fn batch(row: &BatchRow) -> Value {
    json!(BatchView::from(row))
}

/// A page of documents.
pub fn page(page: &DocumentPage) -> Value {
    json!(DocumentList::from(page))
}

/// Everything about a document.
pub fn detail(detail: &DocumentDetail, raw: bool) -> Value {
    json!(DocumentDetailView::of(detail, raw))
}

/// Failed documents with the same cause.
pub fn failure(group: &FailureGroup) -> Value {
    json!(FailureView::from(group))
}

/// How many documents; a count that stopped somewhere is at least that.
pub fn matching(found: Matching) -> Value {
    match found {
        Matching::Exactly(documents) | Matching::AtLeast(documents) => documents.into(),
    }
}
