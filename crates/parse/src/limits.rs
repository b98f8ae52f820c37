//! What a document may ask for. Hostile files ask for everything.

/// Text taken out of one document, in bytes. A thousand dense pages.
pub(crate) const TEXT_BYTES: usize = 32 * 1024 * 1024;

/// Bytes one entry of a ZIP-based document may unpack to.
pub(crate) const ENTRY_BYTES: u64 = 128 * 1024 * 1024;

/// Entries of a ZIP-based document that are looked at.
pub(crate) const ZIP_ENTRIES: usize = 20_000;

/// Elements inside elements in XML. Real documents stay below fifty.
pub(crate) const XML_DEPTH: usize = 256;

/// Pages read when nobody says.
pub(crate) const PAGES: u32 = 3000;

/// Rows of one sheet that are read, and columns of one row.
pub(crate) const SHEET_ROWS: usize = 100_000;
/// See [`SHEET_ROWS`].
pub(crate) const SHEET_COLUMNS: usize = 1000;

/// Pixels of a picture that is decoded.
pub(crate) const PIXELS: u64 = 120_000_000;
