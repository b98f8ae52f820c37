//! What a document is, by its content. Names lie ("invoice.pdf" that is a web page
//! with an error message is the classic); they only break ties between plain texts.

use std::io::{Cursor, Read as _};

use docmill_core::document::Kind;
use docmill_core::failure::{Failure, FailureCode};

use crate::limits;
use crate::ole;
use crate::text;

macro_rules! formats {
    ($($(#[$doc:meta])* $format:ident = $kind:ident, $media:literal;)+) => {
        /// A format, as far as reading it differs.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        pub enum Format { $($(#[$doc])* $format,)+ }

        impl Format {
            /// What kind of document it is.
            #[must_use]
            pub const fn kind(self) -> Kind {
                match self { $(Self::$format => Kind::$kind,)+ }
            }

            /// IANA media type.
            #[must_use]
            pub const fn media_type(self) -> &'static str {
                match self { $(Self::$format => $media,)+ }
            }
        }
    };
}

formats! {
    /// Portable Document Format.
    Pdf = Pdf, "application/pdf";
    /// PNG.
    Png = Image, "image/png";
    /// JPEG.
    Jpeg = Image, "image/jpeg";
    /// TIFF, one or more pages.
    Tiff = Image, "image/tiff";
    /// WebP.
    Webp = Image, "image/webp";
    /// BMP.
    Bmp = Image, "image/bmp";
    /// GIF.
    Gif = Image, "image/gif";
    /// HEIC: what telephones take.
    Heic = Image, "image/heic";
    /// AVIF: recognised, not read.
    Avif = Unknown, "image/avif";
    /// Excel 2007 and later.
    Xlsx = Spreadsheet, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
    /// Excel, binary parts in a ZIP.
    Xlsb = Spreadsheet, "application/vnd.ms-excel.sheet.binary.macroEnabled.12";
    /// Excel 97.
    Xls = Spreadsheet, "application/vnd.ms-excel";
    /// OpenDocument spreadsheet.
    Ods = Spreadsheet, "application/vnd.oasis.opendocument.spreadsheet";
    /// Comma (or semicolon) separated values.
    Csv = Spreadsheet, "text/csv";
    /// Tab separated values.
    Tsv = Spreadsheet, "text/tab-separated-values";
    /// Word 2007 and later.
    Docx = Office, "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
    /// PowerPoint 2007 and later.
    Pptx = Office, "application/vnd.openxmlformats-officedocument.presentationml.presentation";
    /// OpenDocument text.
    Odt = Office, "application/vnd.oasis.opendocument.text";
    /// OpenDocument presentation.
    Odp = Office, "application/vnd.oasis.opendocument.presentation";
    /// Rich Text Format.
    Rtf = Office, "application/rtf";
    /// Word 97.
    Doc = Office, "application/msword";
    /// PowerPoint 97.
    Ppt = Office, "application/vnd.ms-powerpoint";
    /// EPUB.
    Epub = Office, "application/epub+zip";
    /// Office 2007 and later, encrypted: what is inside shows after decryption.
    EncryptedOffice = Office, "application/encrypted";
    /// HTML.
    Html = Html, "text/html";
    /// A web page with its parts, as MIME.
    Mhtml = Html, "multipart/related";
    /// An e-mail.
    Eml = Email, "message/rfc822";
    /// A mailbox.
    Mbox = Email, "application/mbox";
    /// An e-mail of Outlook.
    Msg = Email, "application/vnd.ms-outlook";
    /// JSON.
    Json = Text, "application/json";
    /// XML.
    Xml = Text, "application/xml";
    /// Markdown.
    Markdown = Text, "text/markdown";
    /// Any other text.
    Text = Text, "text/plain";
    /// An archive: a source, not a document.
    Zip = Unknown, "application/zip";
    /// A 7-Zip archive: recognised, not read.
    SevenZip = Unknown, "application/x-7z-compressed";
    /// A RAR archive: recognised, not read.
    Rar = Unknown, "application/vnd.rar";
    /// Some other OLE2 file.
    Ole = Unknown, "application/x-ole-storage";
    /// Nothing known.
    Unknown = Unknown, "application/octet-stream";
}

/// What a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Detected {
    /// Its kind.
    pub kind: Kind,
    /// Its format.
    pub format: Format,
    /// Its IANA media type.
    pub media_type: &'static str,
}

