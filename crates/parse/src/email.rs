//! E-mails: who to whom, when, about what; the text; the attachments listed.

use std::fmt::Write as _;
use std::io::{Cursor, Read as _};

use docmill_core::failure::{Failure, FailureCode};
use mail_parser::{Address, Message, MessageParser, MimeHeaders as _};

use crate::html;
use crate::ole::{self, Compound};
use crate::outcome::Outcome;
use crate::text;

/// Messages of a mailbox that are read.
const MESSAGES: usize = 1000;

/// Reads one e-mail.
pub(crate) fn eml(content: &[u8]) -> Result<Outcome, Failure> {
    let content = text::utf8(content);
    let message = MessageParser::default()
        .parse(content.as_ref())
        .ok_or_else(|| Failure::new(FailureCode::CorruptDocument, "the e-mail has no readable headers"))?;
    Ok(Outcome::of_text(message_text(&message)))
}

/// Reads a mailbox: each message a page.
pub(crate) fn mbox(content: &[u8]) -> Result<Outcome, Failure> {
    let mut outcome = Outcome::default();
    let iterator = mail_parser::mailbox::mbox::MessageIterator::new(Cursor::new(content));
    for (index, raw) in iterator.enumerate() {
        if index >= MESSAGES {
            outcome.missing(format!("Only the first {MESSAGES} messages were read."));
            break;
        }
        let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
        let parsed = raw.ok().and_then(|raw| {
            MessageParser::default()
                .parse(raw.contents())
                .map(|message| message_text(&message))
        });
        match parsed {
            Some(mut message) => {
                text::bound(&mut message);
                outcome.pages.push(text::page(number, None, message));
            }
            None => outcome.missing(format!("Message {number} could not be read.")),
        }
    }
    if outcome.pages.is_empty() {
        return Err(Failure::new(
            FailureCode::CorruptDocument,
            "no message in the mailbox could be read",
        ));
    }
    Ok(outcome)
}

fn message_text(message: &Message<'_>) -> String {
    let mut out = String::new();
    let mut field = |name: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.trim().is_empty()) {
            let _ = writeln!(
                out,
                "{name}: {}",
                value.split_whitespace().collect::<Vec<_>>().join(" ")
            );
        }
    };
    field("From", message.from().map(addresses));
    field("To", message.to().map(addresses));
    field("Cc", message.cc().map(addresses));
    field("Date", message.date().map(mail_parser::DateTime::to_rfc3339));
    field("Subject", message.subject().map(str::to_owned));
    out.push('\n');
    out.push_str(&body(message));
    let attachments: Vec<String> = message.attachments().map(attachment).collect();
    if !attachments.is_empty() {
        let _ = write!(out, "\n\nAttachments:\n{}", attachments.join("\n"));
    }
    text::tidy(&out)
}

/// The plain text where there is one, else the web page as text.
fn body(message: &Message<'_>) -> String {
    let written = |index: usize| {
        message
            .text_part(index as u32)
            .and_then(|part| part.text_contents())
    };
    let is_html = message.text_part(0).is_some_and(|part| part.is_text_html());
    match (written(0), is_html) {
        (Some(text), false) if !text.trim().is_empty() => (0..message.text_body_count())
            .filter_map(written)
            .collect::<Vec<_>>()
            .join("\n\n"),
        _ => (0..message.html_body_count())
            .filter_map(|index| message.body_html(index))
            .filter_map(|markup| html::markup_text(&markup).ok())
            .collect::<Vec<_>>()
            .join("\n\n"),
    }
}

fn addresses(address: &Address<'_>) -> String {
    address
        .iter()
        .map(|one| match (one.name(), one.address()) {
            (Some(name), Some(address)) => format!("{name} <{address}>"),
            (Some(only), None) | (None, Some(only)) => only.to_owned(),
            (None, None) => String::new(),
        })
        .collect::<Vec<_>>()
        .join(", ")
}

