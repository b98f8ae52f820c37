//! OLE2 files ("compound files"): a small file system in a file, which the old Office
//! formats, Outlook's messages and encrypted new ones share.

use std::borrow::Cow;
use std::io::{self, Cursor};

/// An opened compound file.
pub(crate) type Compound<'a> = cfb::CompoundFile<Cursor<Cow<'a, [u8]>>>;

/// Opens a compound file. Some programs fill the rest of their allocation table with ends of
/// chains, which the reader takes for an end of the file that was cut off; it is added here.
pub(crate) fn open(content: &[u8]) -> io::Result<Compound<'_>> {
    let opened = cfb::CompoundFile::open(Cursor::new(Cow::Borrowed(content)));
    match (opened, missing(content)) {
        (Err(_), Some(missing)) => {
            let mut whole = content.to_vec();
            whole.resize(content.len().saturating_add(missing), 0);
            cfb::CompoundFile::open(Cursor::new(Cow::Owned(whole)))
        }
        (opened, _) => opened,
    }
}

/// Bytes left away at the end: less than what one sector of the table speaks of (MS-CFB 2.2, 2.3).
fn missing(content: &[u8]) -> Option<usize> {
    let field = |at: usize| content.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
    let tables = usize::try_from(u32::from_le_bytes(field(0x2c)?)).ok()?;
    let sector = match content.get(0x1e)? {
        9 => 512_usize,
        12 => 4096,
        _ => return None,
    };
    let a_table_speaks_of = sector / 4 * sector;
    let whole = tables.checked_mul(a_table_speaks_of)?.checked_add(sector)?;
    whole
        .checked_sub(content.len())
        .filter(|missing| (1..a_table_speaks_of).contains(missing))
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};

    use super::*;

    #[test]
    fn an_end_that_was_left_away_is_no_harm() {
        let empty = Cursor::new(Vec::new());
        let mut file = cfb::CompoundFile::create_with_version(cfb::Version::V3, empty).expect("a file");
        let mut stream = file.create_stream("/WordDocument").expect("a stream");
        stream.write_all(&[7; 5000]).expect("room");
        drop(stream);
        file.flush().expect("room");
        let mut content = file.into_inner().into_inner();
        // The table is in the sector that the header names; its unused entries say "free". Here
        // they say "end of a chain", so that the file seems to be longer than it is.
        let sector = u32::from_le_bytes(content[0x4c..0x50].try_into().expect("four bytes")) as usize;
        for entry in content[512 * (sector + 1)..512 * (sector + 2)].chunks_mut(4) {
            if entry == [0xff; 4] {
                entry.copy_from_slice(&0xffff_fffe_u32.to_le_bytes());
            }
        }
        assert!(cfb::CompoundFile::open(Cursor::new(&content)).is_err());
        let mut text = Vec::new();
        let mut opened = open(&content).expect("a compound file");
        let mut stream = opened.open_stream("/WordDocument").expect("the stream");
        stream.read_to_end(&mut text).expect("its bytes");
        assert_eq!(text, [7; 5000]);
        assert_eq!(missing(&content[..20]), None);
    }
}
