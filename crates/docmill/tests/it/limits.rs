//! Limits of all batches together, fallback models and hours, as a person types them.

use docmill_testkit::process::{StandinProcess, built_binary};

use crate::program::{Program, Ran, documents, template};

struct Scene {
    program: Program,
    standin: StandinProcess,
    documents: String,
    template: String,
}

impl Scene {
    fn new(count: usize, behaviour: &str) -> Self {
        let program = Program::new();
        let arguments = ["--behaviour".into(), behaviour.into()];
        Self {
            standin: StandinProcess::start(&built_binary("docmill-standin").unwrap(), arguments).unwrap(),
            documents: documents(&program, count),
            template: template(&program),
            program,
        }
    }

    fn run(&self, more: &[&str]) -> Ran {
        let base_url = self.standin.base_url();
        let mut words = vec!["run", &self.documents, "--template", &self.template];
        words.extend([
            "--model",
            "openai/gpt-4o-mini",
            "--base-url",
            &base_url,
            "--budget",
            "10",
        ]);
        words.extend(["--concurrency", "4", "--yes", "--no-estimate"]);
        words.extend(more);
        self.program.run(&words)
    }
}

#[test]
fn a_run_of_the_command_line_keeps_the_limit_of_the_day() {
    let scene = Scene::new(400, r#"{"latency": {"fixed_ms": 40}}"#);
    let program = &scene.program;
    let shown = program.run(&["limits"]).succeeds().stdout;
    assert_eq!(shown, "a day    no limit\na month  no limit\n");
    // A database to keep them in.
    let first = program.write("first/a.txt", "Corner Shop\nTotal: 1.00\n");
    let model = ["--model", "offline", "--yes", "--quiet"];
    let mut words = vec!["run", first.to_str().unwrap(), "--template", &scene.template];
    words.extend(model);
    program.run(&words).succeeds();
    program
        .run(&["limits", "--day", "0.0005", "--month", "7"])
        .succeeds();
    let shown = program.run(&["limits", "--json"]).succeeds().json();
    assert_eq!(
        shown,
        serde_json::json!({"day_budget_usd": 0.0005, "month_budget_usd": 7.0})
    );

    let ran = scene.run(&[]);
    assert_ne!(ran.status, 0, "{ran:?}");
    let batch = &program.run(&["status", "last", "--json"]).succeeds().json();
    assert_eq!(batch["state"], "paused", "{batch}");
    let reason = batch["reason"].as_str().unwrap();
    assert!(
        reason.contains("a day is the limit of all batches together"),
        "{reason}"
    );
    assert!(batch["documents"]["completed"].as_u64().unwrap() < 400, "{batch}");

    program.run(&["limits", "--day", "none"]).succeeds();
    scene.run(&[]).succeeds();
}

#[test]
fn a_fallback_that_is_typed_answers_what_the_first_refuses() {
    let scene = Scene::new(3, r#"{"next": ["refusal", "content_filter", "refusal"]}"#);
    let other = format!("openai/gpt-4o@{}", scene.standin.base_url());
    scene
        .run(&["--fallback", &other, "--priority", "low", "--timeout", "60"])
        .succeeds();
    let said = scene.program.run(&["status", "last"]).succeeds().stdout;
    assert!(
        said.contains("openai/gpt-4o (when it is down, was retired or refuses)"),
        "{said}"
    );
    let ledger = scene.program.run(&["ledger", "last"]).succeeds().stdout;
    assert!(
        ledger.contains("openai/gpt-4o ") && ledger.contains("openai/gpt-4o-mini"),
        "{ledger}"
    );
    scene
        .run(&["--new", "--fallback", "nobody/knows"])
        .fails(6, "unknown provider", "known are");
    let hours = scene.run(&["--new", "--between", "25:00-1:00"]);
    assert_eq!(hours.status, 2, "{hours:?}");
    assert!(
        hours
            .stderr
            .contains("is not a span of hours such as 22:00-06:00"),
        "{hours:?}"
    );
}
