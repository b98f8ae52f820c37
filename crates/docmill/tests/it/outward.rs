//! What a server can be made to read and to call, by those who may start batches on it.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::symlink;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::program::Program;
use crate::server::{PATIENCE, Server, batch, pile, wait_until};

/// Something inside the network that was never meant for users of docmill.
struct Internal {
    url: String,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Internal {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let heard: Arc<Mutex<Vec<String>>> = Arc::default();
        let log = Arc::clone(&heard);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut request = [0; 4096];
                let read = stream.read(&mut request).unwrap_or(0);
                log.lock()
                    .unwrap()
                    .push(String::from_utf8_lossy(&request[..read]).into_owned());
                let body = r#"{"error": {"message": "INTERNAL-SECRET"}}"#;
                let _gone = write!(
                    stream,
                    "HTTP/1.1 404 Not Found\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
                    body.len()
                );
            }
        });
        Self { url, heard }
    }

    fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}

fn key(program: &Program, name: &str, role: &str) -> String {
    let ran = program.run(&["key", "add", name, "--role", role]).succeeds();
    format!("Bearer {}", ran.stdout.trim())
}

/// Asks for a batch at this address, with this key.
fn order(server: &Server, authorization: &str, folder: &str, url: &str) -> (u16, String) {
    let price = json!({ "input_usd_per_million": 0.0, "output_usd_per_million": 0.0 });
    let more = json!({ "model": "some-model", "base_url": url, "price": price });
    let headers = [
        ("content-type", "application/json"),
        ("authorization", authorization),
    ];
    server.ask(
        "POST",
        "/api/v1/batches",
        &batch(folder, more).to_string(),
        &headers,
    )
}

#[test]
fn an_operator_cannot_make_the_server_call_inside_its_network() {
    let program = Program::new();
    let folder = pile(&program, "pile", 1);
    let _admin = key(&program, "ada", "admin");
    let operator = key(&program, "olga", "operator");
    let internal = Internal::start();
    let server = Server::start_with(&program, &[], &[("DOCMILL_API_KEY", "sk-of-the-server")]);
    let port = internal.url.trim_end_matches("/v1").rsplit(':').next().unwrap();
    for host in [
        "127.0.0.1",
        "localhost",
        "[::ffff:127.0.0.1]",
        "2130706433",
        "169.254.169.254",
    ] {
        let (status, body) = order(&server, &operator, &folder, &format!("http://{host}:{port}/v1"));
        assert!((400..500).contains(&status), "{host}: {status} {body}");
        assert!(!body.contains("INTERNAL-SECRET"), "{host}: {body}");
    }
    assert_eq!(internal.heard(), Vec::<String>::new(), "nobody called");
    let (_, refused) = order(&server, &operator, &folder, &internal.url);
    assert!(refused.contains("--model-address"), "{refused}");
}

#[test]
fn a_key_goes_where_an_admin_says() {
    let program = Program::new();
    let folder = pile(&program, "pile", 1);
    let admin = key(&program, "ada", "admin");
    let operator = key(&program, "olga", "operator");
    let environment = [("DOCMILL_API_KEY", "sk-of-the-server")];
    let internal = Internal::start();
    let server = Server::start_with(&program, &[], &environment);
    // An admin names it: it is called with the key, and what it says is shown.
    let (_, body) = order(&server, &admin, &folder, &internal.url);
    assert!(
        body.contains("INTERNAL-SECRET") || !internal.heard().is_empty(),
        "{body}"
    );
    assert!(
        internal
            .heard()
            .iter()
            .all(|head| head.contains("sk-of-the-server"))
    );
    drop(server);
    // The start of the server names it: operators may choose it.
    let named = Internal::start();
    let server = Server::start_with(&program, &["--model-address", &named.url], &environment);
    let _answered = order(&server, &operator, &folder, &named.url);
    assert!(!named.heard().is_empty());
    assert!(named.heard().iter().all(|head| head.contains("sk-of-the-server")));
}

