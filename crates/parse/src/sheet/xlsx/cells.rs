//! The cells of a sheet part (ECMA-376 part 1, 18.3.1).

use docmill_core::failure::Failure;
use quick_xml::events::BytesStart;

use super::Book;
use crate::office::package::{Node, attribute, walk};
use crate::sheet::grid::{self, Grid};

/// Reads the cells; whether the part is whole.
pub(super) fn read(xml: &str, book: &Book, grid: &mut Grid) -> Result<bool, Failure> {
    let mut sheet = Sheet {
        book,
        grid,
        row: 0,
        column: 0,
        is_hidden: false,
        cell: Cell::default(),
        at: At::Nowhere,
    };
    walk(xml, &mut |node| sheet.node(node))
}

#[derive(Clone, Copy, PartialEq)]
enum At {
    Nowhere,
    Value,
    InlineText,
    HeaderOrFooter,
}

/// A cell that is being read.
#[derive(Default)]
struct Cell {
    kind: String,
    style: usize,
    text: String,
    has_value: bool,
    has_formula: bool,
}

struct Sheet<'a> {
    book: &'a Book,
    grid: &'a mut Grid,
    /// The row and the column that come next.
    row: u32,
    column: u32,
    is_hidden: bool,
    cell: Cell,
    at: At,
}

impl Sheet<'_> {
    fn node(&mut self, node: Node<'_>) {
        match node {
            Node::Start("c", start) => self.start_cell(start),
            Node::Start("v", _) => {
                self.at = At::Value;
                self.cell.has_value = true;
            }
            Node::Start("f", _) => self.cell.has_formula = true,
            Node::Start("t", _) => {
                self.at = At::InlineText;
                self.cell.has_value = true;
            }
            Node::Start("rPh", _) => self.at = At::Nowhere,
            Node::End("v" | "t") => self.at = At::Nowhere,
            Node::Text(text) if self.at != At::Nowhere => self.cell.text.push_str(text),
            Node::End("c") => self.end_cell(),
            Node::Start("row", start) => {
                if let Some(row) = attribute(start, "r").and_then(|row| row.parse::<u32>().ok()) {
                    self.row = row.saturating_sub(1);
                }
                self.column = 0;
                self.is_hidden = is_set(start, "hidden");
            }
            Node::End("row") => {
                if self.is_hidden {
                    self.grid.hide_row(self.row);
                }
                self.row = self.row.saturating_add(1);
            }
            Node::Start("col", start) if is_set(start, "hidden") => {
                let number = |name: &str| attribute(start, name).and_then(|value| value.parse::<u32>().ok());
                if let (Some(first), Some(last)) = (number("min"), number("max")) {
                    let (first, last) = (first.saturating_sub(1), last.saturating_sub(1));
                    self.grid.hidden_columns.push((first, last));
                }
            }
            Node::Start("mergeCell", start) => {
                let region = attribute(start, "ref").and_then(|name| grid::region(&name));
                self.grid.merged.extend(region);
            }
            Node::Start("oddHeader" | "oddFooter", _) => {
                self.at = At::HeaderOrFooter;
                self.cell.text.clear();
            }
            Node::End(name @ ("oddHeader" | "oddFooter")) => {
                self.at = At::Nowhere;
                let text = without_codes(&std::mem::take(&mut self.cell.text));
                if !text.is_empty() {
                    let what = if name == "oddHeader" { "Header" } else { "Footer" };
                    self.grid.beside.push(format!("{what}: {text}"));
                }
            }
            _ => {}
        }
    }

    fn start_cell(&mut self, start: &BytesStart<'_>) {
        let mut cell = Cell::default();
        let mut named = None;
        for attribute in start.attributes().flatten() {
            match attribute.key.as_ref() {
                "r" => named = grid::place(&attribute.value),
                "s" => cell.style = attribute.value.parse().unwrap_or(0),
                "t" => cell.kind = attribute.value.into_owned(),
                _ => {}
            }
        }
        if let Some((row, column)) = named {
            self.row = row;
            self.column = column;
        }
        self.cell = cell;
    }

    fn end_cell(&mut self) {
        let cell = std::mem::take(&mut self.cell);
        let (row, column) = (self.row, self.column);
        self.column = self.column.saturating_add(1);
        if !cell.has_value || cell.text.is_empty() && cell.kind != "str" && cell.kind != "inlineStr" {
            self.grid.without_result += usize::from(cell.has_formula);
            return;
        }
        let format = self.book.formats.get(cell.style);
        let formatted = |text: &str| format.map_or_else(|| text.to_owned(), |format| format.text(text));
        let text = match cell.kind.as_str() {
            "s" => {
                let index = cell.text.trim().parse::<usize>().ok();
                let text = index.and_then(|index| self.book.texts.get(index));
                formatted(text.map_or("", String::as_str))
            }
            "b" => match cell.text.trim() {
                "0" | "false" => "FALSE".to_owned(),
                _ => "TRUE".to_owned(),
            },
            "e" => cell.text,
            "str" | "inlineStr" => formatted(&unescaped(&cell.text)),
            // ISO 8601 dates are stored as they are.
            "d" => cell.text.replace("T00:00:00", ""),
            _ => match (cell.text.trim().parse::<f64>(), format) {
                (Ok(number), Some(format)) => {
                    let shown = format.number(number, Some(&cell.text));
                    self.grid.invisible += usize::from(shown.is_empty());
                    shown
                }
                _ => cell.text,
            },
        };
        self.grid.put(row, column, text);
    }
}

