//! OpenDocument texts and presentations (OASIS OpenDocument 1.3, `content.xml`, and the
//! headers and footers of `styles.xml`).

use docmill_core::failure::{Failure, FailureCode};

use super::package::{Node, Package, attribute, walk};
use super::{corrupt, locked};
use crate::blocks::Blocks;
use crate::outcome::Outcome;
use crate::table::Cell;

/// Opens a document, unless its parts are encrypted.
pub(crate) fn open<'a>(content: &'a [u8], passwords: &[String]) -> Result<Package<'a>, Failure> {
    let mut package = Package::open(content)?;
    let manifest = package.part("META-INF/manifest.xml").ok().flatten();
    let encrypted = manifest.is_some_and(|xml| xml.contains("encryption-data"));
    if encrypted || package.has("encrypted-package") {
        let mut failure = locked(passwords);
        if !passwords.is_empty() {
            failure = Failure::new(
                FailureCode::PasswordRequired,
                "the document is encrypted, and docmill cannot decrypt OpenDocument files; save it without a password",
            );
        }
        return Err(failure);
    }
    Ok(package)
}

pub(super) fn read(content: &[u8], passwords: &[String]) -> Result<Outcome, Failure> {
    let mut package = open(content, passwords)?;
    let xml = package
        .part("content.xml")?
        .ok_or_else(|| corrupt("it has no content"))?;
    let mut body = Body::default();
    let mut is_whole = walk(&xml, &mut |node| body.node(node))?;
    let charts = body.charts.clone();
    let (mut text, slides) = body.finish();
    let mut outcome = Outcome::default();
    if slides.is_empty() {
        if let Ok(Some(styles)) = package.part("styles.xml") {
            let (headers, footers, whole) = margins(&styles)?;
            is_whole &= whole;
            text = [headers, text, footers]
                .into_iter()
                .filter(|part| !part.is_empty())
                .collect::<Vec<_>>()
                .join("\n\n");
        }
        outcome.push(None, text);
    }
    for (number, slide) in (1..).zip(slides) {
        outcome.push(Some(format!("Slide {number}")), slide);
    }
    for chart in charts {
        let name = format!(
            "{}/content.xml",
            chart.trim_start_matches("./").trim_end_matches('/')
        );
        match package.part(&name) {
            Ok(Some(xml)) => {
                let mut inner = Body::default();
                walk(&xml, &mut |node| inner.node(node))?;
                let (text, _) = inner.finish();
                if !text.is_empty() {
                    outcome.push(Some("Embedded object".to_owned()), text);
                }
            }
            _ => outcome.missing(format!("The embedded object {chart:?} was not read.")),
        }
    }
    if !is_whole {
        outcome.missing("The document is damaged; it was read as far as it is whole.");
    }
    Ok(outcome)
}

/// The text of headers and of footers.
fn margins(xml: &str) -> Result<(String, String, bool), Failure> {
    let (mut header, mut footer) = (Body::default(), Body::default());
    let mut at = 0;
    let is_whole = walk(xml, &mut |node| match node {
        Node::Start("header" | "header-first" | "header-left", _) => at = 1,
        Node::Start("footer" | "footer-first" | "footer-left", _) => at = 2,
        Node::End("header" | "header-first" | "header-left" | "footer" | "footer-first" | "footer-left") => {
            at = 0
        }
        node => match at {
            1 => header.node(node),
            2 => footer.node(node),
            _ => {}
        },
    })?;
    Ok((header.finish().0, footer.finish().0, is_whole))
}

struct Body {
    slides: Vec<String>,
    blocks: Blocks,
    /// Paragraphs inside paragraphs: a footnote's stands within the one it belongs to.
    depth: usize,
    before: String,
    in_list: usize,
    in_note: usize,
    ignored: usize,
    /// A comment that is being read: what it says.
    comment: Option<String>,
    cell: Cell,
    /// Times the cell is there.
    repeated: usize,
    charts: Vec<String>,
}

