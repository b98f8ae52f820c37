//! Prepare: from a reading to prompts whose worst case is known. A document that
//! does not fit the model is split into parts with overlap; a picture is sent when
//! there is no text and the model sees.

use std::sync::Arc;

use docmill_core::attempt::AnswerKey;
use docmill_core::document::Kind;
use docmill_core::failure::{Failure, FailureCode};
use docmill_core::money::Usd;
use docmill_core::page::{Page, PageImage, ParsedDocument};
use docmill_core::price::CallBound;
use docmill_core::split::{self, Limit};
use docmill_core::template::Reading;
use docmill_llm::{Repair, Request};
use docmill_parse::ImageOptions;

use crate::EngineError;
use crate::desk::Sheet;
use crate::pipeline::Setup;

/// Pictures are sent at this size: large enough to read a till receipt, small enough
/// for every provider's cheapest tier of tokens.
const PICTURES: ImageOptions = ImageOptions {
    dpi: 110,
    max_edge: 1568,
    first_page: 1,
    max_pages: 100,
};

/// A prompt that was measured: the only thing [`crate::pipeline::reserve::reserve`] takes.
pub(crate) struct Prompt {
    pub(crate) request: Request,
    pub(crate) part: u32,
    pub(crate) bound: CallBound,
    pub(crate) worst_case: Usd,
    pub(crate) answer_key: AnswerKey,
}

/// The prompts of a document, one after the other.
pub(crate) struct Prompts {
    pub(crate) reading: ParsedDocument,
    pub(crate) parts: Vec<Part>,
    /// The part whose turn it is.
    pub(crate) turn: usize,
    /// Set when the current part's answer was no good.
    pub(crate) repair: Option<Repair>,
    /// Answers that had to be repaired.
    pub(crate) repairs: u32,
    /// Times a part was cut in two.
    pub(crate) splits: u32,
    /// Accepted answers of the parts before.
    pub(crate) accepted: Vec<crate::pipeline::judge::Accepted>,
    request: Request,
    price: docmill_core::price::Price,
    provider: Arc<dyn docmill_llm::Provider>,
    base: AnswerBase,
}

/// One part: some pages, as text or pictures.
pub(crate) struct Part {
    pub(crate) pages: Arc<Vec<Page>>,
    pub(crate) images: Vec<PageImage>,
    pub(crate) text: String,
}

/// What decides the answers of a whole batch.
#[derive(Clone)]
struct AnswerBase {
    model: String,
    base_url: String,
    schema: Vec<u8>,
}

/// Whether page images are made, or only measured (for an estimate).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pictures {
    Rendered,
    Measured,
}

/// The prompts for a reading.
pub(crate) async fn prepare(
    setup: &Setup,
    sheet: Sheet<'_>,
    mut reading: ParsedDocument,
    pictures: Pictures,
) -> Result<Prompts, Failure> {
    let Some(sight) = see(setup.template.reading, &reading, setup.limits.vision) else {
        return Err(blind(&reading, setup.desk.ocr_available()));
    };
    let images = match (sight.pictures, pictures) {
        (false, _) => Vec::new(),
        (true, Pictures::Rendered) => setup.desk.render(sheet, PICTURES).await?,
        (true, Pictures::Measured) => measured(&reading),
    };
    if sight.pictures && images.len() < reading.page_count as usize {
        reading.partial = true;
        reading.notes.push(format!(
            "Only {} of {} pages were shown to the model.",
            images.len(),
            reading.page_count
        ));
    }
    let request = Request {
        model: setup.resolved.model.clone(),
        system: Arc::clone(&setup.system),
        text: String::new(),
        images: Vec::new(),
        template: Arc::clone(&setup.template),
        pages: Arc::default(),
        repair: None,
        max_output_tokens: setup.plan.max_output_tokens.min(setup.limits.max_output_tokens),
        call_id: String::new(),
    };
    let parts = parts(setup, &request, &reading, images, sight.text)?;
    Ok(Prompts {
        reading,
        parts,
        turn: 0,
        repair: None,
        repairs: 0,
        splits: 0,
        accepted: Vec::new(),
        request,
        price: setup.plan.price.clone(),
        provider: Arc::clone(&setup.resolved.provider),
        base: AnswerBase {
            model: setup.plan.model.clone(),
            base_url: setup.plan.base_url.clone().unwrap_or_default(),
            schema: serde_json::to_vec(&setup.template.schema).unwrap_or_default(),
        },
    })
}

/// Prompt tokens of a document beyond which one call loses entries of long lists, whatever
/// the model's context (docs/decisions/parts.md). Longer documents are asked in parts.
const PART_TOKENS: u64 = 24_000;

/// Tokens of the part before that are repeated, so that an entry across the cut is whole in one.
const OVERLAP_TOKENS: u64 = 400;

/// Pictures in one call.
const PICTURES_PER_CALL: usize = 10;

