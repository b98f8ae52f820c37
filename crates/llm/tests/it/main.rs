//! The crate at its boundary: the provider against a server that misbehaves on
//! command, over real HTTP; rehearsals under a paused clock; the subset of
//! schemas that goes on the wire.
#![expect(
    clippy::unwrap_used,
    reason = "helpers are test code too, outside of functions marked as tests"
)]

mod compatible;
mod fixtures;
mod offline;
mod providers;
mod sim;
mod wire_schema;
