//! What the store costs: documents per second with and without group commit, rows taken
//! in, pages of large lists, restart after a crash, CPU per document.
//!
//! `cargo bench -p docmill-store --bench store` prints absolute figures and, where there is
//! something to compare with, ratios. DOCMILL_BENCH_ROWS (200,000 by default; the design's
//! figure is 1,000,000) says how many documents; three in ten are processed before pages are
//! asked for. DOCMILL_BENCH_FOLDER says where the database is made.

use std::collections::VecDeque;
use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use docmill_core::attempt::AnswerKey;
use docmill_core::batch::BatchEvent;
use docmill_core::document::{DocumentState, Kind};
use docmill_core::extraction::Extraction;
use docmill_core::failure::{Failure, FailureCode};
use docmill_core::id::{BatchId, ContentHash, DocumentId, Ordinal, WorkerId};
use docmill_core::money::Usd;
use docmill_core::plan::Plan;
use docmill_core::price::Price;
use docmill_core::template::Template;
use docmill_core::time::Timestamp;
use docmill_core::usage::Usage;
use docmill_core::values::{Comparison, Condition, SortKey};
use docmill_store::sqlite::{Options, SqliteStore};
use docmill_store::{
    Begun, Bill, Claimed, Commit, DocumentQuery, NewBatch, NewDocument, Next, Position, Settlement, SortBy,
    Start, Store, WorkerRow,
};
use tokio::sync::Mutex;
use uuid::Uuid;

type Failed = Box<dyn Error + Send + Sync>;

const NOW: Timestamp = Timestamp(1_700_000_000_000);
const CHUNK: u64 = 5000;
/// What a page may take at the 99th percentile.
const TARGET: Duration = Duration::from_millis(20);

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() -> Result<(), Failed> {
    let documents: u64 = std::env::var("DOCMILL_BENCH_ROWS").map_or(Ok(200_000), |it| it.parse())?;
    let temporary = tempfile::tempdir()?;
    let folder =
        std::env::var_os("DOCMILL_BENCH_FOLDER").map_or_else(|| temporary.path().to_owned(), PathBuf::from);
    let path = folder.join("bench.db");
    let store: Arc<dyn Store> = Arc::new(SqliteStore::open(&path, &Options::default())?);

    let bench = Bench::new(store, documents / 100 * 3).await?;
    bench.enqueue(documents).await?;
    let alone = bench.process(1, documents.min(1000)).await?;
    let together = bench.process(1000, documents / 10 * 3).await?;
    println!(
        "group commit: {:.1} times the documents per second\n",
        together / alone
    );
    bench.pages(documents).await?;
    bench.lease(1000).await?;
    drop(bench);

    let since = Instant::now();
    let store = SqliteStore::open(&path, &Options::default())?;
    let opened = since.elapsed();
    let dead = store.workers().await?.iter().map(|worker| worker.id).collect();
    let recovered = store.recover(dead, NOW).await?;
    println!(
        "restart: opened in {opened:.1?}, {} leases and {} calls recovered in {:.1?}",
        recovered.documents,
        recovered.unconfirmed_calls,
        since.elapsed() - opened
    );
    let size = std::fs::metadata(&path)?.len();
    println!(
        "file: {} MB, {} bytes a document",
        size >> 20,
        size / documents.max(1)
    );
    Ok(())
}

#[derive(Clone)]
struct Bench {
    store: Arc<dyn Store>,
    batch: BatchId,
    worker: WorkerId,
    /// Claimed, not yet begun.
    hand: Arc<Mutex<VecDeque<DocumentId>>>,
    /// One document in this many fails.
    rare: u64,
}

/// CPU seconds of this process, all threads.
fn cpu() -> f64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32).as_secs_f64()
}

