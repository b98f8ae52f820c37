//! What reading a document gave: pages of text, with the place of each word
//! where the format has places.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::document::{Class, Kind, UnknownName};
use crate::named_enum;

/// How the label of a page begins that tells an invoice's own data (Factur-X, ZUGFeRD, XRechnung)
/// in lines: what stands there is what its issuer meant, whatever the picture of it shows.
pub const INVOICE_AS_DATA: &str = "Invoice as data";

/// A rectangle on a page, in points (1/72 inch) from the **top left** corner.
/// For images one pixel counts as one point.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct BBox {
    /// Left edge.
    pub x0: f32,
    /// Top edge.
    pub y0: f32,
    /// Right edge.
    pub x1: f32,
    /// Bottom edge.
    pub y1: f32,
}

impl BBox {
    /// The smallest rectangle around both.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self {
            x0: self.x0.min(other.x0),
            y0: self.y0.min(other.y0),
            x1: self.x1.max(other.x1),
            y1: self.y1.max(other.y1),
        }
    }
}

/// A word of a page: the bytes `start..end` of [`Page::text`], and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Word {
    /// First byte in the page's text. Always a character boundary.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
    /// Place on the page.
    pub bbox: BBox,
    /// OCR confidence, 0 to 100; `None` for text that was not guessed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<u8>,
}

/// Where the text of a page came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TextOrigin {
    /// The document carries it as text.
    Native,
    /// Read from the picture of the page.
    Ocr,
    /// There is none: a picture without text recognition, or an empty page.
    None,
}

/// One page. Formats without pages have parts that serve as such: a sheet, a
/// slide, the body of an e-mail, a whole text file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Page {
    /// Number from 1.
    pub number: u32,
    /// What the part is called, where it has a name: the sheet's, the slide's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Width in points; 0 where the format has no pages.
    pub width: f32,
    /// Height in points; 0 where the format has no pages.
    pub height: f32,
    /// The text in reading order; spreadsheets and tables as Markdown.
    pub text: String,
    /// The words of `text` in order, with their places. Empty where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub words: Vec<Word>,
    /// Where the text came from.
    pub origin: TextOrigin,
}

/// What reading a document gave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ParsedDocument {
    /// What the document is, by its content.
    pub kind: Kind,
    /// What it is likely to cost to process.
    pub class: Class,
    /// IANA media type found in the content ("application/pdf").
    pub media_type: String,
    /// Pages the document has. May be more than `pages.len()` when reading stopped early.
    pub page_count: u32,
    /// The pages that could be read.
    pub pages: Vec<Page>,
    /// What a person should know about the reading: above all what of the document was
    /// not read, and why.
    #[serde(default)]
    pub findings: Vec<ReadingFinding>,
}

named_enum! {
    /// What a finding about a reading means for the result.
    FindingKind, "kind of finding" {
        /// Something that stands in the document was not read: a page failed, a chart has no data.
        NotRead = "not_read",
        /// Reading stopped at a limit. The message names the limit and how to raise it.
        Limit = "limit",
        /// What was read may not be what stands there: an encoding that was guessed.
        Doubtful = "doubtful",
        /// Good to know; it speaks neither for nor against the result.
        Note = "note",
    }
}

impl FindingKind {
    /// Whether the model saw less than the document holds.
    #[must_use]
    pub const fn is_missing(self) -> bool {
        matches!(self, Self::NotRead | Self::Limit)
    }

    /// Whether it speaks against relying on the result.
    #[must_use]
    pub const fn is_warning(self) -> bool {
        !matches!(self, Self::Note)
    }
}

/// Something a person should know about how a document was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadingFinding {
    /// What it means for the result.
    pub kind: FindingKind,
    /// The page or part it is about, from 1; `None`: several, or the whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<u32>,
    /// What and why, as a full sentence: "Page 3 could not be read: …".
    pub message: String,
}

impl ParsedDocument {
    /// Bytes of text over all pages.
    #[must_use]
    pub fn text_bytes(&self) -> usize {
        self.pages.iter().map(|page| page.text.len()).sum()
    }

    /// Whether something is missing (a page failed, a limit was reached).
    #[must_use]
    pub fn is_partial(&self) -> bool {
        self.findings.iter().any(|finding| finding.kind.is_missing())
    }

    /// Whether no page has any text.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.pages.iter().all(|page| page.text.trim().is_empty())
    }
}

/// A page as a picture, for models that see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageImage {
    /// The page's number from 1.
    pub page: u32,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// The picture as PNG.
    #[serde(with = "png_bytes")]
    pub png: Vec<u8>,
}

/// Byte strings as such for compact formats; a list of numbers in JSON is not wanted here.
mod png_bytes {
    use serde::{Deserialize, Deserializer, Serializer};

    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(bytes)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        Vec::<u8>::deserialize(deserializer)
    }
}
