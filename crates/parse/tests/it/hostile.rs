//! Hostile documents of many kinds: each costs itself alone, gives a reason, and its reader
//! neither dies of it for the next one nor gets out. `scripts/hostile.py` does the same with the
//! whole program, in full size, and measures.

use std::fmt::Write as _;

use docmill_core::failure::Failure;
use docmill_core::page::ParsedDocument;
use docmill_parse::{Documents, Reader as _};

use crate::build::{docx, line, pdf, zip};
use crate::harness::{reader, request};

/// Reads a hostile document and then a healthy one with the same reader.
async fn survives(reader: &Documents, name: &str, content: Vec<u8>) -> Result<ParsedDocument, Failure> {
    let became = reader.read(request(name, content)).await;
    let healthy = reader
        .read(request("next.pdf", pdf(&[&line(72, 700, "next")])))
        .await;
    assert_eq!(
        healthy.map(|reading| reading.pages[0].text.clone()),
        Ok("next".to_owned()),
        "after {name}"
    );
    became
}

fn entities() -> String {
    let mut levels = String::new();
    for level in 1..12 {
        let below = format!("&e{};", level - 1).repeat(10);
        let _ = write!(levels, "<!ENTITY e{level} \"{below}\">");
    }
    format!("<!DOCTYPE d [<!ENTITY e0 \"ha\">{levels}]><d>&e11;</d>")
}

fn png(width: u32, height: u32) -> Vec<u8> {
    let mut file = b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR".to_vec();
    file.extend(width.to_be_bytes());
    file.extend(height.to_be_bytes());
    file.extend([8, 2, 0, 0, 0, 0, 0, 0, 0]);
    file
}

/// A TIFF whose directories each name the next; the last names the first when `looped`.
fn tiff(pages: u32, looped: bool) -> Vec<u8> {
    let tags: [(u16, u16, u32); 7] = [
        (256, 4, 1),
        (257, 4, 1),
        (258, 3, 8),
        (259, 3, 1),
        (262, 3, 1),
        (273, 4, 4),
        (279, 4, 1),
    ];
    let length = 2 + 12 * 7 + 4;
    let mut file = b"II*\0\x08\0\0\0".to_vec();
    for page in 0..pages {
        file.extend(7_u16.to_le_bytes());
        for (tag, kind, value) in tags {
            file.extend(tag.to_le_bytes());
            file.extend(kind.to_le_bytes());
            file.extend(1_u32.to_le_bytes());
            file.extend(value.to_le_bytes());
        }
        let next = match (page + 1 == pages, looped) {
            (false, _) => 8 + length * (page + 1),
            (true, true) => 8,
            (true, false) => 0,
        };
        file.extend(next.to_le_bytes());
    }
    file
}

fn pdf_of(objects: &[&str]) -> Vec<u8> {
    let mut file = "%PDF-1.5\n".to_owned();
    for (number, object) in (1..).zip(objects) {
        let _ = write!(file, "{number} 0 obj\n{object}\nendobj\n");
    }
    file.push_str("trailer << /Root 1 0 R >>\n%%EOF\n");
    file.into_bytes()
}

fn sheet(rows: &str) -> Vec<u8> {
    let space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let workbook = format!(
        "<workbook xmlns=\"{space}\" xmlns:r=\"{relations}\"><sheets><sheet name=\"S\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>"
    );
    let links = format!(
        "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\"><Relationship Id=\"r1\" \
         Type=\"{relations}/worksheet\" Target=\"worksheets/sheet1.xml\"/></Relationships>"
    );
    let sheet = format!(
        "<worksheet xmlns=\"{space}\"><dimension ref=\"A1:XFD1048576\"/><sheetData>{rows}</sheetData></worksheet>"
    );
    zip(&[
        ("[Content_Types].xml", b"<Types/>"),
        ("xl/workbook.xml", workbook.as_bytes()),
        ("xl/_rels/workbook.xml.rels", links.as_bytes()),
        ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
    ])
}

