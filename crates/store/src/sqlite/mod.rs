//! SQLite: the embedded store.
//!
//! One thread writes (`writer`); everything that waits while it is busy goes
//! into its next transaction (group commit). Connections for looking are
//! read-only and many. The file is in WAL mode with `synchronous=FULL`: what was
//! acknowledged survives power loss. Several processes may use the file: every
//! write transaction begins IMMEDIATE and reads what it decides on inside itself,
//! so a `pause` from another terminal is seen by the next claim or reservation.
//!
//! Rooms: `migrate` (schema), `claim`, `settle` (begin and commit),
//! `recover`, `batches`, `ingest`, `lists` with `filter` and `rows`,
//! `reviews`, `access` (keys, sessions), `audit`, `activity` (sums for charts), `jobs`, `events`, and
//! `hot`, the counters and money of a batch during one transaction. What goes wrong around the file:
//! `marker` (older than what was acknowledged), `presence` (moved away), `integrity` (damaged).

mod access;
mod activity;
mod audit;
mod backup;
mod batches;
mod claim;
mod codec;
mod events;
mod filter;
mod forget;
mod hot;
mod ingest;
mod integrity;
mod jobs;
mod ledger;
mod lists;
mod marker;
mod migrate;
mod open;
mod presence;
mod readers;
mod recover;
mod reviews;
mod rows;
mod settle;
mod store;
mod values;
mod writer;

pub use backup::{Accepted, Judged, SpentSince};
pub use open::{Check, Options};
pub use store::SqliteStore;
