//! Judge: is this answer what was asked for? JSON and schema; then what that does to
//! its part of the document, or to the document, or to the batch. No I/O;
//! milliseconds at most. Answers that were stored go the same way when a document is
//! taken up again.

use std::sync::Arc;

use docmill_core::attempt::Attempt;
use docmill_core::extraction::Finding;
use docmill_core::failure::{Billing, Decision, Failure, FailureCode, History};
use docmill_core::money::Usd;
use docmill_core::progress::{Rejected, troubles_of};
use docmill_core::rows::Placements;
use docmill_core::time::Timestamp;
use docmill_core::usage::Usage;
use docmill_llm::answer::Unread;
use docmill_llm::{Answer, CallError, Finish};
use docmill_store::{Bill, LeasedDocument, Next, Settlement};
use serde_json::Value;

use crate::pipeline::Job;
use crate::pipeline::complete;
use crate::pipeline::progress::{Accepted, Effect, Leaf, Part, Prompt, Prompts};
use crate::pipeline::reply::{Reply, ReplyOrigin, answer_of};
use crate::pipeline::route::falls_back;

/// An answer this many times as long as the text it is about is not a long list: the model
/// repeats itself, and would do so about half of the text as well.
const RUNAWAY: u64 = 8;

/// What to write down, and what becomes of the part or the document.
pub(crate) struct Judged {
    pub(crate) settlement: Option<Settlement>,
    pub(crate) consequence: Consequence,
    /// What was odd about an answer that could be used, for the log.
    pub(crate) notes: Vec<String>,
}

/// What follows from a reply.
pub(crate) enum Consequence {
    /// The part moves on.
    Part(Effect),
    /// The document goes back into the queue.
    Document(Next),
    /// The whole batch has to stop: why, and until when if that is known.
    Batch(String, Option<Timestamp>),
}

/// Weighs a reply for a part.
pub(crate) fn judge(
    job: &Job,
    document: &LeasedDocument,
    prompts: &Prompts,
    leaf: &Leaf,
    reply: Reply,
    attempt: Option<u32>,
) -> Judged {
    let Reply {
        prompt,
        origin,
        answer,
        latency_ms,
        hold: _,
    } = reply;
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) => {
            let route = prompt.route.number;
            return fail(job, document, prompts, leaf, &error, attempt, latency_ms, route);
        }
    };
    let bill = bill_of(job, &prompt, &origin, &answer);
    let limit = prompts.asks_of(prompt.route.number).request.max_output_tokens;
    let weighed = weigh(job, limit, prompts.is_piece(leaf), &answer);
    let settlement = attempt.map(|attempt| Settlement {
        attempt,
        bill,
        latency_ms,
        request_id: answer.request_id.clone(),
        raw_answer: Some(answer.text.clone()),
        failure: weighed.as_ref().err().map(|unusable| unusable.failure.clone()),
    });
    let notes = match &weighed {
        Ok(accepted) => {
            let mended = accepted.mended.map(str::to_owned);
            answer.notes.iter().cloned().chain(mended).collect()
        }
        Err(_) => Vec::new(),
    };
    Judged {
        settlement,
        notes,
        consequence: Consequence::Part(effect(job, leaf, limit, &answer, weighed)),
    }
}

/// Moves a document to where its stored attempts had taken it.
pub(crate) fn take_up(job: &Job, document: &LeasedDocument, prompts: &mut Prompts) {
    let mut used = 0;
    loop {
        used += rebuild(job, document, prompts, 0);
        for route in 1..=prompts.fallback_asks.len() {
            // What the model before did not answer was asked of this one.
            for part in prompts.progress.reopen(falls_back) {
                prompts.routes.insert(part, route);
            }
            used += rebuild(job, document, prompts, route);
        }
        // Parts that came from what the answers taught may have been answered as well.
        let is_more = complete::cut_as_before(prompts) || complete::follow(job, prompts, &[]);
        if !is_more {
            break;
        }
    }
    if used > 0 {
        tracing::debug!(document = %document.id, answers = used, "answers of earlier calls are used again");
    }
}

fn rebuild(job: &Job, document: &LeasedDocument, prompts: &mut Prompts, route: usize) -> usize {
    let Prompts {
        progress,
        past,
        asks,
        fallback_asks,
        in_parts,
        ..
    } = prompts;
    let fallback = route.checked_sub(1).and_then(|at| fallback_asks.get(at));
    let asks = fallback.unwrap_or(asks);
    let limit = asks.request.max_output_tokens;
    progress.rebuild(
        past,
        document.retried_after,
        |leaf| asks.key(leaf),
        |leaf, attempt| {
            let answer = answer_of(attempt);
            let is_piece = *in_parts || leaf.splits > 0 || leaf.part.rows_only;
            let weighed = weigh(job, limit, is_piece, &answer);
            effect(job, leaf, limit, &answer, weighed)
        },
    )
}

