//! Tables as Markdown: what models read best, and people too.
//!
//! Markdown has no merged cells. A cell that spans several columns or rows is written in its
//! first place; a short label ("Sales" over "2025" and "2026") is repeated in the others, so
//! that each column keeps its header and each row its name. Amounts and long texts are not:
//! an amount that stands once must not be counted twice.

use std::fmt::Write as _;

/// Longest text that is taken for a label of all the rows and columns its cell spans.
const LABEL_CHARS: usize = 60;

/// Places one cell may span and still be repeated.
const SPAN: usize = 60;

/// Columns up to which spans are followed: a page of spans must not make a table of gigabytes.
const WIDTH: usize = 2000;

/// A cell and how far it spans.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) text: String,
    /// Columns it covers; 0 counts as 1.
    pub(crate) columns: usize,
    /// Rows it covers, this one included; 0 counts as 1.
    pub(crate) rows: usize,
    /// It is the continuation of the cell above.
    pub(crate) continues_above: bool,
    /// It is the continuation of the cell before.
    pub(crate) continues_before: bool,
}

impl Cell {
    pub(crate) fn of(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            ..Self::default()
        }
    }
}

/// Builds a Markdown table row by row, trimming what is empty around it.
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
    /// Cells of earlier rows that reach into the next: rows left, and what is repeated there.
    reaching: Vec<(usize, String)>,
    /// The row before as it was pushed, empty or not.
    before: Vec<String>,
}

impl Table {
    pub(crate) fn new() -> Self {
        Self {
            rows: Vec::new(),
            reaching: Vec::new(),
            before: Vec::new(),
        }
    }

    /// Adds a row; empty rows are left out.
    pub(crate) fn push(&mut self, cells: impl IntoIterator<Item = String>) {
        self.push_cells(cells.into_iter().map(Cell::of));
    }

    /// Adds a row of cells that may span several columns and rows.
    pub(crate) fn push_cells(&mut self, cells: impl IntoIterator<Item = Cell>) {
        let mut row = Vec::new();
        let mut says_something = false;
        let mut cells = cells.into_iter().peekable();
        let mut first = true;
        while let Some(cell) = cells.next() {
            self.place_reaching(&mut row);
            let text = if cell.continues_above {
                label(self.before.get(row.len()).map_or("", String::as_str)).to_owned()
            } else if cell.continues_before {
                label(row.last().map_or("", String::as_str)).to_owned()
            } else {
                let text = clean(&cell.text);
                says_something |= !text.is_empty();
                text
            };
            let room = if row.len() < WIDTH { SPAN } else { 1 };
            let (columns, rows) = (cell.columns.clamp(1, room), cell.rows.max(1));
            // A title over the whole table is no label of each column.
            let title = first && cells.peek().is_none();
            let repeated = if title { "" } else { label(&text) }.to_owned();
            for place in 0..columns {
                let column = row.len();
                if rows > 1 && column < WIDTH {
                    if self.reaching.len() <= column {
                        self.reaching.resize(column + 1, (0, String::new()));
                    }
                    self.reaching[column] = (rows, repeated.clone());
                }
                row.push(if place == 0 {
                    text.clone()
                } else {
                    repeated.clone()
                });
            }
            first = false;
        }
        self.place_reaching(&mut row);
        for (rows, _) in &mut self.reaching {
            *rows = rows.saturating_sub(1);
        }
        self.before.clone_from(&row);
        while row.last().is_some_and(String::is_empty) {
            row.pop();
        }
        if says_something {
            self.rows.push(row);
        }
    }

    /// Fills the next places as long as cells from above reach into them.
    fn place_reaching(&self, row: &mut Vec<String>) {
        while let Some((rows, text)) = self.reaching.get(row.len())
            && *rows > 0
        {
            row.push(text.clone());
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The table. Columns that are empty in every row are left out.
    pub(crate) fn markdown(&self) -> String {
        let width = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let mut filled = vec![false; width];
        for row in &self.rows {
            for (column, cell) in row.iter().enumerate() {
                filled[column] |= !cell.is_empty();
            }
        }
        let used: Vec<usize> = (0..width).filter(|column| filled[*column]).collect();
        let mut text = String::new();
        for (index, row) in self.rows.iter().enumerate() {
            text.push('|');
            for column in &used {
                let cell = row.get(*column).map_or("", String::as_str);
                let _ = write!(text, " {cell} |");
            }
            text.push('\n');
            if index == 0 {
                text.push('|');
                text.push_str(&" --- |".repeat(used.len()));
                text.push('\n');
            }
        }
        text
    }
}

/// What is repeated where a cell spans more than one place: its text when it is a short label,
/// nothing when it is an amount, a number or a paragraph.
pub(crate) fn label(text: &str) -> &str {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    let is_year = digits == 4 && text.trim().len() == 4;
    if text.chars().count() <= LABEL_CHARS && (letters > digits || is_year) {
        text
    } else {
        ""
    }
}

/// One line, and no bar that would end the cell.
fn clean(cell: &str) -> String {
    let mut clean = String::with_capacity(cell.len());
    for word in cell.split_whitespace() {
        if !clean.is_empty() {
            clean.push(' ');
        }
        clean.push_str(&word.replace('|', "\\|"));
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_rows_and_columns_are_left_out() {
        let mut table = Table::new();
        table.push(["a".to_owned(), String::new(), "b|c".to_owned(), String::new()]);
        table.push([String::new(), " ".to_owned()]);
        table.push(["1\n2".to_owned()]);
        assert_eq!(table.markdown(), "| a | b\\|c |\n| --- | --- |\n| 1 2 |  |\n");
    }

    fn spanning(text: &str, columns: usize, rows: usize) -> Cell {
        Cell {
            columns,
            rows,
            ..Cell::of(text)
        }
    }

    #[test]
    fn labels_stand_over_all_they_span_and_amounts_once() {
        let mut table = Table::new();
        table.push_cells([spanning("Region", 1, 2), spanning("Sales", 2, 1)]);
        table.push_cells([Cell::of("2025"), Cell::of("2026")]);
        table.push_cells([
            spanning("North", 1, 2),
            Cell::of("11"),
            spanning("400.00 €", 1, 2),
        ]);
        table.push_cells([Cell::of("12")]);
        assert_eq!(
            table.markdown(),
            "| Region | Sales | Sales |\n| --- | --- | --- |\n| Region | 2025 | 2026 |\n\
             | North | 11 | 400.00 € |\n| North | 12 |  |\n"
        );
    }

    #[test]
    fn a_title_over_the_table_is_written_once() {
        let mut table = Table::new();
        table.push_cells([spanning("All figures", 3, 1)]);
        table.push(["a", "b", "c"].map(str::to_owned));
        assert_eq!(
            table.markdown(),
            "| All figures |  |  |\n| --- | --- | --- |\n| a | b | c |\n"
        );
    }
}
