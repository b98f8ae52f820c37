//! Unconfirmed money comes back: what a provider's own usage export says about calls of
//! which nobody knows whether they were billed.
//!
//! Exports rarely have a line per call, and never one for a call whose answer was lost
//! that says so. But what the provider counted for a model and a time, less what docmill
//! settled for the same, is what the lost calls cost at most:
//!
//! ```text
//! provider's total − settled by docmill = cost of the lost calls + whatever others used
//! ```
//!
//! So the difference never says too little; when it says more than the lost calls can
//! have cost, somebody else used the same key, and nothing is decided ([`Verdict::Foreign`]).
//! The export has to be whole for the time: providers count some minutes late.
//!
//! [`formats`] reads the exports; this file decides.

mod formats;

use crate::money::Usd;
use crate::price::Price;
use crate::time::Timestamp;
use crate::usage::Usage;

pub use formats::{Format, UnknownExport, parse};

/// What a provider says was used: one call, or all calls of some minutes or days.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Line {
    /// From when; `None`: the export does not say.
    pub from: Option<Timestamp>,
    /// Until when (not included); `None`: as `from`.
    pub to: Option<Timestamp>,
    /// The model as the provider names it; empty: the export does not say.
    pub model: String,
    /// Tokens.
    pub usage: Usage,
    /// What was charged, where the export says it.
    pub cost: Option<Usd>,
}

/// A call that nobody knows the end of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lost<I> {
    /// Which.
    pub id: I,
    /// When it started.
    pub started_at: Timestamp,
    /// What it can have cost at most.
    pub worst_case: Usd,
}

/// What an export comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict<I> {
    /// The lost calls cost this much together.
    Known {
        /// In all.
        billed: Usd,
        /// Each call's share; they add up to `billed`, and none is above its worst case.
        shares: Vec<(I, Usd)>,
    },
    /// The provider counted more than docmill settled and could have lost: others use the same key.
    Foreign {
        /// What docmill cannot account for.
        difference: Usd,
        /// What its lost calls can have cost at most.
        worst_case: Usd,
    },
}

/// The part of an export that is about one model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// What the provider counted, priced.
    pub total: Usd,
    /// From when on it counts; `None`: always.
    pub from: Option<Timestamp>,
    /// Until when; `None`: always.
    pub to: Option<Timestamp>,
    /// How many lines that was.
    pub lines: usize,
}

/// What an export says about a model, whatever date stands behind the provider's name for
/// it. `None`: nothing. Lines without a model count for every model. The time an export
/// covers is that of all its lines: a day without a line for the model is a day without calls.
#[must_use]
pub fn about(lines: &[Line], model: &str, price: &Price) -> Option<About> {
    let mine = |line: &&Line| line.model.is_empty() || is_same_model(&line.model, model);
    let mut about = About {
        total: Usd::ZERO,
        from: lines.iter().map(|line| line.from).min().flatten(),
        to: None,
        lines: 0,
    };
    let ends: Option<Vec<Timestamp>> = lines.iter().map(|line| line.to.or(line.from)).collect();
    about.to = ends.and_then(|ends| ends.into_iter().max());
    for line in lines.iter().filter(mine) {
        let cost = line.cost.or_else(|| price.cost(&line.usage).ok())?;
        about.total = about.total.saturating_add(cost);
        about.lines += 1;
    }
    (about.lines > 0).then_some(about)
}

/// What the lost calls of the time an export covers cost, given what docmill settled for the
/// same model and time.
#[must_use]
pub fn decide<I: Copy>(about: &About, settled: Usd, lost: &[Lost<I>]) -> Verdict<I> {
    let worst_case = lost.iter().fold(Usd::ZERO, |sum, call| {
        sum.saturating_add(call.worst_case.max(Usd::ZERO))
    });
    let difference = about.total.saturating_sub(settled);
    if difference > worst_case {
        return Verdict::Foreign {
            difference,
            worst_case,
        };
    }
    let billed = difference.max(Usd::ZERO);
    Verdict::Known {
        billed,
        shares: shares(billed, worst_case, lost),
    }
}

/// In proportion to the worst cases, to the last nano-dollar, none above its own.
fn shares<I: Copy>(billed: Usd, worst_case: Usd, lost: &[Lost<I>]) -> Vec<(I, Usd)> {
    let (mut before, mut given) = (0_i128, 0_i128);
    let all = i128::from(worst_case.nanos()).max(1);
    lost.iter()
        .map(|call| {
            // Cumulative shares rounded down: each is within its own, the last takes what is left.
            before += i128::from(call.worst_case.max(Usd::ZERO).nanos());
            let until = i128::from(billed.nanos()) * before / all;
            let share = until - given;
            given = until;
            (call.id, Usd::from_nanos(i64::try_from(share).unwrap_or(i64::MAX)))
        })
        .collect()
}

/// `gpt-4o-mini-2024-07-18` is `openai/gpt-4o-mini`, `gpt-4o-mini` is not `gpt-4o`.
#[must_use]
pub fn is_same_model(theirs: &str, ours: &str) -> bool {
    let bare = |name: &str| {
        let name = name.rsplit('/').next().unwrap_or(name).to_ascii_lowercase();
        without_date(&name.replace([' ', '_', '.'], "-"))
    };
    let (theirs, ours) = (bare(theirs), bare(ours));
    !theirs.is_empty() && theirs == ours
}

/// Takes `-2024-07-18` or `-20240718` away from the end.
fn without_date(name: &str) -> String {
    let shape: String = name
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    let date = ["-0000-00-00", "-00000000"]
        .iter()
        .find(|date| shape.ends_with(*date));
    let end = name.len() - date.map_or(0, |date| date.len());
    name.get(..end).unwrap_or(name).to_owned()
}
