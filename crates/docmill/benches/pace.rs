//! Money and pace, measured: one table, each row with what a bare client does in the same run.
//!
//! `make bench` builds everything and prints it. Figures of different machines do not compare;
//! figures of one run do. Everything runs against a stand-in on this machine, most of it with
//! answers after 300 ms (99 % within 1.2 s) and documents of about 700 tokens.
//! `DOCMILL_BENCH_ROWS=outage,kill` measures only rows whose names hold one of these words.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot measure may stop")]

mod support;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use docmill_llm::compatible::{Compatible, Config};
use docmill_llm::{Provider, prompt};
use docmill_testkit::process::{Process, StandinProcess};
use docmill_testkit::wait_until;
use support::{Place, behave, booked, files, processor_time, request, template};

const DOCUMENTS: usize = 10_000;
const PATIENCE: Duration = Duration::from_secs(400);

const LATENCY: &str = r#""latency": {"log_normal": {"median_ms": 300.0, "p99_ms": 1200.0}}"#;

fn with(rest: &str) -> String {
    format!("{{{LATENCY}{rest}}}")
}

fn main() {
    let bench = Bench::new();
    println!("{:<46} {:>18} {:>18}  must become", "", "docmill", "bare client");
    bench.throughput();
    bench.limits();
    bench.errors();
    bench.quarter();
    bench.kills();
    bench.first_call();
    bench.halved();
    bench.outage();
    bench.empty_balance();
    bench.fairness();
}

fn row(name: &str, ours: &str, bare: &str, must: &str) {
    println!("{name:<46} {ours:>18} {bare:>18}  {must}");
}

struct Bench {
    place: Place,
    documents: PathBuf,
    some: PathBuf,
    rows: Option<String>,
}

/// What a run came to.
struct Ran {
    seconds: f64,
    per_second: f64,
    cpu_whole: f64,
    cpu_calls: f64,
    full_speed: f64,
}

impl Bench {
    fn new() -> Self {
        let place = Place::new();
        Self {
            documents: place.documents("documents", DOCUMENTS, 40),
            some: place.documents("some", 3_000, 40),
            rows: std::env::var("DOCMILL_BENCH_ROWS").ok(),
            place,
        }
    }

    fn wants(&self, name: &str) -> bool {
        let chosen = |rows: &String| rows.split(',').any(|word| name.contains(word));
        self.rows.as_ref().is_none_or(chosen)
    }

    /// Runs to the end; figures from the start of the batch's first call to its end.
    fn run(&self, data: &str, documents: &Path, standin: &StandinProcess, words: &[&str]) -> Ran {
        let mut process = self.place.run(data, documents, standin, words);
        self.until_ended(data, &mut process)
    }

