//! Long documents: a book of 300 pages and sheets of 20,000 rows, read in parts by a stand-in
//! that answers truthfully for what it was sent (and sometimes does not).

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use docmill_testkit::documents::{self, row};
use docmill_testkit::process::{Process, StandinProcess, built_binary};
use docmill_testkit::standin::Ledger;
use docmill_testkit::wait_until;
use serde_json::{Value, json};

const TEMPLATE: &str = r#"{"type": "object", "title": "deliveries", "additionalProperties": false,
    "required": ["rows"], "properties": {"rows": {"type": "array", "items": {
        "type": "object", "additionalProperties": false, "required": ["number"], "properties": {
            "number": {"type": "string"}, "date": {"type": "string"}, "description": {"type": "string"},
            "quantity": {"type": "integer"}, "amount": {"type": "number"}}}}}}"#;

/// One long document, and a stand-in to read it.
struct Scene {
    folder: tempfile::TempDir,
    standin: StandinProcess,
}

impl Scene {
    fn new(name: &str, document: &[u8], behaviour: &Value) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("documents")).unwrap();
        fs::write(folder.path().join("documents").join(name), document).unwrap();
        fs::write(folder.path().join("deliveries.json"), TEMPLATE).unwrap();
        let ledger = folder.path().join("ledger.jsonl");
        let arguments = [
            "--ledger".into(),
            ledger.into_os_string(),
            "--behaviour".into(),
            behaviour.to_string().into(),
        ];
        Self {
            standin: StandinProcess::start(&built_binary("docmill-standin").unwrap(), arguments).unwrap(),
            folder,
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, answer_limit: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_docmill"));
        command
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .arg("--data-dir")
            .arg(self.path("data"))
            .arg("run")
            .arg(self.path("documents"))
            .arg("--template")
            .arg(self.path("deliveries.json"))
            .args([
                "--model",
                "openai/gpt-4o-mini",
                "--price",
                "0.15,0.6",
                "--budget",
                "1000",
            ])
            .args([
                "--base-url",
                &self.standin.base_url(),
                "--max-output-tokens",
                answer_limit,
            ])
            .args(["--yes", "--no-estimate"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    #[track_caller]
    fn finishes(&self, answer_limit: &str) -> Value {
        let status = self.run(answer_limit).status().unwrap();
        assert!(status.success(), "{status}");
        self.extraction()
    }

    fn database(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(self.path("data").join("docmill.db")).unwrap()
    }

    fn number(&self, sql: &str) -> i64 {
        self.database().query_row(sql, [], |row| row.get(0)).unwrap()
    }

    fn extraction(&self) -> Value {
        let body: String = self
            .database()
            .query_row("SELECT body FROM extractions", [], |row| row.get(0))
            .unwrap();
        serde_json::from_str(&body).unwrap()
    }

    /// Calls that were billed for a prompt that had been billed before.
    fn paid_twice(&self) -> u64 {
        let books = Ledger::open(Some(&self.path("ledger.jsonl"))).unwrap();
        books
            .by_prompt()
            .values()
            .map(|times| u64::from(*times) - 1)
            .sum()
    }
}

fn expected(index: usize) -> Value {
    let [number, date, description, quantity, amount] = row(index);
    let number_of = |text: &str| serde_json::from_str::<Value>(text).unwrap();
    json!({"number": number, "date": date, "description": description,
        "quantity": number_of(&quantity), "amount": number_of(&amount)})
}

/// Every row once, in order, with its page.
#[track_caller]
fn assert_whole(extraction: &Value, pages: &[u32]) {
    let rows = extraction["data"]["rows"].as_array().unwrap();
    for (index, row) in rows.iter().enumerate() {
        assert_eq!(*row, expected(index), "row {index}");
    }
    assert_eq!(rows.len(), pages.len());
    let mut pages_of = vec![BTreeSet::new(); rows.len()];
    for evidence in extraction["evidence"].as_array().unwrap() {
        let row: usize = evidence["field"]
            .as_str()
            .unwrap()
            .split('/')
            .nth(2)
            .unwrap()
            .parse()
            .unwrap();
        pages_of[row].insert(evidence["page"].as_u64().unwrap());
    }
    for (index, (found, page)) in pages_of.iter().zip(pages).enumerate() {
        assert_eq!(*found, BTreeSet::from([u64::from(*page)]), "pages of row {index}");
    }
    assert_eq!(extraction["ungrounded"], json!([]));
    assert_eq!(extraction["findings"], json!([]));
}

#[test]
fn a_book_of_300_pages_gives_each_of_its_2000_rows_once_with_its_page() {
    let (pdf, pages) = documents::pdf(300, 2000);
    let scene = Scene::new("book.pdf", &pdf, &json!({"reads_rows": {}}));
    assert_whole(&scene.finishes("2048"), &pages);
    assert_eq!(scene.paid_twice(), 0);
}

#[test]
fn a_csv_file_of_20000_rows_gives_each_once() {
    let scene = Scene::new("sheet.csv", &documents::csv(20_000), &json!({"reads_rows": {}}));
    assert_whole(&scene.finishes("8000"), &[1; 20_000]);
    assert_eq!(scene.paid_twice(), 0);
}

#[test]
fn a_workbook_of_20000_rows_gives_each_once() {
    let scene = Scene::new(
        "sheet.xlsx",
        &documents::xlsx(20_000).unwrap(),
        &json!({"reads_rows": {}}),
    );
    assert_whole(&scene.finishes("8000"), &[1; 20_000]);
}

/// Rows that are left out or given twice, and overloads between: the list is whole all the same.
/// (What the stand-in leaves out depends on the prompt alone, so that this is no matter of luck.)
#[test]
fn rows_left_out_are_asked_for_again_and_rows_given_twice_kept_once() {
    let (pdf, pages) = documents::pdf(60, 1200);
    let scene = Scene::new(
        "book.pdf",
        &pdf,
        &json!({"reads_rows": {"drop": 0.1, "repeat": 0.1}, "shares": {"overloaded503": 0.03}}),
    );
    assert_whole(&scene.finishes("2048"), &pages);
}

/// Answers longer than planned are cut at the limit: their parts are cut smaller, and parts of the
/// same size before they are paid for.
#[test]
fn answers_cut_at_the_limit_are_split_and_nothing_is_lost() {
    let scene = Scene::new(
        "sheet.csv",
        &documents::csv(2000),
        &json!({"reads_rows": {}, "extra_output_tokens": [1100, 1100]}),
    );
    assert_whole(&scene.finishes("1500"), &[1; 2000]);
    let cut = scene.number("SELECT count(*) FROM attempts WHERE error_code IS NOT NULL");
    let all = scene.number("SELECT count(*) FROM attempts");
    assert!(cut > 0 && cut * 5 < all, "{cut} of {all} answers were cut");
}

#[test]
fn a_row_that_no_answer_gives_is_named_with_its_page() {
    let (pdf, pages) = documents::pdf(30, 200);
    let scene = Scene::new("book.pdf", &pdf, &json!({"reads_rows": {"never": "0123"}}));
    let extraction = scene.finishes("2048");
    assert_eq!(extraction["data"]["rows"].as_array().unwrap().len(), 199);
    let finding = &extraction["findings"][0];
    assert_eq!(
        (&finding["check"], &finding["field"]),
        (&json!("missing_rows"), &json!("/rows"))
    );
    let message = finding["message"].as_str().unwrap();
    let page = format!("page {}", pages[122]);
    assert!(
        message.contains(&page) && message.contains("R-00123"),
        "{message}"
    );
    assert_eq!(scene.paid_twice(), 0, "the same question is not asked twice");
}

/// `kill -9` in the middle of a long document: what was accepted is not paid again.
#[test]
fn kills_in_a_long_document_cost_what_was_in_flight_and_no_more() {
    let scene = Scene::new(
        "sheet.csv",
        &documents::csv(3000),
        &json!({"reads_rows": {"drop": 0.05},
            "latency": {"log_normal": {"median_ms": 40.0, "p99_ms": 150.0}}}),
    );
    let mut in_flight = 0;
    for goal in [15, 40, 70] {
        let mut process = Process::start(&mut scene.run("2048")).unwrap();
        wait_until("answers", Duration::from_secs(60), || {
            let database = rusqlite::Connection::open(scene.path("data").join("docmill.db")).ok()?;
            let answered = "SELECT count(*) FROM attempts WHERE outcome = 'answered'";
            let answered: i64 = database.query_row(answered, [], |row| row.get(0)).ok()?;
            assert!(process.ended().unwrap().is_none(), "it ended before the kill");
            (answered >= goal).then_some(())
        })
        .unwrap();
        process.kill().unwrap();
        in_flight += scene.number("SELECT count(*) FROM attempts WHERE outcome = 'in_flight'");
    }
    assert_whole(&scene.finishes("2048"), &[1; 3000]);
    let twice = i64::try_from(scene.paid_twice()).unwrap();
    // An answer that was cut below the ceiling is asked for again with more room.
    let more_room = scene.number("SELECT count(*) FROM attempts WHERE error LIKE '%with more room%'");
    assert!(
        twice <= in_flight + more_room,
        "{twice} paid twice, {in_flight} were in flight, {more_room} needed more room"
    );
    assert_eq!(scene.number("SELECT reserved + calls_in_flight FROM batches"), 0);
}
