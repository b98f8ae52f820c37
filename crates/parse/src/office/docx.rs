//! DOCX: the body with its text boxes, charts and diagrams in place, then footnotes and
//! endnotes, comments, headers and footers. Tracked changes are marked: inserted text is the
//! text, deleted text is named as deleted.

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
    let mut document = Document {
        text: String::new(),
        is_whole: true,
        inner: Vec::new(),
        findings: Outcome::default(),
    };
    for header in package.names("word/header", ".xml") {
        document.add(&mut package, &header, "")?;
    }
    let body = match package.names("word/document", ".xml").into_iter().next() {
        Some(body) => body,
        None => return Err(corrupt("it has no body")),
    };
    document.add(&mut package, &body, "")?;
    for (part, title) in [
        ("word/footnotes.xml", "Footnotes:"),
        ("word/endnotes.xml", "Endnotes:"),
        ("word/comments.xml", "Comments:"),
    ] {
        document.add(&mut package, part, title)?;
    }
    for footer in package.names("word/footer", ".xml") {
        document.add(&mut package, &footer, "")?;
    }
    let mut outcome = Outcome::of_text(document.text);
    outcome.found(document.findings.findings);
    if !document.is_whole {
        outcome.missing("The document is damaged; it was read as far as it is whole.");
    }
    for (title, target) in document.inner {
        match package.bytes(&target) {
            Ok(Some(bytes)) => reading.add(&title, &target, &bytes, &mut outcome),
            Ok(None) => outcome.missing(format!("{title} is missing in the file.")),
            Err(failure) => outcome.missing(format!("{title} could not be read: {}.", failure.message)),
        }
    }
    Ok(outcome)
}

struct Document {
    text: String,
    is_whole: bool,
    /// Documents inside: their title and part.
    inner: Vec<(String, String)>,
    findings: Outcome,
}

impl Document {
    /// Adds a part, if it is there and says anything.
    fn add(&mut self, package: &mut Package<'_>, name: &str, title: &str) -> Result<(), Failure> {
        let Some(xml) = package.part(name)? else {
            return Ok(());
        };
        let relations = package.relations(name);
        let (part, found) = body(&xml, package, &relations)?;
        self.is_whole &= found.is_whole;
        self.inner.extend(found.inner);
        if found.has_deleted {
            self.findings
                .note("The document has tracked changes; deleted text is marked as [deleted: …].");
        }
        for message in found.missing {
            self.findings.missing(message);
        }
        if !part.is_empty() {
            for piece in [title, &part] {
                if !piece.is_empty() {
                    if !self.text.is_empty() {
                        self.text.push_str("\n\n");
                    }
                    self.text.push_str(piece);
                }
            }
        }
        Ok(())
    }
}

/// What a part holds beside its text.
#[derive(Default)]
struct Found {
    is_whole: bool,
    has_deleted: bool,
    inner: Vec<(String, String)>,
    missing: Vec<String>,
}

/// WordprocessingML as Markdown (ECMA-376 part 1, 17).
fn body(xml: &str, package: &mut Package<'_>, relations: &Relations) -> Result<(String, Found), Failure> {
    let mut part = Part {
        blocks: Blocks::new(),
        before: String::new(),
        in_text: false,
        // Text boxes come twice, for new and for old readers; moved text is where it went.
        ignored: 0,
        deleted: None,
        cell: Cell::default(),
        found: Found::default(),
        package,
        relations,
    };
    let is_whole = walk(xml, &mut |node| part.node(node))?;
    part.found.is_whole = is_whole;
    Ok((part.blocks.finish(), part.found))
}

struct Part<'a, 'b> {
    blocks: Blocks,
    /// What stands before the paragraph.
    before: String,
    in_text: bool,
    ignored: usize,
    /// Deleted text that is being read.
    deleted: Option<String>,
    /// How far the cell spans that is being read.
    cell: Cell,
    found: Found,
    package: &'a mut Package<'b>,
    relations: &'a Relations,
}

