use docmill_core::usage::Usage;
use hyper::{HeaderMap, StatusCode};

use super::*;

fn config() -> Config {
    Config::for_server("https://host.example/v1", |_| None).unwrap()
}

fn read(body: &str) -> Result<Answer, Refused> {
    let reply = Reply {
        status: StatusCode::OK,
        headers: HeaderMap::new(),
        body: body.to_owned().into(),
    };
    answer(&reply, &config(), Signals::default())
}

fn usage_of(json: &str) -> Option<Usage> {
    let body = format!(r#"{{"choices":[{{"message":{{"content":"x"}}}}],"usage":{json}}}"#);
    read(&body).unwrap().usage
}

fn usage(input: u64, cached: u64, written: u64, output: u64) -> Option<Usage> {
    Some(Usage {
        input_tokens: input,
        cached_input_tokens: cached,
        cache_write_tokens: written,
        output_tokens: output,
    })
}

/// Whatever a server leaves out or adds, no token is lost and none counted twice.
#[test]
fn usage_is_read_in_every_form() {
    let cases = [
        (
            r#"{"prompt_tokens":100,"completion_tokens":20,"total_tokens":120}"#,
            usage(100, 0, 0, 20),
        ),
        (
            r#"{"prompt_tokens":100,"completion_tokens":20,"prompt_tokens_details":{"cached_tokens":64}}"#,
            usage(36, 64, 0, 20),
        ),
        (
            r#"{"prompt_tokens":100,"completion_tokens":20,"prompt_tokens_details":{"cached_tokens":64,"cache_write_tokens":30}}"#,
            usage(6, 64, 30, 20),
        ),
        (
            r#"{"prompt_tokens":100,"completion_tokens":20,"prompt_tokens_details":null}"#,
            usage(100, 0, 0, 20),
        ),
        (
            r#"{"prompt_tokens":100,"completion_tokens":20,"prompt_cache_hit_tokens":40}"#,
            usage(60, 40, 0, 20),
        ),
        // Thoughts outside completion_tokens, as xAI and Gemini count them.
        (
            r#"{"prompt_tokens":100,"completion_tokens":20,"total_tokens":520}"#,
            usage(100, 0, 0, 420),
        ),
        // A total that is too small is not believed.
        (
            r#"{"prompt_tokens":100,"completion_tokens":20,"total_tokens":7}"#,
            usage(100, 0, 0, 20),
        ),
        // More cached than sent: nothing below zero.
        (
            r#"{"prompt_tokens":10,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":64}}"#,
            usage(0, 10, 0, 2),
        ),
        (r#"{"prompt_tokens":10,"total_tokens":12}"#, usage(10, 0, 0, 2)),
        // Half a usage is none.
        (r#"{"prompt_tokens":10}"#, None),
        (r#"{"completion_tokens":10}"#, None),
        ("{}", None),
        ("null", None),
    ];
    for (json, expected) in cases {
        assert_eq!(usage_of(json), expected, "{json}");
    }
}

#[test]
fn texts_and_ends_are_read_in_every_form() {
    let cases = [
        (
            r#"{"message":{"content":"a\"b"},"finish_reason":"stop"}"#,
            "a\"b",
            Finish::Stop,
        ),
        (
            r#"{"message":{"content":"a"},"finish_reason":"length"}"#,
            "a",
            Finish::Length,
        ),
        (
            r#"{"message":{"content":"a"},"finish_reason":"content_filter"}"#,
            "a",
            Finish::ContentFilter,
        ),
        (
            r#"{"message":{"content":null,"refusal":"No."},"finish_reason":"stop"}"#,
            "No.",
            Finish::Refusal,
        ),
        (
            r#"{"message":{"content":"a","refusal":""},"finish_reason":null}"#,
            "a",
            Finish::Stop,
        ),
        (
            r#"{"message":{"content":[{"type":"thinking","text":"hm"},{"type":"text","text":"a"}]}}"#,
            "a",
            Finish::Stop,
        ),
        (r#"{"message":{}}"#, "", Finish::Stop),
        (r#"{"finish_reason":"content_filter"}"#, "", Finish::ContentFilter),
    ];
    for (choice, text, finish) in cases {
        let answer = read(&format!(r#"{{"id":"c1","choices":[{choice}]}}"#)).unwrap();
        assert_eq!((answer.text.as_str(), answer.finish), (text, finish), "{choice}");
        assert_eq!(answer.request_id.as_deref(), Some("c1"));
    }
}

#[test]
fn errors_inside_a_200_are_errors() {
    let refused = read(r#"{"error":{"code":402,"message":"Insufficient credits"}}"#).unwrap_err();
    assert_eq!(refused.failure.code, FailureCode::BalanceExhausted);
    let upstream = read(r#"{"error":{"code":502,"message":"Provider returned error"}}"#).unwrap_err();
    assert_eq!(upstream.failure.code, FailureCode::ProviderError);
    assert_eq!(upstream.billing, crate::answer::Billing::Unknown);
    let vague = read(r#"{"error":"something"}"#).unwrap_err();
    assert_eq!(vague.billing, crate::answer::Billing::Unknown);
}

#[test]
fn what_is_no_completion_may_still_have_cost() {
    for body in [
        "",
        "null",
        "[]",
        "{}",
        r#"{"choices":[]}"#,
        "<html>",
        r#"{"choices":{}}"#,
    ] {
        let refused = read(body).unwrap_err();
        assert_eq!(refused.failure.code, FailureCode::ProviderError, "{body:?}");
        assert_eq!(refused.billing, crate::answer::Billing::Unknown, "{body:?}");
    }
}

#[test]
fn models_are_found_under_the_names_servers_give_them() {
    let list = br#"{"data":[{"id":"gpt-4o"},{"id":"models/gemini-2.5-flash"},{"id":"llama3:latest"}]}"#;
    for model in ["gpt-4o", "gemini-2.5-flash", "llama3", "llama3:latest"] {
        assert!(check_model(list, model, &config()).is_ok(), "{model}");
    }
    assert!(check_model(list, "gpt-4", &config()).is_err());
    for proves_nothing in ["", "{}", r#"{"data":[]}"#, r#"{"models":[]}"#] {
        assert!(
            check_model(proves_nothing.as_bytes(), "x", &config()).is_ok(),
            "{proves_nothing}"
        );
    }
}
