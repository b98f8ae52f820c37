//! Documents that are scans pasted into a word processor: hardly a word of text, but
//! pictures. The pictures are read instead.

use docmill_core::document::Kind;

use super::package::Package;
use crate::detect::{Format, detect};
use crate::inner::Reading;
use crate::outcome::Outcome;
use crate::picture;

/// Letters from which on a document speaks for itself: more than a page number and a title.
const ENOUGH_LETTERS: usize = 100;

/// Pictures that are read.
const PICTURES: usize = 50;

/// Adds a page for each picture in which there is text, when the document has hardly any;
/// else says how many pictures there are.
pub(super) fn add(content: &[u8], format: Format, reading: &Reading<'_>, outcome: &mut Outcome) {
    let folder = match format {
        Format::Docx => "word/media/",
        Format::Pptx => "ppt/media/",
        Format::Odt | Format::Odp => "Pictures/",
        _ => return,
    };
    let Ok(mut package) = Package::open(content) else {
        return;
    };
    let names = package.names(folder, "");
    if names.is_empty() {
        return;
    }
    let letters: usize = outcome
        .pages
        .iter()
        .map(|page| page.text.chars().filter(|c| c.is_alphanumeric()).count())
        .sum();
    if letters >= ENOUGH_LETTERS {
        outcome.note(match names.len() {
            1 => "The picture in it was not read.".to_owned(),
            count => format!("The {count} pictures in it were not read."),
        });
        return;
    }
    if names.len() > PICTURES {
        outcome.limit(format!(
            "Only the first {PICTURES} of {} pictures were read; split the document to have all of them.",
            names.len()
        ));
    }
    for name in names.into_iter().take(PICTURES) {
        let Ok(Some(bytes)) = package.bytes(&name) else {
            continue;
        };
        let shown = &name[folder.len()..];
        let format = detect(&name, &bytes).format;
        if format.kind() != Kind::Image {
            outcome.missing(format!(
                "Picture {shown} was not read: it is of a kind docmill does not read."
            ));
            continue;
        }
        let read = match picture::read(&bytes, format, reading.options, reading.ocr_until) {
            Ok(read) => read,
            Err(failure) => {
                outcome.missing(format!("Picture {shown} was not read: {}.", failure.message));
                continue;
            }
        };
        for page in read.pages {
            if page.text.trim().is_empty() {
                continue;
            }
            let mut page = page;
            page.number = u32::try_from(outcome.pages.len() + 1).unwrap_or(u32::MAX);
            page.label = Some(format!("Picture {shown}"));
            outcome.pages.push(page);
        }
        outcome.found_in(&format!("Picture {shown}"), read.findings);
    }
}
