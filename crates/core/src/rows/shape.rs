//! What a line looks like: enough to tell rows of a table from headings, prose and totals.

use std::collections::BTreeMap;

use crate::page::Page;

/// What a line looks like. Lines of one table have few shapes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RowShape {
    /// A row of a Markdown table: its cells, and the first and last that hold something.
    Cells {
        /// How many.
        count: usize,
        /// The first that is not empty, and whether it is a number (a date, a code).
        first: (usize, bool),
        /// The last.
        last: (usize, bool),
    },
    /// A line of words and numbers: how many numbers begin and end it.
    Words {
        /// Numbers before the first word.
        leading: usize,
        /// Numbers after the last word.
        trailing: usize,
    },
}

/// Words that begin a line of a table which sums up others.
const SUMS: &[&str] = &[
    "total",
    "totals",
    "subtotal",
    "sub",
    "sum",
    "grand",
    "balance",
    "opening",
    "closing",
    "carried",
    "brought",
    "summe",
    "zwischensumme",
    "gesamt",
    "gesamtsumme",
    "übertrag",
    "saldo",
    "anfangssaldo",
    "endsaldo",
    "totale",
    "sous",
    "solde",
    "report",
    "suma",
    "page",
    "seite",
];

/// More numbers than this at one end of a line say nothing more.
const MOST_NUMBERS: usize = 6;

impl RowShape {
    /// The shape of a line that may be a row; `None` for headings, rules, prose and sums.
    #[must_use]
    pub fn of(line: &str) -> Option<Self> {
        let line = line.trim();
        let first_word = line
            .split(|c: char| !c.is_alphanumeric())
            .find(|word| !word.is_empty())?
            .to_lowercase();
        if SUMS.contains(&first_word.as_str()) {
            return None;
        }
        match line.strip_prefix('|') {
            Some(cells) => Self::of_cells(cells.strip_suffix('|').unwrap_or(cells)),
            None => Self::of_words(line),
        }
    }

    fn of_cells(cells: &str) -> Option<Self> {
        let cells: Vec<&str> = cells.split(" | ").map(str::trim).collect();
        let mut filled = cells.iter().enumerate().filter(|(_, cell)| !cell.is_empty());
        let first = filled.next()?;
        let last = filled.next_back()?;
        let kind = |(at, cell): (usize, &&str)| (at, is_number(cell));
        Some(Self::Cells {
            count: cells.len(),
            first: kind(first),
            last: kind(last),
        })
    }

    /// Two numbers at least make a row, and some words between or beside them.
    fn of_words(line: &str) -> Option<Self> {
        let words = || {
            line.split_whitespace()
                .filter(|word| word.chars().any(char::is_alphanumeric))
        };
        let leading = words().take_while(|word| is_number(word)).count();
        let trailing = line
            .split_whitespace()
            .rev()
            .filter(|word| word.chars().any(char::is_alphanumeric))
            .take_while(|word| is_number(word))
            .count();
        let is_row = leading + trailing >= 2 && trailing > 0 || leading > 0 && words().count() >= 3;
        is_row.then_some(Self::Words {
            leading: leading.min(MOST_NUMBERS),
            trailing: trailing.min(MOST_NUMBERS),
        })
    }
}

/// A number, a date, a code: more digits and signs than letters.
fn is_number(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    digits > 0 && letters <= digits
}

/// Rows from which a list is long.
const LONG: usize = 40;

/// What the rows of a long table in these pages look like; `None` when there is none.
#[must_use]
pub fn usual_shape(pages: &[Page]) -> Option<RowShape> {
    // Most documents are short.
    let lines: usize = pages
        .iter()
        .map(|page| memchr::memchr_iter(b'\n', page.text.as_bytes()).count() + 1)
        .sum();
    if lines < LONG {
        return None;
    }
    let mut counts: BTreeMap<RowShape, usize> = BTreeMap::new();
    let lines = pages.iter().flat_map(|page| page.text.lines());
    for shape in lines.filter_map(RowShape::of) {
        *counts.entry(shape).or_default() += 1;
    }
    let (shape, count) = counts.into_iter().max_by_key(|(_, count)| *count)?;
    (count >= LONG).then_some(shape)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_a_table_look_alike_and_headings_do_not() {
        let row = RowShape::of("R-00017 2026-01-05 Blue widget 5mm 3 12.50");
        assert!(row.is_some());
        assert_eq!(row, RowShape::of("R-00018 2026-01-05 Bolt 1 1,250.00"));
        for other in [
            "No Date Article Quantity Amount",
            "Total 1,250.00 12.50",
            "Page 3 of 300",
            "The delivery was late, as agreed.",
            "---",
            "",
        ] {
            assert_eq!(RowShape::of(other), None, "{other}");
        }
    }

    #[test]
    fn rows_of_markdown_tables_are_told_by_their_cells() {
        let row = RowShape::of("| 17 | Blue widget | 12.50 |");
        assert!(row.is_some());
        assert_eq!(row, RowShape::of("| 18 |  | 1.00 |"));
        assert_eq!(RowShape::of("| --- | --- | --- |"), None);
        assert_ne!(row, RowShape::of("| Number | Article | Amount |"));
        assert_ne!(row, RowShape::of("|  | all together | 13.50 |"));
    }
}
