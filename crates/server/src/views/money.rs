//! The books of a batch.

use docmill_store::LedgerRow;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{BatchView, dollars};

/// Calls of one model for documents of one class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LedgerView {
    /// The model asked.
    pub model: String,
    /// The class of the documents.
    pub class: String,
    /// Calls started.
    pub calls: u64,
    /// Of these: in flight.
    pub calls_in_flight: u64,
    /// Of these: nobody knows whether they were billed.
    pub unconfirmed_calls: u64,
    /// Paid.
    pub settled_usd: f64,
    /// Held back for the calls in flight.
    pub reserved_usd: f64,
    /// The worst case of the unconfirmed ones.
    pub unconfirmed_usd: f64,
}

impl From<&LedgerRow> for LedgerView {
    fn from(row: &LedgerRow) -> Self {
        Self {
            model: row.model.clone(),
            class: row.class.as_str().to_owned(),
            calls: row.calls,
            calls_in_flight: row.calls_in_flight,
            unconfirmed_calls: row.unconfirmed_calls,
            settled_usd: dollars(row.settled),
            reserved_usd: dollars(row.reserved),
            unconfirmed_usd: dollars(row.unconfirmed),
        }
    }
}

/// The books of a batch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct LedgerList {
    /// By model and class, dearest first.
    pub rows: Vec<LedgerView>,
}

/// What came of a reconciliation.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct ReconciledView {
    /// Calls that are not unconfirmed any more.
    pub calls: u64,
    /// Unconfirmed calls that the export does not cover.
    pub calls_left: u64,
    /// What was held back for the settled ones.
    pub was_unconfirmed_usd: f64,
    /// What of it was billed.
    pub billed_usd: f64,
    /// The batch as it is now.
    pub batch: BatchView,
}
