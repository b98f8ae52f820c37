//! E-mails of Outlook: a file system of properties, each a stream named by its number
//! (MS-OXMSG 2.2, MS-OXPROPS).

use std::fmt::Write as _;
use std::io::Read as _;

use docmill_core::failure::{Failure, FailureCode};

use crate::encoding;
use crate::html;
use crate::inner::Reading;
use crate::office;
use crate::ole::{self, Compound};
use crate::outcome::Outcome;
use crate::text;

/// Mails inside mails that are followed.
const FORWARDED: usize = 8;

/// Reads a message and what is attached to it.
pub(crate) fn msg(content: &[u8], reading: &Reading<'_>) -> Result<Outcome, Failure> {
    let mut file = ole::open(content).map_err(|error| {
        Failure::new(
            FailureCode::CorruptDocument,
            format!("the Outlook message could not be read: {error}"),
        )
    })?;
    let mut outcome = Outcome::default();
    message(&mut file, "", None, reading, &mut outcome, 0);
    Ok(outcome)
}

/// Adds the message whose properties are in `folder`.
fn message(
    file: &mut Compound<'_>,
    folder: &str,
    title: Option<String>,
    reading: &Reading<'_>,
    outcome: &mut Outcome,
    depth: usize,
) {
    let mut out = String::new();
    if let Some(title) = &title {
        let _ = writeln!(out, "{title}\n");
    }
    for (name, value) in headers(file, folder) {
        if let Some(value) = value.filter(|value| !value.trim().is_empty()) {
            let _ = writeln!(out, "{name}: {}", value.trim());
        }
    }
    out.push('\n');
    out.push_str(&body(file, folder, outcome));
    let attachments = attachments_of(file, folder);
    if !attachments.is_empty() {
        let lines: Vec<String> = attachments.iter().map(Attachment::line).collect();
        let _ = write!(out, "\n\nAttachments:\n{}", lines.join("\n"));
    }
    outcome.push(title, text::tidy(&out));
    for attachment in attachments {
        if attachment.is_message {
            let inner = format!("{}/__substg1.0_3701000D", attachment.folder);
            let about = string_property(file, &inner, "0037").unwrap_or(attachment.name);
            if depth >= FORWARDED {
                outcome.limit(format!(
                    "The attached message {about:?} was not read: it is inside {FORWARDED} others."
                ));
                continue;
            }
            let title = format!("Attached message: {about}");
            message(file, &inner, Some(title), reading, outcome, depth + 1);
            continue;
        }
        let title = format!("Attachment: {}", attachment.name);
        match stream(file, &format!("{}/__substg1.0_37010102", attachment.folder)) {
            Some(_) if attachment.is_decoration => outcome.note(format!(
                "The picture {:?} that stands in the text was not read.",
                attachment.name
            )),
            Some(bytes) => reading.add(&title, &attachment.name, &bytes, outcome),
            None => outcome.missing(format!(
                "{title} was not read: its content is not in the message."
            )),
        }
    }
}

