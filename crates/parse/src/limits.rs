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

/// Documents inside one document that are read, and documents around one that is.
pub(crate) const INNER_COUNT: usize = 200;
/// See [`INNER_COUNT`].
pub(crate) const INNER_DEPTH: usize = 6;

/// Bytes of all documents inside one.
pub(crate) const INNER_BYTES: u64 = 256 * 1024 * 1024;

/// Cells of one sheet that are read.
pub(crate) const SHEET_CELLS: usize = 3_000_000;

/// Pixels of a picture that is decoded.
pub(crate) const PIXELS: u64 = 120_000_000;
