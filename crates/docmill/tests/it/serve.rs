//! The server as its users meet it: the real program, asked over HTTP.

use std::process::Command;

use serde_json::{Value, json};

use crate::program::Program;
use crate::server::{PATIENCE, Server, batch, pile, wait_until};

#[test]
fn who_may_ask_is_checked_before_anything_else() {
    let program = Program::new();
    let server = Server::start(&program, &[]);
    let list = "/api/v1/batches";
    let (status, body) = server.ask("GET", list, "", &[("host", "evil.example")]);
    assert_eq!(status, 421, "a name of somebody else's: {body}");
    let foreign = [
        ("origin", "https://evil.example"),
        ("content-type", "application/json"),
    ];
    let (status, body) = server.ask("POST", list, "{}", &foreign);
    assert_eq!(status, 403, "a page of another site: {body}");
    // With the first key everybody needs one.
    let key = program
        .run(&["key", "add", "ada", "--role", "admin"])
        .succeeds()
        .stdout;
    let (status, body) = server.ask("GET", list, "", &[]);
    assert_eq!(status, 401, "{body}");
    assert!(body.contains("key_needed"), "{body}");
    let bearer = format!("Bearer {}", key.trim());
    let (status, _) = server.ask("GET", list, "", &[("authorization", &bearer)]);
    assert_eq!(status, 200);
    let viewer = program
        .run(&["key", "add", "vic", "--role", "viewer"])
        .succeeds()
        .stdout;
    let bearer = format!("Bearer {}", viewer.trim());
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/json"),
    ];
    assert_eq!(server.ask("GET", list, "", &headers).0, 200);
    assert_eq!(
        server.ask("POST", list, "{}", &headers).0,
        403,
        "a viewer only looks"
    );
    assert_eq!(
        server.ask("GET", "/healthz", "", &[]).0,
        200,
        "load balancers have no key"
    );
}

#[test]
fn no_server_is_open_to_others_without_keys() {
    let program = Program::new();
    program
        .run(&["serve", "--listen", "0.0.0.0:0"])
        .fails(2, "there are no keys", "docmill key add");
}

#[test]
fn no_key_that_is_removed_or_damaged_opens_the_server() {
    let program = Program::new();
    let add = |name: &str, role: &str| {
        let made = program.run(&["key", "add", name, "--role", role]).succeeds();
        format!("Bearer {}", made.stdout.trim())
    };
    let ada = add("ada", "admin");
    let server = Server::start(&program, &["--require-key"]);
    let list = "/api/v1/batches";
    let remove = |name: &str| {
        let path = format!("/api/v1/keys/{name}");
        server.ask("DELETE", &path, "", &[("authorization", &ada)]).0
    };
    assert_eq!(remove("ada"), 409, "nobody could make keys any more");
    program
        .run(&["key", "remove", "ada"])
        .fails(2, "the last admin's key", "makes another admin");
    add("bob", "admin");
    assert_eq!(remove("bob"), 204);
    assert_eq!(server.ask("GET", list, "", &[]).0, 401);

    // Whatever happens to the rows, the listener asks for keys.
    let database = rusqlite::Connection::open(program.data_dir().join("docmill.db")).unwrap();
    database.execute("UPDATE keys SET role = 'damaged'", []).unwrap();
    let with = [("authorization", ada.as_str())];
    assert_eq!(
        server.ask("GET", list, "", &with).0,
        500,
        "a key that cannot be read is no absent key"
    );
    assert_eq!(server.ask("GET", list, "", &[]).0, 401);
    assert_eq!(server.ask("GET", "/healthz", "", &[]).0, 200);
    database.execute("DELETE FROM keys", []).unwrap();
    assert_eq!(server.ask("GET", list, "", &[]).0, 401);
    assert_eq!(server.ask("GET", list, "", &[("authorization", &ada)]).0, 401);
    assert_eq!(server.get("/api/v1/session")["keys_needed"], true);
}

#[test]
fn what_a_proxy_hands_on_is_not_the_person_at_this_machine() {
    let program = Program::new();
    let server = Server::start(&program, &[]);
    let list = "/api/v1/batches";
    assert_eq!(server.ask("GET", list, "", &[]).0, 200);
    for header in [
        "forwarded",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-real-ip",
        "via",
    ] {
        assert_eq!(
            server.ask("GET", list, "", &[(header, "203.0.113.7")]).0,
            401,
            "{header}"
        );
    }
    program.run(&["serve", "--host-name", "docs.example.org"]).fails(
        2,
        "there are no keys",
        "docmill key add",
    );
}

