//! A batch and the states it goes through.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The reason of a batch that a person paused. Alerts tell it from pauses that docmill decided on.
pub const PAUSED_BY_PERSON: &str = "paused by a person";

/// The reason of a batch whose command a person stopped.
pub const STOPPED_BY_PERSON: &str = "stopped by a person; resume it when you like";

/// Where a batch stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchState {
    /// Documents are being added; nothing was counted yet.
    Draft,
    /// Pages and tokens are being counted; nothing is paid.
    Estimating,
    /// Counted, waiting for the start.
    Ready,
    /// Workers process documents.
    Running,
    /// Stopped by a person or by a failure that would repeat (circuit breaker, empty balance).
    Paused,
    /// Every document ended well (completed or skipped).
    Completed,
    /// Every document ended, at least one of them failed.
    CompletedWithFailures,
    /// The next call would not fit into the budget.
    BudgetExhausted,
    /// Given up by a person; finished results stay.
    Cancelled,
    /// Cannot go on at all (a bug, an overrun of the worst case).
    Failed,
}

/// What can happen to a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BatchEvent {
    /// Counting begins.
    Estimate,
    /// Counting ended.
    Estimated,
    /// A person starts the work.
    Start,
    /// A person, the circuit breaker or an empty balance stops it for now.
    Pause,
    /// A person lets it go on.
    Resume,
    /// A person gives it up.
    Cancel,
    /// The last document ended; none failed.
    Finish,
    /// The last document ended; some failed.
    FinishWithFailures,
    /// No reservation fits and nothing is in flight.
    ExhaustBudget,
    /// The budget was raised.
    RaiseBudget,
    /// Failed documents were put back into the queue.
    Retry,
    /// New documents were added.
    Add,
    /// Going on is impossible.
    Fail,
}

/// Every state, in the order of the table in the docs.
pub const STATES: [BatchState; 10] = [
    BatchState::Draft,
    BatchState::Estimating,
    BatchState::Ready,
    BatchState::Running,
    BatchState::Paused,
    BatchState::Completed,
    BatchState::CompletedWithFailures,
    BatchState::BudgetExhausted,
    BatchState::Cancelled,
    BatchState::Failed,
];

/// Every event, in the order of the table in the docs.
pub const EVENTS: [BatchEvent; 13] = [
    BatchEvent::Estimate,
    BatchEvent::Estimated,
    BatchEvent::Start,
    BatchEvent::Pause,
    BatchEvent::Resume,
    BatchEvent::Cancel,
    BatchEvent::Finish,
    BatchEvent::FinishWithFailures,
    BatchEvent::ExhaustBudget,
    BatchEvent::RaiseBudget,
    BatchEvent::Retry,
    BatchEvent::Add,
    BatchEvent::Fail,
];

/// A batch in this state does not take that event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a batch that is {state} cannot {event}")]
pub struct RefusedTransition {
    /// The state the batch is in and stays in.
    pub state: BatchState,
    /// The event that was refused.
    pub event: BatchEvent,
}

impl BatchEvent {
    /// Whether a batch in this state takes the event.
    #[must_use]
    pub fn is_taken_by(self, state: BatchState) -> bool {
        state.on(self).is_ok()
    }
}

impl BatchState {
    /// The next state, or a refusal. An event that changes nothing (pausing what
    /// is paused) is accepted where a person may well repeat it.
    ///
    /// # Errors
    /// When the state does not take the event.
    pub fn on(self, event: BatchEvent) -> Result<Self, RefusedTransition> {
        use BatchEvent as E;
        use BatchState as S;
        let next = match (self, event) {
            (S::Draft | S::Ready, E::Estimate) => S::Estimating,
            (S::Estimating, E::Estimate) => S::Estimating,
            (S::Estimating | S::Draft | S::Ready, E::Estimated) => S::Ready,
            (S::Draft | S::Ready | S::Estimating, E::Start) => S::Running,
            (S::Running, E::Start | E::Resume) => S::Running,
            (S::Running | S::Paused, E::Pause) => S::Paused,
            (S::Paused, E::Resume) => S::Running,
            // The work that is left goes on; an ended batch with nothing left ends again at once.
            (S::BudgetExhausted | S::Cancelled | S::Failed, E::Resume) => S::Running,
            (
                S::Draft | S::Estimating | S::Ready | S::Running | S::Paused | S::BudgetExhausted | S::Failed,
                E::Cancel,
            ) => S::Cancelled,
            (S::Cancelled, E::Cancel) => S::Cancelled,
            (S::Running, E::Finish) => S::Completed,
            (S::Running, E::FinishWithFailures) => S::CompletedWithFailures,
            (S::Running, E::ExhaustBudget) => S::BudgetExhausted,
            (S::BudgetExhausted, E::RaiseBudget) => S::Running,
            // Raising the budget of any other batch changes the budget, not the state.
            (state, E::RaiseBudget) => state,
            (
                S::Completed
                | S::CompletedWithFailures
                | S::BudgetExhausted
                | S::Cancelled
                | S::Failed
                | S::Running,
                E::Retry,
            ) => S::Running,
            (S::Paused, E::Retry) => S::Paused,
            (S::Draft | S::Ready, E::Add) => self,
            (S::Estimating | S::Running | S::Paused, E::Add) => self,
            (
                S::Completed | S::CompletedWithFailures | S::BudgetExhausted | S::Cancelled | S::Failed,
                E::Add,
            ) => S::Draft,
            (S::Draft | S::Estimating | S::Ready | S::Running | S::Paused, E::Fail) => S::Failed,
            (state, event) => return Err(RefusedTransition { state, event }),
        };
        Ok(next)
    }

    /// Whether the batch has come to an end (which raising the budget, retrying
    /// or adding documents can undo).
    #[must_use]
    pub fn is_ended(self) -> bool {
        matches!(
            self,
            Self::Completed
                | Self::CompletedWithFailures
                | Self::BudgetExhausted
                | Self::Cancelled
                | Self::Failed
        )
    }

    /// The name in the database, the API and the docs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Estimating => "estimating",
            Self::Ready => "ready",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Completed => "completed",
            Self::CompletedWithFailures => "completed_with_failures",
            Self::BudgetExhausted => "budget_exhausted",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }
}

/// For people: "completed with failures".
impl fmt::Display for BatchState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.as_str().replace('_', " "))
    }
}

impl fmt::Display for BatchEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Estimate => "be estimated",
            Self::Estimated => "end its estimate",
            Self::Start => "be started",
            Self::Pause => "be paused",
            Self::Resume => "be resumed",
            Self::Cancel => "be cancelled",
            Self::Finish | Self::FinishWithFailures => "finish",
            Self::ExhaustBudget => "exhaust its budget",
            Self::RaiseBudget => "have its budget raised",
            Self::Retry => "be retried",
            Self::Add => "take documents",
            Self::Fail => "fail",
        })
    }
}

/// A name that is no state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a state")]
pub struct UnknownState(pub String);

impl FromStr for BatchState {
    type Err = UnknownState;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        STATES
            .into_iter()
            .find(|state| state.as_str() == name)
            .ok_or_else(|| UnknownState(name.to_owned()))
    }
}
