//! What core promises, subject by subject.

mod check;
mod estimate;
mod failure;
mod fair;
mod ground;
mod ledger;
mod parts;
mod review;
mod template;
