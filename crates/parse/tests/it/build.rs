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
