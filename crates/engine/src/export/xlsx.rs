//! Excel workbooks: one sheet per table, headings bold and frozen, texts as texts.
//!
//! A workbook is a ZIP of XML files. They are written here rather than with a
//! library, because those keep the sheets in memory or panic when the disk is full.
//! Sheets grow side by side while a ZIP is written one file after the other: so each
//! sheet is collected in a scratch file, and packed at the end.
//!
//! What a sheet cannot hold is worked around, and said: texts are cut at 32,767
//! characters, a sheet that is full is continued on the next (`documents (2)`), whole
//! numbers beyond 2^53 are texts.

mod parts;

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Seek, Write};
use std::path::{Path, PathBuf};

use docmill_store::ResultRow;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::csv::number_text;
use super::flatten::{Cell, Flattener};
use super::layout::{ColumnType, Table};
use super::target::{Output, Stage};
use super::{ExportError, Writer};

/// Rows of a sheet, the headings included.
const MAX_ROWS: u32 = 1_048_576;

/// Columns of a sheet.
const MAX_COLUMNS: usize = 16_384;

/// Characters of a cell, counted as UTF-16.
const MAX_TEXT: usize = 32_767;

/// Characters of a sheet's name, counted as UTF-16.
const MAX_NAME: usize = 31;

const CUT: &str = "… [cut: a cell holds no more]";

/// Whole numbers up to here are exact in a spreadsheet, whose numbers are all floats.
const MAX_WHOLE: u64 = 1 << 53;

pub(super) struct XlsxWriter {
    flattener: Flattener,
    sheets: Vec<Sheet>,
    /// For each table the sheet its rows go to.
    current: Vec<usize>,
    /// Where sheets are collected.
    scratch: PathBuf,
    output: Output,
}

/// A sheet being collected.
struct Sheet {
    name: String,
    file: BufWriter<File>,
    rows: u32,
}

impl XlsxWriter {
    pub(super) fn new(flattener: Flattener, stage: &mut Stage) -> Result<Self, ExportError> {
        let widest = flattener
            .layout
            .tables
            .iter()
            .map(|table| table.columns.len())
            .max()
            .unwrap_or(0);
        if widest > MAX_COLUMNS {
            return Err(ExportError::TooManyColumns {
                columns: widest,
                format: "xlsx",
                limit: MAX_COLUMNS,
            });
        }
        let output = stage.create("documents")?;
        let scratch = stage.scratch_folder();
        let mut sheets = Vec::new();
        for table in &flattener.layout.tables {
            let sheet = Sheet::new(table, 1, &sheets, &scratch);
            sheets.push(sheet.map_err(|error| ExportError::file(&scratch, error))?);
        }
        let current = (0..sheets.len()).collect();
        Ok(Self {
            flattener,
            sheets,
            current,
            scratch,
            output,
        })
    }
}

impl Writer for XlsxWriter {
    fn document(&mut self, result: &ResultRow) -> Result<(), ExportError> {
        let Self {
            flattener,
            sheets,
            current,
            scratch,
            ..
        } = self;
        let tables = &flattener.layout.tables;
        flattener.rows(result, &mut |table, cells| {
            let (Some(layout), Some(place)) = (tables.get(table), current.get_mut(table)) else {
                return Ok(());
            };
            let row = |sheets: &mut Vec<Sheet>| {
                if sheets.get(*place).is_some_and(|sheet| sheet.rows >= MAX_ROWS) {
                    let sheet = Sheet::new(layout, 2, sheets, scratch)?;
                    *place = sheets.len();
                    sheets.push(sheet);
                }
                match sheets.get_mut(*place) {
                    Some(sheet) => sheet.row(cells, layout),
                    None => Ok(()),
                }
            };
            let mut row = row;
            row(sheets).map_err(|error| ExportError::file(scratch, error))
        })
    }

    fn finish(self: Box<Self>) -> Result<(), ExportError> {
        let blame = self.output.blame();
        pack(self.sheets, self.output).map_err(blame)
    }
}

impl Sheet {
    /// Begins a sheet with its headings; `number` tells those of one table apart.
    fn new(table: &Table, number: u32, others: &[Self], scratch: &Path) -> io::Result<Self> {
        let file = tempfile::tempfile_in(scratch)?;
        let name = sheet_name(&table.name, number, others);
        let mut sheet = Self {
            name,
            file: BufWriter::new(file),
            rows: 0,
        };
        sheet.file.write_all(parts::SHEET_START.as_bytes())?;
        for (index, column) in table.columns.iter().enumerate() {
            let width = match column.kind {
                ColumnType::Text | ColumnType::Json => 28,
                _ => 14,
            };
            let place = index + 1;
            write!(
                sheet.file,
                "<col min=\"{place}\" max=\"{place}\" width=\"{width}\" customWidth=\"1\"/>"
            )?;
        }
        sheet.file.write_all(b"</cols><sheetData>")?;
        sheet.begin_row()?;
        for (index, column) in table.columns.iter().enumerate() {
            sheet.text(&column.name, index, parts::BOLD)?;
        }
        sheet.end_row()?;
        Ok(sheet)
    }

