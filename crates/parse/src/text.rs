//! Plain text: which encoding, and one page of it.

use std::borrow::Cow;

use docmill_core::page::{Page, TextOrigin};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

use crate::limits;

/// Longest reason a failure repeats from a reader.
const REASON_BYTES: usize = 200;

/// Whether bytes can be text: hardly any control characters, or UTF-16 with a mark.
pub(crate) fn looks_like_text(head: &[u8]) -> bool {
    if encoding_by_mark(head).is_some() || utf16_without_mark(head).is_some() {
        return true;
    }
    let control = head
        .iter()
        .filter(|byte| matches!(byte, 0..=8 | 14..=26 | 28..=31 | 127))
        .count();
    control * 100 <= head.len() && !head.contains(&0)
}

fn encoding_by_mark(bytes: &[u8]) -> Option<&'static Encoding> {
    Encoding::for_bom(bytes).map(|(encoding, _)| encoding)
}

/// UTF-16 of mostly Latin text has a zero in every other byte.
fn utf16_without_mark(bytes: &[u8]) -> Option<&'static Encoding> {
    let sample = &bytes[..bytes.len().min(512) / 2 * 2];
    if sample.len() < 16 {
        return None;
    }
    let zeros = |offset: usize| {
        sample
            .iter()
            .skip(offset)
            .step_by(2)
            .filter(|byte| **byte == 0)
            .count()
    };
    let half = sample.len() / 2;
    match (zeros(0) * 10 > half * 9, zeros(1) * 10 > half * 9) {
        (true, false) => Some(UTF_16BE),
        (false, true) => Some(UTF_16LE),
        _ => None,
    }
}

/// The same bytes, unless they are UTF-16, which formats of lines of ASCII do not foresee
/// and people produce all the same.
pub(crate) fn utf8(bytes: &[u8]) -> Cow<'_, [u8]> {
    let utf16 = encoding_by_mark(bytes)
        .or_else(|| utf16_without_mark(bytes))
        .filter(|encoding| *encoding != UTF_8);
    match utf16 {
        Some(encoding) => Cow::Owned(encoding.decode(bytes).0.into_owned().into_bytes()),
        None => Cow::Borrowed(bytes),
    }
}

/// Bytes as text: UTF-8 when they are, UTF-16 by its mark or its zeros, else windows-1252
/// (a superset of Latin-1 in which every byte means something).
pub(crate) fn decode(bytes: &[u8]) -> String {
    let encoding = encoding_by_mark(bytes)
        .or_else(|| utf16_without_mark(bytes))
        .unwrap_or_else(|| if is_utf8(bytes) { UTF_8 } else { WINDOWS_1252 });
    let (text, _, _) = encoding.decode(bytes);
    text.into_owned()
}

/// Whether bytes are UTF-8, if need be with a few damaged characters. A cut in the middle of
/// a character, as heads have, is no sign against it; characters of several bytes that are
/// right are a strong sign for it, since other encodings hardly ever make one by chance.
fn is_utf8(bytes: &[u8]) -> bool {
    match std::str::from_utf8(bytes) {
        Ok(_) => return true,
        Err(error) if error.error_len().is_none() => return true,
        Err(_) => {}
    }
    let (mut right, mut wrong) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        right += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        wrong += usize::from(!chunk.invalid().is_empty());
    }
    right > wrong * 4
}

/// A page of text without places.
pub(crate) fn page(number: u32, label: Option<String>, text: String) -> Page {
    let origin = if text.trim().is_empty() {
        TextOrigin::None
    } else {
        TextOrigin::Native
    };
    Page {
        number,
        label,
        width: 0.0,
        height: 0.0,
        text,
        words: Vec::new(),
        origin,
    }
}

/// A reason as a person wants it: on one line, and without the pages of raw bytes that some
/// readers print.
pub(crate) fn short(reason: &dyn std::fmt::Display) -> String {
    let reason = reason.to_string();
    let mut short = reason.split_whitespace().collect::<Vec<_>>().join(" ");
    if short.len() > REASON_BYTES {
        short.truncate(short.floor_char_boundary(REASON_BYTES));
        short.push('…');
    }
    short
}

/// Cuts a text to the limit; `true`: something was cut off.
pub(crate) fn bound(text: &mut String) -> bool {
    if text.len() <= limits::TEXT_BYTES {
        return false;
    }
    text.truncate(text.floor_char_boundary(limits::TEXT_BYTES));
    true
}

/// Line ends as `\n`, no characters that only steer terminals, no runs of empty lines.
pub(crate) fn tidy(text: &str) -> String {
    let mut tidy = String::with_capacity(text.len());
    let mut empty_lines = 0;
    for line in text.split('\n') {
        let line = line.trim_end();
        if line.is_empty() {
            empty_lines += 1;
            continue;
        }
        if !tidy.is_empty() {
            tidy.push_str(if empty_lines > 0 { "\n\n" } else { "\n" });
        }
        empty_lines = 0;
        // Nearly every line is plain; copying it whole is ten times as fast as looking at each
        // character. 0xc2 begins, among others, the control characters beyond ASCII.
        let plain = |byte: u8| byte == b'\t' || (byte >= b' ' && byte != 0x7f && byte != 0xc2);
        if line.bytes().all(plain) {
            tidy.push_str(line);
        } else {
            tidy.extend(
                line.chars()
                    .map(|c| if c.is_control() && c != '\t' { ' ' } else { c }),
            );
        }
    }
    tidy
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_told_apart() {
        assert_eq!(decode("Grüße".as_bytes()), "Grüße");
        assert_eq!(decode(b"Gr\xfc\xdfe"), "Grüße");
        assert_eq!(
            decode(b"\xc3\xa4\xc3\xb6\xc3\xbc\xc3\x9f\xe2\x82\xac \xff!"),
            "äöüß€ \u{fffd}!"
        );
        assert_eq!(decode(b"\xff\xfeG\0r\0\xfc\0"), "Grü");
        let unmarked: Vec<u8> = "plain words here"
            .encode_utf16()
            .flat_map(u16::to_be_bytes)
            .collect();
        assert_eq!(decode(&unmarked), "plain words here");
    }

    #[test]
    fn tidy_text_keeps_words_and_paragraphs() {
        assert_eq!(tidy("a \r\nb\r\n\r\n\r\nc\x1b[31m"), "a\nb\n\nc [31m");
        assert_eq!(tidy("12\u{a0}€\u{85}\tx"), "12\u{a0}€ \tx");
    }
}
