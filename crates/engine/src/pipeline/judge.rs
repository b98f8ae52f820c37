//! Judge: is this answer what was asked for? JSON, schema, the template's checks,
//! and whether its values stand on the pages. Then what becomes of the document.
//! No I/O; milliseconds at most.

use docmill_core::extraction::{Evidence, Extraction, Finding};
use docmill_core::failure::{Billing, Decision, Failure, FailureCode, History};
use docmill_core::ground;
use docmill_core::money::Usd;
use docmill_core::page::ParsedDocument;
use docmill_core::review;
use docmill_core::time::Timestamp;
use docmill_core::usage::Usage;
use docmill_llm::{Answer, CallError, Finish, Repair};
use docmill_store::{Bill, LeasedDocument, Next, Settlement};
use serde_json::Value;

use crate::pipeline::Job;
use crate::pipeline::call::{Reply, ReplyOrigin};
use crate::pipeline::prepare::{Prompt, Prompts};

/// Notes about a partial reading that become findings; a hundred broken pages are one story.
const MOST_NOTES: usize = 3;

/// An accepted answer of one part.
pub(crate) struct Accepted {
    pub(crate) data: Value,
    pub(crate) hints: Vec<Evidence>,
}

/// What to write down, and whether the document goes on.
pub(crate) struct Judged {
    pub(crate) settlement: Option<Settlement>,
    pub(crate) next: Next,
    pub(crate) verdict: Verdict,
    /// The whole batch has to stop: why, and until when if that is known.
    pub(crate) pause: Option<(String, Option<Timestamp>)>,
}

/// Whether the document goes on.
pub(crate) enum Verdict {
    /// Ask again: a repair, or the next part.
    Again,
    /// It ended, or went back into the queue.
    Ended,
}

