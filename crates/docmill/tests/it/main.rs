//! The command as a user runs it: the real program, its output and its exit status.
#![expect(
    clippy::unwrap_used,
    reason = "helpers are test code too, outside of functions marked as tests"
)]

mod alerts;
mod architecture;
mod bad_input;
mod crash;
#[cfg(target_os = "linux")]
mod fault_suite;
mod faults;
mod help;
mod journey;
mod limits;
mod long;
mod model;
mod ocr;
mod outward;
mod program;
mod remote;
mod routes;
mod scene;
mod serve;
mod server;
mod sign_on;
mod telemetry;
mod trust;
mod two_processes;
mod verbs;
