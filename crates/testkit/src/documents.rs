//! Long documents made for tests: a PDF, a workbook and a CSV file with thousands of rows.
//!
//! Each row has a number, a date, a description, a quantity and an amount; every 97th says
//! exactly what the one before it says, number included: both are real.

use std::fmt::Write as _;
use std::io::{Cursor, Write as _};

/// The columns of all tables.
pub const COLUMNS: [&str; 5] = ["number", "date", "description", "quantity", "amount"];

const ARTICLES: [&str; 7] = [
    "Hex bolt M8 zinc",
    "Washer",
    "Blue widget large",
    "Cable 3 m",
    "Service visit",
    "Paint white 5 l",
    "Gasket",
];

/// How often a row repeats the one before it.
const TWINS: usize = 97;

/// The cells of a row.
#[must_use]
pub fn row(index: usize) -> [String; 5] {
    let index = if index > 0 && index.is_multiple_of(TWINS) {
        index - 1
    } else {
        index
    };
    let article = ARTICLES[index % ARTICLES.len()];
    [
        format!("R-{:05}", index + 1),
        format!("2026-{:02}-{:02}", index % 12 + 1, index % 28 + 1),
        article.to_owned(),
        (index % 9 + 1).to_string(),
        format!("{}.{:02}", index * 37 % 4000 + 1, index * 13 % 100),
    ]
}

/// A PDF of so many pages that have so many rows altogether, and the page each row is on.
#[must_use]
pub fn pdf(pages: usize, rows: usize) -> (Vec<u8>, Vec<u32>) {
    let pages = pages.max(1);
    let mut page_of = Vec::with_capacity(rows);
    let mut objects: Vec<Vec<u8>> = vec![Vec::new(), Vec::new()];
    objects.push(b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_vec());
    let mut kids = String::new();
    for page in 0..pages {
        let (from, to) = (page * rows / pages, (page + 1) * rows / pages);
        page_of.extend(std::iter::repeat_n(
            u32::try_from(page + 1).unwrap_or(u32::MAX),
            to - from,
        ));
        let content = content_of(page + 1, pages, from..to);
        let number = objects.len() + 1;
        let _ = write!(kids, "{number} 0 R ");
        objects.push(
            format!(
                "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {} 0 R /Resources << /Font << /F1 3 0 R >> >> >>",
                number + 1
            )
            .into_bytes(),
        );
        objects.push(format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()).into_bytes());
    }
    objects[0] = b"<< /Type /Catalog /Pages 2 0 R >>".to_vec();
    objects[1] = format!("<< /Type /Pages /Kids [{kids}] /Count {pages} >>").into_bytes();
    (assembled(&objects), page_of)
}

/// The operators that draw a page: a running head, the columns' names, rows, prose, a foot.
fn content_of(page: usize, pages: usize, rows: std::ops::Range<usize>) -> String {
    const X: [usize; 5] = [50, 120, 200, 400, 470];
    let mut content = String::new();
    let mut at = |x: usize, y: usize, text: &str| {
        let _ = writeln!(content, "BT /F1 10 Tf {x} {y} Td ({text}) Tj ET");
    };
    at(50, 800, "Deliveries of the year 2026");
    for (x, name) in X.iter().zip(COLUMNS) {
        at(*x, 770, name);
    }
    let mut y = 770;
    for index in rows {
        y -= 16;
        for (x, cell) in X.iter().zip(row(index)) {
            at(*x, y, &cell);
        }
    }
    for line in [
        "The goods were checked on arrival and put into the store of the department that ordered them.",
        "Objections are to be raised in writing and with the number of the delivery, as agreed.",
    ] {
        y -= 24;
        at(50, y, line);
    }
    at(50, 40, &format!("Page {page} of {pages}"));
    content
}

fn assembled(objects: &[Vec<u8>]) -> Vec<u8> {
    let mut out = b"%PDF-1.4\n".to_vec();
    let mut places = Vec::new();
    for (number, object) in (1..).zip(objects) {
        places.push(out.len());
        out.extend(format!("{number} 0 obj\n").into_bytes());
        out.extend(object);
        out.extend(b"\nendobj\n");
    }
    let table = out.len();
    out.extend(format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).into_bytes());
    for place in places {
        out.extend(format!("{place:010} 00000 n \n").into_bytes());
    }
    let size = objects.len() + 1;
    out.extend(format!("trailer << /Size {size} /Root 1 0 R >>\nstartxref\n{table}\n%%EOF\n").into_bytes());
    out
}

/// A CSV file with so many rows.
#[must_use]
pub fn csv(rows: usize) -> Vec<u8> {
    let mut text = COLUMNS.join(",");
    for index in 0..rows {
        text.push('\n');
        text.push_str(&row(index).join(","));
    }
    text.push('\n');
    text.into_bytes()
}

/// A workbook of one sheet with so many rows.
///
/// # Errors
/// When the archive cannot be put together.
pub fn xlsx(rows: usize) -> zip::result::ZipResult<Vec<u8>> {
    let mut sheet = String::from(
        "<?xml version=\"1.0\"?><worksheet xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\"><sheetData>",
    );
    let header = COLUMNS.map(str::to_owned);
    for (number, cells) in (1..).zip(std::iter::once(header).chain((0..rows).map(row))) {
        let _ = write!(sheet, "<row r=\"{number}\">");
        for (column, cell) in ('A'..).zip(&cells) {
            let is_number = column >= 'D' && number > 1;
            let _ = match is_number {
                true => write!(sheet, "<c r=\"{column}{number}\"><v>{cell}</v></c>"),
                false => write!(
                    sheet,
                    "<c r=\"{column}{number}\" t=\"inlineStr\"><is><t>{cell}</t></is></c>"
                ),
            };
        }
        sheet.push_str("</row>");
    }
    sheet.push_str("</sheetData></worksheet>");
    const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006";
    let entries = [
        (
            "[Content_Types].xml",
            format!(
                "<Types xmlns=\"{PACKAGE}/content-types\"><Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/><Override PartName=\"/xl/workbook.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml\"/><Override PartName=\"/xl/worksheets/sheet1.xml\" ContentType=\"application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml\"/></Types>"
            ),
        ),
        (
            "_rels/.rels",
            format!(
                "<Relationships xmlns=\"{PACKAGE}/relationships\"><Relationship Id=\"rId1\" Type=\"{OFFICE}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
            ),
        ),
        (
            "xl/workbook.xml",
            format!(
                "<workbook xmlns=\"http://schemas.openxmlformats.org/spreadsheetml/2006/main\" xmlns:r=\"{OFFICE}\"><sheets><sheet name=\"Deliveries\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>"
            ),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            format!(
                "<Relationships xmlns=\"{PACKAGE}/relationships\"><Relationship Id=\"rId1\" Type=\"{OFFICE}/worksheet\" Target=\"worksheets/sheet1.xml\"/></Relationships>"
            ),
        ),
        ("xl/worksheets/sheet1.xml", sheet),
    ];
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in entries {
        archive.start_file(name, zip::write::SimpleFileOptions::default())?;
        archive.write_all(content.as_bytes())?;
    }
    Ok(archive.finish()?.into_inner())
}
