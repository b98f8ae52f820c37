//! Reading documents: bytes in, pages of text with the place of each word out.
//!
//! Formats are told by content, never by extension ([`detect()`]). Anything that decodes
//! a complex format runs in a child process with limits on memory, CPU, wall time and
//! output ([`sandbox`]): a hostile file costs one document, never the run. The port is
//! [`Reader`]; [`Documents`] implements it. This crate knows core and nothing else of
//! docmill.

mod blocks;
mod cpu;
mod detect;
mod documents;
mod einvoice;
mod email;
mod encoding;
mod html;
mod inner;
mod layout;
mod limits;
mod ocr;
mod office;
mod ole;
mod outcome;
mod pdf;
mod picture;
mod port;
mod read;
pub mod sandbox;
mod sheet;
mod table;
mod text;
mod tools;
mod turn;
mod unread;

pub use detect::{Detected, Format, detect};
pub use documents::Documents;
pub use ocr::{FILES as NETWORK_FILES, NetworkFile, best_engine, is_installed, own_network_folder};
pub use port::{ImageOptions, Ocr, OcrEngine, ReadOptions, ReadRequest, Reader};
pub use tools::{Tool, tools};
