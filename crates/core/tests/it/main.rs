//! What core promises, subject by subject.

mod check;
mod failure;
mod ledger;
mod review;
mod template;
