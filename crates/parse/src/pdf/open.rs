//! Opening a PDF by whichever password fits.

use docmill_core::failure::{Failure, FailureCode};
use hayro::hayro_syntax::{DecryptionError, LoadPdfError, Pdf};

use crate::pdf::{corrupt, unharmed};

/// Opens a PDF.
pub(crate) fn open(content: &[u8], passwords: &[String]) -> Result<Pdf, Failure> {
    for password in std::iter::once("").chain(passwords.iter().map(String::as_str)) {
        let opened = unharmed(|| Ok(Pdf::new_with_password(content.to_vec(), password)));
        match opened.map_err(|reason| corrupt(&reason))? {
            Ok(pdf) => return Ok(pdf),
            Err(LoadPdfError::Decryption(DecryptionError::PasswordProtected)) => {}
            Err(LoadPdfError::Decryption(DecryptionError::UnsupportedAlgorithm)) => {
                return Err(corrupt(&"it is encrypted in a way that docmill does not know"));
            }
            Err(LoadPdfError::Decryption(_)) => return Err(corrupt(&"its encryption is damaged")),
            Err(LoadPdfError::Invalid) => return Err(corrupt(&"its structure is damaged")),
        }
    }
    let message = match passwords.len() {
        0 => "the PDF is encrypted, and no password was given",
        1 => "the PDF is encrypted, and the given password does not open it",
        _ => "the PDF is encrypted, and none of the given passwords opens it",
    };
    Err(Failure::new(FailureCode::PasswordRequired, message))
}
