//! Paragraphs, headings, list items and tables as they come, written as Markdown.

use crate::table::Table;

/// Collects blocks of text. Tables inside tables become text of their cell.
pub(super) struct Blocks {
    out: String,
    paragraph: String,
    tables: Vec<Open>,
}

struct Open {
    table: Table,
    row: Vec<String>,
    cell: String,
}

impl Blocks {
    pub(super) fn new() -> Self {
        Self {
            out: String::new(),
            paragraph: String::new(),
            tables: Vec::new(),
        }
    }

    pub(super) fn text(&mut self, text: &str) {
        self.paragraph.push_str(text);
    }

    /// Ends the paragraph, with what stands before it ("# ", "- ").
    pub(super) fn end_paragraph(&mut self, before: &str) {
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
                self.out.push_str(if before == "- " { "\n" } else { "\n\n" });
            }
        }
    }

    pub(super) fn start_table(&mut self) {
        self.end_paragraph("");
        self.tables.push(Open {
            table: Table::new(),
            row: Vec::new(),
            cell: String::new(),
        });
    }

    pub(super) fn end_cell(&mut self) {
        self.end_paragraph("");
        if let Some(open) = self.tables.last_mut() {
            let cell = std::mem::take(&mut open.cell);
            open.row.push(cell);
        }
    }

    pub(super) fn end_row(&mut self) {
        if let Some(open) = self.tables.last_mut() {
            let row = std::mem::take(&mut open.row);
            open.table.push(row);
        }
    }

    pub(super) fn end_table(&mut self) {
        let Some(open) = self.tables.pop() else { return };
        let markdown = open.table.markdown();
        match self.tables.last_mut() {
            Some(outer) => outer.cell.push_str(&markdown.replace('\n', " ")),
            None => {
                self.out.push_str(&markdown);
                self.out.push('\n');
            }
        }
    }

    /// All of it.
    pub(super) fn finish(mut self) -> String {
        self.end_paragraph("");
        while !self.tables.is_empty() {
            self.end_cell();
            self.end_row();
            self.end_table();
        }
        crate::text::tidy(&self.out)
    }
}
