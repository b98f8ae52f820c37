//! Word processors and presentations: DOCX, PPTX, OpenDocument, EPUB (all XML in a
//! ZIP archive), RTF, and the old binary DOC and PPT.

mod docx;
pub(crate) mod drawing;
mod epub;
mod legacy;
pub(crate) mod odf;
pub(crate) mod package;
mod pictures;
mod pptx;
mod rtf;

use docmill_core::failure::{Failure, FailureCode};

use crate::detect::Format;
use crate::inner::Reading;
use crate::outcome::Outcome;

/// The password of documents that are encrypted for everybody to open: Excel's way of marking
/// a workbook as protected.
pub(crate) const KNOWN_PASSWORD: &str = "VelvetSweatshop";

/// Reads an office document.
pub(crate) fn read(content: &[u8], format: Format, reading: &Reading<'_>) -> Result<Outcome, Failure> {
    let mut outcome = match format {
        Format::Docx => docx::read(content, reading),
        Format::Pptx => pptx::read(content, reading),
        Format::Odt | Format::Odp => odf::read(content, reading.passwords),
        Format::Epub => epub::read(content),
        Format::Rtf => Ok(rtf::read(content)),
        Format::Doc => legacy::doc(content),
        _ => legacy::ppt(content),
    }?;
    pictures::add(content, format, reading, &mut outcome);
    Ok(outcome)
}

/// Reads RTF that is inside something else.
pub(crate) fn rtf(content: &[u8]) -> Outcome {
    rtf::read(content)
}

/// Decrypts an office document with the first password that fits.
pub(crate) fn decrypt(content: &[u8], passwords: &[String]) -> Result<Vec<u8>, Failure> {
    passwords
        .iter()
        .map(String::as_str)
        .chain([KNOWN_PASSWORD])
        .filter_map(|password| office_crypto::decrypt_from_bytes(content.to_vec(), password).ok())
        // A wrong password can decrypt to noise: what comes out must be what it should be.
        .find(|plain| plain.starts_with(b"PK") || plain.starts_with(b"\xd0\xcf\x11\xe0"))
        .ok_or_else(|| locked(passwords))
}

/// No password fits.
pub(crate) fn locked(passwords: &[String]) -> Failure {
    let message = match passwords.len() {
        0 => "the document is encrypted, and no password was given",
        1 => "the document is encrypted, and the given password does not open it",
        _ => "the document is encrypted, and none of the given passwords opens it",
    };
    Failure::new(FailureCode::PasswordRequired, message)
}

pub(crate) fn corrupt(reason: impl std::fmt::Display) -> Failure {
    Failure::new(
        FailureCode::CorruptDocument,
        format!("the document could not be read: {}", crate::text::short(&reason)),
    )
}