/// Told apart from an answer that is cut at the ceiling, which is not asked for again as it was.
const ASKED_AGAIN: &str = "asked again with more room";

/// Whether an attempt was followed by another for the same, with more room.
pub(crate) fn was_asked_again(attempt: &Attempt) -> bool {
    let failure = attempt.failure.as_ref();
    failure.is_some_and(|failure| failure.message.ends_with(ASKED_AGAIN))
}

/// The end of a call whose answer was cut, and which is made again with more room.
pub(crate) fn settlement_of_cut(job: &Job, reply: &Reply, attempt: u32) -> Option<Settlement> {
    let answer = reply.answer.as_ref().ok()?;
    let message = format!(
        "the answer was cut off at {} tokens; {ASKED_AGAIN}",
        reply.prompt.request.max_output_tokens
    );
    Some(Settlement {
        attempt,
        bill: bill_of(job, &reply.prompt, &reply.origin, answer),
        latency_ms: reply.latency_ms,
        request_id: answer.request_id.clone(),
        raw_answer: Some(answer.text.clone()),
        failure: Some(Failure::new(FailureCode::AnswerTruncated, message)),
    })
}

/// What the answer cost. A provider that does not say what it used is charged at the
/// worst case: anything less could let the budget be passed.
fn bill_of(job: &Job, prompt: &Prompt, origin: &ReplyOrigin, answer: &Answer) -> Bill {
    let ReplyOrigin::Called { reserved } = origin else {
        return Bill::Actual {
            usage: Usage::default(),
            cost: Usd::ZERO,
        };
    };
    match answer.usage {
        Some(usage) => match job.setup_of(prompt.route.number).plan.price.cost(&usage) {
            Ok(cost) => Bill::Actual { usage, cost },
            Err(_) => Bill::Actual {
                usage,
                cost: *reserved,
            },
        },
        None => {
            let usage = Usage {
                input_tokens: prompt.bound.input_tokens,
                output_tokens: prompt.bound.output_tokens,
                ..Usage::default()
            };
            Bill::Actual {
                usage,
                cost: *reserved,
            }
        }
    }
}

/// An answer that is not what was asked for.
struct Unusable {
    failure: Failure,
    /// For the model, when asking again may help.
    problems: Option<String>,
}

impl Unusable {
    fn finally(code: FailureCode, message: impl Into<String>) -> Self {
        Self {
            failure: Failure::new(code, message),
            problems: None,
        }
    }

    fn repairable(problems: String) -> Self {
        let failure = Failure::new(FailureCode::InvalidAnswer, problems.clone());
        Self {
            failure,
            problems: Some(problems),
        }
    }
}

/// `in_parts`: a part of a long document need not have everything; the merged whole is validated.
fn weigh(job: &Job, limit: u32, in_parts: bool, answer: &Answer) -> Result<Accepted, Unusable> {
    match answer.finish {
        Finish::Stop => {}
        Finish::Length => {
            return Err(Unusable::finally(
                FailureCode::AnswerTruncated,
                format!("the answer was cut off at {limit} tokens"),
            ));
        }
        Finish::ContentFilter => {
            let message = "the provider's content filter stopped the answer";
            return Err(Unusable::finally(FailureCode::ContentFiltered, message));
        }
        Finish::Refusal => {
            let said: String = answer.text.chars().take(200).collect();
            return Err(Unusable::finally(
                FailureCode::Refused,
                format!("the model declined: {said}"),
            ));
        }
    }
    let fits = |data: Value| {
        let data = job.validator.normalise(data);
        let findings = job.validator.validate(&data);
        let enough = in_parts && findings.iter().all(|finding| finding.check == "required");
        if findings.is_empty() || enough {
            Ok(data)
        } else {
            Err(findings)
        }
    };
    let (data, shortfalls, mended) = match docmill_llm::answer::read(&answer.text, fits) {
        Ok(read) => (read.accepted, Vec::new(), read.mended),
        Err(Unread::NotAccepted(findings)) if job.setup.capabilities.asks_a_model => {
            return Err(Unusable::repairable(in_words(&findings)));
        }
        // Nobody can be asked again: what fits is the result, and the rest is said.
        Err(Unread::NotAccepted(_)) => {
            let data = docmill_llm::answer::json_of(&answer.text).unwrap_or_default();
            let (data, shortfalls) = job.validator.fitting_part(job.validator.normalise(data));
            (data, shortfalls, None)
        }
        Err(Unread::NotJson(why)) => {
            // Where the text stood instead, when the provider's envelope says so.
            let why = answer
                .notes
                .iter()
                .fold(why, |why, note| format!("{why} ({note})"));
            return Err(Unusable::repairable(why));
        }
    };
    Ok(Accepted {
        data,
        shortfalls,
        mended,
        placements: Placements::default(),
        hints: answer.evidence.clone(),
    })
}