pub(crate) async fn judge(
    job: &Job,
    document: &LeasedDocument,
    prompts: &mut Prompts,
    reply: Reply,
    attempt: Option<u32>,
) -> Judged {
    let Reply {
        prompt,
        origin,
        answer,
        latency_ms,
    } = reply;
    match answer {
        Ok(answer) => {
            let bill = bill_of(job, &prompt, &origin, &answer);
            let verdict = weigh(job, prompts, &answer);
            let failure = verdict.as_ref().err().map(|rejected| rejected.failure.clone());
            let settlement = attempt.map(|attempt| Settlement {
                attempt,
                bill,
                latency_ms,
                request_id: answer.request_id.clone(),
                raw_answer: Some(answer.text.clone()),
                failure,
            });
            match verdict {
                Ok(accepted) => accept(job, prompts, accepted, settlement),
                Err(rejected) => reject(job, document, prompts, rejected, &answer, settlement),
            }
        }
        Err(error) => fail(job, document, prompts, &error, attempt, latency_ms),
    }
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
        Some(usage) => match job.setup.plan.price.cost(&usage) {
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
struct Rejected {
    failure: Failure,
    /// For the model, when asking again may help.
    problems: Option<String>,
}

impl Rejected {
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

fn weigh(job: &Job, prompts: &Prompts, answer: &Answer) -> Result<Accepted, Rejected> {
    match answer.finish {
        Finish::Stop => {}
        Finish::Length => {
            return Err(Rejected::finally(
                FailureCode::AnswerTruncated,
                format!(
                    "the answer was cut off at {} tokens",
                    job.setup.plan.max_output_tokens
                ),
            ));
        }
        Finish::ContentFilter => {
            let message = "the provider's content filter stopped the answer";
            return Err(Rejected::finally(FailureCode::ContentFiltered, message));
        }
        Finish::Refusal => {
            let said: String = answer.text.chars().take(200).collect();
            return Err(Rejected::finally(
                FailureCode::Refused,
                format!("the model declined: {said}"),
            ));
        }
    }
    let data = docmill_llm::answer::json_of(&answer.text)
        .map_err(|error| Rejected::repairable(format!("the answer is not valid JSON: {error}")))?;
    let data = job.validator.normalise(data);
    let findings = job.validator.validate(&data);
    if findings.is_empty() {
        return Ok(Accepted {
            data,
            hints: answer.evidence.clone(),
        });
    }
    // A part of a long document need not have everything; the merged whole is validated.
    if prompts.parts.len() > 1 && findings.iter().all(|finding| finding.check == "required") {
        return Ok(Accepted {
            data,
            hints: answer.evidence.clone(),
        });
    }
    Err(Rejected::repairable(in_words(&findings)))
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

fn accept(job: &Job, prompts: &mut Prompts, accepted: Accepted, settlement: Option<Settlement>) -> Judged {
    prompts.accepted.push(accepted);
    prompts.repair = None;
    if !prompts.is_last() {
        prompts.turn += 1;
        return Judged {
            settlement,
            next: Next::Continue,
            verdict: Verdict::Again,
            pause: None,
        };
    }
    let next = match conclude(job, prompts) {
        Ok(extraction) => Next::Completed(Box::new(extraction)),
        Err(failure) => Next::Failed(failure),
    };
    Judged {
        settlement,
        next,
        verdict: Verdict::Ended,
        pause: None,
    }
}

/// The document's result from the accepted answers of all its parts.
fn conclude(job: &Job, prompts: &mut Prompts) -> Result<Extraction, Failure> {
    let accepted = std::mem::take(&mut prompts.accepted);
    let in_parts = accepted.len() > 1;
    let mut hints = Vec::new();
    let mut data = Vec::with_capacity(accepted.len());
    for part in accepted {
        hints.extend(part.hints);
        data.push(part.data);
    }
    let mut findings = Vec::new();
    let data = if in_parts {
        let merged = docmill_core::merge::merge(data, &job.setup.template.schema);
        findings.extend(merged.conflicts);
        let problems = job.validator.validate(&merged.data);
        if !problems.is_empty() {
            return Err(Failure::new(FailureCode::InvalidAnswer, in_words(&problems)));
        }
        // Evidence pointers of parts do not fit the merged lists; grounding finds the places again.
        hints.clear();
        merged.data
    } else {
        data.pop().unwrap_or(Value::Null)
    };
    let grounded = ground::ground(&data, &job.setup.template.schema, &prompts.reading.pages, &hints);
    findings.extend(job.checks.run(&data));
    findings.extend(missing(&prompts.reading));
    if is_empty(&data) {
        findings.push(Finding {
            field: String::new(),
            check: "empty".to_owned(),
            message: "nothing the template asks for was found in the document".to_owned(),
        });
    }
    let risk = review::risk(&review::Signs {
        grounded: grounded.evidence.len(),
        ungrounded: grounded.ungrounded.len(),
        findings: findings.len(),
        repaired: prompts.repairs > 0,
        partial: prompts.reading.partial,
        ocr_confidence: review::ocr_confidence(&prompts.reading.pages),
    });
    Ok(Extraction {
        data,
        evidence: grounded.evidence,
        ungrounded: grounded.ungrounded,
        findings,
        risk,
        simulated: job.setup.plan.model.starts_with("sim/"),
    })
}

/// Whether a result says nothing at all. Its depth is bounded by the parser that made it.
fn is_empty(data: &Value) -> bool {
    match data {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.iter().all(is_empty),
        Value::Object(fields) => fields.values().all(is_empty),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// What the result cannot know because it was not read.
fn missing(reading: &ParsedDocument) -> Vec<Finding> {
    let notes = reading.notes.iter().filter(|_| reading.partial);
    let finding = |note: &String| Finding {
        field: String::new(),
        check: "reading".to_owned(),
        message: note.clone(),
    };
    notes.take(MOST_NOTES).map(finding).collect()
}

/// An answer that was paid for and is no good.
fn reject(
    job: &Job,
    document: &LeasedDocument,
    prompts: &mut Prompts,
    rejected: Rejected,
    answer: &Answer,
    settlement: Option<Settlement>,
) -> Judged {
    let history = history(document, prompts);
    let decision = job.decide(document, &rejected.failure, Billing::Billed, &history, None);
    let again = Judged {
        settlement: None,
        next: Next::Continue,
        verdict: Verdict::Again,
        pause: None,
    };
    match (&decision, rejected.problems) {
        (Decision::Repair, Some(problems)) => {
            prompts.repair = Some(Repair {
                answer: answer.text.clone(),
                problems,
            });
            prompts.repairs += 1;
            Judged { settlement, ..again }
        }
        (Decision::Split, _) if prompts.halve() => Judged { settlement, ..again },
        _ => judged(decision, rejected.failure, settlement),
    }
}

/// A call without an answer.
fn fail(
    job: &Job,
    document: &LeasedDocument,
    prompts: &Prompts,
    error: &CallError,
    attempt: Option<u32>,
    latency_ms: u32,
) -> Judged {
    let (bill, billing) = match error.billing {
        docmill_llm::Billing::NotBilled => (Bill::NotBilled, Billing::NotBilled),
        docmill_llm::Billing::Unknown => (Bill::Unknown, Billing::Unknown),
    };
    let settlement = attempt.map(|attempt| Settlement {
        attempt,
        bill,
        latency_ms,
        request_id: None,
        raw_answer: None,
        failure: Some(error.failure.clone()),
    });
    let history = history(document, prompts);
    let decision = job.decide(
        document,
        &error.failure,
        billing,
        &history,
        error.signals.retry_after,
    );
    judged(decision, error.failure.clone(), settlement)
}

fn judged(decision: Decision, failure: Failure, settlement: Option<Settlement>) -> Judged {
    let (next, pause) = match decision {
        Decision::Retry {
            at,
            counts,
            reason: _,
        } => (Next::Retry { at, failure, counts }, None),
        Decision::Fail { .. } | Decision::Repair | Decision::Split => (Next::Failed(failure), None),
        Decision::PauseBatch { reason, until } => (Next::Released, Some((reason, until))),
    };
    Judged {
        settlement,
        next,
        verdict: Verdict::Ended,
        pause,
    }
}

/// What is known about a document's earlier failures.
fn history(document: &LeasedDocument, prompts: &Prompts) -> History {
    History {
        attempts: document.attempts,
        failures: document.failures,
        waits: document.waits,
        repairs: prompts.repairs,
        splits: prompts.splits,
    }
}
