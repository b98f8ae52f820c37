//! Weaknesses that were found in the server, each as it was found; and what stands in their place:
//! sessions, limited keys, the audit log.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;

use serde_json::{Value, json};

use crate::program::{Program, documents, rehearsal, template};
use crate::server::{PATIENCE, Server, batch, pile, wait_until};

const JSON: (&str, &str) = ("content-type", "application/json");

fn key(program: &Program, name: &str, more: &[&str]) -> String {
    let mut words = vec!["key", "add", name];
    words.extend(more);
    program.run(&words).succeeds().stdout.trim().to_owned()
}

/// Signs in as a browser does; returns the cookie and the head of the answer.
fn sign_in(server: &Server, key: &str, headers: &[(&str, &str)]) -> (String, String) {
    let mut all = vec![JSON];
    all.extend(headers);
    let body = json!({ "key": key }).to_string();
    let (status, head, body) = server.ask_whole("POST", "/api/v1/session", &body, &all);
    assert_eq!(status, 200, "{body}");
    let line = head
        .lines()
        .find(|line| line.starts_with("set-cookie: "))
        .unwrap();
    let cookie = line.trim_start_matches("set-cookie: ").split(';').next().unwrap();
    (cookie.to_owned(), line.to_owned())
}

#[test]
fn the_cookie_is_a_session_and_ends_when_one_signs_out() {
    let program = Program::new();
    let ada = key(&program, "ada", &["--role", "admin"]);
    let server = Server::start(&program, &[]);
    let (cookie, line) = sign_in(&server, &ada, &[]);
    assert!(
        !line.contains(&ada),
        "the key itself stays out of the browser: {line}"
    );
    assert!(
        line.contains("httponly; samesite=strict") && line.contains("max-age=604800"),
        "{line}"
    );
    assert!(
        !line.contains("secure"),
        "over plain HTTP it would never come back: {line}"
    );
    let own = format!("http://127.0.0.1:{}", server.port);
    let (_, line) = sign_in(
        &server,
        &ada,
        &[
            ("x-forwarded-proto", "https"),
            ("origin", &own.replace("http:", "https:")),
        ],
    );
    assert!(line.ends_with("secure"), "{line}");

    let list = "/api/v1/batches";
    let with = [("cookie", cookie.as_str())];
    assert_eq!(server.ask("GET", list, "", &with).0, 200);
    // A new sign-in of the same browser is a new session, and the old one is over.
    let (again, _) = sign_in(&server, &ada, &[("cookie", &cookie), ("origin", &own)]);
    assert_ne!(again, cookie);
    assert_eq!(server.ask("GET", list, "", &with).0, 401);
    let with = [("cookie", again.as_str()), ("origin", own.as_str())];
    assert_eq!(server.ask("GET", list, "", &with).0, 200);
    assert_eq!(server.ask("DELETE", "/api/v1/session", "", &with).0, 204);
    assert_eq!(
        server.ask("GET", list, "", &with).0,
        401,
        "a kept copy of the cookie opens nothing"
    );

    // Everywhere at once, and with the key.
    let (one, _) = sign_in(&server, &ada, &[]);
    let (other, _) = sign_in(&server, &ada, &[]);
    let with = [("cookie", one.as_str()), ("origin", own.as_str())];
    assert_eq!(server.ask("DELETE", "/api/v1/sessions", "", &with).0, 204);
    assert_eq!(server.ask("GET", list, "", &[("cookie", &other)]).0, 401);
    let vic = key(&program, "vic", &["--role", "viewer"]);
    let (cookie, _) = sign_in(&server, &vic, &[]);
    assert_eq!(server.ask("GET", list, "", &[("cookie", &cookie)]).0, 200);
    program.run(&["key", "remove", "vic"]).succeeds();
    assert_eq!(server.ask("GET", list, "", &[("cookie", &cookie)]).0, 401);
}