/// Where the rows of an answer stand, when it is about a part, or has a long list.
fn placements(job: &Job, leaf: &Leaf, data: &Value) -> Placements {
    let pages = &leaf.part.whole.pages;
    let is_part = leaf.part.pages.len() < pages.len() || leaf.part.text.len() < text_bytes(pages);
    if !is_part && !has_long_list(data, 0) {
        return Placements::default();
    }
    Placements::of(data, &job.setup.template.schema, &leaf.part.cut, pages)
}

fn text_bytes(pages: &[docmill_core::page::Page]) -> usize {
    pages.iter().map(|page| page.text.len()).sum()
}

/// Rows from which a list is worth a look at where they stand.
const LONG_LIST: usize = 12;

fn has_long_list(data: &Value, depth: usize) -> bool {
    match data {
        Value::Array(items) => items.len() >= LONG_LIST,
        Value::Object(fields) if depth < 8 => fields.values().any(|value| has_long_list(value, depth + 1)),
        _ => false,
    }
}

fn in_words(findings: &[Finding]) -> String {
    let mut lines: Vec<String> = findings
        .iter()
        .take(8)
        .map(|finding| match finding.field.as_str() {
            "" => finding.message.clone(),
            field => format!("{field}: {}", finding.message),
        })
        .collect();
    if findings.len() > lines.len() {
        lines.push(format!("and {} more", findings.len() - lines.len()));
    }
    lines.join("; ")
}

/// What an answer does to its part.
fn effect(
    job: &Job,
    leaf: &Leaf,
    limit: u32,
    answer: &Answer,
    weighed: Result<Accepted, Unusable>,
) -> Effect {
    let unusable = match weighed {
        Ok(mut accepted) => {
            accepted.placements = placements(job, leaf, &accepted.data);
            return Effect::Accepted(accepted);
        }
        Err(unusable) => unusable,
    };
    let history = History {
        repairs: leaf.repairs,
        splits: leaf.splits,
        ..History::default()
    };
    let decision = job.decide(0, &unusable.failure, Billing::Billed, &history, None);
    match (decision, unusable.problems) {
        (Decision::Repair, Some(problems)) => Effect::Repair(Rejected {
            answer: answer.text.clone(),
            problems,
        }),
        (Decision::Split, _) => match pieces(leaf, limit) {
            Some(pieces) => Effect::Split(pieces),
            None => Effect::Lost(unusable.failure),
        },
        _ => Effect::Lost(unusable.failure),
    }
}

/// The pieces of a part whose answer was cut off; `None` when smaller pieces would not help.
fn pieces(leaf: &Leaf, limit: u32) -> Option<Vec<Arc<Part>>> {
    let tokens = docmill_llm::tokens::expect(&leaf.part.text);
    if leaf.part.images.is_empty() && u64::from(limit) / RUNAWAY > tokens {
        return None;
    }
    let halves = leaf.part.halves()?;
    Some(halves.into_iter().map(Arc::new).collect())
}

/// A call without an answer.
#[expect(clippy::too_many_arguments, reason = "what is known about one call")]
fn fail(
    job: &Job,
    document: &LeasedDocument,
    prompts: &Prompts,
    leaf: &Leaf,
    error: &CallError,
    attempt: Option<u32>,
    latency_ms: u32,
    route: usize,
) -> Judged {
    let (bill, billing) = match error.billing {
        docmill_llm::Billing::NotBilled => (Bill::NotBilled, Billing::NotBilled),
        docmill_llm::Billing::Unknown => (Bill::Unknown, Billing::Unknown),
        docmill_llm::Billing::Used(usage) => match job.setup_of(route).plan.price.cost(&usage) {
            Ok(cost) => (Bill::Actual { usage, cost }, Billing::Billed),
            Err(_) => (Bill::Unknown, Billing::Unknown),
        },
    };
    let settlement = attempt.map(|attempt| Settlement {
        attempt,
        bill,
        latency_ms,
        request_id: None,
        raw_answer: None,
        failure: Some(error.failure.clone()),
    });
    // What the other parts of a long document met does not count against this one.
    let own = troubles_of(&prompts.past, leaf.id);
    let here = prompts.troubles.get(&leaf.id).copied().unwrap_or_default();
    let history = History {
        attempts: document.attempts,
        failures: document.failures.min(own).saturating_add(here.failures),
        waits: document.waits.min(own).saturating_add(here.waits),
        repairs: leaf.repairs,
        splits: leaf.splits,
    };
    let seed = document.id.ordinal.0;
    let decision = job.decide(seed, &error.failure, billing, &history, error.signals.retry_after);
    let failure = error.failure.clone();
    let consequence = match decision {
        Decision::Retry {
            at,
            counts,
            reason: _,
        } => Consequence::Document(Next::Retry { at, failure, counts }),
        Decision::PauseBatch { reason, until } => Consequence::Batch(reason, until),
        Decision::Fail { .. } | Decision::Repair | Decision::Split => {
            Consequence::Part(Effect::Lost(failure))
        }
    };
    Judged {
        settlement,
        consequence,
        notes: Vec::new(),
    }
}
