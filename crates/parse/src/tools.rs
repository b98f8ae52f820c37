//! Programs docmill uses when they are installed.

use crate::ocr;

/// A program, as `docmill doctor` shows it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Tool {
    /// Its name.
    pub name: &'static str,
    /// What docmill uses it for.
    pub purpose: &'static str,
    /// Its version; `None`: not installed.
    pub version: Option<String>,
    /// More about it: its languages.
    pub details: String,
    /// How to get it.
    pub install: &'static str,
}

/// All of them, found or not.
#[must_use]
pub fn tools() -> Vec<Tool> {
    let tesseract = ocr::tesseract();
    let networks = ocr::network_folder();
    let networks = Tool {
        name: "pp-ocr",
        purpose: "reads photographs and till receipts better",
        version: networks.is_some().then(|| "v6".to_owned()),
        details: networks.map_or_else(String::new, |folder| folder.display().to_string()),
        install: "docmill ocr install",
    };
    let tesseract = Tool {
        name: "tesseract",
        purpose: "reads scans and photographs",
        version: tesseract.map(|it| it.version.clone()),
        details: tesseract.map_or_else(String::new, |it| {
            format!("languages: {}", it.languages.join(", "))
        }),
        install: "apt-get install tesseract-ocr tesseract-ocr-deu tesseract-ocr-fra, brew install tesseract",
    };
    vec![tesseract, networks]
}
