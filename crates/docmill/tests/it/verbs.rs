//! Verbs that steer, and those that tell about the program.

use std::process::{Child, Stdio};
use std::time::Duration;

use docmill_testkit::wait_until;

use crate::program::{Program, documents, rehearsal, template};

#[test]
fn doctor_says_what_is_there() {
    let program = Program::new();
    let found = program.run(&["doctor", "--json"]).succeeds().json();
    let subjects: Vec<&str> = found
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|finding| finding["subject"].as_str())
        .collect();
    for subject in ["docmill", "database", "templates", "tesseract", "keys"] {
        assert!(subjects.contains(&subject), "{subject} in {subjects:?}");
    }
    let mut command = program.command(&["doctor"]);
    let output = command.env("OPENAI_API_KEY", "sk-very-secret").output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains("OPENAI_API_KEY") && !text.contains("sk-very-secret"),
        "{text}"
    );
}

#[test]
fn own_templates_are_checked_and_shown() {
    let program = Program::new();
    let file = template(&program);
    let checked = program
        .run(&["template", "check", &file, "--json"])
        .succeeds()
        .json();
    assert_eq!(checked["name"], "small");
    let shown = program
        .run(&["template", "show", &file, "--schema"])
        .succeeds()
        .json();
    assert_eq!(shown["type"], "object");
    let all = program.run(&["templates", "--json"]).succeeds().json();
    assert!(all.is_array());
}

/// A rehearsal that takes a while, with its first document done.
fn slow_run(program: &Program, docs: &str, template: &str) -> Child {
    let slowly = ["--concurrency", "2", "--sim-speed", "10", "--budget", "5"];
    let running = program
        .command(&rehearsal(docs, template, &slowly))
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let some_done = || {
        let ran = program.run(&["status", "last", "--json"]);
        (ran.status == 0 && ran.json()["documents"]["completed"].as_u64() > Some(0)).then_some(())
    };
    wait_until("the first document", Duration::from_secs(30), some_done).unwrap();
    running
}

#[test]
fn a_running_batch_is_paused_from_elsewhere_and_resumed() {
    let program = Program::new();
    let (docs, template) = (documents(&program, 60), template(&program));
    let mut running = slow_run(&program, &docs, &template);
    let paused = program.run(&["pause", "last"]).succeeds();
    assert!(paused.stderr.contains("is paused"), "{paused:?}");
    assert_eq!(running.wait().unwrap().code(), Some(5));
    let batch = program.run(&["status", "last", "--json"]).succeeds().json();
    assert_eq!(batch["state"], "paused");
    assert_eq!(batch["calls_in_flight"], 0, "calls in flight were finished");
    assert!(batch["documents"]["pending"].as_u64() > Some(0), "{batch}");

    let cancelled = program.run(&["cancel", "last", "--json"]).succeeds().json();
    assert_eq!(cancelled["state"], "cancelled");
    assert_eq!(cancelled["documents"]["pending"], 0);
    program
        .run(&["pause", "last"])
        .fails(2, "cannot be paused", "docmill status");
}

#[cfg(unix)]
#[test]
fn an_interrupt_finishes_what_is_in_flight() {
    let program = Program::new();
    let (docs, template) = (documents(&program, 60), template(&program));
    let running = slow_run(&program, &docs, &template);
    let id = running.id().to_string();
    assert!(
        std::process::Command::new("kill")
            .args(["-INT", &id])
            .status()
            .unwrap()
            .success()
    );
    let ran = crate::program::Ran::of(running.wait_with_output().unwrap());
    assert_eq!(ran.status, 5, "{ran:?}");
    assert!(ran.stderr.contains("docmill resume"), "{ran:?}");
    let batch = program.run(&["status", "last", "--json"]).succeeds().json();
    assert_eq!(batch["state"], "paused");
    assert_eq!(batch["money"]["reserved_usd"], 0.0);
    assert_eq!(batch["money"]["unconfirmed_usd"], 0.0);
}

#[test]
fn two_processes_work_on_one_batch() {
    let program = Program::new();
    let (docs, template) = (documents(&program, 60), template(&program));
    let mut first = slow_run(&program, &docs, &template);
    let same = ["--concurrency", "2", "--sim-speed", "10", "--budget", "5"];
    let second = program.run(&rehearsal(&docs, &template, &same)).succeeds();
    assert!(second.stderr.contains("going on with"), "{second:?}");
    assert!(first.wait().unwrap().success());
    let batch = program.run(&["status", "last", "--json"]).succeeds().json();
    assert_eq!(batch["state"], "completed");
    assert_eq!(batch["documents"]["completed"], 60);
    assert_eq!(batch["money"]["reserved_usd"], 0.0);
    assert_eq!(batch["money"]["unconfirmed_usd"], 0.0);
    let batches = program.run(&["status", "--json"]).succeeds().json();
    assert_eq!(
        batches.as_array().map(Vec::len),
        Some(1),
        "the same command is the same batch"
    );
}

/// A file that is edited after it was read keeps its result, and a person is told which it is.
#[test]
fn a_file_edited_between_two_runs_is_named() {
    let program = Program::new();
    let (docs, template) = (documents(&program, 3), template(&program));
    let words = [
        "run",
        &docs,
        "--template",
        &template,
        "--model",
        "offline",
        "--yes",
    ];
    let first = program.run(&words).succeeds();
    assert!(!first.stderr.contains("changed"), "{first:?}");
    // Written again with the same content: nothing to tell.
    let same = std::fs::read(program.path("docs/002.txt")).unwrap();
    program.write("docs/002.txt", same);
    program.write("docs/001.txt", "Corner Shop\nReceipt 1\nTotal: 9.99\n");
    let again = program.run(&words).succeeds();
    assert!(
        again
            .stderr
            .contains("1 document changed since it was read: 001.txt; its result is of what was there"),
        "{again:?}"
    );
    let mut anew = words.to_vec();
    anew.extend(["--name", "anew"]);
    let anew = program.run(&anew).succeeds();
    assert!(!anew.stderr.contains("changed since"), "{anew:?}");
}
