//! Documents that are scans pasted into a word processor: hardly a word of text, but
//! pictures. The pictures are read instead.

use std::time::Instant;

use docmill_core::document::Kind;

use super::package::Package;
use crate::detect::{Format, detect};
use crate::outcome::Outcome;
use crate::picture;
use crate::port::ReadOptions;

/// Letters from which on a document speaks for itself: more than a page number and a title.
const ENOUGH_LETTERS: usize = 100;

/// Pictures that are read.
const PICTURES: usize = 50;

/// Adds a page for each picture in which there is text, when the document has hardly any.
pub(super) fn add(
    content: &[u8],
    format: Format,
    options: &ReadOptions,
    ocr_until: Option<Instant>,
    outcome: &mut Outcome,
) {
    let folder = match format {
        Format::Docx => "word/media/",
        Format::Pptx => "ppt/media/",
        Format::Odt | Format::Odp => "Pictures/",
        _ => return,
    };
    let letters: usize = outcome
        .pages
        .iter()
        .map(|page| page.text.chars().filter(|c| c.is_alphanumeric()).count())
        .sum();
    if letters >= ENOUGH_LETTERS {
        return;
    }
    let Ok(mut package) = Package::open(content) else {
        return;
    };
    for name in package.names(folder, "").into_iter().take(PICTURES) {
        let Ok(Some(bytes)) = package.bytes(&name) else {
            continue;
        };
        let format = detect(&name, &bytes).format;
        if format.kind() != Kind::Image {
            continue;
        }
        // What is no picture of text gives nothing, and is nothing to speak of.
        let Ok(read) = picture::read(&bytes, format, options, ocr_until) else {
            continue;
        };
        for mut page in read.pages {
            if page.text.trim().is_empty() {
                continue;
            }
            page.number = u32::try_from(outcome.pages.len() + 1).unwrap_or(u32::MAX);
            page.label = Some(format!("Picture {}", &name[folder.len()..]));
            outcome.pages.push(page);
        }
        for note in read.notes {
            outcome.missing(format!("Picture {}: {note}", &name[folder.len()..]));
        }
    }
}
