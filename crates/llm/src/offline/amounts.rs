//! Amounts of money: in all the ways they are printed.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::{Number, Value};

/// An amount on a line, in cents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Amount {
    pub(super) cents: i64,
    pub(super) start: usize,
    pub(super) end: usize,
    /// Printed with two decimals or a currency sign: money, not just a number.
    pub(super) certain: bool,
}

static AMOUNT: LazyLock<Option<Regex>> = LazyLock::new(|| {
    // Sign or code, digits in groups, one or two decimals; text recognition leaves spaces around the point.
    Regex::new(
        r"(?x) (?P<sign>[-−(]\s?)? (?P<currency>(?:[$€£¥]|RM|EUR|USD|GBP|CHF|SR|Rs\.?)\s?)?
        (?P<number> \d{1,3}(?:[.,'\ \u{a0}]\d{3})+(?:\s?[.,]\s?\d{1,2})? | \d+(?:\s?[.,]\s?\d{1,4})? )
        (?P<after>\s?(?:[$€£]|EUR|USD|GBP|CHF|DM))? (?P<minus>-)?",
    )
    .ok()
});

/// The amounts of a line, from left to right.
pub(super) fn of(text: &str) -> Vec<Amount> {
    let Some(regex) = AMOUNT.as_ref() else {
        return Vec::new();
    };
    let mut found = Vec::new();
    for capture in regex.captures_iter(text) {
        let (Some(whole), Some(number)) = (capture.get(0), capture.name("number")) else {
            continue;
        };
        let before = text[..number.start()].chars().next_back();
        let after = text[whole.end()..].chars().next();
        // Inside a word, a date, a time, a percentage or a longer number it is none.
        let glued = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || "/:%#".contains(c));
        let currency = capture.name("currency").is_some() || capture.name("after").is_some();
        if (glued(before) && !currency)
            || glued(after)
            || after.is_some_and(|c| {
                "-.,".contains(c)
                    && text[whole.end() + c.len_utf8()..].starts_with(|c: char| c.is_ascii_digit())
            })
        {
            continue;
        }
        if before.is_some_and(|c| ".,".contains(c)) {
            continue;
        }
        let Some((cents, decimals)) = cents(number.as_str()) else {
            continue;
        };
        let negative = capture.name("sign").is_some() || capture.name("minus").is_some();
        found.push(Amount {
            cents: if negative { -cents } else { cents },
            start: number.start(),
            end: number.end(),
            certain: decimals == 2 || currency,
        });
    }
    found
}

/// Digits with separators as cents, and how many decimals were printed. The last separator
/// is the decimal point when one or two digits follow; three digits after a point or comma
/// are a group of thousands.
fn cents(text: &str) -> Option<(i64, usize)> {
    let digits: String = text
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '\'')
        .collect();
    let (whole, fraction) = match digits.rfind(['.', ',']) {
        Some(at) if digits.len() - at - 1 <= 2 => (&digits[..at], &digits[at + 1..]),
        Some(at) if digits.len() - at - 1 == 4 => (&digits[..at], &digits[at + 1..at + 3]),
        _ => (digits.as_str(), ""),
    };
    let whole: String = whole.chars().filter(char::is_ascii_digit).collect();
    if whole.len() > 12 {
        return None;
    }
    let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let cents: i64 = format!("{fraction:0<2}").parse().ok()?;
    Some((whole * 100 + cents, fraction.len()))
}

/// Cents as a JSON number of the currency's main unit.
#[expect(
    clippy::cast_precision_loss,
    reason = "JSON has no other numbers; below 2^53 cents it is exact"
)]
pub(super) fn json(cents: i64) -> Value {
    if cents % 100 == 0 {
        return Value::from(cents / 100);
    }
    Number::from_f64(cents as f64 / 100.0).map_or(Value::Null, Value::Number)
}

/// Currency codes by the signs and codes that mean them, most telling first.
const CURRENCIES: &[(&str, &str)] = &[
    ("EUR", "EUR"),
    ("€", "EUR"),
    ("USD", "USD"),
    ("US$", "USD"),
    ("GBP", "GBP"),
    ("£", "GBP"),
    ("CHF", "CHF"),
    ("MYR", "MYR"),
    ("RM", "MYR"),
    ("INR", "INR"),
    ("₹", "INR"),
    ("JPY", "JPY"),
    ("¥", "JPY"),
    ("CAD", "CAD"),
    ("AUD", "AUD"),
    ("SEK", "SEK"),
    ("NOK", "NOK"),
    ("DKK", "DKK"),
    ("PLN", "PLN"),
    ("CZK", "CZK"),
    ("SGD", "SGD"),
    ("$", "USD"),
];

/// The currency that is printed most, with a sign of it.
pub(super) fn currency(text: &str) -> Option<(&'static str, &'static str)> {
    let count = |sign: &str| {
        text.match_indices(sign)
            .filter(|(at, _)| {
                let letters = sign.chars().all(|c| c.is_ascii_alphabetic());
                let before = text[..*at].chars().next_back();
                let after = text[at + sign.len()..].chars().next();
                !letters
                    || !(before.is_some_and(char::is_alphabetic) || after.is_some_and(char::is_alphabetic))
            })
            .count()
    };
    CURRENCIES
        .iter()
        .enumerate()
        .map(|(rank, (sign, code))| (count(sign), std::cmp::Reverse(rank), *sign, *code))
        .filter(|(count, ..)| *count > 0)
        .max()
        .map(|(_, _, sign, code)| (code, sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(text: &str) -> Vec<i64> {
        of(text).into_iter().map(|amount| amount.cents).collect()
    }

    #[test]
    fn amounts_are_read_in_every_form() {
        assert_eq!(all("Total 1,234.56"), [123_456]);
        assert_eq!(all("Summe 1.234,56 €"), [123_456]);
        assert_eq!(all("Montant 1 234,56"), [123_456]);
        assert_eq!(all("RM 9 .00"), [900]);
        assert_eq!(all("CHF 1'234.50"), [123_450]);
        assert_eq!(all("2 x 4.50 9.00"), [200, 450, 900]);
        assert_eq!(all("-5.00 (3.00)"), [-500, -300]);
    }

    #[test]
    fn dates_times_percentages_and_codes_are_no_amounts() {
        assert_eq!(all("19/10/2018 10:45 6% A123 7,5%"), Vec::<i64>::new());
        assert_eq!(all("12.03.2024"), Vec::<i64>::new());
    }

    #[test]
    fn currencies_are_told() {
        assert_eq!(currency("Total RM 9.00"), Some(("MYR", "RM")));
        assert_eq!(currency("FORM 9,00 €"), Some(("EUR", "€")));
        assert_eq!(currency("nothing"), None);
    }
}
