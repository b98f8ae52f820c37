//! What every store promises ([`conformance`]), and what SQLite promises besides.
#![expect(
    clippy::unwrap_used,
    reason = "helpers and cases are test code too, outside of functions marked as tests"
)]

mod conformance;
mod crash;
mod faults;
mod sqlite;
mod support;
