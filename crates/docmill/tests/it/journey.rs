//! From a folder to files and back, as a rehearsal: everything but the model is real.

use serde_json::Value;

use crate::program::{Program, Ran, documents, template};

const REHEARSAL: [&str; 4] = ["--model", "sim/openai/gpt-4o-mini", "--sim-speed", "0"];

fn run(program: &Program, docs: &str, template: &str, more: &[&str]) -> Ran {
    let mut arguments = vec!["run", docs, "--template", template];
    arguments.extend(REHEARSAL);
    arguments.extend(more);
    program.run(&arguments)
}

#[test]
fn a_folder_becomes_a_table_and_a_second_run_adds_only_what_is_new() {
    let program = Program::new();
    let (docs, template) = (documents(&program, 12), template(&program));
    program.write("docs/copy.txt", "Corner Shop\nReceipt 3\nTotal: 3.50\n");
    let first = run(&program, &docs, &template, &["--json", "--out", "out.csv"])
        .succeeds()
        .json();
    assert_eq!(first["state"], "completed");
    assert_eq!(first["documents"]["completed"], 12);
    assert_eq!(first["documents"]["skipped"], 1);
    assert!(first["money"]["settled_usd"].as_f64().unwrap() > 0.0);
    let table = std::fs::read_to_string(program.path("out.csv")).unwrap();
    assert_eq!(table.lines().count(), 14, "{table}");
    assert!(program.path("out.items.csv").exists());

    program.write("docs/new.txt", "Corner Shop\nReceipt 99\nTotal: 99.50\n");
    let second = run(&program, &docs, &template, &["--json"]).succeeds();
    assert!(
        second.stderr.contains("1 document added, 13 known already"),
        "{second:?}"
    );
    let second = second.json();
    assert_eq!(second["id"], first["id"]);
    assert_eq!(second["documents"]["completed"], 13);

    let other = run(&program, &docs, &template, &["--json", "--new"])
        .succeeds()
        .json();
    assert_ne!(other["id"], first["id"]);
    assert_eq!(
        other["money"]["settled_usd"], 0.0,
        "answers that were paid for are found again"
    );
}

#[test]
fn a_budget_is_a_wall_and_raising_it_goes_on() {
    let program = Program::new();
    let (docs, template) = (documents(&program, 40), template(&program));
    let ran = run(&program, &docs, &template, &["--budget", "0.003"]);
    assert_eq!(ran.status, 4, "{ran:?}");
    assert!(ran.stderr.contains("budget"), "{ran:?}");
    let batch = program.run(&["status", "last", "--json"]).succeeds().json();
    assert_eq!(batch["state"], "budget_exhausted");
    assert!(
        batch["money"]["settled_usd"].as_f64().unwrap() <= 0.003,
        "{batch}"
    );
    assert!(batch["documents"]["pending"].as_u64().unwrap() > 0, "{batch}");

    let ran = program
        .run(&["resume", "last", "--budget", "5", "--json"])
        .succeeds();
    assert_eq!(ran.json()["documents"]["completed"], 40);
}

#[test]
fn an_estimate_pays_nothing_and_the_run_goes_on_from_it() {
    let program = Program::new();
    let (docs, template) = (documents(&program, 5), template(&program));
    let mut arguments = vec![
        "estimate",
        docs.as_str(),
        "--template",
        template.as_str(),
        "--json",
    ];
    arguments.extend(REHEARSAL);
    let batch = program.run(&arguments).succeeds().json();
    assert_eq!(batch["state"], "ready");
    assert_eq!(batch["calls"], 0);
    let estimate = &batch["estimate"];
    assert_eq!(estimate["total"]["documents"], 5);
    assert!(estimate["low_usd"].as_f64() <= estimate["total"]["cost_usd"].as_f64());
    assert!(estimate["total"]["cost_usd"].as_f64() <= estimate["recommended_budget_usd"].as_f64());
    let after = run(&program, &docs, &template, &["--json"]).succeeds().json();
    assert_eq!(after["id"], batch["id"]);
    let budget = &after["money"]["budget_usd"];
    assert_eq!(
        budget, &estimate["recommended_budget_usd"],
        "what was recommended is the wall"
    );
}

