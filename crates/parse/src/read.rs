//! Reading a document of any format: the one list of formats and their readers. Runs
//! in the child process for all but plain text.

use std::cell::Cell;
use std::time::Instant;

use docmill_core::document::{Class, Kind};
use docmill_core::failure::{Failure, FailureCode};
use docmill_core::page::{PageImage, ParsedDocument, TextOrigin};

use crate::detect::{Detected, Format, detect};
use crate::inner::Reading;
use crate::outcome::Outcome;
use crate::port::{ImageOptions, ReadOptions};
use crate::{email, encoding, html, limits, office, pdf, picture, sheet, text};

/// Whether a format is read without a child process: decoding text is safe, quick, and
/// takes no more memory than the text.
pub(crate) fn is_plain(format: Format) -> bool {
    matches!(
        format,
        Format::Json | Format::Xml | Format::Markdown | Format::Text | Format::Csv | Format::Tsv
    )
}

/// Reads a document. Text recognition begins no page after `ocr_until`.
pub(crate) fn read(
    name: &str,
    content: &[u8],
    passwords: &[String],
    options: &ReadOptions,
    ocr_until: Option<Instant>,
) -> Result<ParsedDocument, Failure> {
    if content.is_empty() {
        return Err(Failure::new(FailureCode::EmptyDocument, "the file is empty"));
    }
    let detected = detect(name, content);
    if let Some(failure) = detected.unsupported() {
        return Err(failure);
    }
    match decrypted(&detected, content, passwords)? {
        Some(plain) => read_as(&detect(name, &plain), &plain, &[], options, ocr_until),
        None => read_as(&detected, content, passwords, options, ocr_until),
    }
}

/// Reads a document of which it is known what it is.
pub(crate) fn read_as(
    detected: &Detected,
    content: &[u8],
    passwords: &[String],
    options: &ReadOptions,
    ocr_until: Option<Instant>,
) -> Result<ParsedDocument, Failure> {
    let (count, bytes) = (Cell::new(limits::INNER_COUNT), Cell::new(limits::INNER_BYTES));
    let reading = Reading::shallow(passwords, options, ocr_until).with_room(&count, &bytes);
    let outcome = open(detected, content, &reading)?;
    let reading = put_together(detected, outcome);
    if reading.is_blank() && reading.kind != Kind::Image && reading.kind != Kind::Pdf {
        return Err(blank(&reading));
    }
    Ok(reading)
}

/// Why a document without a word failed: what was not read of it, where that is known.
fn blank(reading: &ParsedDocument) -> Failure {
    let missing = reading.findings.iter().find(|it| it.kind.is_missing());
    match missing {
        Some(finding) => Failure::new(
            FailureCode::NoText,
            format!("no text was read: {}", finding.message.trim_end_matches('.')),
        ),
        None => Failure::new(FailureCode::EmptyDocument, "there is no text in it"),
    }
}

/// Reads a document that is inside another, decrypting it if need be.
pub(crate) fn open_any(
    detected: &Detected,
    name: &str,
    content: &[u8],
    reading: &Reading<'_>,
) -> Result<Outcome, Failure> {
    if let Some(failure) = detected.unsupported() {
        return Err(failure);
    }
    match decrypted(detected, content, reading.passwords)? {
        Some(plain) => open(&detect(name, &plain), &plain, reading),
        None => open(detected, content, reading),
    }
}

/// What is inside an encrypted office document; `None` when it is not encrypted.
fn decrypted(detected: &Detected, content: &[u8], passwords: &[String]) -> Result<Option<Vec<u8>>, Failure> {
    match detected.format {
        Format::EncryptedOffice => office::decrypt(content, passwords).map(Some),
        // The old formats are encrypted in place; only trying tells.
        Format::Doc | Format::Ppt if !passwords.is_empty() => Ok(office::decrypt(content, passwords).ok()),
        _ => Ok(None),
    }
}

