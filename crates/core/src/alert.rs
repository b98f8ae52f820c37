//! Alerts: which state of a batch is worth telling somebody. What is told, and that it
//! is told once, is decided here; who is told, and how, is done elsewhere.

use serde::{Deserialize, Serialize};

use crate::batch::{BatchState, PAUSED_BY_PERSON, STOPPED_BY_PERSON};
use crate::money::Usd;
use crate::time::Timestamp;

/// What is worth telling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "when", rename_all = "snake_case")]
pub enum Trigger {
    /// So much of a batch's budget is settled or unconfirmed.
    BudgetUsed {
        /// 1 to 100.
        percent: u8,
    },
    /// So many of the documents that ended have failed.
    FailureRate {
        /// 1 to 100.
        percent: u8,
        /// Only once so many have ended: the first failure is no rate.
        at_least: u32,
    },
    /// A running batch has not moved for so long.
    Stalled {
        /// Minutes.
        minutes: u32,
    },
    /// A batch came to its end, whatever end that is.
    Finished,
    /// docmill itself paused a batch: calls that all fail alike, an empty account, a limit.
    PausedItself,
    /// All batches together settled so much since midnight UTC, in cents.
    SpentToday {
        /// Cents.
        cents: u32,
    },
}

/// What of a batch decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts<'b> {
    /// Its name.
    pub name: &'b str,
    /// Where it stands.
    pub state: BatchState,
    /// Why.
    pub reason: &'b str,
    /// Documents completed.
    pub completed: u64,
    /// Documents failed.
    pub failed: u64,
    /// Settled and unconfirmed.
    pub spent: Usd,
    /// The wall.
    pub budget: Option<Usd>,
    /// When anything about it last changed.
    pub updated_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
}

/// What is to be told. The same `occasion` is told once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// What tells this occasion from the next of the same kind.
    pub occasion: String,
    /// What happened, as a sentence without a full stop at its end.
    pub text: String,
}

impl Trigger {
    /// What is to be told about a batch, if anything.
    #[must_use]
    pub fn of_batch(&self, batch: &Facts<'_>, now: Timestamp) -> Option<Alert> {
        let told = |occasion: String, text: String| Some(Alert { occasion, text });
        match *self {
            Self::BudgetUsed { percent } => {
                let budget = batch.budget.filter(|budget| *budget > Usd::ZERO)?;
                let used = i128::from(batch.spent.nanos()) * 100 / i128::from(budget.nanos());
                (used >= i128::from(percent)).then(|| Alert {
                    // A raised budget is another occasion.
                    occasion: format!("budget {}", budget.nanos()),
                    text: format!(
                        "{} has used {used} % of its budget: {} of {budget}",
                        batch.name, batch.spent
                    ),
                })
            }
            Self::FailureRate { percent, at_least } => {
                let ended = batch.completed + batch.failed;
                let is_high = ended >= u64::from(at_least.max(1))
                    && u128::from(batch.failed) * 100 >= u128::from(ended) * u128::from(percent);
                is_high.then(|| Alert {
                    occasion: "failures".to_owned(),
                    text: format!("{} of {ended} documents of {} failed", batch.failed, batch.name),
                })
            }
            Self::Stalled { minutes } => {
                let quiet = now.since_ms(batch.updated_at);
                let is_stalled =
                    batch.state == BatchState::Running && quiet >= i64::from(minutes.max(1)) * 60_000;
                is_stalled.then(|| Alert {
                    occasion: format!("stalled {}", batch.updated_at.0),
                    text: format!(
                        "{} is running and has not moved for {} minutes",
                        batch.name,
                        quiet / 60_000
                    ),
                })
            }
            Self::Finished => {
                let ended = batch.ended_at.filter(|_| batch.state.is_ended())?;
                let reason = if batch.reason.is_empty() {
                    String::new()
                } else {
                    format!(" ({})", batch.reason)
                };
                told(
                    format!("ended {}", ended.0),
                    format!(
                        "{} is {}{reason}: {} completed, {} failed, {}",
                        batch.name, batch.state, batch.completed, batch.failed, batch.spent
                    ),
                )
            }
            Self::PausedItself => {
                let by_person = [PAUSED_BY_PERSON, STOPPED_BY_PERSON].contains(&batch.reason);
                let is_paused = batch.state == BatchState::Paused && !by_person;
                is_paused.then(|| Alert {
                    occasion: format!("paused {}", batch.reason),
                    text: format!("{} was paused: {}", batch.name, batch.reason),
                })
            }
            Self::SpentToday { .. } => None,
        }
    }

    /// What is to be told about the spending of all batches since midnight, if anything.
    #[must_use]
    pub fn of_spending(&self, today: Usd, now: Timestamp) -> Option<Alert> {
        let Self::SpentToday { cents } = *self else {
            return None;
        };
        let limit = Usd::from_nanos(i64::from(cents) * 10_000_000);
        (today >= limit && today > Usd::ZERO).then(|| Alert {
            occasion: format!("day {}", now.0.div_euclid(24 * 3600 * 1000)),
            text: format!("{today} was spent today, {limit} or more is worth telling"),
        })
    }
}
