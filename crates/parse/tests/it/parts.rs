//! What is inside documents beside their text: charts, other documents, attachments. Each is
//! read, or the reading says that it was not.

use docmill_core::failure::FailureCode;
use docmill_core::page::{FindingKind, ParsedDocument};

use crate::build::{line, pdf, pdf_with_files, relations, zip};
use crate::harness::{read, text};

fn messages(reading: &ParsedDocument, kind: FindingKind) -> Vec<&str> {
    let alike = reading.findings.iter().filter(|it| it.kind == kind);
    alike.map(|it| it.message.as_str()).collect()
}

const CHART: &str = "<c:chartSpace xmlns:c=\"c\" xmlns:a=\"a\"><c:chart><c:title><c:tx><c:rich><a:p><a:r><a:t>Rainfall</a:t></a:r></a:p></c:rich></c:tx></c:title>\
    <c:plotArea><c:barChart><c:ser><c:tx><c:strRef><c:strCache><c:pt idx=\"0\"><c:v>mm</c:v></c:pt></c:strCache></c:strRef></c:tx>\
    <c:cat><c:strRef><c:strCache><c:pt idx=\"0\"><c:v>April</c:v></c:pt><c:pt idx=\"1\"><c:v>May</c:v></c:pt></c:strCache></c:strRef></c:cat>\
    <c:val><c:numRef><c:numCache><c:pt idx=\"0\"><c:v>61.5</c:v></c:pt><c:pt idx=\"1\"><c:v>48</c:v></c:pt></c:numCache></c:numRef></c:val>\
    </c:ser></c:barChart></c:plotArea></c:chart></c:chartSpace>";

#[tokio::test]
async fn the_data_of_a_chart_on_a_slide_is_read() {
    let slide = "<p:sld xmlns:p=\"p\" xmlns:c=\"c\" xmlns:r=\"r\" show=\"0\"><c:chart r:id=\"r7\"/></p:sld>";
    let list = relations(&[("r7", "chart", "../charts/chart1.xml")]);
    let show = |chart: &str| {
        zip(&[
            ("ppt/presentation.xml", b"<p/>"),
            ("ppt/slides/slide1.xml", slide.as_bytes()),
            ("ppt/slides/_rels/slide1.xml.rels", list.as_bytes()),
            ("ppt/charts/chart1.xml", chart.as_bytes()),
        ])
    };
    let reading = read("a.pptx", show(CHART)).await.expect("a slide");
    assert_eq!(
        reading.pages[0].text,
        "Chart: Rainfall\n\n|  | mm |\n| --- | --- |\n| April | 61.5 |\n| May | 48 |"
    );
    assert_eq!(reading.pages[0].label.as_deref(), Some("Slide 1 (hidden)"));
    let failure = read("a.pptx", show("<c:chartSpace/>"))
        .await
        .expect_err("nothing to read");
    assert_eq!(failure.code, FailureCode::NoText, "{failure}");
    assert!(failure.message.contains("chart"), "{failure}");
}

#[tokio::test]
async fn a_document_put_into_a_word_document_is_read() {
    let body = "<w:document xmlns:w=\"w\" xmlns:r=\"r\"><w:body><w:p><w:r><w:t>Dear all,</w:t></w:r></w:p><w:altChunk r:id=\"a\"/></w:body></w:document>";
    let list = relations(&[("a", "aFChunk", "/word/part.html")]);
    let document = zip(&[
        ("[Content_Types].xml", b"<Types/>"),
        ("word/document.xml", body.as_bytes()),
        ("word/_rels/document.xml.rels", list.as_bytes()),
        (
            "word/part.html",
            b"<html><body><p>Balance 18.40</p></body></html>",
        ),
    ]);
    let read = text("a.docx", document).await;
    assert!(
        read.starts_with("Dear all,") && read.contains("Balance 18.40"),
        "{read}"
    );
}

