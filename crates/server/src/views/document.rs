//! Documents, their results, calls and reviews.

use std::collections::BTreeMap;

use docmill_core::attempt::Attempt;
use docmill_core::extraction::Extraction;
use docmill_core::page::{Page, ParsedDocument};
use docmill_core::template::Field;
use docmill_core::verdict::{Review, ReviewEntry};
use docmill_engine::look::Asked;
use docmill_store::{DocumentDetail, DocumentPage, DocumentRow, FailureGroup, Matching, Prepared, ResultRow};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::{UsageView, dollars, time};

/// A document of a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DocumentView {
    /// Its number in the batch, from 1.
    pub document: u64,
    /// What people see.
    pub name: String,
    /// Where it is read.
    pub key: String,
    /// Size in bytes.
    pub bytes: u64,
    /// What it is.
    pub kind: String,
    /// What it is likely to cost.
    pub class: String,
    /// Pages, once read.
    #[schema(required)]
    pub pages: Option<u32>,
    /// Hash of its content.
    #[schema(required)]
    pub content_hash: Option<String>,
    /// `pending`, `leased`, `completed`, `failed`, `cancelled` or `skipped`.
    pub state: String,
    /// Why it failed, waits or was skipped: the code.
    #[schema(required)]
    pub error_code: Option<String>,
    /// The same as a sentence.
    #[schema(required)]
    pub error: Option<String>,
    /// The document with the same content that is processed in its place.
    #[schema(required)]
    pub duplicate_of: Option<u64>,
    /// Calls made for it.
    pub attempts: u32,
    /// What they cost.
    pub cost_usd: f64,
    /// What they used.
    pub usage: UsageView,
    /// 0 to 1000, once completed.
    #[schema(required)]
    pub risk: Option<u16>,
    /// What a person said: `assigned`, `approved` or `rejected`.
    #[schema(required)]
    pub review: Option<String>,
    /// When anything about it last changed.
    pub updated_at: String,
    /// Values of its result, by field, when the list was asked for them; corrections of people are in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<BTreeMap<String, Value>>)]
    pub values: Option<BTreeMap<String, Value>>,
    /// What speaks against them, by field.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub flags: BTreeMap<String, String>,
}

impl From<&DocumentRow> for DocumentView {
    fn from(row: &DocumentRow) -> Self {
        Self {
            document: row.ordinal.0,
            name: row.name.clone(),
            key: row.key.clone(),
            bytes: row.bytes,
            kind: row.kind.as_str().to_owned(),
            class: row.class.as_str().to_owned(),
            pages: row.pages,
            content_hash: row.content_hash.map(|hash| hash.to_hex()),
            state: row.state.as_str().to_owned(),
            error_code: row
                .failure
                .as_ref()
                .map(|failure| failure.code.as_str().to_owned()),
            error: row.failure.as_ref().map(|failure| failure.message.clone()),
            duplicate_of: row.duplicate_of.map(|original| original.0),
            attempts: row.attempts,
            cost_usd: dollars(row.cost),
            usage: (&row.usage).into(),
            risk: row.risk,
            review: row.verdict.map(|verdict| verdict.as_str().to_owned()),
            updated_at: time(row.updated_at),
            values: None,
            flags: BTreeMap::new(),
        }
    }
}

/// A page of documents.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DocumentList {
    /// The documents.
    pub documents: Vec<DocumentView>,
    /// Number of the first among those that match, from 1, when known.
    #[schema(required)]
    pub first: Option<u64>,
    /// How many match.
    pub matching: u64,
    /// Whether that is all of them, or where counting stopped.
    pub matching_is_exact: bool,
    /// Cursor of the next page; absent: this is the last.
    #[schema(required)]
    pub next: Option<String>,
    /// Cursor of the previous page; absent: this is the first.
    #[schema(required)]
    pub previous: Option<String>,
    /// The values the list is about are being made ready: it is empty, and to be asked for again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preparing: Option<PreparingView>,
}

/// How far values are that lists are sorted and filtered by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PreparingView {
    /// Documents that were looked at.
    pub documents: u64,
    /// Of so many.
    pub of: u64,
}

impl DocumentList {
    /// A list that is not ready.
    #[must_use]
    pub fn preparing(prepared: &Prepared) -> Self {
        Self {
            documents: Vec::new(),
            first: None,
            matching: 0,
            matching_is_exact: false,
            next: None,
            previous: None,
            preparing: Some(PreparingView {
                documents: prepared.documents,
                of: prepared.of,
            }),
        }
    }

