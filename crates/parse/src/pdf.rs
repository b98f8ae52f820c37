//! PDF: the text layer with the place of each word; pages without one are rendered
//! and read by tesseract. A page that cannot be read does not fail the document.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use docmill_core::failure::{Failure, FailureCode};
use docmill_core::page::{BBox, Page, PageImage, TextOrigin, Word};
use hayro::hayro_interpret::InterpreterSettings;
use hayro::hayro_syntax::Pdf;
use hayro::vello_cpu::color::palette::css::WHITE;
use hayro::{PixmapSettings, RenderCache, RenderSettings};
use image::DynamicImage;
use pdf_oxide::document::PdfDocument;

use crate::cpu;
use crate::limits;
use crate::ocr;
use crate::outcome::Outcome;
use crate::picture;
use crate::port::{ImageOptions, Ocr, ReadOptions};
use crate::text;
use crate::unread::Unread;

/// Fewer characters than this on a page that has pictures: a scan with a stamp or a page
/// number as its only text.
const SCAN_CHARS: usize = 24;

/// Resolution for text recognition, in dots per inch.
const OCR_DPI: f32 = 220.0;

/// Longest edge of a page rendered for text recognition, in pixels; posters are drawn smaller.
const OCR_EDGE: u32 = 4000;

/// Longest edge of any rendered page, in pixels, whatever is asked for.
const LARGEST_EDGE: u32 = 10_000;

/// Beyond this many pages a PDF counts as complex: it will be split.
const SIMPLE_PAGES: usize = 10;

/// Words a page, on average, beyond which a PDF counts as complex.
const SIMPLE_WORDS: usize = 700;

/// Reads a PDF.
pub(crate) fn read(
    content: &[u8],
    passwords: &[String],
    options: &ReadOptions,
    ocr_until: Option<Instant>,
) -> Result<Outcome, Failure> {
    let (mut outcome, password) = match text_layer(content, passwords, options) {
        Ok(read) => read,
        Err(failure) if failure.code == FailureCode::PasswordRequired => return Err(failure),
        // The renderer is another reader: what one cannot open, the other often can.
        Err(failure) => (blank_pages(content, options).ok_or(failure)?, None),
    };
    read_scans(content, password.as_deref(), options, ocr_until, &mut outcome);
    Ok(outcome)
}

/// The text layer of all pages, and the password that opened the document.
fn text_layer(
    content: &[u8],
    passwords: &[String],
    options: &ReadOptions,
) -> Result<(Outcome, Option<String>), Failure> {
    cpu::allow(cpu::PAGE);
    let (document, password) = open(content, passwords)?;
    let count = document.page_count().map_err(|error| corrupt(&error))?;
    let limit = page_limit(options);
    let mut outcome = Outcome {
        page_count: Some(u32::try_from(count).unwrap_or(u32::MAX)),
        ..Outcome::default()
    };
    let mut bytes = 0;
    let mut words = 0;
    for index in 0..count.min(limit) {
        let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
        cpu::allow(cpu::PAGE);
        match unharmed(|| page(&document, index)) {
            Ok(page) => {
                bytes += page.text.len();
                words += page.words.len();
                outcome.pages.push(page);
            }
            Err(reason) => {
                outcome.missing(format!("Page {number} could not be read: {reason}."));
                outcome
                    .pages
                    .push(picture::without_text(number, size(&document, index)));
            }
        }
        if bytes > limits::TEXT_BYTES {
            outcome.missing(format!(
                "Reading stopped after page {number}: the document holds too much text."
            ));
            break;
        }
    }
    if count > limit {
        outcome.limit(format!(
            "Only the first {limit} of {count} pages were read; split the document to have all of them."
        ));
    }
    outcome.complex = count > SIMPLE_PAGES || words > SIMPLE_WORDS * count.max(1);
    if outcome.pages.is_empty() {
        return Err(Failure::new(
            FailureCode::CorruptDocument,
            "the PDF has no pages that can be read",
        ));
    }
    Ok((outcome, password))
}

fn page_limit(options: &ReadOptions) -> usize {
    let limit = match options.max_pages {
        0 => limits::PAGES,
        wanted => wanted,
    };
    limit as usize
}

/// The pages of a document whose text layer cannot be read, to be read as pictures.
fn blank_pages(content: &[u8], options: &ReadOptions) -> Option<Outcome> {
    let pdf = renderable(content, None)?;
    let pages: Vec<Page> = pdf
        .pages()
        .iter()
        .zip(1..)
        .take(page_limit(options))
        .map(|(page, number)| picture::without_text(number, page.render_dimensions()))
        .collect();
    if pages.is_empty() {
        return None;
    }
    let mut outcome = Outcome {
        page_count: Some(u32::try_from(pdf.pages().len()).unwrap_or(u32::MAX)),
        pages,
        ..Outcome::default()
    };
    outcome.missing("The PDF is damaged; its pages were read as pictures.");
    Some(outcome)
}

