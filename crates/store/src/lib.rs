//! Where everything is kept: batches, documents, attempts, money, events.
//!
//! One trait of coarse verbs ([`Store`]), each verb one transaction, each saying
//! *why* when it did nothing. SQLite is one implementation ([`sqlite`]);
//! the conformance suite in `tests/it/conformance` is what every implementation passes. This crate knows
//! core and nothing else of docmill.

mod access;
mod cursor;
mod port;
mod records;
pub mod sqlite;

pub use access::{Access, AuditQuery, KeyRefused, KeyRow, SessionRow, Sessions, Used};
pub use port::{Store, StoreError};
pub use records::*;