impl Bench {
    async fn new(store: Arc<dyn Store>, rare: u64) -> Result<Self, Failed> {
        let batch = BatchId(Uuid::now_v7());
        let template: Template = serde_json::from_value(serde_json::json!({
            "name": "bench", "schema": {"type": "object"}
        }))?;
        let plan = Plan {
            model: "sim/bench".to_owned(),
            base_url: None,
            base_url_by_admin: false,
            price: Price::free("bench"),
            concurrency: None,
            max_output_tokens: 1000,
            reuse_answers: true,
            ocr: false,
            max_document_bytes: None,
            weight: None,
            limits: docmill_core::pacing::Limits::default(),
            sim_speed_milli: None,
            fallbacks: Vec::new(),
            between: None,
            timeout_seconds: None,
            hedge: false,
        };
        let new = NewBatch {
            id: batch,
            name: "bench".to_owned(),
            template,
            plan,
            budget: Some(Usd::from_nanos(i64::MAX / 2)),
            sources: Vec::new(),
            owner: String::new(),
        };
        store.create_batch(new, NOW).await?;
        let worker = WorkerId(Uuid::now_v7());
        let row = WorkerRow {
            id: worker,
            label: "bench".to_owned(),
            started_at: NOW,
            heartbeat_at: NOW,
        };
        store.register_worker(row).await?;
        let hand = Arc::default();
        Ok(Self {
            store,
            batch,
            worker,
            hand,
            rare: rare.max(2) / 2,
        })
    }

    async fn enqueue(&self, documents: u64) -> Result<(), Failed> {
        let (since, before) = (Instant::now(), cpu());
        for from in (0..documents).step_by(CHUNK as usize) {
            let chunk = (from..documents.min(from + CHUNK)).map(new_document).collect();
            self.store.enqueue_chunk(self.batch, chunk, NOW).await?;
        }
        let seconds = since.elapsed().as_secs_f64();
        println!(
            "enqueue: {:.0} rows/s in chunks of {CHUNK}, {:.4} CPU s per 1,000",
            documents as f64 / seconds,
            (cpu() - before) * 1000.0 / documents as f64
        );
        self.store
            .transition(self.batch, BatchEvent::Start, "bench", NOW)
            .await??;
        Ok(())
    }

    /// Takes documents through claim, begin and commit; documents per second.
    async fn process(&self, tasks: u64, documents: u64) -> Result<f64, Failed> {
        let (since, before) = (Instant::now(), cpu());
        let mut running = tokio::task::JoinSet::new();
        for task in 0..tasks {
            let bench = self.clone();
            let share = documents / tasks + u64::from(task < documents % tasks);
            running.spawn(async move {
                for _ in 0..share {
                    bench.one(if tasks == 1 { 1 } else { 256 }).await?;
                }
                Ok::<(), Failed>(())
            });
        }
        while let Some(ended) = running.join_next().await {
            ended??;
        }
        let rate = documents as f64 / since.elapsed().as_secs_f64();
        println!(
            "process, {tasks} at once: {rate:.0} documents/s, {:.4} CPU s per 1,000",
            (cpu() - before) * 1000.0 / documents as f64
        );
        Ok(rate)
    }

    async fn next(&self, handful: u32) -> Result<Option<DocumentId>, Failed> {
        let mut hand = self.hand.lock().await;
        if hand.is_empty()
            && let Claimed::Documents(documents) =
                self.store.claim(self.batch, self.worker, handful, NOW).await?
        {
            hand.extend(documents.into_iter().map(|document| document.id));
        }
        Ok(hand.pop_front())
    }

    async fn begin(&self, document: DocumentId) -> Result<u32, Failed> {
        let start = Start {
            document,
            worker: self.worker,
            model: "sim/bench".to_owned(),
            part: 0,
            answer_key: AnswerKey::of(&[b"bench", &document.ordinal.0.to_le_bytes()]),
            reserve: Usd::from_nanos(2_000_000),
            reuse: true,
            now: NOW,
        };
        match self.store.begin(start).await? {
            Begun::Started { attempt } => Ok(attempt),
            other => Err(format!("not started: {other:?}").into()),
        }
    }

