//! Web pages as Markdown: headings, lists, tables with their spans, and what forms show.

use docmill_core::failure::{Failure, FailureCode};
use html5ever::tendril::TendrilSink as _;
use markup5ever_rcdom::{Handle, NodeData, RcDom};

use crate::blocks::Blocks;
use crate::encoding;
use crate::outcome::Outcome;
use crate::table::{Cell, Table};
use crate::text;

/// Elements inside elements that are laid out; no page a person wrote comes near. The parser's
/// time grows with the square of the depth.
const DEPTH: usize = 400;

/// Markup as text, and what was left out of it.
pub(crate) struct Markup {
    pub(crate) text: String,
    /// Sentences about what a browser shows and the text has not.
    pub(crate) missing: Vec<String>,
    /// Sentences about what is in the file and a browser does not show.
    pub(crate) notes: Vec<String>,
}

/// The text of a web page.
pub(crate) fn page(content: &[u8]) -> Outcome {
    let declared = encoding::declared_in(content);
    let decoded = encoding::decode(content, declared.as_deref());
    let mut outcome = outcome_of(&decoded.text);
    if let Some(doubt) = decoded.doubt {
        outcome.doubt(doubt);
    }
    outcome
}

/// The text of decoded markup as a reading.
pub(crate) fn outcome_of(markup: &str) -> Outcome {
    let markup = read(markup);
    let mut outcome = Outcome::of_text(markup.text);
    for message in markup.missing {
        outcome.missing(message);
    }
    for message in markup.notes {
        outcome.note(message);
    }
    outcome
}

/// Markup as text.
pub(crate) fn read(markup: &str) -> Markup {
    if depth(markup) > DEPTH {
        return Markup {
            text: text::tidy(&without_tags(markup)),
            missing: Vec::new(),
            notes: vec![format!(
                "Elements are nested more than {DEPTH} deep; the text was read without its layout."
            )],
        };
    }
    let dom = html5ever::parse_document(RcDom::default(), html5ever::ParseOpts::default()).one(markup);
    let mut page = Page::new();
    page.node(&dom.document, 0);
    Markup {
        text: page.blocks.finish(),
        missing: page.missing,
        notes: page.notes,
    }
}

struct Page {
    blocks: Blocks,
    missing: Vec<String>,
    notes: Vec<String>,
    /// Lists that are open: the number of the next item, or none where items have none.
    lists: Vec<Option<usize>>,
    /// What stands before the paragraph that is being written.
    before: String,
    /// Line breaks and blanks count as they are.
    is_pre: bool,
}

impl Page {
    fn new() -> Self {
        Self {
            blocks: Blocks::new(),
            missing: Vec::new(),
            notes: Vec::new(),
            lists: Vec::new(),
            before: String::new(),
            is_pre: false,
        }
    }

    fn children(&mut self, node: &Handle, depth: usize) {
        for child in node.children.borrow().iter() {
            self.node(child, depth + 1);
        }
    }

    fn node(&mut self, node: &Handle, depth: usize) {
        // What the parser rearranges can nest deeper than what was written.
        if depth > DEPTH * 3 || self.blocks.len() > crate::limits::TEXT_BYTES {
            return;
        }
        match &node.data {
            NodeData::Text { contents } => self.words(&contents.borrow()),
            NodeData::Element { .. } => self.element(node, depth),
            NodeData::Document => self.children(node, depth),
            _ => {}
        }
    }

    /// Text as browsers show it: any run of white space is one blank.
    fn words(&mut self, text: &str) {
        if self.is_pre {
            self.blocks.text(text);
            return;
        }
        for piece in text.split_inclusive([' ', '\n', '\t', '\r', '\u{c}']) {
            let word = piece.trim_end_matches([' ', '\n', '\t', '\r', '\u{c}']);
            self.blocks.text(word);
            if word.len() < piece.len() && !self.blocks.is_after_blank() {
                self.blocks.text(" ");
            }
        }
    }