#[test]
fn one_server_for_a_folder_and_commands_use_it() {
    let program = Program::new();
    let pile = pile(&program, "pile", 12);
    let server = Server::start(&program, &[]);
    program
        .run(&["serve", "--listen", "127.0.0.1:0"])
        .fails(2, "a server works on", "--data-dir");
    let ran = program.run(&["run", &pile, "--template", "receipt"]).succeeds();
    assert!(ran.stderr.contains("does the work"), "{}", ran.stderr);
    let list = server.get("/api/v1/batches");
    assert_eq!(list["batches"][0]["documents"]["completed"], 12);
    assert_eq!(list["states"]["completed"], 1);
}

#[test]
fn a_restarted_server_resumes_by_itself_and_shares_out_fairly() {
    let program = Program::new();
    let large = pile(&program, "large", 300);
    let small = pile(&program, "small", 10);
    let sim = json!({ "model": "sim/openai/gpt-4o-mini", "sim_speed": 4, "concurrency": 4, "reuse_answers": false });
    let mut server = Server::start(&program, &[]);
    let (status, made) = server.post("/api/v1/batches", &batch(&large, sim.clone()));
    assert_eq!(status, 201, "{made}");
    let large = made["id"].as_str().unwrap().to_owned();
    let of = |server: &Server, batch: &str| server.get(&format!("/api/v1/batches/{batch}"));
    let completed = |row: &Value| row["documents"]["completed"].as_u64().unwrap();
    wait_until(PATIENCE, || completed(&of(&server, &large)) > 5);
    server.process.kill().unwrap();
    let server = Server::start(&program, &[]);
    let before = completed(&of(&server, &large));
    wait_until(PATIENCE, || completed(&of(&server, &large)) > before + 5);
    // A newcomer does not wait for those who stand in line.
    let (_, made) = server.post("/api/v1/batches", &batch(&small, sim));
    let small = made["id"].as_str().unwrap();
    wait_until(PATIENCE, || of(&server, small)["documents"]["total"] == 10);
    wait_until(PATIENCE, || {
        let row = of(&server, small);
        row["state"].as_str().unwrap().starts_with("completed")
    });
    let row = of(&server, &large);
    assert_eq!(row["state"], "running", "the large one was not done first: {row}");
}

#[cfg(unix)]
#[test]
fn a_server_that_is_asked_to_stop_leaves_batches_for_the_next_start() {
    let program = Program::new();
    let folder = pile(&program, "pile", 200);
    let sim = json!({ "model": "sim/openai/gpt-4o-mini", "sim_speed": 2, "concurrency": 4 });
    let mut server = Server::start(&program, &[]);
    let (_, made) = server.post("/api/v1/batches", &batch(&folder, sim));
    let id = made["id"].as_str().unwrap();
    wait_until(PATIENCE, || {
        server.get(&format!("/api/v1/batches/{id}"))["documents"]["completed"].as_u64() > Some(3)
    });
    let ended = Command::new("kill")
        .args(["-TERM", &server.process.id().to_string()])
        .status()
        .unwrap();
    assert!(ended.success());
    wait_until(PATIENCE, || {
        server
            .process
            .ended()
            .unwrap()
            .is_some_and(|status| status.success())
    });
    let status = program.run(&["status", "last", "--json"]).succeeds();
    let row: Value = serde_json::from_str(&status.stdout).unwrap();
    assert_eq!(row["state"], "running");
    assert_eq!(row["calls_in_flight"], 0, "calls were finished");
    assert_eq!(row["money"]["unconfirmed_usd"].as_f64(), Some(0.0));
}