impl Detected {
    fn of(format: Format) -> Self {
        Self {
            kind: format.kind(),
            format,
            media_type: format.media_type(),
        }
    }

    /// Why docmill does not read it; `None` when it does.
    #[must_use]
    pub fn unsupported(&self) -> Option<Failure> {
        let message = match self.format {
            Format::Zip => "it is an archive; give it as a source, and each file inside becomes a document",
            Format::Avif => "AVIF pictures are not read; save it as JPEG or PNG",
            Format::SevenZip => "it is a 7-Zip archive, which is not read; unpack it and give the folder",
            Format::Rar => "it is a RAR archive, which is not read; unpack it and give the folder",
            Format::Ole | Format::Unknown => "its content is of no type docmill reads",
            _ => return None,
        };
        Some(Failure::new(FailureCode::UnsupportedType, message))
    }
}

/// What `content` is. Cheap: looks at the first kilobytes, and at the list of
/// entries of a ZIP archive.
#[must_use]
pub fn detect(name: &str, content: &[u8]) -> Detected {
    // This runs where documents are taken in. A container that breaks its reader is of no type
    // docmill reads; it must not break the intake.
    let told = std::panic::catch_unwind(|| by_magic(content)).unwrap_or(Some(Format::Unknown));
    Detected::of(told.unwrap_or_else(|| by_text(name, content)))
}

/// Bytes of JSON that are looked through while it is told what a file is.
const JSON_LOOKED_THROUGH: usize = 256 * 1024;

