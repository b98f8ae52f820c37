//! Prices and limits of public models, as of a date: the table in
//! `catalog/model-prices.csv`, built into the program. Amounts are read from
//! their decimals into whole pico-dollars per token; no float touches them.

use std::collections::HashMap;
use std::sync::LazyLock;

use docmill_core::money::{ParseMoneyError, PicoPerToken};
use docmill_core::price::Price;

/// The table. US dollars per million tokens.
const TABLE: &str = include_str!("../../../catalog/model-prices.csv");

/// Where the built-in prices are from, and of which month.
pub const ORIGIN: &str = "catalog 2026-11";

/// What the catalog knows about a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    /// Who sells it ("openai").
    pub provider: String,
    /// Its name there ("gpt-4o-mini").
    pub name: String,
    /// What it costs per token.
    pub price: Price,
    /// What it costs per token through the provider's batch service.
    pub batch_price: Option<Price>,
    /// Prompt tokens it takes.
    pub max_input_tokens: Option<u64>,
    /// Answer tokens it gives at most.
    pub max_output_tokens: Option<u32>,
    /// Whether it sees pictures.
    pub vision: bool,
    /// Whether its answers can be held to a schema by the provider.
    pub structured_output: bool,
    /// Whether it thinks before it answers: such models refuse a temperature and bill their thoughts.
    pub reasoning: bool,
    /// When its provider takes it away, as YYYY-MM-DD.
    pub deprecated_on: Option<String>,
}

/// Why a table of prices cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// A line with too few columns.
    #[error("line {line} of the price table has {found} columns, {expected} are needed")]
    Columns {
        /// Counted from 1.
        line: usize,
        /// Columns it has.
        found: usize,
        /// Columns it should have.
        expected: usize,
    },
    /// An amount that is none.
    #[error("line {line} of the price table: {source}")]
    Amount {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        source: ParseMoneyError,
    },
}

/// A table of models, found by provider and name.
#[derive(Debug, Default)]
pub struct Catalog {
    models: Vec<Model>,
    by_name: HashMap<(String, String), usize>,
}

/// The built-in table. Empty if it could not be read, which a test excludes;
/// an empty catalog only means that every price has to be typed.
static BUILT_IN: LazyLock<Catalog> = LazyLock::new(|| Catalog::parse(TABLE, ORIGIN).unwrap_or_default());

/// The built-in catalog.
#[must_use]
pub fn built_in() -> &'static Catalog {
    &BUILT_IN
}

const COLUMNS: usize = 15;

impl Catalog {
    /// Reads a table in the form of `catalog/model-prices.csv`. When a model
    /// stands there twice with different prices, the dearer one is kept: a
    /// reservation may be too large, never too small.
    ///
    /// # Errors
    /// When a line has too few columns or an amount is not a decimal number.
    pub fn parse(table: &str, origin: &str) -> Result<Self, CatalogError> {
        let mut catalog = Self::default();
        for (index, text) in table.lines().enumerate().skip(1) {
            if text.trim().is_empty() {
                continue;
            }
            let fields: Vec<&str> = text.split(',').map(str::trim).collect();
            let Ok(fields) = <[&str; COLUMNS]>::try_from(fields.as_slice()) else {
                return Err(CatalogError::Columns {
                    line: index + 1,
                    found: fields.len(),
                    expected: COLUMNS,
                });
            };
            let model = model(fields, origin).map_err(|source| CatalogError::Amount {
                line: index + 1,
                source,
            })?;
            catalog.insert(model);
        }
        Ok(catalog)
    }

    /// All models, in the order of the table.
    #[must_use]
    pub fn models(&self) -> &[Model] {
        &self.models
    }

