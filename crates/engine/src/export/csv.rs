//! Comma-separated values: UTF-8 without a mark, RFC 4180 quoting, one line feed
//! per row, a heading row. An absent value is nothing, an empty text is `""`.
//!
//! Values are written as they are, unless asked otherwise: a text that starts with `=`, `+`,
//! `-` or `@` would be changed for every program that is not a spreadsheet. For files that
//! a spreadsheet opens there is [`CsvStyle::excel_safe`]; in XLSX a text is always a text.

use std::io::{self, Write};

use docmill_core::escape;
use docmill_store::ResultRow;

use super::flatten::{Cell, Flattener};
use super::target::{Output, Stage};
use super::{CsvStyle, ExportError, Writer};

pub(super) struct CsvWriter {
    style: CsvStyle,
    flattener: Flattener,
    outputs: Vec<Output>,
}

impl CsvWriter {
    pub(super) fn new(flattener: Flattener, style: CsvStyle, stage: &mut Stage) -> Result<Self, ExportError> {
        let mut outputs = Vec::new();
        for table in &flattener.layout.tables {
            let mut output = stage.create(&table.name)?;
            let blame = output.blame();
            let headings: Vec<Cell<'_>> = table
                .columns
                .iter()
                .map(|column| Cell::Text(column.name.as_str().into()))
                .collect();
            if style.bom {
                output.write_all("\u{feff}".as_bytes()).map_err(&blame)?;
            }
            write_row(&mut output, &headings, style).map_err(blame)?;
            outputs.push(output);
        }
        Ok(Self {
            style,
            flattener,
            outputs,
        })
    }
}

impl Writer for CsvWriter {
    fn document(&mut self, result: &ResultRow) -> Result<(), ExportError> {
        let (outputs, style) = (&mut self.outputs, self.style);
        self.flattener.rows(result, &mut |table, cells| {
            let Some(output) = outputs.get_mut(table) else {
                return Ok(());
            };
            write_row(output, cells, style).map_err(|error| output.blame()(error))
        })
    }

    fn finish(self: Box<Self>) -> Result<(), ExportError> {
        for mut output in self.outputs {
            output.flush().map_err(|error| output.blame()(error))?;
        }
        Ok(())
    }
}

fn write_row(output: &mut impl Write, cells: &[Cell<'_>], style: CsvStyle) -> io::Result<()> {
    for (index, cell) in cells.iter().enumerate() {
        if index > 0 {
            output.write_all(b",")?;
        }
        match cell {
            Cell::Empty => {}
            Cell::Text(text) if style.excel_safe => write_text(output, &escape::spreadsheet(text))?,
            Cell::Text(text) => write_text(output, text)?,
            Cell::Integer(number) => write!(output, "{number}")?,
            Cell::Number(number) => output.write_all(number_text(*number).as_bytes())?,
            Cell::Exact { digits, .. } => output.write_all(digits.as_bytes())?,
            Cell::Boolean(flag) => write!(output, "{flag}")?,
        }
    }
    output.write_all(b"\n")
}

fn write_text(output: &mut impl Write, text: &str) -> io::Result<()> {
    let is_plain = !text.is_empty()
        && !text.contains([',', '"', '\n', '\r', '\0'])
        && !text.starts_with(char::is_whitespace)
        && !text.ends_with(char::is_whitespace);
    if is_plain {
        return output.write_all(text.as_bytes());
    }
    // No reader of CSV takes a zero byte.
    let quoted = text.replace('"', "\"\"").replace('\0', "\u{FFFD}");
    write!(output, "\"{quoted}\"")
}

/// The shortest text that reads back as the same number, without a needless `.0`.
pub(super) fn number_text(number: f64) -> String {
    if number.fract() == 0.0 && number.abs() < 1e15 {
        return format!("{number:.0}");
    }
    if number.abs() >= 1e15 || number.abs() < 1e-9 {
        return format!("{number:e}");
    }
    number.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(cells: &[Cell<'_>]) -> String {
        let mut bytes = Vec::new();
        write_row(&mut bytes, cells, CsvStyle::default()).unwrap();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_spreadsheet_gets_no_formula_when_asked_so() {
        let style = CsvStyle {
            excel_safe: true,
            bom: false,
        };
        let mut bytes = Vec::new();
        let cells = [
            Cell::Text("=HYPERLINK(\"x\")".into()),
            Cell::Number(-1.5),
            Cell::Text("-a".into()),
        ];
        write_row(&mut bytes, &cells, style).unwrap();
        assert_eq!(
            String::from_utf8(bytes).unwrap(),
            "\"'=HYPERLINK(\"\"x\"\")\",-1.5,'-a\n"
        );
    }

    #[test]
    fn texts_are_quoted_when_they_must_be_and_never_changed() {
        let text = |text: &'static str| Cell::Text(text.into());
        assert_eq!(line(&[text("a"), Cell::Empty, text("")]), "a,,\"\"\n");
        assert_eq!(
            line(&[text("a,b"), text("say \"x\""), text("1\n2")]),
            "\"a,b\",\"say \"\"x\"\"\",\"1\n2\"\n"
        );
        assert_eq!(line(&[text("=1+1"), text(" x")]), "=1+1,\" x\"\n");
    }

    #[test]
    fn numbers_read_back_as_they_were() {
        for (number, text) in [
            (12.5, "12.5"),
            (13.0, "13"),
            (0.1, "0.1"),
            (-0.003, "-0.003"),
            (1e300, "1e300"),
        ] {
            assert_eq!(number_text(number), text);
        }
        for number in [1.0 / 3.0, 123_456_789.123, 1e-12, 9e15] {
            assert_eq!(number_text(number).parse::<f64>().unwrap(), number);
        }
    }
}
