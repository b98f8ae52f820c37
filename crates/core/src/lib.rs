//! The words of docmill and its pure logic.
//!
//! Nothing here does I/O, reads a clock, draws a random number or starts a
//! thread: every function takes values (the time and the seed among them) and
//! returns a value. That is what lets money, states and retries be tested with
//! properties and simulated time. `clippy.toml` beside this crate enforces it.
//!
//! Every other crate knows this one; this one knows none of them.

pub mod access;
pub mod accuracy;
pub mod alert;
pub mod attempt;
pub mod audit;
pub mod batch;
pub mod check;
pub mod digits;
pub mod document;
pub mod escape;
pub mod estimate;
pub mod event;
pub mod extraction;
pub mod failure;
pub mod fair;
pub mod ground;
pub mod hours;
pub mod id;
pub mod injection;
pub mod latency;
pub mod learned;
pub mod ledger;
pub mod merge;
pub mod money;
pub mod outbound;
pub mod pacing;
pub mod page;
pub mod plan;
pub mod price;
pub mod progress;
pub mod reconcile;
pub mod review;
pub mod rows;
pub mod spending;
pub mod split;
pub mod template;
pub mod time;
pub mod usage;
pub mod values;
pub mod verdict;

pub use attempt::{Attempt, AttemptOutcome};
pub use batch::{BatchEvent, BatchState};
pub use document::{Class, DocumentState, Kind};
pub use event::{Event, EventKind, Level};
pub use extraction::{Evidence, Extraction};
pub use failure::{Failure, FailureCode};
pub use id::{BatchId, ContentHash, DocumentId, Ordinal, WorkerId};
pub use ledger::Account;
pub use money::{PicoPerToken, Usd};
pub use page::{BBox, Page, ParsedDocument, Word};
pub use plan::Plan;
pub use price::{CallBound, Price};
pub use template::Template;
pub use time::Timestamp;
pub use usage::Usage;
