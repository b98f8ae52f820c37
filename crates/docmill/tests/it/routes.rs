//! Every route of the API's description, asked by every role and by nobody, from a wrong page, under
//! a wrong name, and with a wrong kind of body. The table below is written by hand: what a route
//! needs is decided here and in the server, and the two must agree.

use std::path::Path;

use serde_json::Value;

use crate::program::Program;
use crate::server::Server;

/// What a route needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Needs {
    Nothing,
    Viewer,
    Operator,
    Admin,
}

use Needs::{Admin, Nothing, Operator, Viewer};

#[rustfmt::skip]
const TABLE: &[(&str, &str, Needs)] = &[
    ("get", "/session", Nothing),
    ("post", "/session", Nothing),
    ("delete", "/session", Nothing),
    ("delete", "/sessions", Viewer),
    ("get", "/session/oidc", Nothing),
    ("get", "/session/oidc/callback", Nothing),
    ("get", "/batches", Viewer),
    ("post", "/batches", Operator),
    ("get", "/batches/{batch}", Viewer),
    ("patch", "/batches/{batch}", Operator),
    ("get", "/batches/{batch}/failures", Viewer),
    ("get", "/batches/{batch}/log", Viewer),
    ("get", "/batches/{batch}/compare", Viewer),
    ("get", "/batches/{batch}/accuracy", Viewer),
    ("post", "/batches/{batch}/start", Operator),
    ("post", "/batches/{batch}/pause", Operator),
    ("post", "/batches/{batch}/resume", Operator),
    ("post", "/batches/{batch}/cancel", Operator),
    ("post", "/batches/{batch}/retry", Operator),
    ("put", "/batches/{batch}/budget", Operator),
    ("get", "/batches/{batch}/ledger", Viewer),
    ("post", "/batches/{batch}/reconcile", Operator),
    ("post", "/batches/{batch}/passwords", Operator),
    ("post", "/batches/{batch}/forget", Admin),
    ("get", "/batches/{batch}/documents", Viewer),
    ("get", "/batches/{batch}/documents/{document}", Viewer),
    ("get", "/batches/{batch}/documents/{document}/around", Viewer),
    ("get", "/batches/{batch}/documents/{document}/reading", Viewer),
    ("get", "/batches/{batch}/documents/{document}/pages/{page}", Viewer),
    ("get", "/batches/{batch}/documents/{document}/prompt", Viewer),
    ("get", "/batches/{batch}/documents/{document}/content", Viewer),
    ("put", "/batches/{batch}/documents/{document}/review", Operator),
    ("get", "/batches/{batch}/jobs", Viewer),
    ("post", "/batches/{batch}/jobs", Operator),
    ("post", "/batches/{batch}/jobs/count", Operator),
    ("get", "/jobs", Viewer),
    ("post", "/jobs/{job}/cancel", Operator),
    ("get", "/jobs/{job}/files/{file}", Viewer),
    ("get", "/totals", Viewer),
    ("get", "/activity", Viewer),
    ("post", "/sources/preview", Operator),
    ("get", "/sources/folders", Operator),
    ("post", "/uploads", Operator),
    ("get", "/uploads/{upload}", Operator),
    ("put", "/uploads/{upload}/files", Operator),
    ("get", "/templates", Viewer),
    ("get", "/templates/{name}", Viewer),
    ("put", "/templates/{name}", Operator),
    ("delete", "/templates/{name}", Operator),
    ("post", "/templates/check", Operator),
    ("post", "/templates/draft", Operator),
    ("get", "/models", Viewer),
    ("get", "/alerts", Viewer),
    ("put", "/alerts/{name}", Admin),
    ("delete", "/alerts/{name}", Admin),
    ("post", "/alerts/{name}/test", Admin),
    ("get", "/deliveries", Viewer),
    ("get", "/settings", Viewer),
    ("put", "/settings", Admin),
    ("get", "/workers", Viewer),
    ("get", "/machine", Viewer),
    ("get", "/keys", Admin),
    ("post", "/keys", Admin),
    ("delete", "/keys/{name}", Admin),
    ("get", "/audit", Admin),
    ("get", "/audit/verify", Admin),
    ("get", "/audit/export", Admin),
    // Streams never end: they are asked in tests of their own.
    ("get", "/events", Viewer),
    ("get", "/batches/{batch}/events", Viewer),
];

