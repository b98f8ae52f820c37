//! What core promises, subject by subject.

mod alert;
mod check;
mod escape;
mod estimate;
mod failure;
mod fair;
mod ground;
mod injection;
mod learned;
mod ledger;
mod outbound;
mod pacing;
mod pacing_server;
mod parts;
mod people;
mod price;
mod progress;
mod reconcile;
mod review;
mod rows;
mod tables;
mod template;
