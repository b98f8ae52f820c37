//! A running server, asked over HTTP.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use docmill_testkit::process::Process;
use serde_json::{Value, json};

use crate::program::Program;

/// How long anything may take on a busy machine.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Waits for something to be so.
#[track_caller]
pub fn wait_until(limit: Duration, mut condition: impl FnMut() -> bool) {
    docmill_testkit::wait_until("the server", limit, || condition().then_some(())).unwrap();
}

/// A running server, killed when dropped.
pub struct Server {
    pub process: Process,
    pub port: u16,
    log: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub fn start(program: &Program, arguments: &[&str]) -> Self {
        Self::start_with(program, arguments, &[])
    }

    pub fn start_with(program: &Program, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let mut all = vec!["serve"];
        all.extend(arguments);
        if !arguments.contains(&"--listen") {
            all.extend(["--listen", "127.0.0.1:0"]);
        }
        let mut command = program.command(&all);
        command.envs(environment.iter().copied());
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut process = Process::start(&mut command).unwrap();
        let mut lines = BufReader::new(process.take_stderr().unwrap()).lines();
        let port = lines
            .find_map(|line| line.unwrap().rsplit_once(":").map(|(_, rest)| rest.to_owned()))
            .and_then(|rest| rest.split('/').next().and_then(|port| port.parse().ok()))
            .unwrap();
        // A full pipe must not stop the server.
        let log = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&log);
        std::thread::spawn(move || {
            lines
                .map_while(Result::ok)
                .for_each(|line| kept.lock().unwrap().push(line));
        });
        Self { process, port, log }
    }

    /// Sends a request; returns the status and the body.
    pub fn ask(&self, method: &str, path: &str, body: &str, headers: &[(&str, &str)]) -> (u16, String) {
        let (status, _, body) = self.ask_whole(method, path, body, headers);
        (status, body)
    }

    /// Sends a request; returns the status, the head of the answer in lower case, and the body.
    pub fn ask_whole(
        &self,
        method: &str,
        path: &str,
        body: &str,
        headers: &[(&str, &str)],
    ) -> (u16, String, String) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut request = format!(
            "{method} {path} HTTP/1.1\r\nconnection: close\r\ncontent-length: {}\r\n",
            body.len()
        );
        if !headers.iter().any(|(name, _)| *name == "host") {
            request.push_str(&format!("host: 127.0.0.1:{}\r\n", self.port));
        }
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str("\r\n");
        request.push_str(body);
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split_whitespace().nth(1).unwrap().parse().unwrap();
        let body = if head.to_ascii_lowercase().contains("transfer-encoding: chunked") {
            unchunked(body)
        } else {
            body.to_owned()
        };
        (status, head.to_ascii_lowercase(), body)
    }

    /// What it wrote into its log so far.
    pub fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    pub fn get(&self, path: &str) -> Value {
        let (status, body) = self.ask("GET", path, "", &[]);
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).unwrap()
    }

    pub fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let headers = [("content-type", "application/json")];
        let (status, body) = self.ask("POST", path, &body.to_string(), &headers);
        (status, serde_json::from_str(&body).unwrap_or(Value::Null))
    }

    pub fn reaches(&self, batch: &str, state: &str) {
        wait_until(PATIENCE, || {
            self.get(&format!("/api/v1/batches/{batch}"))["state"] == state
        });
    }
}

fn unchunked(body: &str) -> String {
    let mut whole = String::new();
    let mut rest = body;
    while let Some((size, after)) = rest.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).unwrap();
        if size == 0 {
            break;
        }
        whole.push_str(&after[..size]);
        rest = &after[size + 2..];
    }
    whole
}

/// A folder of receipts, all different.
pub fn pile(program: &Program, name: &str, documents: usize) -> String {
    for number in 0..documents {
        let text =
            format!("RECEIPT {name} {number}\nThe Corner Shop\nDate: 2026-03-01\nTOTAL {number}.50 EUR\n");
        program.write(&format!("{name}/receipt-{number:04}.txt"), text);
    }
    program.path(name).to_str().unwrap().to_owned()
}

/// What creates a batch and starts it.
pub fn batch(source: &str, more: Value) -> Value {
    let mut body = json!({ "sources": [source], "template": "receipt", "model": "offline", "start": true });
    body.as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    body
}
