//! What goes on, as those who operate the server see it: metrics, log lines with the id of the
//! request, traces and metrics at a collector.

use std::collections::{BTreeMap, BTreeSet};

use docmill_testkit::collector::Collector;
use docmill_testkit::process;
use serde_json::{Value, json};

use crate::program::{Program, documents, rehearsal, template};
use crate::server::{PATIENCE, Server, batch, pile, wait_until};

const REHEARSED: &str = "sim/openai/gpt-4o-mini";

/// A batch that a server has worked through, started by a request with this id.
fn worked(server: &Server, program: &Program, request_id: &str) -> String {
    let folder = pile(program, "pile", 12);
    let wanted = json!({"model": REHEARSED, "start": false, "budget_usd": 5.0});
    let (status, made) = server.post("/api/v1/batches", &batch(&folder, wanted));
    assert_eq!(status, 201, "{made}");
    let id = made["id"].as_str().unwrap().to_owned();
    server.reaches(&id, "ready");
    let headers = [("content-type", "application/json"), ("x-request-id", request_id)];
    let start = format!("/api/v1/batches/{id}/start");
    let (status, head, body) = server.ask_whole("POST", &start, "{}", &headers);
    assert_eq!(status, 200, "{body}");
    assert!(head.contains(&format!("x-request-id: {request_id}")), "{head}");
    server.reaches(&id, "completed");
    id
}

/// What a strict reader of the format insists on: each family has one help and one kind before its
/// samples, samples of a family stand together, none is there twice, counters end in `_total`, and
/// a histogram's counts grow to its count.
fn families(text: &str) -> BTreeMap<String, Vec<(String, f64)>> {
    let mut families: BTreeMap<String, Vec<(String, f64)>> = BTreeMap::new();
    let (mut kinds, mut seen) = (BTreeMap::new(), BTreeSet::new());
    let mut current = String::new();
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, words) = help.split_once(' ').unwrap();
            assert!(!words.is_empty() && !families.contains_key(name), "{line}");
            families.insert(name.to_owned(), Vec::new());
            current = name.to_owned();
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').unwrap();
            assert_eq!(name, current, "{line}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            kinds.insert(name.to_owned(), kind.to_owned());
        } else {
            let (sample, value) = line.rsplit_once(' ').unwrap();
            let value: f64 = value.parse().unwrap_or_else(|_| panic!("{line}"));
            assert!(seen.insert(sample.to_owned()), "twice: {line}");
            let name = sample.split('{').next().unwrap();
            let base = match kinds[&current].as_str() {
                "histogram" => ["_bucket", "_sum", "_count"]
                    .iter()
                    .find_map(|end| name.strip_suffix(end)),
                _ => Some(name),
            };
            assert_eq!(base, Some(current.as_str()), "{line}");
            families
                .get_mut(&current)
                .unwrap()
                .push((sample.to_owned(), value));
        }
    }
    for name in families.keys() {
        assert!(kinds.contains_key(name), "{name} has no kind");
    }
    families
}

#[test]
fn metrics_are_what_a_strict_reader_takes_and_say_what_an_alert_needs() {
    let program = Program::new();
    let server = Server::start(&program, &[]);
    worked(&server, &program, "r-1");
    let (status, head, text) = server.ask_whole("GET", "/metrics", "", &[]);
    assert_eq!(status, 200);
    assert!(head.contains("text/plain; version=0.0.4"), "{head}");
    let families = families(&text);
    let value = |sample: &str| {
        let all = families.values().flatten();
        let mut found = all.filter(|(name, _)| name == sample).map(|(_, value)| *value);
        found.next().unwrap_or_else(|| panic!("{sample} in {text}"))
    };
    let model = format!("model=\"{REHEARSED}\"");
    assert_eq!(
        value(&format!(
            "docmill_model_calls_total{{{model},outcome=\"answered\"}}"
        )),
        12.0
    );
    assert_eq!(
        value(&format!("docmill_call_duration_seconds_count{{{model}}}")),
        12.0
    );
    assert_eq!(
        value(&format!(
            "docmill_call_duration_seconds_bucket{{{model},le=\"+Inf\"}}"
        )),
        12.0
    );
    assert!(value(&format!("docmill_model_tokens_total{{{model},kind=\"input\"}}")) > 0.0);
    assert_eq!(value("docmill_documents{state=\"completed\"}"), 12.0);
    assert_eq!(
        value("docmill_documents_ended_total{outcome=\"completed\"}"),
        12.0
    );
    assert_eq!(value("docmill_spooled_answers"), 0.0);
    assert_eq!(value("docmill_wrong_keys_total"), 0.0);
    assert!(value("docmill_http_requests_total{method=\"POST\",status=\"200\"}") >= 1.0);
    assert_eq!(
        value(&format!(
            "docmill_build_info{{version=\"{}\"}}",
            env!("CARGO_PKG_VERSION")
        )),
        1.0
    );
    for needed in [
        "docmill_budget_left_usd",
        "docmill_cost_usd_total",
        "docmill_calls_in_flight",
    ] {
        assert!(families.contains_key(needed), "{needed}");
    }
}