    fn row(&mut self, cells: &[Cell<'_>], table: &Table) -> io::Result<()> {
        self.begin_row()?;
        for (index, (cell, column)) in cells.iter().zip(&table.columns).enumerate() {
            match cell {
                Cell::Empty => {}
                Cell::Text(text) => match (column.kind, serial_date(text)) {
                    (ColumnType::Date, Some(day)) => self.plain(index, parts::DATE, "n", &day.to_string())?,
                    _ => self.text(text, index, parts::PLAIN)?,
                },
                Cell::Integer(number) if number.unsigned_abs() <= MAX_WHOLE => {
                    self.plain(index, parts::PLAIN, "n", &number.to_string())?;
                }
                Cell::Integer(number) => self.text(&number.to_string(), index, parts::PLAIN)?,
                Cell::Number(number) => self.plain(index, parts::PLAIN, "n", &number_text(*number))?,
                // Excel would round it: as text it keeps its digits.
                Cell::Exact { digits, .. } => self.text(digits, index, parts::PLAIN)?,
                Cell::Boolean(flag) => self.plain(index, parts::PLAIN, "b", if *flag { "1" } else { "0" })?,
            }
        }
        self.end_row()
    }

    fn begin_row(&mut self) -> io::Result<()> {
        self.rows += 1;
        write!(self.file, "<row r=\"{}\">", self.rows)
    }

    fn end_row(&mut self) -> io::Result<()> {
        self.file.write_all(b"</row>")
    }

    fn plain(&mut self, column: usize, style: u8, kind: &str, value: &str) -> io::Result<()> {
        let (letters, row) = (column_letters(column), self.rows);
        write!(
            self.file,
            "<c r=\"{letters}{row}\" s=\"{style}\" t=\"{kind}\"><v>{value}</v></c>"
        )
    }

    fn text(&mut self, text: &str, column: usize, style: u8) -> io::Result<()> {
        let (letters, row) = (column_letters(column), self.rows);
        write!(
            self.file,
            "<c r=\"{letters}{row}\" s=\"{style}\" t=\"inlineStr\"><is><t xml:space=\"preserve\">{}</t></is></c>",
            escape(&fit(text))
        )
    }
}

/// Packs the sheets and what holds them together into one workbook.
fn pack(sheets: Vec<Sheet>, output: Output) -> io::Result<()> {
    let options = SimpleFileOptions::default();
    let names: Vec<String> = sheets.iter().map(|sheet| escape(&sheet.name)).collect();
    let mut zip = ZipWriter::new_stream(output);
    for (path, content) in parts::all(&names) {
        zip.start_file(path, options)?;
        zip.write_all(content.as_bytes())?;
    }
    for (index, mut sheet) in sheets.into_iter().enumerate() {
        sheet.file.write_all(b"</sheetData></worksheet>")?;
        let mut file = sheet.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        let bytes = file.stream_position()?;
        file.rewind()?;
        let options = options.large_file(bytes >= u64::from(u32::MAX));
        zip.start_file(format!("xl/worksheets/sheet{}.xml", index + 1), options)?;
        io::copy(&mut BufReader::new(file), &mut zip)?;
    }
    zip.finish()?.into_inner().flush()
}

/// A sheet's name as Excel takes it: no `[]:*?/\\`, at most 31 characters, unique
/// without regard to case.
fn sheet_name(table: &str, number: u32, others: &[Sheet]) -> String {
    let clean: String = table
        .chars()
        .map(|c| {
            if "[]:*?/\\'".contains(c) || c.is_control() {
                '_'
            } else {
                c
            }
        })
        .collect();
    let mut number = number;
    loop {
        let suffix = if number > 1 {
            format!(" ({number})")
        } else {
            String::new()
        };
        let name = format!("{}{suffix}", cut(&clean, MAX_NAME - suffix.len()));
        let is_taken = others
            .iter()
            .any(|other| other.name.to_lowercase() == name.to_lowercase());
        if !is_taken && !name.is_empty() {
            return name;
        }
        number += 1;
    }
}

/// `A`, `B` … `Z`, `AA` for columns from 0.
fn column_letters(column: usize) -> String {
    let mut letters = Vec::new();
    let mut rest = column + 1;
    while rest > 0 {
        rest -= 1;
        letters.push(char::from(b'A' + u8::try_from(rest % 26).unwrap_or(0)));
        rest /= 26;
    }
    letters.into_iter().rev().collect()
}

/// The text, or as much of it as a cell holds, with a mark that it was cut.
fn fit(text: &str) -> Cow<'_, str> {
    // Bytes are never fewer than UTF-16 units: the cheap test first.
    if text.len() <= MAX_TEXT || text.encode_utf16().count() <= MAX_TEXT {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!(
        "{}{CUT}",
        cut(text, MAX_TEXT - CUT.encode_utf16().count())
    ))
}

