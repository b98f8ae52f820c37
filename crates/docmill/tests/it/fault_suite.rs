//! What goes wrong around a run, done to the real program: disks, clocks, files, processes and
//! providers. After each: every result that was acknowledged is there once, the account adds up to
//! what was billed, and the message says what to do.

use std::fs;
use std::io::Read as _;
use std::process::Stdio;

use docmill_testkit::process::{self, Process};
use docmill_testkit::shim::{Faults, Orders};
use docmill_testkit::standin::Ledger;
use docmill_testkit::wait_until;

use crate::program::{Program, Ran, as_text, rehearsal};
use crate::scene::{PATIENCE, Scene};
use crate::server::{self, Server};
use serde_json::json;

/// The documented exit statuses.
const STORE: i32 = 7;
const BUDGET_EXHAUSTED: i32 = 4;

const SLOW: &str = r#"{"latency": {"fixed_ms": 60}}"#;

const DAY: i64 = 24 * 3600;

fn faults(scene: &Scene) -> Faults {
    Faults::below(&scene.program.data_dir(), scene.program.path("orders")).unwrap()
}

/// A run that obeys the faults, and keeps what it says.
fn start(scene: &Scene, faults: &Faults) -> Process {
    let mut command = scene.run(&["--quiet"]);
    faults.arm(&mut command);
    // By default it is told after two minutes that nothing can be kept anywhere.
    command.env("DOCMILL_STORE_PATIENCE", "1");
    Process::start(command.stderr(Stdio::piped())).unwrap()
}

/// Waits for the end; what it said and its exit status.
#[track_caller]
fn end(mut process: Process) -> Ran {
    let mut stderr = String::new();
    let mut pipe = process.take_stderr().unwrap();
    let reading = std::thread::spawn(move || {
        // Whatever was said until the end.
        let _ = pipe.read_to_string(&mut stderr);
        stderr
    });
    let status = wait_until("the end", PATIENCE, || process.ended().unwrap()).unwrap();
    Ran {
        status: status.code().unwrap_or(-1),
        stdout: String::new(),
        stderr: reading.join().unwrap(),
    }
}

/// The disk is full, for all writes or a share of them, and freed again: the program ends with a
/// message or gets by; in the end everything is there once.
#[test]
fn a_disk_that_is_full_at_random_writes_loses_nothing() {
    let scene = Scene::new(150, SLOW);
    let faults = faults(&scene);
    let mut told = 0;
    for full in [30, 1000, 300] {
        let process = start(&scene, &faults);
        scene.wait_for(scene.completed() + 8);
        faults
            .order(Orders {
                full,
                ..Orders::default()
            })
            .unwrap();
        let ran = end(process);
        if ran.status == 0 {
            break;
        }
        ran.fails(STORE, "disk", "make room");
        told += 1;
        faults.order(Orders::default()).unwrap();
    }
    assert!(told > 0, "it was felt");
    let status = scene.run(&[]).status().unwrap();
    assert!(status.success(), "{status}");
    scene.is_whole();
}

#[test]
fn a_disk_that_turns_read_only_is_told_and_nothing_is_lost() {
    let scene = Scene::new(60, SLOW);
    let faults = faults(&scene);
    let process = start(&scene, &faults);
    scene.wait_for(10);
    let readonly = Orders {
        readonly: 1000,
        ..Orders::default()
    };
    faults.order(readonly).unwrap();
    end(process).fails(STORE, "read-only", "writable");
    // Nor does it start on one.
    end(start(&scene, &faults)).fails(STORE, "read-only", "writable");
    faults.order(Orders::default()).unwrap();
    assert!(scene.run(&[]).status().unwrap().success());
    scene.is_whole();
}

/// The wall clock jumps a day forward and back while documents are worked on.
#[test]
fn a_clock_that_jumps_a_day_stops_nothing() {
    let scene = Scene::new(120, SLOW);
    let faults = faults(&scene);
    let process = start(&scene, &faults);
    for (completed, clock) in [(20, DAY), (50, -DAY), (80, 0)] {
        scene.wait_for(completed);
        let orders = Orders {
            clock,
            ..Orders::default()
        };
        faults.order(orders).unwrap();
    }
    let ran = end(process);
    assert_eq!(ran.status, 0, "{ran:?}");
    scene.is_whole();
}

