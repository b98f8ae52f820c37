//! RTF: control words and groups (Rich Text Format 1.9.1), as far as text needs them.

mod fonts;

use std::collections::HashMap;

use crate::outcome::Outcome;
use crate::text;
use fonts::CodePage;

/// Groups that hold no text of the document.
const SILENT: &[&str] = &[
    "colortbl",
    "stylesheet",
    "info",
    "object",
    "themedata",
    "colorschememapping",
    "datastore",
    "listtable",
    "listoverridetable",
    "rsidtbl",
    "generator",
    "xmlnstbl",
    "latentstyles",
    "fldinst",
    "filetbl",
    "revtbl",
    "mmathPr",
    "panose",
    "falt",
    "bkmkstart",
    "bkmkend",
    "nonshppict",
    "pgdsctbl",
    "userprops",
];

/// State that ends with its group.
#[derive(Clone, Copy)]
struct Group {
    silent: bool,
    /// Bytes that stand for the last `\u` in old readers.
    unicode_skip: usize,
    /// The code page of the font; `None`: that of the document.
    page: Option<CodePage>,
    in_font_table: bool,
    is_deleted: bool,
}

impl Group {
    const OUTERMOST: Self = Self {
        silent: false,
        unicode_skip: 1,
        page: None,
        in_font_table: false,
        is_deleted: false,
    };
}

struct Rtf<'a> {
    bytes: &'a [u8],
    at: usize,
    out: String,
    groups: Vec<Group>,
    /// The document's code page.
    page: CodePage,
    /// The code page of each font that has one of its own.
    fonts: HashMap<i64, CodePage>,
    /// The font of the table that is being described.
    font: i64,
    /// The font that text has where nothing is said.
    default_font: i64,
    /// The first half of a character beyond the first 65,536.
    high: Option<u32>,
    has_deleted: bool,
    pictures: usize,
    /// Bytes of the current run in its code page, not decoded yet.
    pending: Vec<u8>,
    skip: usize,
    in_row: bool,
}

/// Groups inside groups that are followed; deeper ones are read as if they were the last.
const DEPTH: usize = 500;

pub(super) fn read(content: &[u8]) -> Outcome {
    let mut rtf = Rtf {
        bytes: content,
        at: 0,
        out: String::new(),
        groups: vec![Group::OUTERMOST],
        page: CodePage::USUAL,
        fonts: HashMap::new(),
        font: 0,
        default_font: 0,
        high: None,
        has_deleted: false,
        pictures: 0,
        pending: Vec::new(),
        skip: 0,
        in_row: false,
    };
    rtf.run();
    let unbalanced = rtf.groups.len() > 1;
    let mut outcome = Outcome::of_text(text::tidy(&rtf.out));
    if unbalanced {
        outcome.missing("The document is cut off; it was read as far as it goes.");
    }
    if rtf.has_deleted {
        outcome.note("The document has tracked changes; deleted text is marked as [deleted: …].");
    }
    match rtf.pictures {
        0 => {}
        1 => outcome.note("The picture in it was not read."),
        count => outcome.note(format!("The {count} pictures in it were not read.")),
    }
    outcome
}

