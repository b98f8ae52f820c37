//! Prepare: from a reading to prompts whose worst case is known. A document that
//! does not fit the model is split into parts with overlap; a picture is sent when
//! there is no text and the model sees.

use std::collections::BTreeMap;
use std::sync::Arc;

use docmill_core::document::Kind;
use docmill_core::failure::{Failure, FailureCode};
use docmill_core::page::{FindingKind, PageImage, ParsedDocument, ReadingFinding};
use docmill_core::template::Reading;
use docmill_llm::Request;
use docmill_parse::ImageOptions;

use crate::loader::DocumentRef;
use crate::pipeline::Setup;
use crate::pipeline::parts;
use crate::pipeline::progress::{Again, AnswerBase, Asks, Progress, Prompts};

/// Pictures are sent at this size: large enough to read a till receipt, small enough
/// for every provider's cheapest tier of tokens.
const PICTURES: ImageOptions = ImageOptions {
    dpi: 110,
    max_edge: 1568,
    first_page: 1,
    max_pages: 100,
};

/// Whether page images are made, or only measured (for an estimate).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pictures {
    Rendered,
    Measured,
}

/// The prompts for a reading.
pub(crate) async fn prepare(
    setup: &Setup,
    document_ref: DocumentRef<'_>,
    mut reading: ParsedDocument,
    pictures: Pictures,
) -> Result<Prompts, Failure> {
    let Some(sight) = see(setup.template.reading, &reading, setup.limits.vision) else {
        return Err(blind(&reading, setup.loader.ocr_available()));
    };
    let images = match (sight.pictures, pictures) {
        (false, _) => Vec::new(),
        (true, Pictures::Rendered) => setup.loader.render(document_ref, PICTURES).await?,
        (true, Pictures::Measured) => measured(&reading),
    };
    if sight.pictures && images.len() < reading.page_count as usize {
        reading.findings.push(ReadingFinding {
            kind: FindingKind::Limit,
            page: None,
            message: format!(
                "Only {} of {} pages were shown to the model.",
                images.len(),
                reading.page_count
            ),
        });
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
    let parts = parts::of(setup, &request, &reading, images, sight.text)?;
    Ok(Prompts {
        in_parts: parts.len() > 1,
        reading,
        progress: Progress::new(parts.into_iter().map(Arc::new).collect()),
        past: Vec::new(),
        again: Again::default(),
        troubles: BTreeMap::new(),
        fallback_asks: Vec::new(),
        routes: BTreeMap::new(),
        asks: Asks {
            request,
            price: setup.plan.price.clone(),
            provider: Arc::clone(&setup.resolved.provider),
            base: AnswerBase {
                model: setup.plan.model.clone(),
                base_url: setup.plan.base_url.clone().unwrap_or_default(),
                schema: Arc::clone(&setup.schema),
            },
        },
    })
}

/// Pages as they would be rendered, for counting tokens: sizes without pictures.
fn measured(reading: &ParsedDocument) -> Vec<PageImage> {
    // What an attachment says is a page without a picture.
    let shown = reading.page_count.min(PICTURES.max_pages);
    let pages = reading.pages.iter().take(shown as usize);
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
    if let Some(finding) = reading.findings.iter().find(|it| it.kind.is_warning()) {
        message.push_str(" (");
        message.push_str(finding.message.trim_end_matches('.'));
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
