//! A stand-in for the providers on 127.0.0.1: OpenAI (chat completions and
//! Responses), Anthropic, Gemini, and the clouds that sell them (Azure, Vertex, Bedrock), with answers that follow the requested
//! schema, a ledger of its own that survives `kill -9`, and every kind of
//! misbehaviour on command.
//!
//! - `POST /v1/chat/completions`, `/v1/responses`, `/v1/messages`,
//!   `/v1beta/models/MODEL:generateContent`; `GET /v1/models`, `/v1beta/models`.
//! - `POST /openai/v1/chat/completions`, `/openai/deployments/NAME/chat/completions` (Azure),
//!   `/v1/projects/…/models/MODEL:generateContent` (Vertex), `/model/MODEL/converse` (Bedrock), with
//!   keys, tokens of `/token` and `/TENANT/oauth2/v2.0/token`, or signatures of AWS.
//! - `GET /ledger`: what was billed, by its own books.
//! - `POST /control`: changes [`Behaviour`]; a JSON object with the fields to change.
//!
//! It is written independently of docmill's client, so that both would have to
//! make the same mistake for a test to miss it; and lean, so that it can be
//! the peer of benchmarks.

mod answer;
mod authority;
mod behaviour;
mod chat;
mod envelope;
mod ledger;
mod limiter;
mod made;
mod question;
mod random;
mod reply;
mod rows;
mod server;

pub use authority::{CLIENT_ID, SERVICE_ACCOUNT_KEY};
pub use behaviour::{Behaviour, Latency, Misbehaviour};
pub use ledger::{Entry, Ledger, Totals};
pub use rows::RowReading;
pub use server::{Config, Standin};
