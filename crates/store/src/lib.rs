//! Where everything is kept: batches, documents, attempts, money, events.
//!
//! One trait of coarse verbs ([`Store`]), each verb one transaction, each saying
//! *why* when it did nothing. SQLite is one implementation ([`sqlite`]);
//! [`conformance`] is the suite every implementation passes. This crate knows
//! core and nothing else of docmill.

mod port;
mod records;

pub use port::{Store, StoreError};
pub use records::*;
