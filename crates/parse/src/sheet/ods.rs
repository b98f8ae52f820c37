//! OpenDocument spreadsheets: the file holds each value as it is shown (OASIS OpenDocument 1.3
//! part 3, 9.1), so that is what is read.

use std::collections::HashSet;

use docmill_core::failure::Failure;
use quick_xml::events::BytesStart;

use super::corrupt;
use super::grid::{self, Grid, Region};
use crate::limits;
use crate::office::odf;
use crate::office::package::{Node, attribute, walk};
use crate::outcome::Outcome;

/// Rows and columns of the largest sheet.
const ROWS: u32 = 1_048_576;
const COLUMNS: u32 = 16_384;

/// Reads a workbook.
pub(super) fn read(content: &[u8], passwords: &[String]) -> Result<Outcome, Failure> {
    let mut package = odf::open(content, passwords)?;
    let xml = package
        .part("content.xml")?
        .ok_or_else(|| corrupt("it has no content"))?;
    let mut book = Book::default();
    let is_whole = walk(&xml, &mut |node| book.node(node))?;
    book.end_sheet();
    let mut outcome = Outcome::default();
    let is_only = book.sheets.len() == 1;
    for sheet in book.sheets {
        sheet.put_into(&mut outcome, is_only);
    }
    if outcome.pages.is_empty() {
        return Err(corrupt("it has no sheets"));
    }
    if book.objects > 0 {
        outcome.missing(match book.objects {
            1 => "A chart or other object in the workbook was not read.".to_owned(),
            count => format!("{count} charts and other objects in the workbook were not read."),
        });
    }
    if !is_whole {
        outcome.missing("The workbook is damaged; it was read as far as it is whole.");
    }
    Ok(outcome)
}

#[derive(Default)]
struct Book {
    /// Styles of tables that are not shown.
    hidden_styles: HashSet<String>,
    style: String,
    sheets: Vec<Grid>,
    sheet: Option<Grid>,
    /// Tables inside cells; only the outermost is a sheet.
    depth: usize,
    row: u32,
    column: u32,
    row_times: u32,
    row_is_hidden: bool,
    cell: Cell,
    /// Paragraphs that are open.
    paragraphs: usize,
    comment: Option<String>,
    comments: Vec<String>,
    objects: usize,
}

#[derive(Default)]
struct Cell {
    text: String,
    value: Option<String>,
    times: u32,
    columns: u32,
    rows: u32,
}

impl Book {
    fn node(&mut self, node: Node<'_>) {
        match node {
            Node::Start("style", start) => self.style = attribute(start, "name").unwrap_or_default(),
            Node::Start("table-properties", start) => {
                if attribute(start, "display").as_deref() == Some("false") {
                    self.hidden_styles.insert(self.style.clone());
                }
            }
            Node::Start("table", start) => self.start_table(start),
            Node::End("table") => {
                self.depth = self.depth.saturating_sub(1);
                if self.depth == 0 {
                    self.end_sheet();
                }
            }
            Node::Start("object", _) => self.objects += 1,
            _ if self.depth != 1 => {}
            Node::Start("table-row", start) => {
                self.column = 0;
                self.row_times = number(start, "number-rows-repeated");
                self.row_is_hidden = is_hidden(start);
            }
            Node::End("table-row") => self.end_row(),
            Node::Start("table-column", start) => {
                let times = number(start, "number-columns-repeated");
                if is_hidden(start)
                    && let Some(sheet) = &mut self.sheet
                {
                    let last = self
                        .column
                        .saturating_add(times)
                        .saturating_sub(1)
                        .min(COLUMNS - 1);
                    sheet.hidden_columns.push((self.column, last));
                }
                self.column = self.column.saturating_add(times);
            }
            Node::Start("table-cell" | "covered-table-cell", start) => self.start_cell(start),
            Node::End("table-cell" | "covered-table-cell") => self.end_cell(),
            node => self.text(node),
        }
    }

