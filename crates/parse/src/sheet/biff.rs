//! XLS: calamine gives the values; this reads what it leaves out, from the same records: number
//! formats, hidden rows and columns, comments and text boxes (MS-XLS 2.4).

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::io::Read as _;

use docmill_core::failure::{Failure, FailureCode};

use super::format::Format;
use super::stored;
use crate::limits;
use crate::ole;
use crate::outcome::Outcome;

/// Reads a workbook.
pub(super) fn read(content: &[u8], _passwords: &[String]) -> Result<Outcome, Failure> {
    let stream = workbook(content).unwrap_or_default();
    if is_encrypted(&stream) {
        return Err(Failure::new(
            FailureCode::PasswordRequired,
            "the workbook is encrypted, and docmill cannot decrypt XLS; save it without a password, or as XLSX with one",
        ));
    }
    let book = Book::of(&stream);
    let mut charts = 0;
    let mut outcome = stored::read_with(
        content,
        &|sheet, row, column| book.format(sheet, row, column),
        &mut |index, grid| {
            let Some(sheet) = book.sheets.get(index) else {
                return;
            };
            for row in &sheet.hidden_rows {
                grid.hide_row(*row);
            }
            grid.hidden_columns.clone_from(&sheet.hidden_columns);
            charts += sheet.charts;
            if !sheet.texts.is_empty() {
                let texts: Vec<String> = sheet.texts.iter().map(|text| format!("- {text}")).collect();
                grid.beside
                    .push(format!("Comments and text boxes:\n{}", texts.join("\n")));
            }
        },
    )?;
    if charts > 0 {
        outcome.note(format!(
            "{charts} charts in the workbook were not read; their values stand in the sheets."
        ));
    }
    Ok(outcome)
}

fn workbook(content: &[u8]) -> Option<Vec<u8>> {
    let mut file = ole::open(content).ok()?;
    let name = ["/Workbook", "/Book"]
        .into_iter()
        .find(|name| file.is_stream(name))?;
    let mut bytes = Vec::new();
    let stream = file.open_stream(name).ok()?;
    stream.take(limits::ENTRY_BYTES).read_to_end(&mut bytes).ok()?;
    Some(bytes)
}

/// A record: its number, and what is in it.
type Record<'a> = (u16, &'a [u8]);

/// The records of a stream, as far as it goes.
fn records(stream: &[u8]) -> impl Iterator<Item = Record<'_>> {
    let mut rest = stream;
    std::iter::from_fn(move || {
        let header = rest.get(..4)?;
        let kind = u16::from_le_bytes([header[0], header[1]]);
        let length = usize::from(u16::from_le_bytes([header[2], header[3]]));
        let body = rest.get(4..)?;
        let record = &body[..length.min(body.len())];
        rest = &body[record.len()..];
        Some((kind, record))
    })
}

const FILE_PASS: u16 = 0x2f;
const END: u16 = 0x0a;

/// A record among the first says how the rest is encrypted.
fn is_encrypted(stream: &[u8]) -> bool {
    records(stream)
        .take(50)
        .take_while(|(kind, _)| *kind != END)
        .any(|(kind, _)| kind == FILE_PASS)
}

#[derive(Default)]
struct Sheet {
    /// The style of cells with a value.
    styles: HashMap<(u32, u32), u16>,
    hidden_rows: HashSet<u32>,
    hidden_columns: Vec<(u32, u32)>,
    texts: Vec<String>,
    charts: usize,
}

#[derive(Default)]
struct Book {
    is_1904: bool,
    codes: HashMap<u16, String>,
    /// The format's number of each style.
    styles: Vec<u16>,
    formats: Vec<Format>,
    sheets: Vec<Sheet>,
}

/// Which part of the stream the records belong to.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    Globals,
    Sheet,
    Chart,
}

