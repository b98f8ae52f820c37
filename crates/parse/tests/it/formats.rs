//! What comes out of each kind of document.

use docmill_core::document::{Class, Kind};
use docmill_core::failure::FailureCode;
use docmill_core::page::TextOrigin;
use docmill_parse::{ImageOptions, Reader as _};

use crate::build::{docx, line, pdf, zip};
use crate::harness::{read, reader, request, text};

#[tokio::test]
async fn a_pdf_gives_its_words_and_their_places() {
    let page = [line(72, 700, "Invoice 4711"), line(72, 600, "Total 119.00 EUR")].concat();
    let reading = read("a.pdf", pdf(&[&page])).await.expect("a PDF");
    assert_eq!((reading.kind, reading.class), (Kind::Pdf, Class::SimplePdf));
    assert_eq!(reading.page_count, 1);
    let page = &reading.pages[0];
    assert_eq!(page.origin, TextOrigin::Native);
    assert_eq!((page.width, page.height), (612.0, 792.0));
    let lines: Vec<&str> = page.text.lines().filter(|line| !line.is_empty()).collect();
    assert_eq!(lines, ["Invoice 4711", "Total 119.00 EUR"]);
    let amount = page
        .words
        .iter()
        .find(|word| &page.text[word.start as usize..word.end as usize] == "119.00")
        .expect("the amount as a word");
    // Written with its base line 600 points above the bottom of a page 792 points high.
    assert!(
        amount.bbox.x0 > 72.0 && amount.bbox.x1 < 180.0,
        "{:?}",
        amount.bbox
    );
    assert!(
        amount.bbox.y0 > 170.0 && amount.bbox.y1 < 205.0,
        "{:?}",
        amount.bbox
    );
    assert_eq!(amount.confidence, None);
}

#[tokio::test]
async fn many_pages_make_a_pdf_complex_and_a_limit_is_told() {
    let page = line(72, 700, "one of the many pages of this report");
    let pages = vec![page.as_str(); 12];
    let mut wanted = request("a.pdf", pdf(&pages));
    wanted.options.max_pages = 5;
    let reading = reader().read(wanted).await.expect("a PDF");
    assert_eq!(reading.class, Class::ComplexPdf);
    assert_eq!((reading.page_count, reading.pages.len()), (12, 5));
    assert!(reading.is_partial());
    let told = &reading.findings[0].message;
    assert!(
        told.starts_with("Only the first 5 of 12 pages were read"),
        "{told}"
    );
}

#[tokio::test]
async fn pages_are_rendered_within_the_asked_size() {
    let page = line(72, 700, "a page");
    let images = ImageOptions {
        dpi: 300,
        max_edge: 400,
        first_page: 2,
        max_pages: 1,
    };
    let request = request("a.pdf", pdf(&[&page, &page, &page]));
    let pictures = reader().render(request, images).await.expect("pictures");
    assert_eq!(pictures.len(), 1);
    assert_eq!(pictures[0].page, 2);
    // Whole pixels: one may be lost.
    assert!(
        (399..=400).contains(&pictures[0].height),
        "{}",
        pictures[0].height
    );
    assert!(pictures[0].png.starts_with(b"\x89PNG"));
}

#[tokio::test]
async fn a_word_document_becomes_markdown() {
    let body = "<w:p><w:pPr><w:pStyle w:val=\"Heading2\"/></w:pPr><w:r><w:t>Terms &amp; dates</w:t></w:r></w:p>\
        <w:p><w:r><w:t>Net </w:t></w:r><w:r><w:t>30 days</w:t></w:r><w:del><w:r><w:t>gone</w:t></w:r></w:del></w:p>\
        <w:p><w:pPr><w:numPr/></w:pPr><w:r><w:t>first</w:t></w:r></w:p>\
        <w:tbl><w:tr><w:tc><w:p><w:r><w:t>Item</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>Price</w:t></w:r></w:p></w:tc></w:tr>\
        <w:tr><w:tc><w:p><w:r><w:t>Bolt</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>1.20</w:t></w:r></w:p></w:tc></w:tr></w:tbl>";
    assert_eq!(
        text("a.docx", docx(body)).await,
        "## Terms & dates\n\nNet 30 days [deleted: gone]\n\n- first\n| Item | Price |\n| --- | --- |\n| Bolt | 1.20 |"
    );
}

