//! Workbooks: values as they are shown, and nothing that is in them dropped in silence.

use std::fmt::Write as _;

use docmill_core::page::FindingKind;

use crate::build::{relations, xlsx, zip};
use crate::harness::{read, text};

#[tokio::test]
async fn cells_are_read_as_they_are_shown() {
    let body = "<sheetData><row r=\"1\"><c r=\"A1\" s=\"1\"><v>42</v></c><c r=\"B1\" s=\"2\"><v>0.075</v></c>\
        <c r=\"C1\" s=\"3\"><v>1.25</v></c><c r=\"D1\" s=\"4\"><v>46000</v></c>\
        <c r=\"E1\" t=\"str\"><f>A1&amp;\"x\"</f><v>42x</v></c><c r=\"F1\"><v>19.99</v></c></row></sheetData>";
    let book = xlsx(
        &[("Sheet1", "visible", body)],
        &["0000", "0.0%", "[h]:mm", "dd.mm.yyyy"],
        &[],
    );
    let read = text("a.xlsx", book).await;
    assert_eq!(
        read.lines().next(),
        Some("| 0042 | 7.5% | 30:00 | 09.12.2025 | 42x | 19.99 |")
    );
}

#[tokio::test]
async fn sheets_say_their_names_and_what_is_hidden_is_marked() {
    let body = |value: &str| {
        format!(
            "<cols><col min=\"2\" max=\"2\" hidden=\"1\"/></cols><sheetData>\
             <row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><t>Rent</t></is></c><c r=\"B1\"><v>{value}</v></c></row>\
             <row r=\"2\" hidden=\"1\"><c r=\"A2\" t=\"inlineStr\"><is><t>Bonus</t></is></c></row></sheetData>"
        )
    };
    let comments = "<comments><commentList><comment ref=\"B1\"><text><r><t>Agreed with Ann</t></r></text></comment></commentList></comments>";
    let list = relations(&[("c", "comments", "../comments1.xml")]);
    let book = xlsx(
        &[
            ("Plan 2026", "visible", &body("700")),
            ("Old", "hidden", &body("650")),
        ],
        &[],
        &[
            ("xl/worksheets/_rels/sheet1.xml.rels", list.as_bytes()),
            ("xl/comments1.xml", comments.as_bytes()),
        ],
    );
    let reading = read("a.xlsx", book).await.expect("a workbook");
    assert_eq!(
        reading.pages[0].text,
        "## Plan 2026\n\n|  | Rent | 700 |\n| --- | --- | --- |\n| (hidden row) | Bonus |  |\n\nHidden columns: B.\n\n\
         Comments:\n- B1: Agreed with Ann\n"
    );
    assert!(reading.pages[1].text.starts_with("## Old (hidden)\n"));
    assert_eq!(reading.pages[1].label.as_deref(), Some("Old (hidden)"));
}

#[tokio::test]
async fn wide_sheets_and_far_corners_are_read_whole() {
    let mut row = String::new();
    for column in 1..=5000 {
        let _ = write!(row, "<c><v>{column}</v></c>");
    }
    let body = format!("<sheetData><row r=\"1\">{row}</row></sheetData>");
    let reading = read("a.xlsx", xlsx(&[("Sheet1", "visible", &body)], &[], &[]))
        .await
        .expect("a workbook");
    assert!(reading.pages[0].text.contains("| 4999 | 5000 |"));
    assert!(!reading.is_partial(), "{:?}", reading.findings);
    let far = "<sheetData><row r=\"1\"><c r=\"A1\"><v>1</v></c></row>\
        <row r=\"1048576\"><c r=\"XFD1048576\"><v>2</v></c></row></sheetData>";
    let read = text("a.xlsx", xlsx(&[("Sheet1", "visible", far)], &[], &[])).await;
    assert_eq!(read, "| 1 |  |\n| --- | --- |\n|  | 2 |\n");
}

#[tokio::test]
async fn merged_labels_stand_over_all_their_columns() {
    let cell =
        |place: &str, text: &str| format!("<c r=\"{place}\" t=\"inlineStr\"><is><t>{text}</t></is></c>");
    let body = format!(
        "<sheetData><row r=\"1\">{}{}</row><row r=\"2\">{}{}</row></sheetData>\
         <mergeCells><mergeCell ref=\"B1:C1\"/><mergeCell ref=\"A1:A2\"/></mergeCells>",
        cell("A1", "Branch"),
        cell("B1", "Turnover"),
        cell("B2", "May"),
        cell("C2", "June")
    );
    let read = text("a.xlsx", xlsx(&[("Sheet1", "visible", &body)], &[], &[])).await;
    assert_eq!(
        read,
        "| Branch | Turnover | Turnover |\n| --- | --- | --- |\n| Branch | May | June |\n"
    );
}

#[tokio::test]
async fn formulas_that_were_never_worked_out_are_told() {
    let body =
        "<sheetData><row r=\"1\"><c r=\"A1\"><v>1</v></c><c r=\"B1\"><f>A1*2</f></c></row></sheetData>";
    let reading = read("a.xlsx", xlsx(&[("Sheet1", "visible", body)], &[], &[]))
        .await
        .expect("a workbook");
    let finding = &reading.findings[0];
    assert_eq!(finding.kind, FindingKind::NotRead);
    assert!(finding.message.contains("1 formulas"), "{}", finding.message);
}

#[tokio::test]
async fn an_opendocument_sheet_is_read_as_it_is_shown() {
    let content = "<o:document-content xmlns:o=\"o\" xmlns:table=\"t\" xmlns:text=\"x\" xmlns:office=\"f\">\
        <table:table table:name=\"Costs\"><table:table-row><table:table-cell office:value=\"0.075\"><text:p>7,5 %</text:p></table:table-cell>\
        <table:table-cell table:number-columns-repeated=\"2\"><text:p>x</text:p></table:table-cell></table:table-row>\
        <table:table-row table:visibility=\"collapse\"><table:table-cell><text:p>secret</text:p>\
        <office:annotation><text:p>why?</text:p></office:annotation></table:table-cell></table:table-row>\
        <table:table-row table:number-rows-repeated=\"1048574\"><table:table-cell table:number-columns-repeated=\"16384\"/></table:table-row>\
        </table:table></o:document-content>";
    let book = zip(&[
        ("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"),
        ("content.xml", content.as_bytes()),
    ]);
    assert_eq!(
        text("a.ods", book).await,
        "## Costs\n\n|  | 7,5 % | x | x |\n| --- | --- | --- | --- |\n| (hidden row) | secret |  |  |\n\nComments:\n- A2: why?\n"
    );
}