    /// The model of this name, or the one it is a dated version of
    /// ("gpt-4o-mini-2031-01-01" → "gpt-4o-mini"); a provider in front of the
    /// name ("openai/gpt-4o") is taken off. `None`: nobody knows its price.
    #[must_use]
    pub fn find(&self, provider: &str, name: &str) -> Option<&Model> {
        let provider = provider.trim().to_ascii_lowercase();
        let name = name.trim().to_ascii_lowercase();
        let bare = name.strip_prefix(&format!("{provider}/")).unwrap_or(&name);
        let dateless = without_date(bare);
        [Some(bare), dateless, bare.strip_prefix("models/")]
            .into_iter()
            .flatten()
            .find_map(|name| self.by_name.get(&(provider.clone(), name.to_owned())))
            .and_then(|&index| self.models.get(index))
    }

    /// The model a name alone means: "openai/gpt-4o-mini" by its provider,
    /// "gpt-4o-mini" by looking through all of them. `None` when no provider
    /// or more than one with different prices sells it.
    #[must_use]
    pub fn resolve(&self, name: &str) -> Option<&Model> {
        let named = name
            .split_once('/')
            .and_then(|(provider, rest)| self.find(provider, rest));
        if named.is_some() {
            return named;
        }
        let mut found = self.providers().filter_map(|provider| self.find(provider, name));
        let first = found.next()?;
        found.all(|other| other.price == first.price).then_some(first)
    }

    fn providers(&self) -> impl Iterator<Item = &str> {
        let mut last = "";
        self.models.iter().filter_map(move |model| {
            let new = model.provider != last;
            last = &model.provider;
            new.then_some(model.provider.as_str())
        })
    }

    fn insert(&mut self, model: Model) {
        let key = (
            model.provider.to_ascii_lowercase(),
            model.name.to_ascii_lowercase(),
        );
        let Some(&index) = self.by_name.get(&key) else {
            self.by_name.insert(key, self.models.len());
            self.models.push(model);
            return;
        };
        if let Some(known) = self.models.get_mut(index)
            && dearness(&model) > dearness(known)
        {
            *known = model;
        }
    }
}

fn dearness(model: &Model) -> (PicoPerToken, PicoPerToken) {
    (model.price.output, model.price.input)
}

/// Takes a date off the end: "-2024-07-18", "-20250929".
fn without_date(name: &str) -> Option<&str> {
    let is_date = |text: &str| {
        let digits = text.chars().filter(char::is_ascii_digit).count();
        let dashes = text.matches('-').count();
        text.starts_with("20") && digits == 8 && digits + dashes == text.len() && matches!(dashes, 0 | 2)
    };
    [9, 11].into_iter().find_map(|length| {
        let at = name.len().checked_sub(length)?;
        let (head, tail) = (name.get(..at)?, name.get(at..)?);
        tail.strip_prefix('-').filter(|date| is_date(date)).map(|_| head)
    })
}

fn model(fields: [&str; COLUMNS], origin: &str) -> Result<Model, ParseMoneyError> {
    let [
        provider,
        name,
        input,
        cached_input,
        cache_write,
        output,
        batch_input,
        batch_output,
        max_input_tokens,
        max_output_tokens,
        vision,
        _pdf_input,
        structured_output,
        reasoning,
        deprecated_on,
    ] = fields;
    let price = Price {
        input: PicoPerToken::from_usd_per_million(input)?,
        cached_input: optional(cached_input)?,
        // The list says 0 where nothing is charged for writing as such: the
        // tokens themselves still cost the input price.
        cache_write: optional(cache_write)?.filter(|price| price.0 > 0),
        output: PicoPerToken::from_usd_per_million(output)?,
        origin: origin.to_owned(),
    };
    let batch_price = match (optional(batch_input)?, optional(batch_output)?) {
        (Some(input), Some(output)) => Some(Price {
            input,
            output,
            cached_input: None,
            cache_write: None,
            origin: format!("{origin}, batch service"),
        }),
        _ => None,
    };
    Ok(Model {
        provider: provider.to_owned(),
        name: name.to_owned(),
        price,
        batch_price,
        max_input_tokens: max_input_tokens.parse().ok(),
        max_output_tokens: max_output_tokens.parse().ok(),
        vision: vision == "1",
        structured_output: structured_output == "1",
        reasoning: reasoning == "1",
        deprecated_on: (!deprecated_on.is_empty()).then(|| deprecated_on.to_owned()),
    })
}