/// What a pile will cost can be known before there is a key, and without a network.
#[test]
fn an_estimate_needs_no_key() {
    let program = Program::new();
    let (docs, template) = (documents(&program, 3), template(&program));
    let mut arguments = vec!["estimate", &docs, "--template", &template];
    arguments.extend(["--model", "openai/gpt-4o-mini", "--json"]);
    let batch = program.run(&arguments).succeeds().json();
    assert_eq!(batch["state"], "ready");
    assert!(
        batch["estimate"]["total"]["cost_usd"].as_f64() > Some(0.0),
        "{batch}"
    );
    // The run that follows does need one.
    arguments[0] = "run";
    arguments.push("--yes");
    program.run(&arguments).fails(6, "API key", "OPENAI_API_KEY");
}

#[test]
fn a_document_shows_its_fields_and_calls() {
    let program = Program::new();
    let (docs, template) = (documents(&program, 2), template(&program));
    run(&program, &docs, &template, &["--yes"]).succeeds();
    let shown = program.run(&["show", "last", "1"]).succeeds().stdout;
    for words in [
        "000.txt",
        "completed",
        "vendor",
        "simulated",
        "sim/openai/gpt-4o-mini",
    ] {
        assert!(shown.contains(words), "{words} in {shown}");
    }
    let detail = program
        .run(&["show", "last", "1", "--json", "--raw"])
        .succeeds()
        .json();
    assert!(detail["extraction"]["data"]["vendor"].is_string(), "{detail}");
    assert!(detail["calls"][0]["raw_answer"].is_string(), "{detail}");
    program
        .run(&["show", "last", "77"])
        .fails(2, "no document 77", "docmill list");
    program
        .run(&["show", "nothing", "1"])
        .fails(2, "nothing", "docmill status");
}

#[test]
fn lists_are_filtered_and_paged() {
    let program = Program::new();
    let (docs, template) = (documents(&program, 7), template(&program));
    program.write("docs/empty.txt", "");
    run(&program, &docs, &template, &["--yes"]).succeeds();
    let page = program
        .run(&["list", "last", "--limit", "3", "--page", "2", "--json"])
        .succeeds()
        .json();
    assert_eq!(page["matching"], 8);
    assert_eq!(page["first"], 4);
    assert_eq!(page["documents"].as_array().map(Vec::len), Some(3));
    let skipped = program
        .run(&["list", "last", "--state", "skipped", "--json"])
        .succeeds()
        .json();
    assert_eq!(skipped["documents"][0]["error_code"], "empty_document");
    let found = program.run(&["list", "last", "--search", "005"]).succeeds();
    assert_eq!(found.stdout.lines().count(), 2, "{found:?}");
    assert!(found.stderr.contains("Showing 1–1 of 1."), "{found:?}");
}

#[test]
fn the_log_tells_the_story() {
    let program = Program::new();
    let (docs, template) = (documents(&program, 2), template(&program));
    run(&program, &docs, &template, &["--yes"]).succeeds();
    let lines = program.run(&["logs", "last", "-f", "--json"]).succeeds().stdout;
    let events: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let names: Vec<&str> = events
        .iter()
        .filter_map(|event| event["event"].as_str())
        .collect();
    assert_eq!(
        names.iter().filter(|name| **name == "document_completed").count(),
        2,
        "{names:?}"
    );
    assert_eq!(names.first(), Some(&"batch_created"));
    assert_eq!(events.last().unwrap()["to"], "completed");
    let spoken = program.run(&["logs", "last"]).succeeds().stdout;
    assert!(spoken.contains("2 documents added"), "{spoken}");
}

