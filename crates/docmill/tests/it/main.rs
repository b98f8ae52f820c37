//! The command as a user runs it: the real program, its output and its exit status.

mod bad_input;
mod help;
mod journey;
mod model;
mod program;
mod verbs;