/// The issue's attack: a link in an allowed folder, and its target's text over the API.
#[test]
fn a_link_in_an_allowed_folder_serves_nothing() {
    let program = Program::new();
    let folder = pile(&program, "allowed/pile", 1);
    program.write("secret/passwd.txt", "TOP-SECRET");
    let (inside, secret) = (program.path("allowed/pile"), program.path("secret"));
    symlink(secret.join("passwd.txt"), inside.join("file.txt")).unwrap();
    symlink(&secret, inside.join("folder")).unwrap();
    let root = program.path("allowed");
    for arguments in [vec!["--root", root.to_str().unwrap()], vec![]] {
        let server = Server::start(&program, &arguments);
        let (status, made) = server.post("/api/v1/batches", &batch(&folder, json!({})));
        assert_eq!(status, 201, "{made}");
        let id = made["id"].as_str().unwrap();
        server.reaches(id, "completed");
        let list = server.get(&format!("/api/v1/batches/{id}/documents"));
        assert_eq!(list["documents"].as_array().map(Vec::len), Some(1), "{list}");
    }
}

/// The document is listed, and only then becomes a link.
#[test]
fn a_document_that_becomes_a_link_is_not_shown() {
    let program = Program::new();
    let folder = pile(&program, "pile", 1);
    program.write("secret.txt", "TOP-SECRET");
    let server = Server::start(&program, &[]);
    let (_, made) = server.post("/api/v1/batches", &batch(&folder, json!({})));
    let id = made["id"].as_str().unwrap();
    server.reaches(id, "completed");
    let document = program.path("pile/receipt-0000.txt");
    let content = format!("/api/v1/batches/{id}/documents/1/content");
    assert_eq!(server.ask("GET", &content, "", &[]).0, 200);
    std::fs::remove_file(&document).unwrap();
    symlink(program.path("secret.txt"), &document).unwrap();
    let (status, body) = server.ask("GET", &content, "", &[]);
    assert!(status >= 400 && !body.contains("TOP-SECRET"), "{status} {body}");
    // Nor is what took its place as a file: it is not what was read.
    std::fs::remove_file(&document).unwrap();
    std::fs::write(&document, "something else").unwrap();
    let (status, body) = server.ask("GET", &content, "", &[]);
    assert!(
        status >= 400 && body.contains("source_changed"),
        "{status} {body}"
    );
}

/// A batch of the command line lies where a server started with `--root` may not read.
#[test]
fn a_batch_from_elsewhere_waits_with_the_reason() {
    let program = Program::new();
    let folder = pile(&program, "elsewhere", 1);
    program.write("allowed/x.txt", "x");
    let root = program.path("allowed");
    let server = Server::start(&program, &["--root", root.to_str().unwrap()]);
    let words = ["estimate", &folder, "--template", "receipt"];
    program.run(&words).succeeds();
    let list = server.get("/api/v1/batches");
    let id = list["batches"][0]["id"].as_str().unwrap().to_owned();
    let (status, body) = server.post(&format!("/api/v1/batches/{id}/start"), &json!({}));
    assert!(status < 500, "{status} {body}");
    let row = || -> Value { server.get(&format!("/api/v1/batches/{id}")) };
    wait_until(PATIENCE, || row()["state"] == "paused");
    assert!(row()["reason"].as_str().unwrap().contains("--root"), "{}", row());
}

#[test]
fn a_file_that_changed_since_it_was_added_is_told_and_read_when_asked() {
    let program = Program::new();
    let folder = pile(&program, "pile", 2);
    let estimate = ["estimate", &folder, "--template", "receipt"];
    program.run(&estimate).succeeds();
    program.write("pile/receipt-0001.txt", "RECEIPT\nAnother Shop\nTOTAL 9.25 EUR\n");
    let ran = program.run(&["resume", "last"]);
    assert!(
        ran.stderr.contains("changed") || ran.stdout.contains("changed"),
        "{ran:?}"
    );
    let failed = program.run(&["list", "last", "--json"]).succeeds();
    assert!(failed.stdout.contains("source_changed"), "{failed:?}");
    program.run(&["retry", "last", "--failed"]).succeeds();
    let _ended = program.run(&["resume", "last"]);
    let shown = program.run(&["show", "last", "2", "--json"]).succeeds();
    assert!(shown.stdout.contains("9.25"), "{shown:?}");
}
