//! PPTX: each slide a page, with its notes.

use docmill_core::failure::Failure;

use super::blocks::Blocks;
use super::corrupt;
use super::package::{Node, Package, walk};
use crate::outcome::Outcome;
use crate::text;

pub(super) fn read(content: &[u8]) -> Result<Outcome, Failure> {
    let mut package = Package::open(content)?;
    let slides = package.names("ppt/slides/slide", ".xml");
    if slides.is_empty() {
        return Err(corrupt("it has no slides"));
    }
    let mut outcome = Outcome::default();
    for (index, slide) in slides.iter().enumerate() {
        let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
        let mut page = String::new();
        match package.part(slide) {
            Ok(Some(xml)) => {
                let (slide_text, whole) = shapes(&xml)?;
                page = slide_text;
                if !whole {
                    outcome.missing(format!(
                        "Slide {number} is damaged; it was read as far as it is whole."
                    ));
                }
            }
            Ok(None) => {}
            Err(failure) => {
                outcome.missing(format!("Slide {number} could not be read: {}.", failure.message))
            }
        }
        let notes = slide.replace("ppt/slides/slide", "ppt/notesSlides/notesSlide");
        if let Ok(Some(xml)) = package.part(&notes)
            && let Ok((notes, _)) = shapes(&xml)
            && notes.chars().any(char::is_alphabetic)
        {
            page.push_str("\n\nNotes: ");
            page.push_str(&notes);
        }
        text::bound(&mut page);
        outcome
            .pages
            .push(text::page(number, Some(format!("Slide {number}")), page));
    }
    Ok(outcome)
}

/// DrawingML text and tables (ECMA-376 part 1, 21).
fn shapes(xml: &str) -> Result<(String, bool), Failure> {
    let mut blocks = Blocks::new();
    let mut in_text = false;
    let mut ignored = 0;
    let whole = walk(xml, &mut |node| match node {
        Node::Start("Fallback", _) => ignored += 1,
        Node::End("Fallback") => ignored -= 1,
        _ if ignored > 0 => {}
        Node::Start("t", _) => in_text = true,
        Node::End("t") => in_text = false,
        Node::Text(text) if in_text => blocks.text(text),
        Node::Start("br", _) => blocks.text("\n"),
        Node::End("p") => blocks.end_paragraph(""),
        Node::Start("tbl", _) => blocks.start_table(),
        Node::End("tc") => blocks.end_cell(),
        Node::End("tr") => blocks.end_row(),
        Node::End("tbl") => blocks.end_table(),
        _ => {}
    })?;
    Ok((blocks.finish(), whole))
}
