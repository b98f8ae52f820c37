//! A sheet as it is put together: cells by row and column, sparse, because two cells may lie a
//! million rows apart.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::limits;
use crate::outcome::Outcome;
use crate::table::{self, Table};

/// Cells from the first to the last column and row, as a merged region or a range names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Region {
    pub(super) first: (u32, u32),
    pub(super) last: (u32, u32),
}

/// A row.
#[derive(Debug, Default)]
struct Row {
    is_hidden: bool,
    cells: BTreeMap<u32, String>,
}

/// A sheet that is being read.
#[derive(Debug, Default)]
pub(super) struct Grid {
    pub(super) name: String,
    pub(super) is_hidden: bool,
    rows: BTreeMap<u32, Row>,
    cells: usize,
    /// Cells for which there was no room.
    left_out: usize,
    pub(super) merged: Vec<Region>,
    /// First and last of columns that are hidden.
    pub(super) hidden_columns: Vec<(u32, u32)>,
    /// What stands beside the cells: comments, charts, headers.
    pub(super) beside: Vec<String>,
    /// Cells with a value that their format hides.
    pub(super) invisible: usize,
    /// Formulas without a stored result.
    pub(super) without_result: usize,
}

impl Grid {
    pub(super) fn new(name: impl Into<String>, is_hidden: bool) -> Self {
        Self {
            name: name.into(),
            is_hidden,
            ..Self::default()
        }
    }

    /// Puts a text into a cell.
    pub(super) fn put(&mut self, row: u32, column: u32, text: String) {
        if text.trim().is_empty() {
            return;
        }
        if self.cells >= limits::SHEET_CELLS {
            self.left_out += 1;
            return;
        }
        self.cells += 1;
        self.rows.entry(row).or_default().cells.insert(column, text);
    }

    pub(super) fn hide_row(&mut self, row: u32) {
        // Rows without cells are in no table; a mark alone would put them there.
        if let Some(row) = self.rows.get_mut(&row) {
            row.is_hidden = true;
        }
    }

    /// Adds the sheet as a page, and what is to be said about it.
    pub(super) fn put_into(mut self, outcome: &mut Outcome, is_only: bool) {
        self.spread_labels();
        let mut text = String::new();
        let heading = super::heading(&self.name, self.is_hidden, is_only);
        // A sheet with nothing in it is an empty page, whatever it is called.
        let is_empty = self.rows.is_empty() && self.beside.is_empty();
        if let Some(heading) = heading.as_ref().filter(|_| !is_empty) {
            let _ = writeln!(text, "## {heading}\n");
        }
        text.push_str(&self.table());
        if !self.hidden_columns.is_empty() && !self.rows.is_empty() {
            let columns: Vec<String> = self
                .hidden_columns
                .iter()
                .map(|(first, last)| match first == last {
                    true => column_name(*first),
                    false => format!("{}–{}", column_name(*first), column_name(*last)),
                })
                .collect();
            let _ = writeln!(text, "\nHidden columns: {}.", columns.join(", "));
        }
        for beside in &self.beside {
            text.push('\n');
            text.push_str(beside);
            text.push('\n');
        }
        let name = &self.name;
        outcome.push(Some(heading.unwrap_or_else(|| name.clone())), text);
        if self.left_out > 0 {
            outcome.limit(format!(
                "Only the first {} cells of sheet {name:?} were read; {} were left out. Split the workbook to have all of them.",
                limits::SHEET_CELLS,
                self.left_out
            ));
        }
        if self.invisible > 0 {
            outcome.note(format!(
                "{} cells of sheet {name:?} have a format that shows nothing; they were left out.",
                self.invisible
            ));
        }
        if self.without_result > 0 {
            outcome.missing(format!(
                "{} formulas of sheet {name:?} have no stored result; open the workbook in a spreadsheet program and save it.",
                self.without_result
            ));
        }
    }

    /// A merged cell that is a label stands in all the places it covers.
    fn spread_labels(&mut self) {
        for region in std::mem::take(&mut self.merged) {
            let (row, column) = region.first;
            let Some(first) = self.rows.get(&row) else {
                continue;
            };
            let label = first
                .cells
                .get(&column)
                .map_or("", |text| table::label(text))
                .to_owned();
            // A title over the whole table is no label of each column.
            let is_title = first.cells.len() == 1 && region.last.0 == row;
            if label.is_empty() || is_title || region.last.1.saturating_sub(column) > 60 {
                continue;
            }
            for (_, covered) in self.rows.range_mut(row..=region.last.0.max(row)).take(1000) {
                for place in column..=region.last.1.max(column) {
                    covered.cells.entry(place).or_insert_with(|| label.clone());
                }
            }
        }
    }