#[tokio::test]
async fn tracked_changes_and_merged_cells_of_word_are_marked() {
    let body = "<w:p><w:r><w:t>Price 10 </w:t></w:r><w:del><w:r><w:delText>12</w:delText></w:r></w:del></w:p>\
        <w:tbl><w:tr><w:tc><w:tcPr><w:gridSpan w:val=\"2\"/></w:tcPr><w:p><w:r><w:t>Sizes</w:t></w:r></w:p></w:tc>\
        <w:tc><w:p><w:r><w:t>Colour</w:t></w:r></w:p></w:tc></w:tr>\
        <w:tr><w:tc><w:p><w:r><w:t>S</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>M</w:t></w:r></w:p></w:tc>\
        <w:tc><w:p><w:r><w:t>red</w:t></w:r></w:p></w:tc></w:tr></w:tbl>";
    let reading = read("a.docx", crate::build::docx(body))
        .await
        .expect("a document");
    assert_eq!(
        reading.pages[0].text,
        "Price 10 [deleted: 12]\n\n| Sizes | Sizes | Colour |\n| --- | --- | --- |\n| S | M | red |"
    );
    assert_eq!(messages(&reading, FindingKind::Note).len(), 1);
    assert!(!reading.is_partial());
}

/// A mail of these parts: header lines, body.
fn mail(parts: &[(&str, &str)]) -> String {
    let mut mail = "From: a@example.com\r\nTo: b@example.com\r\nSubject: Order\r\nMIME-Version: 1.0\r\n\
        Content-Type: multipart/mixed; boundary=cut\r\n\r\n"
        .to_owned();
    for (head, body) in parts {
        mail.push_str(&format!("--cut\r\n{head}\r\n\r\n{body}\r\n"));
    }
    mail + "--cut--\r\n"
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let group =
            chunk.iter().fold(0_u32, |sum, byte| sum << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let digit = DIGITS[(group >> (18 - 6 * place) & 63) as usize];
            out.push(if place <= chunk.len() {
                char::from(digit)
            } else {
                '='
            });
        }
    }
    out
}

#[tokio::test]
async fn attachments_forwarded_mails_and_archives_are_read() {
    let page = line(72, 700, "Invoice 3107 over 64.20");
    let archive = zip(&[("deep/note.txt", b"Delivery on Friday")]);
    let attached = base64(&pdf(&[&page]));
    let packed = base64(&archive);
    let content = mail(&[
        ("Content-Type: text/plain", "See below."),
        (
            "Content-Type: application/pdf\r\nContent-Disposition: attachment; filename=bill.pdf\r\nContent-Transfer-Encoding: base64",
            &attached,
        ),
        (
            "Content-Type: message/rfc822\r\nContent-Disposition: attachment",
            "From: c@example.com\r\nTo: a@example.com\r\nSubject: Chairs\r\n\r\nTwelve chairs, please.",
        ),
        (
            "Content-Type: application/zip\r\nContent-Disposition: attachment; filename=more.zip\r\nContent-Transfer-Encoding: base64",
            &packed,
        ),
        (
            "Content-Type: application/octet-stream\r\nContent-Disposition: attachment; filename=x.bin\r\nContent-Transfer-Encoding: base64",
            "AAECAwAAAAcAAA==",
        ),
    ]);
    let reading = read("a.eml", content).await.expect("a mail");
    let labels: Vec<&str> = reading
        .pages
        .iter()
        .filter_map(|page| page.label.as_deref())
        .collect();
    assert_eq!(
        labels,
        [
            "Attachment: bill.pdf",
            "Attached message: Chairs",
            "Attachment: more.zip, deep/note.txt"
        ]
    );
    for (page, words) in
        reading.pages[1..]
            .iter()
            .zip(["Invoice 3107", "Twelve chairs", "Delivery on Friday"])
    {
        assert!(page.text.contains(words), "{}", page.text);
    }
    let missing = messages(&reading, FindingKind::NotRead);
    assert_eq!(missing.len(), 1, "{missing:?}");
    assert!(
        missing[0].starts_with("Attachment: x.bin was not read"),
        "{missing:?}"
    );
}