/// A page that makes a decoder panic costs that page, not the document.
fn unharmed<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err("its reader broke down on it".to_owned()))
}

fn corrupt(reason: &dyn std::fmt::Display) -> Failure {
    Failure::new(
        FailureCode::CorruptDocument,
        format!("the PDF could not be read: {}", text::short(reason)),
    )
}

/// Opens a PDF with whichever password fits. Returns that password.
fn open(content: &[u8], passwords: &[String]) -> Result<(PdfDocument, Option<String>), Failure> {
    let document = PdfDocument::from_bytes(content.to_vec()).map_err(|error| {
        let reason = error.to_string();
        if reason.to_ascii_lowercase().contains("password") {
            locked(passwords)
        } else {
            corrupt(&reason)
        }
    })?;
    if !document.is_encrypted() {
        return Ok((document, None));
    }
    for password in std::iter::once("").chain(passwords.iter().map(String::as_str)) {
        if document.authenticate(password.as_bytes()).unwrap_or(false) {
            return Ok((document, Some(password.to_owned())));
        }
    }
    Err(locked(passwords))
}

fn locked(passwords: &[String]) -> Failure {
    let message = match passwords.len() {
        0 => "the PDF is encrypted, and no password was given",
        1 => "the PDF is encrypted, and the given password does not open it",
        _ => "the PDF is encrypted, and none of the given passwords opens it",
    };
    Failure::new(FailureCode::PasswordRequired, message)
}

fn size(document: &PdfDocument, index: usize) -> (f32, f32) {
    let (x0, y0, x1, y1) = document
        .get_page_media_box(index)
        .unwrap_or((0.0, 0.0, 612.0, 792.0));
    let (width, height) = ((x1 - x0).abs(), (y1 - y0).abs());
    match document.get_page_rotation(index).unwrap_or(0) {
        90 | 270 => (height, width),
        _ => (width, height),
    }
}

/// The text layer of a page: the reader's words in its order, on lines.
fn page(document: &PdfDocument, index: usize) -> Result<Page, String> {
    let found = document.extract_words(index).map_err(|error| error.to_string())?;
    let frame = Frame::of(document, index);
    let mut text = String::new();
    let mut words: Vec<Word> = Vec::with_capacity(found.len());
    for block in &found {
        let word = block.text.trim();
        if word.is_empty() {
            continue;
        }
        let bbox = frame.place(block.bbox.x, block.bbox.y, block.bbox.width, block.bbox.height);
        if let Some(before) = words.last() {
            text.push_str(gap(&before.bbox, &bbox));
        }
        let start = u32::try_from(text.len()).unwrap_or(u32::MAX);
        text.extend(word.chars().map(|c| if c.is_control() { ' ' } else { c }));
        words.push(Word {
            start,
            end: u32::try_from(text.len()).unwrap_or(u32::MAX),
            bbox,
            confidence: None,
        });
    }
    let origin = if words.is_empty() {
        TextOrigin::None
    } else {
        TextOrigin::Native
    };
    let (width, height) = size(document, index);
    Ok(Page {
        number: u32::try_from(index + 1).unwrap_or(u32::MAX),
        label: None,
        width,
        height,
        text,
        words,
        origin,
    })
}

/// What stands between two words that follow each other: a space, a wide gap as between
/// columns, a line end, or an empty line.
fn gap(before: &BBox, after: &BBox) -> &'static str {
    let height = (before.y1 - before.y0).max(after.y1 - after.y0).max(1.0);
    let middle = |bbox: &BBox| f32::midpoint(bbox.y0, bbox.y1);
    let down = middle(after) - middle(before);
    if down.abs() > height * 0.5 || after.x1 < before.x0 {
        return if down > height * 2.2 { "\n\n" } else { "\n" };
    }
    if after.x0 - before.x1 > height * 1.5 {
        "   "
    } else {
        " "
    }
}

/// From the coordinates of a PDF page (up from the bottom left, before rotation) to ours.
struct Frame {
    x0: f32,
    y0: f32,
    width: f32,
    height: f32,
    rotation: i32,
}

