//! Spreadsheets: each sheet a page, as a Markdown table.

use std::io::Cursor;

use calamine::{Data, Reader as _, Sheets};
use docmill_core::failure::{Failure, FailureCode};

use crate::detect::Format;
use crate::limits;
use crate::outcome::Outcome;
use crate::table::Table;
use crate::text;

/// Reads a workbook.
pub(crate) fn workbook(content: &[u8]) -> Result<Outcome, Failure> {
    let mut sheets: Sheets<Cursor<&[u8]>> = calamine::open_workbook_auto_from_rs(Cursor::new(content))
        .map_err(|error| explain(&error.to_string()))?;
    let mut outcome = Outcome::default();
    let mut bytes = 0;
    for (index, name) in sheets.sheet_names().into_iter().enumerate() {
        let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
        match sheets.worksheet_range(&name) {
            Ok(range) => {
                let mut table = Table::new();
                for row in range.rows().take(limits::SHEET_ROWS) {
                    table.push(row.iter().take(limits::SHEET_COLUMNS).map(cell));
                }
                if range.height() > limits::SHEET_ROWS {
                    outcome.missing(format!(
                        "Only the first {} of {} rows of sheet {name:?} were read.",
                        limits::SHEET_ROWS,
                        range.height()
                    ));
                }
                let mut text = table.markdown();
                bytes += text.len();
                let cut = text::bound(&mut text) || bytes > limits::TEXT_BYTES;
                outcome.pages.push(text::page(number, Some(name.clone()), text));
                if cut {
                    outcome.missing(format!(
                        "Reading stopped in sheet {name:?}: the workbook holds too much text."
                    ));
                    break;
                }
            }
            Err(error) => outcome.missing(format!("Sheet {name:?} could not be read: {error}.")),
        }
    }
    if outcome.pages.is_empty() {
        let reason = outcome
            .notes
            .pop()
            .unwrap_or_else(|| "it has no sheets".to_owned());
        return Err(Failure::new(
            FailureCode::CorruptDocument,
            format!("the workbook could not be read: {reason}"),
        ));
    }
    Ok(outcome)
}

fn explain(reason: &str) -> Failure {
    let lower = reason.to_ascii_lowercase();
    if lower.contains("password") || lower.contains("encrypt") {
        return Failure::new(
            FailureCode::PasswordRequired,
            "the workbook is encrypted, and no given password opens it",
        );
    }
    Failure::new(
        FailureCode::CorruptDocument,
        format!("the workbook could not be read: {reason}"),
    )
}

fn cell(data: &Data) -> String {
    match data {
        Data::Empty => String::new(),
        Data::String(text) => text.clone(),
        Data::Float(number) => number_text(*number),
        Data::Int(number) => number.to_string(),
        Data::Bool(value) => if *value { "TRUE" } else { "FALSE" }.to_owned(),
        Data::DateTime(value) if value.is_datetime() => date_text(value),
        Data::DateTime(value) => number_text(value.as_f64()),
        Data::DateTimeIso(text) | Data::DurationIso(text) => text.clone(),
        Data::Error(error) => error.to_string(),
    }
}