    async fn one(&self, handful: u32) -> Result<(), Failed> {
        let Some(document) = self.next(handful).await? else {
            return Ok(());
        };
        let attempt = self.begin(document).await?;
        let number = document.ordinal.0;
        let spread = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let usage = Usage {
            input_tokens: 1500 + spread % 1000,
            output_tokens: 200,
            ..Usage::default()
        };
        let settlement = Settlement {
            attempt,
            bill: Bill::Actual {
                usage,
                cost: Usd::from_nanos(300_000 + i64::from(spread as u16)),
            },
            latency_ms: 2000,
            request_id: Some(format!("request-{number}")),
            raw_answer: Some(answer(number).to_string()),
            failure: None,
        };
        let next = if number.is_multiple_of(self.rare) {
            Next::Failed(Failure::new(FailureCode::Refused, "the model declined"))
        } else {
            Next::Completed(Box::new(Extraction {
                data: answer(number),
                evidence: Vec::new(),
                ungrounded: Vec::new(),
                findings: Vec::new(),
                risk: (spread % 1000) as u16,
                simulated: false,
            }))
        };
        let commit = Commit {
            document,
            worker: self.worker,
            settlement: Some(settlement),
            next,
            facts: None,
            now: NOW.plus_ms((number / 100) as i64),
        };
        let committed = self.store.commit(Arc::new(commit)).await?;
        if committed.applied {
            Ok(())
        } else {
            Err("the lease was lost".into())
        }
    }

    /// Leaves so many documents leased and called for.
    async fn lease(&self, documents: u32) -> Result<(), Failed> {
        for _ in 0..documents {
            if let Some(document) = self.next(documents).await? {
                self.begin(document).await?;
            }
        }
        Ok(())
    }

    async fn pages(&self, documents: u64) -> Result<(), Failed> {
        println!(
            "{:<60} {:>9} {:>9} {:>9} {:>9}",
            "pages of 100", "p50", "p99", "most", "of 20 ms"
        );
        let list = DocumentQuery::default;
        let state = |state| DocumentQuery {
            states: vec![state],
            ..list()
        };
        let sorted = |sort| DocumentQuery { sort, ..list() };
        let search = |text: &str| DocumentQuery {
            search: Some(text.to_owned()),
            ..list()
        };
        let kind = |kind| DocumentQuery {
            kinds: vec![kind],
            ..list()
        };
        let completed = || state(DocumentState::Completed);
        let failed = DocumentQuery {
            sort: SortBy::Cost,
            ..state(DocumentState::Failed)
        };
        let cost_of_completed = DocumentQuery {
            sort: SortBy::Cost,
            descending: true,
            ..completed()
        };
        let by_name = DocumentQuery {
            sort: SortBy::Name,
            ..search("invoice")
        };
        let cases = [
            ("all", list()),
            ("completed", completed()),
            ("failed (few), by cost", failed),
            ("completed, by cost, dearest first", cost_of_completed),
            ("all, by name", sorted(SortBy::Name)),
            ("all, by cost", sorted(SortBy::Cost)),
            ("kind that is common", kind(Kind::Pdf)),
            ("kind that is rare", kind(Kind::Email)),
            ("search, all match", search("invoice")),
            ("search, all match, by name", by_name),
            ("search, ten match", search("99977")),
            ("search, none match", search("nothing")),
            ("search, two letters", search("in")),
        ];
        for (name, query) in cases {
            self.first_and_following(name, &query).await?;
            let deep = name.starts_with("all") || name.starts_with("completed");
            if deep {
                let total = if name.starts_with("all") {
                    documents
                } else {
                    documents / 10 * 3
                };
                self.by_number(name, &query, total).await?;
            }
        }
        self.values().await?;
        let mut times = Vec::new();
        for number in (1..documents).step_by((documents / 100).max(1) as usize) {
            let id = DocumentId {
                batch: self.batch,
                ordinal: Ordinal(number),
            };
            let since = Instant::now();
            self.store.document(id).await?;
            times.push(since.elapsed());
        }
        tell("one document with its attempts", times);
        let mut times = Vec::new();
        for _ in 0..100 {
            let since = Instant::now();
            self.store.batch(self.batch).await?;
            times.push(since.elapsed());
        }
        tell("the batch with its counters", times);
        let since = Instant::now();
        self.store.failures(self.batch).await?;
        tell("failures by code", vec![since.elapsed()]);
        println!();
        Ok(())
    }

