//! DOCX: the body, then footnotes and endnotes, headers and footers.

use docmill_core::failure::Failure;

use super::blocks::Blocks;
use super::corrupt;
use super::package::{Node, Package, attribute, walk};
use crate::outcome::Outcome;

pub(super) fn read(content: &[u8]) -> Result<Outcome, Failure> {
    let mut package = Package::open(content)?;
    let mut text = String::new();
    let mut whole = true;
    for header in package.names("word/header", ".xml") {
        whole &= add(&mut package, &header, &mut text, "")?;
    }
    let body = match package.names("word/document", ".xml").into_iter().next() {
        Some(body) => body,
        None => return Err(corrupt("it has no body")),
    };
    whole &= add(&mut package, &body, &mut text, "")?;
    for (part, title) in [
        ("word/footnotes.xml", "Footnotes:"),
        ("word/endnotes.xml", "Endnotes:"),
        ("word/comments.xml", "Comments:"),
    ] {
        whole &= add(&mut package, part, &mut text, title)?;
    }
    for footer in package.names("word/footer", ".xml") {
        whole &= add(&mut package, &footer, &mut text, "")?;
    }
    let mut outcome = Outcome::of_text(text);
    if !whole {
        outcome.missing("The document is damaged; it was read as far as it is whole.");
    }
    Ok(outcome)
}

/// Adds a part, if it is there and says anything.
fn add(package: &mut Package<'_>, name: &str, text: &mut String, title: &str) -> Result<bool, Failure> {
    let Some(xml) = package.part(name)? else {
        return Ok(true);
    };
    let (part, whole) = body(&xml)?;
    if !part.is_empty() {
        for piece in [title, &part] {
            if !piece.is_empty() {
                if !text.is_empty() {
                    text.push_str("\n\n");
                }
                text.push_str(piece);
            }
        }
    }
    Ok(whole)
}

/// WordprocessingML as Markdown (ECMA-376 part 1, 17).
fn body(xml: &str) -> Result<(String, bool), Failure> {
    let mut blocks = Blocks::new();
    let mut in_text = false;
    // Text boxes come twice, for new and for old readers; deleted text is still in the file.
    let mut ignored = 0;
    let mut before = String::new();
    let whole = walk(xml, &mut |node| match node {
        Node::Start("Fallback" | "del" | "instrText" | "moveFrom", _) => ignored += 1,
        Node::End("Fallback" | "del" | "instrText" | "moveFrom") => ignored -= 1,
        _ if ignored > 0 => {}
        Node::Start("t", _) => in_text = true,
        Node::End("t") => in_text = false,
        Node::Text(text) if in_text => blocks.text(text),
        Node::Start("tab", _) => blocks.text("\t"),
        Node::Start("br" | "cr", _) => blocks.text("\n"),
        Node::Start("noBreakHyphen", _) => blocks.text("-"),
        Node::Start("pStyle", start) => {
            if let Some(level) = attribute(start, "val").as_deref().and_then(heading) {
                before = format!("{} ", "#".repeat(level));
            }
        }
        Node::Start("numPr", _) if before.is_empty() => "- ".clone_into(&mut before),
        Node::End("p") => {
            blocks.end_paragraph(&before);
            before.clear();
        }
        Node::Start("tbl", _) => blocks.start_table(),
        Node::End("tc") => blocks.end_cell(),
        Node::End("tr") => blocks.end_row(),
        Node::End("tbl") => blocks.end_table(),
        _ => {}
    })?;
    Ok((blocks.finish(), whole))
}

/// "Heading2" and its translations ("berschrift2", "Titre2") end in their level.
fn heading(style: &str) -> Option<usize> {
    let lower = style.to_ascii_lowercase();
    if lower == "title" {
        return Some(1);
    }
    let named = ["heading", "berschrift", "titre"]
        .iter()
        .any(|name| lower.contains(name));
    let level = lower.chars().last()?.to_digit(10)? as usize;
    (named && (1..=6).contains(&level)).then_some(level)
}
