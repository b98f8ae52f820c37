//! Which encoding the bytes of an RTF text are in: each font says its character set (Rich Text
//! Format 1.9.1, "Font Table"), and the document its code page.

use encoding_rs::{Encoding, WINDOWS_1252};

/// How bytes become characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum CodePage {
    /// One that the web knows, too.
    Known(&'static Encoding),
    /// The upper half of an old one of DOS.
    Dos(&'static str),
}

/// Code page 437 from byte 128 on.
const CP437: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀\
αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u{a0}";
/// Code page 850 from byte 128 on.
const CP850: &str = "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀\
ÓßÔÒõÕµþÞÚÛÙýÝ¯´\u{ad}±‗¾¶§÷¸°¨·¹³²■\u{a0}";

impl CodePage {
    pub(super) const USUAL: Self = Self::Known(WINDOWS_1252);
    pub(super) const PC: Self = Self::Dos(CP437);
    pub(super) const OS2: Self = Self::Dos(CP850);

    /// The code page of this number (`\ansicpg`, `\cpg`).
    pub(super) fn of(number: i64) -> Option<Self> {
        let label = match number {
            0 => return None,
            437 => return Some(Self::PC),
            850 => return Some(Self::OS2),
            866 => "ibm866",
            874 => "windows-874",
            932 => "shift_jis",
            936 => "gbk",
            949 | 1361 => "euc-kr",
            950 => "big5",
            10000 => "macintosh",
            10007 => "x-mac-cyrillic",
            20866 => "koi8-r",
            21866 => "koi8-u",
            54936 => "gb18030",
            65001 => "utf-8",
            number => return Encoding::for_label(format!("windows-{number}").as_bytes()).map(Self::Known),
        };
        Encoding::for_label(label.as_bytes()).map(Self::Known)
    }

    /// The code page of a font's character set (`\fcharset`); `None`: that of the document.
    pub(super) fn of_charset(charset: i64) -> Option<Self> {
        Self::of(match charset {
            77 => 10000,
            128 => 932,
            129 => 949,
            130 => 1361,
            134 => 936,
            136 => 950,
            161 => 1253,
            162 => 1254,
            163 => 1258,
            177 => 1255,
            178..=180 => 1256,
            186 => 1257,
            204 => 1251,
            222 => 874,
            238 => 1250,
            254 => 437,
            255 => 850,
            _ => return None,
        })
    }

    /// Bytes as characters.
    pub(super) fn decode(self, bytes: &[u8]) -> String {
        match self {
            Self::Known(encoding) => encoding.decode_without_bom_handling(bytes).0.into_owned(),
            Self::Dos(upper) => bytes
                .iter()
                .map(|byte| match byte.checked_sub(128) {
                    None => char::from(*byte),
                    Some(place) => upper.chars().nth(usize::from(place)).unwrap_or('\u{fffd}'),
                })
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_code_pages_are_whole() {
        assert_eq!(CP437.chars().count(), 128);
        assert_eq!(CP850.chars().count(), 128);
        assert_eq!(CodePage::PC.decode(b"Gr\x81\xe1e"), "Grüße");
        assert_eq!(CodePage::OS2.decode(b"\x9b \xd5"), "ø ı");
    }
}