impl Part<'_, '_> {
    fn node(&mut self, node: Node<'_>) {
        match node {
            Node::Start("Fallback" | "instrText" | "moveFrom", _) => self.ignored += 1,
            Node::End("Fallback" | "instrText" | "moveFrom") => self.ignored = self.ignored.saturating_sub(1),
            _ if self.ignored > 0 => {}
            Node::Start("t" | "delText", _) => self.in_text = true,
            Node::End("t" | "delText") => self.in_text = false,
            Node::Text(text) if self.in_text => match &mut self.deleted {
                Some(deleted) => deleted.push_str(text),
                None => self.blocks.text(text),
            },
            Node::Start("del", _) => self.deleted = Some(String::new()),
            Node::End("del") => self.end_deleted(),
            Node::Start("tab", _) => self.blocks.text("\t"),
            Node::Start("br" | "cr", _) => self.blocks.text("\n"),
            Node::Start("noBreakHyphen", _) => self.blocks.text("-"),
            Node::Start("sym", start) => {
                if let Some(symbol) = attribute(start, "char").and_then(|code| symbol(&code)) {
                    self.blocks.text(symbol.encode_utf8(&mut [0; 4]));
                }
            }
            Node::Start("checkBox" | "checkbox", _) => {}
            Node::Start("pStyle", start) => {
                if let Some(level) = attribute(start, "val").as_deref().and_then(heading) {
                    self.before = format!("{} ", "#".repeat(level));
                }
            }
            Node::Start("numPr", _) if self.before.is_empty() => "- ".clone_into(&mut self.before),
            Node::End("p") => {
                self.blocks.end_paragraph(&self.before);
                self.before.clear();
            }
            // A text box begins inside a paragraph of its own story.
            Node::Start("txbxContent", _) => self.blocks.end_paragraph(&self.before),
            Node::Start("tbl", _) => self.blocks.start_table(),
            Node::Start("tc", _) => self.cell = Cell::default(),
            Node::Start("gridSpan", start) => {
                let columns = attribute(start, "val").and_then(|columns| columns.parse().ok());
                self.cell.columns = columns.unwrap_or(1);
            }
            Node::Start("vMerge", start) => {
                self.cell.continues_above = attribute(start, "val").as_deref() != Some("restart");
            }
            Node::End("tc") => self.blocks.end_cell_as(std::mem::take(&mut self.cell)),
            Node::End("tr") => self.blocks.end_row(),
            Node::End("tbl") => self.blocks.end_table(),
            Node::Start("chart", start) => {
                let target = self.relations.target(attribute(start, "id").as_deref());
                drawing::chart(self.package, target, &mut self.blocks, &mut self.found.missing);
            }
            Node::Start("relIds", start) => {
                let target = self.relations.target(attribute(start, "dm").as_deref());
                drawing::diagram(self.package, target, &mut self.blocks, &mut self.found.missing);
            }
            Node::Start("altChunk", start) => self.chunk(start, "A part that was put in from another file"),
            Node::Start("OLEObject", start) => self.chunk(start, "Embedded object"),
            Node::Start("comment", start) => {
                let author = attribute(start, "author").filter(|author| !author.trim().is_empty());
                self.blocks.end_paragraph("");
                self.before = author.map_or_else(|| "- ".to_owned(), |author| format!("- {author}: "));
            }
            _ => {}
        }
    }

    fn end_deleted(&mut self) {
        if let Some(deleted) = self.deleted.take().filter(|text| !text.trim().is_empty()) {
            self.found.has_deleted = true;
            let blank = if self.blocks.is_after_blank() { "" } else { " " };
            self.blocks.text(&format!("{blank}[deleted: {}]", deleted.trim()));
        }
    }

    /// Another document in its own part.
    fn chunk(&mut self, start: &quick_xml::events::BytesStart<'_>, what: &str) {
        let number = self.found.inner.len() + 1;
        match self.relations.target(attribute(start, "id").as_deref()) {
            Some(target) => {
                let program =
                    attribute(start, "ProgID").map_or_else(String::new, |name| format!(" ({name})"));
                self.found
                    .inner
                    .push((format!("{what} {number}{program}"), target));
            }
            None => self
                .found
                .missing
                .push(format!("{what} {number} is not in the file.")),
        }
    }
}

/// A symbol by its number; those of symbol fonts lie in a private area and mean nothing here,
/// but for the boxes that forms are ticked with (Wingdings).
fn symbol(code: &str) -> Option<char> {
    match u32::from_str_radix(code, 16).ok()? {
        0xf0fe | 0xf052 | 0xf0fd | 0xf078 => Some('☒'),
        0xf0a8 | 0xf06f | 0xf071 | 0xf072 => Some('☐'),
        0xf0fc => Some('✓'),
        0xf0b7 => Some('•'),
        0xf020..=0xf0ff => None,
        code => char::from_u32(code),
    }
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