#[test]
fn results_go_to_standard_output_and_everything_else_does_not() {
    let program = Program::new();
    let (docs, template) = (documents(&program, 2), template(&program));
    let ran = run(
        &program,
        &docs,
        &template,
        &["--yes", "--out", "-", "--format", "jsonl"],
    )
    .succeeds();
    let lines: Vec<Value> = ran
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["simulated"], true);
    let ran = program.run(&["export", "last", "--out", "-"]).succeeds();
    assert!(
        ran.stdout.starts_with("document,name,status,vendor,total,"),
        "{ran:?}"
    );
    assert!(ran.stderr.contains("(items)"), "{ran:?}");
    let quiet = run(&program, &docs, &template, &["--quiet"]).succeeds();
    assert_eq!((quiet.stdout.as_str(), quiet.stderr.as_str()), ("", ""));
}

#[cfg(unix)]
#[test]
fn hostile_names_cannot_steer_the_terminal() {
    let program = Program::new();
    let template = template(&program);
    let docs = documents(&program, 1);
    program.write("docs/a\u{1b}[2J\u{7}\nb.txt", "Corner Shop\nTotal: 1.00\n");
    run(&program, &docs, &template, &["--yes"]).succeeds();
    for verb in [
        vec!["list", "last", "--color", "always"],
        vec!["show", "last", "2"],
        vec!["logs", "last"],
    ] {
        let ran = program.run(&verb).succeeds();
        let text = ran.stdout.replace("\u{1b}[0m", "");
        assert!(!text.contains("\u{1b}[2J") && !text.contains('\u{7}'), "{text:?}");
    }
    let page = program.run(&["list", "last", "--json"]).succeeds().json();
    let keys: Vec<&str> = page["documents"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|row| row["key"].as_str())
        .collect();
    assert!(
        keys.iter().any(|key| key.contains("%1B%5B2J")),
        "programs get the address as it is: {keys:?}"
    );
}

#[cfg(unix)]
#[test]
fn a_reader_that_has_enough_ends_it_quietly() {
    let program = Program::new();
    let (docs, template) = (documents(&program, 300), template(&program));
    run(&program, &docs, &template, &["--yes", "--quiet"]).succeeds();
    let list = program.command(&["list", "last", "--limit", "1000"]);
    let mut shell = std::process::Command::new("sh");
    shell
        .arg("-c")
        .arg("\"$0\" \"$@\" | true")
        .arg(list.get_program())
        .args(list.get_args())
        .env_clear()
        .envs(list.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let ran = Ran::of(shell.output().unwrap());
    assert!(
        !ran.stderr.contains("error") && !ran.stderr.contains("panicked"),
        "{ran:?}"
    );
}

/// Opening the database as a document would drop the locks that keep it whole.
#[test]
fn docmill_does_not_read_its_own_files() {
    let program = Program::new();
    let (docs, template) = (documents(&program, 5), template(&program));
    let data = format!("{docs}/data");
    let ran = || {
        let mut arguments = vec!["run", &docs, "--template", &template, "--data-dir", &data];
        arguments.extend(REHEARSAL);
        arguments.extend(["--yes", "--json"]);
        program.run(&arguments).succeeds().json()
    };
    assert_eq!(ran()["documents"]["total"], 5);
    assert_eq!(ran()["documents"]["total"], 5, "the second time it is all there");
    let results = format!("{docs}/results.csv");
    for _ in 0..2 {
        let mut arguments = vec!["run", &docs, "--template", &template, "--out", &results];
        arguments.extend(["--yes", "--json", "--data-dir", &data]);
        arguments.extend(REHEARSAL);
        let batch = program.run(&arguments).succeeds().json();
        assert_eq!(batch["documents"]["total"], 5, "its own results are no documents");
    }
    let database = format!("{data}/docmill.db");
    program
        .run(&["run", &database, "--template", &template, "--data-dir", &data])
        .fails(2, "docmill's own", "your documents");
}
