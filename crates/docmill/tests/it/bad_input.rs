//! What goes wrong before any document is read: each a clear message, a way on, and the
//! right exit status.

use std::process::Stdio;

use crate::program::{Program, Ran, as_text, documents, rehearsal, template};

#[test]
fn a_missing_folder_is_named() {
    let program = Program::new();
    let template = template(&program);
    program
        .run(&["run", "no/such/folder", "--template", &template])
        .fails(2, "no/such/folder does not exist", "check the path");
    assert!(
        !program.data_dir().exists(),
        "nothing is made for a command that cannot work"
    );
}

#[test]
fn an_empty_folder_makes_no_batch() {
    let program = Program::new();
    let template = template(&program);
    std::fs::create_dir(program.path("empty")).unwrap();
    program
        .run(&["run", "empty", "--template", &template])
        .fails(2, "no documents were found", "");
    assert_eq!(
        program.run(&["status", "--json"]).succeeds().json(),
        serde_json::json!([])
    );
}

#[test]
fn an_unknown_template_is_told_from_a_broken_one() {
    let program = Program::new();
    let docs = documents(&program, 1);
    program
        .run(&["run", &docs, "--template", "recipt"])
        .fails(2, "no template \"recipt\"", "built in:");
    program
        .run(&["run", &docs, "--template", "no.toml"])
        .fails(2, "no.toml cannot be read", "TOML or JSON");
    program.write("broken.json", "{\"type\": \"object\", ");
    program
        .run(&["run", &docs, "--template", "broken.json"])
        .fails(2, "not valid JSON", "template show");
    program.write(
        "list.json",
        "{\"type\": \"array\", \"items\": {\"type\": \"string\"}}",
    );
    program
        .run(&["template", "check", "list.json"])
        .fails(2, "root must be an object", "");
}

#[test]
fn a_model_must_be_named_with_its_provider() {
    let program = Program::new();
    let (docs, template) = (documents(&program, 1), template(&program));
    let run = |model: &str| {
        program.run(&[
            "run",
            &docs,
            "--template",
            &template,
            "--budget",
            "1",
            "--model",
            model,
        ])
    };
    run("gpt-4o-mini").fails(6, "does not say whose it is", "gpt-4o-mini");
    run("opnai/gpt-4o-mini").fails(6, "opnai", "");
    run("sim/no-such-model").fails(6, "nobody knows what", "--price");
    run("openai/no-such-model").fails(6, "nobody knows what openai/no-such-model costs", "--price");
    assert!(
        !program.data_dir().join("docmill.db").exists(),
        "refused before anything is written"
    );
}

#[test]
fn a_missing_key_is_named() {
    let program = Program::new();
    let (docs, template) = (documents(&program, 1), template(&program));
    program
        .run(&[
            "run",
            &docs,
            "--template",
            &template,
            "--budget",
            "1",
            "--model",
            "openai/gpt-4o-mini",
        ])
        .fails(6, "openai needs an API key", "OPENAI_API_KEY");
}

#[test]
fn a_paid_run_is_not_started_when_nobody_can_be_asked() {
    let program = Program::new();
    let (docs, template) = (documents(&program, 1), template(&program));
    let paid = [
        "run",
        &docs,
        "--template",
        &template,
        "--model",
        "openai/gpt-4o-mini",
    ];
    program
        .run(&paid)
        .fails(2, "costs money, and nobody can be asked", "--budget");
    let hurried: Vec<&str> = paid.iter().copied().chain(["--yes", "--no-estimate"]).collect();
    program
        .run(&hurried)
        .fails(2, "no budget to recommend", "--budget");
}

#[test]
fn amounts_and_names_are_checked_as_they_are_typed() {
    let program = Program::new();
    for (arguments, words) in [
        (vec!["run", "x", "--template", "t", "--budget", "-5"], "budget"),
        (
            vec!["run", "x", "--template", "t", "--price", "1"],
            "INPUT,OUTPUT",
        ),
        (vec!["run", "x"], "--template"),
        (vec!["run", "--template", "t"], "SOURCE"),
        (vec!["list", "last", "--state", "done"], "completed"),
        (vec!["list", "last", "--limit", "0"], "1..=1000"),
        (vec!["export", "last", "--format", "docx"], "csv"),
        (vec!["frobnicate"], "frobnicate"),
    ] {
        let ran = program.run(&arguments);
        assert_eq!(ran.status, 2, "{ran:?}");
        assert!(ran.stderr.contains(words), "{words:?} in {ran:?}");
        assert_eq!(ran.stdout, "");
    }
}