#[test]
fn behind_a_proxy_the_public_address_is_the_page() {
    let program = Program::new();
    let ada = key(&program, "ada", &["--role", "admin"]);
    let public = ["--public-url", "https://docs.example.org:8443/mill"];
    let server = Server::start(&program, &public);
    let bearer = format!("Bearer {ada}");
    let check = |origin: &str| {
        let headers = [
            JSON,
            ("authorization", bearer.as_str()),
            ("host", "docs.example.org"),
            ("origin", origin),
        ];
        server
            .ask(
                "POST",
                "/mill/api/v1/templates/check",
                "{\"text\": \"\"}",
                &headers,
            )
            .0
    };
    assert_eq!(check("https://docs.example.org:8443"), 200);
    assert_eq!(check("https://docs.example.org:9443"), 403);
    assert_eq!(check("http://docs.example.org:8443"), 403);
    // A proxy may leave the port out of Host: another port is another page all the same.
    assert_eq!(check("https://docs.example.org"), 403);
    let (_, line) = {
        let body = json!({ "key": ada }).to_string();
        let (status, head, _) = server.ask_whole("POST", "/mill/api/v1/session", &body, &[JSON]);
        (status, head)
    };
    assert!(
        line.contains("samesite=strict; path=/; max-age=604800; secure"),
        "{line}"
    );
    assert!(line.contains("strict-transport-security"), "{line}");
    assert_eq!(server.ask("GET", "/mill/api/v1/batches", "", &[]).0, 401);
}

#[test]
fn another_port_or_scheme_is_another_page() {
    let program = Program::new();
    let server = Server::start(&program, &[]);
    let port = server.port;
    let own = format!("http://127.0.0.1:{port}");
    let check = |origin: &str| {
        let body = json!({ "text": "" }).to_string();
        server
            .ask(
                "POST",
                "/api/v1/templates/check",
                &body,
                &[JSON, ("origin", origin)],
            )
            .0
    };
    assert_eq!(check(&own), 200);
    for other in [
        format!("http://127.0.0.1:{}", port + 1),
        format!("https://127.0.0.1:{port}"),
        format!("http://localhost:{port}"),
        "http://127.0.0.1".to_owned(),
        format!("{own}.evil.example"),
    ] {
        assert_eq!(check(&other), 403, "{other}");
    }
    for host in ["[::1]evil", "127.0.0.1:7878x", "localhost@evil", "", "a b"] {
        assert_eq!(
            server.ask("GET", "/api/v1/batches", "", &[("host", host)]).0,
            421,
            "{host}"
        );
    }
    for prefix in ["//other", "/a//b", "/../x", "/\"><script>"] {
        let (status, page) = server.ask("GET", "/", "", &[("x-forwarded-prefix", prefix)]);
        assert_eq!(status, 200);
        assert!(
            !page.contains("other") && !page.contains("<base href=\"/a"),
            "{prefix}: {page}"
        );
    }
}

#[test]
fn who_tries_wrong_keys_must_wait_and_others_need_not() {
    let program = Program::new();
    let ada = key(&program, "ada", &["--role", "admin"]);
    let server = Server::start(&program, &[]);
    let wrong = json!({ "key": "dmk_0000" }).to_string();
    let from = |address| [JSON, ("x-forwarded-for", address)];
    let tries: Vec<u16> = (0..8)
        .map(|_| {
            server
                .ask("POST", "/api/v1/session", &wrong, &from("203.0.113.7"))
                .0
        })
        .collect();
    assert_eq!(tries[..5], [401; 5]);
    assert_eq!(tries[5..], [429; 3]);
    // Not even the right key is looked at now; from elsewhere it is.
    let right = json!({ "key": ada }).to_string();
    let (status, head, _) = server.ask_whole("POST", "/api/v1/session", &right, &from("203.0.113.7"));
    assert_eq!(status, 429);
    assert!(head.contains("retry-after: "), "{head}");
    assert_eq!(
        server
            .ask("POST", "/api/v1/session", &right, &from("203.0.113.8"))
            .0,
        200
    );
    // A program that has the right key goes on.
    let bearer = format!("Bearer {ada}");
    let with = [
        ("authorization", bearer.as_str()),
        ("x-forwarded-for", "203.0.113.7"),
    ];
    assert_eq!(server.ask("GET", "/api/v1/batches", "", &with).0, 200);
}

#[test]
fn a_name_nobody_knows_is_refused_and_the_right_one_named() {
    let program = Program::new();
    let folder = pile(&program, "pile", 1);
    let server = Server::start(&program, &[]);
    let (status, problem) = server.post("/api/v1/batches", &batch(&folder, json!({ "budget": 60 })));
    assert_eq!(status, 400, "{problem}");
    assert_eq!(problem["code"], "unknown_name");
    assert_eq!(problem["hint"], "did you mean budget_usd?");
    assert_eq!(server.get("/api/v1/batches")["matching"], 0, "nothing was made");
    let (status, body) = server.ask("GET", "/api/v1/batches?states=running", "", &[]);
    assert_eq!(status, 400);
    assert!(body.contains("did you mean state?"), "{body}");
}

