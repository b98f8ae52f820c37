//! Small documents, built from their parts.

use std::fmt::Write as _;
use std::io::{Cursor, Write as _};

use pdf_oxide::encryption::{
    Algorithm, EncryptionWriteHandler, compute_encryption_key, compute_owner_password_hash,
    compute_user_password_hash,
};

/// A ZIP archive.
pub fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in entries {
        archive
            .start_file(*name, zip::write::SimpleFileOptions::default())
            .expect("a new entry");
        archive.write_all(content).expect("room");
    }
    archive.finish().expect("an archive").into_inner()
}

/// A Word document with this body.
pub fn docx(body: &str) -> Vec<u8> {
    let document = format!(
        "<?xml version=\"1.0\"?><w:document xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\">\
         <w:body>{body}</w:body></w:document>"
    );
    zip(&[
        ("[Content_Types].xml", b"<Types/>"),
        ("word/document.xml", document.as_bytes()),
    ])
}

/// A PDF of these pages, each a content stream drawn with Helvetica as /F1.
pub fn pdf(pages: &[&str]) -> Vec<u8> {
    assemble(&objects(pages, |_, stream| stream.to_vec()), "")
}

/// A PDF of one page, encrypted with RC4 and 128 bits (standard security handler, revision 3).
pub fn encrypted_pdf(page: &str, password: &str) -> Vec<u8> {
    let (password, id) = (password.as_bytes(), b"0123456789abcdef");
    let owner = compute_owner_password_hash(b"owner", password, 3, 16).expect("an owner hash");
    let lock =
        EncryptionWriteHandler::new(password, &owner, -4, id, Algorithm::Rc4_128, true).expect("a key");
    let key = compute_encryption_key(password, &owner, -4, id, 3, 16, true).expect("a key");
    let user = compute_user_password_hash(&key, id, 3).expect("a user hash");
    let mut objects = objects(&[page], |number, stream| lock.encrypt_stream(stream, number, 0));
    objects.push(
        format!(
            "<< /Filter /Standard /V 2 /R 3 /Length 128 /P -4 /O <{}> /U <{}> >>",
            hex(&owner),
            hex(&user)
        )
        .into_bytes(),
    );
    let trailer = format!("/Encrypt {} 0 R /ID [<{id}> <{id}>]", objects.len(), id = hex(id));
    assemble(&objects, &trailer)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// The objects of a PDF, from number 1; `lock` gets the number of each stream and its bytes.
fn objects(pages: &[&str], lock: impl Fn(u32, &[u8]) -> Vec<u8>) -> Vec<Vec<u8>> {
    let count = u32::try_from(pages.len()).expect("few pages");
    let kids: Vec<String> = (0..count).map(|page| format!("{} 0 R", 4 + page * 2)).collect();
    let mut objects = vec![
        b"<< /Type /Catalog /Pages 2 0 R >>".to_vec(),
        format!("<< /Type /Pages /Kids [{}] /Count {count} >>", kids.join(" ")).into_bytes(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_vec(),
    ];
    for (number, stream) in (5..).step_by(2).zip(pages) {
        objects.push(
            format!(
                "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {number} 0 R \
                 /Resources << /Font << /F1 3 0 R >> >> >>"
            )
            .into_bytes(),
        );
        let stream = lock(number, stream.as_bytes());
        let mut object = format!("<< /Length {} >>\nstream\n", stream.len()).into_bytes();
        object.extend(&stream);
        object.extend(b"\nendstream");
        objects.push(object);
    }
    objects
}

fn assemble(objects: &[Vec<u8>], trailer: &str) -> Vec<u8> {
    let mut file = b"%PDF-1.5\n".to_vec();
    let mut places = Vec::new();
    for (number, object) in (1..).zip(objects) {
        places.push(file.len());
        file.extend(format!("{number} 0 obj\n").as_bytes());
        file.extend(object);
        file.extend(b"\nendobj\n");
    }
    let table = file.len();
    let size = objects.len() + 1;
    file.extend(format!("xref\n0 {size}\n0000000000 65535 f \n").as_bytes());
    for place in places {
        file.extend(format!("{place:010} 00000 n \n").as_bytes());
    }
    file.extend(
        format!("trailer << /Size {size} /Root 1 0 R {trailer} >>\nstartxref\n{table}\n%%EOF\n").as_bytes(),
    );
    file
}

/// A content stream that writes `text` at a place, in points from the bottom left.
pub fn line(x: u32, y: u32, text: &str) -> String {
    format!("BT /F1 12 Tf {x} {y} Td ({text}) Tj ET\n")
}

/// A part of an Office document that names its neighbours: id, end of the type, target.
pub fn relations(targets: &[(&str, &str, &str)]) -> String {
    let rows = targets.iter().fold(String::new(), |mut rows, (id, kind, target)| {
        let _ = write!(
            rows,
            "<Relationship Id=\"{id}\" Type=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}\" Target=\"{target}\"/>"
        );
        rows
    });
    format!("<Relationships>{rows}</Relationships>")
}

/// A workbook: for each sheet its name, its state and what is inside `<worksheet>`; the styles
/// 1, 2, 3 … have these number formats. More parts may follow.
pub fn xlsx(sheets: &[(&str, &str, &str)], formats: &[&str], more: &[(&str, &[u8])]) -> Vec<u8> {
    let mut list = String::new();
    let mut targets = Vec::new();
    let mut parts = Vec::new();
    for (index, (name, state, body)) in sheets.iter().enumerate() {
        let number = index + 1;
        let _ = write!(
            list,
            "<sheet name=\"{name}\" sheetId=\"{number}\" state=\"{state}\" r:id=\"r{number}\"/>"
        );
        targets.push((format!("r{number}"), format!("worksheets/sheet{number}.xml")));
        parts.push((
            format!("xl/worksheets/sheet{number}.xml"),
            format!("<worksheet>{body}</worksheet>"),
        ));
    }
    let targets: Vec<(&str, &str, &str)> = targets
        .iter()
        .map(|(id, target)| (id.as_str(), "worksheet", target.as_str()))
        .collect();
    let (mut codes, mut styles) = (String::new(), String::from("<xf numFmtId=\"0\"/>"));
    for (index, code) in formats.iter().enumerate() {
        let id = 164 + index;
        let _ = write!(codes, "<numFmt numFmtId=\"{id}\" formatCode=\"{code}\"/>");
        let _ = write!(styles, "<xf numFmtId=\"{id}\"/>");
    }
    let book = format!("<workbook><sheets>{list}</sheets></workbook>");
    let styles = format!("<styleSheet><numFmts>{codes}</numFmts><cellXfs>{styles}</cellXfs></styleSheet>");
    let book_relations = relations(&targets);
    let mut entries: Vec<(&str, &[u8])> = vec![
        ("[Content_Types].xml", b"<Types/>"),
        ("xl/workbook.xml", book.as_bytes()),
        ("xl/_rels/workbook.xml.rels", book_relations.as_bytes()),
        ("xl/styles.xml", styles.as_bytes()),
    ];
    entries.extend(parts.iter().map(|(name, part)| (name.as_str(), part.as_bytes())));
    entries.extend(more);
    zip(&entries)
}
