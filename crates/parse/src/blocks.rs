//! Paragraphs, headings, list items and tables as they come, written as Markdown.

use crate::table::{Cell, Table};

/// Collects blocks of text. Tables inside tables become text of their cell.
pub(crate) struct Blocks {
    out: String,
    paragraph: String,
    tables: Vec<Open>,
}

struct Open {
    table: Table,
    row: Vec<Cell>,
    cell: String,
}

impl Blocks {
    pub(crate) fn new() -> Self {
        Self {
            out: String::new(),
            paragraph: String::new(),
            tables: Vec::new(),
        }
    }

    pub(crate) fn text(&mut self, text: &str) {
        self.paragraph.push_str(text);
    }

    /// Whether the paragraph that is written has no text yet, or ends in a blank.
    pub(crate) fn is_after_blank(&self) -> bool {
        self.paragraph.is_empty() || self.paragraph.ends_with([' ', '\n', '\t'])
    }

    /// Ends the paragraph, with what stands before it ("# ", "- ").
    pub(crate) fn end_paragraph(&mut self, before: &str) {
        let paragraph = std::mem::take(&mut self.paragraph);
        let text = paragraph.trim();
        if text.is_empty() {
            return;
        }
        match self.tables.last_mut() {
            Some(open) => {
                if !open.cell.is_empty() {
                    open.cell.push(' ');
                }
                open.cell.push_str(text);
            }
            None => {
                self.out.push_str(before);
                self.out.push_str(text);
                let is_item = before
                    .trim_start()
                    .starts_with(['-', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
                self.out.push_str(if is_item { "\n" } else { "\n\n" });
            }
        }
    }

    pub(crate) fn start_table(&mut self) {
        self.end_paragraph("");
        self.tables.push(Open {
            table: Table::new(),
            row: Vec::new(),
            cell: String::new(),
        });
    }

    /// Ends a cell that is as large as most.
    pub(crate) fn end_cell(&mut self) {
        self.end_cell_as(Cell::default());
    }

    /// Ends a cell; `form` says how far it spans.
    pub(crate) fn end_cell_as(&mut self, form: Cell) {
        self.end_paragraph("");
        if let Some(open) = self.tables.last_mut() {
            let text = std::mem::take(&mut open.cell);
            open.row.push(Cell { text, ..form });
        }
    }

    pub(crate) fn end_row(&mut self) {
        if let Some(open) = self.tables.last_mut() {
            let row = std::mem::take(&mut open.row);
            open.table.push_cells(row);
        }
    }

    pub(crate) fn end_table(&mut self) {
        let Some(open) = self.tables.pop() else { return };
        self.put_table(&open.table);
    }

    /// Adds a table that is complete.
    pub(crate) fn put_table(&mut self, table: &Table) {
        self.end_paragraph("");
        let markdown = table.markdown();
        match self.tables.last_mut() {
            Some(outer) => {
                if !outer.cell.is_empty() {
                    outer.cell.push(' ');
                }
                outer.cell.push_str(&markdown.replace('\n', " "));
            }
            None => {
                self.out.push_str(&markdown);
                self.out.push('\n');
            }
        }
    }

    /// Bytes written so far.
    pub(crate) fn len(&self) -> usize {
        self.out.len() + self.paragraph.len()
    }

    /// All of it.
    pub(crate) fn finish(mut self) -> String {
        self.end_paragraph("");
        while !self.tables.is_empty() {
            self.end_cell();
            self.end_row();
            self.end_table();
        }
        crate::text::tidy(&self.out)
    }
}
