//! Talking to language models: one request and answer type, one folder per
//! provider, each with the same rooms. This crate knows core and nothing else
//! of docmill.
//!
//! - [`Provider`] is the port: bound, expect, call, probe.
//! - [`prompt`] makes the texts of a call and the schema that goes on the wire.
//! - [`catalog`] knows prices and limits of public models, as of a date.
//! - [`tokens`] and [`image_tokens`] count before the provider does, [`encoding`] exactly
//!   where the tokenizer is public.
//! - [`registry`] knows every provider by name and makes its client; each has a
//!   folder with the same rooms: config, encode, decode ([`compatible`],
//!   [`responses`], [`anthropic`], [`gemini`], [`azure`], [`vertex`],
//!   [`bedrock`]). What they share is in [`wire`].
//! - [`sim`] makes answers up for rehearsals, [`offline`] reads without a model.

pub mod answer;
pub mod anthropic;
pub mod azure;
pub mod bedrock;
pub mod catalog;
pub mod compatible;
pub mod encoding;
pub mod gemini;
pub mod image_tokens;
pub mod offline;
pub mod prompt;
pub mod provider;
pub mod registry;
pub mod request;
pub mod responses;
pub mod signals;
pub mod sim;
pub mod tokens;
pub mod vertex;
pub mod wire;

pub use answer::{Answer, Billing, CallError, Finish};
pub use encoding::Encoding;
pub use provider::{Capabilities, ModelLimits, Provider};
pub use request::{Repair, Request};
pub use signals::Signals;