#[test]
fn what_alerts_need_is_sealed_in_the_database() {
    let program = Program::new();
    let server = Server::start(&program, &[]);
    let rule = json!({ "when": "finished", "to": "webhook", "url": "https://hooks.example.org/T0/b1gs3cret", "secret": "ch33se" });
    assert_eq!(
        server
            .ask("PUT", "/api/v1/alerts/ends", &rule.to_string(), &[JSON])
            .0,
        200
    );
    let shown = server.get("/api/v1/alerts");
    assert_eq!(shown["rules"][0]["url"], "https://hooks.example.org/T0/b1gs3cret");
    for entry in std::fs::read_dir(program.data_dir()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            let holds = |text: &str| bytes.windows(text.len()).any(|part| part == text.as_bytes());
            assert!(!holds("b1gs3cret") && !holds("ch33se"), "{}", path.display());
        }
    }
}

#[test]
fn what_an_older_version_kept_in_plain_is_sealed_at_the_start() {
    let program = Program::new();
    program.run(&["key", "list"]).succeeds();
    let path = program.data_dir().join("docmill.db");
    let database = rusqlite::Connection::open(&path).unwrap();
    let rule = r#"{"name":"ends","trigger":{"when":"finished"},"channel":{"to":"slack","url":"https://hooks.example.org/T0/b1gs3cret"},"enabled":true}"#;
    database
        .execute("INSERT INTO kept VALUES ('alerts', 'ends', ?1, 7)", [rule])
        .unwrap();
    let server = Server::start(&program, &[]);
    let kept = || -> String {
        let sql = "SELECT value FROM kept WHERE shelf = 'alerts'";
        database.query_row(sql, [], |row| row.get(0)).unwrap()
    };
    wait_until(PATIENCE, || kept().contains("sealed"));
    assert!(!kept().contains("b1gs3cret"));
    assert_eq!(
        server.get("/api/v1/alerts")["rules"][0]["url"],
        "https://hooks.example.org/T0/b1gs3cret"
    );
}

#[test]
fn a_limited_key_reaches_its_batches_and_its_actions_only() {
    let program = Program::new();
    let ada = key(&program, "ada", &["--role", "admin"]);
    let server = Server::start(&program, &[]);
    let admin = format!("Bearer {ada}");
    let make = |name: &str| -> String {
        let folder = pile(&program, name, 2);
        let body = batch(&folder, json!({ "name": name })).to_string();
        let (status, made) = server.ask(
            "POST",
            "/api/v1/batches",
            &body,
            &[JSON, ("authorization", &admin)],
        );
        assert_eq!(status, 201, "{made}");
        let made: Value = serde_json::from_str(&made).unwrap();
        made["id"].as_str().unwrap().to_owned()
    };
    let (mine, other) = (make("mine"), make("other"));
    let limited = key(
        &program,
        "lim",
        &[
            "--role", "operator", "--batch", "mine", "--action", "look", "--action", "read",
        ],
    );
    let bearer = format!("Bearer {limited}");
    let get = |path: &str| {
        server.ask(
            "GET",
            &format!("/api/v1{path}"),
            "",
            &[("authorization", &bearer)],
        )
    };
    let (status, list) = get("/batches");
    assert_eq!(status, 200);
    assert!(list.contains(&mine) && !list.contains(&other), "{list}");
    assert_eq!(get(&format!("/batches/{mine}")).0, 200);
    assert_eq!(get(&format!("/batches/{mine}/documents/1")).0, 200);
    assert_eq!(get(&format!("/activity?batch={mine}")).0, 200);
    for refused in [
        format!("/batches/{other}"),
        format!("/batches/{other}/documents/1"),
        "/batches/last".to_owned(),
        "/batches/mine".to_owned(),
        "/totals".to_owned(),
        "/events".to_owned(),
        "/activity".to_owned(),
        format!("/activity?batch={mine},{other}"),
        "/jobs".to_owned(),
    ] {
        assert_eq!(get(&refused).0, 403, "{refused}");
    }
    let pause = server.ask(
        "POST",
        &format!("/api/v1/batches/{mine}/pause"),
        "",
        &[("authorization", &bearer)],
    );
    assert_eq!(pause.0, 403, "it may look and read, and nothing else");
    // Keys that look only do not open documents.
    let metrics = key(
        &program,
        "prom",
        &["--role", "viewer", "--action", "look", "--days", "1"],
    );
    let bearer = format!("Bearer {metrics}");
    let get = |path: &str| server.ask("GET", path, "", &[("authorization", &bearer)]).0;
    assert_eq!(get("/metrics"), 200);
    assert_eq!(get(&format!("/api/v1/batches/{mine}/documents/1")), 403);
    let keys: Value = program.run(&["key", "list", "--json"]).json();
    let prom = keys
        .as_array()
        .unwrap()
        .iter()
        .find(|key| key["name"] == "prom")
        .unwrap();
    assert!(
        prom["expires_at"].is_string() && prom["used_at"].is_string(),
        "{prom}"
    );
}