impl Default for Body {
    fn default() -> Self {
        Self {
            slides: Vec::new(),
            blocks: Blocks::new(),
            depth: 0,
            before: String::new(),
            in_list: 0,
            in_note: 0,
            ignored: 0,
            comment: None,
            cell: Cell::default(),
            repeated: 1,
            charts: Vec::new(),
        }
    }
}

impl Body {
    fn node(&mut self, node: Node<'_>) {
        match node {
            Node::Start("tracked-changes", _) => self.ignored += 1,
            Node::End("tracked-changes") => self.ignored = self.ignored.saturating_sub(1),
            _ if self.ignored > 0 => {}
            Node::Start("annotation", _) => self.comment = Some(String::new()),
            Node::End("annotation") => {
                let comment = self.comment.take().unwrap_or_default();
                let words = comment.split_whitespace().collect::<Vec<_>>().join(" ");
                if !words.is_empty() {
                    self.blocks.text(&format!(" [comment: {words}] "));
                }
            }
            Node::Text(text) if self.comment.is_some() => {
                if let Some(comment) = &mut self.comment {
                    comment.push_str(text);
                    comment.push(' ');
                }
            }
            _ if self.comment.is_some() => {}
            node => self.shown(node),
        }
    }

    fn shown(&mut self, node: Node<'_>) {
        match node {
            Node::Start("p" | "h", start) => {
                self.depth += 1;
                self.before =
                    match attribute(start, "outline-level").and_then(|level| level.parse::<usize>().ok()) {
                        Some(level) => format!("{} ", "#".repeat(level.clamp(1, 6))),
                        None if self.in_list > 0 => "- ".to_owned(),
                        None => String::new(),
                    };
            }
            Node::End("p" | "h") => {
                self.depth = self.depth.saturating_sub(1);
                if self.in_note > 0 {
                    self.blocks.text(" ");
                } else {
                    self.blocks.end_paragraph(&self.before);
                }
            }
            Node::Start("note", _) => self.in_note += 1,
            Node::Start("list", _) => self.in_list += 1,
            Node::End("list") => self.in_list = self.in_list.saturating_sub(1),
            Node::Text(text) if self.depth > 0 => self.blocks.text(text),
            Node::Start("tab", _) => self.blocks.text("\t"),
            Node::Start("line-break", _) => self.blocks.text("\n"),
            Node::Start("note-citation", _) => self.blocks.text(" ["),
            Node::End("note-citation") => self.blocks.text(": "),
            Node::End("note") => {
                self.in_note = self.in_note.saturating_sub(1);
                self.blocks.text("] ");
            }
            Node::Start("s", start) => {
                let count = attribute(start, "c")
                    .and_then(|count| count.parse::<usize>().ok())
                    .unwrap_or(1);
                self.blocks.text(&" ".repeat(count.min(80)));
            }
            Node::Start("object", start) => {
                if let Some(target) = attribute(start, "href")
                    && !self.charts.contains(&target)
                {
                    self.charts.push(target);
                }
            }
            Node::End("page") => {
                let slide = std::mem::replace(&mut self.blocks, Blocks::new());
                self.slides.push(slide.finish());
            }
            node => self.table(node),
        }
    }

    fn table(&mut self, node: Node<'_>) {
        match node {
            Node::Start("table", _) => self.blocks.start_table(),
            Node::Start("table-cell", start) => {
                let number = |name: &str| {
                    attribute(start, name)
                        .and_then(|value| value.parse().ok())
                        .unwrap_or(1)
                };
                self.cell = Cell {
                    columns: number("number-columns-spanned"),
                    rows: number("number-rows-spanned"),
                    ..Cell::default()
                };
                self.repeated = number("number-columns-repeated");
            }
            Node::End("table-cell") => {
                self.blocks.end_cell_as(std::mem::take(&mut self.cell));
                for _ in 1..self.repeated.min(100) {
                    self.blocks.end_cell();
                }
            }
            Node::End("table-row") => self.blocks.end_row(),
            Node::End("table") => self.blocks.end_table(),
            _ => {}
        }
    }

    fn finish(self) -> (String, Vec<String>) {
        (self.blocks.finish(), self.slides)
    }
}
