//! Small documents, built from their parts.

use std::fmt::Write as _;
use std::io::{Cursor, Write as _};

use md5::{Digest as _, Md5};

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

/// A PDF of these pages, with entries and annotations that all of them have.
pub fn pdf_of(pages: &[&str], entries: &str, annotations: &[&str]) -> Vec<u8> {
    let annotations = annotations.join(" ");
    let marked = format!("/Type /Page {entries} /Annots [{annotations}]");
    let mut objects = objects(pages, |_, stream| stream.to_vec());
    for object in &mut objects {
        let text = String::from_utf8_lossy(object);
        if text.starts_with("<< /Type /Page ") {
            *object = text.replacen("/Type /Page", &marked, 1).into_bytes();
        } else if text.starts_with("<< /Type /Catalog") {
            *object = text
                .replacen("/Type /Catalog", "/Type /Catalog /AcroForm << /Fields [] >>", 1)
                .into_bytes();
        }
    }
    assemble(&objects, "")
}

/// A PDF of these pages that carries these files.
pub fn pdf_with_files(pages: &[&str], files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut objects = objects(pages, |_, stream| stream.to_vec());
    let mut names = String::new();
    for (name, content) in files {
        let mut packed = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        packed.write_all(content).expect("room");
        let packed = packed.finish().expect("a stream");
        let mut stream = format!(
            "<< /Type /EmbeddedFile /Filter /FlateDecode /Length {} >>\nstream\n",
            packed.len()
        )
        .into_bytes();
        stream.extend(packed);
        stream.extend(b"\nendstream");
        objects.push(stream);
        let number = objects.len();
        let _ = write!(
            names,
            "({name}) << /Type /Filespec /F ({name}) /EF << /F {number} 0 R >> >> "
        );
    }
    objects[0] = String::from_utf8_lossy(&objects[0])
        .replacen(
            "/Type /Catalog",
            &format!("/Type /Catalog /Names << /EmbeddedFiles << /Names [{names}] >> >>"),
            1,
        )
        .into_bytes();
    assemble(&objects, "")
}

/// A PDF of one page, encrypted with RC4 and 128 bits (standard security handler, revision 3).
pub fn encrypted_pdf(page: &str, password: &str) -> Vec<u8> {
    let id = b"0123456789abcdef";
    // What an owner's password would open it with; no test has one.
    let owner = [0x5a; 32];
    let mut padded = password.as_bytes().to_vec();
    padded.extend(PADDING);
    let mut key = Md5::digest([&padded[..32], &owner, &(-4_i32).to_le_bytes(), id].concat());
    for _ in 0..50 {
        key = Md5::digest(key);
    }
    let mut user = Md5::digest([&PADDING[..], id].concat()).to_vec();
    for round in 0..20 {
        let key: Vec<u8> = key.iter().map(|byte| byte ^ round).collect();
        user = rc4(&key, &user);
    }
    user.resize(32, 0);
    let mut objects = objects(&[page], |number, stream| {
        let object = [&key[..], &number.to_le_bytes()[..3], &[0, 0]].concat();
        rc4(&Md5::digest(object), stream)
    });
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

/// What passwords are filled up with.
const PADDING: [u8; 32] = [
    0x28, 0xbf, 0x4e, 0x5e, 0x4e, 0x75, 0x8a, 0x41, 0x64, 0x00, 0x4e, 0x56, 0xff, 0xfa, 0x01, 0x08, 0x2e,
    0x2e, 0x00, 0xb6, 0xd0, 0x68, 0x3e, 0x80, 0x2f, 0x0c, 0xa9, 0xfe, 0x64, 0x53, 0x69, 0x7a,
];

fn rc4(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut state: Vec<u8> = (0..=255).collect();
    let mut j = 0;
    for i in 0..256 {
        j = (j + usize::from(state[i]) + usize::from(key[i % key.len()])) % 256;
        state.swap(i, j);
    }
    let (mut i, mut j) = (0, 0);
    text.iter()
        .map(|byte| {
            i = (i + 1) % 256;
            j = (j + usize::from(state[i])) % 256;
            state.swap(i, j);
            byte ^ state[(usize::from(state[i]) + usize::from(state[j])) % 256]
        })
        .collect()
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
