//! Spreadsheets: each sheet a page, as a Markdown table of the values as they are shown.

mod biff;
mod format;
mod grid;
mod ods;
mod separated;
mod stored;
mod xlsx;

use docmill_core::failure::{Failure, FailureCode};

use crate::detect::Format;
use crate::outcome::Outcome;

pub(crate) use format::number_text;
pub(crate) use separated::{looks_separated, separated};

/// Reads a workbook.
pub(crate) fn workbook(content: &[u8], format: Format, passwords: &[String]) -> Result<Outcome, Failure> {
    match format {
        // What is no workbook by the book may be one by custom.
        Format::Xlsx => xlsx::read(content).or_else(|failure| match failure.code {
            FailureCode::CorruptDocument => stored::read(content, &|_, _, _| None).map_err(|_| failure),
            _ => Err(failure),
        }),
        Format::Ods => ods::read(content, passwords),
        Format::Xls => biff::read(content, passwords),
        _ => stored::read(content, &|_, _, _| None),
    }
}

fn corrupt(reason: impl std::fmt::Display) -> Failure {
    Failure::new(
        FailureCode::CorruptDocument,
        format!("the workbook could not be read: {}", crate::text::short(&reason)),
    )
}

/// What a sheet's page is headed with. A name that programs give by themselves says nothing,
/// unless there are several.
fn heading(name: &str, is_hidden: bool, is_only: bool) -> Option<String> {
    let given = [
        "sheet", "tabelle", "feuil", "feuille", "hoja", "foglio", "blad", "ark", "лист",
    ];
    let bare = name
        .trim_end_matches(|c: char| c.is_ascii_digit())
        .trim()
        .to_lowercase();
    let hidden = if is_hidden { " (hidden)" } else { "" };
    let says_nothing = is_only && !is_hidden && given.contains(&bare.as_str());
    (!says_nothing).then(|| format!("{name}{hidden}"))
}