    fn until_ended(&self, data: &str, process: &mut Process) -> Ran {
        let id = process.id().to_string();
        let number = |sql: &str| self.place.number(data, sql);
        let (mut cpu, mut at_start) = (Duration::ZERO, None);
        while process.ended().unwrap().is_none() {
            cpu = cpu.max(processor_time(&id));
            if at_start.is_none()
                && number("SELECT started_at FROM batches ORDER BY key DESC LIMIT 1").is_some()
            {
                at_start = Some(cpu);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        // Of the newest batch: there may be one before it.
        let done = number("SELECT completed FROM batches ORDER BY key DESC LIMIT 1").unwrap_or(0) as f64;
        let first =
            "SELECT min(started_at) FROM attempts WHERE document >> 40 = (SELECT max(key) FROM batches)";
        let first = number(first).unwrap_or(0);
        let last = number("SELECT max(ended_at) FROM batches").unwrap_or(0);
        let seconds = (last - first) as f64 / 1_000.0;
        let per_thousand = |cpu: Duration| cpu.as_secs_f64() / done.max(1.0) * 1_000.0;
        Ran {
            seconds,
            per_second: done / seconds,
            cpu_whole: per_thousand(cpu),
            cpu_calls: per_thousand(cpu - at_start.unwrap_or_default()),
            full_speed: self.full_speed(data),
        }
    }

    /// Calls a second while all permits were used: the median of half seconds, of the newest batch.
    /// The end of a run is the slowest of its answers, which is chance.
    fn full_speed(&self, data: &str) -> f64 {
        let in_half_seconds = "SELECT count(*) AS calls FROM attempts
            WHERE document >> 40 = (SELECT max(key) FROM batches) GROUP BY started_at / 500";
        let sql = format!(
            "SELECT calls FROM ({in_half_seconds}) ORDER BY calls
             LIMIT 1 OFFSET (SELECT count(*) FROM ({in_half_seconds})) / 2"
        );
        self.place.number(data, &sql).unwrap_or(0) as f64 * 2.0
    }

    /// The slowest quarter of a run's documents against the mean.
    fn level(&self, data: &str) -> f64 {
        let at = |part: usize| {
            let sql = format!(
                "SELECT updated_at FROM documents WHERE state = 'completed' ORDER BY updated_at LIMIT 1 OFFSET {}",
                (DOCUMENTS - 1) * part / 4
            );
            self.place.number(data, &sql).unwrap_or(0)
        };
        // The first quarter has the start in it, the last the slowest answers.
        let quarters = [at(2) - at(1), at(3) - at(2)];
        let slowest = quarters.into_iter().max().unwrap_or(1) as f64;
        (quarters[0] + quarters[1]) as f64 / 2.0 / slowest.max(1.0)
    }

    /// The same documents and calls, nothing stored: what a loop around a client does.
    fn bare(
        &self,
        documents: &Path,
        standin: &StandinProcess,
        in_flight: usize,
        per_minute: Option<u64>,
    ) -> Ran {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let config = Config::for_server(&standin.base_url(), |_| None).unwrap();
        let client = Arc::new(Compatible::new(config).unwrap());
        let template = Arc::new(template());
        let system: Arc<str> = prompt::system(&template).into();
        let files = Arc::new(files(documents));
        let next = Arc::new(AtomicUsize::new(0));
        let halves: Arc<[AtomicUsize; 400]> = Arc::new(std::array::from_fn(|_| AtomicUsize::new(0)));
        let (cpu, start) = (processor_time("self"), Instant::now());
        runtime.block_on(async {
            let mut tasks = tokio::task::JoinSet::new();
            for _ in 0..in_flight {
                let (client, template, system) =
                    (Arc::clone(&client), Arc::clone(&template), Arc::clone(&system));
                let (files, next, halves) = (Arc::clone(&files), Arc::clone(&next), Arc::clone(&halves));
                tasks.spawn(async move {
                    loop {
                        let index = next.fetch_add(1, Ordering::Relaxed);
                        let Some(file) = files.get(index) else { break };
                        if let Some(limit) = per_minute {
                            let due = Duration::from_secs_f64(index as f64 * 60.0 / (limit as f64 * 0.998));
                            tokio::time::sleep_until((start + due).into()).await;
                        }
                        let text = std::fs::read_to_string(file).unwrap();
                        if let Some(half) = halves.get((start.elapsed().as_millis() / 500) as usize) {
                            half.fetch_add(1, Ordering::Relaxed);
                        }
                        // What fails is asked for again, as often as it takes.
                        let request = request(&template, &system, text);
                        while client.call(&request).await.is_err() {}
                    }
                });
            }
            tasks.join_all().await;
        });
        let seconds = start.elapsed().as_secs_f64();
        let cpu = (processor_time("self") - cpu).as_secs_f64() / files.len() as f64 * 1_000.0;
        Ran {
            seconds,
            per_second: files.len() as f64 / seconds,
            cpu_whole: cpu,
            cpu_calls: cpu,
            full_speed: {
                let mut calls: Vec<usize> = halves.iter().map(|half| half.load(Ordering::Relaxed)).collect();
                calls.retain(|calls| *calls > 0);
                calls.sort_unstable();
                calls
                    .get(calls.len() / 2)
                    .map_or(0.0, |calls| *calls as f64 * 2.0)
            },
        }
    }

    fn throughput(&self) {
        if !self.wants("throughput") {
            return;
        }
        let standin = self.place.standin(&with(""));
        let bare = self.bare(&self.documents, &standin, 1_000, None);
        let bare_rate = format!("{:.0}", bare.per_second);
        let mut standin = self.place.standin(&with(""));
        let default = self.run("default", &self.documents, &standin, &["-c", "1000"]);
        let ours = format!("{:.0}", default.per_second);
        row(
            "documents/s, 1,000 in flight, default budget",
            &ours,
            &bare_rate,
            ">= 1,600",
        );
        let full = format!("{:.0}", self.full_speed("default"));
        let bare_full = format!("{:.0}", bare.full_speed);
        row("  calls/s at full speed", &full, &bare_full, "");
        let level = format!("{:.2}", self.level("default"));
        row("  its slower half against its mean", &level, "", "level");
        // From its first latency on again: at the same address, which is what is remembered.
        standin.restart().unwrap();
        let again = ["-c", "1000", "--new", "--no-reuse"];
        let again = self.run("default", &self.documents, &standin, &again);
        row(
            "  once the provider's pace is known",
            &format!("{:.0}", again.per_second),
            &bare_rate,
            ">= 1,600",
        );
        let mut standin = self.place.standin(&with(""));
        let free = self.run(
            "unlimited",
            &self.documents,
            &standin,
            &["-c", "1000", "--budget", "none"],
        );
        row(
            "documents/s, no budget",
            &format!("{:.0}", free.per_second),
            &bare_rate,
            ">= 1,650",
        );
        standin.restart().unwrap();
        let again = ["-c", "1000", "--budget", "none", "--new", "--no-reuse"];
        let again = self.run("unlimited", &self.documents, &standin, &again);
        row(
            "  once the provider's pace is known",
            &format!("{:.0}", again.per_second),
            &bare_rate,
            ">= 1,650",
        );
        let cpu = format!("{:.3}", bare.cpu_whole);
        row(
            "CPU s per 1,000, whole command",
            &format!("{:.3}", free.cpu_whole),
            &cpu,
            "<= 0.30",
        );
        row(
            "CPU s per 1,000, calls alone",
            &format!("{:.3}", free.cpu_calls),
            &cpu,
            "<= 0.15",
        );
        let standin = self.place.standin(&with(""));
        let bare = self.bare(&self.documents, &standin, 225, None);
        let standin = self.place.standin(&with(""));
        let ours = self.run(
            "225",
            &self.documents,
            &standin,
            &["-c", "225", "--budget", "none"],
        );
        let (ours, bare) = (
            format!("{:.0}", ours.per_second),
            format!("{:.0}", bare.per_second),
        );
        row("documents/s, 225 in flight", &ours, &bare, ">= 555");
    }

    fn limits(&self) {
        if !self.wants("limits") {
            return;
        }
        const LIMITS: &str =
            r#", "requests_per_minute": 8000, "tokens_per_minute": 12000000, "burst_seconds": 5"#;
        let share = |ran: &Ran| ran.per_second * 60.0 / 8_000.0 * 100.0;
        let standin = self.place.standin(&with(LIMITS));
        let bare = self.bare(&self.some, &standin, 1_000, Some(8_000));
        let bare = format!("{:.1} %, {}", share(&bare), booked(&standin, "rate_limited"));
        for (name, headers, words) in [
            ("not told", false, &["-c", "1000", "--budget", "none"][..]),
            ("told by headers", true, &["-c", "1000", "--budget", "none"][..]),
            (
                "told by --rpm",
                false,
                &["-c", "1000", "--budget", "none", "--rpm", "8000"][..],
            ),
        ] {
            let standin = self
                .place
                .standin(&with(&format!("{LIMITS}, \"limit_headers\": {headers}")));
            let ran = self.run(&format!("limit {name}"), &self.documents, &standin, words);
            let ours = format!(
                "{:.1} %, {} refused",
                share(&ran),
                booked(&standin, "rate_limited")
            );
            row(
                &format!("8,000 RPM, 12M TPM, 5 s bucket, {name}"),
                &ours,
                &bare,
                ">= 97 %, < 10",
            );
            if name == "not told" {
                let before = booked(&standin, "rate_limited");
                let again = [words, &["--new", "--no-reuse"]].concat();
                let ran = self.run(&format!("limit {name}"), &self.documents, &standin, &again);
                let refused = booked(&standin, "rate_limited") - before;
                let ours = format!("{:.1} %, {refused} refused", share(&ran));
                row(
                    "  once the provider's pace is known",
                    &ours,
                    &bare,
                    ">= 97 %, < 10",
                );
            }
        }
    }

    fn errors(&self) {
        if self.wants("errors") {
            let standin = self.place.standin(&with(""));
            let none = self.run(
                "none",
                &self.documents,
                &standin,
                &["-c", "1000", "--budget", "none"],
            );
            let standin = self
                .place
                .standin(&with(r#", "shares": {"overloaded503": 0.008}"#));
            let bare = self.bare(&self.documents, &standin, 1_000, None);
            let standin = self
                .place
                .standin(&with(r#", "shares": {"overloaded503": 0.008}"#));
            let some = self.run(
                "503",
                &self.documents,
                &standin,
                &["-c", "1000", "--budget", "none"],
            );
            let ours = format!("{:.0} %", some.per_second / none.per_second * 100.0);
            let bare = format!("{:.0} %", bare.per_second / none.per_second * 100.0);
            row(
                "0.8 % of answers are 503: share of the rate",
                &ours,
                &bare,
                ">= 90 %",
            );
        }
        if self.wants("mixed") {
            const MIXED: &str = r#", "shares": {"overloaded503": 0.004, "internal_error": 0.004, "rate_limited": 0.002, "stall": 0.004, "reset_after_billing": 0.003, "reset_before_billing": 0.003}"#;
            let figures = |standin: &StandinProcess, ran: &Ran| {
                let extra = booked(standin, "billed").saturating_sub(3_000);
                format!("{:.0} s, {extra} bills", ran.seconds)
            };
            let standin = self.place.standin(&with(MIXED));
            let bare = self.bare(&self.some, &standin, 1_000, None);
            let bare = figures(&standin, &bare);
            let standin = self.place.standin(&with(MIXED));
            let ran = self.run("mixed", &self.some, &standin, &["-c", "1000", "--budget", "none"]);
            row(
                "2 % mixed errors, 3,000 documents",
                &figures(&standin, &ran),
                &bare,
                "<= 30 s, <= 30",
            );
        }
    }

    fn quarter(&self) {
        if !self.wants("quarter") {
            return;
        }
        // What all would cost: from a run without a budget, at the catalog's price.
        let standin = self.place.standin(&with(""));
        self.run(
            "whole",
            &self.documents,
            &standin,
            &["-c", "1000", "--budget", "none"],
        );
        let whole = self
            .place
            .number("whole", "SELECT settled FROM batches")
            .unwrap_or(0);
        let budget = format!("{:.6}", whole as f64 / 4e9);
        let standin = self.place.standin(&with(""));
        let words = [
            "-c",
            "1000",
            "--budget",
            budget.as_str(),
            "--no-reuse",
            "--new",
            "--name",
            "quarter",
        ];
        let ran = self.run("quarter", &self.documents, &standin, &words);
        let number = |sql: &str| self.place.number("quarter", sql).unwrap_or(0) as f64;
        let used = number("SELECT settled FROM batches") / number("SELECT budget FROM batches") * 100.0;
        // Each call holds back its worst case, four times what it costs: what is left is used up by a
        // part in each round trip, and the last hundredths take longest.
        let soon = "SELECT min(updated_at) - (SELECT min(started_at) FROM attempts) FROM (
                SELECT updated_at, sum(cost) OVER (ORDER BY updated_at, id) AS spent FROM documents WHERE cost > 0)
            WHERE spent >= (SELECT budget FROM batches) * 98 / 100";
        row(
            "a quarter of the need as budget",
            &format!("{used:.1} %, {:.1} s", ran.seconds),
            "",
            "",
        );
        row(
            "  98 % of it used after",
            &format!("{:.1} s", number(soon) / 1_000.0),
            "",
            "<= 6 s",
        );
    }

    fn kills(&self) {
        if !self.wants("kill") {
            return;
        }
        const KILLS: u64 = 10;
        let standin = self.place.standin(&with(""));
        let words = ["-c", "225", "--budget", "none"];
        for _ in 0..KILLS {
            let before = booked(&standin, "answered");
            let mut process = self.place.run("kills", &self.documents, &standin, &words);
            let enough = || (booked(&standin, "answered") > before + 400).then_some(());
            wait_until("answers", PATIENCE, enough).unwrap();
            process.kill().unwrap();
        }
        // Once more: what the last one left is cleared up after when the next starts.
        let answered = booked(&standin, "answered");
        let last = self
            .place
            .number("kills", "SELECT max(started_at) FROM attempts")
            .unwrap_or(0);
        let mut process = self.place.run("kills", &self.documents, &standin, &words);
        let open =
            format!("SELECT count(*) FROM attempts WHERE outcome = 'in_flight' AND started_at <= {last}");
        let cleared = || (self.place.number("kills", &open) == Some(0)).then_some(());
        wait_until("the dead to be cleared up after", PATIENCE, cleared).unwrap();
        process.kill().unwrap();
        let stored = format!(
            "SELECT count(*) FROM answers JOIN attempts ON attempts.id = answers.attempt WHERE started_at <= {last}"
        );
        let stored = self.place.number("kills", &stored).unwrap_or(0);
        let lost = answered.saturating_sub(stored.unsigned_abs());
        let each = lost as f64 / KILLS as f64;
        row(
            "per kill -9: delivered and not stored",
            &format!("{each:.1}"),
            "",
            "<= 1",
        );
    }

    fn first_call(&self) {
        if !self.wants("first") {
            return;
        }
        let many = self.place.documents("many", 100_000, 2);
        for (name, documents) in [("10,000", &self.documents), ("100,000", &many)] {
            let standin = self.place.standin(&with(""));
            let start = Instant::now();
            let data = format!("first {name}");
            let mut process = self
                .place
                .run(&data, documents, &standin, &["-c", "64", "--price", "free"]);
            wait_until("a call", PATIENCE, || {
                (booked(&standin, "billed") > 0).then_some(())
            })
            .unwrap();
            let took = start.elapsed().as_secs_f64();
            process.kill().unwrap();
            row(
                &format!("first answer after the command, {name} files"),
                &format!("{took:.2} s"),
                "",
                "< 1 s",
            );
        }
    }

    fn halved(&self) {
        if !self.wants("halved") {
            return;
        }
        for headers in [true, false] {
            let limits =
                format!(r#", "requests_per_minute": 8000, "burst_seconds": 5, "limit_headers": {headers}"#);
            let standin = self.place.standin(&with(&limits));
            let data = format!("halved {headers}");
            let mut process =
                self.place
                    .run(&data, &self.some, &standin, &["-c", "1000", "--budget", "none"]);
            wait_until("half", PATIENCE, || {
                (booked(&standin, "billed") > 1_500).then_some(())
            })
            .unwrap();
            let before = booked(&standin, "rate_limited");
            behave(&standin, r#"{"requests_per_minute": 4000}"#);
            self.until_ended(&data, &mut process);
            let refused = booked(&standin, "rate_limited") - before;
            let told = if headers { "told" } else { "not told" };
            row(
                &format!("a limit halved in the middle, {told}: refused"),
                &refused.to_string(),
                "",
                "< 10",
            );
        }
    }

    fn outage(&self) {
        if !self.wants("outage") {
            return;
        }
        let place = Place::new();
        let documents = place.documents("outage", 40_000, 2);
        let standin = place.standin(&with(""));
        let mut process = place.run("outage", &documents, &standin, &["-c", "225", "--budget", "none"]);
        wait_until("calls", PATIENCE, || {
            (booked(&standin, "billed") > 2_000).then_some(())
        })
        .unwrap();
        let rate = rate_of(&standin, Duration::from_secs(3));
        let before = booked(&standin, "refused");
        behave(&standin, r#"{"shares": {"overloaded503": 1.0}}"#);
        std::thread::sleep(Duration::from_secs(60));
        let during = booked(&standin, "refused") - before;
        behave(&standin, r#"{"shares": {}}"#);
        std::thread::sleep(Duration::from_secs(5));
        let after = rate_of(&standin, Duration::from_secs(3));
        let failed = place.number("outage", "SELECT failed FROM batches").unwrap_or(-1);
        process.kill().unwrap();
        row(
            "outage of 60 s: calls during it, failed",
            &format!("{during}, {failed}"),
            "",
            "bounded, 0",
        );
        row(
            "  rate 5 s after it against before",
            &format!("{:.2}", after / rate),
            "",
            "1",
        );
    }

    fn empty_balance(&self) {
        if !self.wants("balance") {
            return;
        }
        let standin = self.place.standin(&with(""));
        let words = ["-c", "64", "--budget", "none"];
        let mut process = self.place.run("balance", &self.some, &standin, &words);
        wait_until("calls", PATIENCE, || {
            (booked(&standin, "billed") > 300).then_some(())
        })
        .unwrap();
        behave(&standin, r#"{"shares": {"insufficient_quota": 1.0}}"#);
        self.until_ended("balance", &mut process);
        let refused = booked(&standin, "refused");
        row(
            "empty balance: calls, 64 in flight",
            &refused.to_string(),
            "",
            "<= 69",
        );
    }

    /// Fifty documents while ten thousand are worked on by a server, against the fifty alone with
    /// half the calls in flight.
    fn fairness(&self) {
        if !self.wants("fair") {
            return;
        }
        let few = self.place.documents("few", 50, 40);
        let standin = self.place.standin(&with(""));
        let alone = self.run("alone", &few, &standin, &["-c", "8", "--budget", "none"]);
        let mut serve = self.place.docmill("served");
        serve
            .args(["serve", "--listen", "127.0.0.1:0"])
            .stderr(Stdio::null());
        let mut server = Process::start(&mut serve).unwrap();
        let ready = || {
            self.place
                .number("served", "SELECT count(*) FROM batches")
                .map(|_| ())
        };
        wait_until("the server", PATIENCE, ready).unwrap();
        std::thread::sleep(Duration::from_secs(1));
        let mut large = self.place.run(
            "served",
            &self.documents,
            &standin,
            &["-c", "16", "--budget", "none", "--no-estimate"],
        );
        let answered = booked(&standin, "answered");
        wait_until("calls", PATIENCE, || {
            (booked(&standin, "answered") > answered + 200).then_some(())
        })
        .unwrap();
        let mut small = self.place.run(
            "served",
            &few,
            &standin,
            &["-c", "16", "--budget", "none", "--no-estimate", "--no-reuse"],
        );
        while small.ended().unwrap().is_none() {
            std::thread::sleep(Duration::from_millis(20));
        }
        let took = self
            .place
            .number(
                "served",
                "SELECT ended_at - started_at FROM batches ORDER BY key DESC LIMIT 1",
            )
            .unwrap_or(0) as f64
            / 1_000.0;
        large.kill().unwrap();
        server.kill().unwrap();
        let times = took / alone.seconds;
        row(
            "50 documents beside 10,000, against alone",
            &format!("{times:.1} times"),
            "",
            "<= 3 times",
        );
    }
}

/// Answers a second over a while.
fn rate_of(standin: &StandinProcess, span: Duration) -> f64 {
    let (before, start) = (booked(standin, "answered"), Instant::now());
    std::thread::sleep(span);
    (booked(standin, "answered") - before) as f64 / start.elapsed().as_secs_f64()
}