/// What waits for another try is tried at once when the clock was set back meanwhile.
#[test]
fn a_batch_resumed_with_the_clock_set_back_does_not_wait_for_it() {
    let behaviour = r#"{"latency": {"fixed_ms": 20}, "shares": {"overloaded503": 1.0}}"#;
    let mut scene = Scene::new(20, behaviour);
    let faults = faults(&scene);
    let mut process = start(&scene, &faults);
    wait_until("documents that wait", PATIENCE, || {
        let waiting = "SELECT count(*) FROM documents WHERE state = 'pending' AND next_attempt_at > 0";
        (scene.number(waiting) > 0).then_some(())
    })
    .unwrap();
    process.kill().unwrap();
    scene.standin.behave(SLOW).unwrap();
    for clock in [-DAY, DAY] {
        let orders = Orders {
            clock,
            ..Orders::default()
        };
        faults.order(orders).unwrap();
        let ran = end(start(&scene, &faults));
        assert_eq!(ran.status, 0, "{ran:?}");
        scene.is_whole();
    }
}

/// Whoever kills the readers is not the documents' fault.
#[test]
fn killed_readers_cost_no_document() {
    let program = Program::new();
    let template = crate::program::template(&program);
    for number in 0..60 {
        let page = format!("<html><body><h1>Corner Shop</h1><p>Total {number}.50</p></body></html>");
        program.write(&format!("docs/{number:03}.html"), page);
    }
    let docs = as_text(&program.path("docs"));
    let mut run = program.command(&rehearsal(
        &docs,
        &template,
        &["--yes", "--quiet", "--no-estimate"],
    ));
    let mut process = Process::start(run.stdout(Stdio::null()).stderr(Stdio::piped())).unwrap();
    let mut kills = 0;
    let status = wait_until("the end", PATIENCE, || {
        for child in process::children(process.id()) {
            if kills < 12 && process::signal(child, "KILL").is_ok() {
                kills += 1;
            }
        }
        process.ended().unwrap()
    })
    .unwrap();
    let ran = end(process);
    assert!(status.success() && kills > 0, "{kills} kills: {ran:?}");
    let batches = program.run(&["status", "--json"]).succeeds().json();
    assert_eq!(batches[0]["documents"]["completed"], 60, "{batches}");
}

