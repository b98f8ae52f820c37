//! The sandbox: complex formats are decoded in child processes.
//!
//! A child is this same program, started as a parse worker. It puts limits on itself
//! (memory, CPU, files) before it reads its first byte, gets documents through its
//! standard input and gives readings through its standard output; it opens no file.
//! The parent watches the clock. A child that hangs, dies or talks nonsense is killed
//! with everything it started, costs its one document, and is replaced.
//!
//! ```text
//! parent                              child
//!   │ spawn ───────────────────────────▶ confines itself, then waits
//!   │ frame: Order (read | render) ────▶ decode, on a thread with a large stack
//!   │ ◀──────────── frame: Reply ──────┤ (a panic becomes a failure; a stack
//!   │                                  │  overflow or an abort is its death)
//!   │ after 200 documents, when it has grown large, or after any fault: a new child
//! ```
//!
//! On Linux a child can also open no file but those of tesseract, start no other program, use
//! no socket, and reach no other process (`confine`, `calls`): a flaw that takes over the
//! decoder can spoil the reading of its own document and nothing else. It is started without
//! this program's environment, where the keys of providers are.

mod calls;
pub mod child;
mod confine;
mod frame;
mod parent;

pub use confine::{Confinement, support};
pub use parent::{Config, Sandbox};
