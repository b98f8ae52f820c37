//! What sources promise, tried at their boundary: temporary folders, archives made
//! here, and a bucket served from this process.
#![expect(clippy::unwrap_used, reason = "a test that cannot set itself up shall fail")]

mod archives;
#[cfg(feature = "cloud")]
mod buckets;
mod confined;
mod folders;
mod keys;
mod lists;
mod specs;
mod support;
