//! What goes through the pipes: a length, then so many bytes.

use std::io::{self, Read, Write};

use docmill_core::failure::Failure;
use docmill_core::page::PageImage;
use serde::{Deserialize, Serialize};

use crate::port::{ImageOptions, ReadOptions};

/// A frame is never larger: a reading is bounded by the text limit, pictures by their number.
pub(super) const LARGEST: u32 = 512 * 1024 * 1024;

/// What the child is to do. The document's bytes follow in a frame of their own.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Order {
    pub(super) name: String,
    pub(super) passwords: Vec<String>,
    pub(super) task: Task,
}

/// Reading or rendering.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Task {
    Read {
        options: ReadOptions,
        /// Text recognition begins no further page after so many seconds: a part is
        /// better than running into the parent's limit, which costs everything.
        ocr_seconds: u64,
    },
    Render(ImageOptions),
}

/// What comes back for an order.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Answer {
    /// The child has grown so large that it should be replaced.
    pub(super) worn: bool,
    pub(super) reply: Reply,
}

/// What came of it. A reading travels as JSON inside (its fields may be absent, which
/// compact formats cannot say), pictures as they are.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Reply {
    Reading(Vec<u8>),
    Pictures(Vec<PageImage>),
    Failed(String),
}

impl Reply {
    /// A failure travels as JSON too.
    pub(super) fn failed(failure: &Failure) -> Self {
        Self::Failed(serde_json::to_string(failure).unwrap_or_default())
    }
}

/// Writes a frame.
pub(super) fn write(out: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    let length = u32::try_from(bytes.len())
        .ok()
        .filter(|length| *length <= LARGEST)
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the frame is too large"))?;
    out.write_all(&length.to_le_bytes())?;
    out.write_all(bytes)?;
    out.flush()
}

/// Reads a frame; `None` at the end of the pipe.
pub(super) fn read(input: &mut impl Read) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    match input.read_exact(&mut length) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let length = u32::from_le_bytes(length);
    if length > LARGEST {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "the frame is too large",
        ));
    }
    let mut bytes = vec![0; length as usize];
    input.read_exact(&mut bytes)?;
    Ok(Some(bytes))
}