    fn end_paragraph(&mut self) {
        let before = std::mem::take(&mut self.before);
        self.blocks.end_paragraph(&before);
    }

    fn element(&mut self, node: &Handle, depth: usize) {
        let name = name_of(node);
        if is_hidden(node) {
            if !is_blank(node) {
                self.note("Text that the page hides from its readers was left out.");
            }
            return;
        }
        match name {
            "head" | "script" | "style" | "template" | "noframes" => {}
            "br" => self.blocks.text("\n"),
            "hr" => self.end_paragraph(),
            "img" | "area" => self.picture(node),
            "input" => self.input(node),
            "select" => self.choice(node),
            "iframe" | "frame" | "object" | "embed" => self.frame(node, name, depth),
            "table" => self.table(node, depth),
            "pre" | "textarea" | "listing" | "xmp" => {
                self.end_paragraph();
                let before = std::mem::replace(&mut self.is_pre, true);
                self.children(node, depth);
                self.is_pre = before;
                self.end_paragraph();
            }
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                self.end_paragraph();
                let level = name[1..].parse().unwrap_or(1);
                self.before = format!("{} ", "#".repeat(level));
                self.children(node, depth);
                self.end_paragraph();
            }
            "ul" | "menu" | "dir" => self.list(node, None, depth),
            "ol" => {
                let start = attribute(node, "start").and_then(|start| start.trim().parse().ok());
                self.list(node, Some(start.unwrap_or(1)), depth);
            }
            "li" => self.item(node, depth),
            "q" => {
                self.blocks.text("“");
                self.children(node, depth);
                self.blocks.text("”");
            }
            "td" | "th" => {
                // Outside a table that is laid out: cells of one row must not run together.
                if !self.blocks.is_after_blank() {
                    self.blocks.text(" ");
                }
                self.children(node, depth);
            }
            _ if is_block(name) => {
                self.end_paragraph();
                self.children(node, depth);
                self.end_paragraph();
            }
            _ => self.children(node, depth),
        }
    }

    fn note(&mut self, message: &str) {
        if !self.notes.iter().any(|note| note == message) {
            self.notes.push(message.to_owned());
        }
    }

    fn list(&mut self, node: &Handle, start: Option<usize>, depth: usize) {
        self.end_paragraph();
        self.lists.push(start);
        self.children(node, depth);
        self.lists.pop();
        self.end_paragraph();
    }

    fn item(&mut self, node: &Handle, depth: usize) {
        self.end_paragraph();
        let indent = "  ".repeat(self.lists.len().saturating_sub(1));
        self.before = match self.lists.last_mut() {
            Some(Some(number)) => {
                *number += 1;
                format!("{indent}{}. ", *number - 1)
            }
            _ => format!("{indent}- "),
        };
        self.children(node, depth);
        self.end_paragraph();
    }

    fn picture(&mut self, node: &Handle) {
        if let Some(words) = attribute(node, "alt").filter(|alt| !alt.trim().is_empty()) {
            self.blocks.text("[");
            self.words(words.trim());
            self.blocks.text("]");
        }
    }

    /// What a form shows: the value of a field, the tick of a box.
    fn input(&mut self, node: &Handle) {
        let kind = attribute(node, "type").unwrap_or_default().to_ascii_lowercase();
        let ticked = attribute(node, "checked").is_some();
        match kind.as_str() {
            "hidden" | "password" | "file" | "image" => {}
            "checkbox" => self.blocks.text(if ticked { "[x] " } else { "[ ] " }),
            "radio" => self.blocks.text(if ticked { "(x) " } else { "( ) " }),
            _ => {
                if let Some(value) = attribute(node, "value") {
                    self.words(&value);
                    self.blocks.text(" ");
                }
            }
        }
    }

    /// Of a list to choose from, what is chosen; the first when nothing is said.
    fn choice(&mut self, node: &Handle) {
        let mut options = Vec::new();
        collect(node, "option", &mut options);
        let chosen = options.iter().filter(|it| attribute(it, "selected").is_some());
        let chosen: Vec<&Handle> = chosen.collect();
        let shown = if chosen.is_empty() {
            options.iter().take(1).collect()
        } else {
            chosen
        };
        let words: Vec<String> = shown.into_iter().map(text_of).collect();
        self.words(words.join(", ").trim());
        self.blocks.text(" ");
    }

    fn frame(&mut self, node: &Handle, name: &str, depth: usize) {
        if let Some(inner) = attribute(node, "srcdoc") {
            let inner = read(&inner);
            self.end_paragraph();
            self.blocks.text(&inner.text);
            self.end_paragraph();
            self.missing.extend(inner.missing);
            return;
        }
        let from = attribute(node, "src").or_else(|| attribute(node, "data"));
        if let Some(from) = from.filter(|from| !from.is_empty() && name != "embed") {
            let from: String = from.chars().take(80).collect();
            let message = format!("A part of the page comes from elsewhere and was not read: {from}.");
            if !self.missing.contains(&message) && self.missing.len() < 5 {
                self.missing.push(message);
            }
        }
        self.children(node, depth);
    }

    /// A table of data becomes a table; one that only arranges the page (it holds other tables,
    /// or one cell a row) becomes what is in it.
    fn table(&mut self, node: &Handle, depth: usize) {
        self.end_paragraph();
        let mut rows = Vec::new();
        let mut captions = Vec::new();
        rows_of(node, &mut rows, &mut captions);
        for caption in &captions {
            self.children(caption, depth);
            self.end_paragraph();
        }
        let cells_of = |row: &Handle| -> Vec<Handle> {
            let children = row.children.borrow();
            let cells = children
                .iter()
                .filter(|cell| matches!(name_of(cell), "td" | "th"));
            cells.filter(|cell| !is_hidden(cell)).cloned().collect()
        };
        let rows: Vec<Vec<Handle>> = rows.iter().map(cells_of).collect();
        let arranges = rows.iter().all(|row| row.len() <= 1)
            || rows.iter().flatten().any(|cell| contains(cell, "table", 0));
        if arranges {
            self.arranged(&rows, depth);
            return;
        }
        let mut table = Table::new();
        for row in &rows {
            let cells = row.iter().map(|cell| Cell {
                columns: span(cell, "colspan", 1000),
                rows: span(cell, "rowspan", 65_534),
                ..Cell::of(self.apart(cell, depth))
            });
            let cells: Vec<Cell> = cells.collect();
            table.push_cells(cells);
        }
        self.blocks.put_table(&table);
    }

    /// The text of a cell by itself.
    fn apart(&mut self, cell: &Handle, depth: usize) -> String {
        let mut inner = Page::new();
        inner.children(cell, depth + 1);
        inner.end_paragraph();
        for note in &inner.notes {
            self.note(note);
        }
        self.missing.extend(inner.missing);
        inner.blocks.finish()
    }

    /// Rows that only arrange: cells of one line side by side, others one after the other.
    fn arranged(&mut self, rows: &[Vec<Handle>], depth: usize) {
        for row in rows {
            let simple = row.len() > 1 && !row.iter().any(|cell| contains(cell, "table", 0));
            if simple {
                let cells: Vec<String> = row.iter().map(|cell| self.apart(cell, depth)).collect();
                if cells.iter().all(|cell| !cell.contains("\n\n")) {
                    let cells: Vec<String> = cells
                        .iter()
                        .map(|cell| cell.split_whitespace().collect::<Vec<_>>().join(" "))
                        .filter(|cell| !cell.is_empty())
                        .collect();
                    self.blocks.text(&cells.join(" | "));
                    self.end_paragraph();
                    continue;
                }
            }
            for cell in row {
                self.children(cell, depth + 1);
                self.end_paragraph();
            }
        }
    }
}

