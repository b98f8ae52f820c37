//! The stand-in as the program that crash tests start, kill and start again.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;

use docmill_testkit::process::StandinProcess;
use serde_json::{Value, json};

/// One HTTP exchange by hand, so that nothing of the client is trusted here.
fn exchange(base_url: &str, method: &str, path: &str, body: &str) -> Value {
    let address = base_url.trim_start_matches("http://").trim_end_matches("/v1");
    let mut stream = TcpStream::connect(address).expect("it listens");
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nidempotency-key: k1\r\nconnection: close\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
    .expect("it reads");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("it answers");
    let (_, body) = text.split_once("\r\n\r\n").expect("a head and a body");
    serde_json::from_str(body).expect("JSON")
}

fn chat(base_url: &str, text: &str) -> Value {
    let body = json!({"model": "m", "messages": [{"role": "user", "content": text}]}).to_string();
    exchange(base_url, "POST", "/v1/chat/completions", &body)
}

#[test]
fn its_books_survive_kill_9_and_a_restart_on_the_same_port() {
    let folder = tempfile::tempdir().unwrap();
    let ledger = folder.path().join("ledger.jsonl");
    let binary = Path::new(env!("CARGO_BIN_EXE_docmill-standin"));
    let mut standin = StandinProcess::start(binary, ["--ledger".into(), ledger.into()]).unwrap();
    let base_url = standin.base_url();
    let first = chat(&base_url, "one");
    chat(&base_url, "one");
    chat(&base_url, "two");
    standin.kill().unwrap();
    standin.restart().unwrap();
    assert_eq!(standin.base_url(), base_url);
    assert_eq!(
        chat(&base_url, "one")["choices"],
        first["choices"],
        "answers depend on the prompt alone"
    );
    let books = exchange(&base_url, "GET", "/ledger", "");
    assert_eq!(books["totals"]["billed"], 4);
    assert_eq!(books["totals"]["prompts"], 2);
    assert_eq!(books["totals"]["repeated"], 2);
    assert_eq!(
        books["totals"]["answered"], 1,
        "counted since the start of the process"
    );
    let usage = &first["usage"];
    let cost =
        usage["prompt_tokens"].as_u64().unwrap() * 150 + usage["completion_tokens"].as_u64().unwrap() * 600;
    assert_eq!(
        books["totals"]["cost_nanos"],
        4 * cost,
        "four prompts of the same size"
    );
}

#[test]
fn its_behaviour_is_changed_while_it_runs() {
    let binary = Path::new(env!("CARGO_BIN_EXE_docmill-standin"));
    let standin = StandinProcess::start(binary, []).unwrap();
    let base_url = standin.base_url();
    let changed = exchange(
        &base_url,
        "POST",
        "/control",
        r#"{"next": ["insufficient_quota"]}"#,
    );
    assert_eq!(changed["behaviour"]["next"], json!(["insufficient_quota"]));
    assert_eq!(chat(&base_url, "one")["error"]["code"], "insufficient_quota");
    assert!(
        chat(&base_url, "one")["choices"].is_array(),
        "planned for one call only"
    );
    exchange(
        &base_url,
        "POST",
        "/control",
        r#"{"shares": {"overloaded529": 1.0}}"#,
    );
    assert_eq!(chat(&base_url, "one")["error"]["code"], "overloaded_error");
    let refused = exchange(&base_url, "POST", "/control", r#"{"latancy": "instant"}"#);
    assert!(
        refused["error"]["message"].as_str().unwrap().contains("latancy"),
        "{refused}"
    );
}
