//! What the stand-in answers, and what it counts for it.

use serde_json::{Value, json};

use super::answer;
use super::behaviour::Misbehaviour;
use super::envelope::{Counts, Said, envelope, usage_field};
use super::question::{Dialect, Question};
use super::random::Random;
use super::rows::{self, RowReading};

/// An answer, made and counted.
pub(super) struct Made {
    pub(super) prompt: String,
    text: String,
    pub(super) counts: Counts,
    finish: &'static str,
}

impl Made {
    /// `schema`: the one the call asks for, parsed. `cached`: the marked part is in the cache
    /// already. `rows`: how the rows of the body are read.
    pub(super) fn new(
        question: &Question,
        schema: Option<&Value>,
        cached: Option<bool>,
        extra: u64,
        wrong: Option<Misbehaviour>,
        rows: Option<(&RowReading, &[u8])>,
    ) -> Self {
        use Misbehaviour as M;
        let mut seed = [0u8; 8];
        seed.iter_mut()
            .zip(question.hash.as_bytes())
            .for_each(|(to, from)| *to = *from);
        let mut random = Random::new(u64::from_le_bytes(seed));
        let mut text = String::with_capacity(512);
        let read = rows.and_then(|(reading, body)| rows::answer(schema?, body, reading, &mut random));
        match (read, schema) {
            (Some(read), _) => text = read,
            (None, Some(schema)) => answer::write(schema, &mut random, &mut text),
            (None, None) => text.push_str("{\"answer\":\"a stand-in\"}"),
        }
        let mut finish = "stop";
        match wrong {
            Some(M::Length) => {
                halve(&mut text);
                finish = "length";
            }
            Some(M::ContentFilter) => {
                text.clear();
                finish = "content_filter";
            }
            Some(wrong) => text = wrapped(text, wrong),
            None => {}
        }
        let mut output = (text.len() as u64).div_ceil(4).max(1) + extra;
        if output > question.limit {
            output = question.limit;
            halve(&mut text);
            finish = "length";
        }
        let mut prompt = question.hash.to_hex().to_string();
        prompt.truncate(32);
        let input = if wrong == Some(M::UsageAboveBound) {
            10 * (question.size.bytes() + 1000)
        } else {
            question.size.tokens()
        };
        let marked = question.marked.map_or(0, |(_, tokens)| tokens.min(input));
        Self {
            prompt,
            text,
            counts: Counts {
                input,
                cached: if cached == Some(true) { marked } else { 0 },
                written: if cached == Some(false) { marked } else { 0 },
                output,
            },
            finish,
        }
    }

    /// The body of the response.
    pub(super) fn envelope(&self, id: u64, question: &Question, wrong: Option<Misbehaviour>) -> Vec<u8> {
        use Misbehaviour as M;
        let mut body = envelope(
            question.dialect,
            &Said {
                id,
                model: &question.model,
                text: &self.text,
                finish: self.finish,
                refused: wrong == Some(M::Refusal),
                counts: self.counts,
            },
        );
        let usage = usage_field(question.dialect);
        if let Some(fields) = body.as_object_mut() {
            match wrong {
                Some(M::MissingUsage) => {
                    fields.remove(usage);
                }
                Some(M::ZeroUsage) => change_counts(fields.get_mut(usage), |_| json!(0)),
                Some(M::NegativeUsage) => change_counts(fields.get_mut(usage), |_| json!(-1)),
                Some(M::UsageAsText) => {
                    change_counts(fields.get_mut(usage), |count| json!(count.to_string()))
                }
                _ => {}
            }
        }
        if wrong == Some(M::ObjectInReasoning)
            && question.dialect == Dialect::Chat
            && let Some(message) = body.pointer_mut("/choices/0/message")
        {
            *message = json!({"role": "assistant", "content": null, "reasoning_content": self.text});
        }
        match wrong {
            Some(M::ByteOrderMark) => format!("\u{feff}{body}").into_bytes(),
            Some(M::EventStream) => format!("data: {body}\n\ndata: [DONE]\n\n").into_bytes(),
            _ => body.to_string().into_bytes(),
        }
    }
}

/// The answer in a wrapping some model or server puts around it.
fn wrapped(text: String, wrong: Misbehaviour) -> String {
    use Misbehaviour as M;
    match wrong {
        M::InvalidJson => format!("Certainly! Here it is: {}", text.trim_end_matches('}')),
        M::SchemaViolation => "{\"unexpected\":true}".to_owned(),
        M::FencedJson => format!("```json\n{text}\n```"),
        M::Thoughts => format!("<think>\nperhaps {{\"unexpected\": 1}}, or not\n</think>\n\n{text}"),
        M::Prose => format!("Here is the `result`:\n```json\n{text}\n```\nSee [1] and {{note}}."),
        M::ListOfOne => format!("[{text}]"),
        M::TextOfObject => json!(text).to_string(),
        M::Twice => format!("{text}\n{text}"),
        M::TrailingComma => format!("{},}}", text.trim_end_matches('}')),
        _ => text,
    }
}

/// Changes every number among the counts.
fn change_counts(counts: Option<&mut Value>, change: impl Fn(&Value) -> Value + Copy) {
    match counts {
        Some(Value::Object(fields)) => {
            for (_, count) in fields.iter_mut() {
                change_counts(Some(count), change);
            }
        }
        Some(count @ Value::Number(_)) => *count = change(count),
        _ => {}
    }
}

fn halve(text: &mut String) {
    let mut half = text.len() / 2;
    while !text.is_char_boundary(half) {
        half -= 1;
    }
    text.truncate(half);
}