fn name_of(node: &Handle) -> &str {
    match &node.data {
        NodeData::Element { name, .. } => &name.local,
        _ => "",
    }
}

fn attribute(node: &Handle, wanted: &str) -> Option<String> {
    let NodeData::Element { attrs, .. } = &node.data else {
        return None;
    };
    let attributes = attrs.borrow();
    let found = attributes.iter().find(|it| &*it.name.local == wanted)?;
    Some(found.value.to_string())
}

/// How many columns or rows a cell covers. `rowspan="0"` means all that follow.
fn span(cell: &Handle, name: &str, most: usize) -> usize {
    match attribute(cell, name).and_then(|span| span.trim().parse::<usize>().ok()) {
        Some(0) if name == "rowspan" => most,
        Some(span) => span.clamp(1, most),
        None => 1,
    }
}

/// Whether a browser does not show it.
fn is_hidden(node: &Handle) -> bool {
    if attribute(node, "hidden").is_some() {
        return true;
    }
    let Some(style) = attribute(node, "style") else {
        return false;
    };
    let style: String = style
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| c.to_ascii_lowercase())
        .collect();
    style.split(';').any(|rule| {
        matches!(
            rule.trim_end_matches("!important"),
            "display:none" | "visibility:hidden"
        )
    })
}

fn is_blank(node: &Handle) -> bool {
    text_of(node).trim().is_empty()
}