#[test]
fn who_changes_or_reads_something_is_written_down() {
    let program = Program::new();
    let ada = key(&program, "ada", &["--role", "admin"]);
    let vic = key(&program, "vic", &["--role", "viewer"]);
    let folder = pile(&program, "pile", 1);
    let server = Server::start(&program, &[]);
    let bearer = |key: &str| format!("Bearer {key}");
    let (ada, vic) = (bearer(&ada), bearer(&vic));
    let ask = |who: &str, method: &str, path: &str, body: &Value| {
        let path = format!("/api/v1{path}");
        server.ask(method, &path, &body.to_string(), &[JSON, ("authorization", who)])
    };
    let (_, made) = ask(
        &ada,
        "POST",
        "/batches",
        &batch(&folder, json!({ "budget_usd": 1.5 })),
    );
    let made: Value = serde_json::from_str(&made).unwrap();
    let id = made["id"].as_str().unwrap();
    wait_until(PATIENCE, || {
        ask(&ada, "GET", &format!("/batches/{id}"), &json!({}))
            .1
            .contains("\"completed\"")
    });
    assert_eq!(
        ask(&ada, "PUT", "/batches/last/budget", &json!({ "budget_usd": 2.5 })).0,
        200
    );
    for _ in 0..3 {
        assert_eq!(
            ask(&vic, "GET", &format!("/batches/{id}/documents/1"), &json!({})).0,
            200
        );
    }
    assert_eq!(
        ask(&vic, "POST", &format!("/batches/{id}/cancel"), &json!({})).0,
        403
    );
    let (_, log) = ask(&ada, "GET", "/audit?limit=20", &json!({}));
    let log: Value = serde_json::from_str(&log).unwrap();
    let entries = log["entries"].as_array().unwrap();
    let find =
        |action: &str| -> Vec<&Value> { entries.iter().filter(|entry| entry["action"] == action).collect() };
    let budget = find("put_batches_batch_budget");
    assert_eq!(budget.len(), 1, "{log}");
    assert_eq!(
        budget[0]["target"], id,
        "not by a name that means another batch tomorrow"
    );
    assert_eq!(
        (
            &budget[0]["before"]["budget_usd"],
            &budget[0]["after"]["budget_usd"]
        ),
        (&json!(1.5), &json!(2.5))
    );
    assert_eq!(
        (&budget[0]["who"], &budget[0]["origin"]),
        (&json!("ada"), &json!("127.0.0.1"))
    );
    let read = find("get_batches_batch_documents_document");
    assert_eq!(read.len(), 1, "looking at one document is one reading: {log}");
    assert_eq!(read[0]["target"], format!("{id}/1"));
    assert_eq!(find("post_batches_batch_cancel")[0]["outcome"], "refused (403)");
    assert_eq!(find("post_batches")[0]["target"], id);
    assert_eq!(find("key add").len(), 2);

    // The chain holds, until somebody changes it behind the program's back.
    let verified = program.run(&["audit", "verify"]).succeeds();
    let hash = verified.stdout.rsplit(' ').next().unwrap().trim().to_owned();
    program.run(&["audit", "verify", "--hash", &hash]).succeeds();
    let exported = program.run(&["audit", "export"]).succeeds();
    assert_eq!(exported.stdout.lines().count(), entries.len());
    let database = rusqlite::Connection::open(program.data_dir().join("docmill.db")).unwrap();
    database
        .execute_batch(
            "DROP TRIGGER audit_is_not_changed; DROP TRIGGER audit_is_not_deleted;
             DELETE FROM audit WHERE id = (SELECT max(id) FROM audit);",
        )
        .unwrap();
    program
        .run(&["audit", "verify", "--hash", &hash])
        .fails(1, "no entry has the hash", "cut off");
    database
        .execute("UPDATE audit SET who = 'eve' WHERE id = 3", [])
        .unwrap();
    program
        .run(&["audit", "verify"])
        .fails(1, "entry 3 is not what was written", "2 entries before");
}

