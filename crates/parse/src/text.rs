//! Plain text: whether it is text, and one page of it.

use docmill_core::page::{Page, TextOrigin};

use crate::encoding;
use crate::limits;

/// Longest reason a failure repeats from a reader.
const REASON_BYTES: usize = 200;

/// Whether bytes can be text: hardly any control characters, or one of the encodings that
/// have zeros.
pub(crate) fn looks_like_text(head: &[u8]) -> bool {
    if encoding::is_wide(head) {
        return true;
    }
    let control = head
        .iter()
        .filter(|byte| matches!(byte, 0..=8 | 14..=26 | 28..=31 | 127))
        .count();
    control * 100 <= head.len() && !head.contains(&0)
}

/// Bytes as text, where a doubt about the encoding has no place to be told.
pub(crate) fn decode(bytes: &[u8]) -> String {
    encoding::decode(bytes, None).text
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
    fn tidy_text_keeps_words_and_paragraphs() {
        assert_eq!(tidy("a \r\nb\r\n\r\n\r\nc\x1b[31m"), "a\nb\n\nc [31m");
        assert_eq!(tidy("12\u{a0}€\u{85}\tx"), "12\u{a0}€ \tx");
    }
}
