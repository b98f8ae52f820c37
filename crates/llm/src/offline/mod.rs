//! `offline`: docmill's own extractor. Free, deterministic, no key, no network: it fills
//! a template from the text of the pages by labels, aliases and typed patterns, says where
//! each value stands, and leaves out what it cannot find.
//!
//! It is no language model. What it is good for, and how good, is measured in
//! `docs/guide/offline.md`; how a template steers it (`x-docmill-…`) is described there.
//!
//! Rooms: `lines` (the document as lines), `amounts`, `dates`, `ids` (values and
//! their checksums), `labelled` (values beside a label), `parties` (who is named under one),
//! `header` (who issued it), `rows` (lists by their amounts), `tables` (lists by
//! their heads), `sums`, `legal`, `entities`
//! (personal data), and `fields`, which fills the schema.

mod amounts;
mod dates;
mod entities;
mod field;
mod fields;
mod header;
mod ids;
mod known;
mod labelled;
mod legal;
mod lines;
mod parties;
mod rows;
mod sums;
mod tables;

use async_trait::async_trait;
use docmill_core::extraction::Evidence;
use docmill_core::page::Page;
use docmill_core::price::CallBound;
use docmill_core::usage::Usage;
use serde_json::Value;

use crate::answer::{Answer, CallError, Finish};
use crate::provider::{Capabilities, ModelLimits, Provider};
use crate::request::Request;
use crate::signals::Signals;

/// The extractor as a provider.
#[derive(Debug, Clone, Copy, Default)]
pub struct Offline;

/// Fills a schema from pages: the data, and where its values stand.
#[must_use]
pub fn extract(schema: &Value, pages: &[Page]) -> (Value, Vec<Evidence>) {
    let filled = fields::fill(schema, pages);
    (Value::Object(filled.data), filled.evidence)
}

#[async_trait]
impl Provider for Offline {
    fn name(&self) -> &str {
        "offline"
    }

    fn capabilities(&self, _model: &str) -> Capabilities {
        Capabilities {
            reads_whole_documents: true,
            holds_to_schema: true,
            ..Capabilities::default()
        }
    }

    fn limits(&self, _model: &str) -> ModelLimits {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        ModelLimits {
            max_input_tokens: u64::from(u32::MAX),
            max_output_tokens: u32::MAX,
            vision: false,
            default_concurrency: u32::try_from(cores).unwrap_or(2),
        }
    }

    fn bound(&self, _request: &Request) -> CallBound {
        CallBound {
            input_tokens: 0,
            output_tokens: 0,
        }
    }

    fn expect(&self, _request: &Request) -> Usage {
        Usage::default()
    }

    async fn call(&self, request: &Request) -> Result<Answer, CallError> {
        let filled = fields::fill(&request.template.schema, &request.pages);
        let notes = (filled.left_out > 0).then(|| {
            format!(
                "{} lines in the middle, or the rest of very long ones, were not looked at: the offline extractor takes 25,000 lines from each end",
                filled.left_out
            )
        });
        Ok(Answer {
            text: Value::Object(filled.data).to_string(),
            usage: Some(Usage::default()),
            finish: Finish::Stop,
            request_id: None,
            signals: Signals::default(),
            notes: notes.into_iter().collect(),
            evidence: filled.evidence,
            simulated: false,
        })
    }

    async fn probe(&self, _model: &str) -> Result<(), CallError> {
        Ok(())
    }
}

/// A page of text without places, for tests.
#[cfg(test)]
fn page_of(text: &str) -> Page {
    Page {
        number: 1,
        label: None,
        width: 0.0,
        height: 0.0,
        text: text.to_owned(),
        words: Vec::new(),
        origin: docmill_core::page::TextOrigin::Native,
    }
}

/// The first date in a text as ISO 8601: for comparing dates as they are printed.
#[must_use]
pub fn read_date(text: &str) -> Option<String> {
    dates::of(text, dates::order(text))
        .into_iter()
        .next()
        .map(|date| date.iso)
}
