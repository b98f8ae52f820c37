//! The description of the API that the dashboard's types are made from must not be stale.
//! `DOCMILL_WRITE_DOCS=1 cargo nextest run -p docmill-server openapi` writes it anew.

use std::path::Path;

#[test]
fn the_description_in_the_repository_is_the_one_the_server_gives() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web/openapi.json");
    let described = docmill_server::openapi::json() + "\n";
    if std::env::var("DOCMILL_WRITE_DOCS").is_ok() {
        std::fs::write(&path, described).unwrap();
        return;
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == described,
        "web/openapi.json is stale; run DOCMILL_WRITE_DOCS=1 cargo nextest run -p docmill-server openapi, \
         then npm run types in web/"
    );
}

#[test]
fn every_operation_says_what_it_does_and_how_it_fails() {
    let document: serde_json::Value = serde_json::from_str(&docmill_server::openapi::json()).unwrap();
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.len() > 30, "{} paths", paths.len());
    for (path, item) in paths {
        for (method, operation) in item.as_object().unwrap() {
            let summary = operation["summary"].as_str().unwrap_or_default();
            assert!(!summary.is_empty(), "{method} {path} has no summary");
            let takes_path = path.contains('{');
            let responses = operation["responses"].as_object().unwrap();
            let fails = responses.keys().any(|status| status.starts_with('4'));
            assert!(!takes_path || fails, "{method} {path} does not say how it fails");
        }
    }
}
