//! Documents that were damaged at random: each reader gives a reading or a reason, and never
//! breaks down, runs out of time or of memory.
//!
//! A few damages of each kind of document run with the tests. For longer,
//! `DOCMILL_FUZZ_SECONDS=600 cargo test -p docmill-parse --test it mutations -- --nocapture`
//! damages each kind for so many seconds.

use std::time::{Duration, Instant};

use docmill_core::failure::FailureCode;
use docmill_parse::{Documents, Ocr, Reader as _};

use crate::build::{docx, line, pdf, pdf_with_files, relations, xlsx, zip};
use crate::harness::{reader, request};

/// Damages of each kind that run with the tests.
const FEW: usize = 25;

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % sides.max(1)
    }
}

/// Changes, drops, doubles or swaps a few pieces.
fn damaged(content: &[u8], dice: &mut Dice) -> Vec<u8> {
    let mut bytes = content.to_vec();
    for _ in 0..=dice.roll(6) {
        if bytes.is_empty() {
            break;
        }
        let at = dice.roll(bytes.len());
        let length = (1 + dice.roll(40)).min(bytes.len() - at);
        match dice.roll(6) {
            0 => bytes[at] ^= 1 << dice.roll(8),
            1 => bytes[at] = [0, 0xff, b'<', b'{', b'9', b'-'][dice.roll(6)],
            2 => drop(bytes.drain(at..at + length)),
            3 => {
                let piece = bytes[at..at + length].to_vec();
                let to = dice.roll(bytes.len());
                bytes.splice(to..to, piece);
            }
            4 => bytes.truncate(at),
            _ => bytes[at..at + length].fill(b'0' + dice.roll(10) as u8),
        }
    }
    bytes
}

