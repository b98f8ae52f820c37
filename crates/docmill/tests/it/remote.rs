//! The command line at a running server: the same verbs, the same words, done there.

use docmill_testkit::process::{StandinProcess, built_binary};
use docmill_testkit::standin::Ledger;
use serde_json::{Value, json};

use crate::program::{Program, Ran, template};
use crate::server::{PATIENCE, Server, pile, wait_until};

/// Two machines: one that serves, one that a person sits at.
struct Office {
    // Before the folder it works in: dropped in this order.
    server: Server,
    mill: Program,
    url: String,
    /// The person's: no database here.
    desk: Program,
}

impl Office {
    fn new(arguments: &[&str]) -> Self {
        Self::with_environment(arguments, &[])
    }

    fn with_environment(arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let mill = Program::new();
        let server = Server::start_with(&mill, arguments, environment);
        let url = format!("http://127.0.0.1:{}", server.port);
        Self {
            server,
            mill,
            url,
            desk: Program::new(),
        }
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        let mut all = vec!["--server", &self.url];
        all.extend(arguments);
        self.desk.run(&all)
    }
}

#[test]
fn documents_are_sent_processed_there_and_brought_back() {
    let root = tempfile::tempdir().unwrap();
    let office = Office::new(&["--root", root.path().to_str().unwrap()]);
    let folder = pile(&office.desk, "march", 12);
    let out = office.desk.path("results.csv");
    let ran = office
        .run(&[
            "run",
            &folder,
            "--template",
            "receipt",
            "--out",
            out.to_str().unwrap(),
        ])
        .succeeds();
    assert!(ran.stderr.contains("12 documents added"), "{}", ran.stderr);
    assert!(ran.stderr.contains("march"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("Needs a look"), "none does: {}", ran.stderr);
    let table = std::fs::read_to_string(&out).unwrap();
    assert_eq!(table.lines().count(), 13, "{table}");
    assert!(table.contains("receipt-0003.txt"), "{table}");
    assert!(
        !office.desk.data_dir().join("docmill.db").exists(),
        "nothing is kept here"
    );

    // The same words as at a database of one's own.
    let status = office.run(&["status", "--json"]).succeeds();
    let rows: Value = serde_json::from_str(&status.stdout).unwrap();
    assert_eq!(rows[0]["name"], "march");
    assert_eq!(rows[0]["documents"]["completed"], 12);
    let list = office
        .run(&["list", "march", "--search", "0007", "--fields"])
        .succeeds();
    assert!(list.stdout.contains("The Corner Shop"), "{}", list.stdout);
    assert!(list.stderr.contains("Showing 1–1 of 1."), "{}", list.stderr);
    let shown = office.run(&["show", "last", "receipt-0005.txt"]).succeeds();
    assert!(
        shown.stdout.contains("5.50 EUR") || shown.stdout.contains("5.5"),
        "{}",
        shown.stdout
    );
    let logs = office.run(&["logs", "last", "-n", "2", "--json"]).succeeds();
    assert_eq!(logs.stdout.lines().count(), 2);
    assert!(logs.stdout.contains("every document is done"), "{}", logs.stdout);
    let lines = office
        .run(&["export", "march", "--out", "-", "--format", "jsonl"])
        .succeeds();
    assert_eq!(lines.stdout.lines().count(), 12);

    // Sent again it is another batch, with a name of its own.
    office.run(&["run", &folder, "--template", "receipt"]).succeeds();
    let again = office.server.get("/api/v1/batches/last");
    assert_eq!(again["name"], "march-2");
}

#[test]
fn what_the_server_may_read_itself_is_not_sent() {
    let root = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join("a.txt"), "Date: 2026-03-01\nTOTAL 2.50 EUR\n").unwrap();
    let path = root.path().canonicalize().unwrap();
    let office = Office::new(&["--root", path.to_str().unwrap()]);
    office
        .run(&["run", path.to_str().unwrap(), "--template", "receipt"])
        .succeeds();
    let row = office.server.get("/api/v1/batches/last");
    assert_eq!(row["sources"], json!([path]));

    // With a filter only the wanted ones are.
    std::fs::write(root.path().join("b.md"), "# Notes\n").unwrap();
    let ran = office
        .run(&[
            "run",
            path.to_str().unwrap(),
            "--template",
            "receipt",
            "--include",
            "*.md",
        ])
        .succeeds();
    assert!(ran.stderr.contains("1 document added"), "{}", ran.stderr);
}

