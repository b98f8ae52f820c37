//! A batch at a stand-in provider that keeps books of its own: what is counted here can be held
//! against what was billed there.

use std::process::{Command, Stdio};
use std::time::Duration;

use docmill_testkit::process::{StandinProcess, built_binary};
use docmill_testkit::standin::Ledger;
use docmill_testkit::wait_until;

use crate::program::{Program, documents, template};

/// How long anything may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(90);

pub struct Scene {
    pub program: Program,
    pub standin: StandinProcess,
    pub documents: String,
    pub template: String,
    count: i64,
}

impl Scene {
    /// So many small documents, and a provider that behaves so.
    pub fn new(count: usize, behaviour: &str) -> Self {
        let program = Program::new();
        let ledger = program.path("ledger.jsonl");
        let arguments = [
            "--ledger".into(),
            ledger.into_os_string(),
            "--behaviour".into(),
            behaviour.into(),
        ];
        Self {
            standin: StandinProcess::start(&built_binary("docmill-standin").unwrap(), arguments).unwrap(),
            documents: documents(&program, count),
            template: template(&program),
            count: i64::try_from(count).unwrap(),
            program,
        }
    }

    /// `docmill run`, or the same batch taken up again.
    pub fn run(&self, more: &[&str]) -> Command {
        let base_url = self.standin.base_url();
        let words = ["run", &self.documents, "--template", &self.template];
        let mut command = self.program.command(&words);
        command
            .args(["--model", "openai/gpt-4o-mini", "--price", "0.15,0.6"])
            .args(["--base-url", &base_url, "--yes", "--no-estimate"])
            .args(more);
        if !more.contains(&"--budget") {
            command.args(["--budget", "10"]);
        }
        if !more.contains(&"--concurrency") {
            command.args(["--concurrency", "4"]);
        }
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// A number out of the database; 0 while there is none.
    pub fn number(&self, sql: &str) -> i64 {
        let path = self.program.data_dir().join("docmill.db");
        if !path.exists() {
            return 0;
        }
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
        let database = rusqlite::Connection::open_with_flags(path, flags).ok();
        let number = database.and_then(|database| database.query_row(sql, [], |row| row.get(0)).ok());
        number.unwrap_or(0)
    }

    pub fn completed(&self) -> i64 {
        self.number("SELECT coalesce(sum(completed), 0) FROM batches")
    }

    /// Waits until so many documents are done.
    #[track_caller]
    pub fn wait_for(&self, completed: i64) {
        wait_until("some progress", PATIENCE, || {
            (self.completed() >= completed).then_some(())
        })
        .unwrap();
    }

    /// Every document has one result, nothing is held back any more, and the money that is counted
    /// covers what the provider billed.
    #[track_caller]
    pub fn is_whole(&self) {
        let all = self.count;
        assert_eq!(self.number("SELECT count(*) FROM documents"), all);
        assert_eq!(self.completed(), all);
        assert_eq!(self.number("SELECT count(*) FROM extractions"), all);
        assert_eq!(
            self.number("SELECT pending + leased + failed + skipped + cancelled FROM batches"),
            0
        );
        self.balances();
        // No document was paid for again after its answer was known.
        let answered = "SELECT count(*) FROM attempts WHERE outcome = 'answered'";
        assert_eq!(self.number(answered), all);
    }

    /// The account is what adding up gives, and covers what the provider billed.
    #[track_caller]
    pub fn balances(&self) {
        assert_eq!(self.number("SELECT calls_in_flight + reserved FROM batches"), 0);
        assert_eq!(
            self.number("SELECT settled FROM batches"),
            self.number(
                "SELECT coalesce(sum(cost), 0) FROM attempts WHERE outcome IN ('answered', 'failed')"
            )
        );
        assert_eq!(
            self.number("SELECT unconfirmed FROM batches"),
            self.number("SELECT coalesce(sum(reserved), 0) FROM attempts WHERE outcome = 'unconfirmed'")
        );
        let books = Ledger::open(Some(&self.program.path("ledger.jsonl"))).unwrap();
        let billed = i64::try_from(books.totals().cost_nanos).unwrap();
        let counted = self.number("SELECT settled + unconfirmed FROM batches");
        assert!(billed <= counted, "billed {billed}, counted {counted}");
    }
}