/// What the command line does directly on the database is in the log like what the server does.
#[test]
fn what_the_command_line_does_is_written_down() {
    let program = Program::new();
    let (docs, template) = (documents(&program, 4), template(&program));
    let run = rehearsal(&docs, &template, &["--yes", "--quiet", "--no-estimate"]);
    program.run(&run).succeeds();
    let backup = program.path("kept.db").to_str().unwrap().to_owned();
    for words in [
        vec!["budget", "last", "7"],
        vec!["limits", "--day", "9"],
        vec!["show", "last", "1"],
        vec!["export", "last", "--out", "-", "--format", "jsonl"],
        vec!["backup", &backup],
        vec!["retry", "last", "--failed", "--later"],
        vec!["forget", "last", "1", "--yes"],
        vec!["restore", &backup],
    ] {
        program.run(&words).succeeds();
    }
    let log = program.run(&["audit", "list", "--json"]).succeeds().json();
    let entries = log.as_array().unwrap();
    let mut actions: Vec<&str> = entries
        .iter()
        .map(|entry| entry["action"].as_str().unwrap())
        .collect();
    actions.reverse();
    // The backup is put back: what came after it is only in what stood there before.
    assert_eq!(actions, ["run", "budget", "limits", "show", "export", "restore"]);
    let budget = entries.iter().find(|entry| entry["action"] == "budget").unwrap();
    assert_eq!(
        (&budget["after"]["budget_usd"], &budget["via"]),
        (&json!(7.0), &json!("command_line"))
    );
    assert_ne!(budget["before"]["budget_usd"], json!(7.0));
    program.run(&["audit", "verify"]).succeeds();
}

/// Over the API: only an admin may, and not while it is at work; what was learned is gone.
#[test]
fn an_admin_has_a_batch_forgotten_over_the_api() {
    let program = Program::new();
    let ada = format!("Bearer {}", key(&program, "ada", &["--role", "admin"]));
    let otto = format!("Bearer {}", key(&program, "otto", &["--role", "operator"]));
    let folder = pile(&program, "quagmire", 3);
    let server = Server::start(&program, &[]);
    let ask = |who: &str, method: &str, path: &str, body: &Value| {
        let path = format!("/api/v1{path}");
        let (status, body) = server.ask(method, &path, &body.to_string(), &[JSON, ("authorization", who)]);
        (status, serde_json::from_str::<Value>(&body).unwrap_or_default())
    };
    let (_, made) = ask(&ada, "POST", "/batches", &batch(&folder, json!({})));
    let at = format!("/batches/{}", made["id"].as_str().unwrap());
    wait_until(PATIENCE, || {
        ask(&ada, "GET", &at, &json!({})).1["state"] == "completed"
    });
    let forget = format!("{at}/forget");
    assert_eq!(ask(&otto, "POST", &forget, &json!({})).0, 403);
    assert_eq!(
        ask(&ada, "POST", &forget, &json!({"documents": 1})).0,
        400,
        "a field nobody knows"
    );
    let (status, one) = ask(&ada, "POST", &forget, &json!({"document": 2}));
    assert_eq!((status, &one["results"]), (200, &json!(1)), "{one}");
    let (status, all) = ask(&ada, "POST", &forget, &json!({}));
    assert_eq!(
        (status, &all["results"], &all["documents"]),
        (200, &json!(2), &json!(3)),
        "{all}"
    );
    let (_, listed) = ask(&ada, "GET", &format!("{at}/documents"), &json!({}));
    assert!(!listed.to_string().contains("receipt-"), "{listed}");
    let (_, log) = ask(&ada, "GET", "/audit?action=forget", &json!({}));
    assert_eq!(log["entries"].as_array().map(Vec::len), Some(3), "{log}");
    assert!(
        !log.to_string().contains("quagmire/"),
        "not where the documents were: {log}"
    );
}

