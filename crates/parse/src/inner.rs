//! Documents inside documents: attachments of e-mails, files in archives. Each is read like a
//! document of its own and its pages follow those of the document it is in. What is not read
//! is told.

use std::cell::Cell;
use std::io::{Cursor, Read as _};
use std::time::Instant;

use docmill_core::document::Kind;
use docmill_core::failure::{Failure, FailureCode};
use docmill_core::page::INVOICE_AS_DATA;

use crate::detect::{Format, detect};
use crate::einvoice;
use crate::limits;
use crate::outcome::Outcome;
use crate::port::ReadOptions;
use crate::read;

/// What holds for a document and for everything inside it.
pub(crate) struct Reading<'a> {
    pub(crate) passwords: &'a [String],
    pub(crate) options: &'a ReadOptions,
    /// Text recognition begins no page after this.
    pub(crate) ocr_until: Option<Instant>,
    /// Documents this one is inside of.
    depth: usize,
    /// Inner documents and bytes of them that may still be read.
    left: Left<'a>,
}

#[derive(Clone, Copy)]
enum Left<'a> {
    Own(&'a Cell<usize>, &'a Cell<u64>),
    None,
}

impl<'a> Reading<'a> {
    /// For a document that is in none, of which nothing inside is read.
    pub(crate) fn shallow(
        passwords: &'a [String],
        options: &'a ReadOptions,
        ocr_until: Option<Instant>,
    ) -> Self {
        Self {
            passwords,
            options,
            ocr_until,
            depth: 0,
            left: Left::None,
        }
    }

    /// The same, with room for so much inside.
    pub(crate) fn with_room(self, count: &'a Cell<usize>, bytes: &'a Cell<u64>) -> Self {
        Self {
            left: Left::Own(count, bytes),
            ..self
        }
    }

    fn deeper(&self) -> Reading<'_> {
        Reading {
            passwords: self.passwords,
            options: self.options,
            ocr_until: self.ocr_until,
            depth: self.depth + 1,
            left: self.left,
        }
    }

    /// Takes the room for one more, or says why there is none.
    fn take(&self, bytes: usize) -> Result<(), String> {
        if self.depth >= limits::INNER_DEPTH {
            return Err(format!(
                "it is inside {} other documents, deeper than is read",
                limits::INNER_DEPTH
            ));
        }
        let Left::Own(count, room) = self.left else {
            return Err("documents inside this one are not read".to_owned());
        };
        let Some(fewer) = count.get().checked_sub(1) else {
            return Err(format!("only {} inner documents are read", limits::INNER_COUNT));
        };
        let Some(smaller) = room.get().checked_sub(bytes as u64) else {
            return Err(format!(
                "only {} MB of inner documents are read",
                limits::INNER_BYTES >> 20
            ));
        };
        count.set(fewer);
        room.set(smaller);
        Ok(())
    }

    /// Reads a document that is inside another and adds its pages. `title` is what the pages are
    /// called: "Attachment: invoice.pdf".
    pub(crate) fn add(&self, title: &str, name: &str, content: &[u8], outcome: &mut Outcome) {
        if let Err(reason) = self.take(content.len()) {
            outcome.limit(format!(
                "{title} was not read: {reason}. Give it as a document of its own."
            ));
            return;
        }
        if content.is_empty() {
            outcome.note(format!("{title} is empty."));
            return;
        }
        let detected = detect(name, content);
        if detected.format == Format::Zip {
            self.add_archive(title, content, outcome);
            return;
        }
        if detected.format == Format::Xml
            && let Some(text) = einvoice::text(content)
        {
            outcome.push(Some(format!("{INVOICE_AS_DATA} ({name})")), text);
            outcome.note(format!("{title} is the invoice as data; it was read as a page."));
            return;
        }
        match read::open_any(&detected, name, content, &self.deeper()) {
            Ok(inner) => put(title, detected.kind, inner, outcome),
            Err(failure) if failure.code == FailureCode::EmptyDocument => {
                outcome.note(format!("{title}: {}.", failure.message));
            }
            Err(failure) => outcome.missing(format!("{title} was not read: {}.", failure.message)),
        }
    }

    fn add_archive(&self, title: &str, content: &[u8], outcome: &mut Outcome) {
        let mut archive = match zip::ZipArchive::new(Cursor::new(content)) {
            Ok(archive) => archive,
            Err(error) => {
                outcome.missing(format!("{title} was not read: the archive is damaged ({error})."));
                return;
            }
        };
        let inner = self.deeper();
        for index in 0..archive.len() {
            let entry = match entry(&mut archive, index, self.passwords) {
                Ok(Some((name, bytes))) => Ok((name, bytes)),
                Ok(None) => continue,
                Err(failure) => Err(failure),
            };
            match entry {
                Ok((name, bytes)) => inner.add(&format!("{title}, {name}"), &name, &bytes, outcome),
                Err(failure) => {
                    outcome.missing(format!("A file in {title} was not read: {}.", failure.message));
                }
            }
            if matches!(self.left, Left::Own(count, _) if count.get() == 0) && index + 1 < archive.len() {
                outcome.limit(format!(
                    "Only {} inner documents are read; unpack the archive in {title} and give the folder.",
                    limits::INNER_COUNT
                ));
                return;
            }
        }
    }
}