impl Rtf<'_> {
    fn run(&mut self) {
        while let Some(byte) = self.bytes.get(self.at).copied() {
            self.at += 1;
            match byte {
                b'{' => {
                    self.flush();
                    let group = self.group();
                    if self.groups.len() < DEPTH {
                        self.groups.push(group);
                    }
                }
                b'}' => {
                    self.flush();
                    self.end_deleted();
                    if self.groups.len() > 1 {
                        self.groups.pop();
                    }
                    self.skip = 0;
                }
                b'\\' => self.control(),
                b'\r' | b'\n' => {}
                byte => self.byte(byte),
            }
            if self.out.len() > crate::limits::TEXT_BYTES {
                return;
            }
        }
        self.flush();
    }

    fn group(&self) -> Group {
        self.groups.last().copied().unwrap_or(Group::OUTERMOST)
    }

    fn set(&mut self, change: impl FnOnce(&mut Group)) {
        if let Some(group) = self.groups.last_mut() {
            change(group);
        }
    }

    fn byte(&mut self, byte: u8) {
        if self.skip > 0 {
            self.skip -= 1;
        } else if !self.group().silent {
            self.pending.push(byte);
        }
    }

    fn flush(&mut self) {
        if !self.pending.is_empty() {
            let page = self.group().page.unwrap_or(self.page);
            let decoded = page.decode(&self.pending);
            self.out.push_str(&decoded);
            self.pending.clear();
        }
    }

    /// Marks the end of deleted text, when this group began it.
    fn end_deleted(&mut self) {
        let outer = self
            .groups
            .len()
            .checked_sub(2)
            .and_then(|index| self.groups.get(index));
        if self.group().is_deleted && outer.is_some_and(|outer| !outer.is_deleted) {
            self.out.push(']');
        }
    }

    fn write(&mut self, text: &str) {
        if !self.group().silent {
            self.flush();
            self.out.push_str(text);
        }
    }

    /// A unit of UTF-16; characters beyond its range come as two.
    fn unit(&mut self, unit: u32) {
        let code = match (self.high.take(), unit) {
            (_, 0xd800..=0xdbff) => {
                self.high = Some(unit);
                return;
            }
            (Some(high), 0xdc00..=0xdfff) => 0x1_0000 + ((high - 0xd800) << 10) + (unit - 0xdc00),
            _ => unit,
        };
        let character = char::from_u32(code).unwrap_or('\u{fffd}');
        self.write(character.encode_utf8(&mut [0; 4]));
    }

    fn control(&mut self) {
        let Some(byte) = self.bytes.get(self.at).copied() else {
            return;
        };
        if !byte.is_ascii_alphabetic() {
            self.at += 1;
            match byte {
                b'\'' => {
                    let hex = self
                        .bytes
                        .get(self.at..self.at + 2)
                        .and_then(|hex| std::str::from_utf8(hex).ok());
                    if let Some(byte) = hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
                        self.byte(byte);
                    }
                    self.at += 2;
                }
                b'*' => self.set(|group| group.silent = true),
                b'~' => self.write("\u{a0}"),
                b'_' => self.write("-"),
                b'\r' | b'\n' => self.write("\n"),
                b'\\' | b'{' | b'}' => self.byte(byte),
                _ => {}
            }
            return;
        }
        let start = self.at;
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_alphabetic) && self.at - start < 32 {
            self.at += 1;
        }
        let word = std::str::from_utf8(&self.bytes[start..self.at]).unwrap_or_default();
        let start = self.at;
        if self.bytes.get(self.at) == Some(&b'-') {
            self.at += 1;
        }
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_digit) && self.at - start < 11 {
            self.at += 1;
        }
        let number: Option<i64> = std::str::from_utf8(&self.bytes[start..self.at])
            .ok()
            .and_then(|digits| digits.parse().ok());
        if self.bytes.get(self.at) == Some(&b' ') {
            self.at += 1;
        }
        self.word(word, number);
    }

    fn word(&mut self, word: &str, number: Option<i64>) {
        match word {
            "par" | "sect" | "page" => self.write("\n\n"),
            "line" => self.write("\n"),
            "tab" => self.write("\t"),
            "cell" | "nestcell" => {
                self.in_row = true;
                self.write(" | ");
            }
            "row" | "nestrow" => {
                self.in_row = false;
                self.write("\n");
            }
            "emdash" => self.write("—"),
            "endash" => self.write("–"),
            "lquote" => self.write("‘"),
            "rquote" => self.write("’"),
            "ldblquote" => self.write("“"),
            "rdblquote" => self.write("”"),
            "bullet" => self.write("•"),
            "uc" => self
                .set(|group| group.unicode_skip = usize::try_from(number.unwrap_or(1)).unwrap_or(1).min(16)),
            "u" => {
                // Signed 16 bits: negative for the upper half.
                let code = u32::try_from(number.unwrap_or(0).rem_euclid(0x1_0000)).unwrap_or(0);
                self.unit(code);
                self.skip = self.group().unicode_skip;
            }
            "ansicpg" => self.page = number.and_then(CodePage::of).unwrap_or(self.page),
            "pc" => self.page = CodePage::PC,
            "pca" => self.page = CodePage::OS2,
            "mac" => self.page = CodePage::of(10000).unwrap_or(self.page),
            "deff" => self.default_font = number.unwrap_or(0),
            "plain" | "f" => {
                let font = if word == "f" {
                    number.unwrap_or(0)
                } else {
                    self.default_font
                };
                self.flush();
                if self.group().in_font_table {
                    self.font = font;
                }
                let page = self.fonts.get(&font).copied();
                self.set(|group| group.page = page);
            }
            "fcharset" | "cpg" if self.group().in_font_table => {
                let number = number.unwrap_or(0);
                let page = if word == "cpg" {
                    CodePage::of(number)
                } else {
                    CodePage::of_charset(number)
                };
                if let Some(page) = page {
                    self.fonts.insert(self.font, page);
                }
            }
            "fonttbl" => self.set(|group| {
                group.silent = true;
                group.in_font_table = true;
            }),
            // Said once for a run; `\deleted0` ends it.
            "deleted" if !self.group().silent => {
                let begins = number != Some(0);
                self.flush();
                if begins != self.group().is_deleted {
                    self.out.push_str(if begins { " [deleted: " } else { "]" });
                    self.has_deleted = true;
                }
                self.set(|group| group.is_deleted = begins);
            }
            "pict" => {
                self.pictures += usize::from(!self.group().silent);
                self.set(|group| group.silent = true);
            }
            // Text boxes and comments stand in groups that old readers leave out.
            "shptxt" | "annotation" => {
                self.set(|group| group.silent = false);
                self.write(if word == "annotation" {
                    "\n\nComment: "
                } else {
                    "\n\n"
                });
            }
            "bin" => {
                self.at = self
                    .at
                    .saturating_add(usize::try_from(number.unwrap_or(0)).unwrap_or(0))
            }
            // What an embedded object looks like, for readers that cannot open it.
            "result" => self.set(|group| group.silent = false),
            _ if SILENT.contains(&word) => self.set(|group| group.silent = true),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_comes_out_and_tables_of_fonts_do_not() {
        let outcome = read(b"{\\rtf1\\ansi\\ansicpg1252{\\fonttbl{\\f0 Arial;}}Gr\\'fc\\'dfe \\u8364?5\\par A\\cell B\\cell\\row}");
        assert_eq!(outcome.pages[0].text, "Grüße €5\n\nA | B |");
        assert!(!outcome.is_partial());
        assert!(read(b"{\\rtf1 cut").is_partial());
    }

    #[test]
    fn each_font_has_its_own_letters() {
        let text = |rtf: &[u8]| read(rtf).pages[0].text.clone();
        assert_eq!(
            text(b"{\\rtf1\\ansi\\ansicpg1252{\\fonttbl{\\f0\\fcharset238 A;}{\\f1\\fcharset204 B;}{\\f2 C;}}\\f0 \\'c8l{\\f1 \\'e4\\'e0} \\'f8 \\f2 \\'fc}"),
            "Člда ř ü"
        );
        assert_eq!(
            text(b"{\\rtf1\\ansi\\deff3{\\fonttbl{\\f3\\fcharset128 M;}}\\plain \\'90\\'bf\\'8b\\'81\\'8f\\'91}"),
            "請求書"
        );
        assert_eq!(text(b"{\\rtf1\\ansi\\ansicpg950 \\'a4\\'a4}"), "中");
        assert_eq!(text(b"{\\rtf1\\pca \\'81}"), "ü");
        assert_eq!(text(b"{\\rtf1 \\u-10179?\\u-8704?}"), "\u{1f600}");
    }

    #[test]
    fn comments_text_boxes_and_deleted_text_are_there() {
        let outcome = read(b"{\\rtf1 kept{\\deleted gone} end{\\*\\annotation why?}{\\shp{\\*\\shpinst{\\sp{\\sn x}}{\\shptxt box}}}}");
        assert_eq!(
            outcome.pages[0].text,
            "kept [deleted: gone] end\n\nComment: why?\n\nbox"
        );
        assert!(!outcome.is_partial());
    }
}
