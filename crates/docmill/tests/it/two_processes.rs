//! Two processes work on one batch, and one of them dies.

use std::process::{Command, Stdio};
use std::time::Duration;

use docmill_testkit::process::{Process, StandinProcess, built_binary};
use docmill_testkit::standin::Ledger;
use docmill_testkit::wait_until;

use crate::program::{Program, documents, template};

/// Documents of the batch.
const DOCUMENTS: usize = 150;

struct Scene {
    program: Program,
    standin: StandinProcess,
    documents: String,
    template: String,
}

impl Scene {
    fn new() -> Self {
        let program = Program::new();
        let ledger = program.path("ledger.jsonl");
        let arguments = [
            "--ledger".into(),
            ledger.into_os_string(),
            "--behaviour".into(),
            r#"{"latency": {"fixed_ms": 150}}"#.into(),
        ];
        Self {
            standin: StandinProcess::start(&built_binary("docmill-standin").unwrap(), arguments).unwrap(),
            documents: documents(&program, DOCUMENTS),
            template: template(&program),
            program,
        }
    }

    /// `docmill run`, or the same batch taken up by another process.
    fn run(&self) -> Command {
        let base_url = self.standin.base_url();
        let mut command = self
            .program
            .command(&["run", &self.documents, "--template", &self.template]);
        command
            .args([
                "--model",
                "openai/gpt-4o-mini",
                "--price",
                "0.15,0.6",
                "--budget",
                "10",
            ])
            .args([
                "--base-url",
                &base_url,
                "--concurrency",
                "4",
                "--yes",
                "--no-estimate",
            ])
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    fn number(&self, sql: &str) -> i64 {
        let path = self.program.data_dir().join("docmill.db");
        let database = rusqlite::Connection::open(path).ok();
        let number = database.and_then(|database| database.query_row(sql, [], |row| row.get(0)).ok());
        number.unwrap_or(0)
    }

    fn workers_with_calls(&self) -> i64 {
        self.number("SELECT count(DISTINCT worker) FROM attempts WHERE outcome = 'in_flight'")
    }
}

#[test]
fn when_one_of_two_dies_the_other_finishes_everything_and_the_ledger_balances() {
    let scene = Scene::new();
    let mut first = Process::start(&mut scene.run()).unwrap();
    wait_until("the first process", Duration::from_secs(30), || {
        (scene.workers_with_calls() == 1).then_some(())
    })
    .unwrap();
    let mut second = Process::start(&mut scene.run()).unwrap();
    wait_until("both processes at work", Duration::from_secs(30), || {
        (scene.workers_with_calls() == 2).then_some(())
    })
    .unwrap();
    first.kill().unwrap();
    let status = wait_until("the other process", Duration::from_secs(60), || {
        second.ended().unwrap()
    })
    .unwrap();
    assert!(status.success(), "{status}");

    let all = i64::try_from(DOCUMENTS).unwrap();
    assert_eq!(scene.number("SELECT completed FROM batches"), all);
    assert_eq!(
        scene.number("SELECT pending + leased + failed + reserved + calls_in_flight FROM batches"),
        0
    );
    let unconfirmed = scene.number("SELECT count(*) FROM attempts WHERE outcome = 'unconfirmed'");
    assert!(
        (1..=8).contains(&unconfirmed),
        "{unconfirmed} calls of the dead process"
    );
    assert_eq!(
        scene.number("SELECT settled FROM batches"),
        scene.number("SELECT sum(cost) FROM attempts WHERE outcome = 'answered'")
    );
    assert_eq!(
        scene.number("SELECT unconfirmed FROM batches"),
        scene.number("SELECT sum(reserved) FROM attempts WHERE outcome = 'unconfirmed'")
    );
    let books = Ledger::open(Some(&scene.program.path("ledger.jsonl"))).unwrap();
    let billed = i64::try_from(books.totals().cost_nanos).unwrap();
    let counted = scene.number("SELECT settled + unconfirmed FROM batches");
    assert!(billed <= counted, "billed {billed}, counted {counted}");
}