/// The routes of the description: method and path below `/api/v1`.
fn described() -> Vec<(String, String)> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web/openapi.json");
    let document: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let mut routes = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            routes.push((method.clone(), path.strip_prefix("/api/v1").unwrap().to_owned()));
        }
    }
    routes
}

fn needs(method: &str, path: &str) -> Needs {
    let found = TABLE
        .iter()
        .find(|(known, route, _)| *known == method && *route == path);
    found
        .unwrap_or_else(|| panic!("{method} {path} is not in the table: who may use it?"))
        .2
}

/// A path with something in each place that names nothing.
fn filled(path: &str) -> String {
    let path = path
        .replace("{batch}", "01890a5d-ac96-774b-bcce-b302099a8057")
        .replace("{upload}", "01890a5d-ac96-774b-bcce-b302099a8057")
        .replace("{document}", "1")
        .replace("{page}", "1")
        .replace("{job}", "999");
    format!(
        "/api/v1{}",
        path.replace("{name}", "nothing").replace("{file}", "nothing")
    )
}

const STREAMS: [&str; 1] = ["/events"];

fn is_stream(path: &str) -> bool {
    STREAMS.contains(&path)
}

struct People {
    server: Server,
    roles: Vec<(Needs, String)>,
}

fn people(program: &Program) -> People {
    let key = |name: &str, role: &str| {
        let made = program.run(&["key", "add", name, "--role", role]).succeeds();
        format!("Bearer {}", made.stdout.trim())
    };
    let admin = key("ada", "admin");
    let roles = vec![
        (Viewer, key("vic", "viewer")),
        (Operator, key("otto", "operator")),
        (Admin, admin),
    ];
    People {
        server: Server::start(program, &["--require-key"]),
        roles,
    }
}

#[test]
fn every_route_is_for_whom_the_table_says() {
    let program = Program::new();
    let people = people(&program);
    let server = &people.server;
    let routes = described();
    assert_eq!(
        routes.len(),
        TABLE.len(),
        "the table has routes that are not described"
    );
    for (method, path) in &routes {
        let needed = needs(method, path);
        let (upper, url) = (method.to_uppercase(), filled(path));
        let ask = |headers: &[(&str, &str)]| server.ask(&upper, &url, "{}", headers).0;
        let json = ("content-type", "application/json");
        if needed == Nothing {
            assert_ne!(ask(&[json]), 403, "{method} {path}");
            continue;
        }
        assert_eq!(ask(&[json]), 401, "{method} {path} without a key");
        for (role, bearer) in &people.roles {
            if is_stream(path) && *role >= needed || *path == "/sessions" {
                continue;
            }
            let status = ask(&[json, ("authorization", bearer)]);
            if *role < needed {
                assert_eq!(status, 403, "{method} {path} as {role:?}");
            } else {
                // What is asked for is not there, or the body is not what it should be: it got as far.
                assert!(
                    ![401, 403, 429, 500].contains(&status),
                    "{method} {path} as {role:?}: {status}"
                );
            }
        }
    }
    // What is not there is not told apart from what is not allowed, without a key.
    assert_eq!(server.ask("GET", "/api/v1/nothing", "", &[]).0, 401);
    let viewer = [("authorization", people.roles[0].1.as_str())];
    assert_eq!(server.ask("GET", "/api/v1/nothing", "", &viewer).0, 404);
    assert_eq!(server.ask("GET", "/metrics", "", &[]).0, 401);
    assert_eq!(server.ask("GET", "/metrics", "", &viewer).0, 200);
}

#[test]
fn no_route_answers_a_wrong_page_a_wrong_name_or_a_form() {
    let program = Program::new();
    let people = people(&program);
    let server = &people.server;
    let admin = ("authorization", people.roles[2].1.as_str());
    for (method, path) in described() {
        if is_stream(&path) {
            continue;
        }
        let (upper, url) = (method.to_uppercase(), filled(&path));
        let ask = |headers: &[(&str, &str)]| server.ask(&upper, &url, "{}", headers).0;
        let named = ask(&[admin, ("host", "evil.example")]);
        assert_eq!(named, 421, "{method} {path} under another name");
        if method == "get" {
            continue;
        }
        for origin in ["https://evil.example", "null"] {
            let status = ask(&[admin, ("content-type", "application/json"), ("origin", origin)]);
            assert_eq!(status, 403, "{method} {path} from {origin}");
        }
        for kind in [
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "text/plain",
        ] {
            let status = ask(&[admin, ("content-type", kind)]);
            assert_eq!(status, 415, "{method} {path} with {kind}");
        }
    }
}