    /// Adds the values of these fields, and what speaks against them.
    pub fn add_values(&mut self, results: &[ResultRow], fields: &[&Field]) {
        for (view, result) in self.documents.iter_mut().zip(results) {
            let Some(extraction) = &result.extraction else {
                continue;
            };
            let corrected = result.review.as_ref().and_then(|review| review.data.as_ref());
            let data = corrected.unwrap_or(&extraction.data);
            let value = |field: &&Field| {
                let value = data.pointer(&field.pointer).cloned().unwrap_or_default();
                (field.path.clone(), value)
            };
            view.values = Some(fields.iter().map(value).collect());
            view.flags = flags(extraction, data, corrected.is_some(), fields);
        }
    }
}

/// What speaks against values: rules that are not met, and what was not found on the pages. A person
/// who corrected a value knows better than both.
fn flags(
    extraction: &Extraction,
    data: &Value,
    is_corrected: bool,
    fields: &[&Field],
) -> BTreeMap<String, String> {
    let mut flags = BTreeMap::new();
    for field in fields {
        let is_below = |place: &str| {
            let rest = place.strip_prefix(field.pointer.as_str());
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        if is_corrected && data.pointer(&field.pointer) != extraction.data.pointer(&field.pointer) {
            continue;
        }
        let findings = extraction
            .findings
            .iter()
            .filter(|finding| is_below(&finding.field));
        let mut said: Vec<&str> = findings.map(|finding| finding.message.as_str()).collect();
        if extraction.ungrounded.iter().any(|place| is_below(place)) {
            said.push("not found on the pages");
        }
        if !said.is_empty() {
            flags.insert(field.path.clone(), said.join("; "));
        }
    }
    flags
}

impl From<&DocumentPage> for DocumentList {
    fn from(page: &DocumentPage) -> Self {
        let (matching, matching_is_exact) = match page.matching {
            Matching::Exactly(number) => (number, true),
            Matching::AtLeast(number) => (number, false),
        };
        Self {
            documents: page.rows.iter().map(DocumentView::from).collect(),
            first: page.first,
            matching,
            matching_is_exact,
            next: page.next.clone(),
            previous: page.previous.clone(),
            preparing: None,
        }
    }
}

/// Where a value stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EvidenceView {
    /// JSON Pointer of the value.
    pub field: String,
    /// Page, from 1.
    pub page: u32,
    /// The text on the page.
    pub quote: String,
    /// Left, top, right, bottom in points from the page's top left corner.
    #[schema(required)]
    pub bbox: Option<[f32; 4]>,
}

/// A rule the result does not meet.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FindingView {
    /// The check's name.
    pub check: String,
    /// JSON Pointer of the value; empty for the whole.
    pub field: String,
    /// What is wrong.
    pub message: String,
}

/// A result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ExtractionView {
    /// The data, valid against the template's schema.
    #[schema(value_type = Object)]
    pub data: Value,
    /// Where the values stand.
    pub evidence: Vec<EvidenceView>,
    /// JSON Pointers of values that were looked for on the pages and not found.
    pub ungrounded: Vec<String>,
    /// Rules the data does not meet.
    pub findings: Vec<FindingView>,
    /// 0 to 1000.
    pub risk: u16,
    /// Made up: a rehearsal, not data.
    pub simulated: bool,
}

impl From<&Extraction> for ExtractionView {
    fn from(extraction: &Extraction) -> Self {
        let evidence = extraction.evidence.iter().map(|found| EvidenceView {
            field: found.field.clone(),
            page: found.page,
            quote: found.quote.clone(),
            bbox: found.bbox.map(|it| [it.x0, it.y0, it.x1, it.y1]),
        });
        let findings = extraction.findings.iter().map(|finding| FindingView {
            check: finding.check.clone(),
            field: finding.field.clone(),
            message: finding.message.clone(),
        });
        Self {
            data: extraction.data.clone(),
            evidence: evidence.collect(),
            ungrounded: extraction.ungrounded.clone(),
            findings: findings.collect(),
            risk: extraction.risk,
            simulated: extraction.simulated,
        }
    }
}