/// Each kind in a small form that already does what the large one does.
#[tokio::test]
async fn each_costs_itself_alone() {
    const PAGE: &str = "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>";
    const CATALOG: &str = "<< /Type /Catalog /Pages 2 0 R >>";
    let form = "<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Length 12 /Resources << /XObject << /X 4 0 R >> >> >>\n\
        stream\n/X Do /X Do \nendstream";
    let nested: String = (0..3000)
        .map(|n| format!("Content-Type: multipart/mixed; boundary=\"b{n}\"\r\n\r\n--b{n}\r\n"))
        .collect();
    let corner = "<row r=\"1\"><c r=\"A1\"><v>1</v></c></row><row r=\"1048576\"><c r=\"XFD1048576\"><v>2</v></c></row>";
    let kinds: Vec<(&str, Vec<u8>)> = vec![
        (
            "entities.docx",
            zip(&[
                ("[Content_Types].xml", b"<Types/>"),
                ("word/document.xml", entities().as_bytes()),
            ]),
        ),
        ("entities.xml", entities().into_bytes()),
        ("deep.docx", docx(&"<w:p>".repeat(200_000))),
        ("giant.png", png(60_000, 60_000)),
        ("pages.tiff", tiff(4_000, false)),
        ("loop.tiff", tiff(1, true)),
        (
            "claimed.pdf",
            pdf_of(&[
                CATALOG,
                "<< /Type /Pages /Count 2147483647 /Kids [3 0 R] >>",
                PAGE,
            ]),
        ),
        (
            "recursive.pdf",
            pdf_of(&[
                CATALOG,
                "<< /Type /Pages /Count 1 /Kids [2 0 R 3 0 R] >>",
                "<< /Type /Pages /Kids [2 0 R 3 0 R] >>",
            ]),
        ),
        (
            "forms.pdf",
            pdf_of(&[
                CATALOG,
                "<< /Type /Pages /Count 1 /Kids [3 0 R] >>",
                "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Contents 4 0 R /Resources << /XObject << /X 4 0 R >> >> >>",
                form,
            ]),
        ),
        (
            "arrays.pdf",
            pdf_of(&[
                &format!(
                    "<< /Type /Catalog /Pages 2 0 R /X {}{} >>",
                    "[".repeat(100_000),
                    "]".repeat(100_000)
                ),
                "<< /Type /Pages /Kids [] /Count 0 >>",
            ]),
        ),
        ("cells.xlsx", sheet(corner)),
        ("columns.csv", format!("{}\n", "x,".repeat(50_000)).into_bytes()),
        (
            "open-quote.csv",
            format!("a,b\n\"{}", "x".repeat(600_000)).into_bytes(),
        ),
        (
            "deep.html",
            format!("<html><body>{}deep", "<div>".repeat(30_000)).into_bytes(),
        ),
        (
            "tables.html",
            format!("<html><body>{}deep", "<table><tr><td>".repeat(5_000)).into_bytes(),
        ),
        (
            "tags.html",
            format!("<html><body>{}", "<b>".repeat(100_000)).into_bytes(),
        ),
        ("nested.eml", format!("{nested}hello").into_bytes()),
        (
            "messages.eml",
            format!(
                "From: a@b.example\r\n{}hello",
                "Content-Type: message/rfc822\r\n\r\n".repeat(3_000)
            )
            .into_bytes(),
        ),
        (
            "braces.rtf",
            format!("{{\\rtf1 {}x", "{".repeat(100_000)).into_bytes(),
        ),
        ("claimed.rtf", b"{\\rtf1 \\bin2147483647 x}".to_vec()),
        ("brackets.json", "[".repeat(600_000).into_bytes()),
        ("one-word.txt", "x".repeat(600_000).into_bytes()),
        ("stars.md", "*".repeat(600_000).into_bytes()),
    ];
    assert!(kinds.len() >= 20);
    let reader = reader();
    for (name, content) in kinds {
        if let Err(failure) = survives(&reader, name, content).await {
            assert!(!failure.message.is_empty(), "{name}");
        }
    }
}

/// Documents that ask for what is not theirs get none of it.
#[tokio::test]
async fn none_gets_out() {
    let secret = tempfile::NamedTempFile::new().expect("a file");
    std::fs::write(secret.path(), "TOP-SECRET").expect("a file of ours");
    let url = format!("file://{}", secret.path().display());
    let path = secret.path().display();
    let external = format!("<!DOCTYPE d [<!ENTITY x SYSTEM \"{url}\">]><d>text &x;</d>");
    let relation = format!(
        "<Relationships xmlns=\"http://schemas.openxmlformats.org/package/2006/relationships\">\
         <Relationship Id=\"i\" Type=\"image\" TargetMode=\"External\" Target=\"{url}\"/></Relationships>"
    );
    let body = "<w:document xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\"><w:body><w:p><w:r><w:t>text</w:t></w:r></w:p></w:body></w:document>";
    let asks: Vec<(&str, Vec<u8>)> = vec![
        ("external.docx", zip(&[("[Content_Types].xml", b"<Types/>"), ("word/document.xml", external.as_bytes())])),
        ("external.xml", external.clone().into_bytes()),
        ("linked.docx", zip(&[("[Content_Types].xml", b"<Types/>"), ("word/document.xml", body.as_bytes()), ("word/_rels/document.xml.rels", relation.as_bytes())])),
        ("linked.html", format!("<html><body>text<img src=\"{url}\"><iframe src=\"{url}\"></iframe><script src=\"{url}\"></script><object data=\"{url}\"></object>").into_bytes()),
        ("linked.rtf", format!("{{\\rtf1 text{{\\field{{\\*\\fldinst INCLUDETEXT \"{path}\"}}}}}}").into_bytes()),
        ("linked.eml", format!("From: a@b.example\r\nContent-Type: message/external-body; access-type=local-file; name=\"{path}\"\r\n\r\ntext").into_bytes()),
        (
            "linked.pdf",
            pdf_of(&[
                &format!("<< /Type /Catalog /Pages 2 0 R /OpenAction << /S /Launch /F ({path}) >> >>"),
                "<< /Type /Pages /Count 1 /Kids [3 0 R] >>",
                "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 99 99] /Contents 4 0 R >>",
                &format!("<< /Length 0 /F ({path}) >>\nstream\n\nendstream"),
            ]),
        ),
    ];
    let reader = reader();
    for (name, content) in asks {
        let text = match survives(&reader, name, content).await {
            Ok(reading) => reading
                .pages
                .iter()
                .map(|page| page.text.clone())
                .collect::<String>(),
            Err(failure) => failure.message,
        };
        assert!(!text.contains("TOP-SECRET"), "{name}: {text}");
    }
}

/// What a worker is and has: started by the pool as the program starts it, asked through a document
/// it cannot read. Its environment holds no key.
#[tokio::test]
async fn a_worker_inherits_no_secrets() {
    use docmill_parse::sandbox::{Config, Sandbox};
    let folder = tempfile::tempdir().expect("a folder");
    let seen = folder.path().join("environment");
    let reader = Documents::new(Sandbox::new(Config {
        program: "sh".into(),
        arguments: vec!["-c".to_owned(), format!("env > {}; exit 3", seen.display())],
        ..crate::harness::config()
    }));
    let _ended = reader.read(request("a.pdf", pdf(&[&line(72, 700, "a")]))).await;
    let environment = std::fs::read_to_string(&seen).expect("what it saw");
    for name in ["HOME=", "CARGO", "USER="] {
        assert!(!environment.contains(name), "{environment}");
    }
}