#[test]
fn the_id_of_a_request_is_in_its_answer_its_problem_and_the_lines_of_the_calls_it_made() {
    let program = Program::new();
    let detailed = [("RUST_LOG", "info,docmill::calls=debug")];
    let server = Server::start_with(&program, &["--log-json"], &detailed);
    worked(&server, &program, "order-4711");
    let lines = || -> Vec<Value> {
        let log = server.log();
        log.iter()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect()
    };
    let has_id = |line: &&Value| {
        let spans = line["spans"].as_array();
        spans.is_some_and(|spans| spans.iter().any(|span| span["request_id"] == "order-4711"))
    };
    let calls = |lines: &[Value]| {
        lines
            .iter()
            .filter(|line| line["target"] == "docmill::calls")
            .filter(has_id)
            .count()
    };
    wait_until(PATIENCE, || calls(&lines()) == 12);
    let lines = lines();
    assert!(
        lines
            .iter()
            .filter(has_id)
            .any(|line| line["span"]["name"] == "request" && line["fields"]["status"] == 200),
        "the request itself: {lines:?}"
    );
    let call = lines
        .iter()
        .find(|line| line["target"] == "docmill::calls")
        .unwrap();
    assert_eq!(
        call["span"]["gen_ai.request.model"], "openai/gpt-4o-mini",
        "{call}"
    );
    // A problem names it, too; what nobody should put into a log is not taken.
    let (_, head, problem) = server.ask_whole("GET", "/api/v1/batches/none", "", &[("x-request-id", "a b")]);
    let problem: Value = serde_json::from_str(&problem).unwrap();
    let id = problem["request_id"].as_str().unwrap();
    assert!(
        id.len() == 32 && head.contains(&format!("x-request-id: {id}")),
        "{head} {problem}"
    );
}

#[test]
fn traces_and_metrics_reach_a_collector_and_nothing_is_sent_unasked() {
    let program = Program::new();
    let collector = Collector::start().unwrap();
    let address = format!("http://{}", collector.address());
    let environment = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", address.as_str()),
        ("OTEL_SERVICE_NAME", "mill of ada"),
    ];
    let mut server = Server::start_with(&program, &[], &environment);
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let parent = format!("00-{trace}-00f067aa0ba902b7-01");
    assert_eq!(
        server
            .ask("GET", "/api/v1/batches", "", &[("traceparent", &parent)])
            .0,
        200
    );
    worked(&server, &program, "r-2");
    // What is left is sent at the end.
    process::signal(server.process.id(), "INT").unwrap();
    wait_until(PATIENCE, || server.process.ended().unwrap().is_some());
    for words in [
        "mill of ada",
        "GET /api/v1/batches",
        "POST /api/v1/batches/{batch}/start",
        "chat openai/gpt-4o-mini",
        "gen_ai.usage.output_tokens",
        "gen_ai.provider.name",
        "request_id",
    ] {
        assert!(collector.holds("/v1/traces", words.as_bytes()), "{words}");
    }
    let trace: Vec<u8> = (0..16)
        .map(|at| u8::from_str_radix(&trace[at * 2..at * 2 + 2], 16).unwrap())
        .collect();
    assert!(
        collector.holds("/v1/traces", &trace),
        "the trace that began elsewhere goes on"
    );
    for words in [
        "gen_ai.client.operation.duration",
        "gen_ai.client.token.usage",
        "gen_ai.token.type",
    ] {
        assert!(collector.holds("/v1/metrics", words.as_bytes()), "{words}");
    }
    for secret in ["Corner Shop", "RECEIPT pile"] {
        assert!(
            !collector.holds("/v1/traces", secret.as_bytes()),
            "no word of a document leaves"
        );
    }

    // A run of the command line, too; and a collector that is not there stops nobody.
    let (docs, template) = (documents(&program, 3), template(&program));
    let words = rehearsal(&docs, &template, &["--yes", "--quiet", "--no-estimate"]);
    let silent = Collector::start().unwrap();
    program.run(&words).succeeds();
    assert!(!silent.holds("/v1/traces", b"chat"));
    let other = format!("http://{}", silent.address());
    program.write("docs/new.txt", "Corner Shop\nTotal: 77.10\n");
    let mut run = program.command(&words);
    assert!(
        run.env("OTEL_EXPORTER_OTLP_ENDPOINT", &other)
            .status()
            .unwrap()
            .success()
    );
    assert!(silent.holds("/v1/traces", b"chat openai/gpt-4o-mini"));
    drop(silent);
    program.write("docs/newer.txt", "Corner Shop\nTotal: 78.10\n");
    let mut run = program.command(&words);
    assert!(
        run.env("OTEL_EXPORTER_OTLP_ENDPOINT", &other)
            .status()
            .unwrap()
            .success()
    );
}
