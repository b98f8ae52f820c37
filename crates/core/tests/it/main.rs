//! What core promises, subject by subject.

mod check;
mod template;