#[test]
fn uploads_go_on_where_the_connection_broke_and_stay_inside() {
    let program = Program::new();
    let server = Server::start(&program, &[]);
    let (status, upload) = server.post("/api/v1/uploads", &json!(null));
    assert_eq!(status, 201);
    let id = upload["id"].as_str().unwrap();
    let put = |path: &str, offset: u64, content: &str| {
        let path = format!("/api/v1/uploads/{id}/files?path={path}&offset={offset}");
        server.ask(
            "PUT",
            &path,
            content,
            &[("content-type", "application/octet-stream")],
        )
    };
    assert_eq!(put("a/receipt.txt", 0, "RECEIPT\nThe Corner Shop\n").0, 200);
    let (status, body) = put("a/receipt.txt", 99, "x");
    assert_eq!(status, 409, "a hole is no file: {body}");
    let state = server.get(&format!("/api/v1/uploads/{id}?path=a/receipt.txt"));
    let arrived = state["bytes"].as_u64().unwrap();
    assert_eq!(put("a/receipt.txt", arrived, "TOTAL 3.50 EUR\n").0, 200);
    for outside in ["../../evil.txt", "/etc/evil", "a/../../../evil"] {
        assert_eq!(put(outside, 0, "x").0, 400, "{outside}");
    }
    let (status, made) = server.post("/api/v1/batches", &batch(&format!("upload:{id}"), json!({})));
    assert_eq!(status, 201, "{made}");
    let made = made["id"].as_str().unwrap();
    server.reaches(made, "completed");
    let document = server.get(&format!("/api/v1/batches/{made}/documents/1"));
    assert_eq!(document["extraction"]["data"]["total"], 3.5);
}

#[test]
fn folders_outside_the_allowed_ones_are_not_read() {
    let program = Program::new();
    let inside = pile(&program, "allowed/pile", 1);
    let outside = pile(&program, "secret", 1);
    let root = program.path("allowed");
    std::os::unix::fs::symlink(program.path("secret"), root.join("link")).unwrap();
    let server = Server::start(&program, &["--root", root.to_str().unwrap()]);
    let look = |source: &str| {
        server
            .post("/api/v1/sources/preview", &json!({ "sources": [source] }))
            .0
    };
    assert_eq!(look(&inside), 200);
    let link = root.join("link");
    let above = format!("{inside}/../../secret");
    for source in [
        outside.as_str(),
        link.to_str().unwrap(),
        &above,
        "/etc/passwd",
        "list:/etc/hosts",
        "file:///etc/passwd",
        "relative",
    ] {
        assert_eq!(look(source), 422, "{source}");
    }
}

#[test]
fn a_day_that_cost_enough_pauses_what_costs_more() {
    let program = Program::new();
    let folder = pile(&program, "pile", 400);
    let server = Server::start(&program, &[]);
    let headers = [("content-type", "application/json")];
    let limits = json!({ "day_budget_usd": 0.002, "month_budget_usd": null }).to_string();
    assert_eq!(server.ask("PUT", "/api/v1/settings", &limits, &headers).0, 200);
    let sim = json!({ "model": "sim/openai/gpt-4o-mini", "sim_speed": 4, "concurrency": 4 });
    let (_, made) = server.post("/api/v1/batches", &batch(&folder, sim));
    let id = made["id"].as_str().unwrap();
    server.reaches(id, "paused");
    let row = server.get(&format!("/api/v1/batches/{id}"));
    assert!(
        row["reason"].as_str().unwrap().contains("a day is the limit"),
        "{row}"
    );
}

#[test]
fn the_server_knows_what_it_takes_of_its_machine() {
    let program = Program::new();
    let folder = pile(&program, "pile", 3);
    let server = Server::start(&program, &[]);
    let (_, made) = server.post("/api/v1/batches", &batch(&folder, json!({})));
    server.reaches(made["id"].as_str().unwrap(), "completed");
    wait_until(PATIENCE, || {
        server.get("/api/v1/machine")["samples"][0]["memory_bytes"].as_u64() > Some(1_000_000)
    });
    let machine = server.get("/api/v1/machine");
    let database = |part: &&Value| part["part"] == "database";
    let storage = machine["storage"]
        .as_array()
        .unwrap()
        .iter()
        .find(database)
        .unwrap();
    assert!(storage["bytes"].as_u64() > Some(4096), "{machine}");
    assert!(machine["disk_free_bytes"].as_u64() > Some(0), "{machine}");
    assert!(machine["processors"].as_u64() > Some(0), "{machine}");
    let later = "/api/v1/machine?from=2999-01-01T00:00:00Z";
    assert_eq!(server.get(later)["samples"], json!([]));
    assert_eq!(server.ask("GET", "/api/v1/machine?from=noon", "", &[]).0, 400);
    let (_, metrics) = server.ask("GET", "/metrics", "", &[]);
    for name in [
        "docmill_processors_busy",
        "docmill_resident_memory_bytes",
        "docmill_documents_ended_total",
    ] {
        assert!(metrics.contains(name), "{name}: {metrics}");
    }
}
