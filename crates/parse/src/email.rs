//! E-mails: who to whom, when, about what; the text; the attachments and forwarded mails,
//! each read as pages of their own.

mod outlook;

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::Cursor;
use std::panic::catch_unwind;

use docmill_core::failure::{Failure, FailureCode};
use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::quoted_printable::quoted_printable_decode;
use mail_parser::{Address, Encoding, Message, MessageParser, MessagePart, MimeHeaders as _, PartType};

use crate::encoding;
use crate::html;
use crate::inner::Reading;
use crate::outcome::Outcome;
use crate::text;

pub(crate) use outlook::msg;

/// Messages of a mailbox that are read.
const MESSAGES: usize = 1000;

/// Mails inside mails that are followed.
const FORWARDED: usize = 8;

/// A message, taken apart; `None`: it has no headers, or the parser broke down on it, which
/// costs this message and not the mailbox it is in.
fn parsed(content: &[u8]) -> Option<Message<'_>> {
    catch_unwind(|| MessageParser::default().parse(content))
        .ok()
        .flatten()
}

/// Reads one e-mail.
pub(crate) fn eml(content: &[u8], reading: &Reading<'_>) -> Result<Outcome, Failure> {
    let content = encoding::narrow(content);
    let message = parsed(content.as_ref())
        .ok_or_else(|| Failure::new(FailureCode::CorruptDocument, "the e-mail has no readable headers"))?;
    let mut outcome = Outcome::default();
    add(&message, None, reading, 0, &mut outcome);
    Ok(outcome)
}

/// Reads a mailbox: each message a page, and its attachments after it.
pub(crate) fn mbox(content: &[u8], reading: &Reading<'_>) -> Result<Outcome, Failure> {
    let mut outcome = Outcome::default();
    let iterator = mail_parser::mailbox::mbox::MessageIterator::new(Cursor::new(content));
    for (index, raw) in iterator.enumerate() {
        if index >= MESSAGES {
            outcome.limit(format!(
                "Only the first {MESSAGES} messages of the mailbox were read; split it to have all of them."
            ));
            break;
        }
        let number = index + 1;
        let raw = raw.ok();
        match raw.as_ref().and_then(|raw| parsed(raw.contents())) {
            Some(message) => add(
                &message,
                Some(format!("Message {number}")),
                reading,
                0,
                &mut outcome,
            ),
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

/// The web page inside MHTML, and the pages in its frames; `None` when there is none.
pub(crate) fn web_archive(content: &[u8]) -> Result<Option<Outcome>, Failure> {
    let Some(message) = parsed(content) else {
        return Ok(None);
    };
    let mut outcome = Outcome::default();
    let is_page = |part: &&MessagePart<'_>| {
        matches!(part.body, PartType::Html(_))
            || part.content_type().is_some_and(|it| it.subtype() == Some("html"))
    };
    for part in message.parts.iter().filter(is_page) {
        let markup = text_of(&message, part, &mut outcome).unwrap_or_default();
        let page = html::read(&markup);
        let first = outcome.pages.is_empty();
        if first || !page.text.trim().is_empty() {
            let label = (!first).then(|| format!("Frame {}", outcome.pages.len()));
            outcome.push(label, page.text);
        }
        page.notes.into_iter().for_each(|note| outcome.note(note));
    }
    Ok((!outcome.pages.is_empty()).then_some(outcome))
}

/// Adds a message and what is attached to it.
fn add(
    message: &Message<'_>,
    title: Option<String>,
    reading: &Reading<'_>,
    depth: usize,
    outcome: &mut Outcome,
) {
    let text = message_text(message, title.as_deref().filter(|_| depth > 0), outcome);
    outcome.push(title, text);
    for (index, part) in message.attachments().enumerate() {
        add_attachment(message, part, index + 1, reading, depth, outcome);
    }
}

fn add_attachment(
    message: &Message<'_>,
    part: &MessagePart<'_>,
    number: usize,
    reading: &Reading<'_>,
    depth: usize,
    outcome: &mut Outcome,
) {
    let media = media_type(part);
    let name = part.attachment_name().unwrap_or_default();
    let shown = if name.is_empty() {
        format!("{number}")
    } else {
        one_line(name)
    };
    let title = format!("Attachment: {shown}");
    match &part.body {
        PartType::Multipart(_) => {}
        PartType::Message(inner) => {
            let about = inner.subject().map_or(shown, one_line);
            if depth >= FORWARDED {
                outcome.limit(format!(
                    "The attached message {about:?} was not read: it is inside {FORWARDED} others. \
                     Give it as a document of its own."
                ));
                return;
            }
            add(
                inner,
                Some(format!("Attached message: {about}")),
                reading,
                depth + 1,
                outcome,
            );
        }
        // A signature says who wrote, not what.
        _ if media.ends_with("-signature") => {}
        PartType::InlineBinary(_) | PartType::Binary(_) if is_decoration(part, &media) => {
            outcome.note(format!(
                "The picture {shown:?} that stands in the text was not read."
            ));
        }
        PartType::Text(_) | PartType::Html(_) => {
            let text = text_of(message, part, outcome).unwrap_or_default();
            let name = match part.body {
                PartType::Html(_) if !name.to_ascii_lowercase().contains(".htm") => format!("{shown}.html"),
                _ => shown,
            };
            reading.add(&title, &name, text.as_bytes(), outcome);
        }
        PartType::Binary(bytes) | PartType::InlineBinary(bytes) => {
            reading.add(&title, &shown, bytes, outcome)
        }
    }
}

/// Pictures that the text shows by their id: logos, signatures, emoji.
fn is_decoration(part: &MessagePart<'_>, media: &str) -> bool {
    media.starts_with("image/")
        && part.content_id().is_some()
        && part.content_disposition().is_none_or(|it| !it.is_attachment())
}

fn message_text(message: &Message<'_>, title: Option<&str>, outcome: &mut Outcome) -> String {
    let mut out = String::new();
    if let Some(title) = title {
        let _ = writeln!(out, "{title}\n");
    }
    let mut field = |name: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.trim().is_empty()) {
            let _ = writeln!(out, "{name}: {}", one_line(&value));
        }
    };
    field("From", message.from().map(addresses));
    field("To", message.to().map(addresses));
    field("Cc", message.cc().map(addresses));
    field("Date", message.date().map(mail_parser::DateTime::to_rfc3339));
    field("Subject", message.subject().map(str::to_owned));
    out.push('\n');
    out.push_str(&body(message, outcome));
    let attachments: Vec<String> = message.attachments().map(attachment).collect();
    if !attachments.is_empty() {
        let _ = write!(out, "\n\nAttachments:\n{}", attachments.join("\n"));
    }
    text::tidy(&out)
}

