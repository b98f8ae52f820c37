//! Reads a response object.

use docmill_core::usage::Usage;
use serde_json::Value;

use crate::answer::{Answer, Billing, Finish};
use crate::wire::counts::{Counts, field};
use crate::wire::{Came, Refused, errors};

/// The answer in a response with status 200.
pub(super) fn answer(came: &Came<'_>) -> Result<Answer, Refused> {
    let response = came.json()?;
    let counts = counts(response.get("usage").unwrap_or(&Value::Null));
    if let Some(error) = response.get("error").filter(|error| !error.is_null()) {
        return Err(failed(came, error, counts.settle(&came.bound, false)));
    }
    let Some(output) = response.get("output").and_then(Value::as_array) else {
        return Err(came.strange("it is not a response: it has no output"));
    };
    let (text, refused) = said(output);
    let why = response
        .get("incomplete_details")
        .and_then(|details| details.get("reason"))
        .and_then(Value::as_str);
    let finish = match why {
        Some("max_output_tokens") => Finish::Length,
        Some("content_filter") => Finish::ContentFilter,
        _ if refused => Finish::Refusal,
        _ => Finish::Stop,
    };
    Ok(Answer {
        usage: counts.settle(&came.bound, !output.is_empty()),
        text,
        finish,
        request_id: came
            .header(&["x-request-id"])
            .or_else(|| response.get("id").and_then(Value::as_str).map(str::to_owned)),
        signals: came.signals,
        notes: Vec::new(),
        evidence: Vec::new(),
        simulated: false,
    })
}

/// A response that failed after it was accepted.
fn failed(came: &Came<'_>, error: &Value, used: Option<Usage>) -> Refused {
    let status = match error.get("code").and_then(Value::as_str) {
        Some("rate_limit_exceeded") => 429,
        _ => 500,
    };
    let body = serde_json::json!({ "error": error }).to_string();
    let refused = errors::classify(status, body.as_bytes(), came.config);
    match used {
        Some(used) => Refused {
            billing: Billing::Used(used),
            ..refused
        },
        None => refused,
    }
}

/// The text of all messages, and whether it is a refusal.
fn said(output: &[Value]) -> (String, bool) {
    let parts = output
        .iter()
        .filter(|item| item.get("type").and_then(Value::as_str) == Some("message"))
        .filter_map(|item| item.get("content").and_then(Value::as_array))
        .flatten();
    let mut text = String::new();
    let mut refusal = String::new();
    for part in parts {
        let of = |name: &str| part.get(name).and_then(Value::as_str).unwrap_or_default();
        text.push_str(of("text"));
        refusal.push_str(of("refusal"));
    }
    if text.is_empty() && !refusal.is_empty() {
        (refusal, true)
    } else {
        (text, false)
    }
}

fn counts(usage: &Value) -> Counts {
    let details = usage.get("input_tokens_details").unwrap_or(&Value::Null);
    Counts {
        prompt: field(usage, &["input_tokens", "prompt_tokens"]),
        cached: field(details, &["cached_tokens"]),
        written: field(details, &["cache_write_tokens"]),
        answer: field(usage, &["output_tokens", "completion_tokens"]),
    }
}

#[cfg(test)]
mod tests {
    use docmill_core::price::CallBound;
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
    fn output_ends_and_usage_are_read() {
        let answer = read(
            r#"{"id":"resp_1","status":"completed","error":null,"output":[{"type":"reasoning","summary":[]},
                {"type":"message","content":[{"type":"output_text","text":"{\"n\":1}"}]}],
                "usage":{"input_tokens":100,"input_tokens_details":{"cached_tokens":64},"output_tokens":9}}"#,
        )
        .unwrap();
        assert_eq!(
            (answer.text.as_str(), answer.finish),
            (r#"{"n":1}"#, Finish::Stop)
        );
        let usage = answer.usage.unwrap();
        assert_eq!(
            (usage.input_tokens, usage.cached_input_tokens, usage.output_tokens),
            (36, 64, 9)
        );
        let cut = read(r#"{"output":[],"incomplete_details":{"reason":"max_output_tokens"}}"#).unwrap();
        assert_eq!(cut.finish, Finish::Length);
        let refused =
            read(r#"{"output":[{"type":"message","content":[{"type":"refusal","refusal":"No."}]}]}"#);
        assert_eq!(refused.unwrap().finish, Finish::Refusal);
        let failed = read(r#"{"status":"failed","error":{"code":"server_error","message":"x"},"output":[]}"#);
        assert_eq!(failed.unwrap_err().billing, Billing::NotBilled);
    }
}
