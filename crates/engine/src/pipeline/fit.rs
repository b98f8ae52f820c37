//! Fit: what is held back for a call, and what is metered for it, fits the call.
//!
//! The bound of a prompt holds for every tokenizer, whatever was learned: the budget is a wall,
//! and a prompt denser than all that were seen would break it. What is learned is how many tokens
//! are likely, which is what providers meter, and how long answers are: the limit that is sent
//! is a bound by itself. An answer that is cut below the ceiling is paid for and asked for again
//! with all the room there is.

use std::sync::PoisonError;

use docmill_core::learned::{CallCost, Ratio};
use docmill_core::pacing::Need;
use docmill_core::price::CallBound;
use docmill_core::usage::Usage;
use docmill_llm::{Answer, Finish, Request};

use crate::EngineError;
use crate::pipeline::Setup;
use crate::pipeline::progress::Prompt;

/// So many prompts of a batch are counted exactly before some are left out.
const COUNTED_FIRST: u64 = 200;

/// Prompts of which some were counted by the model's own tokenizer.
#[derive(Default)]
pub(crate) struct CountedSample {
    prompts: u64,
    /// As guessed, and as counted.
    ratio: Ratio,
}

impl Setup {
    /// The limit on answers that no call passes.
    pub(crate) fn ceiling(&self) -> u32 {
        self.plan
            .max_output_tokens
            .min(self.limits.max_output_tokens)
            .max(1)
    }

    /// Sets the limit on the answer, the bound and the worst case of a prompt by what was learned;
    /// `room`: an answer to it was cut, and this much is allowed now.
    pub(crate) fn fit(&self, prompt: &mut Prompt, room: Option<u32>) -> Result<Need, EngineError> {
        let hard = prompt.bound.input_tokens;
        if prompt.counted == 0 {
            prompt.counted = self.count(&prompt.request);
        }
        let counted = prompt.counted;
        let expected = if is_text(&prompt.request) {
            self.learning.expected_input(counted, hard)
        } else {
            counted.min(hard)
        };
        let cost = || CallCost::new(&self.plan.price, expected);
        let ceiling = self.ceiling();
        let limit = room.unwrap_or_else(|| self.learning.answer_limit(self.first_answer, ceiling, cost));
        prompt.request.max_output_tokens = limit.min(ceiling);
        prompt.bound = CallBound {
            input_tokens: hard,
            output_tokens: u64::from(prompt.request.max_output_tokens),
        };
        prompt.worst_case = self
            .plan
            .price
            .worst_case(&prompt.bound)
            .map_err(|error| EngineError::Bug(error.to_string()))?;
        Ok(Need {
            input: expected,
            output: prompt.bound.output_tokens,
        })
    }

    /// Prompt tokens as they are counted here. What is the same in every prompt is counted once.
    fn count(&self, request: &Request) -> u64 {
        if !is_text(request) || request.repair.is_some() {
            return self.resolved.provider.expect(request).total_input();
        }
        let fixed = self.fixed_input.get_or_init(|| {
            let empty = Request {
                text: String::new(),
                ..request.clone()
            };
            self.resolved.provider.expect(&empty).total_input()
        });
        fixed.saturating_add(docmill_llm::tokens::expect(&request.text))
    }

    /// Learns from what a call used. What a provider cannot have meant teaches nothing.
    pub(crate) fn learn(&self, prompt: &Prompt, answer: &Answer) {
        let request = &prompt.request;
        let Some(usage) = answer.usage.filter(|usage| usage.output_tokens > 0) else {
            return;
        };
        let hard = prompt.bound.input_tokens;
        let input = usage.total_input();
        let counted = prompt.counted;
        let expected = docmill_llm::tokens::expect_answer(&self.template.schema, &request.text);
        self.learning.teach(|learned| {
            if is_text(request) && input > 0 && input <= hard {
                learned.input.record(counted, input);
            }
            match answer.finish {
                Finish::Length => learned.lengths.record_cut(u64::from(request.max_output_tokens)),
                Finish::Stop => {
                    learned.lengths.record(usage.output_tokens);
                    learned.output.record(expected, usage.output_tokens);
                }
                Finish::ContentFilter | Finish::Refusal => {}
            }
        });
    }

    /// Whether the answer was cut at a limit below the ceiling, so that asking again with more
    /// room helps.
    pub(crate) fn was_cut_short(&self, request: &Request, answer: &Answer) -> bool {
        let reached = answer
            .usage
            .is_some_and(|usage| usage.output_tokens >= u64::from(request.max_output_tokens));
        answer.finish == Finish::Length && reached && request.max_output_tokens < self.ceiling()
    }

    /// What a call will probably use: by what calls taught; before they did, by the model's own
    /// tokenizer where that is public. It counts the first prompts of a batch, and ever fewer of
    /// the later ones; these correct the guess for the others.
    pub(crate) fn expect(&self, request: &Request) -> Usage {
        let guessed = self.resolved.provider.expect(request);
        let known = self.learning.known();
        let input_tokens = if known.input.is_known() {
            known.input.expect(guessed.input_tokens)
        } else {
            self.sampled_input(request, guessed.input_tokens)
        };
        Usage {
            input_tokens,
            output_tokens: known.output.expect(guessed.output_tokens),
            ..guessed
        }
    }

    fn sampled_input(&self, request: &Request, guessed: u64) -> u64 {
        let mut sample = self.sample.lock().unwrap_or_else(PoisonError::into_inner);
        let turn = sample.prompts;
        sample.prompts += 1;
        if turn.is_multiple_of(1 + turn / COUNTED_FIRST)
            && let Some(counted) = self.resolved.provider.count(request)
        {
            sample.ratio.record(guessed, counted);
            return counted;
        }
        sample.ratio.expect(guessed)
    }
}

/// Whether a prompt is all text: pictures have the provider's own formula, and teach nothing.
fn is_text(request: &Request) -> bool {
    request.images.is_empty()
}
