//! Web pages, and the web page inside MHTML.

use std::fmt::Write as _;

use docmill_core::failure::{Failure, FailureCode};
use mail_parser::{MessageParser, MimeHeaders as _};

use crate::outcome::Outcome;
use crate::text;

/// Lines are not wrapped: a broken line is a broken phrase to look for.
const WIDTH: usize = 100_000;

/// Elements inside elements that are laid out. The time for it grows with the square of the
/// depth, and no page a person wrote comes near.
const DEPTH: usize = 400;

/// The text of a web page.
pub(crate) fn page(content: &[u8]) -> Result<Outcome, Failure> {
    Ok(Outcome::of_text(markup_text(&decoded(content))?))
}

/// Markup as text, tables with bars.
pub(crate) fn markup_text(markup: &str) -> Result<String, Failure> {
    if depth(markup) > DEPTH {
        return Ok(text::tidy(&without_tags(markup)));
    }
    let text = html2text::config::plain_no_decorate()
        .link_footnotes(false)
        .string_from_read(markup.as_bytes(), WIDTH)
        .map_err(|error| {
            Failure::new(
                FailureCode::CorruptDocument,
                format!("the web page could not be read: {error}"),
            )
        })?;
    Ok(text::tidy(&bars(&text)))
}

/// Tables as Markdown. They come drawn with box characters and padded to the widest cell of
/// each column: pretty, and several times as many tokens.
fn bars(drawn: &str) -> String {
    let mut out = String::with_capacity(drawn.len());
    // Rows of the table so far; `None` outside.
    let mut rows = None;
    for line in drawn.lines() {
        let is_rule = line.contains('─') && line.chars().all(|c| "─│┬┼┴ ".contains(c));
        match (is_rule, rows) {
            (true, _) => rows = rows.or(Some(0)),
            (false, Some(before)) if line.contains('│') => {
                let cells: Vec<String> = line.split('│').map(squeezed).collect();
                let _ = writeln!(out, "| {} |", cells.join(" | "));
                if before == 0 {
                    let _ = writeln!(out, "|{}", " --- |".repeat(cells.len()));
                }
                rows = Some(before + 1);
            }
            (false, _) => {
                rows = None;
                out.push_str(line.trim_end());
                out.push('\n');
            }
        }
    }
    out
}

fn squeezed(cell: &str) -> String {
    let words: Vec<&str> = cell.split_whitespace().collect();
    words.join(" ").replace('|', "\\|")
}

/// How deep elements nest at most, as far as tags that open and close tell. Elements whose
/// end tags people leave out (`<p>`, `<li>`) do not count, or every long list would be deep.
fn depth(markup: &str) -> usize {
    let bytes = markup.as_bytes();
    let (mut open, mut deepest) = (0_usize, 0);
    for (at, _) in markup.match_indices('<') {
        match bytes.get(at + 1) {
            Some(b'/') if !is_void(&markup[at + 2..]) => open = open.saturating_sub(1),
            Some(next) if next.is_ascii_alphabetic() && !is_void(&markup[at + 1..]) => {
                open += 1;
                deepest = deepest.max(open);
            }
            _ => {}
        }
    }
    deepest
}

/// Elements that have no end tag, or whose end tag people leave out.
fn is_void(tag: &str) -> bool {
    let name: String = tag
        .chars()
        .take_while(char::is_ascii_alphanumeric)
        .take(10)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    matches!(
        name.as_str(),
        "br" | "hr"
            | "img"
            | "input"
            | "meta"
            | "link"
            | "col"
            | "area"
            | "base"
            | "source"
            | "wbr"
            | "param"
            | "p"
            | "li"
            | "td"
            | "th"
            | "tr"
            | "dt"
            | "dd"
            | "option"
    )
}

/// What stands between the tags: for markup nobody wrote by hand.
fn without_tags(markup: &str) -> String {
    let mut text = String::new();
    for piece in markup.split('<') {
        let shown = piece.split_once('>').map_or("", |(_, shown)| shown);
        if !shown.trim().is_empty() {
            text.push_str(shown);
            text.push('\n');
        }
    }
    text
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_keep_their_rows() {
        let markup = "<p>Bill</p><table><tr><td>Item</td><td>Price</td></tr><tr><td>Bolts, a  long name</td>\
            <td>10.00</td></tr><tr><td>Total</td><td>11.90</td></tr></table><p>a │ b</p>";
        assert_eq!(
            markup_text(markup).expect("plain markup"),
            "Bill\n\n| Item | Price |\n| --- | --- |\n| Bolts, a long name | 10.00 |\n| Total | 11.90 |\n\na │ b"
        );
    }

    #[test]
    fn markup_of_endless_depth_still_gives_its_text() {
        let markup = format!("{}hello{}", "<div>".repeat(100_000), "</div>".repeat(100_000));
        assert_eq!(markup_text(&markup).expect("text"), "hello");
        assert_eq!(depth("<div><br><p>a<p>b<span>c</span></div>"), 2);
    }
}
