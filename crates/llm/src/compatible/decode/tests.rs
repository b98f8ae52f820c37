use docmill_core::price::CallBound;
use docmill_core::usage::Usage;
use hyper::{HeaderMap, StatusCode};

use super::*;
use crate::compatible::Chat;
use crate::signals::Signals;
use crate::wire::http::Reply;
use crate::wire::{Config, Protocol as _};

fn config() -> Config {
    Config::for_server("https://host.example/v1", |_| None).unwrap()
}

fn read(body: &str) -> Result<Answer, Refused> {
    let reply = Reply {
        status: StatusCode::OK,
        headers: HeaderMap::new(),
        body: body.to_owned().into(),
    };
    answer(&Came {
        config: &config(),
        reply: &reply,
        bound: CallBound {
            input_tokens: 1000,
            output_tokens: 200,
        },
        signals: Signals::default(),
    })
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
        // A half that is missing or cannot be is settled at the worst case.
        (r#"{"prompt_tokens":10}"#, usage(10, 0, 0, 200)),
        (r#"{"completion_tokens":10}"#, usage(1000, 0, 0, 10)),
        (
            r#"{"prompt_tokens":0,"completion_tokens":10}"#,
            usage(1000, 0, 0, 10),
        ),
        (
            r#"{"prompt_tokens":10,"completion_tokens":0}"#,
            usage(10, 0, 0, 200),
        ),
        // Numbers in every writing.
        (
            r#"{"prompt_tokens":"100","completion_tokens":20.0}"#,
            usage(100, 0, 0, 20),
        ),
        (r#"{"input_tokens":100,"output_tokens":20}"#, usage(100, 0, 0, 20)),
        // What cannot be is no count.
        (
            r#"{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}"#,
            None,
        ),
        (
            r#"{"prompt_tokens":-1,"completion_tokens":-1,"total_tokens":-2}"#,
            None,
        ),
        (r#"{"prompt_tokens":"many","completion_tokens":[]}"#, None),
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
    assert_eq!(
        upstream.billing,
        Billing::NotBilled,
        "an answered error is no lost call"
    );
    let late = read(r#"{"error":{"code":504,"message":"upstream timed out"}}"#).unwrap_err();
    assert_eq!(
        late.billing,
        Billing::Unknown,
        "behind a time-out there may be an answer"
    );
    let begun = read(
        r#"{"choices":[{"finish_reason":"error","error":{"code":502,"message":"x"},"message":{"content":"{"}}],
            "usage":{"prompt_tokens":10,"completion_tokens":3}}"#,
    );
    let used = usage(10, 0, 0, 3).unwrap();
    assert_eq!(
        begun.unwrap_err().billing,
        Billing::Used(used),
        "what is said to be used is paid"
    );
    let nothing = read(r#"{"id":null,"choices":null,"usage":null}"#).unwrap_err();
    assert_eq!(nothing.billing, Billing::NotBilled);
}

/// The object is found where it stands, when it stands there alone.
#[test]
fn objects_outside_the_content_are_found() {
    let object = r#"{\"n\":1}"#;
    for (message, place) in [
        (
            format!(r#"{{"content":null,"reasoning_content":"{object}"}}"#),
            "reasoning_content",
        ),
        (format!(r#"{{"content":"","reasoning":"{object}"}}"#), "reasoning"),
        (
            format!(
                r#"{{"content":null,"tool_calls":[{{"function":{{"name":"f","arguments":"{object}"}}}}]}}"#
            ),
            "a tool call",
        ),
    ] {
        let answer = read(&format!(r#"{{"choices":[{{"message":{message}}}]}}"#)).unwrap();
        assert_eq!(answer.text, r#"{"n":1}"#, "{message}");
        assert!(answer.notes[0].contains(place), "{:?}", answer.notes);
    }
    let thoughts = r#"{"choices":[{"message":{"content":null,"reasoning":"perhaps {\"n\":1}?"}}]}"#;
    let answer = read(thoughts).unwrap();
    assert_eq!(answer.text, "", "a draft inside thoughts is none");
    assert!(answer.notes[0].contains("reasoning"));
}

#[test]
fn streams_marks_and_ids_of_any_type_are_read() {
    let stream = "data: {\"id\":7,\"choices\":[{\"delta\":{\"content\":\"x\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":1}}\n\ndata: [DONE]\n\n";
    let answer = read(stream).unwrap();
    assert_eq!((answer.text.as_str(), answer.usage), ("x", usage(5, 0, 0, 1)));
    assert_eq!(answer.request_id.as_deref(), Some("7"));
    let marked = read("\u{feff}{\"choices\":[{\"message\":{\"content\":\"x\"}}]}").unwrap();
    assert_eq!(marked.text, "x");
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
        assert!(
            Chat::default().check_model(list, model, &config()).is_ok(),
            "{model}"
        );
    }
    assert!(Chat::default().check_model(list, "gpt-4", &config()).is_err());
    for proves_nothing in ["", "{}", r#"{"data":[]}"#, r#"{"models":[]}"#] {
        assert!(
            Chat::default()
                .check_model(proves_nothing.as_bytes(), "x", &config())
                .is_ok(),
            "{proves_nothing}"
        );
    }
}