    /// The cells as a table; where nearly all places are empty, each with its name.
    fn table(&self) -> String {
        let mut used: Vec<u32> = self
            .rows
            .values()
            .flat_map(|row| row.cells.keys().copied())
            .collect();
        used.sort_unstable();
        used.dedup();
        let places = used.len().saturating_mul(self.rows.len());
        if places > 200_000 && places > self.cells.saturating_mul(20) {
            return self.listed();
        }
        let marks = self.rows.values().any(|row| row.is_hidden);
        let mut table = Table::new();
        for row in self.rows.values() {
            let mark = marks.then(|| if row.is_hidden { "(hidden row)" } else { "" }.to_owned());
            let mut cells: Vec<String> = mark.into_iter().collect();
            for column in &used {
                cells.push(row.cells.get(column).cloned().unwrap_or_default());
            }
            table.push(cells);
        }
        table.markdown()
    }

    fn listed(&self) -> String {
        let mut text = String::new();
        for (number, row) in &self.rows {
            let hidden = if row.is_hidden { " (hidden row)" } else { "" };
            for (column, cell) in &row.cells {
                let cell = cell.split_whitespace().collect::<Vec<_>>().join(" ");
                let _ = writeln!(
                    text,
                    "{}{}{hidden}: {cell}",
                    column_name(*column),
                    u64::from(*number) + 1
                );
            }
        }
        text
    }
}

/// "A" to "XFD", from 0.
pub(super) fn column_name(column: u32) -> String {
    let mut letters = Vec::new();
    let mut rest = u64::from(column) + 1;
    while rest > 0 {
        rest -= 1;
        letters.push(char::from(b'A' + (rest % 26) as u8));
        rest /= 26;
    }
    letters.iter().rev().collect()
}

/// Row and column of "B3" or "$B$3", from 0.
pub(super) fn place(name: &str) -> Option<(u32, u32)> {
    let name = name.trim().replace('$', "");
    let digits = name.find(|c: char| c.is_ascii_digit())?;
    let mut column = 0_u32;
    for letter in name[..digits].chars() {
        let value = u32::from(letter.to_ascii_uppercase())
            .checked_sub(64)
            .filter(|value| *value <= 26)?;
        column = column.checked_mul(26)?.checked_add(value)?;
    }
    let row: u32 = name[digits..].parse().ok()?;
    Some((row.checked_sub(1)?, column.checked_sub(1)?))
}

/// "B3:D5", or one cell.
pub(super) fn region(name: &str) -> Option<Region> {
    let (first, last) = name.split_once(':').unwrap_or((name, name));
    Some(Region {
        first: place(first)?,
        last: place(last)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(grid: Grid) -> String {
        let mut outcome = Outcome::default();
        grid.put_into(&mut outcome, true);
        outcome.pages[0].text.clone()
    }

    #[test]
    fn places_are_named_as_in_spreadsheets() {
        assert_eq!(place("A1"), Some((0, 0)));
        assert_eq!(place("$AB$12"), Some((11, 27)));
        assert_eq!(place("XFD1048576"), Some((1_048_575, 16_383)));
        assert_eq!(place("12"), None);
        assert_eq!(column_name(27), "AB");
        assert_eq!(column_name(16_383), "XFD");
    }

    #[test]
    fn far_corners_are_near_in_the_table() {
        let mut grid = Grid::new("Sheet1", false);
        grid.put(0, 0, "here".to_owned());
        grid.put(1_048_575, 16_383, "there".to_owned());
        assert_eq!(text(grid), "| here |  |\n| --- | --- |\n|  | there |\n");
    }

    #[test]
    fn what_is_hidden_is_marked() {
        let mut grid = Grid::new("Costs", true);
        grid.put(0, 0, "a".to_owned());
        grid.put(1, 0, "b".to_owned());
        grid.put(1, 2, "c".to_owned());
        grid.hide_row(1);
        grid.hidden_columns.push((2, 2));
        assert_eq!(
            text(grid),
            "## Costs (hidden)\n\n|  | a |  |\n| --- | --- | --- |\n| (hidden row) | b | c |\n\nHidden columns: C.\n"
        );
    }

    #[test]
    fn a_sheet_of_few_cells_far_apart_is_a_list() {
        let mut grid = Grid::new("Sheet1", false);
        for at in 0..1000 {
            grid.put(at * 3, at, "x".to_owned());
        }
        assert!(text(grid).starts_with("A1: x\nB4: x\n"));
    }
}
