//! `kill -9` at any moment is a normal event. These tests kill the real process while
//! it talks to a stand-in provider that keeps books of its own, and compare the two.

use std::collections::HashMap;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use docmill_testkit::process::{Process, StandinProcess, built_binary};
use docmill_testkit::standin::Ledger;
use docmill_testkit::wait_until;

/// What is taken out: nothing the stand-in's made-up answers could get wrong, because these
/// tests are about money and crashes.
const TEMPLATE: &str = r#"{
    "type": "object", "title": "purchase", "additionalProperties": false,
    "properties": {"shop": {"type": "string"}, "total": {"type": "number"}}
}"#;

/// Prices of both sides, in dollars per million tokens: input, output.
const PRICE: &str = "2,8";
/// The same for the stand-in, in pico-dollars per token.
const STANDIN_PRICES: [&str; 4] = ["--input-price", "2000000", "--output-price", "8000000"];

/// Kills of the run. The stand-in dies with every sixth.
const KILLS: usize = 30;

/// The documented exit code of a batch that ran out of budget.
const BUDGET_EXHAUSTED: i32 = 4;

/// Calls in flight at most.
const CONCURRENCY: usize = 8;

/// A folder with documents, a data folder, and a stand-in.
struct Scene {
    folder: tempfile::TempDir,
    standin: StandinProcess,
    binary: PathBuf,
}

