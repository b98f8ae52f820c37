//! Pictures of text. Where tesseract is not installed, the same documents say so.

use docmill_core::page::{BBox, ParsedDocument, TextOrigin};
use docmill_parse::{ImageOptions, OcrEngine, Reader as _, tools};

use crate::build::{line, pdf, zip};
use crate::harness::{read, reader, request};

/// Several lines: orientation is told from some fifty letters.
const LINES: [&str; 5] = [
    "Invoice 4711 of the hardware store",
    "Delivery address: 12 Garden Street, Springfield",
    "Twenty boxes of screws and washers",
    "Payment within thirty days of the invoice date",
    "Total amount 119.00 EUR",
];

/// The lines as a picture of a page, at 150 dots per inch.
async fn picture() -> Vec<u8> {
    let page: String = (0..)
        .zip(LINES)
        .map(|(row, text)| line(72, 700 - row * 40, text))
        .collect();
    let images = ImageOptions {
        dpi: 150,
        max_edge: 2000,
        first_page: 1,
        max_pages: 1,
    };
    let mut pictures = reader()
        .render(request("a.pdf", pdf(&[&page])), images)
        .await
        .expect("a rendered page");
    pictures.remove(0).png
}

/// Whether tesseract is here; if it is not, the reading must say so.
fn was_read(reading: &ParsedDocument) -> bool {
    let installed = tools()
        .iter()
        .any(|tool| tool.name == "tesseract" && tool.version.is_some());
    if !installed {
        let told = reading
            .findings
            .iter()
            .any(|it| it.message.contains("tesseract is not installed"));
        assert!(told && reading.is_partial(), "{:?}", reading.findings);
    }
    installed
}

fn assert_total_in_its_place(reading: &ParsedDocument, height: f32) {
    let page = &reading.pages[0];
    assert_eq!(page.origin, TextOrigin::Ocr);
    assert!(page.text.contains("Total amount 119.00"), "{}", page.text);
    let total = page
        .words
        .iter()
        .find(|word| &page.text[word.start as usize..word.end as usize] == "Total")
        .expect("the word");
    assert!(total.confidence.is_some_and(|confidence| confidence > 50));
    // Its base line is 540 of 792 points above the bottom of the page.
    let middle = f32::midpoint(total.bbox.y0, total.bbox.y1) / height;
    assert!((0.30..0.34).contains(&middle), "{middle}");
}

#[tokio::test]
async fn a_picture_of_text_is_read_with_places() {
    let reading = read("scan.png", picture().await).await.expect("a picture");
    if was_read(&reading) {
        assert_total_in_its_place(&reading, reading.pages[0].height);
    }
}

#[tokio::test]
async fn a_picture_on_its_head_is_turned_and_places_are_those_of_the_picture() {
    let upright = image::load_from_memory(&picture().await).expect("a PNG");
    let mut turned = std::io::Cursor::new(Vec::new());
    upright
        .rotate180()
        .write_to(&mut turned, image::ImageFormat::Png)
        .expect("a PNG");
    let mut reading = read("scan.png", turned.into_inner()).await.expect("a picture");
    let knows_turns = tools().iter().any(|tool| tool.details.contains("osd"));
    if was_read(&reading) && knows_turns {
        let page = &mut reading.pages[0];
        for word in &mut page.words {
            (word.bbox.y0, word.bbox.y1) = (page.height - word.bbox.y1, page.height - word.bbox.y0);
        }
        let height = page.height;
        assert_total_in_its_place(&reading, height);
    }
}

/// A till receipt on a dark table, its ink nearly gone: one threshold for the whole picture
/// makes paper and ink white, or ink and table black.
#[tokio::test]
async fn faint_print_beside_a_dark_edge_is_read() {
    let page = image::load_from_memory(&picture().await)
        .expect("a PNG")
        .into_luma8();
    let (width, height) = page.dimensions();
    let faint = image::GrayImage::from_fn(width, height, |x, y| {
        let edge = x < width / 12 || x > width - width / 12 || y < height / 20;
        let paper = 250 - (x * 30 / width) as u8;
        let ink = page.get_pixel(x, y).0[0] < 128;
        image::Luma([match (edge, ink) {
            (true, _) => 5,
            (false, true) => paper - 45,
            (false, false) => paper,
        }])
    });
    let mut encoded = std::io::Cursor::new(Vec::new());
    faint
        .write_to(&mut encoded, image::ImageFormat::Png)
        .expect("a PNG");
    let reading = read("scan.png", encoded.into_inner()).await.expect("a picture");
    if was_read(&reading) {
        let text = &reading.pages[0].text;
        assert!(text.contains("Payment within thirty days"), "{text}");
    }
}

/// With the networks, where they are installed (`make ocr` installs them and runs this).
#[tokio::test]
async fn the_networks_read_pictures_whichever_way_they_lie() {
    if docmill_parse::best_engine() != Some(OcrEngine::PpOcr) {
        eprintln!("skipped: the networks for text recognition are not installed (make ocr)");
        return;
    }
    let upright = image::load_from_memory(&picture().await).expect("a PNG");
    let height = upright.height() as f32;
    type Turn = fn(&image::DynamicImage) -> image::DynamicImage;
    let turns: [(&str, Turn); 4] = [
        ("upright", image::DynamicImage::clone),
        ("right", image::DynamicImage::rotate90),
        ("over", image::DynamicImage::rotate180),
        ("left", image::DynamicImage::rotate270),
    ];
    for (name, turn) in turns {
        let mut content = std::io::Cursor::new(Vec::new());
        turn(&upright)
            .write_to(&mut content, image::ImageFormat::Png)
            .expect("a PNG");
        let mut request = request("scan.png", content.into_inner());
        request.options.ocr_engine = OcrEngine::PpOcr;
        let mut reading = reader().read(request).await.expect("a picture");
        let page = &mut reading.pages[0];
        for row in LINES {
            assert!(page.text.contains(row), "{name}: {}", page.text);
        }
        let (wide, high) = (page.width, page.height);
        for word in &mut page.words {
            let BBox { x0, x1, y0, y1 } = word.bbox;
            (word.bbox.y0, word.bbox.y1) = match name {
                "right" => (wide - x1, wide - x0),
                "over" => (high - y1, high - y0),
                "left" => (x0, x1),
                _ => (y0, y1),
            };
        }
        assert_total_in_its_place(&reading, height);
    }
}

#[tokio::test]
async fn a_document_that_is_only_a_picture_gets_it_read() {
    let picture = picture().await;
    let document = zip(&[
        (
            "word/document.xml",
            b"<w:document xmlns:w=\"w\"><w:p><w:t>Scan</w:t></w:p></w:document>",
        ),
        ("word/media/image1.png", &picture),
    ]);
    let reading = read("a.docx", document).await.expect("a document");
    assert_eq!(reading.pages[0].text, "Scan");
    if was_read(&reading) {
        assert_eq!(reading.pages[1].label.as_deref(), Some("Picture image1.png"));
        assert!(reading.pages[1].text.contains("Total amount"));
    }
}