fn attachment(part: &mail_parser::MessagePart<'_>) -> String {
    let name = part.attachment_name().unwrap_or("(without a name)");
    let media = part
        .content_type()
        .map_or_else(String::new, |media| match media.subtype() {
            Some(subtype) => format!(", {}/{subtype}", media.ctype()),
            None => format!(", {}", media.ctype()),
        });
    format!("- {name}{media}, {} bytes", part.len())
}

/// Reads an e-mail of Outlook: a file system of properties, each a stream named by its
/// number (MS-OXMSG 2.2, MS-OXPROPS).
pub(crate) fn msg(content: &[u8]) -> Result<Outcome, Failure> {
    let corrupt = |reason: String| {
        Failure::new(
            FailureCode::CorruptDocument,
            format!("the Outlook message could not be read: {reason}"),
        )
    };
    let mut file = ole::open(content).map_err(|error| corrupt(error.to_string()))?;
    let mut property = |folder: &str, number: &str| string_property(&mut file, folder, number);
    let from = match (
        property("", "0C1A"),
        property("", "5D01").or_else(|| property("", "0C1F")),
    ) {
        (Some(name), Some(address)) => Some(format!("{name} <{address}>")),
        (name, address) => name.or(address),
    };
    let fields = [
        ("From", from),
        ("To", property("", "0E04")),
        ("Cc", property("", "0E03")),
        ("Subject", property("", "0037")),
    ];
    let sent = property("", "007D").and_then(|headers| {
        headers
            .lines()
            .find_map(|line| line.strip_prefix("Date:").map(|date| date.trim().to_owned()))
    });
    let mut out = String::new();
    for (name, value) in fields.into_iter().chain([("Date", sent)]) {
        if let Some(value) = value.filter(|value| !value.trim().is_empty()) {
            let _ = writeln!(out, "{name}: {}", value.trim());
        }
    }
    out.push('\n');
    let body = property("", "1000").filter(|text| !text.trim().is_empty());
    let body = body.or_else(|| {
        bytes_property(&mut file, "", "1013").and_then(|html| html::markup_text(&text::decode(&html)).ok())
    });
    out.push_str(&body.unwrap_or_default());
    let attachments = attachments_of(&mut file);
    if !attachments.is_empty() {
        let _ = write!(out, "\n\nAttachments:\n{}", attachments.join("\n"));
    }
    Ok(Outcome::of_text(text::tidy(&out)))
}

fn stream(file: &mut Compound<'_>, path: &str) -> Option<Vec<u8>> {
    if !file.exists(path) {
        return None;
    }
    let mut bytes = Vec::new();
    file.open_stream(path)
        .ok()?
        .take(crate::limits::TEXT_BYTES as u64)
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
    stream(file, &format!("{folder}/__substg1.0_{number}001E"))
        .map(|bytes| text::decode(&bytes).trim_end_matches('\0').to_owned())
}

fn bytes_property(file: &mut Compound<'_>, folder: &str, number: &str) -> Option<Vec<u8>> {
    stream(file, &format!("{folder}/__substg1.0_{number}0102"))
}

fn attachments_of(file: &mut Compound<'_>) -> Vec<String> {
    let folders: Vec<String> = match file.read_storage("/") {
        Ok(entries) => entries
            .filter(|entry| entry.is_storage() && entry.name().starts_with("__attach_version1.0"))
            .map(|entry| format!("/{}", entry.name()))
            .collect(),
        Err(_) => Vec::new(),
    };
    folders
        .into_iter()
        .map(|folder| {
            let name =
                string_property(file, &folder, "3707").or_else(|| string_property(file, &folder, "3704"));
            let media =
                string_property(file, &folder, "370E").map_or_else(String::new, |media| format!(", {media}"));
            let size = stream(file, &format!("{folder}/__substg1.0_37010102")).map_or(0, |bytes| bytes.len());
            format!(
                "- {}{media}, {size} bytes",
                name.unwrap_or_else(|| "(without a name)".to_owned())
            )
        })
        .collect()
}