/// A call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AttemptView {
    /// Its number for the document, from 1.
    pub number: u32,
    /// The part of a split document, from 0.
    pub part: u32,
    /// The model asked.
    pub model: String,
    /// `in_flight`, `answered`, `released` or `unconfirmed`.
    pub outcome: String,
    /// What was held back for it.
    pub reserved_usd: f64,
    /// What it cost.
    pub cost_usd: f64,
    /// What it used.
    pub usage: UsageView,
    /// When it started.
    pub started_at: String,
    /// How long it took.
    pub latency_ms: u32,
    /// The provider's id of the call.
    #[schema(required)]
    pub request_id: Option<String>,
    /// What went wrong: the code.
    #[schema(required)]
    pub error_code: Option<String>,
    /// The same as a sentence.
    #[schema(required)]
    pub error: Option<String>,
    /// The answer as it came, when it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw_answer: Option<String>,
}

impl AttemptView {
    /// A call, with the answer as it came or without.
    #[must_use]
    pub fn of(attempt: &Attempt, raw: bool) -> Self {
        Self {
            number: attempt.number,
            part: attempt.part,
            model: attempt.model.clone(),
            outcome: attempt.outcome.as_str().to_owned(),
            reserved_usd: dollars(attempt.reserved),
            cost_usd: dollars(attempt.cost),
            usage: (&attempt.usage).into(),
            started_at: time(attempt.started_at),
            latency_ms: attempt.latency_ms,
            request_id: attempt.request_id.clone(),
            error_code: attempt
                .failure
                .as_ref()
                .map(|failure| failure.code.as_str().to_owned()),
            error: attempt.failure.as_ref().map(|failure| failure.message.clone()),
            raw_answer: attempt.raw_answer.clone().filter(|_| raw),
        }
    }
}

/// What a person said about a result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReviewView {
    /// `assigned`, `approved` or `rejected`.
    pub verdict: String,
    /// The corrected data; absent: as the model gave it.
    #[schema(value_type = Option<Object>, required)]
    pub data: Option<Value>,
    /// Counts up with each change.
    pub version: u32,
    /// Who.
    pub reviewer: String,
    /// When.
    pub at: String,
}

impl From<&Review> for ReviewView {
    fn from(review: &Review) -> Self {
        Self {
            verdict: review.verdict.as_str().to_owned(),
            data: review.data.clone(),
            version: review.version,
            reviewer: review.reviewer.clone(),
            at: time(review.at),
        }
    }
}

/// A value that a person changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ChangeView {
    /// JSON Pointer of the value.
    pub field: String,
    /// Before; absent: it was not there.
    #[schema(value_type = Option<Value>, required)]
    pub from: Option<Value>,
    /// After; absent: it was taken out.
    #[schema(value_type = Option<Value>, required)]
    pub to: Option<Value>,
}

/// A line of a document's history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct HistoryView {
    /// When.
    pub at: String,
    /// Who.
    pub reviewer: String,
    /// What was said.
    pub verdict: String,
    /// What was changed.
    pub changes: Vec<ChangeView>,
}

impl From<&ReviewEntry> for HistoryView {
    fn from(entry: &ReviewEntry) -> Self {
        let changes = entry.changes.iter().map(|change| ChangeView {
            field: change.field.clone(),
            from: change.from.clone(),
            to: change.to.clone(),
        });
        Self {
            at: time(entry.at),
            reviewer: entry.reviewer.clone(),
            verdict: entry.verdict.as_str().to_owned(),
            changes: changes.collect(),
        }
    }
}

/// Everything about one document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DocumentDetailView {
    /// Its row.
    #[serde(flatten)]
    pub row: DocumentView,
    /// Its result.
    #[schema(required)]
    pub extraction: Option<ExtractionView>,
    /// Its calls, oldest first.
    pub calls: Vec<AttemptView>,
    /// What a person said about it.
    #[schema(required)]
    pub reviewed: Option<ReviewView>,
    /// Who changed what, oldest first.
    pub history: Vec<HistoryView>,
}

impl DocumentDetailView {
    /// A document, with the answers as they came or without.
    #[must_use]
    pub fn of(detail: &DocumentDetail, raw: bool) -> Self {
        let calls = detail.attempts.iter();
        Self {
            row: (&detail.row).into(),
            extraction: detail.extraction.as_ref().map(ExtractionView::from),
            calls: calls.map(|attempt| AttemptView::of(attempt, raw)).collect(),
            reviewed: detail.review.as_ref().map(ReviewView::from),
            history: detail.history.iter().map(HistoryView::from).collect(),
        }
    }
}

/// Failed documents with the same cause.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FailureView {
    /// The code.
    pub code: String,
    /// What kind of failure it is.
    pub class: String,
    /// How many documents.
    pub documents: u64,
    /// The newest message.
    pub example: String,
    /// Its document.
    pub example_document: u64,
    /// What to do about it.
    pub hint: String,
}

