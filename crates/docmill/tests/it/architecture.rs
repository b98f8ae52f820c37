//! Who may know whom. The compiler holds each arrow once a manifest has it; this test
//! holds the manifests.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

use serde_json::Value;

/// `core ← {source, parse, llm, store} ← engine ← server ← docmill`: a crate, and those it may
/// depend on. The four in braces never see each other: what joins them is the engine.
const ALLOWED: &[(&str, &[&str])] = &[
    ("docmill-core", &[]),
    // What every part that calls somebody else's server stands on.
    ("docmill-outbound", &["docmill-core"]),
    ("docmill-source", &["docmill-core", "docmill-outbound"]),
    ("docmill-parse", &["docmill-core"]),
    ("docmill-llm", &["docmill-core", "docmill-outbound"]),
    ("docmill-store", &["docmill-core"]),
    (
        "docmill-engine",
        &[
            "docmill-core",
            "docmill-source",
            "docmill-parse",
            "docmill-llm",
            "docmill-store",
        ],
    ),
    (
        "docmill-server",
        &[
            "docmill-core",
            "docmill-outbound",
            "docmill-source",
            "docmill-store",
            "docmill-engine",
        ],
    ),
    (
        "docmill",
        &[
            "docmill-server",
            "docmill-core",
            "docmill-source",
            "docmill-parse",
            "docmill-llm",
            "docmill-store",
            "docmill-engine",
        ],
    ),
    // A misbehaving world for tests: it speaks protocols, and knows no part that it tests.
    ("docmill-testkit", &[]),
];

/// Everything a crate of the workspace declares, by kind ("normal", "dev", "build").
struct Declared {
    dependencies: Vec<(String, String)>,
    /// Dependencies that are not taken from `[workspace.dependencies]` would show as a
    /// different requirement for the same crate.
    requirements: Vec<(String, String)>,
}

fn workspace() -> BTreeMap<String, Declared> {
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--offline",
            "--locked",
            "--format-version",
            "1",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let packages = metadata["packages"].as_array().unwrap();
    packages
        .iter()
        .map(|package| {
            let declared = package["dependencies"].as_array().unwrap();
            let dependencies = declared
                .iter()
                .map(|dependency| {
                    let kind = dependency["kind"].as_str().unwrap_or("normal").to_owned();
                    (text(&dependency["name"]), kind)
                })
                .collect();
            let requirements = declared
                .iter()
                .filter(|dependency| dependency["path"].is_null())
                .map(|dependency| (text(&dependency["name"]), text(&dependency["req"])))
                .collect();
            let declared = Declared {
                dependencies,
                requirements,
            };
            (text(&package["name"]), declared)
        })
        .collect()
}

#[test]
fn every_crate_knows_only_those_it_may() {
    let crates = workspace();
    let known: BTreeMap<&str, &[&str]> = ALLOWED.iter().copied().collect();
    let mut wrong = Vec::new();
    for (name, declared) in &crates {
        let Some(allowed) = known.get(name.as_str()) else {
            wrong.push(format!("{name} is new: say in ALLOWED whom it may know"));
            continue;
        };
        for (dependency, kind) in &declared.dependencies {
            if !crates.contains_key(dependency) {
                continue;
            }
            // Tests may use the test kit and, above it, whatever the crate itself may.
            let for_tests = kind == "dev" && dependency == "docmill-testkit";
            let itself = kind == "dev" && dependency == name;
            if !allowed.contains(&dependency.as_str()) && !for_tests && !itself {
                wrong.push(format!("{name} must not know {dependency} ({kind} dependency)"));
            }
        }
    }
    for (name, _) in ALLOWED {
        if !crates.contains_key(*name) {
            wrong.push(format!("{name} is in ALLOWED but not in the workspace"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_crate_takes_the_same_version_of_a_dependency() {
    let mut seen: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for declared in workspace().into_values() {
        for (name, requirement) in declared.requirements {
            seen.entry(name).or_default().insert(requirement);
        }
    }
    let split: Vec<_> = seen
        .iter()
        .filter(|(_, requirements)| requirements.len() > 1)
        .collect();
    assert!(
        split.is_empty(),
        "take these from [workspace.dependencies]: {split:?}"
    );
}
