//! The parts of a document: as few as keep each within what a model reads well and
//! answers whole, with overlap; cut again when an answer was cut off; and further ones for
//! rows that are missing in the answers.

use std::sync::{Arc, OnceLock};

use docmill_core::failure::{Failure, FailureCode};
use docmill_core::page::{Page, PageImage, ParsedDocument};
use docmill_core::rows::{RowShape, usual_shape};
use docmill_core::split::{self, Limit, Stretch};
use docmill_core::template::{FieldKind, fields};
use docmill_llm::Request;
use serde_json::Value;

use crate::pipeline::Setup;
use crate::pipeline::progress::Part;

/// Prompt tokens of a document beyond which one call loses entries of long lists, whatever
/// the model's context (docs/decisions/parts.md). Longer documents are asked in parts.
const PART_TOKENS: u64 = 24_000;

/// Tokens of the part before that are repeated, so that an entry across the cut is whole in one.
const OVERLAP_TOKENS: u64 = 400;

/// Pictures in one call.
const PICTURES_PER_CALL: usize = 10;

/// Of a hundred tokens an answer may have, so many are planned for the rows of a long table:
/// a cut answer is paid for and worth nothing.
const ANSWER_SHARE: u64 = 70;

/// A document whose parts are cut, and how large they may be.
pub(crate) struct Whole {
    pub(crate) pages: Arc<Vec<Page>>,
    limit: Limit,
    rows: Option<LongRows>,
}

/// A long table whose rows decide how long answers are.
#[derive(Clone, Copy)]
struct LongRows {
    shape: RowShape,
    /// Tokens of an answer that each row costs beside its values.
    names: u64,
    /// Tokens of rows in one answer.
    room: u64,
}

impl Whole {
    /// What text weighs against the limit: its tokens, or the answer's in proportion, whichever is more.
    fn weight(&self, text: &str) -> u64 {
        let tokens = docmill_llm::tokens::expect(text);
        let Some(rows) = self.rows.filter(|rows| RowShape::of(text) == Some(rows.shape)) else {
            return tokens;
        };
        let answer = tokens.saturating_add(rows.names);
        tokens.max(answer.saturating_mul(self.limit.tokens) / rows.room)
    }

    fn weight_of(&self, part: &split::Part) -> u64 {
        let lines = part.stretches.iter().flat_map(|stretch| {
            let page = self.pages.get(stretch.page).map_or("", |page| page.text.as_str());
            let text = page.get(stretch.start..stretch.end).unwrap_or_default();
            text.split_inclusive('\n')
        });
        lines.map(|line| self.weight(line)).sum()
    }
}

/// The parts of a document: as few as keep each within what a model reads well.
pub(crate) fn of(
    setup: &Setup,
    request: &Request,
    reading: &ParsedDocument,
    images: Vec<PageImage>,
    text: bool,
) -> Result<Vec<Part>, Failure> {
    let pages = Arc::new(reading.pages.clone());
    if !images.is_empty() {
        return Ok(picture_parts(&pages, images, text));
    }
    let fixed = setup.instructions + 200;
    let room = setup
        .limits
        .max_input_tokens
        .saturating_sub(u64::from(request.max_output_tokens))
        .saturating_sub(fixed);
    // Counting is a guess, so that a tenth is kept free.
    let tokens = (room / 10 * 9).min(PART_TOKENS);
    if tokens < 200 {
        let message = format!(
            "the template's instructions leave no room for a document: the model takes {} tokens",
            setup.limits.max_input_tokens
        );
        return Err(Failure::new(FailureCode::PromptTooLong, message));
    }
    let rows = long_rows(setup.row_names, &pages, request.max_output_tokens);
    let whole = Arc::new(Whole {
        limit: Limit {
            tokens,
            // Rows weigh what their answers do: a few of them, whatever that is in text.
            overlap: match rows {
                Some(_) => tokens / 12,
                None => OVERLAP_TOKENS.min(tokens / 10),
            },
        },
        rows,
        pages,
    });
    // A free model of our own reads any length at once, and better so.
    // Nor is what fits by its bytes alone counted: no text has more tokens than bytes.
    let bytes: u64 = whole.pages.iter().map(|page| page.text.len() as u64).sum();
    if setup.reads_whole_documents() || (whole.rows.is_none() && bytes <= tokens) {
        return Ok(vec![Part::of_text(&whole, split::Part::whole(&whole.pages))]);
    }
    Ok(whole.split(&split::Part::whole(&whole.pages), whole.limit))
}

