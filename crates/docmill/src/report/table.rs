//! Tables: aligned columns, the last-but-widest cut to the terminal, nothing cut in pipes.

use super::text::{clean, cut, width};
use super::{Style, paint};

/// How a column is aligned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Texts.
    Left,
    /// Numbers.
    Right,
}

/// A cell with its colour.
#[derive(Debug, Clone)]
struct Cell {
    text: String,
    style: Option<Style>,
}

/// A table being put together.
#[derive(Debug)]
pub struct Table {
    columns: Vec<(String, Align)>,
    rows: Vec<Vec<Cell>>,
}

/// Blanks between columns.
const GAP: usize = 2;

/// What a column that must shrink keeps.
const LEAST: usize = 12;

impl Table {
    /// An empty table with these headings; `>` in front aligns a column to the right.
    pub fn new(headings: &[&str]) -> Self {
        let columns = headings
            .iter()
            .map(|heading| match heading.strip_prefix('>') {
                Some(heading) => (heading.to_owned(), Align::Right),
                None => ((*heading).to_owned(), Align::Left),
            })
            .collect();
        Self {
            columns,
            rows: Vec::new(),
        }
    }

    /// Adds a row; texts are washed here, so that no caller can forget it.
    pub fn row(&mut self, cells: Vec<(String, Option<Style>)>) {
        let cells = cells
            .into_iter()
            .map(|(text, style)| Cell {
                text: clean(&text).into_owned(),
                style,
            })
            .collect();
        self.rows.push(cells);
    }

    /// Adds a row without colours.
    pub fn plain_row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.row(cells.into_iter().map(|cell| (cell, None)).collect());
    }

    /// The table as text; fitted to `columns` of a terminal when there is one.
    pub fn render(&self, colored: bool, columns: Option<usize>) -> String {
        let widths = self.widths(columns);
        let mut out = String::new();
        let has_headings = self.columns.iter().any(|(heading, _)| !heading.is_empty());
        if has_headings {
            let headings: Vec<Cell> = self
                .columns
                .iter()
                .map(|(heading, _)| Cell {
                    text: heading.clone(),
                    style: Some(Style::Dim),
                })
                .collect();
            self.line(&headings, &widths, colored, &mut out);
        }
        for row in &self.rows {
            self.line(row, &widths, colored, &mut out);
        }
        out
    }

    fn line(&self, cells: &[Cell], widths: &[usize], colored: bool, out: &mut String) {
        let mut line = String::new();
        let mut pending = 0;
        for ((cell, (_, align)), wide) in cells.iter().zip(&self.columns).zip(widths) {
            let text = cut(&cell.text, *wide);
            let blanks = wide.saturating_sub(width(&text));
            let painted = match cell.style {
                Some(style) if !text.is_empty() => paint(colored, style, &text),
                _ => text.into_owned(),
            };
            let before = if *align == Align::Right { blanks } else { 0 };
            // Blanks are only written when something follows them: no line ends in blanks.
            if !painted.is_empty() {
                line.push_str(&" ".repeat(pending + before));
                line.push_str(&painted);
                pending = 0;
            } else {
                pending += before;
            }
            pending += GAP + if *align == Align::Left { blanks } else { 0 };
        }
        out.push_str(&line);
        out.push('\n');
    }

    /// Width of each column; the widest one gives way until the table fits.
    fn widths(&self, columns: Option<usize>) -> Vec<usize> {
        let mut widths: Vec<usize> = self.columns.iter().map(|(heading, _)| width(heading)).collect();
        for row in &self.rows {
            for (wide, cell) in widths.iter_mut().zip(row) {
                *wide = (*wide).max(width(&cell.text));
            }
        }
        let Some(columns) = columns else { return widths };
        loop {
            let total = widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1);
            let over = total.saturating_sub(columns);
            let Some(widest) = widths.iter_mut().max().filter(|wide| over > 0 && **wide > LEAST) else {
                return widths;
            };
            // Down to where it fits, but not below the least; then the next widest gives way.
            *widest = widest.saturating_sub(over).max(LEAST).max(*widest / 2);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_the_widest_gives_way() {
        let mut table = Table::new(&[">no", "name", "state"]);
        table.plain_row([
            "1".into(),
            "a-rather-long-name-of-a-document.pdf".into(),
            "failed".into(),
        ]);
        table.plain_row(["10".into(), "b\u{1b}[31m".into(), String::new()]);
        assert_eq!(
            table.render(false, None),
            "no  name                                  state\n 1  a-rather-long-name-of-a-document.pdf  failed\n\
             10  b\u{fffd}[31m\n"
        );
        let narrow = table.render(false, Some(30));
        assert!(narrow.lines().all(|line| width(line) <= 30), "{narrow}");
        assert!(narrow.contains("a-rather-long-nam…"), "{narrow}");
    }
}
