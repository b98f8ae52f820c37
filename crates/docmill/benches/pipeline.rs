//! The whole way, measured: documents per second with everything durable against a
//! stand-in on this machine, beside a bare client that stores nothing; ingest,
//! memory by the size of the batch, and the time from `kill -9` to the next call.
//!
//! `cargo build --release --workspace --bins && cargo bench -p docmill --bench pipeline`
//! prints a table. Figures of different machines do not compare; the ratios do.
//! `DOCMILL_BENCH_LARGE=0` leaves out the batch of 200,000 documents.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot measure may stop")]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use docmill_core::page::{Page, TextOrigin};
use docmill_core::template::{Reading, Template};
use docmill_llm::compatible::{Compatible, Config};
use docmill_llm::{Provider, Request, prompt};
use docmill_testkit::process::{Process, StandinProcess, built_binary};
use docmill_testkit::wait_until;

const DOCUMENTS: usize = 10_000;
const MANY_DOCUMENTS: usize = 200_000;
const IN_FLIGHT: usize = 1000;

const INSTANT: &str = r#"{"latency": "instant"}"#;
/// As measured at a large provider.
const LOG_NORMAL: &str = r#"{"latency": {"log_normal": {"median_ms": 300.0, "p99_ms": 1200.0}}}"#;

const SCHEMA: &str = r#"{"type": "object", "title": "delivery", "properties": {
    "number": {"type": "string"}, "date": {"type": "string"}, "seller": {"type": "string"},
    "buyer": {"type": "string"}, "total": {"type": "number"}}}"#;

fn main() {
    let bench = Bench::new();
    println!("{DOCUMENTS} text documents of about 700 tokens, {IN_FLIGHT} calls in flight\n");
    println!(
        "{:<34} {:>8} {:>9} {:>13} {:>9} {:>8}",
        "", "docs/s", "of bare", "CPU s/1,000", "of bare", "MB"
    );
    for (name, behaviour) in [("answers at once", INSTANT), ("300 ms, p99 1.2 s", LOG_NORMAL)] {
        let bare = bench.bare_client(behaviour);
        row(&format!("bare client, {name}"), &bare, &bare);
        let ours = bench.pipeline(name, &bench.documents, behaviour);
        row(&format!("docmill, {name}"), &ours.work, &bare);
        if behaviour == INSTANT {
            println!(
                "{:<34} {:>8.0}   {:.2} of reading and hashing alone",
                "docmill, ingest",
                ours.ingested_per_second,
                ours.ingested_per_second / bench.only_reading()
            );
        }
    }
    bench.restart();
    if std::env::var("DOCMILL_BENCH_LARGE").is_ok_and(|it| it == "0") {
        return;
    }
    let many = bench.folder("many", MANY_DOCUMENTS, 2);
    let small = bench.folder("small", DOCUMENTS, 2);
    let small = bench.pipeline("small", &small, INSTANT);
    let large = bench.pipeline("many", &many, INSTANT);
    println!(
        "\nmemory: {} MB for {DOCUMENTS} documents, {} MB for {MANY_DOCUMENTS} ({:.2} times); {:.0} documents/s",
        small.work.megabytes,
        large.work.megabytes,
        large.work.megabytes as f64 / small.work.megabytes as f64,
        large.work.per_second,
    );
}

/// What a stage took.
struct Figures {
    per_second: f64,
    cpu_per_thousand: f64,
    megabytes: u64,
}

/// A whole run.
struct Whole {
    work: Figures,
    ingested_per_second: f64,
}

fn row(name: &str, figures: &Figures, bare: &Figures) {
    println!(
        "{name:<34} {:>8.0} {:>9.2} {:>13.3} {:>9.2} {:>8}",
        figures.per_second,
        figures.per_second / bare.per_second,
        figures.cpu_per_thousand,
        figures.cpu_per_thousand / bare.cpu_per_thousand,
        figures.megabytes
    );
}

