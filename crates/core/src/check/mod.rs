//! Checks: rules a result must meet, written as `subtotal + tax == total`.
//!
//! The language is small on purpose; `docs/guide` has it in full:
//!
//! - numbers `0.19`, text `"EUR"`, `true`, `false`; fields by their names, dots
//!   between: `seller.vat_id`. A name with other signs stands in backticks.
//! - a field inside a list stands for all its values: `line_items.amount` (or
//!   `line_items[].amount`). `+ - * /` and comparisons work item by item on lists;
//!   a rule about a list holds when it holds for every item.
//! - `+ - * /`, `== != < <= > >=`, `and or not`, brackets.
//! - `sum count min max abs round length present`.
//! - Numbers are exact decimals. `==`, `<=` and `>=` allow for rounding: a
//!   difference up to max(0.01, half a cent for each value that was summed up).
//!   Text is compared as it is; `<` and the like also order ISO dates.
//! - **A rule about what is not there does not apply**: when a field is missing
//!   or null, or a list to be summed is empty, nothing is reported. `present(x)`
//!   asks for it; `count` of an empty list is 0.
//!
//! Nothing in here panics, whatever is typed: length and depth are bounded.

mod evaluate;
mod lex;
mod parse;
mod value;

use serde_json::Value;

use crate::extraction::Finding;
use crate::template::Check;

pub use parse::ParseError;

use evaluate::{Verdict, evaluate};
use parse::Rule;

/// Checks, ready to run.
#[derive(Debug, Clone, Default)]
pub struct Checks {
    compiled: Vec<Compiled>,
}

#[derive(Debug, Clone)]
struct Compiled {
    check: Check,
    rule: Rule,
}

/// A check whose rule cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("check {name:?}: {error}")]
pub struct CompileError {
    /// The check's name.
    pub name: String,
    /// What is wrong with its rule.
    #[source]
    pub error: ParseError,
}

impl Checks {
    /// Reads the rules.
    ///
    /// # Errors
    /// When one cannot be read; says which, and at which column.
    pub fn compile(checks: &[Check]) -> Result<Self, CompileError> {
        let compiled = checks
            .iter()
            .map(|check| match parse::parse(&check.rule) {
                Ok(rule) => Ok(Compiled {
                    check: check.clone(),
                    rule,
                }),
                Err(error) => Err(CompileError {
                    name: check.name.clone(),
                    error,
                }),
            })
            .collect::<Result<_, _>>()?;
        Ok(Self { compiled })
    }

    /// The rules that this result does not meet.
    #[must_use]
    pub fn run(&self, data: &Value) -> Vec<Finding> {
        self.compiled
            .iter()
            .filter_map(|compiled| compiled.run(data))
            .collect()
    }

    /// The fields the rules are about, as lists of names.
    pub fn names(&self) -> impl Iterator<Item = &[String]> {
        self.compiled
            .iter()
            .flat_map(|compiled| compiled.rule.names.iter().map(Vec::as_slice))
    }
}

impl Compiled {
    fn run(&self, data: &Value) -> Option<Finding> {
        let Verdict::Fails(why) = evaluate(&self.rule, data) else {
            return None;
        };
        let message = match (&self.check.message, why.is_empty()) {
            (Some(message), true) => message.clone(),
            (Some(message), false) => format!("{message} ({why})"),
            (None, true) => format!("{} does not hold", self.check.rule),
            (None, false) => format!("{} does not hold: {why}", self.check.rule),
        };
        Some(Finding {
            check: self.check.name.clone(),
            field: self.field(data),
            message,
        })
    }

    /// The field, when the rule is about one that exists and is no list.
    fn field(&self, data: &Value) -> String {
        let [only] = self.rule.names.as_slice() else {
            return String::new();
        };
        let pointer: String = only
            .iter()
            .map(|name| format!("/{}", name.replace('~', "~0").replace('/', "~1")))
            .collect();
        if data.pointer(&pointer).is_some() {
            pointer
        } else {
            String::new()
        }
    }
}