#[tokio::test]
async fn files_that_a_pdf_carries_are_read_and_an_invoice_as_data_is_told() {
    let invoice = "<Invoice><ID>B-17</ID><IssueDate>2024-03-05</IssueDate><LegalMonetaryTotal><PayableAmount>47.60</PayableAmount></LegalMonetaryTotal></Invoice>";
    let content = pdf_with_files(
        &[&line(72, 700, "Please see inside")],
        &[
            ("factur-x.xml", invoice.as_bytes()),
            ("terms.txt", b"Payment within 14 days"),
            ("x.bin", &[0, 1, 2, 3, 0, 0, 7]),
            ("bomb.txt", &vec![b'a'; 130 << 20]),
        ],
    );
    let reading = read("a.pdf", content).await.expect("a PDF");
    let pages: Vec<(Option<&str>, &str)> = reading
        .pages
        .iter()
        .map(|page| (page.label.as_deref(), page.text.as_str()))
        .collect();
    assert_eq!(
        pages,
        [
            (None, "Please see inside"),
            (
                Some("Invoice as data (factur-x.xml)"),
                "Invoice number: B-17\nInvoice date: 2024-03-05\nAmount due: 47.60"
            ),
            (
                Some("Attachment: terms.txt"),
                "Attachment: terms.txt\n\nPayment within 14 days"
            ),
        ]
    );
    assert_eq!(reading.page_count, 1, "pages that can be shown");
    let missing = messages(&reading, FindingKind::NotRead);
    assert_eq!(missing.len(), 2, "{missing:?}");
    assert!(
        missing[0].starts_with("Attachment: x.bin was not read"),
        "{missing:?}"
    );
    assert_eq!(
        missing[1],
        "Attachment: bomb.txt was not read: it is larger than 128 MB."
    );
}

#[tokio::test]
async fn mails_inside_mails_without_end_are_a_limit() {
    let mut inner = "From: a@example.com\r\nTo: b@example.com\r\nSubject: innermost\r\n\r\nend".to_owned();
    for depth in 0..40 {
        inner = format!(
            "From: a@example.com\r\nTo: b@example.com\r\nSubject: level {depth}\r\nMIME-Version: 1.0\r\n\
             Content-Type: multipart/mixed; boundary=b{depth}\r\n\r\n--b{depth}\r\nContent-Type: message/rfc822\r\n\r\n{inner}\r\n--b{depth}--\r\n"
        );
    }
    let reading = read("a.eml", inner).await.expect("a mail");
    assert!(reading.is_partial(), "{:?}", reading.findings);
}

#[tokio::test]
async fn encrypted_opendocument_files_ask_for_a_password() {
    let manifest = "<manifest:manifest xmlns:manifest=\"m\"><manifest:file-entry manifest:full-path=\"content.xml\">\
        <manifest:encryption-data/></manifest:file-entry></manifest:manifest>";
    for kind in ["text", "spreadsheet", "presentation"] {
        let media = format!("application/vnd.oasis.opendocument.{kind}");
        let document = zip(&[
            ("mimetype", media.as_bytes()),
            ("META-INF/manifest.xml", manifest.as_bytes()),
            ("content.xml", b"\x9f\x02noise"),
        ]);
        let failure = read("a", document).await.expect_err("a locked document");
        assert_eq!(failure.code, FailureCode::PasswordRequired, "{failure}");
    }
}

#[tokio::test]
async fn archives_of_other_kinds_are_named() {
    for (content, words) in [
        (&b"7z\xbc\xaf\x27\x1c\x00\x04rest"[..], "7-Zip"),
        (b"Rar!\x1a\x07\x01\x00rest", "RAR"),
    ] {
        let failure = read("a", content).await.expect_err("an archive");
        assert_eq!(failure.code, FailureCode::UnsupportedType);
        assert!(failure.message.contains(words), "{failure}");
    }
}

#[tokio::test]
async fn texts_of_other_countries_are_read() {
    let (shift_jis, _, _) = encoding_rs::SHIFT_JIS.encode("納品書\n品名 椅子 十二脚\n合計 48,000円");
    assert_eq!(
        text("a.txt", shift_jis.into_owned()).await,
        "納品書\n品名 椅子 十二脚\n合計 48,000円"
    );
    let (czech, _, _) =
        encoding_rs::WINDOWS_1250.encode("jméno;částka\nŽofie Nováková;1 200 Kč\nŘehoř Dvořák;80 Kč");
    let read_csv = text("a.csv", czech.into_owned()).await;
    assert!(read_csv.contains("| Řehoř Dvořák | 80 Kč |"), "{read_csv}");
    let doubtful = read("a.txt", &b"Kom\xe8 12"[..]).await.expect("a text");
    assert_eq!(messages(&doubtful, FindingKind::Doubtful).len(), 1);
    let mail = b"From: a@example.com\r\nTo: b@example.com\r\nSubject: x\r\n\r\n\xd1\xf7\xb8\xf2 \xee\xef\xeb\xe0\xf7\xe5\xed, \xf1\xef\xe0\xf1\xe8\xe1\xee \xe7\xe0 \xe7\xe0\xea\xe0\xe7\r\n";
    assert!(
        text("a.eml", &mail[..])
            .await
            .ends_with("Счёт оплачен, спасибо за заказ")
    );
}
