//! PDF: the text layer with the place of each word; pages without one are rendered
//! and read by text recognition. Files it carries are read like documents inside others. A page that cannot be read does not fail the document.
//!
//! The pages are interpreted by hayro, which also renders them; what it draws is put into
//! words here, and the words into reading order by `layout`.

mod annotation;
mod attached;
mod characters;
mod form;
mod glyphs;
mod open;
mod page;
mod render;
mod scan;
mod strings;
mod words;

use std::panic::{AssertUnwindSafe, catch_unwind};

use docmill_core::failure::{Failure, FailureCode};
use docmill_core::page::Page;
use hayro::hayro_interpret::InterpreterCache;
use hayro::hayro_syntax::Pdf;

use crate::cpu;
use crate::inner::Reading;
use crate::limits;
use crate::outcome::Outcome;
use crate::picture;
use crate::port::ReadOptions;
use crate::text;

pub(crate) use render::render;

/// Beyond this many pages a PDF counts as complex: it will be split.
const SIMPLE_PAGES: usize = 10;

/// Words a page, on average, beyond which a PDF counts as complex.
const SIMPLE_WORDS: usize = 700;

/// Reads a PDF.
pub(crate) fn read(content: &[u8], reading: &Reading<'_>) -> Result<Outcome, Failure> {
    cpu::allow(cpu::PAGE);
    let (options, ocr_until) = (reading.options, reading.ocr_until);
    let pdf = open::open(content, reading.passwords)?;
    let mut outcome = text_layer(&pdf, options)?;
    let words: usize = outcome.pages.iter().map(|page| page.words.len()).sum();
    let count = outcome.pages.len().max(1);
    outcome.complex = pdf.pages().len() > SIMPLE_PAGES || words > SIMPLE_WORDS * count;
    scan::read_scans(&pdf, options, ocr_until, &mut outcome);
    // What stands beside the pages is welcome, and no reason to fail.
    let _ = unharmed(|| {
        attached::add(&pdf, reading, &mut outcome);
        Ok(())
    });
    Ok(outcome)
}

/// The text layer of all pages, and what else the document says.
fn text_layer(pdf: &Pdf, options: &ReadOptions) -> Result<Outcome, Failure> {
    let pages = pdf.pages();
    let limit = page_limit(options);
    let mut outcome = Outcome {
        page_count: Some(u32::try_from(pages.len()).unwrap_or(u32::MAX)),
        ..Outcome::default()
    };
    let cache = InterpreterCache::new();
    let form = form::Form::of(pdf);
    let mut hidden = Vec::new();
    let mut bytes = 0;
    for (page, number) in pages.iter().zip(1_u32..).take(limit) {
        cpu::allow(cpu::PAGE);
        match unharmed(|| Ok(page::read(pdf, page, number, &cache, &form))) {
            Ok(read) => {
                if read.hidden > 0 {
                    hidden.push(number);
                }
                bytes += read.page.text.len();
                outcome.pages.push(if read.unreadable {
                    // Its picture says more than glyphs without a meaning.
                    picture::without_text(number, page.render_dimensions())
                } else {
                    read.page
                });
            }
            Err(reason) => {
                outcome.missing(format!("Page {number} could not be read: {reason}."));
                outcome
                    .pages
                    .push(picture::without_text(number, page.render_dimensions()));
            }
        }
        if bytes > limits::TEXT_BYTES {
            outcome.missing(format!(
                "Reading stopped after page {number}: the document holds too much text."
            ));
            break;
        }
    }
    if outcome.pages.is_empty() {
        return Err(corrupt(&"it has no pages that can be read"));
    }
    if pages.len() > limit {
        let count = pages.len();
        outcome.limit(format!(
            "Only the first {limit} of {count} pages were read; split the document to have all of them."
        ));
    }
    if !hidden.is_empty() {
        outcome.note(format!(
            "Text that is drawn invisibly was left out on {}.",
            if hidden.len() == 1 {
                "1 page".to_owned()
            } else {
                format!("{} pages", hidden.len())
            }
        ));
    }
    let _ = unharmed(|| {
        form.add_unplaced(&mut outcome.pages);
        Ok(())
    });
    Ok(outcome)
}

fn page_limit(options: &ReadOptions) -> usize {
    let limit = match options.max_pages {
        0 => limits::PAGES,
        wanted => wanted,
    };
    limit as usize
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

/// Adds lines below the text of a page.
fn add_lines(page: &mut Page, lines: &[String]) {
    for line in lines {
        if !page.text.is_empty() {
            page.text.push('\n');
        }
        page.text.push_str(line);
    }
    if !page.text.is_empty() && page.origin == docmill_core::page::TextOrigin::None {
        page.origin = docmill_core::page::TextOrigin::Native;
    }
}
