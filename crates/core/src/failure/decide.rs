//! What becomes of a document after a failure.

use std::time::Duration;

use crate::attempt::AttemptOutcome;
use crate::failure::{Failure, FailureClass, FailureCode, Policy};
use crate::time::Timestamp;

/// No document is told to wait longer than this for its next try, whatever the policy and the
/// provider say. One whose time lies further ahead was given it before the clock was set back.
pub const LONGEST_RETRY: Duration = Duration::from_secs(20 * 60);

/// What is known about the money of a call that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Billing {
    /// Answered and paid; the answer is no good.
    Billed,
    /// Certainly not billed: never sent, or refused with a 4xx.
    NotBilled,
    /// Nobody knows: sent, and no whole answer came back.
    Unknown,
}

impl Billing {
    /// How the attempt ends in the ledger. What is unknown is never given back.
    #[must_use]
    pub const fn outcome(self) -> AttemptOutcome {
        match self {
            Self::Billed => AttemptOutcome::Answered,
            Self::NotBilled => AttemptOutcome::Released,
            Self::Unknown => AttemptOutcome::Unconfirmed,
        }
    }
}

/// What happened to a document before this failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct History {
    /// Calls made for it.
    pub attempts: u32,
    /// Failures that counted against it.
    pub failures: u32,
    /// Waits for a speed limit.
    pub waits: u32,
    /// Answers that were sent back for repair.
    pub repairs: u32,
    /// Times it was split because an answer was cut off.
    pub splits: u32,
}

/// What to do, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Put it back into the queue.
    Retry {
        /// Not before.
        at: Timestamp,
        /// Whether it counts against the document (`failures`) or not (`waits`).
        counts: bool,
        /// Why, for the log.
        reason: String,
    },
    /// It ends without a result.
    Fail {
        /// Why, for the log.
        reason: String,
    },
    /// Every other document would fail the same way: stop the batch, and give this one back.
    PauseBatch {
        /// Why, for the person.
        reason: String,
        /// When it can go on by itself, if that is known.
        until: Option<Timestamp>,
    },
    /// Send the answer back with what is wrong with it, once.
    Repair,
    /// Ask for the same with half of the pages.
    Split,
}

/// Decides what becomes of a document after a failed call. `seed` spreads the
/// retries of documents that failed together; the document's number will do.
#[must_use]
pub fn decide(
    failure: &Failure,
    billing: Billing,
    history: &History,
    policy: &Policy,
    now: Timestamp,
    retry_after: Option<Duration>,
    seed: u64,
) -> Decision {
    let case = Case {
        failure,
        billing,
        history,
        policy,
        now,
        retry_after,
        seed,
    };
    match failure.code.class() {
        FailureClass::SpeedLimit => case.wait(),
        FailureClass::DailyLimit => case.pause(case.retry_after.map(|wait| later(now, wait))),
        FailureClass::Money => case.pause(None),
        FailureClass::Configuration => case.configuration(),
        FailureClass::Transient => case.try_again(),
        FailureClass::BadAnswer if history.repairs < policy.max_repairs => Decision::Repair,
        FailureClass::BadAnswer => case.fail("a repaired answer was no better"),
        FailureClass::Truncated if history.splits < policy.max_splits => Decision::Split,
        FailureClass::Truncated => case.fail("the answer is cut off even for a small part"),
        FailureClass::Refusal => case.fail("asking the same again would be refused again"),
        FailureClass::BadDocument => case.fail("nothing about the document changes by trying again"),
        FailureClass::Bug => case.fail("trying again would meet the same fault"),
    }
}

struct Case<'a> {
    failure: &'a Failure,
    billing: Billing,
    history: &'a History,
    policy: &'a Policy,
    now: Timestamp,
    retry_after: Option<Duration>,
    seed: u64,
}

impl Case<'_> {
    fn fail(&self, why: &str) -> Decision {
        Decision::Fail {
            reason: format!("{}: {why}", self.failure.code),
        }
    }

    fn pause(&self, until: Option<Timestamp>) -> Decision {
        Decision::PauseBatch {
            reason: format!("{}; {}", self.failure.message, self.failure.code.hint()),
            until,
        }
    }

    /// A refused request may be this document's alone (a picture the provider cannot take):
    /// pausing for it would pause again at every resume. When it is not, the breaker
    /// notices within a few calls, which cost nothing.
    fn configuration(&self) -> Decision {
        match self.failure.code {
            FailureCode::RequestRefused => self.fail("the provider would refuse it again"),
            _ => self.pause(None),
        }
    }

    /// Too fast: says nothing about the document.
    fn wait(&self) -> Decision {
        if self
            .retry_after
            .is_some_and(|wait| wait > self.policy.longest_wait)
        {
            return self.pause(self.retry_after.map(|wait| later(self.now, wait)));
        }
        if self.history.waits >= self.policy.max_waits {
            return self.fail(&format!("still refused after {} waits", self.history.waits));
        }
        let reason = "too fast for the provider; waiting".to_owned();
        Decision::Retry {
            at: self.next_time(self.history.waits),
            counts: false,
            reason,
        }
    }

    fn try_again(&self) -> Decision {
        let failures = self.history.failures.saturating_add(1);
        if self.failure.code == FailureCode::AttemptsExhausted || failures >= self.policy.max_failures {
            return self.fail(&format!("failed {failures} times"));
        }
        if self
            .retry_after
            .is_some_and(|wait| wait > self.policy.longest_wait)
        {
            return self.pause(self.retry_after.map(|wait| later(self.now, wait)));
        }
        let held = match self.billing {
            Billing::Unknown => "; its cost is held back, as it may have been billed",
            Billing::Billed | Billing::NotBilled => "",
        };
        let reason = format!("failure {failures} of at most {}{held}", self.policy.max_failures);
        Decision::Retry {
            at: self.next_time(self.history.failures),
            counts: true,
            reason,
        }
    }

    /// The backoff after so many tries, half of it by chance, and never before the
    /// provider's own time (plus a little by chance, so that not all come back at once).
    fn next_time(&self, tries: u32) -> Timestamp {
        let chance = self.chance();
        // A server that loads its model is asked again in even steps: how often says nothing.
        let doublings = match self.failure.code {
            FailureCode::ModelLoading => 0,
            _ => tries.min(16),
        };
        let full = self
            .policy
            .backoff
            .saturating_mul(1 << doublings)
            .min(self.policy.max_backoff);
        let backoff = scaled(full, 500 + chance / 2);
        let told = self
            .retry_after
            .map(|wait| wait.saturating_add(scaled(wait.min(full), chance / 4)));
        let wait = told.map_or(backoff, |told| told.max(backoff));
        later(self.now, wait.min(LONGEST_RETRY))
    }

    /// 0 to 999, the same for the same document and history.
    fn chance(&self) -> u64 {
        let history = u64::from(self.history.failures) << 32 | u64::from(self.history.waits);
        mix(self.seed ^ mix(history)) % 1000
    }
}

fn scaled(duration: Duration, thousandths: u64) -> Duration {
    duration.saturating_mul(u32::try_from(thousandths).unwrap_or(1000)) / 1000
}

fn later(now: Timestamp, wait: Duration) -> Timestamp {
    // Rounded up: never before the time told.
    let ms = wait.as_nanos().div_ceil(1_000_000);
    now.plus_ms(i64::try_from(ms).unwrap_or(i64::MAX))
}

/// SplitMix64: a number that looks like chance from one that does not.
fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
