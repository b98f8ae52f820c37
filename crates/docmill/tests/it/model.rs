//! Providers that cannot be called, against a stand-in.

use std::net::TcpListener;
use std::process::Output;

use docmill_testkit::standin::{Config, Standin};

use crate::program::{Program, Ran, documents, template};

/// Runs the command beside the stand-in, whose runtime must go on meanwhile.
async fn run(program: &Program, arguments: Vec<String>, key: &str) -> Ran {
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let mut command = program.command(&arguments);
    command.env("DOCMILL_API_KEY", key);
    let output: Output = tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap();
    Ran::of(output)
}

fn words(program: &Program, url: &str, model: &str, more: &[&str]) -> Vec<String> {
    let (docs, template) = (documents(program, 3), template(program));
    let mut words = vec![
        "run",
        &docs,
        "--template",
        &template,
        "--base-url",
        url,
        "--model",
        model,
    ];
    words.extend(more);
    words.into_iter().map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_key_is_told_before_anything_is_read() {
    let program = Program::new();
    let config = Config {
        api_key: Some("right".to_owned()),
        ..Config::default()
    };
    let standin = Standin::start(config).await.unwrap();
    let arguments = words(&program, &standin.base_url(), "stand-in", &["--price", "free"]);
    let ran = run(&program, arguments.clone(), "wrong").await;
    ran.fails(6, "stand-in cannot be called", "API key");
    assert_eq!(standin.totals().billed, 0);
    assert_eq!(program.run(&["status", "--json"]).json(), serde_json::json!([]));
    run(&program, arguments, "right").await.succeeds();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_model_is_told_before_anything_is_read() {
    let program = Program::new();
    let standin = Standin::start(Config::default()).await.unwrap();
    let arguments = words(&program, &standin.base_url(), "stand-out", &["--price", "free"]);
    run(&program, arguments, "").await.fails(6, "stand-out", "");
    assert_eq!(standin.totals().billed, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_price_stops_the_start() {
    let program = Program::new();
    let standin = Standin::start(Config::default()).await.unwrap();
    let arguments = words(&program, &standin.base_url(), "stand-in", &["--budget", "1"]);
    run(&program, arguments, "")
        .await
        .fails(6, "nobody knows what stand-in costs", "--price");
    let arguments = words(
        &program,
        &standin.base_url(),
        "stand-in",
        &["--budget", "1", "--price", "0.15,0.60"],
    );
    run(&program, arguments, "").await.succeeds();
    assert!(standin.totals().billed >= 3);
}

#[test]
fn an_unreachable_server_is_told() {
    let program = Program::new();
    // A port that was free a moment ago: nobody listens there.
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let url = format!("http://127.0.0.1:{port}/v1");
    let arguments = words(&program, &url, "stand-in", &["--price", "free"]);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    program
        .run(&arguments)
        .fails(6, "stand-in cannot be called", "base URL");
    let arguments = words(&program, "localhost", "stand-in", &["--price", "free"]);
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    program
        .run(&arguments)
        .fails(6, "is not the address of a server", "https://");
}
