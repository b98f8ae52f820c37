//! The engine at its boundary: real files, a real database, real HTTP to a stand-in
//! that misbehaves on command and keeps books of its own.
#![expect(
    clippy::unwrap_used,
    reason = "helpers are test code too, outside of functions marked as tests"
)]

mod budget;
mod failures;
mod fallback;
mod liveness;
mod progress;
mod reconcile;
mod scene;
mod schemas;
mod stopping;
mod work;
