//! Web pages, and the web page inside MHTML.

use docmill_core::failure::{Failure, FailureCode};
use mail_parser::{MessageParser, MimeHeaders as _};

use crate::outcome::Outcome;
use crate::text;

/// Lines are not wrapped: a broken line is a broken phrase to look for.
const WIDTH: usize = 100_000;

/// The text of a web page.
pub(crate) fn page(content: &[u8]) -> Result<Outcome, Failure> {
    Ok(Outcome::of_text(markup_text(&decoded(content))?))
}

/// Markup as text, tables with bars.
pub(crate) fn markup_text(markup: &str) -> Result<String, Failure> {
    let text = html2text::config::plain_no_decorate()
        .link_footnotes(false)
        .string_from_read(markup.as_bytes(), WIDTH)
        .map_err(|error| {
            Failure::new(
                FailureCode::CorruptDocument,
                format!("the web page could not be read: {error}"),
            )
        })?;
    Ok(text::tidy(&text))
}

/// A page may name its encoding in its head.
fn decoded(content: &[u8]) -> String {
    let head = String::from_utf8_lossy(&content[..content.len().min(2048)]).to_ascii_lowercase();
    let named = head.find("charset=").and_then(|at| {
        let label: String = head[at + 8..]
            .trim_start_matches(['"', '\''])
            .chars()
            .take_while(|c| c.is_ascii_alphanumeric() || "-_:".contains(*c))
            .collect();
        encoding_rs::Encoding::for_label(label.as_bytes())
    });
    match named {
        Some(encoding) if std::str::from_utf8(content).is_err() => encoding.decode(content).0.into_owned(),
        _ => text::decode(content),
    }
}

/// The web page inside MHTML.
pub(crate) fn mhtml(content: &[u8]) -> Result<Outcome, Failure> {
    let message = MessageParser::default().parse(content);
    let markup = message.as_ref().and_then(|message| {
        let html = message
            .parts
            .iter()
            .find(|part| part.content_type().is_some_and(|it| it.subtype() == Some("html")));
        html.and_then(|part| part.text_contents())
    });
    match markup {
        Some(markup) => Ok(Outcome::of_text(markup_text(markup)?)),
        None => Err(Failure::new(
            FailureCode::CorruptDocument,
            "there is no web page inside the MHTML file",
        )),
    }
}