#[test]
fn a_budget_that_is_used_up_there_is_raised_from_here() {
    let office = Office::new(&[]);
    let folder = pile(&office.desk, "pile", 200);
    let arguments = [
        "run",
        &folder,
        "-t",
        "receipt",
        "-m",
        "sim/openai/gpt-4o-mini",
        "--sim-speed",
        "50",
        "--budget",
        "0.005",
    ];
    let ran = office.run(&arguments);
    assert_eq!(ran.status, 4, "{ran:?}");
    assert!(
        ran.stderr.contains("recommended"),
        "the estimate comes first: {}",
        ran.stderr
    );
    assert!(
        ran.stderr
            .contains(&format!("docmill --server {} resume", office.url)),
        "{}",
        ran.stderr
    );
    let row = office.server.get("/api/v1/batches/last");
    assert!(row["money"]["settled_usd"].as_f64().unwrap() <= 0.005);
    office.run(&["resume", "last", "--budget", "1"]).succeeds();
    assert_eq!(
        office.server.get("/api/v1/batches/last")["documents"]["completed"],
        200
    );
    let done = office.run(&["resume", "last"]).succeeds();
    assert!(done.stderr.contains("nothing is left to do"), "{}", done.stderr);
}

#[test]
fn calls_whose_outcome_was_lost_are_seen_and_settled_from_here() {
    let books = tempfile::tempdir().unwrap();
    let books = books.path().join("ledger.jsonl");
    let behaviour = r#"{"next": ["reset_after_billing", "truncated_body"]}"#;
    let arguments = [
        "--ledger".into(),
        books.clone().into(),
        "--behaviour".into(),
        behaviour.into(),
    ];
    let standin = StandinProcess::start(&built_binary("docmill-standin").unwrap(), arguments).unwrap();
    let environment = [
        ("OPENAI_BASE_URL", standin.base_url()),
        ("OPENAI_API_KEY", "any".to_owned()),
    ];
    let environment = environment
        .each_ref()
        .map(|(name, value)| (*name, value.as_str()));
    let office = Office::with_environment(&[], &environment);
    let folder = pile(&office.desk, "march", 6);
    let template = template(&office.desk);
    let model = [
        "-t",
        &template,
        "-m",
        "openai/gpt-4o-mini",
        "--budget",
        "1",
        "--concurrency",
        "1",
    ];
    office
        .run(&[&["run", folder.as_str()], model.as_slice()].concat())
        .succeeds();
    let ledger = || office.run(&["ledger", "last", "--json"]).succeeds().json();
    let before = ledger();
    assert_eq!(before["rows"][0]["unconfirmed_calls"], 2, "{before}");
    assert_eq!(before["rows"][0]["model"], "openai/gpt-4o-mini", "{before}");

    let refused = office.run(&["reconcile", "last", "--release-unconfirmed"]);
    assert!(
        refused.status != 0 && refused.stderr.contains("--yes"),
        "{refused:?}"
    );
    let other = office
        .desk
        .write("other.csv", "model,input_tokens,output_tokens\ngpt-4o,9,1\n");
    let refused = office.run(&["reconcile", "last", "--usage", other.to_str().unwrap()]);
    assert!(
        refused.status != 0 && refused.stderr.contains("it has gpt-4o"),
        "{refused:?}"
    );
    let totals = Ledger::open(Some(&books)).unwrap().totals();
    let export = format!(
        "model,input_tokens,output_tokens\ngpt-4o-mini-2024-07-18,{},{}\n",
        totals.input, totals.output
    );
    let export = office.desk.write("usage.csv", &export);
    let settled = office
        .run(&["reconcile", "last", "--usage", export.to_str().unwrap()])
        .succeeds();
    assert!(settled.stderr.contains("2 lost calls settled"), "{settled:?}");
    let after = ledger();
    assert_eq!(after["unconfirmed_usd"], "0", "{after}");
    let billed = format!("{}", i64::try_from(totals.cost_nanos).unwrap());
    let counted: docmill_core::Usd = after["settled_usd"].as_str().unwrap().parse().unwrap();
    assert_eq!(counted.nanos().to_string(), billed, "to the nano-dollar");
    let again = office
        .run(&["reconcile", "last", "--release-unconfirmed", "--yes"])
        .succeeds();
    assert!(again.stderr.contains("no call is unconfirmed"), "{again:?}");
}