impl Scene {
    fn new(documents: usize, behaviour: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let piles = folder.path().join("documents");
        fs::create_dir(&piles).unwrap();
        for number in 0..documents {
            let text = format!(
                "RECEIPT {number}\nThe Corner Shop\nDate: 2026-03-{:02}\nBread 2.50\nMilk 1.20\nTOTAL {}.{:02}\n",
                number % 28 + 1,
                number % 90 + 3,
                number % 100
            );
            fs::write(piles.join(format!("receipt-{number:05}.txt")), text).unwrap();
        }
        fs::write(folder.path().join("purchase.json"), TEMPLATE).unwrap();
        let ledger = folder.path().join("ledger.jsonl");
        let mut arguments = vec!["--ledger".into(), ledger.into_os_string()];
        arguments.extend(STANDIN_PRICES.map(Into::into));
        arguments.extend(["--behaviour".into(), behaviour.into()]);
        let standin = StandinProcess::start(&built_binary("docmill-standin").unwrap(), arguments).unwrap();
        Self {
            folder,
            standin,
            binary: PathBuf::from(env!("CARGO_BIN_EXE_docmill")),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        command
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .arg("--data-dir")
            .arg(self.path("data"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    fn run(&self, budget: &str, concurrency: usize) -> Command {
        let mut command = self.command();
        command
            .arg("run")
            .arg(self.path("documents"))
            .arg("--template")
            .arg(self.path("purchase.json"))
            .args(["--model", "openai/gpt-4o-mini", "--price", PRICE])
            .args(["--base-url", &self.standin.base_url(), "--budget", budget])
            .args([
                "--concurrency",
                &concurrency.to_string(),
                "--max-output-tokens",
                "400",
            ])
            .args(["--yes", "--no-estimate"]);
        command
    }

    /// What the stand-in billed, by its own books.
    fn books(&self) -> Ledger {
        Ledger::open(Some(&self.path("ledger.jsonl"))).unwrap()
    }

    fn database(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.path("data").join("docmill.db")).unwrap()
    }

    fn number(&self, sql: &str) -> i64 {
        self.database().query_row(sql, [], |row| row.get(0)).unwrap()
    }
}

/// A random generator that is the same each time and needs no crate.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// A run that is killed again and again ends with every document done once, within
/// budget, and the only calls paid twice are those that were in flight at a kill.
#[test]
fn nothing_is_lost_and_hardly_anything_paid_twice_through_thirty_kills() {
    let documents = 600;
    let mut scene = Scene::new(
        documents,
        r#"{"latency": {"log_normal": {"median_ms": 25.0, "p99_ms": 120.0}}}"#,
    );
    let mut dice = Dice(0x5eed_d0c3);
    let (mut kills, mut in_flight_at_kills) = (0, 0);
    while kills < KILLS {
        let settled_before = settled(&scene);
        let mut process = Process::start(&mut scene.run("100", CONCURRENCY)).unwrap();
        // Some kills hit the start, most the work.
        let more = i64::try_from(dice.roll(18)).unwrap();
        let reached = wait_until("some progress", Duration::from_secs(60), || {
            (process.ended().unwrap().is_some() || settled(&scene) >= settled_before + more).then_some(())
        });
        reached.unwrap();
        if let Some(status) = process.ended().unwrap() {
            panic!("it ended by itself after {kills} kills: {status}");
        }
        process.kill().unwrap();
        in_flight_at_kills +=
            usize::try_from(scene.number("SELECT count(*) FROM attempts WHERE outcome = 'in_flight'"))
                .unwrap();
        kills += 1;
        if kills % 6 == 0 {
            scene.standin.restart().unwrap();
        }
    }
    let status = scene.run("100", CONCURRENCY).status().unwrap();
    assert!(status.success(), "the last run ends well: {status}");

    // Every document has exactly one result.
    let all = i64::try_from(documents).unwrap();
    assert_eq!(scene.number("SELECT count(*) FROM documents"), all);
    assert_eq!(
        scene.number("SELECT count(*) FROM documents WHERE state = 'completed'"),
        all
    );
    assert_eq!(scene.number("SELECT count(*) FROM extractions"), all);

    // The counters are what counting gives, the account what adding up gives.
    assert_eq!(scene.number("SELECT completed FROM batches"), all);
    assert_eq!(
        scene.number("SELECT pending + leased + failed + cancelled + skipped FROM batches"),
        0
    );
    assert_eq!(scene.number("SELECT calls_in_flight + reserved FROM batches"), 0);
    assert_eq!(
        scene.number("SELECT settled FROM batches"),
        scene.number("SELECT sum(cost) FROM attempts WHERE outcome = 'answered'")
    );
    assert_eq!(
        scene.number("SELECT unconfirmed FROM batches"),
        scene.number("SELECT coalesce(sum(reserved), 0) FROM attempts WHERE outcome = 'unconfirmed'")
    );

    // The provider billed no more than docmill counts.
    let books = scene.books();
    let billed = i64::try_from(books.totals().cost_nanos).unwrap();
    let counted = scene.number("SELECT settled + unconfirmed FROM batches");
    assert!(billed <= counted, "billed {billed}, counted {counted}");
    let budget = 100_000_000_000;
    assert!(billed <= budget);

    // What was paid twice was in flight at a kill.
    let repeats: usize = books.by_prompt().values().map(|times| *times as usize - 1).sum();
    assert!(
        repeats <= in_flight_at_kills,
        "{repeats} calls were billed again; {in_flight_at_kills} were in flight at the kills"
    );
    assert!(in_flight_at_kills <= KILLS * CONCURRENCY);
    // And none of them for an answer that was stored: each document has one settled answer.
    assert_eq!(
        scene.number("SELECT count(*) FROM attempts WHERE outcome = 'answered'"),
        all
    );
    drop(books);
}

fn settled(scene: &Scene) -> i64 {
    // Before the first start there is no database.
    if !scene.path("data").join("docmill.db").exists() {
        return 0;
    }
    let read = || -> rusqlite::Result<i64> {
        let database = rusqlite::Connection::open_with_flags(
            scene.path("data").join("docmill.db"),
            rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY,
        )?;
        database.busy_timeout(Duration::from_secs(5))?;
        database.query_row("SELECT coalesce(sum(completed), 0) FROM batches", [], |row| {
            row.get(0)
        })
    };
    // Between making the file and making the tables.
    read().unwrap_or(0)
}

/// Sixty-four calls at once, costs that vary, a quarter of the money that is needed: the
/// provider's bill stays within the budget, and nearly all of it is used.
#[test]
fn the_budget_is_a_wall_and_is_used() {
    let behaviour = r#"{"latency": {"log_normal": {"median_ms": 15.0, "p99_ms": 60.0}}, "extra_output_tokens": [0, 250]}"#;
    let documents = 1200;
    // What one call costs on average here, from a first, unlimited taste of it.
    let taste = Scene::new(60, behaviour);
    assert!(taste.run("100", 64).status().unwrap().success());
    let books = taste.books().totals();
    let need = books.cost_nanos / books.billed * documents;
    let budget = need / 4;

    let scene = Scene::new(usize::try_from(documents).unwrap(), behaviour);
    let status = scene.run(&format!("0.{budget:09}"), 64).status().unwrap();
    assert_eq!(status.code(), Some(BUDGET_EXHAUSTED), "{status}");
    let billed = scene.books().totals().cost_nanos;
    assert!(billed <= budget, "billed {billed} of {budget} nano-dollars");
    assert!(
        billed * 100 >= budget * 95,
        "only {billed} of {budget} nano-dollars were used"
    );
    assert_eq!(
        i64::try_from(billed).unwrap(),
        scene.number("SELECT settled FROM batches")
    );
    assert_eq!(
        scene.number("SELECT count(*) FROM batches WHERE state = 'budget_exhausted'"),
        1
    );
    let counts: HashMap<String, i64> = states(&scene);
    assert_eq!(counts.values().sum::<i64>(), i64::try_from(documents).unwrap());
    assert!(
        counts
            .keys()
            .all(|state| state == "completed" || state == "pending"),
        "{counts:?}"
    );
}

fn states(scene: &Scene) -> HashMap<String, i64> {
    let database = scene.database();
    let mut statement = database
        .prepare("SELECT state, count(*) FROM documents GROUP BY state")
        .unwrap();
    let rows = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}
