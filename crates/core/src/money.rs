//! Money is integers. Amounts are nano-dollars (10⁻⁹ $) in an `i64`, enough for
//! nine billion dollars; prices are pico-dollars (10⁻¹² $) per token, which
//! makes every public price list exact ($0.15 per million tokens is 150,000).
//! A call's cost is computed exactly and rounded up once.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

const NANOS_PER_USD: i64 = 1_000_000_000;

/// An amount of money in nano-dollars.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Usd(i64);

impl Usd {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The largest amount that can be stored.
    pub const MAX: Self = Self(i64::MAX);

    /// An amount from nano-dollars.
    #[must_use]
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }

    /// The amount in nano-dollars.
    #[must_use]
    pub const fn nanos(self) -> i64 {
        self.0
    }

    /// The sum, or `None` when it does not fit.
    #[must_use]
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(sum) => Some(Self(sum)),
            None => None,
        }
    }

    /// The difference, or `None` when it does not fit.
    #[must_use]
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(difference) => Some(Self(difference)),
            None => None,
        }
    }

    /// The sum, held at the largest amount.
    #[must_use]
    pub const fn saturating_add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// The difference, held at the smallest amount.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// Picos (10⁻¹² $) rounded **up** to nano-dollars; `None` when it does not fit.
    #[must_use]
    pub fn from_picos_rounded_up(picos: u128) -> Option<Self> {
        i64::try_from(picos.div_ceil(1000)).ok().map(Self)
    }

    /// Dollars as a float, for ratios and charts only. Never feed it back.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "display only")]
    pub fn as_f64(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// Exact decimal dollars without sign or trailing zeros ("0.00315"), for files.
    #[must_use]
    pub fn to_decimal(self) -> String {
        let sign = if self.0 < 0 { "-" } else { "" };
        let nanos = self.0.unsigned_abs();
        let unit = NANOS_PER_USD.unsigned_abs();
        let fraction = format!("{:09}", nanos % unit);
        let fraction = fraction.trim_end_matches('0');
        if fraction.is_empty() {
            format!("{sign}{}", nanos / unit)
        } else {
            format!("{sign}{}.{fraction}", nanos / unit)
        }
    }
}

/// As many digits as matter: `$1,240`, `$41.20`, `$0.0031`, `$0`.
impl fmt::Display for Usd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let nanos = u128::from(self.0.unsigned_abs());
        let unit = u128::from(NANOS_PER_USD.unsigned_abs());
        if nanos == 0 {
            return f.write_str("$0");
        }
        if nanos >= 1000 * unit {
            let dollars = (nanos + unit / 2) / unit;
            return write!(f, "{sign}${}", group_thousands(dollars));
        }
        if nanos >= unit {
            let cents = (nanos + unit / 200) / (unit / 100);
            return write!(f, "{sign}${}.{:02}", group_thousands(cents / 100), cents % 100);
        }
        if nanos >= unit - unit / 200 {
            return write!(f, "{sign}$1.00");
        }
        // Below one dollar: two significant digits, at least two places.
        let mut places = 2;
        let mut step = unit / 100;
        while places < 9 && nanos < step * 10 {
            places += 1;
            step /= 10;
        }
        let rounded = (nanos + step / 2) / step;
        write!(f, "{sign}$0.{rounded:0places$}")?;
        Ok(())
    }
}

fn group_thousands(number: u128) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Why a text is not an amount or a price.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseMoneyError {
    /// Not a decimal number.
    #[error("{0:?} is not an amount of dollars; write it like 25 or 0.50")]
    NotANumber(String),
    /// More digits than can be stored exactly.
    #[error("{0:?} has more than {1} decimal places")]
    TooFine(String, u32),
    /// Too large.
    #[error("{0:?} is too large")]
    TooLarge(String),
}

/// Parses a non-negative decimal number into units of 10^-`places`.
fn parse_decimal(text: &str, places: u32) -> Result<u128, ParseMoneyError> {
    let bare = text.trim();
    let bare = bare.strip_prefix('$').unwrap_or(bare).replace([',', '_'], "");
    let (whole, fraction) = bare.split_once('.').unwrap_or((&bare, ""));
    let not_a_number = || ParseMoneyError::NotANumber(text.to_owned());
    if whole.is_empty() && fraction.is_empty() {
        return Err(not_a_number());
    }
    if !whole.chars().chain(fraction.chars()).all(|c| c.is_ascii_digit()) {
        return Err(not_a_number());
    }
    let fraction = fraction.trim_end_matches('0');
    if fraction.len() > places as usize {
        return Err(ParseMoneyError::TooFine(text.to_owned(), places));
    }
    let padded = format!("{whole}{fraction:0<width$}", width = places as usize);
    padded
        .parse()
        .map_err(|_| ParseMoneyError::TooLarge(text.to_owned()))
}

impl FromStr for Usd {
    type Err = ParseMoneyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let nanos = parse_decimal(text, 9)?;
        i64::try_from(nanos)
            .map(Self)
            .map_err(|_| ParseMoneyError::TooLarge(text.to_owned()))
    }
}

/// A price: pico-dollars per token. One dollar per million tokens is 1,000,000.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PicoPerToken(pub u64);

impl PicoPerToken {
    /// From dollars per million tokens as price lists write it ("0.15").
    ///
    /// # Errors
    /// When the text is not a non-negative decimal number with at most six places.
    pub fn from_usd_per_million(text: &str) -> Result<Self, ParseMoneyError> {
        let picos = parse_decimal(text, 6)?;
        u64::try_from(picos)
            .map(Self)
            .map_err(|_| ParseMoneyError::TooLarge(text.to_owned()))
    }

    /// The price of `tokens` tokens, in picos.
    #[must_use]
    pub fn times(self, tokens: u64) -> u128 {
        u128::from(self.0) * u128::from(tokens)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_read_as_people_write_them() {
        assert_eq!("25".parse::<Usd>().unwrap().nanos(), 25_000_000_000);
        assert_eq!("$1,240.50".parse::<Usd>().unwrap().nanos(), 1_240_500_000_000);
        assert_eq!(".5".parse::<Usd>().unwrap().nanos(), 500_000_000);
        for bad in ["", "-1", "1e3", "ten", "0.0000000001", "99999999999", "."] {
            assert!(bad.parse::<Usd>().is_err(), "{bad:?} must be refused");
        }
    }

    #[test]
    fn amounts_print_with_the_digits_that_matter() {
        let cases = [
            (0, "$0"),
            (3_100_000, "$0.0031"),
            (41_200_000_000, "$41.20"),
            (1_240_000_000_000, "$1,240"),
            (150_000_000, "$0.15"),
            (999_999_999, "$1.00"),
            (1, "$0.000000001"),
            (-500_000_000, "-$0.50"),
        ];
        for (nanos, text) in cases {
            assert_eq!(Usd::from_nanos(nanos).to_string(), text, "{nanos}");
        }
    }

    #[test]
    fn public_prices_are_exact() {
        assert_eq!(PicoPerToken::from_usd_per_million("0.15").unwrap().0, 150_000);
        assert_eq!(PicoPerToken::from_usd_per_million("0.0375").unwrap().0, 37_500);
        assert!(PicoPerToken::from_usd_per_million("0.0000001").is_err());
    }
}
