//! For tests and benchmarks only, never published: a stand-in for a provider
//! that misbehaves on command and keeps its own ledger, processes that can be
//! killed and started again, long documents, waiting for a condition.

pub mod documents;
pub mod process;
pub mod standin;
pub mod wait;

pub use wait::{wait_until, wait_until_async};
