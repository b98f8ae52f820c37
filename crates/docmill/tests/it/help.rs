//! Help, completions, the guide.

use crate::program::Program;

const VERBS: [&str; 20] = [
    "run",
    "estimate",
    "resume",
    "retry",
    "status",
    "list",
    "show",
    "logs",
    "pause",
    "cancel",
    "budget",
    "export",
    "backup",
    "restore",
    "forget",
    "templates",
    "template",
    "ocr",
    "doctor",
    "completions",
];

#[test]
fn help_names_every_verb_and_hides_the_inner_ones() {
    let help = Program::new().run(&["--help"]).succeeds().stdout;
    for verb in VERBS {
        assert!(
            help.lines().any(|line| line.trim_start().starts_with(verb)),
            "{verb} in {help}"
        );
    }
    for inner in ["parse-worker", "help-markdown"] {
        assert!(!help.contains(inner), "{help}");
    }
    for word in ["Examples:", "Environment:", "Exit status:", "NO_COLOR"] {
        assert!(help.contains(word), "{word} in {help}");
    }
    assert!(help.lines().all(|line| line.chars().count() <= 100), "{help}");
}

#[test]
fn every_verb_has_help_of_its_own() {
    let program = Program::new();
    for verb in VERBS {
        let help = program.run(&[verb, "--help"]).succeeds().stdout;
        assert!(help.contains("Usage: docmill"), "{help}");
    }
}

#[test]
fn completions_know_the_verbs() {
    for shell in ["bash", "zsh", "fish"] {
        let script = Program::new().run(&["completions", shell]).succeeds().stdout;
        assert!(script.contains("estimate"), "{shell}");
    }
}

#[test]
fn the_guide_is_what_the_program_prints() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/guide/command-line.md");
    let printed = Program::new().run(&["help-markdown"]).succeeds().stdout;
    if std::env::var_os("DOCMILL_WRITE_GUIDE").is_some() {
        std::fs::write(path, &printed).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        kept == printed,
        "docs/guide/command-line.md is stale; write it again with: \
         DOCMILL_WRITE_GUIDE=1 cargo test -p docmill the_guide"
    );
}