/// A document: the parts of its archive, or all of it.
enum Kind {
    Whole(Vec<u8>),
    /// Damaged part by part: damage to a compressed archive is found before any reader sees it.
    Parts(Vec<(&'static str, Vec<u8>)>),
}

fn kinds() -> Vec<(&'static str, Kind)> {
    let sheet = "<worksheet><cols><col min=\"2\" max=\"3\" hidden=\"1\"/></cols><sheetData><row r=\"1\" hidden=\"1\"><c r=\"A1\" s=\"1\"><v>45658.25</v></c>\
        <c r=\"B1\" t=\"s\"><v>0</v></c><c r=\"C1\" t=\"inlineStr\"><is><t>a_x000D_b</t></is></c><c r=\"D1\"><f>A1</f></c></row></sheetData>\
        <mergeCells><mergeCell ref=\"A1:C4\"/></mergeCells><headerFooter><oddHeader>&amp;L&amp;\"A,B\"&amp;8x</oddHeader></headerFooter></worksheet>";
    let book = "<workbook><sheets><sheet name=\"A\" r:id=\"r1\"/></sheets></workbook>";
    let styles = "<styleSheet><numFmts><numFmt numFmtId=\"164\" formatCode=\"[$-407]d. mmm yyyy h:mm;[Red]-#,##0.00 &quot;x&quot;;0;@\"/></numFmts>\
        <cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"164\"/></cellXfs></styleSheet>";
    let slide = "<p:sld xmlns:p=\"p\" xmlns:a=\"a\"><a:p><a:r><a:t>words</a:t></a:r></a:p><a:tbl><a:tr><a:tc gridSpan=\"2\"><a:p><a:r><a:t>x</a:t></a:r></a:p></a:tc>\
        <a:tc hMerge=\"1\"/></a:tr></a:tbl><c:chart r:id=\"r7\"/></p:sld>";
    let chart = "<c:chartSpace><c:chart><c:title><a:t>T</a:t></c:title><c:ser><c:tx><c:v>s</c:v></c:tx><c:cat><c:pt idx=\"0\"><c:v>a</c:v></c:pt></c:cat>\
        <c:val><c:pt idx=\"0\"><c:v>1.23456789012345</c:v></c:pt></c:val></c:ser></c:chart></c:chartSpace>";
    let odt = "<o:body xmlns:o=\"o\"><text:h text:outline-level=\"1\">Offer</text:h><text:p>Valid<text:s text:c=\"3\"/>today\
        <text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>n</text:p></text:note-body></text:note></text:p>\
        <table:table><table:table-row><table:table-cell table:number-columns-spanned=\"2\"><text:p>c</text:p></table:table-cell></table:table-row></table:table></o:body>";
    let ods = "<o:c><table:table table:name=\"S\"><table:table-row table:number-rows-repeated=\"3\"><table:table-cell table:number-columns-repeated=\"4\">\
        <text:p>7,5 %</text:p></table:table-cell></table:table-row></table:table></o:c>";
    let mail = "From: a@example.com\r\nTo: b@example.com\r\nSubject: =?utf-8?q?Gr=C3=BC?=\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
        --b\r\nContent-Type: text/html; charset=iso-8859-2\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n<table><tr><td rowspan=3D2>=E8</table>\r\n\
        --b\r\nContent-Type: message/rfc822\r\n\r\nFrom: c@example.com\r\nTo: d@example.com\r\n\r\nhi\r\n\
        --b\r\nContent-Disposition: attachment; filename=a.rtf\r\nContent-Transfer-Encoding: base64\r\n\r\ne1xydGYxIGhpfQ==\r\n--b--\r\n";
    let owned = |parts: &[(&'static str, &str)]| {
        Kind::Parts(
            parts
                .iter()
                .map(|(name, part)| (*name, part.as_bytes().to_vec()))
                .collect(),
        )
    };
    let (utf16, shift_jis) = (
        "Grüße aus Łódź, heute\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes)
            .collect::<Vec<u8>>(),
        encoding_rs::SHIFT_JIS
            .encode("請求書 合計 4,800円 株式会社")
            .0
            .into_owned(),
    );
    vec![
        ("a.html", Kind::Whole(b"<!DOCTYPE html><html><table><tr><th colspan=3 rowspan=2>A<td>1<tr><td>2</table><ol start=5><li>x</ol><select><option selected>y</select></html>".to_vec())),
        ("a.rtf", Kind::Whole(b"{\\rtf1\\ansi\\ansicpg1252\\deff0{\\fonttbl{\\f0\\fcharset238 A;}{\\f1\\fcharset128 B;}}\\f1 \\'90\\'bf \\u-10179?\\u-8704? {\\deleted x}\\cell\\row{\\*\\annotation y}}".to_vec())),
        ("a.eml", Kind::Whole(mail.as_bytes().to_vec())),
        ("a.mbox", Kind::Whole(format!("From x Mon Jun 01 10:00:00 2009\n{mail}\nFrom y Mon Jun 01 10:00:00 2009\n{mail}").into_bytes())),
        ("a.txt", Kind::Whole(utf16)),
        ("b.txt", Kind::Whole(shift_jis)),
        ("a.csv", Kind::Whole(b"sep=;\na;\"b\nc\";d\n1;2,5;3\n".to_vec())),
        ("a.pdf", Kind::Whole(pdf(&[&line(72, 700, "Invoice 4711")]))),
        ("files.pdf", Kind::Whole(pdf_with_files(&[&line(72, 700, "x")], &[("factur-x.xml", b"<Invoice><ID>7</ID></Invoice>"), ("a.txt", b"b")]))),
        ("whole.docx", Kind::Whole(docx("<w:p><w:r><w:t>x</w:t></w:r></w:p>"))),
        ("whole.xlsx", Kind::Whole(xlsx(&[("A", "visible", "<sheetData/>")], &["0.0"], &[]))),
        ("a.docx", owned(&[
            ("[Content_Types].xml", "<Types/>"),
            ("word/document.xml", "<w:document><w:p><w:pPr><w:pStyle w:val=\"Heading2\"/></w:pPr><w:r><w:t>T</w:t></w:r><w:del><w:r><w:delText>d</w:delText></w:r></w:del><w:sym w:char=\"F0FE\"/></w:p>\
                <w:tbl><w:tr><w:tc><w:tcPr><w:gridSpan w:val=\"2\"/><w:vMerge/></w:tcPr><w:p/></w:tc></w:tr></w:tbl><c:chart r:id=\"r7\"/><w:altChunk r:id=\"r8\"/></w:document>"),
            ("word/_rels/document.xml.rels", &relations(&[("r7", "chart", "charts/c.xml"), ("r8", "aFChunk", "/word/part.html")])),
            ("word/charts/c.xml", chart),
            ("word/part.html", "<p>part</p>"),
        ])),
        ("a.pptx", owned(&[
            ("ppt/presentation.xml", "<p:p><p:sldId id=\"2\" r:id=\"r1\"/></p:p>"),
            ("ppt/_rels/presentation.xml.rels", &relations(&[("r1", "slide", "slides/slide1.xml")])),
            ("ppt/slides/slide1.xml", slide),
            ("ppt/slides/_rels/slide1.xml.rels", &relations(&[("r7", "chart", "../charts/c.xml")])),
            ("ppt/charts/c.xml", chart),
        ])),
        ("a.xlsx", owned(&[
            ("[Content_Types].xml", "<Types/>"),
            ("xl/workbook.xml", book),
            ("xl/_rels/workbook.xml.rels", &relations(&[("r1", "worksheet", "worksheets/sheet1.xml")])),
            ("xl/styles.xml", styles),
            ("xl/sharedStrings.xml", "<sst><si><t>shared</t><rPh><t>x</t></rPh></si></sst>"),
            ("xl/worksheets/sheet1.xml", sheet),
        ])),
        ("a.odt", owned(&[("mimetype", "application/vnd.oasis.opendocument.text"), ("content.xml", odt)])),
        ("a.ods", owned(&[("mimetype", "application/vnd.oasis.opendocument.spreadsheet"), ("content.xml", ods)])),
    ]
}

async fn try_one(reader: &Documents, name: &str, content: Vec<u8>) {
    let mut wanted = request(name, content.clone());
    wanted.options.ocr = Ocr::Off;
    let began = Instant::now();
    if let Err(failure) = reader.read(wanted).await {
        let broke = matches!(
            failure.code,
            FailureCode::ParseCrash | FailureCode::ParseTimeout | FailureCode::Internal
        );
        // The PDF engine is known to; it is why there is a sandbox.
        if broke && !name.ends_with(".pdf") {
            let kept = std::env::temp_dir().join(format!("docmill-broke-{name}"));
            std::fs::write(&kept, &content).expect("a file for whoever mends it");
            panic!(
                "{name}: {failure} after {:?}; the input is {}",
                began.elapsed(),
                kept.display()
            );
        }
    }
}

#[tokio::test]
async fn damaged_documents_break_no_reader() {
    let seconds = std::env::var("DOCMILL_FUZZ_SECONDS")
        .ok()
        .and_then(|seconds| seconds.parse().ok());
    let reader = reader();
    for (number, (name, kind)) in kinds().into_iter().enumerate() {
        let mut dice = Dice(4711 + number as u64);
        let until = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
        let mut tries = 0;
        while until.map_or(tries < FEW, |until| Instant::now() < until) {
            let content = match &kind {
                Kind::Whole(content) => damaged(content, &mut dice),
                Kind::Parts(parts) => {
                    let chosen = dice.roll(parts.len());
                    let parts: Vec<(&str, Vec<u8>)> = parts
                        .iter()
                        .enumerate()
                        .map(|(index, (name, part))| {
                            let part = if index == chosen {
                                damaged(part, &mut dice)
                            } else {
                                part.clone()
                            };
                            (*name, part)
                        })
                        .collect();
                    let entries: Vec<(&str, &[u8])> = parts
                        .iter()
                        .map(|(name, part)| (*name, part.as_slice()))
                        .collect();
                    zip(&entries)
                }
            };
            try_one(&reader, name, content).await;
            tries += 1;
        }
        eprintln!("{name}: {tries} damaged documents, none broke its reader");
    }
}