fn optional(text: &str) -> Result<Option<PicoPerToken>, ParseMoneyError> {
    if text.is_empty() {
        return Ok(None);
    }
    PicoPerToken::from_usd_per_million(text).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_table_is_whole() {
        let catalog = Catalog::parse(TABLE, ORIGIN).unwrap();
        let lines = TABLE.lines().skip(1).filter(|line| !line.is_empty()).count();
        assert!(catalog.models().len() > 200 && catalog.models().len() <= lines);
        assert!(catalog.models().iter().all(|model| !model.name.is_empty()));
    }

    #[test]
    fn prices_are_exact() {
        let model = built_in().find("openai", "gpt-4o-mini").unwrap();
        assert_eq!(model.price.input.0, 150_000);
        assert_eq!(model.price.cached_input, Some(PicoPerToken(75_000)));
        assert_eq!(model.price.cache_write, None);
        assert_eq!(model.price.output.0, 600_000);
        assert_eq!(model.price.origin, ORIGIN);
        assert_eq!(model.max_input_tokens, Some(128_000));
        assert_eq!(model.max_output_tokens, Some(16_384));
        assert!(model.vision && model.structured_output && !model.reasoning);
        let batch = model.batch_price.as_ref().unwrap();
        assert_eq!((batch.input.0, batch.output.0), (75_000, 300_000));
    }

    #[test]
    fn names_are_found_with_prefix_and_date() {
        let catalog = built_in();
        for name in [
            "gpt-4o-mini",
            "GPT-4o-mini",
            "openai/gpt-4o-mini",
            "gpt-4o-mini-2031-05-06",
            "gpt-4o-mini-20310506",
        ] {
            assert_eq!(
                catalog.find("openai", name).map(|m| m.name.as_str()),
                Some("gpt-4o-mini")
            );
        }
        assert_eq!(
            catalog
                .find("openai", "gpt-4o-2024-05-13")
                .unwrap()
                .price
                .output
                .0,
            15_000_000,
            "a dated version with its own price is not taken for the other"
        );
        assert_eq!(
            catalog.find("groq", "openai/gpt-oss-20b").unwrap().name,
            "openai/gpt-oss-20b"
        );
        assert!(catalog.find("gemini", "models/gemini-2.5-flash").is_some());
    }

    #[test]
    fn unknown_models_have_no_price() {
        let catalog = built_in();
        for (provider, name) in [
            ("openai", "gpt-99"),
            ("nobody", "gpt-4o"),
            ("openai", ""),
            ("", ""),
        ] {
            assert!(catalog.find(provider, name).is_none(), "{provider}/{name}");
        }
        assert!(catalog.resolve("gpt-4o-minimal").is_none());
    }

    #[test]
    fn a_name_alone_is_enough_when_it_means_one_price() {
        let catalog = built_in();
        assert_eq!(catalog.resolve("gpt-4o-mini").unwrap().provider, "openai");
        assert_eq!(catalog.resolve("openai/gpt-4o").unwrap().name, "gpt-4o");
        assert_eq!(catalog.resolve("claude-opus-5").unwrap().provider, "anthropic");
    }

    #[test]
    fn of_two_prices_the_dearer_is_kept() {
        let table = "head\np,m,1,,,2,,,,,0,0,0,0,\np,m,3,,,4,,,,,0,0,0,0,\np,m,1,,,2,,,,,0,0,0,0,\n";
        let catalog = Catalog::parse(table, "test").unwrap();
        assert_eq!(catalog.models().len(), 1);
        assert_eq!(catalog.find("p", "m").unwrap().price.output.0, 4_000_000);
    }

    #[test]
    fn broken_tables_are_refused() {
        assert!(matches!(
            Catalog::parse("head\na,b\n", "test"),
            Err(CatalogError::Columns {
                line: 2,
                found: 2,
                ..
            })
        ));
        assert!(matches!(
            Catalog::parse("head\np,m,x,,,2,,,,,0,0,0,0,\n", "test"),
            Err(CatalogError::Amount { line: 2, .. })
        ));
    }
}