#[test]
fn who_watches_sees_a_server_through_its_restart() {
    let mut office = Office::new(&[]);
    let folder = pile(&office.desk, "pile", 150);
    let words = [
        "--server",
        &office.url,
        "run",
        &folder,
        "-t",
        "receipt",
        "-m",
        "sim/openai/gpt-4o-mini",
        "--sim-speed",
        "10",
        "--budget",
        "1",
        "--concurrency",
        "8",
    ];
    let mut command = office.desk.command(&words);
    command
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let watching = command.spawn().unwrap();
    wait_until(PATIENCE, || {
        let (status, body) = office.server.ask("GET", "/api/v1/batches/last", "", &[]);
        let row: Value = serde_json::from_str(&body).unwrap_or_default();
        status == 200 && row["documents"]["completed"].as_u64() > Some(5)
    });
    office.server.process.kill().unwrap();
    let address = format!("127.0.0.1:{}", office.server.port);
    office.server = Server::start(&office.mill, &["--listen", &address]);
    let ran = Ran::of(watching.wait_with_output().unwrap()).succeeds();
    assert!(ran.stderr.contains("150 completed of 150"), "{}", ran.stderr);
}

#[test]
fn a_password_given_here_opens_a_document_there() {
    let office = Office::new(&[]);
    let samples = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../samples/invoices/lantern-encrypted.pdf"
    );
    let ran = office.run(&["run", samples, "--template", "invoice"]);
    assert_eq!(ran.status, 3, "{ran:?}");
    let ran = office.run(&["retry", "last", "--failed", "--password", "lighthouse"]);
    assert_eq!(ran.status, 0, "{ran:?}");
    let later = office.run(&["retry", "last", "--failed", "--later"]);
    assert_eq!(later.status, 2, "{later:?}");
}

#[test]
fn who_has_no_key_is_told_so_and_nobody_waits_for_a_server_that_is_not_there() {
    let mill = Program::new();
    let admin = mill
        .run(&["key", "add", "ada", "--role", "admin"])
        .succeeds()
        .stdout;
    let viewer = mill
        .run(&["key", "add", "vic", "--role", "viewer"])
        .succeeds()
        .stdout;
    let server = Server::start(&mill, &[]);
    let url = format!("http://127.0.0.1:{}", server.port);
    let desk = Program::new();
    let as_who = |key: &str, arguments: &[&str]| {
        let mut command = desk.command(arguments);
        command.env("DOCMILL_SERVER", &url).env("DOCMILL_KEY", key.trim());
        Ran::of(command.output().unwrap())
    };
    let nobody = as_who("", &["status"]);
    assert_eq!(nobody.status, 2, "{nobody:?}");
    assert!(nobody.stderr.contains("DOCMILL_KEY"), "{}", nobody.stderr);
    let folder = pile(&desk, "pile", 3);
    as_who(&admin, &["run", &folder, "--template", "receipt"]).succeeds();
    as_who(&viewer, &["status", "last"]).succeeds();
    let refused = as_who(&viewer, &["cancel", "last"]);
    assert_eq!(refused.status, 2, "{refused:?}");
    assert!(refused.stderr.contains("viewer"), "{}", refused.stderr);
    let made = as_who(&admin, &["key", "add", "oz"]).succeeds();
    let missing = as_who(&made.stdout, &["pause", "nothing"]);
    assert!(
        missing.status == 2 && missing.stderr.contains("nothing"),
        "{missing:?}"
    );
    let names = as_who(&admin, &["key", "list", "--json"]).succeeds().stdout;
    assert!(names.contains("oz"), "{names}");
    as_who(&admin, &["key", "remove", "oz"]).succeeds();
    assert_eq!(as_who(&made.stdout, &["status"]).status, 2);

    drop(server);
    let gone = as_who(&admin, &["status"]);
    assert_eq!(gone.status, 1, "{gone:?}");
    assert!(
        gone.stderr.contains("docmill serve starts one"),
        "{}",
        gone.stderr
    );
    let wrong = desk.run(&["--server", "nowhere", "status"]);
    assert_eq!(wrong.status, 2, "{wrong:?}");
}
