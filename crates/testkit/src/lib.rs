//! For tests and benchmarks only, never published: a stand-in for a provider
//! that misbehaves on command and keeps its own ledger, processes that can be
//! killed and started again, a disk and a clock that fail on command, an
//! identity provider, long documents, waiting for a condition.

pub mod collector;
pub mod documents;
pub mod identity;
pub mod process;
pub mod served;
#[cfg(target_os = "linux")]
pub mod shim;
pub mod standin;
pub mod wait;

pub use wait::{wait_until, wait_until_async};