fn open(detected: &Detected, content: &[u8], reading: &Reading<'_>) -> Result<Outcome, Failure> {
    let Reading {
        passwords,
        options,
        ocr_until,
        ..
    } = *reading;
    match detected.format {
        Format::Pdf => pdf::read(content, reading),
        Format::Png
        | Format::Jpeg
        | Format::Tiff
        | Format::Webp
        | Format::Bmp
        | Format::Gif
        | Format::Heic => picture::read(content, detected.format, options, ocr_until),
        Format::Xlsx | Format::Xlsb | Format::Xls | Format::Ods => {
            sheet::workbook(content, detected.format, passwords)
        }
        Format::Csv | Format::Tsv => Ok(sheet::separated(content, detected.format)),
        Format::Docx
        | Format::Pptx
        | Format::Odt
        | Format::Odp
        | Format::Rtf
        | Format::Doc
        | Format::Ppt
        | Format::Epub => office::read(content, detected.format, reading),
        Format::Html => Ok(html::page(content)),
        Format::Mhtml => html::mhtml(content),
        Format::Eml => email::eml(content, reading),
        Format::Mbox => email::mbox(content, reading),
        Format::Msg => email::msg(content, reading),
        Format::Json | Format::Xml | Format::Markdown | Format::Text => Ok(plain(content, detected.format)),
        Format::EncryptedOffice
        | Format::Avif
        | Format::Zip
        | Format::SevenZip
        | Format::Rar
        | Format::Ole
        | Format::Unknown => Err(Failure::new(
            FailureCode::UnsupportedType,
            "its content is of no type docmill reads",
        )),
    }
}

fn plain(content: &[u8], format: Format) -> Outcome {
    let most = limits::TEXT_BYTES * 4;
    let head = &content[..content.len().min(most)];
    let declared = (format == Format::Xml)
        .then(|| encoding::declared_in(head))
        .flatten();
    let decoded = encoding::decode(head, declared.as_deref());
    let mut outcome = Outcome::of_text(text::tidy(&decoded.text));
    if let Some(doubt) = decoded.doubt {
        outcome.doubt(doubt);
    }
    if content.len() > most {
        outcome.too_much_text();
    }
    outcome
}

fn put_together(detected: &Detected, outcome: Outcome) -> ParsedDocument {
    let page_count = outcome
        .page_count
        .unwrap_or(u32::try_from(outcome.pages.len()).unwrap_or(u32::MAX));
    ParsedDocument {
        kind: detected.kind,
        class: class(detected.kind, &outcome),
        media_type: detected.media_type.to_owned(),
        page_count,
        pages: outcome.pages,
        findings: outcome.findings,
    }
}

fn class(kind: Kind, outcome: &Outcome) -> Class {
    match kind {
        Kind::Pdf if outcome.scanned * 2 > outcome.pages.len() => Class::ScannedPdf,
        Kind::Pdf if outcome.complex => Class::ComplexPdf,
        Kind::Pdf => Class::SimplePdf,
        Kind::Image => Class::Image,
        Kind::Spreadsheet => Class::Spreadsheet,
        Kind::Office => Class::Office,
        Kind::Html => Class::Html,
        Kind::Email => Class::Email,
        Kind::Text => Class::Text,
        Kind::Unknown => Class::Unknown,
    }
}

/// Renders pages as pictures; formats without pages have none.
pub(crate) fn render(
    name: &str,
    content: &[u8],
    passwords: &[String],
    images: ImageOptions,
) -> Result<Vec<PageImage>, Failure> {
    let detected = detect(name, content);
    if let Some(failure) = detected.unsupported() {
        return Err(failure);
    }
    match detected.format {
        Format::Pdf => pdf::render(content, passwords, images),
        format if format.kind() == Kind::Image => picture::render(content, format, images),
        _ => Ok(Vec::new()),
    }
}

/// Whether the words of every page lie within its text, on character boundaries, in order.
/// What the child sends is checked with this: everything after relies on it.
pub(crate) fn is_sound(reading: &ParsedDocument) -> bool {
    reading.pages.iter().all(|page| {
        let mut last = 0;
        page.words.iter().all(|word| {
            let (start, end) = (word.start as usize, word.end as usize);
            let sound = last <= start
                && start < end
                && page.text.is_char_boundary(start)
                && page.text.is_char_boundary(end);
            last = end;
            sound
        }) && (page.origin != TextOrigin::None || page.words.is_empty())
    })
}
