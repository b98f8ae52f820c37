//! Which encoding a text is in, by evidence: its mark, what it says of itself, what its bytes
//! can be, and at last a detector. What stays doubtful is said.

use std::borrow::Cow;

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1250, WINDOWS_1252, WINDOWS_1254};

/// Bytes the detector looks at, from the first that is not ASCII on. More changes no guess.
const LOOKED_AT: usize = 256 * 1024;

/// Bytes that are not ASCII from which on a guess is trusted.
const ENOUGH: usize = 12;

/// The same for the most frequent encoding of all.
const ENOUGH_WESTERN: usize = 4;

/// A text, and why it may be wrong.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub(crate) text: String,
    /// A full sentence for a person.
    pub(crate) doubt: Option<String>,
}

/// How bytes become characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Known(&'static Encoding),
    Utf32 { big_endian: bool },
}

/// Bytes as text. `declared` is the encoding they are said to be in, from outside or by
/// themselves.
pub(crate) fn decode(bytes: &[u8], declared: Option<&str>) -> Decoded {
    if let Some(way) = by_mark(bytes).or_else(|| by_zeros(bytes)) {
        return certain(way, bytes);
    }
    let escapes = bytes.contains(&0x1b);
    if is_utf8(bytes) && !(escapes && bytes.is_ascii()) {
        return certain(Way::Known(UTF_8), bytes);
    }
    let named = declared.map(str::trim).filter(|name| !name.is_empty());
    let known = named.and_then(|name| Encoding::for_label(name.as_bytes()));
    if let Some(encoding) = known.filter(|encoding| *encoding != UTF_8 && !is_utf16(encoding)) {
        let (text, _, wrong) = encoding.decode(bytes);
        if !wrong {
            return Decoded {
                text: text.into_owned(),
                doubt: None,
            };
        }
    }
    let mut guess = detected(bytes);
    if let (Some(name), None) = (named, known) {
        guess.doubt = Some(format!(
            "The text says that its encoding is {name:?}, which is not known; it was read as {}.",
            guess.name
        ));
    }
    Decoded {
        text: guess.text,
        doubt: guess.doubt,
    }
}

fn certain(way: Way, bytes: &[u8]) -> Decoded {
    let text = match way {
        Way::Known(encoding) => encoding.decode(bytes).0.into_owned(),
        Way::Utf32 { big_endian } => from_utf32(bytes, big_endian),
    };
    Decoded { text, doubt: None }
}

fn is_utf16(encoding: &'static Encoding) -> bool {
    encoding == UTF_16LE || encoding == UTF_16BE
}

struct Guess {
    name: &'static str,
    text: String,
    doubt: Option<String>,
}

fn detected(bytes: &[u8]) -> Guess {
    let first = bytes
        .iter()
        .position(|byte| !byte.is_ascii() || *byte == 0x1b)
        .unwrap_or(0);
    let start = first.saturating_sub(256);
    let sample = &bytes[start..bytes.len().min(start.saturating_add(LOOKED_AT))];
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Allow);
    detector.feed(sample, true);
    let encoding = detector.guess(None, Utf8Detection::Deny);
    let (text, _, wrong) = encoding.decode(bytes);
    let doubt = if wrong {
        Some(format!(
            "The text is in no encoding that fits all of it; it was read as {}, and some characters are lost.",
            encoding.name()
        ))
    } else if encoding.is_single_byte() && is_thin(encoding, sample) {
        Some(format!(
            "The encoding of the text is a guess from few characters: it was read as {}.",
            encoding.name()
        ))
    } else {
        None
    };
    Guess {
        name: encoding.name(),
        text: text.into_owned(),
        doubt,
    }
}

/// Whether so few bytes speak for an encoding that another may be meant. Where the encodings
/// of Latin letters agree on every byte, it does not matter which it is.
fn is_thin(encoding: &'static Encoding, sample: &[u8]) -> bool {
    let enough = if encoding == WINDOWS_1252 {
        ENOUGH_WESTERN
    } else {
        ENOUGH
    };
    let telling = sample.iter().copied().filter(|byte| !byte.is_ascii());
    let telling: Vec<u8> = telling.take(enough).collect();
    if telling.len() >= enough {
        return false;
    }
    let latin = [WINDOWS_1252, WINDOWS_1250, WINDOWS_1254];
    let readings = latin.map(|it| it.decode_without_bom_handling(&telling).0.into_owned());
    let chosen = encoding.decode_without_bom_handling(&telling).0;
    readings.iter().any(|reading| *reading != chosen)
}

fn by_mark(bytes: &[u8]) -> Option<Way> {
    // The mark of UTF-32 begins like that of UTF-16.
    if bytes.starts_with(&[0xff, 0xfe, 0, 0]) && bytes.len().is_multiple_of(4) {
        return Some(Way::Utf32 { big_endian: false });
    }
    if bytes.starts_with(&[0, 0, 0xfe, 0xff]) {
        return Some(Way::Utf32 { big_endian: true });
    }
    Encoding::for_bom(bytes).map(|(encoding, _)| Way::Known(encoding))
}

