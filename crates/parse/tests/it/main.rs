//! Reading documents through the real parse worker: what comes out, and what a hostile
//! or broken document costs. The documents are built here.

mod build;
mod faults;
mod formats;
mod harness;
mod hostile;
mod layout;
mod mutations;
mod parts;
mod passwords;
mod pictures;
mod sheets;
