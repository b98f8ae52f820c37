//! Dates: in digits and in words, in either order, as ISO 8601.

use std::sync::LazyLock;

use regex::Regex;

/// A date on a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Date {
    pub(super) iso: String,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// Which of two numbers is the day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    DayFirst,
    MonthFirst,
}

const MONTHS: [&[&str]; 12] = [
    &[
        "january", "jan", "januar", "jänner", "janvier", "janv", "januari", "enero", "ene", "gennaio", "gen",
    ],
    &[
        "february", "feb", "februar", "février", "fevrier", "févr", "fév", "februari", "febrero", "febbraio",
    ],
    &[
        "march", "mar", "märz", "maerz", "mär", "mars", "maart", "mrt", "marzo",
    ],
    &["april", "apr", "avril", "avr", "abril", "abr", "aprile"],
    &["may", "mai", "mei", "mayo", "maggio", "mag"],
    &["june", "jun", "juni", "juin", "junio", "giugno", "giu"],
    &["july", "jul", "juli", "juillet", "juil", "julio", "luglio", "lug"],
    &["august", "aug", "août", "aout", "augustus", "agosto", "ago"],
    &[
        "september",
        "sep",
        "sept",
        "septembre",
        "septiembre",
        "settembre",
        "set",
    ],
    &[
        "october", "oct", "oktober", "okt", "octobre", "octubre", "ottobre", "ott",
    ],
    &["november", "nov", "novembre", "noviembre"],
    &[
        "december",
        "dec",
        "dezember",
        "dez",
        "décembre",
        "decembre",
        "déc",
        "diciembre",
        "dic",
        "dicembre",
    ],
];

fn month(name: &str) -> Option<u32> {
    // Text recognition reads "0ct".
    let name = name.trim_end_matches('.').to_lowercase().replace('0', "o");
    let index = MONTHS.iter().position(|names| names.contains(&name.as_str()))?;
    u32::try_from(index + 1).ok()
}

/// Dates in digits, one pattern for each of the marks that may stand between them: "19- 10/03/2018"
/// is a number, and a date.
static NUMERIC: LazyLock<Vec<(&'static str, Regex)>> = LazyLock::new(|| {
    let with = |mark: &'static str| {
        let between = format!(r"\s?[{mark}]\s?");
        let pattern = format!(r"(?P<a>\d{{1,4}}){between}(?P<b>\d{{1,2}}){between}(?P<c>\d{{4}}|\d{{2}})");
        Some((mark, Regex::new(&pattern).ok()?))
    };
    ["/", ".", r"\-"].into_iter().filter_map(with).collect()
});
static DAY_WORD: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)\b(?P<d>\d{1,2})(?:st|nd|rd|th|er|\.)?[\s\-/]*(?:day\s+of\s+|of\s+)?(?P<m>[0\p{L}]\p{L}{2,8})\.?,?[\s\-/']*(?P<y>\d{4}|\d{2})\b").ok()
});
static WORD_DAY: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"(?i)\b(?P<m>[0\p{L}]\p{L}{2,8})\.?\s*(?P<d>\d{1,2})(?:st|nd|rd|th)?\s*,?\s+(?P<y>\d{4})\b")
        .ok()
});

/// The dates of a text, from left to right.
pub(super) fn of(text: &str, order: Order) -> Vec<Date> {
    let mut found = Vec::new();
    for (mark, regex) in NUMERIC.iter() {
        for capture in regex.captures_iter(text) {
            let (Some(whole), Some(iso)) = (
                capture.get(0),
                numeric([&capture["a"], &capture["b"], &capture["c"]], mark, order),
            ) else {
                continue;
            };
            let before = text[..whole.start()].chars().next_back();
            let after = text[whole.end()..].chars().next();
            if before.is_some_and(|c| c.is_ascii_digit()) || after.is_some_and(|c| c.is_ascii_digit()) {
                continue;
            }
            found.push(Date {
                iso,
                start: whole.start(),
                end: whole.end(),
            });
        }
    }
    for regex in [&DAY_WORD, &WORD_DAY]
        .into_iter()
        .filter_map(|regex| regex.as_ref())
    {
        for capture in regex.captures_iter(text) {
            let Some(whole) = capture.get(0) else { continue };
            let iso = month(&capture["m"])
                .and_then(|month| iso(year(&capture["y"])?, month, capture["d"].parse().ok()?));
            if let Some(iso) = iso
                && !found
                    .iter()
                    .any(|known: &Date| known.start < whole.end() && whole.start() < known.end)
            {
                found.push(Date {
                    iso,
                    start: whole.start(),
                    end: whole.end(),
                });
            }
        }
    }
    found.sort_by_key(|date| date.start);
    found
}