/// UTF-16 and UTF-32 without a mark have zeros where other texts have none: at every second
/// place, or at three of four. Spaces and line ends are enough of them in any language.
fn by_zeros(bytes: &[u8]) -> Option<Way> {
    let sample = &bytes[..bytes.len().min(4096) / 4 * 4];
    if sample.len() < 16 || !sample.contains(&0) {
        return None;
    }
    for big_endian in [false, true] {
        if utf32(sample, big_endian).all(|c| c.is_some_and(is_ordinary)) {
            return Some(Way::Utf32 { big_endian });
        }
    }
    // Read the wrong way round, blanks are no blanks.
    let blanks = |encoding| utf16_blanks(encoding, sample).map(|blanks| (blanks, encoding));
    let ways = [UTF_16LE, UTF_16BE].into_iter().filter_map(blanks);
    let best = ways.max_by_key(|(blanks, _)| *blanks)?;
    Some(Way::Known(best.1))
}

/// How many blanks and line ends are in it; `None` when it is no text in this encoding.
fn utf16_blanks(encoding: &'static Encoding, sample: &[u8]) -> Option<usize> {
    let (text, _) = encoding.decode_without_bom_handling(sample);
    // The sample may end within a pair of surrogates.
    let text = text.strip_suffix('\u{fffd}').unwrap_or(&text);
    let ordinary = text.chars().filter(|c| is_ordinary(*c)).count();
    let blanks = text.chars().filter(|c| matches!(c, ' ' | '\n' | '\r')).count();
    (ordinary * 100 >= text.chars().count() * 98 && blanks > 0).then_some(blanks)
}

/// What ordinary text is made of.
fn is_ordinary(c: char) -> bool {
    let code = u32::from(c);
    matches!(c, '\t' | '\n' | '\r' | '\u{c}' | ' '..='~')
        || (code >= 0xa0 && (c.is_alphanumeric() || c.is_whitespace()))
        || matches!(code, 0xa0..=0xbf | 0x0300..=0x0fff
            | 0x2000..=0x2bff | 0x3000..=0x30ff | 0xfe30..=0xfe4f | 0xff00..=0xffef | 0x1f000..=0x1faff)
        || c == '\u{feff}'
}

fn utf32(bytes: &[u8], big_endian: bool) -> impl Iterator<Item = Option<char>> {
    bytes.chunks_exact(4).map(move |unit| {
        let unit = [unit[0], unit[1], unit[2], unit[3]];
        char::from_u32(if big_endian {
            u32::from_be_bytes(unit)
        } else {
            u32::from_le_bytes(unit)
        })
    })
}

fn from_utf32(bytes: &[u8], big_endian: bool) -> String {
    let text: String = utf32(bytes, big_endian)
        .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
        .collect();
    text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)
}

/// Whether bytes are in one of the encodings that have zeros in them.
pub(crate) fn is_wide(bytes: &[u8]) -> bool {
    by_mark(bytes).is_some() || by_zeros(bytes).is_some()
}

/// The same bytes, unless they are UTF-16 or UTF-32, which formats of lines of ASCII do not
/// foresee and people produce all the same.
pub(crate) fn narrow(bytes: &[u8]) -> Cow<'_, [u8]> {
    match by_mark(bytes).or_else(|| by_zeros(bytes)) {
        Some(way) if way != Way::Known(UTF_8) => Cow::Owned(certain(way, bytes).text.into_bytes()),
        _ => Cow::Borrowed(bytes),
    }
}

/// Whether bytes are UTF-8, if need be with a few damaged characters. A cut in the middle of
/// a character, as heads have, is no sign against it; characters of several bytes that are
/// right are a strong sign for it, since other encodings hardly ever make one by chance.
fn is_utf8(bytes: &[u8]) -> bool {
    match std::str::from_utf8(bytes) {
        Ok(_) => return true,
        Err(error) if error.error_len().is_none() && error.valid_up_to() + 3 >= bytes.len() => {
            // Two bytes at the end of a short text of another encoding look like a cut, too.
            return bytes[..error.valid_up_to()].iter().any(|byte| !byte.is_ascii()) || bytes.len() >= 4096;
        }
        Err(_) => {}
    }
    let (mut right, mut wrong) = (0_usize, 0_usize);
    for chunk in bytes.utf8_chunks() {
        right += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        wrong += usize::from(!chunk.invalid().is_empty());
    }
    right > wrong * 4
}

/// The encoding an XML declaration names, or a `charset=` in the head of a web page.
pub(crate) fn declared_in(head: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(&head[..head.len().min(2048)]).to_ascii_lowercase();
    let declaration = head.trim_start_matches('\u{feff}').trim_start();
    let named = declaration
        .strip_prefix("<?xml")
        .and_then(|rest| rest.split_once("?>"))
        .and_then(|(declaration, _)| declaration.split_once("encoding"))
        .map(|(_, value)| value)
        .or_else(|| head.split_once("charset").map(|(_, value)| value))?;
    let label: String = named
        .trim_start_matches(['=', '"', '\'', ' '])
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || "-_:.".contains(*c))
        .collect();
    (!label.is_empty()).then_some(label)
}

#[cfg(test)]
#[path = "encoding/tests.rs"]
mod tests;