/// The long table of a document, when the schema asks for a list of objects (`names`: see [`row_names`]).
fn long_rows(names: Option<u64>, pages: &[Page], answer_limit: u32) -> Option<LongRows> {
    let names = names?;
    Some(LongRows {
        shape: usual_shape(pages)?,
        names,
        room: (u64::from(answer_limit) * ANSWER_SHARE / 100).max(1),
    })
}

/// Tokens that each row of a list costs beside its values, for the costliest list of objects the
/// schema asks for; `None`: it asks for none. The same for all documents of a batch.
pub(crate) fn row_names(schema: &Value) -> Option<u64> {
    let of_row = |field: docmill_core::template::Field| match field.kind {
        FieldKind::List(inner) if inner.iter().any(|field| !field.path.is_empty()) => Some(
            inner
                .iter()
                .map(|field| docmill_llm::tokens::expect(&field.path) + 2)
                .sum::<u64>(),
        ),
        _ => None,
    };
    fields(schema).into_iter().filter_map(of_row).max()
}

fn picture_parts(pages: &Arc<Vec<Page>>, images: Vec<PageImage>, text: bool) -> Vec<Part> {
    let whole = Arc::new(Whole {
        pages: Arc::clone(pages),
        limit: Limit {
            tokens: PART_TOKENS,
            overlap: 0,
        },
        rows: None,
    });
    let part = |images: &[PageImage]| {
        let is_shown = |page: &Page| images.iter().any(|image| image.page == page.number);
        let shown = whole.pages.iter().enumerate().filter(|(_, page)| is_shown(page));
        let stretch = |(index, page): (usize, &Page)| Stretch {
            page: index,
            start: 0,
            end: page.text.len(),
        };
        let cut = split::Part {
            stretches: shown.map(stretch).collect(),
            repeated: 0,
        };
        let mut part = Part::of_text(&whole, cut);
        part.images = images.to_vec();
        if !text {
            part.text.clear();
        }
        part
    };
    images.chunks(PICTURES_PER_CALL).map(part).collect()
}

impl Whole {
    fn split(self: &Arc<Self>, part: &split::Part, limit: Limit) -> Vec<Part> {
        let parts = split::split_part(&self.pages, part, limit, &|text| self.weight(text));
        parts.into_iter().map(|part| Part::of_text(self, part)).collect()
    }

    /// Parts of these stretches alone: rows that are missing in the answers.
    pub(crate) fn again(self: &Arc<Self>, stretches: &[Stretch]) -> Vec<Part> {
        let count = |text: &str| self.weight(text);
        let parts = split::of_stretches(&self.pages, stretches, self.limit.tokens, &count);
        let again = |cut| Part {
            rows_only: true,
            ..Part::of_text(self, cut)
        };
        parts.into_iter().map(again).collect()
    }
}

impl Part {
    fn of_text(whole: &Arc<Whole>, cut: split::Part) -> Self {
        let pages = if cut == split::Part::whole(&whole.pages) {
            Arc::clone(&whole.pages)
        } else {
            Arc::new(cut.pages(&whole.pages))
        };
        Self {
            text: docmill_llm::prompt::document(&pages),
            pages,
            images: Vec::new(),
            cut,
            whole: Arc::clone(whole),
            half_of: None,
            weight: OnceLock::new(),
            rows_only: false,
        }
    }

    /// Its share of what a part may hold. Counted when it is asked for: most documents never are.
    pub(crate) fn weight(&self) -> u64 {
        *self.weight.get_or_init(|| match self.images.len() {
            0 => self.whole.weight_of(&self.cut),
            pictures => pictures as u64,
        })
    }

    /// The same in two halves, for an answer that was cut off; `None` when it cannot be halved.
    pub(crate) fn halves(&self) -> Option<Vec<Self>> {
        if !self.images.is_empty() {
            let (first, second) = self.images.split_at(self.images.len() / 2);
            let half = |images: &[PageImage]| Self {
                pages: Arc::clone(&self.pages),
                images: images.to_vec(),
                text: self.text.clone(),
                cut: self.cut.clone(),
                whole: Arc::clone(&self.whole),
                half_of: Some(self.weight()),
                weight: OnceLock::new(),
                rows_only: self.rows_only,
            };
            return (!first.is_empty()).then(|| vec![half(first), half(second)]);
        }
        let weight = self.weight();
        let overlap = OVERLAP_TOKENS.min(weight / 20);
        let limit = Limit {
            // Room for the overlap, the header of a table, and lines that do not end in the middle.
            tokens: weight / 2 + overlap + weight / 10 + 1,
            overlap,
        };
        let mut parts = self.whole.split(&self.cut, limit);
        for part in &mut parts {
            part.half_of = Some(weight);
            part.rows_only = self.rows_only;
        }
        (parts.len() > 1).then_some(parts)
    }
}
