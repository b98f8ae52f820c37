//! Numbers as they are written in JSON, of any length: their digits are kept,
//! never rounded to a double on the way.

use serde_json::Number;

/// A number by its value: ±0.`digits` × 10^`exponent`, without zeros at either end.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Digits {
    negative: bool,
    digits: String,
    exponent: i64,
}

impl Digits {
    /// The value of a number.
    #[must_use]
    pub fn of(number: &Number) -> Self {
        Self::of_text(&number.to_string())
    }

    fn of_text(text: &str) -> Self {
        let (negative, text) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (mantissa, power) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{whole}{fraction}");
        let leading = all.len() - all.trim_start_matches('0').len();
        let digits = all.trim_matches('0').to_owned();
        if digits.is_empty() {
            return Self {
                negative: false,
                digits,
                exponent: 0,
            };
        }
        let power = power
            .trim_start_matches('+')
            .parse()
            .unwrap_or(if power.starts_with('-') {
                i64::MIN
            } else {
                i64::MAX
            });
        let shift = i64::try_from(whole.len()).unwrap_or(i64::MAX) - i64::try_from(leading).unwrap_or(0);
        Self {
            negative,
            digits,
            exponent: shift.saturating_add(power),
        }
    }

    /// The digits without a decimal point, and how many of them stand behind
    /// it, when the number can be written so without growing beyond sense.
    #[must_use]
    pub fn plain(&self) -> Option<(String, usize)> {
        const MOST_ZEROS: i64 = 64;
        let length = i64::try_from(self.digits.len()).ok()?;
        let behind = length - self.exponent;
        if behind > length + MOST_ZEROS || behind < -MOST_ZEROS {
            return None;
        }
        let zeros = usize::try_from(-behind).unwrap_or(0);
        let digits = format!("{}{}", self.digits, "0".repeat(zeros));
        Some((digits, usize::try_from(behind).unwrap_or(0)))
    }
}

/// Whether two numbers have the same value, however they are written.
#[must_use]
pub fn same(one: &Number, other: &Number) -> bool {
    one == other || Digits::of(one) == Digits::of(other)
}

/// Whether a double holds the number with all its digits.
#[must_use]
pub fn fits_double(number: &Number) -> bool {
    let Some(double) = number.as_f64().filter(|double| double.is_finite()) else {
        return false;
    };
    let exact = Digits::of(number);
    exact.digits.len() <= 15 || Digits::of_text(&format!("{double:e}")) == exact
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn digits_are_kept_as_they_are_written() {
        for text in [
            "12345678901234567890123",
            "12345678901234.567891",
            "0.10000000000000000555",
            "1e400",
        ] {
            assert_eq!(number(text).to_string(), text.replace("e4", "e+4"), "{text}");
        }
    }

    #[test]
    fn the_value_counts_not_the_writing() {
        for (one, other) in [
            ("41.5", "41.50"),
            ("41.5", "4.15e1"),
            ("0", "-0.0"),
            ("100", "1E2"),
            ("0.05", "5e-2"),
        ] {
            assert!(same(&number(one), &number(other)), "{one} {other}");
        }
        assert!(!same(&number("9007199254740993"), &number("9007199254740992")));
        assert!(!same(&number("1"), &number("-1")));
        assert!(!same(&number("10"), &number("1")));
    }

    #[test]
    fn what_a_double_loses_is_known() {
        for text in ["0.1", "41.50", "1234567.89", "9007199254740992", "1e22"] {
            assert!(fits_double(&number(text)), "{text}");
        }
        for text in [
            "9007199254740993",
            "12345678901234.567891",
            "12345678901234567890123",
            "1e400",
        ] {
            assert!(!fits_double(&number(text)), "{text}");
        }
    }

    #[test]
    fn plain_writing() {
        assert_eq!(Digits::of(&number("4.15E+1")).plain(), Some(("415".into(), 1)));
        assert_eq!(Digits::of(&number("1200")).plain(), Some(("1200".into(), 0)));
        assert_eq!(Digits::of(&number("0.05")).plain(), Some(("5".into(), 2)));
        assert_eq!(Digits::of(&number("1e400")).plain(), None);
    }
}
