//! What comes back for a prompt, from a call or from the store: made by
//! [`crate::pipeline::call`] and [`crate::pipeline::reserve`], weighed by
//! [`crate::pipeline::judge`].

use docmill_core::attempt::Attempt;
use docmill_core::failure::FailureCode;
use docmill_core::money::Usd;
use docmill_llm::{Answer, CallError, Finish, Signals};
use docmill_store::StoredAnswer;

use crate::pipeline::money::Hold;
use crate::pipeline::progress::Prompt;

/// What came back, and for what.
pub(crate) struct Reply {
    /// What was asked.
    pub(crate) prompt: Prompt,
    /// Where the answer is from.
    pub(crate) origin: ReplyOrigin,
    /// The money that was held for the call, until it is settled.
    pub(crate) hold: Option<Hold>,
    /// The answer, or why there is none.
    pub(crate) answer: Result<Answer, CallError>,
    /// How long it took.
    pub(crate) latency_ms: u32,
}

/// Where an answer is from.
pub(crate) enum ReplyOrigin {
    /// A call, with this much held back for it.
    Called {
        /// The reservation.
        reserved: Usd,
    },
    /// Stored: it was paid for before.
    Stored,
}

impl Reply {
    /// An answer that was paid for by another document.
    pub(crate) fn of_stored(stored: StoredAnswer, prompt: Prompt) -> Self {
        Self {
            prompt,
            origin: ReplyOrigin::Stored,
            hold: None,
            answer: Ok(answer(stored.raw_answer, Finish::Stop)),
            latency_ms: 0,
        }
    }
}

/// The answer of an attempt of long ago; why it stopped is told by what was found wrong with it.
pub(crate) fn answer_of(attempt: &Attempt) -> Answer {
    let finish = match attempt.failure.as_ref().map(|failure| failure.code) {
        Some(FailureCode::AnswerTruncated) => Finish::Length,
        Some(FailureCode::ContentFiltered) => Finish::ContentFilter,
        Some(FailureCode::Refused) => Finish::Refusal,
        _ => Finish::Stop,
    };
    Answer {
        usage: Some(attempt.usage),
        ..answer(attempt.raw_answer.clone().unwrap_or_default(), finish)
    }
}

fn answer(text: String, finish: Finish) -> Answer {
    Answer {
        text,
        usage: None,
        finish,
        request_id: None,
        signals: Signals::default(),
        notes: Vec::new(),
        evidence: Vec::new(),
        simulated: false,
    }
}
