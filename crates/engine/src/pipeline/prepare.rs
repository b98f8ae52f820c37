//! Prepare: from a reading to prompts whose worst case is known. A document that
//! does not fit the model is split into parts with overlap; a picture is sent when
//! there is no text and the model sees.

use std::sync::Arc;

use docmill_core::attempt::AnswerKey;
use docmill_core::failure::{Failure, FailureCode};
use docmill_core::money::Usd;
use docmill_core::page::{Page, PageImage, ParsedDocument};
use docmill_core::price::CallBound;
use docmill_core::template::Reading;
use docmill_llm::{Repair, Request};
use docmill_parse::ImageOptions;

use crate::EngineError;
use crate::desk::Sheet;
use crate::pipeline::Setup;

/// Pictures are sent at this size: large enough to read a till receipt, small enough
/// for every provider's cheapest tier of tokens.
const PICTURES: ImageOptions = ImageOptions { dpi: 110, max_edge: 1568, first_page: 1, max_pages: 20 };

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
    /// Whether any answer had to be repaired.
    pub(crate) repaired: bool,
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
    reading: ParsedDocument,
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
    let parts = split(setup, &request, &reading, images, sight.text)?;
    Ok(Prompts {
        reading,
        parts,
        turn: 0,
        repair: None,
        repaired: false,
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
        Reading::Text | Reading::Auto if has_text => Some(Sight { text: true, pictures: false }),
        Reading::Auto | Reading::Vision if vision => Some(Sight { text: false, pictures: true }),
        Reading::Both if vision => Some(Sight { text: has_text, pictures: true }),
        // A model that does not see still does what it can with the text.
        Reading::Both | Reading::Vision if has_text => Some(Sight { text: true, pictures: false }),
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
    Failure::new(if ocr_available { FailureCode::NoText } else { FailureCode::OcrUnavailable }, message)
}

impl Prompts {
    /// Whether the part whose turn it is, is the last.
    pub(crate) fn is_last(&self) -> bool {
        self.turn + 1 >= self.parts.len()
    }

    /// The prompt whose turn it is, measured.
    pub(crate) fn current(&self) -> Result<Prompt, EngineError> {
        let part = self.parts.get(self.turn).ok_or_else(|| EngineError::Bug("no part left to ask".to_owned()))?;
        let mut request = self.request.clone();
        request.text.clone_from(&part.text);
        request.images.clone_from(&part.images);
        request.pages = Arc::clone(&part.pages);
        request.repair.clone_from(&self.repair);
        let answer_key = self.base.key(&request);
        request.call_id = answer_key.0.to_hex();
        let bound = self.provider.bound(&request);
        let worst_case =
            self.price.worst_case(&bound).map_err(|error| EngineError::Bug(error.to_string()))?;
        let part = u32::try_from(self.turn).unwrap_or(u32::MAX);
        Ok(Prompt { request, part, bound, worst_case, answer_key })
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
