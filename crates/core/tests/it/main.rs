//! What core promises, subject by subject.

mod check;
mod failure;
mod ground;
mod ledger;
mod review;
mod template;
