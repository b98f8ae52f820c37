//! What the stand-in answers, and what it counts for it.

use serde_json::{Value, json};

use super::answer;
use super::behaviour::Misbehaviour;
use super::chat::{Chat, Size};
use super::random::Random;

/// An answer, made and counted.
pub(super) struct Made {
    pub(super) prompt: String,
    text: String,
    pub(super) input: u64,
    pub(super) output: u64,
    finish: &'static str,
}

impl Made {
    /// `schema`: the one the call asks for, parsed.
    pub(super) fn new(
        chat: &Chat<'_>,
        schema: Option<&Value>,
        size: Size,
        extra: u64,
        wrong: Option<Misbehaviour>,
    ) -> Self {
        use Misbehaviour as M;
        let hash = chat.hash();
        let mut seed = [0u8; 8];
        seed.iter_mut()
            .zip(hash.as_bytes())
            .for_each(|(to, from)| *to = *from);
        let mut random = Random::new(u64::from_le_bytes(seed));
        let mut text = String::with_capacity(512);
        match schema {
            Some(schema) => answer::write(schema, &mut random, &mut text),
            None => text.push_str("{\"answer\":\"a stand-in\"}"),
        }
        let mut finish = "stop";
        match wrong {
            Some(M::InvalidJson) => text = format!("Certainly! Here it is: {text}"),
            Some(M::SchemaViolation) => text = "{\"unexpected\":true}".to_owned(),
            Some(M::FencedJson) => text = format!("```json\n{text}\n```"),
            Some(M::Length) => {
                halve(&mut text);
                finish = "length";
            }
            Some(M::ContentFilter) => {
                text.clear();
                finish = "content_filter";
            }
            _ => {}
        }
        let mut output = (text.len() as u64).div_ceil(4).max(1) + extra;
        if output > chat.limit() {
            output = chat.limit();
            halve(&mut text);
            finish = "length";
        }
        let mut prompt = hash.to_hex().to_string();
        prompt.truncate(32);
        Self {
            prompt,
            text,
            input: if wrong == Some(M::UsageAboveBound) {
                10 * (size.bytes() + 1000)
            } else {
                size.tokens()
            },
            output,
            finish,
        }
    }

    /// The body of the response.
    pub(super) fn envelope(&self, id: u64, model: &str, wrong: Option<Misbehaviour>) -> Vec<u8> {
        let refused = wrong == Some(Misbehaviour::Refusal);
        let (content, refusal) = if refused {
            (None, Some("I cannot help with that."))
        } else {
            (Some(self.text.as_str()), None)
        };
        let mut envelope = json!({
            "id": format!("standin-{id}"),
            "object": "chat.completion",
            "model": model,
            "choices": [{
                "index": 0,
                "message": {"role": "assistant", "content": content, "refusal": refusal},
                "finish_reason": self.finish,
            }],
            "usage": {
                "prompt_tokens": self.input,
                "completion_tokens": self.output,
                "total_tokens": self.input + self.output,
                "prompt_tokens_details": {"cached_tokens": 0},
            },
        });
        if wrong == Some(Misbehaviour::MissingUsage)
            && let Some(fields) = envelope.as_object_mut()
        {
            fields.remove("usage");
        }
        envelope.to_string().into_bytes()
    }
}

fn halve(text: &mut String) {
    let mut half = text.len() / 2;
    while !text.is_char_boundary(half) {
        half -= 1;
    }
    text.truncate(half);
}