#[test]
fn verbs_that_need_a_batch_say_that_there_is_none() {
    let program = Program::new();
    for verb in [
        vec!["list", "last"],
        vec!["show", "last"],
        vec!["logs", "last"],
        vec!["pause", "last"],
        vec!["cancel", "last"],
        vec!["budget", "last", "5"],
        vec!["resume"],
        vec!["retry", "last", "--failed"],
        vec!["export", "last", "--out", "x.csv"],
    ] {
        program.run(&verb).fails(2, "there are no batches", "docmill run");
    }
    assert!(!program.data_dir().exists(), "looking makes nothing");
}

#[test]
fn a_database_of_a_newer_version_is_left_alone() {
    let program = Program::new();
    make_database(&program);
    let path = program.data_dir().join("docmill.db");
    let newer = rusqlite::Connection::open(&path).unwrap();
    newer.pragma_update(None, "user_version", 9_999).unwrap();
    drop(newer);
    let bytes = std::fs::read(&path).unwrap();
    let (docs, template) = (documents(&program, 1), template(&program));
    for verb in [vec!["status"], rehearsal(&docs, &template, &["--budget", "1"])] {
        program.run(&verb).fails(7, "has version 9999", "--data-dir");
    }
    assert_eq!(std::fs::read(&path).unwrap(), bytes, "not a byte is changed");
}

#[test]
fn what_is_no_database_is_left_alone() {
    let program = Program::new();
    let path = program.write(
        "data/docmill.db",
        "this is a letter, and long enough to be looked at as a database\n".repeat(100),
    );
    program
        .run(&["status"])
        .fails(7, "cannot be used as a database", "--data-dir");
    assert!(
        std::fs::read_to_string(path)
            .unwrap()
            .starts_with("this is a letter")
    );
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let program = Program::new();
    let (docs, template) = (documents(&program, 1), template(&program));
    // A file where the folder should be: even an administrator cannot write below it.
    let file = program.write("file", "");
    let inside = as_text(&file.join("data"));
    program
        .run(&rehearsal(
            &docs,
            &template,
            &["--budget", "1", "--data-dir", &inside],
        ))
        .fails(7, "cannot be made", "--data-dir");
}

#[cfg(unix)]
#[test]
fn a_read_only_database_can_be_looked_at_and_not_worked_with() {
    use std::os::unix::fs::PermissionsExt;
    let program = Program::new();
    make_database(&program);
    let database = program.data_dir().join("docmill.db");
    let (docs, template) = (documents(&program, 1), template(&program));
    let set = |mode: u32, folder: u32| {
        std::fs::set_permissions(&database, std::fs::Permissions::from_mode(mode)).unwrap();
        std::fs::set_permissions(program.data_dir(), std::fs::Permissions::from_mode(folder)).unwrap();
    };
    set(0o444, 0o555);
    let administrator = std::fs::OpenOptions::new().write(true).open(&database).is_ok();
    let ran = program.run(&rehearsal(&docs, &template, &["--budget", "1"]));
    let looked = program.run(&["status", "--json"]);
    set(0o644, 0o755);
    // Nothing is read-only to an administrator; then there is nothing to see here.
    if !administrator {
        ran.fails(7, "read-only", "--data-dir");
        assert_eq!(looked.succeeds().json().as_array().map(Vec::len), Some(1));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_named_and_nothing_is_put_in_place() {
    let program = Program::new();
    make_database(&program);
    program
        .run(&["export", "last", "--out", "/dev/full", "--format", "csv"])
        .fails(1, "no space left on device", "--out");
    // The same while the database grows: the shell forbids files larger than this.
    let (docs, template) = (documents(&program, 400), template(&program));
    let command = program.command(&rehearsal(&docs, &template, &["--budget", "1"]));
    let limited = "trap '' XFSZ; ulimit -f 200; exec \"$0\" \"$@\"";
    let mut shell = std::process::Command::new("sh");
    shell
        .arg("-c")
        .arg(limited)
        .arg(command.get_program())
        .args(command.get_args());
    shell.env_clear().envs(
        command
            .get_envs()
            .filter_map(|(name, value)| Some((name, value?))),
    );
    shell
        .env("DOCMILL_DATA_DIR", program.path("other"))
        .stdin(Stdio::null());
    let ran = Ran::of(shell.output().unwrap());
    ran.fails(7, "disk is full", "--data-dir");
}

/// A database with one finished rehearsal.
fn make_database(program: &Program) {
    let (docs, template) = (documents(program, 3), template(program));
    program
        .run(&rehearsal(
            &docs,
            &template,
            &["--sim-speed", "0", "--budget", "1"],
        ))
        .succeeds();
}
