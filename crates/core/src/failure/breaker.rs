//! The circuit breaker: a batch whose last calls all failed alike stops before it
//! has failed, and paid for, all its documents.

use crate::failure::{Failure, FailureClass, FailureCode, Policy};

/// Watches the calls of a batch.
#[derive(Debug, Clone)]
pub struct Breaker {
    alike: u32,
    alike_transient: u32,
    run: Option<(FailureCode, u32)>,
}

impl Breaker {
    /// A breaker that has seen nothing yet.
    #[must_use]
    pub fn new(policy: &Policy) -> Self {
        Self {
            alike: policy.alike.max(1),
            alike_transient: policy.alike_transient.max(1),
            run: None,
        }
    }

    /// Takes note of the end of a call (`None`: it was good). Says why the batch
    /// should pause, when it should; then it counts from zero again.
    ///
    /// Waiting for a speed limit is neither good nor bad, and does not count.
    pub fn observe(&mut self, failure: Option<&Failure>) -> Option<String> {
        let Some(failure) = failure else {
            self.run = None;
            return None;
        };
        let class = failure.code.class();
        if class == FailureClass::SpeedLimit {
            return None;
        }
        let count = match self.run {
            Some((code, count)) if code == failure.code => count.saturating_add(1),
            _ => 1,
        };
        let limit = if class == FailureClass::Transient {
            self.alike_transient
        } else {
            self.alike
        };
        if count < limit {
            self.run = Some((failure.code, count));
            return None;
        }
        self.run = None;
        Some(format!(
            "the last {count} calls all failed with {}: {}; {}",
            failure.code,
            failure.message,
            failure.code.hint()
        ))
    }
}