/// The plain text where there is one, else the web page as text. Some programs write a plain
/// text that only says that there is a web page; then the page is meant.
fn body(message: &Message<'_>, outcome: &mut Outcome) -> String {
    let is_plain = |part: &&MessagePart<'_>| matches!(part.body, PartType::Text(_));
    let plain: Vec<String> = message
        .text_bodies()
        .filter(is_plain)
        .filter_map(|part| text_of(message, part, outcome).map(Cow::into_owned))
        .collect();
    let plain = plain.join("\n\n");
    let mut notes = Vec::new();
    let pages: Vec<String> = message
        .html_bodies()
        .filter_map(|part| {
            let text = text_of(message, part, outcome)?;
            if !matches!(part.body, PartType::Html(_)) {
                return Some(text.into_owned());
            }
            let page = html::read(&text);
            notes.extend(page.notes);
            Some(page.text)
        })
        .collect();
    let page = pages.join("\n\n");
    let said = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).count();
    if said(&page) > said(&plain) * 2 {
        notes.into_iter().for_each(|note| outcome.note(note));
        page
    } else {
        plain
    }
}

/// The text of a part. Where its encoding is not named, or named wrongly, its bytes tell.
fn text_of<'a>(
    message: &Message<'_>,
    part: &'a MessagePart<'_>,
    outcome: &mut Outcome,
) -> Option<Cow<'a, str>> {
    let text = match &part.body {
        PartType::Text(text) | PartType::Html(text) => text,
        _ => return None,
    };
    let declared = part.content_type().and_then(|it| it.attribute("charset"));
    let named = declared.and_then(|name| encoding_rs::Encoding::for_label(name.as_bytes()));
    if named.is_some() || !text.contains('\u{fffd}') {
        return Some(Cow::Borrowed(text));
    }
    let raw = message
        .raw_message()
        .get(part.offset_body as usize..part.offset_end as usize)
        .unwrap_or_default();
    let bytes = match part.encoding {
        Encoding::QuotedPrintable => quoted_printable_decode(raw),
        Encoding::Base64 => base64_decode(raw),
        Encoding::None => Some(raw.to_vec()),
    };
    let Some(bytes) = bytes else {
        return Some(Cow::Borrowed(text));
    };
    let decoded = encoding::decode(&bytes, encoding::declared_in(&bytes).as_deref());
    if let Some(doubt) = decoded.doubt {
        outcome.doubt(doubt);
    }
    Some(Cow::Owned(decoded.text))
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

fn media_type(part: &MessagePart<'_>) -> String {
    part.content_type()
        .map_or_else(String::new, |media| match media.subtype() {
            Some(subtype) => format!("{}/{subtype}", media.ctype()),
            None => media.ctype().to_owned(),
        })
        .to_ascii_lowercase()
}

fn attachment(part: &MessagePart<'_>) -> String {
    let name = part
        .attachment_name()
        .map_or_else(|| "(without a name)".to_owned(), one_line);
    let media = media_type(part);
    let comma = if media.is_empty() { "" } else { ", " };
    format!("- {name}{comma}{media}, {} bytes", part.len())
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