/// All text below a node.
fn text_of(node: &Handle) -> String {
    let mut text = String::new();
    let mut open = vec![node.clone()];
    while let Some(node) = open.pop() {
        if let NodeData::Text { contents } = &node.data {
            text.push_str(&contents.borrow());
        }
        if !matches!(name_of(&node), "script" | "style") {
            open.extend(node.children.borrow().iter().rev().cloned());
        }
    }
    text
}

/// Whether an element of this name is somewhere below.
fn contains(node: &Handle, name: &str, depth: usize) -> bool {
    depth < DEPTH
        && node
            .children
            .borrow()
            .iter()
            .any(|child| name_of(child) == name || contains(child, name, depth + 1))
}

fn collect(node: &Handle, name: &str, found: &mut Vec<Handle>) {
    for child in node.children.borrow().iter() {
        if name_of(child) == name {
            found.push(child.clone());
        } else if name_of(child) == "optgroup" {
            collect(child, name, found);
        }
    }
}

/// The rows of a table, not those of tables inside it, and its captions.
fn rows_of(node: &Handle, rows: &mut Vec<Handle>, captions: &mut Vec<Handle>) {
    for child in node.children.borrow().iter() {
        match name_of(child) {
            _ if is_hidden(child) => {}
            "tr" => rows.push(child.clone()),
            "thead" | "tbody" | "tfoot" => rows_of(child, rows, captions),
            "caption" => captions.push(child.clone()),
            _ => {}
        }
    }
}

/// Elements that begin on a line of their own.
fn is_block(name: &str) -> bool {
    matches!(
        name,
        "address"
            | "article"
            | "aside"
            | "blockquote"
            | "body"
            | "center"
            | "dd"
            | "details"
            | "dialog"
            | "div"
            | "dl"
            | "dt"
            | "fieldset"
            | "figcaption"
            | "figure"
            | "footer"
            | "form"
            | "header"
            | "hgroup"
            | "html"
            | "legend"
            | "main"
            | "nav"
            | "option"
            | "p"
            | "search"
            | "section"
            | "summary"
            | "tr"
    )
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

/// The web page inside MHTML, and the frames that come with it.
pub(crate) fn mhtml(content: &[u8]) -> Result<Outcome, Failure> {
    crate::email::web_archive(content)?.ok_or_else(|| {
        Failure::new(
            FailureCode::CorruptDocument,
            "there is no web page inside the MHTML file",
        )
    })
}

#[cfg(test)]
#[path = "html/tests.rs"]
mod tests;
