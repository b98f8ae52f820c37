//! The port: what is asked of a reader, and what it gives.

use async_trait::async_trait;
use bytes::Bytes;
use docmill_core::failure::Failure;
use docmill_core::page::{PageImage, ParsedDocument};
use serde::{Deserialize, Serialize};

/// How page images are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ImageOptions {
    /// Dots per inch for formats that have inches.
    pub dpi: u32,
    /// Longest edge in pixels; larger pictures are scaled down.
    pub max_edge: u32,
    /// First page to render, from 1.
    pub first_page: u32,
    /// Pages to render at most.
    pub max_pages: u32,
}

/// Whether pictures of text are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ocr {
    /// Pages without a text layer, when an engine is installed.
    #[default]
    Auto,
    /// Never.
    Off,
}

/// What reads pictures of text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OcrEngine {
    /// The tesseract program: fast, and good on clean scans.
    #[default]
    Tesseract,
    /// The networks of PP-OCR: right far more often on photographs and till receipts.
    PpOcr,
}

impl OcrEngine {
    /// All of them, the better one first.
    pub const ALL: [Self; 2] = [Self::PpOcr, Self::Tesseract];

    /// Its name, as settings give it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tesseract => "tesseract",
            Self::PpOcr => "pp-ocr",
        }
    }
}

/// What is wanted of a reading. Everything here decides the result, so it is part
/// of the key under which a reading is cached.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ReadOptions {
    /// Text recognition.
    pub ocr: Ocr,
    /// What reads them.
    pub ocr_engine: OcrEngine,
    /// Languages as tesseract names them ("eng", "eng+deu"); empty: what is installed of a sensible default.
    pub ocr_languages: String,
    /// Pages to read at most; 0: the built-in limit.
    pub max_pages: u32,
}

/// A document to read.
#[derive(Debug, Clone)]
pub struct ReadRequest {
    /// The file's name, for messages and as a last hint where content does not tell (CSV or TSV).
    pub name: String,
    /// The content.
    pub content: Bytes,
    /// Passwords to try on encrypted documents, in order.
    pub passwords: Vec<String>,
    /// What is wanted.
    pub options: ReadOptions,
}

/// The port: something that reads documents.
#[async_trait]
pub trait Reader: Send + Sync {
    /// Pages of text with the place of each word.
    ///
    /// # Errors
    /// When nothing can be read; a document of which *something* can be read comes back
    /// as a partial result with notes.
    async fn read(&self, request: ReadRequest) -> Result<ParsedDocument, Failure>;

    /// Pages as pictures (PDF and images; other formats have none: an empty list).
    ///
    /// # Errors
    /// When the content cannot be rendered.
    async fn render(&self, request: ReadRequest, images: ImageOptions) -> Result<Vec<PageImage>, Failure>;
}
