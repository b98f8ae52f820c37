//! How single arguments are read.

use std::str::FromStr;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use docmill_core::document::{Class, DocumentState, Kind};
use docmill_core::failure::FailureCode;
use docmill_core::fair::Priority;
use docmill_core::money::{PicoPerToken, Usd};
use docmill_core::price::Price;

/// One of the names of an enum; clap lists them when another is typed.
fn one_of<T>(names: Vec<&'static str>) -> impl TypedValueParser<Value = T>
where
    T: FromStr + Clone + Send + Sync + 'static,
    T::Err: std::error::Error + Send + Sync + 'static,
{
    PossibleValuesParser::new(names).try_map(|name| name.parse::<T>())
}

pub(super) fn state() -> impl TypedValueParser<Value = DocumentState> {
    one_of(DocumentState::ALL.map(DocumentState::as_str).to_vec())
}

pub(super) fn kind() -> impl TypedValueParser<Value = Kind> {
    one_of(Kind::ALL.iter().map(|kind| kind.as_str()).collect())
}

pub(super) fn class() -> impl TypedValueParser<Value = Class> {
    one_of(Class::ALL.iter().map(|class| class.as_str()).collect())
}

pub(super) fn code() -> impl TypedValueParser<Value = FailureCode> {
    one_of(FailureCode::ALL.iter().map(|code| code.as_str()).collect())
}

pub(super) fn priority() -> impl TypedValueParser<Value = Priority> {
    one_of(Priority::ALL.iter().map(|priority| priority.as_str()).collect())
}

/// A budget: an amount, or `none`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limit {
    /// At most this.
    AtMost(Usd),
    /// No limit.
    None,
}

impl Limit {
    /// The amount; `None`: no limit.
    pub const fn amount(self) -> Option<Usd> {
        match self {
            Self::AtMost(amount) => Some(amount),
            Self::None => None,
        }
    }
}

impl FromStr for Limit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "none" => Ok(Self::None),
            text => text
                .parse()
                .map(Self::AtMost)
                .map_err(|error: docmill_core::money::ParseMoneyError| format!("{error}, or none")),
        }
    }
}

/// A price the user types: `free`, or dollars per million tokens in and out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceArg(pub Price);

impl FromStr for PriceArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let origin = "typed by the user";
        if text == "free" {
            return Ok(Self(Price::free(origin)));
        }
        let Some((input, output)) = text.split_once(',') else {
            return Err(
                "write it as INPUT,OUTPUT in dollars per million tokens (0.15,0.60), or free".to_owned(),
            );
        };
        let read =
            |text: &str| PicoPerToken::from_usd_per_million(text.trim()).map_err(|error| error.to_string());
        Ok(Self(Price {
            input: read(input)?,
            cached_input: None,
            cache_write: None,
            output: read(output)?,
            origin: origin.to_owned(),
        }))
    }
}

/// A speed as a factor, in thousandths.
pub(super) fn speed(text: &str) -> Result<u32, String> {
    let wrong = || "write it as a number such as 1, 0.5, 60 or 0".to_owned();
    // The same decimals as money, so no float is needed: nano-dollars to thousandths.
    let amount: Usd = text.parse().map_err(|_| wrong())?;
    u32::try_from(amount.nanos() / 1_000_000).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices_are_read_per_million_tokens() {
        let PriceArg(price) = "0.15, 0.60".parse().unwrap();
        assert_eq!((price.input.0, price.output.0), (150_000, 600_000));
        assert!("free".parse::<PriceArg>().unwrap().0.is_free());
        for bad in ["", "0.15", "a,b", "-1,2", "0.15;0.60"] {
            assert!(bad.parse::<PriceArg>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_budget_is_an_amount_or_none() {
        assert_eq!("25".parse(), Ok(Limit::AtMost(Usd::from_nanos(25_000_000_000))));
        assert_eq!("none".parse(), Ok(Limit::None));
        assert!("-5".parse::<Limit>().is_err());
        assert!(
            "0".parse::<Limit>().is_ok(),
            "a budget of nothing lets only free work through"
        );
    }
}
