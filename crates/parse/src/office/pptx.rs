//! PPTX: each slide a page in the order of the show, with its tables, charts, diagrams,
//! notes and comments. Hidden slides are marked.

use docmill_core::failure::Failure;

use super::corrupt;
use super::drawing;
use super::package::{Node, Package, Relations, attribute, walk};
use crate::blocks::Blocks;
use crate::inner::Reading;
use crate::outcome::Outcome;
use crate::table::Cell;

pub(super) fn read(content: &[u8], reading: &Reading<'_>) -> Result<Outcome, Failure> {
    let mut package = Package::open(content)?;
    let slides = in_order(&mut package);
    if slides.is_empty() {
        return Err(corrupt("it has no slides"));
    }
    let mut outcome = Outcome::default();
    for (number, slide) in (1..).zip(&slides) {
        add(&mut package, slide, number, reading, &mut outcome)?;
    }
    Ok(outcome)
}

/// The slides as the presentation lists them; those it does not list come last, by their numbers.
fn in_order(package: &mut Package<'_>) -> Vec<String> {
    let present = package.names("ppt/slides/slide", ".xml");
    let relations = package.relations("ppt/presentation.xml");
    let mut slides = Vec::new();
    if let Ok(Some(xml)) = package.part("ppt/presentation.xml") {
        // A damaged list orders what it lists until then.
        let _whole = walk(&xml, &mut |node| {
            if let Node::Start("sldId", start) = node
                && let Some(id) = qualified(start, "r:id")
                && let Some(target) = relations.target(Some(&id))
                && present.contains(&target)
                && !slides.contains(&target)
            {
                slides.push(target);
            }
        });
    }
    for slide in present {
        if !slides.contains(&slide) {
            slides.push(slide);
        }
    }
    slides
}

/// The value of an attribute, by its name with its prefix: `id` and `r:id` are two.
fn qualified(start: &quick_xml::events::BytesStart<'_>, name: &str) -> Option<String> {
    let found = start.attributes().flatten().find(|it| it.key.as_ref() == name);
    found.map(|it| it.value.into_owned())
}

fn add(
    package: &mut Package<'_>,
    slide: &str,
    number: usize,
    reading: &Reading<'_>,
    outcome: &mut Outcome,
) -> Result<(), Failure> {
    let mut label = format!("Slide {number}");
    let relations = package.relations(slide);
    let mut page = String::new();
    let mut inner = Vec::new();
    match package.part(slide) {
        Ok(Some(xml)) => {
            let shapes = shapes(&xml, package, &relations)?;
            page = shapes.text;
            if !shapes.is_whole {
                outcome.missing(format!(
                    "Slide {number} is damaged; it was read as far as it is whole."
                ));
            }
            if shapes.is_hidden {
                label.push_str(" (hidden)");
            }
            inner = shapes.inner;
            for message in shapes.missing {
                outcome.missing(format!("Slide {number}: {message}"));
            }
        }
        Ok(None) => {}
        Err(failure) => outcome.missing(format!("Slide {number} could not be read: {}.", failure.message)),
    }
    for (kind, title) in [("/notesSlide", "Notes: "), ("/comments", "Comments: ")] {
        let mut parts = relations.of_type(kind);
        // Files that lost their lists of neighbours keep their names.
        if parts.is_empty() && kind == "/notesSlide" {
            parts.push(slide.replace("ppt/slides/slide", "ppt/notesSlides/notesSlide"));
        }
        for part in parts {
            if let Ok(Some(xml)) = package.part(&part)
                && let Ok(notes) = shapes(&xml, package, &Relations::default())
                && notes.text.chars().any(char::is_alphabetic)
            {
                page.push_str("\n\n");
                page.push_str(title);
                page.push_str(&notes.text);
            }
        }
    }
    outcome.push(Some(label), page);
    for target in inner {
        let title = format!("Slide {number}, embedded object");
        match package.bytes(&target) {
            Ok(Some(bytes)) => reading.add(&title, &target, &bytes, outcome),
            _ => outcome.missing(format!("{title} was not read: it is not in the file.")),
        }
    }
    Ok(())
}

#[derive(Default)]
struct Shapes {
    text: String,
    is_whole: bool,
    is_hidden: bool,
    inner: Vec<String>,
    missing: Vec<String>,
}

/// DrawingML text and tables (ECMA-376 part 1, 21).
fn shapes(xml: &str, package: &mut Package<'_>, relations: &Relations) -> Result<Shapes, Failure> {
    let mut blocks = Blocks::new();
    let mut found = Shapes::default();
    let mut in_text = false;
    let mut ignored = 0_usize;
    let mut cell = Cell::default();
    let is_whole = walk(xml, &mut |node| match node {
        Node::Start("Fallback", _) => ignored += 1,
        Node::End("Fallback") => ignored = ignored.saturating_sub(1),
        _ if ignored > 0 => {}
        Node::Start("sld", start) => found.is_hidden = attribute(start, "show").as_deref() == Some("0"),
        // `text` is what a comment says.
        Node::Start("t" | "text", _) => in_text = true,
        Node::End("t") => in_text = false,
        Node::End("text") => {
            in_text = false;
            blocks.end_paragraph("");
        }
        Node::Text(text) if in_text => blocks.text(text),
        Node::Start("br", _) => blocks.text("\n"),
        Node::End("p") => blocks.end_paragraph(""),
        Node::Start("tbl", _) => blocks.start_table(),
        Node::Start("tc", start) => {
            let is_set =
                |name: &str| attribute(start, name).is_some_and(|value| value == "1" || value == "true");
            cell = Cell {
                continues_before: is_set("hMerge"),
                continues_above: is_set("vMerge"),
                ..Cell::default()
            };
        }
        Node::End("tc") => blocks.end_cell_as(std::mem::take(&mut cell)),
        Node::End("tr") => blocks.end_row(),
        Node::End("tbl") => blocks.end_table(),
        Node::Start("chart", start) => {
            let target = relations.target(attribute(start, "id").as_deref());
            drawing::chart(package, target, &mut blocks, &mut found.missing);
        }
        Node::Start("relIds", start) => {
            let target = relations.target(attribute(start, "dm").as_deref());
            drawing::diagram(package, target, &mut blocks, &mut found.missing);
        }
        Node::Start("oleObj", start) => {
            if let Some(target) = qualified(start, "r:id").and_then(|id| relations.target(Some(&id)))
                && !found.inner.contains(&target)
            {
                found.inner.push(target);
            }
        }
        _ => {}
    })?;
    Ok(Shapes {
        text: blocks.finish(),
        is_whole,
        ..found
    })
}
