//! Conclude: the document's result from what its parts brought, and what a person
//! should know about it. No I/O.

use std::collections::BTreeSet;

use docmill_core::extraction::{Extraction, Finding};
use docmill_core::failure::{Failure, FailureCode};
use docmill_core::ground;
use docmill_core::merge::{self, Piece};
use docmill_core::page::{ParsedDocument, ReadingFinding};
use docmill_core::progress::Standing;
use docmill_core::review;
use docmill_core::rows::{self, Gap, Line};
use docmill_store::Next;
use serde_json::Value;

use crate::pipeline::Job;
use crate::pipeline::complete;
use crate::pipeline::progress::{Part, Progress, Prompts};

/// Findings about a reading that the result carries; a hundred broken pages are one story.
const MOST_DOUBTS: usize = 3;

/// Of fewer fields, how many are empty says nothing about the kind of document.
const FEW_FIELDS: usize = 4;

/// Rows named one by one in a finding.
const MOST_ROWS_NAMED: usize = 3;

/// What becomes of a document of which nothing is left to ask.
pub(crate) fn conclude(job: &Job, prompts: &mut Prompts) -> Next {
    let repairs = prompts.repairs();
    let first_loss = prompts.first_loss().cloned();
    let gaps = complete::gaps(job, prompts);
    let found_again = found_again(&prompts.progress);
    let progress = std::mem::replace(&mut prompts.progress, Progress::new(Vec::new()));
    let (mut hints, mut pieces, mut lost) = (Vec::new(), Vec::new(), Vec::new());
    let mut findings = Vec::new();
    let leaves = progress.into_leaves();
    let parts = leaves.iter().filter(|leaf| !leaf.part.rows_only).count();
    for (number, leaf) in (1..).zip(leaves) {
        match leaf.standing {
            Standing::Accepted(accepted) => {
                hints.extend(accepted.hints);
                findings.extend(accepted.shortfalls);
                pieces.push(Piece {
                    data: accepted.data,
                    placements: accepted.placements,
                    rows_only: leaf.part.rows_only,
                });
            }
            // Rows that are missing are named as such.
            Standing::Lost(_) if leaf.part.rows_only => {}
            Standing::Lost(failure) if is_made_up_for(&leaf.part, &failure, &found_again, &gaps) => {}
            Standing::Lost(failure) => lost.push(missing_part(number, parts, &leaf.part, &failure)),
            Standing::Open { .. } => {}
        }
    }
    if pieces.is_empty() {
        let nothing = || Failure::new(FailureCode::Internal, "the document ended without an answer");
        return Next::Failed(first_loss.unwrap_or_else(nothing));
    }
    let is_one = pieces.len() == 1 && parts == 1;
    let (data, row_lines) = match pieces.pop() {
        Some(only) if is_one => {
            let lines = only.placements.rows();
            (only.data, lines)
        }
        last => {
            pieces.extend(last);
            let merged = merge::merge_pieces(pieces, &job.setup.template.schema);
            findings.extend(merged.conflicts);
            // Each part was valid but for what it did not hold; what the whole lacks is for a person to see.
            findings.extend(job.validator.validate(&merged.data));
            // Evidence pointers of parts do not fit the merged lists; grounding finds the places again.
            hints.clear();
            (merged.data, merged.rows)
        }
    };
    lost.extend(gaps.iter().map(|gap| missing_rows(gap, &prompts.reading)));
    let partial = prompts.reading.is_partial() || !lost.is_empty();
    findings.extend(lost);
    let (schema, pages) = (&job.setup.template.schema, &prompts.reading.pages);
    let grounded = ground::ground_rows(&data, schema, pages, &hints, &row_lines);
    findings.extend(job.checks.run(&data));
    findings.extend(unread(&prompts.reading));
    if let Some((page, quote)) = docmill_core::injection::passage(&prompts.reading.pages) {
        findings.push(Finding {
            field: String::new(),
            check: "talks_to_model".to_owned(),
            message: format!("page {page} seems to give the model instructions: “{quote}”"),
        });
    }
    let (empty, missing) = empty_fields(job, &data);
    let fields = job.setup.plain_fields.len();
    if !is_empty(&data) && fields >= FEW_FIELDS && empty * 4 >= fields * 3 {
        findings.push(Finding {
            field: String::new(),
            check: "mostly_empty".to_owned(),
            message: format!(
                "{empty} of {fields} fields are empty: is the document of the kind the template is for?"
            ),
        });
    }
    if is_empty(&data) {
        findings.push(Finding {
            field: String::new(),
            check: "empty".to_owned(),
            message: "nothing the template asks for was found in the document".to_owned(),
        });
    }
    let risk = review::risk(&review::Signs {
        grounded: grounded.evidence.len(),
        ungrounded: grounded.ungrounded.len(),
        findings: findings.len(),
        repaired: repairs > 0,
        partial,
        fields,
        empty,
        missing,
        ocr_confidence: review::ocr_confidence(&prompts.reading.pages),
    });
    Next::Completed(Box::new(Extraction {
        data,
        evidence: grounded.evidence,
        ungrounded: grounded.ungrounded,
        findings,
        risk,
        simulated: job.setup.capabilities.simulated,
    }))
}

