//! What goes over the wire: names and units that stay the same, whatever the store
//! does. Amounts are dollars with all their digits, times RFC 3339 in UTC, states
//! and codes by their names. The command's `--json` prints the same.

mod access;
mod activity;
mod batch;
mod document;
mod estimate;
mod event;
mod job;
mod model;
mod money;
mod template;
pub mod words;

pub use access::{AuditEntry, AuditList, KeyView, RoleName};
pub use activity::{ActivityList, ActivityPoint, Slice};
pub use batch::{BatchDetail, BatchList, BatchView, DocumentCounts, Live, Money, Totals, UsageView};
pub use document::{
    AttemptView, ChangeView, DocumentDetailView, DocumentList, DocumentView, EvidenceView, ExtractionView,
    FailureView, FindingView, HistoryView, PageView, PromptPart, PromptView, ReadingFindingView, ReadingView,
    ReviewView, WordView,
};
pub use estimate::{EstimateRow, EstimateView, FallbackCostView, PriceView};
pub use event::{EventList, EventView};
pub use job::{JobList, JobView};
pub use model::{Comparison, ModelList, ModelView};
pub use money::{LedgerList, LedgerView, ReconciledView};
pub use template::{
    FieldView, ResultField, TemplateDetail, TemplateList, TemplateProblem, TemplateView, TemplateWarning,
};

use docmill_core::money::Usd;
use docmill_core::time::Timestamp;

/// A number of dollars with its decimal digits: the float nearest to them prints them back.
#[must_use]
pub fn dollars(amount: Usd) -> f64 {
    amount.as_f64()
}

/// A point in time as RFC 3339 in UTC.
#[must_use]
pub fn time(at: Timestamp) -> String {
    words::rfc3339(at).unwrap_or_default()
}
