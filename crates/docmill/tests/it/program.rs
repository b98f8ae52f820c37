//! Runs the program, each test with a folder of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// The program with a home of its own.
pub struct Program {
    home: TempDir,
}

/// What a run of it gave.
#[derive(Debug)]
pub struct Ran {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Program {
    pub fn new() -> Self {
        Self {
            home: tempfile::tempdir().unwrap(),
        }
    }

    /// A path below its home.
    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub fn data_dir(&self) -> PathBuf {
        self.path("data")
    }

    /// Writes a file below its home.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    /// The command with nothing of this machine's settings in it.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_docmill"));
        command
            .args(arguments)
            .current_dir(self.home.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home.path())
            .env("DOCMILL_DATA_DIR", self.data_dir())
            .stdin(Stdio::null());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        Ran::of(self.command(arguments).output().unwrap())
    }
}

impl Ran {
    pub fn of(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self {
            status: output.status.code().unwrap_or(-1),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }

    #[track_caller]
    pub fn succeeds(self) -> Self {
        assert_eq!(self.status, 0, "{self:?}");
        self
    }

    /// Ended with this status, said this first, and gave a hint with these words.
    #[track_caller]
    pub fn fails(self, status: i32, error: &str, hint: &str) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        let mut lines = self.stderr.lines();
        let first = lines.find(|line| line.starts_with("error: ")).unwrap_or_default();
        assert!(first.contains(error), "{error:?} in {self:?}");
        let second = lines.next().unwrap_or_default();
        assert!(
            second.starts_with("hint: ") && second.contains(hint),
            "{hint:?} in {self:?}"
        );
        assert!(
            self.stderr.lines().count() <= 24,
            "one screen is enough: {self:?}"
        );
        for debris in ["Error {", "panicked", "RUST_BACKTRACE", "Some(", "Err("] {
            assert!(!self.stderr.contains(debris), "{self:?}");
        }
        self
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// The words of a rehearsal: everything but the model is real.
pub fn rehearsal<'a>(docs: &'a str, template: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let model = "sim/openai/gpt-4o-mini";
    let mut words = vec!["run", docs, "--template", template, "--model", model];
    words.extend(more);
    words
}

/// A template of two fields.
pub fn template(program: &Program) -> String {
    let schema = r#"{"type": "object", "properties": {
        "vendor": {"type": "string"}, "total": {"type": "number"},
        "items": {"type": "array", "items": {"type": "object", "properties": {"text": {"type": "string"}}}}
    }}"#;
    as_text(&program.write("small.json", schema))
}

/// A folder of `count` text documents.
pub fn documents(program: &Program, count: usize) -> String {
    for number in 0..count {
        let text = format!("Corner Shop\nReceipt {number}\nTotal: {number}.50\n");
        program.write(&format!("docs/{number:03}.txt"), text);
    }
    as_text(&program.path("docs"))
}

pub fn as_text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}