/// Passwords that were given over the API are sealed, used again after a restart, and forgotten
/// with their batch.
#[test]
fn passwords_of_documents_are_sealed_and_outlive_a_restart() {
    let program = Program::new();
    let folder = pile(&program, "pile", 1);
    let server = Server::start(&program, &[]);
    let (_, made) = server.post("/api/v1/batches", &batch(&folder, json!({})));
    let id = made["id"].as_str().unwrap().to_owned();
    server.reaches(&id, "completed");
    let passwords = json!({"passwords": ["correct horse battery"]});
    let given = server.post(&format!("/api/v1/batches/{id}/passwords"), &passwords);
    assert_eq!(given.0, 200, "{given:?}");
    let kept = || -> i64 {
        let database = rusqlite::Connection::open(program.data_dir().join("docmill.db")).unwrap();
        let sql = "SELECT count(*) FROM kept WHERE shelf = 'passwords'";
        database.query_row(sql, [], |row| row.get(0)).unwrap()
    };
    assert_eq!(kept(), 1);
    drop(server);
    for file in ["docmill.db", "docmill.db-wal"] {
        let bytes = std::fs::read(program.data_dir().join(file)).unwrap_or_default();
        assert!(
            !bytes.windows(13).any(|window| window == b"correct horse"),
            "{file}"
        );
    }
    // With another key they are not known any more, and that is said.
    let other = "ab".repeat(32);
    let server = Server::start_with(&program, &[], &[("DOCMILL_SECRET_KEY", &other)]);
    wait_until(PATIENCE, || {
        server
            .log()
            .iter()
            .any(|line| line.contains("sealed with another key"))
    });
    drop(server);
    let server = Server::start(&program, &[]);
    assert_eq!(
        server.post(&format!("/api/v1/batches/{id}/forget"), &json!({})).0,
        200
    );
    assert_eq!(kept(), 0);
    assert!(
        !server
            .log()
            .iter()
            .any(|line| line.contains("sealed with another key"))
    );
}

/// Opens a stream and returns it with what came first.
fn stream(server: &Server, headers: &str) -> (TcpStream, String) {
    let mut stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let request = format!("GET /api/v1/events HTTP/1.1\r\nhost: 127.0.0.1\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut first = [0; 2048];
    let length = stream.read(&mut first).unwrap();
    (stream, String::from_utf8_lossy(&first[..length]).into_owned())
}

#[test]
fn one_viewer_holds_so_many_streams_and_loses_them_with_the_key() {
    let program = Program::new();
    let ada = key(&program, "ada", &["--role", "admin"]);
    let vic = key(&program, "vic", &["--role", "viewer"]);
    let server = Server::start(&program, &[]);
    let bearer = |key: &str| format!("authorization: Bearer {key}\r\n");
    let mut open = Vec::new();
    let refused = loop {
        let (held, first) = stream(&server, &bearer(&vic));
        if !first.starts_with("HTTP/1.1 200") {
            break first;
        }
        open.push(held);
        assert!(open.len() < 1000, "nobody says stop");
    };
    assert!(refused.starts_with("HTTP/1.1 429"), "{refused}");
    assert!(refused.contains("retry-after"), "{refused}");
    let (_own, first) = stream(&server, &bearer(&ada));
    assert!(
        first.starts_with("HTTP/1.1 200"),
        "others have room of their own: {first}"
    );
    // Whose key is taken away is not told anything any more.
    let path = "/api/v1/keys/vic";
    let admin = format!("Bearer {ada}");
    assert_eq!(
        server.ask("DELETE", path, "", &[("authorization", &admin)]).0,
        204
    );
    for mut held in open {
        let mut rest = Vec::new();
        held.read_to_end(&mut rest).unwrap();
    }
}

#[test]
fn who_opens_a_request_and_says_nothing_is_let_go() {
    let program = Program::new();
    let server = Server::start(&program, &[]);
    let half = |text: &str| {
        let mut stream = TcpStream::connect(("127.0.0.1", server.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(text.as_bytes()).unwrap();
        stream
    };
    let held = [
        half(""),
        half("GET /healthz HTTP/1.1\r\nhost: 127."),
        half(
            "POST /api/v1/templates/check HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{",
        ),
    ];
    for mut stream in held {
        let mut rest = Vec::new();
        // Ends by itself, with an answer or without one; an error would be that it never did.
        stream.read_to_end(&mut rest).unwrap();
    }
}