fn is_set(start: &BytesStart<'_>, name: &str) -> bool {
    attribute(start, name).is_some_and(|value| value == "1" || value == "true")
}

/// `_x000D_` stands for a character that XML cannot hold (22.9.2.19).
pub(super) fn unescaped(text: &str) -> String {
    if !text.contains("_x") {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("_x") {
        out.push_str(&rest[..at]);
        let code = rest.get(at + 2..at + 6);
        let closed = rest.as_bytes().get(at + 6) == Some(&b'_');
        let character = code
            .filter(|code| closed && code.bytes().all(|byte| byte.is_ascii_hexdigit()))
            .and_then(|code| u32::from_str_radix(code, 16).ok())
            .and_then(char::from_u32);
        match character {
            Some(character) => {
                out.push(character);
                rest = &rest[at + 7..];
            }
            None => {
                out.push_str("_x");
                rest = &rest[at + 2..];
            }
        }
    }
    out.push_str(rest);
    out
}

/// A header without its codes: `&L` begins the left part, `&P` is the page's number (18.3.1.46).
fn without_codes(text: &str) -> String {
    let mut parts = vec![String::new()];
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if character != '&' {
            if let Some(part) = parts.last_mut() {
                part.push(character);
            }
            continue;
        }
        match characters.next() {
            Some('L' | 'C' | 'R') => parts.push(String::new()),
            Some('&') => {
                if let Some(part) = parts.last_mut() {
                    part.push('&');
                }
            }
            // A font in quotes, or a colour.
            Some('"') => {
                while characters.next_if(|c| *c != '"').is_some() {}
                characters.next();
            }
            Some('K') => {
                for _ in 0..6 {
                    characters.next_if(char::is_ascii_hexdigit);
                }
            }
            Some(digit) if digit.is_ascii_digit() => {
                while characters.next_if(char::is_ascii_digit).is_some() {}
            }
            _ => {}
        }
    }
    let parts = parts
        .iter()
        .map(|part| part.split_whitespace().collect::<Vec<_>>().join(" "));
    let said = parts.filter(|part| part.chars().any(char::is_alphanumeric));
    said.collect::<Vec<_>>().join(" | ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_that_xml_cannot_hold_come_back() {
        assert_eq!(unescaped("a_x000D_b_x_x005F_"), "a\rb_x_");
        assert_eq!(unescaped("größe_xé"), "größe_xé");
    }

    #[test]
    fn headers_lose_their_codes() {
        assert_eq!(
            without_codes("&L&\"Arial,Bold\"&12Offer 4711&C&P of &N&R&K00FF00&&Co"),
            "Offer 4711 | of | &Co"
        );
    }
}