struct Bench {
    folder: tempfile::TempDir,
    documents: PathBuf,
    standin: PathBuf,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("delivery.json"), SCHEMA).unwrap();
        let mut bench = Self {
            documents: PathBuf::new(),
            standin: built_binary("docmill-standin").unwrap(),
            folder,
        };
        bench.documents = bench.folder("documents", DOCUMENTS, 40);
        bench
    }

    /// A folder of text documents, a thousand in each folder below it.
    fn folder(&self, name: &str, documents: usize, lines: usize) -> PathBuf {
        let folder = self.folder.path().join(name);
        for number in 0..documents {
            let below = folder.join(format!("{:03}", number / 1000));
            if number % 1000 == 0 {
                fs::create_dir_all(&below).unwrap();
            }
            fs::write(
                below.join(format!("delivery-{number:06}.txt")),
                content(number, lines),
            )
            .unwrap();
        }
        folder
    }

    fn standin(&self, behaviour: &str) -> StandinProcess {
        StandinProcess::start(&self.standin, ["--behaviour".into(), behaviour.into()]).unwrap()
    }

    fn run(&self, data: &str, documents: &Path, standin: &StandinProcess) -> Process {
        let mut command = Command::new(env!("CARGO_BIN_EXE_docmill"));
        command
            .env_clear()
            .arg("--data-dir")
            .arg(self.data(data))
            .arg("run")
            .arg(documents)
            .arg("--template")
            .arg(self.folder.path().join("delivery.json"))
            .args(["--model", "openai/gpt-4o-mini", "--base-url", &standin.base_url()])
            .args([
                "--concurrency",
                &IN_FLIGHT.to_string(),
                "--max-output-tokens",
                "500",
            ])
            .args([
                "--price",
                "2,8",
                "--budget",
                "1000",
                "--yes",
                "--no-estimate",
                "--quiet",
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        Process::start(&mut command).unwrap()
    }

    fn data(&self, name: &str) -> PathBuf {
        self.folder.path().join("data").join(name)
    }

    fn database(&self, data: &str) -> rusqlite::Result<rusqlite::Connection> {
        let path = self.data(data).join("docmill.db");
        rusqlite::Connection::open_with_flags(path, rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY)
    }

    /// `docmill run` as a user starts it.
    fn pipeline(&self, data: &str, documents: &Path, behaviour: &str) -> Whole {
        let standin = self.standin(behaviour);
        let mut process = self.run(data, documents, &standin);
        let id = process.id().to_string();
        let (mut cpu, mut megabytes, mut cpu_at_start) = (Duration::ZERO, 0, None);
        loop {
            let seen = processor_time(&id);
            if seen > cpu {
                (cpu, megabytes) = (seen, peak_megabytes(&id).max(megabytes));
            }
            if cpu_at_start.is_none() && self.number(data, "SELECT max(started_at) FROM batches").is_some() {
                cpu_at_start = Some(cpu);
            }
            if let Some(status) = process.ended().unwrap() {
                assert!(status.success(), "docmill run: {status}");
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let number = |sql: &str| self.number(data, sql).unwrap() as f64;
        let done = number("SELECT completed FROM batches");
        let since = |from: &str, to: &str| number(&format!("SELECT {to} - {from} FROM batches")) / 1000.0;
        let working = cpu - cpu_at_start.unwrap_or_default();
        Whole {
            work: Figures {
                per_second: done / since("started_at", "ended_at"),
                cpu_per_thousand: working.as_secs_f64() / done * 1000.0,
                megabytes,
            },
            ingested_per_second: done / since("created_at", "started_at"),
        }
    }

    fn number(&self, data: &str, sql: &str) -> Option<i64> {
        self.database(data)
            .ok()?
            .query_row(sql, [], |row| row.get(0))
            .ok()?
    }

    /// The same documents and calls, nothing stored: what a loop around a client does.
    fn bare_client(&self, behaviour: &str) -> Figures {
        let standin = self.standin(behaviour);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let config = Config::for_server(&standin.base_url(), |_| None).unwrap();
        let client = Arc::new(Compatible::new(config).unwrap());
        let template = Arc::new(template());
        let system: Arc<str> = prompt::system(&template).into();
        let files = Arc::new(files(&self.documents));
        let next = Arc::new(AtomicUsize::new(0));
        let (cpu, start) = (processor_time("self"), Instant::now());
        runtime.block_on(async {
            let mut tasks = tokio::task::JoinSet::new();
            for _ in 0..IN_FLIGHT {
                let (client, template, system) =
                    (Arc::clone(&client), Arc::clone(&template), Arc::clone(&system));
                let (files, next) = (Arc::clone(&files), Arc::clone(&next));
                tasks.spawn(async move {
                    while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let text = fs::read_to_string(file).unwrap();
                        let answer = client.call(&request(&template, &system, text)).await.unwrap();
                        let _: serde_json::Value = serde_json::from_str(&answer.text).unwrap();
                    }
                });
            }
            tasks.join_all().await;
        });
        let took = start.elapsed();
        Figures {
            per_second: files.len() as f64 / took.as_secs_f64(),
            cpu_per_thousand: (processor_time("self") - cpu).as_secs_f64() / files.len() as f64 * 1000.0,
            megabytes: peak_megabytes("self"),
        }
    }

    /// Files read and hashed per second by one thread that does nothing else.
    fn only_reading(&self) -> f64 {
        let start = Instant::now();
        let files = files(&self.documents);
        for file in &files {
            let content = fs::read(file).unwrap();
            std::hint::black_box(docmill_core::id::ContentHash::of(&content));
        }
        files.len() as f64 / start.elapsed().as_secs_f64()
    }

    /// `kill -9` with a thousand calls in flight, and how long the next start takes to its first call.
    fn restart(&self) {
        let standin = self.standin(LOG_NORMAL);
        let attempts = || {
            self.number("restart", "SELECT count(*) FROM attempts")
                .unwrap_or(0)
        };
        let mut process = self.run("restart", &self.documents, &standin);
        let enough = || (attempts() > 3000).then_some(());
        wait_until("three thousand calls", Duration::from_secs(120), enough).unwrap();
        process.kill().unwrap();
        let before = attempts();
        let start = Instant::now();
        let _process = self.run("restart", &self.documents, &standin);
        while attempts() <= before {
            assert!(
                start.elapsed() < Duration::from_secs(60),
                "nothing went on after the kill"
            );
            std::thread::sleep(Duration::from_millis(1));
        }
        println!(
            "\nrestart after kill -9 in the middle of {DOCUMENTS} documents: {:.0} ms to the next call, source listed again",
            start.elapsed().as_secs_f64() * 1000.0
        );
    }
}

fn content(number: usize, lines: usize) -> String {
    let mut text = format!("Delivery note 2026-{number:06}\nNorth Harbour Tools Ltd.\n2026-03-14\n");
    for line in 0..lines {
        let _ = writeln!(
            text,
            "{line:3}  Article {number}-{line} with a description of usual length   {line}.50 EUR"
        );
    }
    let _ = writeln!(text, "Total {}.50 EUR", number % 900);
    text
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let below = |folder: &Path| -> Vec<PathBuf> {
        fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect()
    };
    below(folder).iter().flat_map(|folder| below(folder)).collect()
}

fn template() -> Template {
    Template {
        name: "delivery".into(),
        description: String::new(),
        instructions: String::new(),
        reading: Reading::Auto,
        schema: serde_json::from_str(SCHEMA).unwrap(),
        checks: Vec::new(),
    }
}

fn request(template: &Arc<Template>, system: &Arc<str>, text: String) -> Request {
    let pages = Arc::new(vec![Page {
        number: 1,
        label: None,
        width: 0.0,
        height: 0.0,
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
        max_output_tokens: 500,
        call_id: String::new(),
    }
}

/// Processor time of a process so far, user and system; nothing when it is gone.
fn processor_time(id: &str) -> Duration {
    let stat = fs::read_to_string(Path::new("/proc").join(id).join("stat")).unwrap_or_default();
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

/// The most memory a process has had so far.
fn peak_megabytes(id: &str) -> u64 {
    let status = fs::read_to_string(Path::new("/proc").join(id).join("status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kilobytes = line
        .and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok())
        .unwrap_or(0);
    kilobytes / 1024
}
