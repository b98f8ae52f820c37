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
//! `reviews`, `activity` (sums for charts), `jobs`, `events`, and `hot`, the counters and money of a batch during one transaction.

mod activity;
mod batches;
mod claim;
mod codec;
mod events;
mod filter;
mod hot;
mod ingest;
mod jobs;
mod ledger;
mod lists;
mod migrate;
mod open;
mod readers;
mod recover;
mod reviews;
mod rows;
mod settle;
mod store;
mod writer;

pub use open::Options;
pub use store::SqliteStore;
