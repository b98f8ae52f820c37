//! Workbooks of the old binary kinds, whose values come from calamine: XLS and XLSB.

use std::io::Cursor;

use calamine::{Data, Dimensions, Reader as _, SheetType, SheetVisible, Sheets};
use docmill_core::failure::{Failure, FailureCode};

use super::corrupt;
use super::format::{Format, number_text};
use super::grid::{Grid, Region};
use crate::outcome::Outcome;

/// What is known of a sheet from elsewhere: formats by the sheet's number, row and column.
pub(super) type FormatOf<'a> = &'a dyn Fn(usize, u32, u32) -> Option<&'a Format>;

/// Reads a workbook.
pub(super) fn read(content: &[u8], format_of: FormatOf<'_>) -> Result<Outcome, Failure> {
    read_with(content, format_of, &mut |_, _| {})
}

/// Reads a workbook; `complete` adds to each sheet what calamine does not give.
pub(super) fn read_with(
    content: &[u8],
    format_of: FormatOf<'_>,
    complete: &mut dyn FnMut(usize, &mut Grid),
) -> Result<Outcome, Failure> {
    let mut book: Sheets<Cursor<&[u8]>> = calamine::open_workbook_auto_from_rs(Cursor::new(content))
        .map_err(|error| explain(&error.to_string()))?;
    let mut outcome = Outcome::default();
    let sheets = book.sheets_metadata().to_vec();
    let is_only = sheets.len() == 1;
    let mut unread = Vec::new();
    for (index, sheet) in sheets.iter().enumerate() {
        if sheet.typ == SheetType::ChartSheet {
            unread.push(format!("The chart in sheet {:?} was not read.", sheet.name));
            continue;
        }
        let range = match book.worksheet_range(&sheet.name) {
            Ok(range) => range,
            Err(error) => {
                unread.push(format!("Sheet {:?} could not be read: {error}.", sheet.name));
                continue;
            }
        };
        let mut grid = Grid::new(&sheet.name, sheet.visible != SheetVisible::Visible);
        let (top, left) = range.start().unwrap_or((0, 0));
        for (row, column, data) in range.used_cells() {
            let row = top.saturating_add(u32::try_from(row).unwrap_or(u32::MAX));
            let column = left.saturating_add(u32::try_from(column).unwrap_or(u32::MAX));
            grid.put(row, column, shown(data, format_of(index, row, column)));
        }
        grid.merged = merged(&mut book, &sheet.name);
        complete(index, &mut grid);
        grid.put_into(&mut outcome, is_only);
    }
    if outcome.pages.is_empty() {
        return Err(corrupt(unread.first().map_or("it has no sheets", String::as_str)));
    }
    for message in unread {
        outcome.missing(message);
    }
    Ok(outcome)
}

fn merged(book: &mut Sheets<Cursor<&[u8]>>, name: &str) -> Vec<Region> {
    let regions: Vec<Dimensions> = match book {
        Sheets::Xls(book) => book.merge_cells_by_sheet_name(name).unwrap_or_default(),
        Sheets::Xlsx(book) => book.merge_cells_by_sheet_name(name).unwrap_or_default(),
        _ => Vec::new(),
    };
    let region = |it: Dimensions| Region {
        first: it.start,
        last: it.end,
    };
    regions.into_iter().map(region).collect()
}

fn explain(reason: &str) -> Failure {
    let lower = reason.to_ascii_lowercase();
    if lower.contains("password") || lower.contains("encrypt") {
        return Failure::new(
            FailureCode::PasswordRequired,
            "the workbook is encrypted, and no given password opens it",
        );
    }
    corrupt(reason)
}

fn shown(data: &Data, format: Option<&Format>) -> String {
    let number =
        |number: f64| format.map_or_else(|| number_text(number), |format| format.number(number, None));
    match data {
        Data::Empty => String::new(),
        Data::String(text) => format.map_or_else(|| text.clone(), |format| format.text(text)),
        Data::Float(value) => number(*value),
        #[expect(
            clippy::cast_precision_loss,
            reason = "spreadsheets have no larger whole numbers"
        )]
        Data::Int(value) => number(*value as f64),
        Data::Bool(value) => if *value { "TRUE" } else { "FALSE" }.to_owned(),
        Data::DateTime(value) if format.is_some() => number(value.as_f64()),
        Data::DateTime(value) if value.is_datetime() => date_text(value),
        Data::DateTime(value) => Format::of("[h]:mm:ss", false).number(value.as_f64(), None),
        Data::DateTimeIso(text) | Data::DurationIso(text) => text.clone(),
        Data::Error(error) => error.to_string(),
    }
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
