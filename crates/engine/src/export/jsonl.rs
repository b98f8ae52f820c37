//! JSON Lines: one object per document, nothing flattened, nothing lost.

use std::io::Write;

use docmill_core::extraction::{Evidence, Finding};
use docmill_store::ResultRow;
use serde::Serialize;
use serde_json::Value;

use super::flatten::model_of;
use super::target::{Output, Stage};
use super::{ExportError, Writer};

/// A line. The template's fields are under `data`, so that none of them can stand
/// in for a fact about the document.
#[derive(Serialize)]
struct Line<'a> {
    document: u64,
    name: &'a str,
    status: &'a str,
    data: Option<&'a Value>,
    duplicate_of: Option<u64>,
    error_code: Option<&'a str>,
    error: Option<&'a str>,
    cost_usd: f64,
    model: Option<&'a str>,
    simulated: Option<bool>,
    risk: Option<u16>,
    findings: &'a [Finding],
    ungrounded: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    evidence: Option<&'a [Evidence]>,
}

pub(super) struct JsonLinesWriter {
    model: String,
    evidence: bool,
    output: Output,
}

impl JsonLinesWriter {
    pub(super) fn new(model: &str, evidence: bool, stage: &mut Stage) -> Result<Self, ExportError> {
        Ok(Self {
            model: model.to_owned(),
            evidence,
            output: stage.create("documents")?,
        })
    }
}

impl Writer for JsonLinesWriter {
    fn document(&mut self, result: &ResultRow) -> Result<(), ExportError> {
        let row = &result.row;
        let extraction = result.extraction.as_ref();
        let line = Line {
            document: row.ordinal.0,
            name: &row.name,
            status: row.state.as_str(),
            data: extraction.map(|extraction| &extraction.data),
            duplicate_of: row.duplicate_of.map(|original| original.0),
            error_code: row.failure.as_ref().map(|failure| failure.code.as_str()),
            error: row.failure.as_ref().map(|failure| failure.message.as_str()),
            cost_usd: row.cost.as_f64(),
            model: model_of(result, &self.model),
            simulated: extraction.map(|extraction| extraction.simulated),
            risk: row.risk,
            findings: extraction.map_or(&[], |extraction| &extraction.findings),
            ungrounded: extraction.map_or(&[], |extraction| &extraction.ungrounded),
            evidence: self
                .evidence
                .then_some(extraction.map_or(&[], |extraction| &extraction.evidence)),
        };
        let blame = self.output.blame();
        serde_json::to_writer(&mut self.output, &line).map_err(|error| blame(error.into()))?;
        self.output.write_all(b"\n").map_err(blame)
    }

    fn finish(mut self: Box<Self>) -> Result<(), ExportError> {
        let blame = self.output.blame();
        self.output.flush().map_err(blame)
    }
}