impl From<&FailureGroup> for FailureView {
    fn from(group: &FailureGroup) -> Self {
        Self {
            code: group.code.as_str().to_owned(),
            class: group.code.class().as_str().to_owned(),
            documents: group.documents,
            example: group.example.clone(),
            example_document: group.example_document.0,
            hint: group.code.hint().to_owned(),
        }
    }
}

/// A word and its place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct WordView {
    /// The word.
    pub text: String,
    /// Left, top, right, bottom in points from the page's top left corner.
    pub bbox: [f32; 4],
    /// How sure text recognition was, 0 to 100; absent for text that was not guessed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<u8>,
}

/// A page as it was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PageView {
    /// Its number, from 1.
    pub number: u32,
    /// What the part is called, where it has a name: the sheet's, the slide's.
    #[schema(required)]
    pub label: Option<String>,
    /// Width in points; 0 where the format has no pages.
    pub width: f32,
    /// Height in points; 0 where the format has no pages.
    pub height: f32,
    /// Where the text came from: `native`, `ocr` or `none`.
    pub origin: String,
    /// The text in reading order, when it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Its words with their places, when they were asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<WordView>,
}

impl PageView {
    /// A page, with its text and words or without.
    #[must_use]
    pub fn of(page: &Page, whole: bool) -> Self {
        let origin = serde_json::to_value(page.origin).ok();
        let words = page.words.iter().filter(|_| whole).filter_map(|word| {
            let text = page.text.get(word.start as usize..word.end as usize)?;
            Some(WordView {
                text: text.to_owned(),
                bbox: [word.bbox.x0, word.bbox.y0, word.bbox.x1, word.bbox.y1],
                confidence: word.confidence,
            })
        });
        Self {
            number: page.number,
            label: page.label.clone(),
            width: page.width,
            height: page.height,
            origin: origin
                .and_then(|origin| origin.as_str().map(str::to_owned))
                .unwrap_or_default(),
            text: whole.then(|| page.text.clone()),
            words: words.collect(),
        }
    }
}

/// How a document was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReadingView {
    /// Its media type, by its content.
    pub media_type: String,
    /// Pages the document has.
    pub page_count: u32,
    /// Whether its pages can be shown as pictures.
    pub has_pictures: bool,
    /// The pages that were read.
    pub pages: Vec<PageView>,
    /// What a person should know about the reading, above all what was not read.
    pub findings: Vec<ReadingFindingView>,
}

/// Something a person should know about how a document was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ReadingFindingView {
    /// `not_read`, `limit`, `doubtful` or `note`: the first two say that something is missing, the
    /// third that something may be wrong.
    pub kind: String,
    /// The page it is about, from 1; absent: several, or the whole.
    pub page: Option<u32>,
    /// What and why.
    pub message: String,
}

impl ReadingView {
    /// A reading; pages without their text, but for one.
    #[must_use]
    pub fn of(reading: &ParsedDocument, whole: Option<u32>) -> Self {
        use docmill_core::document::Kind;
        let pages = reading.pages.iter();
        Self {
            media_type: reading.media_type.clone(),
            page_count: reading.page_count,
            has_pictures: matches!(reading.kind, Kind::Pdf | Kind::Image),
            pages: pages
                .map(|page| PageView::of(page, whole == Some(page.number)))
                .collect(),
            findings: reading
                .findings
                .iter()
                .map(|it| ReadingFindingView {
                    kind: it.kind.as_str().to_owned(),
                    page: it.page,
                    message: it.message.clone(),
                })
                .collect(),
        }
    }
}

/// One part of a document as a model is asked about it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PromptPart {
    /// The text.
    pub text: String,
    /// Pages sent as pictures.
    pub pictures: u32,
    /// Tokens it is thought to be.
    pub input_tokens: u64,
}

/// What a model is asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PromptView {
    /// The instructions, the same for every document of the batch.
    pub system: String,
    /// The parts.
    pub parts: Vec<PromptPart>,
}

impl From<Asked> for PromptView {
    fn from(asked: Asked) -> Self {
        let parts = asked.parts.into_iter().map(|part| PromptPart {
            text: part.text,
            pictures: part.pictures,
            input_tokens: part.input_tokens,
        });
        Self {
            system: asked.system,
            parts: parts.collect(),
        }
    }
}