fn numeric([a, b, c]: [&str; 3], separator: &str, order: Order) -> Option<String> {
    let number = |text: &str| text.parse::<u32>().ok();
    if a.len() == 4 {
        return iso(number(a)?, number(b)?, number(c)?);
    }
    if a.len() == 3 {
        return None;
    }
    let (a, b, year) = (number(a)?, number(b)?, year(c)?);
    let (day, month) = match order {
        _ if a > 12 => (a, b),
        _ if b > 12 => (b, a),
        // Points are written where the day comes first.
        Order::MonthFirst if separator != "." => (b, a),
        _ => (a, b),
    };
    iso(year, month, day)
}

/// Two digits are of this century, or of the last when that is nearer.
fn year(text: &str) -> Option<u32> {
    let year: u32 = text.parse().ok()?;
    Some(match text.len() {
        2 if year >= 70 => 1900 + year,
        2 => 2000 + year,
        _ => year,
    })
}

fn iso(year: u32, month: u32, day: u32) -> Option<String> {
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 if (year.is_multiple_of(4) && !year.is_multiple_of(100)) || year.is_multiple_of(400) => 29,
        2 => 28,
        1..=12 => 31,
        _ => return None,
    };
    ((1900..=2100).contains(&year) && (1..=days).contains(&day))
        .then(|| format!("{year:04}-{month:02}-{day:02}"))
}

/// Which order a document uses: told by a date that can only be read one way, else by its
/// currency (dollars of the United States: month first).
pub(super) fn order(text: &str) -> Order {
    for capture in NUMERIC.iter().flat_map(|(_, regex)| regex.captures_iter(text)) {
        let (a, b): (u32, u32) = (
            capture["a"].parse().unwrap_or(0),
            capture["b"].parse().unwrap_or(0),
        );
        if a > 12 && a <= 31 && b <= 12 {
            return Order::DayFirst;
        }
        if b > 12 && b <= 31 && a <= 12 {
            return Order::MonthFirst;
        }
    }
    let dots = ["€", "GmbH", "RM", "SDN", "£"]
        .iter()
        .any(|sign| text.contains(sign));
    if !dots && (text.contains('$') || text.contains("USD")) {
        Order::MonthFirst
    } else {
        Order::DayFirst
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<String> {
        of(text, order(text)).into_iter().map(|date| date.iso).collect()
    }

    #[test]
    fn dates_are_read_in_every_form() {
        assert_eq!(all("25/12/2018 x"), ["2018-12-25"]);
        assert_eq!(all("Date: 12-01-19"), ["2019-01-12"]);
        assert_eq!(all("$5 on 03/04/2024"), ["2024-03-04"]);
        assert_eq!(all("$5 on 06.12.2018"), ["2018-12-06"]);
        assert_eq!(all("0ct 3, 2016; 3 maart 2020"), ["2016-10-03", "2020-03-03"]);
        assert_eq!(all("#07 -REG#19- 10/03/2018"), ["2018-03-10"]);
        assert_eq!(all("2024-02-29 and 2023-02-29"), ["2024-02-29"]);
        assert_eq!(
            all("12. März 2024, 3rd day of June, 2019, Jan 5, 2020, 05 MAR 18"),
            ["2024-03-12", "2019-06-03", "2020-01-05", "2018-03-05"]
        );
        assert_eq!(all("16.3.2024"), ["2024-03-16"]);
    }

    #[test]
    fn numbers_are_no_dates() {
        assert_eq!(
            all("192.168.10.1 and 13/13/2020 and 123-45-6789"),
            Vec::<String>::new()
        );
    }
}
