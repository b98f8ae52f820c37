//! Alerts: somebody listens, and hears of it once.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};

use crate::program::Program;
use crate::server::{PATIENCE, Server, batch, pile, wait_until};

/// What was posted: the header lines and the body.
type Heard = Arc<Mutex<Vec<(String, String)>>>;

/// Listens to webhooks; the first `refused` are answered with an error.
fn listener(mut refused: usize) -> (String, Heard) {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", socket.local_addr().unwrap());
    let heard = Heard::default();
    let list = heard.clone();
    std::thread::spawn(move || {
        for stream in socket.incoming() {
            let mut stream = stream.unwrap();
            let Some(request) = request(&stream) else { continue };
            list.lock().unwrap().push(request);
            let answer = if refused > 0 {
                refused -= 1;
                "HTTP/1.1 503 Not Now\r\ncontent-length: 4\r\nconnection: close\r\n\r\nbusy"
            } else {
                "HTTP/1.1 200 OK\r\ncontent-length: 6\r\nconnection: close\r\n\r\nthanks"
            };
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    (url, heard)
}

fn request(stream: &TcpStream) -> Option<(String, String)> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    let mut length = 0;
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).ok()? == 0 || line == "\r\n" {
            break;
        }
        let line = line.to_ascii_lowercase();
        if let Some(value) = line.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        head.push_str(&line);
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((head, String::from_utf8(body).unwrap()))
}

/// A mail server that takes one letter after the other.
fn mail_server() -> (String, Arc<Mutex<String>>) {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("smtp://{}", socket.local_addr().unwrap());
    let letters = Arc::new(Mutex::new(String::new()));
    let box_ = letters.clone();
    std::thread::spawn(move || {
        for stream in socket.incoming() {
            let stream = stream.unwrap();
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
            let say = |text: &str| (&stream).write_all(format!("{text}\r\n").as_bytes()).unwrap();
            say("220 stand-in");
            while let Some(Ok(line)) = lines.next() {
                match line.split(' ').next().unwrap_or_default() {
                    "DATA" => {
                        say("354 go on");
                        for line in lines
                            .by_ref()
                            .map_while(Result::ok)
                            .take_while(|line| line != ".")
                        {
                            let mut letters = box_.lock().unwrap();
                            letters.push_str(&line);
                            letters.push('\n');
                        }
                        say("250 taken");
                    }
                    "QUIT" => {
                        say("221 bye");
                        break;
                    }
                    _ => say("250 fine"),
                }
            }
        }
    });
    (url, letters)
}

fn put(server: &Server, name: &str, rule: &Value) -> (u16, String) {
    let headers = [("content-type", "application/json")];
    let path = format!("/api/v1/alerts/{name}");
    server.ask("PUT", &path, &rule.to_string(), &headers)
}

#[test]
fn an_end_is_told_once_and_signed_even_when_the_listener_was_busy() {
    let program = Program::new();
    let folder = pile(&program, "pile", 3);
    let (url, heard) = listener(1);
    let mut server = Server::start(&program, &["--private-webhooks"]);
    let rule = json!({ "when": "finished", "to": "webhook", "url": url, "secret": "cheese" });
    let (status, kept) = put(&server, "ends", &rule);
    assert_eq!(status, 200, "{kept}");
    assert!(!kept.contains("cheese"), "a secret is never shown again: {kept}");

    let (_, made) = server.post("/api/v1/batches", &batch(&folder, json!({})));
    let id = made["id"].as_str().unwrap().to_owned();
    server.reaches(&id, "completed");
    // Refused once, told again.
    wait_until(PATIENCE, || {
        server.get("/api/v1/deliveries")["deliveries"][0]["outcome"] == "delivered"
    });
    let delivery = server.get("/api/v1/deliveries")["deliveries"][0].clone();
    assert_eq!(
        (&delivery["tries"], &delivery["answer"]),
        (&json!(2), &json!("200 thanks"))
    );

    let (head, body) = heard.lock().unwrap()[1].clone();
    let told: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(told["batch"], id);
    assert!(
        told["text"].as_str().unwrap().contains("3 completed, 0 failed"),
        "{told}"
    );
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(b"cheese").unwrap();
    mac.update(body.as_bytes());
    let signature: String = mac
        .finalize()
        .into_bytes()
        .iter()
        .map(|it| format!("{it:02x}"))
        .collect();
    assert!(
        head.contains(&format!("x-docmill-signature: sha256={signature}")),
        "{head}"
    );

    // Neither another look nor a restart tells it again; a second batch is another occasion.
    server.process.kill().unwrap();
    let server = Server::start(&program, &["--private-webhooks"]);
    let more = pile(&program, "more", 2);
    let (_, made) = server.post("/api/v1/batches", &batch(&more, json!({})));
    let second = made["id"].as_str().unwrap().to_owned();
    wait_until(PATIENCE, || {
        let deliveries = server.get("/api/v1/deliveries");
        deliveries["deliveries"][0]["batch"] == second
            && deliveries["deliveries"][0]["outcome"] == "delivered"
    });
    let about: Vec<String> = heard
        .lock()
        .unwrap()
        .iter()
        .map(|(_, body)| body.clone())
        .collect();
    assert_eq!(about.len(), 3, "{about:?}");
    assert!(about[2].contains(&second));
}

#[test]
fn a_test_button_says_what_the_other_side_said() {
    let program = Program::new();
    let (url, heard) = listener(1);
    let (mail, letters) = mail_server();
    let environment = [
        ("DOCMILL_SMTP_URL", mail.as_str()),
        ("DOCMILL_SMTP_FROM", "docmill <mill@example.org>"),
    ];
    let server = Server::start_with(&program, &["--private-webhooks"], &environment);
    let test = |name: &str| server.post(&format!("/api/v1/alerts/{name}/test"), &json!({})).1;

    put(
        &server,
        "chat",
        &json!({ "when": "finished", "to": "slack", "url": url }),
    );
    assert_eq!(test("chat"), json!({ "delivered": false, "answer": "503 busy" }));
    assert_eq!(test("chat")["delivered"], true);
    let (_, body) = heard.lock().unwrap()[1].clone();
    assert_eq!(
        body,
        json!({ "text": "This is a test of docmill's alerts" }).to_string()
    );

    put(
        &server,
        "mail",
        &json!({ "when": "finished", "to": "email", "address": "ann@example.org" }),
    );
    assert_eq!(test("mail")["delivered"], true, "{}", test("mail"));
    let letters = letters.lock().unwrap().clone();
    assert!(letters.contains("Subject: docmill: mail"), "{letters}");
    assert!(letters.contains("To: ann@example.org"), "{letters}");

    for (field, rule) in [
        (
            "percent",
            json!({ "when": "budget_used", "percent": 0, "to": "slack", "url": url }),
        ),
        ("when", json!({ "when": "full moon", "to": "slack", "url": url })),
        (
            "url",
            json!({ "when": "finished", "to": "slack", "url": "file:///etc/passwd" }),
        ),
        (
            "address",
            json!({ "when": "finished", "to": "email", "address": "nobody" }),
        ),
    ] {
        let (status, problem) = put(&server, "wrong", &rule);
        assert_eq!(status, 422, "{problem}");
        assert!(problem.contains(field), "{problem}");
    }
}

#[test]
fn the_address_of_a_webhook_is_a_secret_of_admins() {
    let program = Program::new();
    let key = |name: &str, role: &str| {
        let ran = program.run(&["key", "add", name, "--role", role]).succeeds();
        format!("Bearer {}", ran.stdout.trim())
    };
    let (admin, viewer) = (key("ada", "admin"), key("vic", "viewer"));
    let server = Server::start(&program, &[]);
    let url = "https://user:word@hooks.example.org/services/T0/s3cret";
    let rule = json!({ "when": "finished", "to": "slack", "url": url }).to_string();
    let headers = |key: &str| {
        [
            ("content-type", "application/json".to_owned()),
            ("authorization", key.to_owned()),
        ]
    };
    let ask = |method: &str, path: &str, body: &str, key: &str| {
        let headers = headers(key);
        let headers: Vec<(&str, &str)> = headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        server.ask(method, path, body, &headers)
    };
    assert_eq!(ask("PUT", "/api/v1/alerts/chat", &rule, &viewer).0, 403);
    assert_eq!(ask("PUT", "/api/v1/alerts/chat", &rule, &admin).0, 200);
    assert!(ask("GET", "/api/v1/alerts", "", &admin).1.contains("s3cret"));
    let (status, shown) = ask("GET", "/api/v1/alerts", "", &viewer);
    assert_eq!(status, 200);
    assert!(shown.contains("https://hooks.example.org/…"), "{shown}");
    assert!(!shown.contains("s3cret") && !shown.contains("word"), "{shown}");
}

#[test]
fn nothing_is_posted_into_the_private_network_unless_allowed() {
    let program = Program::new();
    let (url, heard) = listener(0);
    let server = Server::start(&program, &[]);
    for target in [url.clone(), url.replace("127.0.0.1", "localhost")] {
        put(
            &server,
            "inside",
            &json!({ "when": "finished", "to": "webhook", "url": target }),
        );
        let (_, tried) = server.post("/api/v1/alerts/inside/test", &json!({}));
        assert_eq!(tried["delivered"], false, "{target}");
        assert!(
            tried["answer"].as_str().unwrap().contains("--private-webhooks"),
            "{tried}"
        );
    }
    assert!(heard.lock().unwrap().is_empty());
}