    fn text(&mut self, node: Node<'_>) {
        match node {
            Node::Start("annotation", _) => self.comment = Some(String::new()),
            Node::End("annotation") => {
                let words = self.comment.take().unwrap_or_default();
                let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
                if !words.is_empty() {
                    let place = format!("{}{}", grid::column_name(self.column), u64::from(self.row) + 1);
                    self.comments.push(format!("- {place}: {words}"));
                }
            }
            Node::Start("date" | "creator", _) if self.comment.is_some() => {}
            Node::Start("p", _) => {
                self.paragraphs += 1;
                match &mut self.comment {
                    Some(comment) => comment.push(' '),
                    None if !self.cell.text.is_empty() => self.cell.text.push('\n'),
                    None => {}
                }
            }
            Node::End("p") => self.paragraphs = self.paragraphs.saturating_sub(1),
            Node::Start("s", start) => {
                let count = number(start, "c").min(80) as usize;
                self.words(&" ".repeat(count));
            }
            Node::Start("tab" | "line-break", _) => self.words(" "),
            Node::Text(text) if self.paragraphs > 0 => self.words(text),
            _ => {}
        }
    }

    fn words(&mut self, words: &str) {
        match &mut self.comment {
            Some(comment) => comment.push_str(words),
            None => self.cell.text.push_str(words),
        }
    }

    fn start_table(&mut self, start: &BytesStart<'_>) {
        self.depth += 1;
        if self.depth > 1 {
            return;
        }
        let style = attribute(start, "style-name").unwrap_or_default();
        let name = attribute(start, "name").unwrap_or_default();
        self.sheet = Some(Grid::new(name, self.hidden_styles.contains(&style)));
        (self.row, self.column) = (0, 0);
    }

    fn end_sheet(&mut self) {
        let Some(mut sheet) = self.sheet.take() else {
            return;
        };
        if !self.comments.is_empty() {
            let comments = std::mem::take(&mut self.comments);
            sheet.beside.push(format!("Comments:\n{}", comments.join("\n")));
        }
        self.sheets.push(sheet);
    }

    fn start_cell(&mut self, start: &BytesStart<'_>) {
        let value = [
            "value",
            "date-value",
            "time-value",
            "boolean-value",
            "string-value",
        ]
        .into_iter()
        .find_map(|name| attribute(start, name));
        self.cell = Cell {
            text: String::new(),
            value,
            times: number(start, "number-columns-repeated"),
            columns: number(start, "number-columns-spanned"),
            rows: number(start, "number-rows-spanned"),
        };
    }

    fn end_cell(&mut self) {
        let cell = std::mem::take(&mut self.cell);
        let first = self.column;
        self.column = self.column.saturating_add(cell.times).min(COLUMNS);
        let text = if cell.text.trim().is_empty() {
            cell.value.unwrap_or_default()
        } else {
            cell.text
        };
        let Some(sheet) = self.sheet.as_mut().filter(|_| !text.trim().is_empty()) else {
            return;
        };
        if cell.columns > 1 || cell.rows > 1 {
            let last = (
                self.row.saturating_add(cell.rows - 1),
                first.saturating_add(cell.columns - 1),
            );
            let first = (self.row, first);
            sheet.merged.push(Region { first, last });
        }
        // A row that is repeated a million times over is a background, not data.
        let rows = if self.row_times > 10_000 {
            1
        } else {
            self.row_times
        };
        let room = u32::try_from(limits::SHEET_CELLS).unwrap_or(u32::MAX) / rows.max(1);
        for row in self.row..self.row.saturating_add(rows).min(ROWS) {
            for column in first..self.column.min(first.saturating_add(room)) {
                sheet.put(row, column, text.clone());
            }
        }
    }

    fn end_row(&mut self) {
        if let Some(sheet) = self.sheet.as_mut().filter(|_| self.row_is_hidden) {
            for row in self.row..self.row.saturating_add(self.row_times.min(10_000)) {
                sheet.hide_row(row);
            }
        }
        self.row = self.row.saturating_add(self.row_times).min(ROWS);
    }
}

/// A count; 1 where none is named.
fn number(start: &BytesStart<'_>, name: &str) -> u32 {
    let count = attribute(start, name).and_then(|count| count.parse().ok());
    count.unwrap_or(1).max(1)
}

fn is_hidden(start: &BytesStart<'_>) -> bool {
    attribute(start, "visibility").is_some_and(|value| value == "collapse" || value == "filter")
}