impl Frame {
    fn of(document: &PdfDocument, index: usize) -> Self {
        let (x0, y0, x1, y1) = document
            .get_page_media_box(index)
            .unwrap_or((0.0, 0.0, 612.0, 792.0));
        Self {
            x0: x0.min(x1),
            y0: y0.min(y1),
            width: (x1 - x0).abs(),
            height: (y1 - y0).abs(),
            rotation: document.get_page_rotation(index).unwrap_or(0),
        }
    }

    fn place(&self, x: f32, y: f32, width: f32, height: f32) -> BBox {
        let (left, right) = (x - self.x0, x - self.x0 + width);
        let (bottom, top) = (y - self.y0, y - self.y0 + height);
        // The reader gives rotated pages in the frame a person sees, so only the height differs.
        let height = if matches!(self.rotation, 90 | 270) {
            self.width
        } else {
            self.height
        };
        BBox {
            x0: left,
            y0: height - top,
            x1: right,
            y1: height - bottom,
        }
    }
}

/// Renders pages without a text layer and reads them.
fn read_scans(
    content: &[u8],
    password: Option<&str>,
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
    let Some(pdf) = renderable(content, password) else {
        outcome.missing("Pages without text could not be rendered for text recognition.");
        return;
    };
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
    ocr::ready(ocr_until)?;
    cpu::allow(cpu::PAGE);
    let (drawn, scale) = draw(page, cache, OCR_DPI / 72.0, OCR_EDGE)?;
    let mut picture = picture::for_ocr(drawn);
    picture.scale /= scale;
    ocr::page(number, page.render_dimensions(), &picture, &options.ocr_languages)
}

fn renderable(content: &[u8], password: Option<&str>) -> Option<Pdf> {
    Pdf::new_with_password(content.to_vec(), password.unwrap_or_default()).ok()
}

/// Whether a page with hardly any text may be a picture of text: it draws pictures, or it
/// has no text at all and draws something (letters as outlines).
fn may_be_scan(page: &hayro::hayro_syntax::page::Page<'_>, no_text: bool) -> bool {
    let draws = page.page_stream().is_some_and(|stream| !stream.is_empty());
    let pictures = page.resources().x_objects.keys().next().is_some();
    draws && (no_text || pictures)
}

/// Renders a page, at most `max_edge` pixels; returns the scale that came out.
fn draw<'a>(
    page: &'a hayro::hayro_syntax::page::Page<'a>,
    cache: &RenderCache<'a>,
    scale: f32,
    max_edge: u32,
) -> Result<(DynamicImage, f32), String> {
    let (width, height) = page.render_dimensions();
    let edge = width.max(height);
    if !(edge.is_finite() && edge > 0.0) {
        return Err("it has no size".to_owned());
    }
    let scale = scale.min(max_edge.clamp(1, LARGEST_EDGE) as f32 / edge);
    let settings = PixmapSettings {
        x_scale: scale,
        y_scale: scale,
        bg_color: WHITE,
    };
    let pixmap = unharmed(|| {
        Ok(hayro::render(
            page,
            cache,
            &InterpreterSettings::default(),
            &RenderSettings::default(),
            &settings,
        ))
    })?;
    let (width, height) = (u32::from(pixmap.width()), u32::from(pixmap.height()));
    // The background is opaque, so premultiplied and plain colours are the same.
    let pixels = pixmap.data_as_u8_slice().to_vec();
    let picture = image::RgbaImage::from_raw(width, height, pixels).ok_or("its picture has no pixels")?;
    Ok((DynamicImage::ImageRgba8(picture), scale))
}

/// The pages of a PDF as pictures for a model.
pub(crate) fn render(
    content: &[u8],
    passwords: &[String],
    options: ImageOptions,
) -> Result<Vec<PageImage>, Failure> {
    let pdf = std::iter::once("")
        .chain(passwords.iter().map(String::as_str))
        .find_map(|password| renderable(content, Some(password)))
        .ok_or_else(|| match open(content, passwords) {
            Err(failure) => failure,
            Ok(_) => corrupt(&"its pages cannot be rendered"),
        })?;
    let cache = RenderCache::new();
    let first = options.first_page.max(1) as usize;
    let mut images = Vec::new();
    for (index, page) in pdf
        .pages()
        .iter()
        .enumerate()
        .skip(first - 1)
        .take(options.max_pages as usize)
    {
        cpu::allow(cpu::PAGE);
        let (picture, _) = draw(page, &cache, options.dpi as f32 / 72.0, options.max_edge)
            .map_err(|reason| corrupt(&format!("page {}: {reason}", index + 1)))?;
        images.push(picture::for_model(
            picture,
            u32::try_from(index + 1).unwrap_or(u32::MAX),
            options.max_edge,
        )?);
    }
    Ok(images)
}
