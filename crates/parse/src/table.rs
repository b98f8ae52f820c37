//! Tables as Markdown: what models read best, and people too.

use std::fmt::Write as _;

/// Builds a Markdown table row by row, trimming what is empty around it.
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new() -> Self {
        Self { rows: Vec::new() }
    }

    /// Adds a row; empty rows are left out.
    pub(crate) fn push(&mut self, cells: impl IntoIterator<Item = String>) {
        let mut cells: Vec<String> = cells.into_iter().map(|cell| clean(&cell)).collect();
        while cells.last().is_some_and(String::is_empty) {
            cells.pop();
        }
        if !cells.is_empty() {
            self.rows.push(cells);
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// The table. Columns that are empty in every row are left out.
    pub(crate) fn markdown(&self) -> String {
        let width = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let used: Vec<usize> = (0..width)
            .filter(|column| {
                self.rows
                    .iter()
                    .any(|row| row.get(*column).is_some_and(|cell| !cell.is_empty()))
            })
            .collect();
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
}
