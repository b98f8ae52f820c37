//! OpenDocument texts and presentations (OASIS OpenDocument 1.3, `content.xml`).

use docmill_core::failure::Failure;

use super::blocks::Blocks;
use super::corrupt;
use super::package::{Node, Package, attribute, walk};
use crate::outcome::Outcome;
use crate::text;

pub(super) fn read(content: &[u8]) -> Result<Outcome, Failure> {
    let mut package = Package::open(content)?;
    let xml = package
        .part("content.xml")?
        .ok_or_else(|| corrupt("it has no content"))?;
    let mut pages = Vec::new();
    let mut blocks = Blocks::new();
    let mut depth = 0;
    let mut before = String::new();
    let mut in_list = 0;
    let mut ignored = 0;
    let whole = walk(&xml, &mut |node| match node {
        Node::Start("tracked-changes" | "annotation", _) => ignored += 1,
        Node::End("tracked-changes" | "annotation") => ignored -= 1,
        _ if ignored > 0 => {}
        Node::Start("p" | "h", start) => {
            depth += 1;
            before = match attribute(start, "outline-level").and_then(|level| level.parse::<usize>().ok()) {
                Some(level) => format!("{} ", "#".repeat(level.clamp(1, 6))),
                None if in_list > 0 => "- ".to_owned(),
                None => String::new(),
            };
        }
        Node::End("p" | "h") => {
            depth -= 1;
            blocks.end_paragraph(&before);
        }
        Node::Start("list", _) => in_list += 1,
        Node::End("list") => in_list -= 1,
        Node::Text(text) if depth > 0 => blocks.text(text),
        Node::Start("tab", _) => blocks.text("\t"),
        Node::Start("line-break", _) => blocks.text("\n"),
        Node::Start("s", start) => {
            let count = attribute(start, "c")
                .and_then(|count| count.parse::<usize>().ok())
                .unwrap_or(1);
            blocks.text(&" ".repeat(count.min(80)));
        }
        Node::Start("table", _) => blocks.start_table(),
        Node::End("table-cell") => blocks.end_cell(),
        Node::End("table-row") => blocks.end_row(),
        Node::End("table") => blocks.end_table(),
        Node::End("page") => pages.push(std::mem::replace(&mut blocks, Blocks::new()).finish()),
        _ => {}
    })?;
    let rest = blocks.finish();
    let mut outcome = if pages.is_empty() {
        Outcome::of_text(rest)
    } else {
        let mut outcome = Outcome::default();
        for (index, mut slide) in pages.into_iter().enumerate() {
            let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
            text::bound(&mut slide);
            outcome
                .pages
                .push(text::page(number, Some(format!("Slide {number}")), slide));
        }
        outcome
    };
    if !whole {
        outcome.missing("The document is damaged; it was read as far as it is whole.");
    }
    Ok(outcome)
}
