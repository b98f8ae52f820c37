//! Pages that are pictures of text: rendered, and read by text recognition.

use std::time::Instant;

use docmill_core::page::Page;
use hayro::RenderCache;
use hayro::hayro_syntax::Pdf;

use crate::cpu;
use crate::ocr;
use crate::outcome::Outcome;
use crate::pdf::render::draw;
use crate::picture;
use crate::port::{Ocr, ReadOptions};
use crate::unread::Unread;

/// Fewer characters than this on a page that has pictures: a scan with a stamp or a page
/// number as its only text.
const SCAN_CHARS: usize = 24;

/// Resolution for text recognition, in dots per inch.
const OCR_DPI: f32 = 220.0;

/// Longest edge of a page rendered for text recognition, in pixels; posters are drawn smaller.
const OCR_EDGE: u32 = 4000;

/// Renders pages without a text layer and reads them.
pub(crate) fn read_scans(
    pdf: &Pdf,
    options: &ReadOptions,
    ocr_until: Option<Instant>,
    outcome: &mut Outcome,
) {
    let letters = |page: &Page| page.text.chars().filter(|c| !c.is_whitespace()).count();
    let scans: Vec<usize> = (0..outcome.pages.len())
        .filter(|index| letters(&outcome.pages[*index]) < SCAN_CHARS)
        .collect();
    if scans.is_empty() {
        return;
    }
    let cache = RenderCache::new();
    let mut unread = Unread::default();
    for index in scans {
        let number = outcome.pages[index].number;
        let Some(page) = pdf.pages().get(index) else {
            continue;
        };
        if !may_be_scan(page, outcome.pages[index].words.is_empty()) {
            continue;
        }
        outcome.scanned += 1;
        if options.ocr == Ocr::Off {
            continue;
        }
        match read_scan(page, &cache, number, options, ocr_until) {
            Ok(page) if page.text.len() > outcome.pages[index].text.len() => outcome.pages[index] = page,
            Ok(_) => {}
            Err(reason) => unread.add(number, &reason),
        }
    }
    unread.tell(outcome);
}

fn read_scan<'a>(
    page: &'a hayro::hayro_syntax::page::Page<'a>,
    cache: &RenderCache<'a>,
    number: u32,
    options: &ReadOptions,
    ocr_until: Option<Instant>,
) -> Result<Page, String> {
    ocr::ready(options.ocr_engine, ocr_until)?;
    cpu::allow(cpu::PAGE);
    let (drawn, scale) = draw(page, cache, OCR_DPI / 72.0, OCR_EDGE)?;
    let mut picture = picture::for_ocr(drawn);
    picture.scale /= scale;
    ocr::page(number, page.render_dimensions(), &picture, options)
}

/// Whether a page with hardly any text may be a picture of text: it draws pictures, or it
/// has no text at all and draws something (letters as outlines).
fn may_be_scan(page: &hayro::hayro_syntax::page::Page<'_>, no_text: bool) -> bool {
    let draws = page.page_stream().is_some_and(|stream| !stream.is_empty());
    let pictures = page.resources().x_objects.keys().next().is_some();
    draws && (no_text || pictures)
}
