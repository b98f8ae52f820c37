//! Talking to language models: one request and answer type, one folder per
//! provider, each with the same rooms. This crate knows core and nothing else
//! of docmill.
//!
//! - [`Provider`] is the port: bound, expect, call, probe.
//! - [`prompt`] makes the texts of a call and the schema that goes on the wire.
//! - [`catalog`] knows prices and limits of public models, as of a date.
//! - [`tokens`] and [`image_tokens`] count before the provider does.
//! - [`compatible`] speaks to every server with OpenAI's chat completions;
//!   [`sim`] makes answers up for rehearsals.

pub mod answer;
pub mod catalog;
pub mod compatible;
pub mod image_tokens;
pub mod offline;
pub mod prompt;
pub mod provider;
pub mod request;
pub mod signals;
pub mod sim;
pub mod tokens;

pub use answer::{Answer, Billing, CallError, Finish};
pub use provider::{ModelLimits, Provider};
pub use request::{Repair, Request};
pub use signals::Signals;