type Archive<'a> = zip::ZipArchive<Cursor<&'a [u8]>>;

/// A file in an archive; `None` for folders.
fn entry(
    archive: &mut Archive<'_>,
    index: usize,
    passwords: &[String],
) -> Result<Option<(String, Vec<u8>)>, Failure> {
    let damaged =
        |error: zip::result::ZipError| Failure::new(FailureCode::CorruptDocument, error.to_string());
    let (name, encrypted) = {
        let raw = archive.by_index_raw(index).map_err(damaged)?;
        if raw.is_dir() {
            return Ok(None);
        }
        (
            String::from_utf8_lossy(raw.name_raw()).into_owned(),
            raw.encrypted(),
        )
    };
    let mut bytes = Vec::new();
    let mut unpack = |file: &mut dyn std::io::Read| {
        bytes.clear();
        file.take(limits::ENTRY_BYTES + 1).read_to_end(&mut bytes)
    };
    let unpacked = if encrypted {
        passwords.iter().any(|password| {
            let opened = archive.by_index_decrypt(index, password.as_bytes());
            opened.is_ok_and(|mut file| unpack(&mut file).is_ok())
        })
    } else {
        let mut file = archive.by_index(index).map_err(damaged)?;
        let read = unpack(&mut file);
        read.map_err(|error| Failure::new(FailureCode::CorruptDocument, format!("{name}: {error}")))?;
        true
    };
    if !unpacked {
        let message = format!("{name} is encrypted, and no given password opens it");
        return Err(Failure::new(FailureCode::PasswordRequired, message));
    }
    if bytes.len() as u64 > limits::ENTRY_BYTES {
        let message = format!("{name} unpacks to more than {} MB", limits::ENTRY_BYTES >> 20);
        return Err(Failure::new(FailureCode::ParseLimit, message));
    }
    Ok(Some((name, bytes)))
}

/// Adds the pages of an inner document. Only the outer document can be shown as pictures, so
/// places on the pages of inner ones mean nothing.
fn put(title: &str, kind: Kind, inner: Outcome, outcome: &mut Outcome) {
    if inner.pages.iter().all(|page| page.text.trim().is_empty()) {
        let pictures = matches!(kind, Kind::Image | Kind::Pdf);
        if inner.findings.is_empty() && pictures {
            outcome.missing(format!("{title} is a picture in which no text was found."));
        }
    }
    let mut said_title = false;
    for page in inner.pages {
        if page.text.trim().is_empty() {
            continue;
        }
        let label = match &page.label {
            Some(label) => format!("{title}, {label}"),
            None => title.to_owned(),
        };
        let mut text = page.text;
        if !said_title {
            text.insert_str(0, &format!("{title}\n\n"));
            said_title = true;
        }
        let origin = page.origin;
        outcome.push(Some(label), text);
        if let Some(last) = outcome.pages.last_mut() {
            last.origin = origin;
        }
    }
    outcome.found_in(title, inner.findings);
}
