//! Reads a `GenerateContentResponse`.

use serde_json::Value;

use crate::answer::{Answer, Finish};
use crate::wire::counts::{Counts, field};
use crate::wire::{Came, Refused};

/// The answer in a response with status 200.
pub(super) fn answer(came: &Came<'_>) -> Result<Answer, Refused> {
    let response = came.json()?;
    let candidate = response.get("candidates").and_then(|list| list.get(0));
    let blocked = response
        .get("promptFeedback")
        .and_then(|feedback| feedback.get("blockReason"))
        .is_some();
    if candidate.is_none() && !blocked {
        return Err(came.strange("it has no candidates"));
    }
    let reason = candidate
        .and_then(|candidate| candidate.get("finishReason"))
        .and_then(Value::as_str);
    let finish = match reason {
        _ if blocked => Finish::ContentFilter,
        Some("MAX_TOKENS") => Finish::Length,
        Some(
            "SAFETY" | "RECITATION" | "BLOCKLIST" | "PROHIBITED_CONTENT" | "SPII" | "IMAGE_SAFETY"
            | "LANGUAGE",
        ) => Finish::ContentFilter,
        _ => Finish::Stop,
    };
    let text = candidate.map(text).unwrap_or_default();
    let usage = response.get("usageMetadata").unwrap_or(&Value::Null);
    Ok(Answer {
        usage: counts(usage).settle(&came.bound, !text.is_empty()),
        text,
        finish,
        request_id: response
            .get("responseId")
            .and_then(Value::as_str)
            .map(str::to_owned),
        signals: came.signals,
        notes: Vec::new(),
        evidence: Vec::new(),
        simulated: false,
    })
}

/// The parts that are no thoughts.
fn text(candidate: &Value) -> String {
    let parts = candidate
        .get("content")
        .and_then(|content| content.get("parts"))
        .and_then(Value::as_array);
    parts
        .into_iter()
        .flatten()
        .filter(|part| part.get("thought").and_then(Value::as_bool) != Some(true))
        .filter_map(|part| part.get("text").and_then(Value::as_str))
        .collect()
}

/// Thoughts stand beside the answer's tokens and are billed like them; the
/// total knows what either leaves out.
fn counts(usage: &Value) -> Counts {
    let prompt = field(usage, &["promptTokenCount"])
        .map(|prompt| prompt.saturating_add(field(usage, &["toolUsePromptTokenCount"]).unwrap_or(0)));
    let spoken = field(usage, &["candidatesTokenCount"]);
    let thought = field(usage, &["thoughtsTokenCount"]).unwrap_or(0);
    let total = field(usage, &["totalTokenCount"]);
    let beyond_prompt = prompt.and_then(|prompt| total?.checked_sub(prompt));
    let together = spoken.map(|spoken| spoken.saturating_add(thought));
    Counts {
        prompt,
        cached: field(usage, &["cachedContentTokenCount"]),
        written: None,
        answer: together.into_iter().chain(beyond_prompt).max(),
    }
}

#[cfg(test)]
mod tests {
    use docmill_core::price::CallBound;
    use docmill_core::usage::Usage;
    use hyper::{HeaderMap, StatusCode};

    use super::*;
    use crate::signals::Signals;
    use crate::wire::{Config, Reply};

    fn read(body: &str) -> Result<Answer, Refused> {
        let reply = Reply {
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            body: body.to_owned().into(),
        };
        answer(&Came {
            config: &Config::for_server("https://host.example/v1", |_| None).unwrap(),
            reply: &reply,
            bound: CallBound {
                input_tokens: 1000,
                output_tokens: 200,
            },
            signals: Signals::default(),
        })
    }

    #[test]
    fn parts_ends_and_thoughts_are_read() {
        let answer = read(
            r#"{"candidates":[{"content":{"parts":[{"text":"{\"n\":0}?","thought":true},{"text":"{\"n\":1}"}]},
                "finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":100,"cachedContentTokenCount":60,
                "candidatesTokenCount":5,"thoughtsTokenCount":30,"totalTokenCount":135},"responseId":"r1"}"#,
        )
        .unwrap();
        assert_eq!(
            (answer.text.as_str(), answer.finish),
            (r#"{"n":1}"#, Finish::Stop)
        );
        let usage = Usage {
            input_tokens: 40,
            cached_input_tokens: 60,
            cache_write_tokens: 0,
            output_tokens: 35,
        };
        assert_eq!(answer.usage, Some(usage));
        let blocked =
            read(r#"{"promptFeedback":{"blockReason":"SAFETY"},"usageMetadata":{"promptTokenCount":9}}"#);
        assert_eq!(blocked.unwrap().finish, Finish::ContentFilter);
        let cut = read(r#"{"candidates":[{"finishReason":"MAX_TOKENS"}]}"#).unwrap();
        assert_eq!((cut.finish, cut.usage), (Finish::Length, None));
        assert!(read("{}").is_err());
    }
}