/// The beginning of a text, at most so many UTF-16 units.
fn cut(text: &str, units: usize) -> &str {
    let mut left = units;
    for (at, c) in text.char_indices() {
        match left.checked_sub(c.len_utf16()) {
            Some(rest) => left = rest,
            None => return text.get(..at).unwrap_or(text),
        }
    }
    text
}

/// A text as XML. What XML cannot hold is written the way Excel does (`_x0007_`), and
/// a text that looks like that is protected.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for (at, c) in text.char_indices() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '_' if is_escape(text.get(at..).unwrap_or("")) => out.push_str("_x005F_"),
            '\n' | '\t' => out.push(c),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => {
                out.push_str(&format!("_x{:04X}_", u32::from(c)));
            }
            c => out.push(c),
        }
    }
    out
}

fn is_escape(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.starts_with(b"_x")
        && bytes.get(6) == Some(&b'_')
        && bytes
            .get(2..6)
            .is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit))
}

/// The day number of an ISO date; `None` for what is none, and for days before March
/// 1900, which Excel counts wrongly.
fn serial_date(text: &str) -> Option<i64> {
    let mut parts = text.splitn(3, '-');
    let mut part = |digits: usize| {
        let part = parts.next()?;
        let is_number = part.len() == digits && part.bytes().all(|byte| byte.is_ascii_digit());
        if is_number { part.parse::<i64>().ok() } else { None }
    };
    let (year, month, day) = (part(4)?, part(2)?, part(2)?);
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days_in_month = match month {
        2 => 28 + i64::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if day < 1 || day > days_in_month {
        return None;
    }
    // Days since the Unix epoch, counting years from March so that leap days come last.
    let shifted = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = 365 * shifted + shifted / 4 - shifted / 100 + shifted / 400 + day_of_year - 719_468;
    let serial = days + 25_569;
    (serial >= 61).then_some(serial)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_as_excel_counts_them() {
        assert_eq!(serial_date("1900-03-01"), Some(61));
        assert_eq!(serial_date("1970-01-01"), Some(25_569));
        assert_eq!(serial_date("2024-02-29"), Some(45_351));
        for bad in [
            "2023-02-29",
            "2024-13-01",
            "2024-1-1",
            "1899-12-31",
            "2024-01-01T00:00",
            "x",
            "",
        ] {
            assert_eq!(serial_date(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn texts_survive_xml() {
        assert_eq!(escape("a<b>&\"c\"\u{7}"), "a&lt;b&gt;&amp;&quot;c&quot;_x0007_");
        assert_eq!(escape("_x0041_ _x_ \r\n"), "_x005F_x0041_ _x_ _x000D_\n");
        let long = fit(&"ä".repeat(40_000)).into_owned();
        assert_eq!(long.encode_utf16().count(), MAX_TEXT);
        assert!(long.ends_with(CUT));
    }

    #[test]
    fn columns_are_lettered() {
        for (column, letters) in [
            (0, "A"),
            (25, "Z"),
            (26, "AA"),
            (701, "ZZ"),
            (702, "AAA"),
            (16_383, "XFD"),
        ] {
            assert_eq!(column_letters(column), letters);
        }
    }

    #[test]
    fn sheets_have_names_excel_takes() {
        let scratch = std::env::temp_dir();
        let table = |name: &str| Table {
            name: name.to_owned(),
            columns: Vec::new(),
            list: Vec::new(),
            children: Vec::new(),
        };
        let first = Sheet::new(&table("a/b*c"), 1, &[], &scratch).unwrap();
        assert_eq!(first.name, "a_b_c");
        assert_eq!(sheet_name("A/b*C", 1, &[first]), "A_b_C (2)");
        assert_eq!(sheet_name(&"x".repeat(50), 2, &[]).len(), 31);
    }
}
