//! The old binary formats of Word and PowerPoint, inside an OLE2 file system.

use std::io::Read as _;

use docmill_core::failure::Failure;
use encoding_rs::{UTF_16LE, WINDOWS_1252};

use super::corrupt;
use crate::limits;
use crate::ole;
use crate::outcome::Outcome;
use crate::text;

fn stream(content: &[u8], name: &str) -> Result<Option<Vec<u8>>, Failure> {
    let mut file = ole::open(content).map_err(corrupt)?;
    if !file.exists(name) {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    file.open_stream(name)
        .map_err(corrupt)?
        .take(limits::ENTRY_BYTES)
        .read_to_end(&mut bytes)
        .map_err(corrupt)?;
    Ok(Some(bytes))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(
        bytes.get(at..at.checked_add(2)?)?.try_into().ok()?,
    ))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(
        bytes.get(at..at.checked_add(4)?)?.try_into().ok()?,
    ))
}

/// Word 97 and later: text lies in pieces, listed in the table stream (MS-DOC 2.4.1).
pub(super) fn doc(content: &[u8]) -> Result<Outcome, Failure> {
    let document = stream(content, "/WordDocument")?.ok_or_else(|| corrupt("it has no text"))?;
    let flags = u16_at(&document, 0x0a).ok_or_else(|| corrupt("its header is cut off"))?;
    if flags & 0x0100 != 0 {
        return Err(super::locked(&[]));
    }
    let table = if flags & 0x0200 != 0 { "/1Table" } else { "/0Table" };
    let table = stream(content, table)?
        .or(stream(content, "/0Table")?)
        .unwrap_or_default();
    let text = pieces(&document, &table).ok_or_else(|| corrupt("its list of text pieces is damaged"))?;
    Ok(Outcome::of_text(text::tidy(&readable(&text))))
}

/// The pieces of text, in order (MS-DOC 2.8.35, 2.9.178).
fn pieces(document: &[u8], table: &[u8]) -> Option<String> {
    let (offset, length) = (
        u32_at(document, 0x01a2)? as usize,
        u32_at(document, 0x01a6)? as usize,
    );
    let mut clx = table.get(offset..offset.checked_add(length)?)?;
    // Property modifiers come first; then the piece table.
    while clx.first() == Some(&1) {
        let skip = 3 + u16_at(clx, 1)? as usize;
        clx = clx.get(skip..)?;
    }
    if clx.first() != Some(&2) {
        return None;
    }
    let size = u32_at(clx, 1)? as usize;
    let plc = clx.get(5..5usize.checked_add(size)?)?;
    let count = size.checked_sub(4)? / 12;
    let mut text = String::new();
    for index in 0..count {
        let characters = u32_at(plc, index * 4 + 4)?.checked_sub(u32_at(plc, index * 4)?)? as usize;
        let position = u32_at(plc, (count + 1) * 4 + index * 8 + 2)?;
        let start = (position & 0x3fff_ffff) as usize;
        if position & 0x4000_0000 != 0 {
            let bytes = document.get(start / 2..(start / 2).checked_add(characters)?)?;
            text.push_str(&WINDOWS_1252.decode_without_bom_handling(bytes).0);
        } else {
            let bytes = document.get(start..start.checked_add(characters.checked_mul(2)?)?)?;
            text.push_str(&UTF_16LE.decode_without_bom_handling(bytes).0);
        }
        if text.len() > limits::TEXT_BYTES {
            break;
        }
    }
    Some(text)
}

/// Word's control characters as ours: cell marks, line and page breaks; field codes go,
/// their results stay.
fn readable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut codes = 0_u32;
    for character in text.chars() {
        match character {
            '\u{13}' => codes += 1,
            '\u{14}' | '\u{15}' => codes = codes.saturating_sub(1),
            _ if codes > 0 => {}
            '\r' => out.push_str("\n\n"),
            '\u{b}' | '\u{c}' => out.push('\n'),
            '\u{7}' => out.push_str(" | "),
            '\u{1e}' => out.push('-'),
            '\u{1f}' | '\u{1}' | '\u{2}' | '\u{8}' => {}
            other => out.push(other),
        }
    }
    out
}

/// PowerPoint 97 and later: text atoms in a tree of records (MS-PPT 2.3.1).
pub(super) fn ppt(content: &[u8]) -> Result<Outcome, Failure> {
    let document = stream(content, "/PowerPoint Document")?.ok_or_else(|| corrupt("it has no slides"))?;
    let mut text = String::new();
    atoms(&document, 0, &mut text);
    Ok(Outcome::of_text(text::tidy(&text)))
}

fn atoms(bytes: &[u8], depth: usize, text: &mut String) {
    let mut at = 0;
    while let (Some(version), Some(kind), Some(length)) =
        (u16_at(bytes, at), u16_at(bytes, at + 2), u32_at(bytes, at + 4))
    {
        let start = at + 8;
        let end = start.saturating_add(length as usize).min(bytes.len());
        let Some(body) = bytes.get(start..end) else { return };
        match kind {
            // Masters hold only what a program writes there ("Click to edit …"): the master slide, the
            // handout, and the list of masters (a list of texts, instance 1).
            0x03f8 | 0x0fc9 => {}
            0x0ff0 if version >> 4 == 1 => {}
            // A container: its records are inside.
            _ if version & 0x0f == 0x0f && depth < 32 => atoms(body, depth + 1, text),
            0x0fa0 => push(text, &UTF_16LE.decode_without_bom_handling(body).0),
            0x0fa8 => push(text, &WINDOWS_1252.decode_without_bom_handling(body).0),
            _ => {}
        }
        if text.len() > limits::TEXT_BYTES {
            return;
        }
        at = end.max(at + 8);
    }
}

fn push(text: &mut String, atom: &str) {
    text.push_str(&atom.replace(['\r', '\u{b}'], "\n"));
    text.push_str("\n\n");
}
