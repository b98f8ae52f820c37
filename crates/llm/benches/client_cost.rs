//! What the client side of a call costs in processor time, with a thousand
//! calls in flight against a stand-in in a process of its own.
//!
//! `cargo build --release -p docmill-testkit --bins && cargo bench -p docmill-llm --bench client_cost`
//! prints one line per latency: calls per second, processor time of the client
//! and of the stand-in per call, and the client's as a share of its target, 60 µs.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use docmill_core::page::{Page, TextOrigin};
use docmill_core::template::{Reading, Template};
use docmill_llm::compatible::{Compatible, Config};
use docmill_llm::{Provider, Request, prompt};
use docmill_testkit::process::{StandinProcess, built_binary};

const IN_FLIGHT: usize = 1000;
const CALLS: usize = 40_000;
const TARGET: Duration = Duration::from_micros(60);

fn template() -> Arc<Template> {
    let field = |name: &str| {
        (
            name.to_owned(),
            serde_json::json!({"type": "string", "description": name}),
        )
    };
    let fields: serde_json::Map<String, serde_json::Value> = [
        "number", "date", "seller", "buyer", "currency", "subtotal", "tax", "total",
    ]
    .map(field)
    .into_iter()
    .collect();
    Arc::new(Template {
        name: "invoice".into(),
        description: String::new(),
        instructions: "Take the invoice apart.".into(),
        reading: Reading::Auto,
        schema: serde_json::json!({"type": "object", "properties": fields}),
        checks: Vec::new(),
    })
}

/// A page of about 3 kB, as an invoice has.
fn request(template: &Arc<Template>, system: &Arc<str>, number: usize) -> Request {
    let mut text = format!("Invoice 2026-{number:06}\n");
    for line in 0..40 {
        let _ = writeln!(
            text,
            "{line:3}  Article {number}-{line} with a description of usual length   {line}.50 EUR"
        );
    }
    let pages = Arc::new(vec![Page {
        number: 1,
        label: None,
        width: 595.0,
        height: 842.0,
        text,
        words: Vec::new(),
        origin: TextOrigin::Native,
    }]);
    Request {
        model: "gpt-4o-mini".into(),
        system: Arc::clone(system),
        text: prompt::document(&pages),
        images: Vec::new(),
        template: Arc::clone(template),
        pages,
        repair: None,
        max_output_tokens: 2000,
        call_id: format!("call-{number}"),
    }
}

/// Processor time of a process so far, user and system.
fn processor_time(id: &str) -> Duration {
    let stat = std::fs::read_to_string(Path::new("/proc").join(id).join("stat")).unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks: u64 = after_name
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<u64>().ok())
        .sum();
    // Linux has told ticks of 1/100 s to user space since its first days.
    Duration::from_millis(10 * ticks)
}

async fn run(client: &Arc<Compatible>, requests: &Arc<Vec<Request>>) -> usize {
    let next = Arc::new(AtomicUsize::new(0));
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..IN_FLIGHT {
        let (client, requests, next) = (Arc::clone(client), Arc::clone(requests), Arc::clone(&next));
        tasks.spawn(async move {
            let mut failures = 0;
            while let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) {
                failures += usize::from(client.call(request).await.is_err());
            }
            failures
        });
    }
    tasks.join_all().await.into_iter().sum()
}

fn main() -> std::io::Result<()> {
    let binary = built_binary("docmill-standin")?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let template = template();
    let system: Arc<str> = prompt::system(&template).into();
    let requests: Arc<Vec<Request>> = Arc::new(
        (0..CALLS)
            .map(|number| request(&template, &system, number))
            .collect(),
    );
    println!(
        "{:<24} {:>9} {:>12} {:>14} {:>9} {:>8}",
        "latency", "calls/s", "client/call", "stand-in/call", "target", "failed"
    );
    for (name, latency) in [
        ("instant", r#"{"latency": "instant"}"#),
        (
            "300 ms, p99 1.2 s",
            r#"{"latency": {"log_normal": {"median_ms": 300, "p99_ms": 1200}}}"#,
        ),
    ] {
        let standin = StandinProcess::start(&binary, ["--behaviour".into(), latency.into()])?;
        let config = Config::for_server(&standin.base_url(), |_| None).map_err(std::io::Error::other)?;
        let client = Arc::new(Compatible::new(config).map_err(std::io::Error::other)?);
        let peer = standin.id().to_string();
        let (own, theirs, start) = (processor_time("self"), processor_time(&peer), Instant::now());
        let failed = runtime.block_on(run(&client, &requests));
        let took = start.elapsed();
        let calls = CALLS as u32;
        let client_cost = (processor_time("self") - own) / calls;
        let peer_cost = (processor_time(&peer) - theirs) / calls;
        println!(
            "{name:<24} {:>9.0} {client_cost:>12.1?} {peer_cost:>14.1?} {:>8.0}% {failed:>8}",
            f64::from(calls) / took.as_secs_f64(),
            100.0 * client_cost.as_secs_f64() / TARGET.as_secs_f64(),
        );
    }
    Ok(())
}