#[tokio::test]
async fn slides_are_pages_in_their_order() {
    let slide = |text: &str| {
        format!("<p:sld xmlns:p=\"p\" xmlns:a=\"a\"><a:p><a:r><a:t>{text}</a:t></a:r></a:p></p:sld>")
    };
    let presentation = zip(&[
        ("ppt/presentation.xml", b"<p/>"),
        ("ppt/slides/slide10.xml", slide("ten").as_bytes()),
        ("ppt/slides/slide2.xml", slide("two").as_bytes()),
        (
            "ppt/notesSlides/notesSlide2.xml",
            slide("say it slowly").as_bytes(),
        ),
    ]);
    assert_eq!(
        text("a.pptx", presentation).await,
        "two\n\nNotes: say it slowly\n----\nten"
    );
}

#[tokio::test]
async fn an_opendocument_text_becomes_markdown() {
    let content = "<o:body xmlns:o=\"o\" xmlns:text=\"text\" xmlns:table=\"table\">\
        <text:h text:outline-level=\"1\">Offer</text:h><text:p>Valid<text:s text:c=\"1\"/>today</text:p>\
        <text:list><text:list-item><text:p>one</text:p></text:list-item></text:list></o:body>";
    let document = zip(&[
        ("mimetype", b"application/vnd.oasis.opendocument.text"),
        ("content.xml", content.as_bytes()),
    ]);
    assert_eq!(text("a.odt", document).await, "# Offer\n\nValid today\n\n- one");
}

#[tokio::test]
async fn an_email_tells_who_what_and_which_attachments() {
    let mail = "From: Ann <ann@example.com>\r\nTo: bob@example.com\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\
        MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
        --b\r\nContent-Type: text/plain\r\n\r\nSee the file.\r\n\
        --b\r\nContent-Type: application/pdf; name=a.pdf\r\nContent-Disposition: attachment; filename=a.pdf\r\n\
        Content-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n--b--\r\n";
    let read = text("mail", mail).await;
    assert_eq!(
        read,
        "From: Ann <ann@example.com>\nTo: bob@example.com\nSubject: Grüße\n\nSee the file.\n\n\
         Attachments:\n- a.pdf, application/pdf, 5 bytes\n----\nAttachment: a.pdf\n\nhello"
    );
    let mut utf16 = vec![0xff, 0xfe];
    utf16.extend(
        "From: ann@example.com\nTo: bob@example.com\nSubject: x\n\nhello\n"
            .encode_utf16()
            .flat_map(u16::to_le_bytes),
    );
    assert!(text("mail.eml", utf16).await.ends_with("hello"));
}

#[tokio::test]
async fn a_page_of_a_web_site_gives_its_text() {
    let page = "<!DOCTYPE html><html><head><title>t</title><script>no()</script></head>\
        <body><h1>Order</h1><p>Sum: 12&nbsp;&euro;</p></body></html>";
    let read = text("invoice.pdf", page).await;
    assert!(read.contains("Order") && read.contains("12\u{a0}€"), "{read}");
    assert!(!read.contains("no()"));
}

#[tokio::test]
async fn a_picture_without_text_recognition_is_a_page_without_text() {
    let mut png = std::io::Cursor::new(Vec::new());
    image::DynamicImage::new_luma8(40, 20)
        .write_to(&mut png, image::ImageFormat::Png)
        .expect("a PNG");
    let mut wanted = request("a.jpg", png.into_inner());
    wanted.options.ocr = docmill_parse::Ocr::Off;
    let reading = reader().read(wanted).await.expect("a picture");
    assert_eq!(
        (reading.kind, reading.media_type.as_str()),
        (Kind::Image, "image/png")
    );
    assert_eq!((reading.pages[0].width, reading.pages[0].height), (40.0, 20.0));
    assert_eq!(reading.pages[0].origin, TextOrigin::None);
}

#[tokio::test]
async fn what_is_not_read_says_why() {
    for (name, content, code, words) in [
        (
            "a.zip",
            zip(&[("a.txt", b"hello")]),
            FailureCode::UnsupportedType,
            "give it as a source",
        ),
        ("a.pdf", Vec::new(), FailureCode::EmptyDocument, "empty"),
        ("a.docx", docx(""), FailureCode::EmptyDocument, "no text"),
        (
            "a.pdf",
            b"%PDF-1.4\nnothing more".to_vec(),
            FailureCode::CorruptDocument,
            "PDF",
        ),
    ] {
        let failure = read(name, content).await.expect_err("nothing to read");
        assert_eq!(failure.code, code, "{failure}");
        assert!(failure.message.contains(words), "{failure}");
    }
}
