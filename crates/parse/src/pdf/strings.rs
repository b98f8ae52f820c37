//! Text strings of PDF objects: UTF-16 or UTF-8 with a mark, else the PDF's own encoding.

use hayro::hayro_syntax::object::{Array, Dict, Name, String as PdfString};

/// What PDFDocEncoding has at 0x80 to 0x9f, where it differs from Latin-1.
const DOCUMENT: [char; 32] = [
    '•', '†', '‡', '…', '—', '–', 'ƒ', '⁄', '‹', '›', '−', '‰', '„', '“', '”', '‘', '’', '‚', '™', 'ﬁ', 'ﬂ',
    'Ł', 'Œ', 'Š', 'Ÿ', 'Ž', 'ı', 'ł', 'œ', 'š', 'ž', '\u{fffd}',
];

/// A text string's text, with line ends as `\n` and no other control characters.
pub(crate) fn decode(bytes: &[u8]) -> String {
    let text: String = match bytes {
        [0xfe, 0xff, rest @ ..] => encoding_rs::UTF_16BE
            .decode_without_bom_handling(rest)
            .0
            .into_owned(),
        [0xff, 0xfe, rest @ ..] => encoding_rs::UTF_16LE
            .decode_without_bom_handling(rest)
            .0
            .into_owned(),
        [0xef, 0xbb, 0xbf, rest @ ..] => String::from_utf8_lossy(rest).into_owned(),
        _ => bytes.iter().map(|byte| character(*byte)).collect(),
    };
    text.replace("\r\n", "\n")
        .replace('\r', "\n")
        .chars()
        .filter(|c| !c.is_control() || *c == '\n')
        .collect::<String>()
        .trim()
        .to_owned()
}

fn character(byte: u8) -> char {
    match byte {
        0x80..=0x9f => DOCUMENT[usize::from(byte - 0x80)],
        0xa0 => '€',
        _ => char::from(byte),
    }
}

/// The text under a key, when there is any.
pub(crate) fn text(dict: &Dict<'_>, key: &str) -> Option<String> {
    dict.get::<PdfString<'_>>(key)
        .map(|string| decode(string.as_bytes()))
        .filter(|text| !text.is_empty())
}

/// The name under a key.
pub(crate) fn name(dict: &Dict<'_>, key: &str) -> Option<String> {
    dict.get::<Name<'_>>(key).map(|name| decode(name.as_ref()))
}

/// The dictionaries in the array under a key.
pub(crate) fn list<'a>(dict: &Dict<'a>, key: &str) -> Vec<Dict<'a>> {
    dict.get::<Array<'a>>(key)
        .map(|array| array.iter::<Dict<'a>>().take(100_000).collect())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_told_by_their_mark() {
        assert_eq!(decode(b"Gr\xfc\xdfe \xa0 \x84"), "Grüße € —");
        assert_eq!(decode(b"\xfe\xff\0G\0r\0\xfc"), "Grü");
        assert_eq!(decode("\u{feff}Grü\r\nße".as_bytes()), "Grü\nße");
    }
}