/// Nobody knows whether calls without an answer are billed: they count against the budget. What the
/// person sees is why nothing goes on.
#[test]
fn a_provider_that_never_answers_is_told_and_its_calls_stay_counted() {
    let scene = Scene::new(3, r#"{"shares": {"hang": 1.0}}"#);
    let mut run = scene.run(&["--timeout", "1", "--budget", "0.012"]);
    let ran = Ran::of(
        run.stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .output()
            .unwrap(),
    );
    assert_eq!(ran.status, BUDGET_EXHAUSTED, "{ran:?}");
    assert!(
        ran.stderr.contains("no call has got through") && ran.stderr.contains("no answer within 1 s"),
        "{ran:?}"
    );
    scene.balances();
    assert_eq!(scene.completed(), 0);
    let lost = "SELECT count(*) FROM attempts WHERE outcome = 'unconfirmed'";
    assert!(scene.number(lost) >= 3, "each may have been billed");
}

/// A batch that is made over the API is counted before anybody lets it begin: time in which files
/// are changed and removed.
#[test]
fn files_that_change_or_go_between_adding_and_reading_fail_alone() {
    let program = Program::new();
    let docs = crate::program::documents(&program, 10);
    let server = Server::start(&program, &["--root", &docs]);
    let made = server
        .post("/api/v1/batches", &server::batch(&docs, json!({"start": false})))
        .1;
    let batch = format!("/api/v1/batches/{}", made["id"].as_str().unwrap());
    wait_until("the count", PATIENCE, || {
        (server.get(&batch)["state"] == "ready").then_some(())
    })
    .unwrap();
    fs::write(program.path("docs/003.txt"), "something else altogether").unwrap();
    fs::remove_file(program.path("docs/004.txt")).unwrap();
    server.post(&format!("{batch}/start"), &json!({}));
    let ended = || server.get(&batch)["state"] == "completed_with_failures";
    wait_until("the end", PATIENCE, || ended().then_some(())).unwrap();
    let failed = server.get(&format!("{batch}/documents?state=failed"));
    let mut codes: Vec<String> = failed["documents"]
        .as_array()
        .unwrap_or_else(|| panic!("{failed}"))
        .iter()
        .map(|row| format!("{} {}", row["name"], row["error_code"]))
        .collect();
    codes.sort();
    assert_eq!(
        codes,
        [
            r#""003.txt" "source_changed""#,
            r#""004.txt" "source_unreadable""#
        ]
    );
    program.write("docs/004.txt", "Corner Shop\nReceipt 4\nTotal: 4.50\n");
    server.post(&format!("{batch}/retry"), &json!({}));
    let whole = || server.get(&batch)["documents"]["completed"] == 10;
    wait_until("the rest", PATIENCE, || whole().then_some(())).unwrap();
}

#[test]
fn a_log_deleted_after_a_kill_is_told_and_going_on_counts_what_may_be_spent() {
    let scene = Scene::new(30, SLOW);
    assert!(scene.run(&[]).status().unwrap().success());
    // More of the same batch, of which the database itself has nothing yet.
    crate::program::documents(&scene.program, 90);
    let mut process = Process::start(&mut scene.run(&[])).unwrap();
    scene.wait_for(50);
    process.kill().unwrap();
    fs::remove_file(scene.program.data_dir().join("docmill.db-wal")).unwrap();
    let refused = scene.program.run(&["status"]);
    refused.fails(STORE, "writes that were acknowledged", "restore --as-is");
    let told = scene.program.run(&["restore", "--as-is"]).succeeds();
    assert!(told.stderr.contains("may have been spent since"), "{told:?}");
    let resumed = Ran::of(scene.run(&[]).stderr(Stdio::piped()).output().unwrap());
    assert_eq!(resumed.status, 0, "{resumed:?}");
    assert_eq!(scene.completed(), 90);
    let books = Ledger::open(Some(&scene.program.path("ledger.jsonl"))).unwrap();
    let billed = i64::try_from(books.totals().cost_nanos).unwrap();
    let counted = scene.number("SELECT settled + unconfirmed FROM batches");
    assert!(billed <= counted, "billed {billed}, counted {counted}");
}

#[test]
fn a_database_moved_away_while_at_work_is_told_and_goes_on_when_it_is_back() {
    let scene = Scene::new(80, SLOW);
    let mut run = scene.run(&["--quiet"]);
    run.env("DOCMILL_STORE_PATIENCE", "1");
    let process = Process::start(run.stderr(Stdio::piped())).unwrap();
    scene.wait_for(15);
    let (here, away) = (
        scene.program.data_dir().join("docmill.db"),
        scene.program.data_dir().join("elsewhere.db"),
    );
    fs::rename(&here, &away).unwrap();
    end(process).fails(STORE, "moved, deleted or replaced", "put it back");
    fs::rename(&away, &here).unwrap();
    assert!(scene.run(&[]).status().unwrap().success());
    scene.is_whole();
}

#[test]
fn of_two_servers_on_one_folder_the_second_says_where_the_first_is() {
    let program = Program::new();
    let server = Server::start(&program, &[]);
    let second = program.run(&["serve", "--listen", "127.0.0.1:0"]);
    second.fails(2, "a server works on", &format!("127.0.0.1:{}", server.port));
    // A run beside it is no second server: it hands its documents over.
    assert_eq!(server.ask("GET", "/readyz", "", &[]).0, 200);
}