fn by_magic(content: &[u8]) -> Option<Format> {
    let starts = |magic: &[u8]| content.starts_with(magic);
    Some(match () {
        () if starts(b"%PDF-") => Format::Pdf,
        () if starts(b"\x89PNG\r\n\x1a\n") => Format::Png,
        () if starts(b"\xff\xd8\xff") => Format::Jpeg,
        () if starts(b"II*\0") || starts(b"MM\0*") => Format::Tiff,
        () if starts(b"RIFF") && content.get(8..12) == Some(b"WEBP") => Format::Webp,
        () if starts(b"GIF87a") || starts(b"GIF89a") => Format::Gif,
        () if starts(b"BM") && content.len() > 26 && content.get(6..10) == Some(&[0; 4]) => Format::Bmp,
        () if has_brand(content, &[b"avif", b"avis"]) => Format::Avif,
        () if has_brand(
            content,
            &[b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1", b"hevc"],
        ) =>
        {
            Format::Heic
        }
        () if starts(b"7z\xbc\xaf\x27\x1c") => Format::SevenZip,
        () if starts(b"Rar!\x1a\x07") => Format::Rar,
        () if starts(b"PK\x03\x04") || starts(b"PK\x05\x06") => in_zip(content),
        () if starts(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") => in_ole(content),
        () if starts(b"{\\rtf") => Format::Rtf,
        // Readers look for the header anywhere in the first kilobyte, and files in the wild use that.
        () if find(&content[..content.len().min(1024)], b"%PDF-").is_some() => Format::Pdf,
        () => return None,
    })
}

/// Whether it is of the family of MPEG-4 files, with one of these brands.
fn has_brand(content: &[u8], brands: &[&[u8; 4]]) -> bool {
    content.get(4..8) == Some(b"ftyp")
        && content
            .get(8..12)
            .is_some_and(|brand| brands.iter().any(|it| brand == *it))
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

/// Office formats are ZIP archives; their parts tell which.
fn in_zip(content: &[u8]) -> Format {
    let Ok(mut archive) = zip::ZipArchive::new(Cursor::new(content)) else {
        // The list at the end is broken or cut off; the first entry often still tells.
        return by_first_entries(content);
    };
    if let Ok(entry) = archive.by_name("mimetype") {
        let mut media = String::new();
        if entry.take(128).read_to_string(&mut media).is_ok() {
            match media.trim() {
                "application/vnd.oasis.opendocument.text" => return Format::Odt,
                "application/vnd.oasis.opendocument.spreadsheet" => return Format::Ods,
                "application/vnd.oasis.opendocument.presentation" => return Format::Odp,
                "application/epub+zip" => return Format::Epub,
                _ => {}
            }
        }
    }
    let names = || archive.file_names().take(limits::ZIP_ENTRIES).flatten();
    let has = |wanted: &str| names().any(|name| name.eq_ignore_ascii_case(wanted));
    let below = |prefix: &str| names().any(|name| name.replace('\\', "/").starts_with(prefix));
    match () {
        () if has("xl/workbook.bin") => Format::Xlsb,
        () if has("xl/workbook.xml") || (has("[Content_Types].xml") && below("xl/")) => Format::Xlsx,
        () if has("word/document.xml") || (has("[Content_Types].xml") && below("word/")) => Format::Docx,
        () if has("ppt/presentation.xml") || (has("[Content_Types].xml") && below("ppt/")) => Format::Pptx,
        () => Format::Zip,
    }
}

fn by_first_entries(content: &[u8]) -> Format {
    let head = &content[..content.len().min(8192)];
    let media = |kind: &str| find(head, format!("application/{kind}").as_bytes()).is_some();
    match () {
        () if media("epub+zip") => Format::Epub,
        () if media("vnd.oasis.opendocument.text") => Format::Odt,
        () if media("vnd.oasis.opendocument.spreadsheet") => Format::Ods,
        () if media("vnd.oasis.opendocument.presentation") => Format::Odp,
        () if find(head, b"word/").is_some() => Format::Docx,
        () if find(head, b"xl/").is_some() => Format::Xlsx,
        () if find(head, b"ppt/").is_some() => Format::Pptx,
        () => Format::Zip,
    }
}

fn in_ole(content: &[u8]) -> Format {
    let Ok(file) = ole::open(content) else {
        return Format::Ole;
    };
    let has = |name: &str| file.exists(name);
    match () {
        () if has("/EncryptionInfo") => Format::EncryptedOffice,
        () if has("/WordDocument") => Format::Doc,
        () if has("/Workbook") || has("/Book") => Format::Xls,
        () if has("/PowerPoint Document") => Format::Ppt,
        () if has("/__properties_version1.0") => Format::Msg,
        () => Format::Ole,
    }
}

/// Texts: told by how they begin.
fn by_text(name: &str, content: &[u8]) -> Format {
    let head = &content[..content.len().min(8192)];
    if !text::looks_like_text(head) {
        return Format::Unknown;
    }
    let head = text::decode(head);
    let start = head.trim_start_matches('\u{feff}').trim_start();
    let lower = start
        .get(..start.floor_char_boundary(512))
        .unwrap_or_default()
        .to_ascii_lowercase();
    let extension = name
        .rsplit_once('.')
        .map(|(_, extension)| extension.to_ascii_lowercase())
        .unwrap_or_default();
    if is_mailbox(start) {
        return Format::Mbox;
    }
    if is_mail(start) {
        let web_page = lower.contains("multipart/related") && matches!(extension.as_str(), "mht" | "mhtml");
        return if web_page { Format::Mhtml } else { Format::Eml };
    }
    if lower.starts_with("<!doctype html") || lower.starts_with("<html") || is_fragment(&lower) {
        return Format::Html;
    }
    if lower.starts_with("<?xml") {
        return if lower.contains("<html") || lower.contains("xhtml") {
            Format::Html
        } else {
            Format::Xml
        };
    }
    match extension.as_str() {
        "csv" => return Format::Csv,
        "tsv" | "tab" => return Format::Tsv,
        "md" | "markdown" => return Format::Markdown,
        "html" | "htm" | "xhtml" if lower.contains('<') => return Format::Html,
        "xml" if lower.starts_with('<') => return Format::Xml,
        "txt" | "text" | "log" | "rst" | "org" => return Format::Text,
        _ => {}
    }
    if is_json(start, content) {
        return Format::Json;
    }
    crate::sheet::looks_separated(start).unwrap_or(Format::Text)
}

/// Looking through all of it tells; a large file that begins like JSON is taken at its word.
fn is_json(start: &str, content: &[u8]) -> bool {
    start.starts_with(['{', '['])
        && (content.len() > JSON_LOOKED_THROUGH
            || serde_json::from_slice::<serde::de::IgnoredAny>(content).is_ok())
}

/// A piece of HTML without its head: begins with a tag only HTML has.
fn is_fragment(lower: &str) -> bool {
    [
        "<head", "<body", "<div", "<table", "<p>", "<h1", "<title", "<meta",
    ]
    .iter()
    .any(|tag| lower.starts_with(tag))
}

/// A mailbox begins with an envelope line, "From" someone at a time: the time, or the header
/// fields that follow, tell it from a sentence.
fn is_mailbox(start: &str) -> bool {
    let Some(envelope) = start.strip_prefix("From ") else {
        return false;
    };
    let envelope = envelope.lines().next().unwrap_or_default();
    let timed = envelope.split_whitespace().any(|word| {
        word.len() == 8
            && word.split(':').count() == 3
            && word.bytes().all(|byte| byte == b':' || byte.is_ascii_digit())
    });
    timed || start.lines().skip(1).take(20).any(is_header)
}

/// An e-mail begins with header fields, among them one that only e-mails have.
fn is_mail(start: &str) -> bool {
    let mut telling = 0;
    for line in start.lines().take(40) {
        if line.is_empty() {
            break;
        }
        if line.starts_with([' ', '\t']) {
            continue;
        }
        if !is_header(line) {
            return false;
        }
        let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
        telling += u8::from(matches!(
            name.as_str(),
            "from"
                | "to"
                | "received"
                | "return-path"
                | "message-id"
                | "mime-version"
                | "delivered-to"
                | "reply-to"
                | "content-type"
                | "date"
                | "subject"
        ));
    }
    telling >= 2
}

fn is_header(line: &str) -> bool {
    line.split_once(':').is_some_and(|(name, _)| {
        !name.is_empty()
            && name.len() < 60
            && name
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(name: &str, content: &[u8]) -> Format {
        detect(name, content).format
    }

    #[test]
    fn content_tells_and_names_do_not() {
        assert_eq!(format("a.txt", b"%PDF-1.4\n"), Format::Pdf);
        assert_eq!(format("a.pdf", b"<!DOCTYPE html><html>"), Format::Html);
        assert_eq!(format("a.doc", b"{\\rtf1 hello}"), Format::Rtf);
        assert_eq!(format("a.png", b"\xff\xd8\xff\xe0rest"), Format::Jpeg);
        assert_eq!(
            format(
                "a",
                b"From: a@example.com\r\nTo: b@example.com\r\nSubject: x\r\n\r\nhi"
            ),
            Format::Eml
        );
        assert_eq!(
            format("a", b"From someone Mon Jun 01 10:00:00 2009\n\nhello"),
            Format::Mbox
        );
        assert_eq!(format("a", b"From Monday on we are closed.\n"), Format::Text);
        assert_eq!(format("a", b"{\"a\": 1}"), Format::Json);
        assert_eq!(format("a", b"a;b;c\n1;2;3\n4;5;6\n"), Format::Csv);
        assert_eq!(format("a", b"a\tb\n1\t2\n3\t4\n"), Format::Tsv);
        assert_eq!(format("a.csv", b"just one column\nof words\n"), Format::Csv);
        assert_eq!(
            format("a", "Grüße: nur Text, sonst nichts.".as_bytes()),
            Format::Text
        );
        assert_eq!(format("a", b"\0\x01\x02\x03binary\0\0\0"), Format::Unknown);
    }

    #[test]
    fn what_is_not_read_says_why() {
        assert!(detect("a.bin", &[0, 1, 2, 3, 0, 0, 7]).unsupported().is_some());
        assert!(detect("a.txt", b"hello").unsupported().is_none());
    }
}