/// Pages as they would be rendered, for counting tokens: sizes without pictures.
fn measured(reading: &ParsedDocument) -> Vec<PageImage> {
    let pages = reading.pages.iter().take(PICTURES.max_pages as usize);
    pages
        .map(|page| {
            let points = if page.width > 0.0 && page.height > 0.0 {
                (page.width, page.height)
            } else {
                (612.0, 792.0)
            };
            let dots = if reading.kind == Kind::Pdf {
                PICTURES.dpi as f32 / 72.0
            } else {
                1.0
            };
            let edge = (points.0.max(points.1) * dots).max(1.0);
            let scale = dots * (PICTURES.max_edge as f32 / edge).min(1.0);
            let pixels = |length: f32| (length * scale).ceil().max(1.0) as u32;
            PageImage {
                page: page.number,
                width: pixels(points.0),
                height: pixels(points.1),
                png: Vec::new(),
            }
        })
        .collect()
}

/// The parts of a document: as few as keep each within what a model reads well.
fn parts(
    setup: &Setup,
    request: &Request,
    reading: &ParsedDocument,
    images: Vec<PageImage>,
    text: bool,
) -> Result<Vec<Part>, Failure> {
    if !images.is_empty() {
        return Ok(picture_parts(reading, images, text));
    }
    let fixed = docmill_llm::tokens::expect(&request.system) + 200;
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
    if setup.reads_whole_documents() {
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
    fn halves(&self) -> Option<Vec<Self>> {
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

/// What of a document is shown to the model.
struct Sight {
    text: bool,
    pictures: bool,
}

/// Decides what of a document is shown to the model; `None`: only pictures are there, and
/// the model does not see.
fn see(wanted: Reading, reading: &ParsedDocument, vision: bool) -> Option<Sight> {
    let has_text = !reading.is_blank();
    match wanted {
        Reading::Text | Reading::Auto if has_text => Some(Sight {
            text: true,
            pictures: false,
        }),
        Reading::Auto | Reading::Vision if vision => Some(Sight {
            text: false,
            pictures: true,
        }),
        Reading::Both if vision => Some(Sight {
            text: has_text,
            pictures: true,
        }),
        // A model that does not see still does what it can with the text.
        Reading::Both | Reading::Vision if has_text => Some(Sight {
            text: true,
            pictures: false,
        }),
        _ => None,
    }
}

/// Why a document without text cannot go to a model that does not see.
fn blind(reading: &ParsedDocument, ocr_available: bool) -> Failure {
    let mut message = if ocr_available {
        "no text was found in it, and the model does not see pictures".to_owned()
    } else {
        "its pages are pictures, tesseract is not installed, and the model does not see pictures".to_owned()
    };
    if let Some(note) = reading.notes.first() {
        message.push_str(" (");
        message.push_str(note.trim_end_matches('.'));
        message.push(')');
    }
    Failure::new(
        if ocr_available {
            FailureCode::NoText
        } else {
            FailureCode::OcrUnavailable
        },
        message,
    )
}

impl Prompts {
    /// Whether the part whose turn it is, is the last.
    pub(crate) fn is_last(&self) -> bool {
        self.turn + 1 >= self.parts.len()
    }

    /// Cuts the part whose turn it is in two; `false` when it cannot be cut.
    pub(crate) fn halve(&mut self) -> bool {
        let Some(halves) = self.parts.get(self.turn).and_then(Part::halves) else {
            return false;
        };
        self.parts.splice(self.turn..=self.turn, halves);
        self.repair = None;
        self.splits += 1;
        true
    }

    /// The prompt whose turn it is, measured.
    pub(crate) fn current(&self) -> Result<Prompt, EngineError> {
        let part = self
            .parts
            .get(self.turn)
            .ok_or_else(|| EngineError::Bug("no part left to ask".to_owned()))?;
        let mut request = self.request.clone();
        request.text.clone_from(&part.text);
        request.images.clone_from(&part.images);
        request.pages = Arc::clone(&part.pages);
        request.repair.clone_from(&self.repair);
        let answer_key = self.base.key(&request);
        let bound = self.provider.bound(&request);
        let worst_case = self
            .price
            .worst_case(&bound)
            .map_err(|error| EngineError::Bug(error.to_string()))?;
        let part = u32::try_from(self.turn).unwrap_or(u32::MAX);
        Ok(Prompt {
            request,
            part,
            bound,
            worst_case,
            answer_key,
        })
    }
}

impl AnswerBase {
    /// Everything that decides the answer.
    fn key(&self, request: &Request) -> AnswerKey {
        let limit = request.max_output_tokens.to_le_bytes();
        let mut parts: Vec<&[u8]> = vec![
            self.model.as_bytes(),
            self.base_url.as_bytes(),
            request.system.as_bytes(),
            &self.schema,
            &limit,
            request.text.as_bytes(),
        ];
        parts.extend(request.images.iter().map(|image| image.png.as_slice()));
        if let Some(repair) = &request.repair {
            parts.push(repair.answer.as_bytes());
            parts.push(repair.problems.as_bytes());
        }
        AnswerKey::of(&parts)
    }
}
