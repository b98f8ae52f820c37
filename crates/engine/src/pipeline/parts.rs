//! The parts of a document: as few as keep each within what a model reads well and
//! answers whole, with overlap, and cut again when an answer was cut off.

use std::sync::Arc;

use docmill_core::failure::{Failure, FailureCode};
use docmill_core::page::{Page, PageImage, ParsedDocument};
use docmill_core::split::{self, Limit};
use docmill_llm::Request;

use crate::pipeline::Setup;
use crate::pipeline::progress::Part;

/// Prompt tokens of a document beyond which one call loses entries of long lists, whatever
/// the model's context (docs/decisions/parts.md). Longer documents are asked in parts.
const PART_TOKENS: u64 = 24_000;

/// Tokens of the part before that are repeated, so that an entry across the cut is whole in one.
const OVERLAP_TOKENS: u64 = 400;

/// Pictures in one call.
const PICTURES_PER_CALL: usize = 10;

/// The parts of a document: as few as keep each within what a model reads well.
pub(crate) fn of(
    setup: &Setup,
    request: &Request,
    reading: &ParsedDocument,
    images: Vec<PageImage>,
    text: bool,
) -> Result<Vec<Part>, Failure> {
    if !images.is_empty() {
        return Ok(picture_parts(reading, images, text));
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
    // A free model of our own reads any length at once, and better so.
    // Nor is what fits by its bytes alone counted: no text has more tokens than bytes.
    let bytes: u64 = reading.pages.iter().map(|page| page.text.len() as u64).sum();
    if setup.reads_whole_documents() || bytes <= tokens {
        return Ok(vec![Part::of_text(reading.pages.clone())]);
    }
    let limit = Limit {
        tokens,
        overlap: OVERLAP_TOKENS.min(tokens / 10),
    };
    let parts = split::split(&reading.pages, limit, &docmill_llm::tokens::expect);
    Ok(parts
        .iter()
        .map(|part| Part::of_text(part.pages(&reading.pages)))
        .collect())
}

fn picture_parts(reading: &ParsedDocument, images: Vec<PageImage>, text: bool) -> Vec<Part> {
    images
        .chunks(PICTURES_PER_CALL)
        .map(|images| {
            let shown = |page: &&Page| images.iter().any(|image| image.page == page.number);
            let pages: Vec<Page> = reading.pages.iter().filter(shown).cloned().collect();
            let text = if text {
                docmill_llm::prompt::document(&pages)
            } else {
                String::new()
            };
            Part {
                pages: Arc::new(pages),
                images: images.to_vec(),
                text,
            }
        })
        .collect()
}

impl Part {
    fn of_text(pages: Vec<Page>) -> Self {
        Self {
            text: docmill_llm::prompt::document(&pages),
            pages: Arc::new(pages),
            images: Vec::new(),
        }
    }

    /// The same in two halves, for an answer that was cut off; `None` when it cannot be halved.
    pub(crate) fn halves(&self) -> Option<Vec<Self>> {
        if !self.images.is_empty() {
            let (first, second) = self.images.split_at(self.images.len() / 2);
            let half = |images: &[PageImage]| Self {
                pages: Arc::clone(&self.pages),
                images: images.to_vec(),
                text: self.text.clone(),
            };
            return (!first.is_empty()).then(|| vec![half(first), half(second)]);
        }
        let count = &docmill_llm::tokens::expect;
        let tokens: u64 = self.pages.iter().map(|page| count(&page.text)).sum();
        let overlap = OVERLAP_TOKENS.min(tokens / 20);
        let limit = Limit {
            // Room for the overlap, and for lines that do not end in the middle.
            tokens: tokens / 2 + overlap + tokens / 32 + 1,
            overlap,
        };
        let parts = split::split(&self.pages, limit, count);
        (parts.len() > 1).then(|| {
            parts
                .iter()
                .map(|part| Self::of_text(part.pages(&self.pages)))
                .collect()
        })
    }
}
