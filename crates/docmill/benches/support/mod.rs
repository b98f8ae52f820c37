//! What the benchmarks of the whole way have in common: documents, the stand-in, docmill as a
//! user starts it, a bare client, and what the system says about processes.
#![expect(dead_code, reason = "each benchmark uses its part")]

use std::fmt::Write as _;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use docmill_core::page::{Page, TextOrigin};
use docmill_core::template::{Reading, Template};
use docmill_llm::{Request, prompt};
use docmill_testkit::process::{Process, StandinProcess, built_binary};
use serde_json::Value;

pub const SCHEMA: &str = r#"{"type": "object", "title": "delivery", "properties": {
    "number": {"type": "string"}, "date": {"type": "string"}, "seller": {"type": "string"},
    "buyer": {"type": "string"}, "total": {"type": "number"}}}"#;

/// A folder with everything a benchmark needs.
pub struct Place {
    pub folder: tempfile::TempDir,
    standin: PathBuf,
}

impl Place {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("delivery.json"), SCHEMA).unwrap();
        Self {
            standin: built_binary("docmill-standin").unwrap(),
            folder,
        }
    }

    /// A folder of text documents, a thousand in each folder below it.
    pub fn documents(&self, name: &str, documents: usize, lines: usize) -> PathBuf {
        let folder = self.folder.path().join(name);
        for number in 0..documents {
            let below = folder.join(format!("{:03}", number / 1000));
            if number % 1000 == 0 {
                fs::create_dir_all(&below).unwrap();
            }
            let file = below.join(format!("delivery-{number:06}.txt"));
            fs::write(file, content(name, number, lines)).unwrap();
        }
        folder
    }

    pub fn standin(&self, behaviour: &str) -> StandinProcess {
        StandinProcess::start(&self.standin, ["--behaviour".into(), behaviour.into()]).unwrap()
    }

    /// `docmill` on a data folder of this name.
    pub fn docmill(&self, data: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_docmill"));
        command
            .env_clear()
            .arg("--data-dir")
            .arg(self.data(data))
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        command
    }

    /// `docmill run` as a user starts it.
    pub fn run(&self, data: &str, documents: &Path, standin: &StandinProcess, words: &[&str]) -> Process {
        let mut command = self.docmill(data);
        command
            .arg("run")
            .arg(documents)
            .arg("--template")
            .arg(self.folder.path().join("delivery.json"))
            .args(["--model", "openai/gpt-4o-mini", "--base-url", &standin.base_url()])
            .args(["--yes", "--quiet"])
            .args(words)
            .stderr(Stdio::null());
        Process::start(&mut command).unwrap()
    }

    pub fn data(&self, name: &str) -> PathBuf {
        self.folder.path().join("data").join(name)
    }

    pub fn number(&self, data: &str, sql: &str) -> Option<i64> {
        let path = self.data(data).join("docmill.db");
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
        let database = rusqlite::Connection::open_with_flags(path, flags).ok()?;
        database.query_row(sql, [], |row| row.get(0)).ok()?
    }
}

/// Asks the stand-in something; the body of its answer.
pub fn ask(standin: &StandinProcess, method: &str, path: &str, body: &str) -> Value {
    let url = standin.base_url();
    let address = url.trim_start_matches("http://").trim_end_matches("/v1");
    let mut stream = TcpStream::connect(address).unwrap();
    let length = body.len();
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    serde_json::from_str(body).unwrap_or(Value::Null)
}

/// Changes how the stand-in behaves.
pub fn behave(standin: &StandinProcess, changes: &str) {
    ask(standin, "POST", "/control", changes);
}

/// A number of the stand-in's books.
pub fn booked(standin: &StandinProcess, name: &str) -> u64 {
    let totals = ask(standin, "GET", "/totals", "");
    totals.get(name).and_then(Value::as_u64).unwrap_or(0)
}

pub fn content(name: &str, number: usize, lines: usize) -> String {
    let mut text = format!("Delivery note {name} 2026-{number:06}\nNorth Harbour Tools Ltd.\n2026-03-14\n");
    for line in 0..lines {
        let _ = writeln!(
            text,
            "{line:3}  Article {number}-{line} with a description of usual length   {line}.50 EUR"
        );
    }
    let _ = writeln!(text, "Total {}.50 EUR", number % 900);
    text
}

pub fn files(folder: &Path) -> Vec<PathBuf> {
    let below = |folder: &Path| -> Vec<PathBuf> {
        fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect()
    };
    below(folder).iter().flat_map(|folder| below(folder)).collect()
}

pub fn template() -> Template {
    Template {
        name: "delivery".into(),
        description: String::new(),
        instructions: String::new(),
        reading: Reading::Auto,
        schema: serde_json::from_str(SCHEMA).unwrap(),
        checks: Vec::new(),
    }
}

pub fn request(template: &Arc<Template>, system: &Arc<str>, text: String) -> Request {
    let pages = Arc::new(vec![Page {
        number: 1,
        label: None,
        width: 0.0,
        height: 0.0,
        text,
        words: Vec::new(),
        origin: TextOrigin::Native,
    }]);
    Request {
        model: "gpt-4o-mini".into(),
        system: Arc::clone(system),
        text: prompt::document(&pages),
        images: Vec::new(),
        template: Arc::clone(template),
        pages,
        repair: None,
        max_output_tokens: 500,
        call_id: String::new(),
    }
}

/// Processor time of a process so far, user and system; nothing when it is gone.
pub fn processor_time(id: &str) -> Duration {
    let stat = fs::read_to_string(Path::new("/proc").join(id).join("stat")).unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks: u64 = after_name
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<u64>().ok())
        .sum();
    // Linux has told ticks of 1/100 s to user space since its first days.
    Duration::from_millis(10 * ticks)
}

/// The most memory a process has had so far.
pub fn peak_megabytes(id: &str) -> u64 {
    let status = fs::read_to_string(Path::new("/proc").join(id).join("status")).unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kilobytes = line
        .and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok())
        .unwrap_or(0);
    kilobytes / 1024
}