    /// Lists by values: how long their index takes to make, and what pages take then.
    async fn values(&self) -> Result<(), Failed> {
        for pointer in ["/total", "/invoice_number"] {
            let mut times = Vec::new();
            let begun = Instant::now();
            loop {
                let since = Instant::now();
                let prepared = self.store.prepare_values(self.batch, pointer, 2_000, NOW).await?;
                times.push(since.elapsed());
                if prepared.is_ready {
                    break;
                }
            }
            let name = format!(
                "values of {pointer} made ready in {:.1} s, each 2,000",
                begun.elapsed().as_secs_f64()
            );
            tell(&name, times);
        }
        let condition = |pointer: &str, comparison, key| Condition {
            pointer: pointer.to_owned(),
            comparison,
            key,
        };
        let sorted = |values| DocumentQuery {
            values,
            sort: SortBy::Value,
            sort_field: Some("/total".to_owned()),
            ..DocumentQuery::default()
        };
        let more = |than| condition("/total", Comparison::Greater, SortKey::Whole(than));
        let begins = |text: &str| {
            condition(
                "/invoice_number",
                Comparison::Begins,
                SortKey::Text(text.to_owned()),
            )
        };
        let contains = |text: &str| {
            condition(
                "/invoice_number",
                Comparison::Contains,
                SortKey::Text(text.to_owned()),
            )
        };
        let filtered = |values| DocumentQuery {
            values,
            ..DocumentQuery::default()
        };
        for (name, query) in [
            ("by a value", sorted(Vec::new())),
            ("by a value, more than: half match", sorted(vec![more(500)])),
            ("value more than: half match", filtered(vec![more(500)])),
            ("value more than: few match", filtered(vec![more(997)])),
            ("value begins: few match", filtered(vec![begins("re-99977")])),
            ("value contains: few match", filtered(vec![contains("99977")])),
            ("two values", filtered(vec![more(500), begins("re-99")])),
        ] {
            self.first_and_following(name, &query).await?;
        }
        self.by_number("by a value", &sorted(Vec::new()), 300_000).await
    }

    async fn first_and_following(&self, name: &str, query: &DocumentQuery) -> Result<(), Failed> {
        let mut times = Vec::new();
        let mut position = Position::First;
        for _ in 0..30 {
            let query = DocumentQuery {
                position,
                ..query.clone()
            };
            let since = Instant::now();
            let page = self.store.documents(self.batch, query).await?;
            times.push(since.elapsed());
            position = page.next.map_or(Position::First, Position::After);
        }
        tell(name, times);
        Ok(())
    }

    async fn by_number(&self, name: &str, query: &DocumentQuery, total: u64) -> Result<(), Failed> {
        let mut times = Vec::new();
        for step in 0..50_u64 {
            let query = DocumentQuery {
                position: Position::Number(1 + step.wrapping_mul(7919) % (total / 100).max(1)),
                ..query.clone()
            };
            let since = Instant::now();
            self.store.documents(self.batch, query).await?;
            times.push(since.elapsed());
        }
        tell(&format!("{name}: any page by its number"), times);
        Ok(())
    }
}

fn tell(name: &str, mut times: Vec<Duration>) {
    times.sort_unstable();
    let at = |share: usize| times.get(times.len() * share / 100).copied().unwrap_or_default();
    println!(
        "{name:<60} {:>9.2?} {:>9.2?} {:>9.2?} {:>9.2}",
        at(50),
        at(99),
        times.last().copied().unwrap_or_default(),
        at(99).as_secs_f64() / TARGET.as_secs_f64()
    );
}

fn new_document(number: u64) -> NewDocument {
    let key = format!(
        "2026/{:02}/supplier-{}/invoice-{number:07}.pdf",
        number % 12 + 1,
        number % 997
    );
    NewDocument {
        name: format!("supplier-{}/invoice-{number:07}.pdf", number % 997),
        bytes: 50_000 + number % 100_000,
        kind: if number.is_multiple_of(20_011) {
            Kind::Email
        } else {
            Kind::Pdf
        },
        content_hash: Some(ContentHash::of(key.as_bytes())),
        skip: None,
        key,
    }
}

/// About three hundred bytes.
fn answer(number: u64) -> serde_json::Value {
    serde_json::json!({
        "invoice_number": format!("RE-{number}"), "invoice_date": "2026-03-14", "due_date": "2026-04-13",
        "supplier": {"name": "Nordlicht Werkzeuge GmbH", "vat_id": "DE123456789"},
        "line_items": [{"description": "Drill, 18 V", "quantity": 2, "amount": 198.5}],
        "subtotal": 198.5, "tax": 37.72, "total": (number * 7_919 % 100_000) as f64 / 100.0, "currency": "EUR"
    })
}