/// How many fields with one value are empty, and of these those that have to be there.
fn empty_fields(job: &Job, data: &Value) -> (usize, usize) {
    let is_empty = |pointer: &str| match data.pointer(pointer) {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.trim().is_empty(),
        Some(_) => false,
    };
    let fields = job.setup.plain_fields.iter();
    let empty = fields.filter(|field| is_empty(&field.pointer));
    empty.fold((0, 0), |(empty, missing), field| {
        (empty + 1, missing + usize::from(field.is_required))
    })
}

/// The lines of rows that came only when they were asked for again.
fn found_again(progress: &Progress) -> BTreeSet<Line> {
    let again = progress.leaves().iter().filter(|leaf| leaf.part.rows_only);
    let found = again.filter_map(|leaf| match &leaf.standing {
        Standing::Accepted(accepted) => Some(accepted.placements.rows().into_values()),
        Standing::Open { .. } | Standing::Lost(_) => None,
    });
    found.flatten().collect()
}

/// Whether the rows of a part that was given up all came when they were asked for again.
fn is_made_up_for(part: &Part, failure: &Failure, found_again: &BTreeSet<Line>, gaps: &[Gap]) -> bool {
    let lines: BTreeSet<Line> = rows::lines(&part.cut, &part.whole.pages).into_iter().collect();
    complete::is_worth_asking(failure)
        && !lines.is_disjoint(found_again)
        && !gaps
            .iter()
            .flat_map(|gap| &gap.lines)
            .any(|line| lines.contains(line))
}

/// Says which part of the document the result does not cover.
fn missing_part(number: usize, parts: usize, part: &Part, failure: &Failure) -> Finding {
    let pages = match (part.pages.first(), part.pages.last()) {
        (Some(first), Some(last)) if first.number == last.number => format!("page {}", first.number),
        (Some(first), Some(last)) => format!("pages {} to {}", first.number, last.number),
        _ => "no page".to_owned(),
    };
    Finding {
        field: String::new(),
        check: merge::MISSING.to_owned(),
        message: format!("part {number} of {parts} ({pages}) is missing: {failure}"),
    }
}

/// Says which rows are missing, and where they stand.
fn missing_rows(gap: &Gap, reading: &ParsedDocument) -> Finding {
    let number = |page: usize| reading.pages.get(page).map_or(0, |page| page.number);
    let quoted = gap.lines.iter().take(MOST_ROWS_NAMED).map(|line| {
        let text: String = line.text(&reading.pages).trim().chars().take(80).collect();
        format!("page {}: “{text}”", number(line.page))
    });
    let more = match gap.lines.len().saturating_sub(MOST_ROWS_NAMED) {
        0 => "",
        _ => "; and others",
    };
    let (rows, seem) = match gap.lines.len() {
        1 => ("row", "seems"),
        _ => ("rows", "seem"),
    };
    Finding {
        field: gap.list.clone(),
        check: merge::MISSING_ROWS.to_owned(),
        message: format!(
            "{} {rows} {seem} to be missing beside the {} found, also after asking again ({}{more})",
            gap.lines.len(),
            gap.found,
            quoted.collect::<Vec<_>>().join("; ")
        ),
    }
}

/// Whether a result says nothing at all. Its depth is bounded by the parser that made it.
fn is_empty(data: &Value) -> bool {
    match data {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.iter().all(is_empty),
        Value::Object(fields) => fields.values().all(is_empty),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// What the result cannot know, or may have wrong, because of how the document was read.
fn unread(reading: &ParsedDocument) -> Vec<Finding> {
    let warnings = reading.findings.iter().filter(|it| it.kind.is_warning());
    let finding = |it: &ReadingFinding| Finding {
        field: String::new(),
        check: it.kind.as_str().to_owned(),
        message: it.message.clone(),
    };
    warnings.take(MOST_DOUBTS).map(finding).collect()
}
