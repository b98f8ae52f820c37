//! Values as a spreadsheet shows them: numbers through their number format (ECMA-376 part 1,
//! 18.8.30 and 18.8.31).

use std::panic::{AssertUnwindSafe, catch_unwind};

use ssfmt::{DateSystem, FormatOptions, NumberFormat};

mod names;

/// Longest format that is followed.
const CODE_CHARS: usize = 1000;

/// A number format, ready for use.
pub(super) struct Format {
    way: Way,
    /// Days by which dates of the other date system are later.
    later: f64,
    options: FormatOptions,
}

enum Way {
    /// As a person would type it.
    General,
    /// A date as the reader's country writes it; which one is not in the file, so ISO 8601.
    LocalDate {
        with_time: bool,
    },
    /// Nothing, whatever the number.
    Invisible,
    Coded(Box<NumberFormat>),
}

/// Days from the first day of the one date system to that of the other.
const DAYS_TO_1904: f64 = 1462.0;

impl Format {
    /// The format of this code.
    pub(super) fn of(code: &str, is_1904: bool) -> Self {
        let options = FormatOptions {
            date_system: DateSystem::Date1900,
            locale: names::locale(code),
        };
        // Hours counted on and on are no date.
        let counts_on = ["[h", "[m", "[s", "[H", "[M", "[S"]
            .iter()
            .any(|it| code.contains(it));
        let later = if is_1904 && !counts_on { DAYS_TO_1904 } else { 0.0 };
        let trimmed = code.trim();
        let way = if trimmed.is_empty() || trimmed.eq_ignore_ascii_case("general") || trimmed == "@" {
            Way::General
        } else if trimmed.starts_with("[$-F800]") || trimmed.starts_with("[$-x-sysdate]") {
            Way::LocalDate { with_time: false }
        } else if trimmed.chars().all(|c| c == ';') {
            Way::Invisible
        } else if trimmed.len() > CODE_CHARS {
            Way::General
        } else {
            // What the parser does not know, or breaks on, is shown as it is stored.
            catch_unwind(|| NumberFormat::parse(&sections(code)).ok())
                .ok()
                .flatten()
                .map_or(Way::General, |format| Way::Coded(Box::new(format)))
        };
        Self { way, later, options }
    }

    /// The format of this number in the list that every program has.
    pub(super) fn built_in(number: u32, is_1904: bool) -> Self {
        let mut format = Self::of(ssfmt::format_code_from_id(number).unwrap_or("General"), is_1904);
        match number {
            14 | 27..=31 | 36 | 50..=54 | 57 | 58 => format.way = Way::LocalDate { with_time: false },
            22 => format.way = Way::LocalDate { with_time: true },
            _ => {}
        }
        format
    }

    /// A number as it is shown; `stored` is how the file writes it.
    pub(super) fn number(&self, number: f64, stored: Option<&str>) -> String {
        match &self.way {
            Way::General => match stored.map(str::trim).filter(|stored| is_plain(stored)) {
                Some(stored) => stored.to_owned(),
                None => number_text(number),
            },
            Way::LocalDate { with_time } => {
                let whole = number.fract() == 0.0;
                let code = if *with_time && !whole {
                    "yyyy\\-mm\\-dd hh:mm"
                } else {
                    "yyyy\\-mm\\-dd"
                };
                match ssfmt::format(number + self.later, code, &self.options) {
                    Ok(text) if !text.is_empty() && !text.contains('#') => text,
                    _ => number_text(number),
                }
            }
            Way::Invisible => String::new(),
            Way::Coded(format) => {
                let is_date = format.is_date_format();
                let counted = if is_date { number + self.later } else { number };
                let shown = catch_unwind(AssertUnwindSafe(|| format.format(counted, &self.options)));
                match shown {
                    // A day before the first one.
                    Ok(text) if text.is_empty() && is_date => number_text(number),
                    // A date before the first one, or a number that is too large for one.
                    Ok(text) if text.contains("##") => number_text(number),
                    Ok(text) => text.split_whitespace().collect::<Vec<_>>().join(" "),
                    Err(_) => number_text(number),
                }
            }
        }
    }

    /// A text as it is shown: formats may put words around it.
    pub(super) fn text(&self, text: &str) -> String {
        match &self.way {
            Way::Coded(format) if format.sections().iter().any(ssfmt::Section::has_text_placeholder) => {
                catch_unwind(AssertUnwindSafe(|| format.format_text(text, &self.options)))
                    .unwrap_or_else(|_| text.to_owned())
            }
            _ => text.to_owned(),
        }
    }
}

/// A format of one section that has a place for text means texts by it.
fn sections(code: &str) -> std::borrow::Cow<'_, str> {
    if code.contains('@') && !code.contains(';') {
        return format!("General;-General;General;{code}").into();
    }
    code.into()
}

/// Whether a stored number is already written as a person would: no exponent, and not so many
/// digits that the last are an artefact of binary fractions.
fn is_plain(stored: &str) -> bool {
    let digits = stored.trim_start_matches('-');
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    !whole.is_empty()
        && (whole.len() + fraction.len() <= 15 || fraction.is_empty() && whole.len() <= 20)
        && whole
            .bytes()
            .chain(fraction.bytes())
            .all(|byte| byte.is_ascii_digit())
        && !fraction.ends_with('0')
}

/// As a person would type it: no tail of binary rounding, no exponent for what people count.
pub(crate) fn number_text(number: f64) -> String {
    if !number.is_finite() {
        return number.to_string();
    }
    let size = number.abs();
    if number.fract() == 0.0 && size < 1e15 {
        return format!("{number:.0}");
    }
    // Fifteen digits are what a spreadsheet has.
    let scientific = format!("{number:.14e}");
    let Some((_, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-9..15).contains(&exponent) {
        let decimals = usize::try_from(14 - exponent).unwrap_or(0);
        let text = format!("{number:.decimals$}");
        let text = if text.contains('.') {
            text.trim_end_matches('0').trim_end_matches('.')
        } else {
            &text
        };
        return text.to_owned();
    }
    let (digits, _) = scientific.split_once('e').unwrap_or((&scientific, ""));
    let digits = digits.trim_end_matches('0').trim_end_matches('.');
    format!("{digits}E{exponent:+03}")
}

#[cfg(test)]
#[path = "format/tests.rs"]
mod tests;
