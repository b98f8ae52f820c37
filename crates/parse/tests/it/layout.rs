//! What PDFs say besides plain lines: tables, turned pages, forms, notes, hidden text.

use crate::build::{line, pdf, pdf_of};
use crate::harness::{read, text};

#[tokio::test]
async fn a_table_that_is_drawn_column_by_column_is_read_row_by_row() {
    let mut page = String::new();
    for (x, cells) in [
        (72, ["Code", "4711", "4712", "4713"]),
        (200, ["Article", "Bread", "Milk", "Eggs"]),
        (330, ["Price", "3.10", "1.19", "2.99"]),
    ] {
        for (cell, y) in cells.iter().zip([700, 684, 668, 652]) {
            page.push_str(&line(x, y, cell));
        }
    }
    assert_eq!(
        text("a.pdf", pdf(&[&page])).await,
        "| Code | Article | Price |\n| --- | --- | --- |\n| 4711 | Bread | 3.10 |\n| 4712 | Milk | 1.19 |\n\
         | 4713 | Eggs | 2.99 |"
    );
}

#[tokio::test]
async fn a_turned_page_is_read_as_it_is_shown() {
    // Shown a quarter to the right, text that runs up the sheet is upright.
    let page = "BT /F1 12 Tf 0 1 -1 0 100 100 Tm (First line) Tj ET\n\
                BT /F1 12 Tf 0 1 -1 0 120 100 Tm (Second line 12.50) Tj ET\n";
    let reading = read("a.pdf", pdf_of(&[page], "/Rotate 90", &[]))
        .await
        .expect("a PDF");
    let page = &reading.pages[0];
    assert_eq!(page.text, "First line\nSecond line 12.50");
    assert_eq!((page.width, page.height), (792.0, 612.0));
    assert!(page.words[0].bbox.x0 > 90.0 && page.words[0].bbox.y1 < page.words[2].bbox.y1);
}

#[tokio::test]
async fn values_of_a_form_stand_where_its_fields_are() {
    let page = line(72, 700, "Name of applicant:");
    let widget =
        "<< /Type /Annot /Subtype /Widget /FT /Tx /T (name) /V (Ana Example) /Rect [200 695 400 715] >>";
    let box_ = "<< /Type /Annot /Subtype /Widget /FT /Btn /T (agreed) /AS /Yes /Rect [200 675 212 687] >>";
    let page_two = line(72, 678, "Agreed");
    let content = format!("{page}{page_two}");
    let document = pdf_of(&[&content], "", &[widget, box_]);
    assert_eq!(
        text("a.pdf", document).await,
        "Name of applicant:   Ana Example\n\nAgreed   ☑"
    );
}

#[tokio::test]
async fn a_sticky_note_is_read_once() {
    let page = line(72, 700, "Contract draft");
    let note =
        "<< /Type /Annot /Subtype /Text /T (Kim) /Contents (the price is 4711) /Rect [300 700 320 720] >>";
    let seen = "<< /Type /Annot /Subtype /Highlight /Contents (Contract draft) /Rect [72 700 120 720] >>";
    assert_eq!(
        text("a.pdf", pdf_of(&[&page], "", &[note, seen])).await,
        "Contract draft\n\n[Note by Kim: the price is 4711]"
    );
}

#[tokio::test]
async fn text_that_nobody_sees_is_left_out_and_told() {
    let page = format!(
        "{}3 Tr {}",
        line(72, 700, "Total 12.50"),
        line(72, 600, "Pay 9999 instead")
    );
    let reading = read("a.pdf", pdf(&[&page])).await.expect("a PDF");
    assert_eq!(reading.pages[0].text, "Total 12.50");
    assert!(
        reading
            .findings
            .iter()
            .any(|finding| finding.message.contains("invisibly")),
        "{:?}",
        reading.findings
    );
}