/// As a person would type it: no tail of binary rounding, no exponent.
fn number_text(number: f64) -> String {
    if number.fract() == 0.0 && number.abs() < 1e15 {
        return format!("{number:.0}");
    }
    let text = format!("{number:.10}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// ISO 8601; without the time when it is midnight.
fn date_text(value: &calamine::ExcelDateTime) -> String {
    let (year, month, day, hour, minute, second, _) = value.to_ymd_hms_milli();
    if (hour, minute, second) == (0, 0, 0) {
        return format!("{year:04}-{month:02}-{day:02}");
    }
    if year < 1900 || (year == 1899 && month == 12) {
        return format!("{hour:02}:{minute:02}:{second:02}");
    }
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
}

/// Reads separated values.
pub(crate) fn separated(content: &[u8], format: Format) -> Outcome {
    let decoded = text::decode(content);
    let decoded = decoded.trim_start_matches('\u{feff}');
    let (declared, decoded) = declared_delimiter(decoded);
    let delimiter = declared.unwrap_or_else(|| match format {
        Format::Tsv => b'\t',
        _ => best_delimiter(decoded).unwrap_or(b','),
    });
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .from_reader(decoded.as_bytes());
    let mut outcome = Outcome::default();
    let mut table = Table::new();
    for record in reader.records() {
        match record {
            Ok(record) => table.push(record.iter().take(limits::SHEET_COLUMNS).map(str::to_owned)),
            Err(error) => outcome.missing(format!("A row could not be read: {error}.")),
        }
        if table.len() >= limits::SHEET_ROWS {
            outcome.missing(format!("Only the first {} rows were read.", limits::SHEET_ROWS));
            break;
        }
    }
    let mut text = table.markdown();
    if text::bound(&mut text) {
        outcome.missing("Reading stopped: the file holds too much text.".to_owned());
    }
    outcome.pages.push(text::page(1, None, text));
    outcome
}

/// Excel writes `sep=;` as a first line to say which it is.
fn declared_delimiter(text: &str) -> (Option<u8>, &str) {
    let Some(rest) = text.strip_prefix("sep=") else {
        return (None, text);
    };
    let mut bytes = rest.bytes();
    match (bytes.next(), rest.find('\n')) {
        (Some(delimiter), Some(end)) if delimiter.is_ascii() && end <= 3 => {
            (Some(delimiter), &rest[end + 1..])
        }
        _ => (None, text),
    }
}

const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// The delimiter that splits the first lines most evenly, if any splits them at all.
fn best_delimiter(text: &str) -> Option<u8> {
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .take(20)
        .collect();
    let score = |delimiter: u8| {
        let counts: Vec<usize> = lines.iter().map(|line| outside_quotes(line, delimiter)).collect();
        let most = counts.iter().copied().max().unwrap_or(0);
        let like_the_most = counts.iter().filter(|count| **count == most && most > 0).count();
        (like_the_most, most)
    };
    let best = DELIMITERS.into_iter().max_by_key(|delimiter| score(*delimiter))?;
    (score(best).1 > 0).then_some(best)
}

fn outside_quotes(line: &str, delimiter: u8) -> usize {
    let mut quoted = false;
    line.bytes()
        .filter(|byte| {
            quoted ^= *byte == b'"';
            !quoted && *byte == delimiter
        })
        .count()
}

/// Whether an unnamed text is separated values: at least three lines, nearly all
/// with the same number of the same delimiter. Commas also stand in prose, so they
/// need more of both.
pub(crate) fn looks_separated(head: &str) -> Option<Format> {
    let lines: Vec<&str> = head
        .lines()
        .filter(|line| !line.trim().is_empty())
        .take(20)
        .collect();
    // The last line of a head may be cut.
    let lines = if lines.len() > 3 {
        &lines[..lines.len() - 1]
    } else {
        &lines[..]
    };
    if lines.len() < 3 {
        return None;
    }
    for (delimiter, least) in [(b'\t', 1), (b';', 1), (b'|', 2), (b',', 2)] {
        let first = outside_quotes(lines[0], delimiter);
        let alike = lines
            .iter()
            .filter(|line| outside_quotes(line, delimiter) == first)
            .count();
        if first >= least && alike * 10 >= lines.len() * 9 {
            return Some(if delimiter == b'\t' {
                Format::Tsv
            } else {
                Format::Csv
            });
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delimiters_are_found() {
        let text = |content: &str| separated(content.as_bytes(), Format::Csv).pages[0].text.clone();
        assert_eq!(
            text("a;b\n\"1,5\";2\n"),
            "| a | b |\n| --- | --- |\n| 1,5 | 2 |\n"
        );
        assert_eq!(text("sep=|\na|b\n1|2\n"), "| a | b |\n| --- | --- |\n| 1 | 2 |\n");
        assert_eq!(
            text("a,b\n1\n1,2,3\n"),
            "| a | b |  |\n| --- | --- | --- |\n| 1 |  |  |\n| 1 | 2 | 3 |\n"
        );
    }

    #[test]
    fn numbers_read_as_typed() {
        assert_eq!(number_text(1200.0), "1200");
        assert_eq!(number_text(0.1 + 0.2), "0.3");
        assert_eq!(number_text(19.99), "19.99");
    }

    #[test]
    fn prose_is_not_a_table() {
        assert_eq!(
            looks_separated("Dear all, please note, that\nwe meet, on Monday\nYours, A.\nP.S., bring it\n"),
            None
        );
    }
}