type Field = (&'static str, Option<String>);

fn headers(file: &mut Compound<'_>, folder: &str) -> Vec<Field> {
    let mut property = |number: &str| string_property(file, folder, number);
    let from = match (property("0C1A"), property("5D01").or_else(|| property("0C1F"))) {
        (Some(name), Some(address)) => Some(format!("{name} <{address}>")),
        (name, address) => name.or(address),
    };
    let sent = property("007D").and_then(|headers| {
        headers
            .lines()
            .find_map(|line| line.strip_prefix("Date:").map(|date| date.trim().to_owned()))
    });
    vec![
        ("From", from),
        ("To", property("0E04")),
        ("Cc", property("0E03")),
        ("Subject", property("0037")),
        ("Date", sent),
    ]
}

/// The plain text, else the web page, else the compressed RTF.
fn body(file: &mut Compound<'_>, folder: &str, outcome: &mut Outcome) -> String {
    if let Some(text) = string_property(file, folder, "1000").filter(|text| !text.trim().is_empty()) {
        return text;
    }
    if let Some(markup) = bytes_property(file, folder, "1013") {
        let decoded = encoding::decode(&markup, encoding::declared_in(&markup).as_deref());
        let page = html::read(&decoded.text);
        decoded.doubt.into_iter().for_each(|doubt| outcome.doubt(doubt));
        page.notes.into_iter().for_each(|note| outcome.note(note));
        return page.text;
    }
    if let Some(markup) = string_property(file, folder, "1013") {
        return html::read(&markup).text;
    }
    let Some(packed) = bytes_property(file, folder, "1009") else {
        return String::new();
    };
    match unpacked(&packed) {
        Some(rtf) => {
            let read = office::rtf(&rtf);
            read.pages
                .into_iter()
                .next()
                .map_or_else(String::new, |page| page.text)
        }
        None => {
            outcome.missing("The text of the message could not be read: its compressed form is damaged.");
            String::new()
        }
    }
}

/// Text a message may unpack to.
const UNPACKED: usize = 16 * 1024 * 1024;

/// What the window of the compression holds before the first byte (MS-OXRTFCP 2.1.3.1.1).
const WINDOW_BEGINS: &[u8] =
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \
\\fscript \\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \
\\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx";

/// Compressed RTF: a window of 4096 bytes, runs of eight tokens (MS-OXRTFCP 2.2).
fn unpacked(packed: &[u8]) -> Option<Vec<u8>> {
    let kind = packed.get(8..12)?;
    let body = packed.get(16..)?;
    if kind == b"MELA" {
        return Some(body.to_vec());
    }
    if kind != b"LZFu" {
        return None;
    }
    let mut window = vec![0_u8; 4096];
    window[..WINDOW_BEGINS.len()].copy_from_slice(WINDOW_BEGINS);
    let mut at = WINDOW_BEGINS.len();
    let mut out = Vec::new();
    let mut input = body.iter().copied();
    'runs: while let Some(control) = input.next() {
        for bit in 0..8 {
            let Some(first) = input.next() else { break 'runs };
            if control >> bit & 1 == 0 {
                out.push(first);
                window[at] = first;
                at = (at + 1) % 4096;
                continue;
            }
            let Some(second) = input.next() else { break 'runs };
            let token = usize::from(first) << 8 | usize::from(second);
            let (mut from, length) = (token >> 4, (token & 0xf) + 2);
            // A reference to the place that is written next ends the text.
            if from == at {
                break 'runs;
            }
            for _ in 0..length {
                let byte = window[from];
                out.push(byte);
                window[at] = byte;
                at = (at + 1) % 4096;
                from = (from + 1) % 4096;
            }
        }
        if out.len() > UNPACKED {
            break;
        }
    }
    Some(out)
}

fn stream(file: &mut Compound<'_>, path: &str) -> Option<Vec<u8>> {
    if !file.is_stream(path) {
        return None;
    }
    let mut bytes = Vec::new();
    file.open_stream(path)
        .ok()?
        .take(crate::limits::ENTRY_BYTES)
        .read_to_end(&mut bytes)
        .ok()?;
    Some(bytes)
}

/// A text property: UTF-16 (type 001F) or an old code page (001E).
fn string_property(file: &mut Compound<'_>, folder: &str, number: &str) -> Option<String> {
    if let Some(bytes) = stream(file, &format!("{folder}/__substg1.0_{number}001F")) {
        return Some(
            encoding_rs::UTF_16LE
                .decode_without_bom_handling(&bytes)
                .0
                .trim_end_matches('\0')
                .to_owned(),
        );
    }
    stream(file, &format!("{folder}/__substg1.0_{number}001E")).map(|mut bytes| {
        while bytes.last() == Some(&0) {
            bytes.pop();
        }
        text::decode(&bytes)
    })
}

fn bytes_property(file: &mut Compound<'_>, folder: &str, number: &str) -> Option<Vec<u8>> {
    stream(file, &format!("{folder}/__substg1.0_{number}0102"))
}

struct Attachment {
    folder: String,
    name: String,
    media: String,
    bytes: u64,
    is_message: bool,
    is_decoration: bool,
}

impl Attachment {
    fn line(&self) -> String {
        let comma = if self.media.is_empty() { "" } else { ", " };
        format!("- {}{comma}{}, {} bytes", self.name, self.media, self.bytes)
    }
}

fn attachments_of(file: &mut Compound<'_>, folder: &str) -> Vec<Attachment> {
    let root = if folder.is_empty() { "/" } else { folder };
    let folders: Vec<String> = match file.read_storage(root) {
        Ok(entries) => entries
            .filter(|entry| entry.is_storage() && entry.name().starts_with("__attach_version1.0"))
            .map(|entry| format!("{folder}/{}", entry.name()))
            .collect(),
        Err(_) => Vec::new(),
    };
    folders
        .into_iter()
        .map(|folder| {
            let name = string_property(file, &folder, "3707")
                .or_else(|| string_property(file, &folder, "3704"))
                .or_else(|| string_property(file, &folder, "3001"));
            let media = string_property(file, &folder, "370E").unwrap_or_default();
            let shown_in_text =
                string_property(file, &folder, "3712").is_some_and(|id| !id.trim().is_empty());
            let is_message = file.is_storage(format!("{folder}/__substg1.0_3701000D"));
            let data = format!("{folder}/__substg1.0_37010102");
            Attachment {
                name: name.unwrap_or_else(|| "(without a name)".to_owned()),
                is_decoration: shown_in_text && media.to_ascii_lowercase().starts_with("image/"),
                bytes: file.entry(&data).map_or(0, |entry| entry.len()),
                media,
                is_message,
                folder,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compressed_rtf_is_unpacked() {
        // The worked example of MS-OXRTFCP 4.1.1.
        let packed = [
            0x2d, 0, 0, 0, 0x2b, 0, 0, 0, 0x4c, 0x5a, 0x46, 0x75, 0xf1, 0xc5, 0xc7, 0xa7, 0x03, 0x00, 0x0a,
            0x00, 0x72, 0x63, 0x70, 0x67, 0x31, 0x32, 0x35, 0x42, 0x32, 0x0a, 0xf3, 0x20, 0x68, 0x65, 0x6c,
            0x09, 0x00, 0x20, 0x62, 0x77, 0x05, 0xb0, 0x6c, 0x64, 0x7d, 0x0a, 0x80, 0x0f, 0xa0,
        ];
        let rtf = unpacked(&packed).expect("a text");
        assert_eq!(
            String::from_utf8_lossy(&rtf),
            "{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"
        );
        assert_eq!(unpacked(b"short"), None);
    }
}
