//! EPUB: its chapters, in the order of the book's spine.

use docmill_core::failure::Failure;

use super::corrupt;
use super::package::{Node, Package, attribute, walk};
use crate::html;
use crate::outcome::Outcome;

pub(super) fn read(content: &[u8]) -> Result<Outcome, Failure> {
    let mut package = Package::open(content)?;
    let container = package
        .part("META-INF/container.xml")?
        .ok_or_else(|| corrupt("it has no container"))?;
    let mut root = None;
    walk(&container, &mut |node| {
        if let Node::Start("rootfile", start) = node {
            root = root.take().or_else(|| attribute(start, "full-path"));
        }
    })?;
    let root = root.ok_or_else(|| corrupt("its container names no book"))?;
    let book = package
        .part(&root)?
        .ok_or_else(|| corrupt("its book is missing"))?;
    let mut items = Vec::new();
    let mut spine = Vec::new();
    walk(&book, &mut |node| match node {
        Node::Start("item", start) => items.push((attribute(start, "id"), attribute(start, "href"))),
        Node::Start("itemref", start) => spine.extend(attribute(start, "idref")),
        _ => {}
    })?;
    let folder = root
        .rsplit_once('/')
        .map_or(String::new(), |(folder, _)| format!("{folder}/"));
    let mut outcome = Outcome::default();
    let mut bytes = 0;
    for (index, id) in spine.iter().enumerate() {
        let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
        let href = items
            .iter()
            .find(|(item, _)| item.as_ref() == Some(id))
            .and_then(|(_, href)| href.clone());
        let Some(href) = href else { continue };
        match package.part(&format!("{folder}{}", href.replace("%20", " "))) {
            Ok(Some(markup)) => {
                let chapter = html::read(&markup);
                bytes += chapter.text.len();
                outcome.push(None, chapter.text);
            }
            Ok(None) => outcome.missing(format!("Chapter {number} is missing.")),
            Err(failure) => outcome.missing(format!(
                "Chapter {number} could not be read: {}.",
                failure.message
            )),
        }
        if bytes > crate::limits::TEXT_BYTES {
            outcome.too_much_text();
            break;
        }
    }
    if outcome.pages.is_empty() {
        return Err(corrupt("no chapter could be read"));
    }
    Ok(outcome)
}
