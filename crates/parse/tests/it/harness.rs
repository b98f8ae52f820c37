//! A reader with the real worker, and a few words for what is asked of it.

use std::path::PathBuf;
use std::time::Duration;

use docmill_core::failure::Failure;
use docmill_core::page::ParsedDocument;
use docmill_parse::sandbox::{Config, Sandbox};
use docmill_parse::{Documents, ReadOptions, ReadRequest, Reader as _};

/// How the worker is started in these tests. The limits are wide: the machine may be busy.
pub fn config() -> Config {
    Config {
        program: PathBuf::from(env!("CARGO_BIN_EXE_docmill-parse-worker")),
        arguments: Vec::new(),
        children: 1,
        limit: Duration::from_secs(60),
        ocr_limit: Duration::from_secs(120),
    }
}

/// A reader with one worker.
pub fn reader() -> Documents {
    Documents::new(Sandbox::new(config()))
}

/// A request without passwords.
pub fn request(name: &str, content: impl Into<Vec<u8>>) -> ReadRequest {
    ReadRequest {
        name: name.to_owned(),
        content: content.into().into(),
        passwords: Vec::new(),
        options: ReadOptions::default(),
    }
}

/// Reads a document.
pub async fn read(name: &str, content: impl Into<Vec<u8>>) -> Result<ParsedDocument, Failure> {
    reader().read(request(name, content)).await
}

/// The text of all pages.
pub async fn text(name: &str, content: impl Into<Vec<u8>>) -> String {
    let reading = read(name, content).await.expect("a document that can be read");
    reading
        .pages
        .iter()
        .map(|page| page.text.as_str())
        .collect::<Vec<_>>()
        .join("\n----\n")
}