impl Book {
    fn of(stream: &[u8]) -> Self {
        let mut book = Self::default();
        // A chart inside a sheet is a part within the part.
        let mut parts: Vec<Part> = Vec::new();
        let mut text_follows = 0_usize;
        for (kind, record) in records(stream) {
            match kind {
                0x0809 => {
                    let part = match u16_at(record, 2) {
                        Some(0x0005) => Part::Globals,
                        Some(0x0020) => Part::Chart,
                        _ => Part::Sheet,
                    };
                    match (part, parts.last(), book.sheets.last_mut()) {
                        (Part::Chart, Some(Part::Sheet), Some(sheet)) => sheet.charts += 1,
                        (Part::Sheet | Part::Chart, None, _) => book.sheets.push(Sheet::default()),
                        _ => {}
                    }
                    parts.push(part);
                }
                END => {
                    parts.pop();
                }
                _ => match parts.last() {
                    Some(Part::Globals) => book.global(kind, record),
                    Some(Part::Sheet) => {
                        let Some(sheet) = book.sheets.last_mut() else {
                            continue;
                        };
                        if kind == 0x01b6 {
                            text_follows = u16_at(record, 10).map_or(0, usize::from);
                        } else if kind == 0x003c && text_follows > 0 {
                            let text = characters(record, text_follows);
                            let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
                            if !text.is_empty() {
                                sheet.texts.push(text);
                            }
                            text_follows = 0;
                        } else {
                            sheet.record(kind, record);
                        }
                    }
                    _ => {}
                },
            }
        }
        book.formats = book
            .styles
            .iter()
            .map(|number| match book.codes.get(number) {
                // Programs write the formats that every program has, too, in the words of their country.
                Some(code) if !matches!(number, 14 | 22) => Format::of(code, book.is_1904),
                _ => Format::built_in(u32::from(*number), book.is_1904),
            })
            .collect();
        book
    }

    fn global(&mut self, kind: u16, record: &[u8]) {
        match kind {
            0x0022 => self.is_1904 = u16_at(record, 0) == Some(1),
            0x041e => {
                if let (Some(number), Some(length)) = (u16_at(record, 0), u16_at(record, 2)) {
                    let text = characters(record.get(4..).unwrap_or_default(), usize::from(length));
                    self.codes.insert(number, text.into_owned());
                }
            }
            0x00e0 => self.styles.push(u16_at(record, 2).unwrap_or(0)),
            _ => {}
        }
    }

    fn format(&self, sheet: usize, row: u32, column: u32) -> Option<&Format> {
        let style = self.sheets.get(sheet)?.styles.get(&(row, column))?;
        self.formats.get(usize::from(*style))
    }
}

impl Sheet {
    fn record(&mut self, kind: u16, record: &[u8]) {
        let field = |at: usize| u16_at(record, at);
        match kind {
            // A number, a packed number, a formula, a text.
            0x0203 | 0x027e | 0x0006 | 0x00fd | 0x0204 => {
                if let (Some(row), Some(column), Some(style)) = (field(0), field(2), field(4)) {
                    self.styles.insert((u32::from(row), u32::from(column)), style);
                }
            }
            // Packed numbers side by side.
            0x00bd => {
                let (Some(row), Some(first)) = (field(0), field(2)) else {
                    return;
                };
                let count = record.len().saturating_sub(6) / 6;
                for index in 0..count {
                    if let Some(style) = field(4 + index * 6) {
                        let column = u32::from(first) + u32::try_from(index).unwrap_or(0);
                        self.styles.insert((u32::from(row), column), style);
                    }
                }
            }
            0x0208 => {
                if let (Some(row), Some(options)) = (field(0), field(12))
                    && options & 0x20 != 0
                {
                    self.hidden_rows.insert(u32::from(row));
                }
            }
            0x007d => {
                if let (Some(first), Some(last), Some(options)) = (field(0), field(2), field(8))
                    && options & 1 != 0
                {
                    self.hidden_columns
                        .push((u32::from(first), u32::from(last.min(255))));
                }
            }
            _ => {}
        }
    }
}

/// Characters after a byte that says whether they have one byte or two (MS-XLS 2.5.293).
fn characters(bytes: &[u8], count: usize) -> Cow<'_, str> {
    let Some((flags, rest)) = bytes.split_first() else {
        return Cow::Borrowed("");
    };
    if flags & 1 == 0 {
        let text = &rest[..count.min(rest.len())];
        return encoding_rs::mem::decode_latin1(text);
    }
    let text = &rest[..(count * 2).min(rest.len())];
    encoding_rs::UTF_16LE.decode_without_bom_handling(text).0
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    let field = bytes.get(at..at.checked_add(2)?)?;
    Some(u16::from_le_bytes([field[0], field[1]]))
}
