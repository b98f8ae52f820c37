//! RTF: control words and groups (Rich Text Format 1.9.1), as far as text needs them.

use encoding_rs::{Encoding, WINDOWS_1252};

use crate::outcome::Outcome;
use crate::text;

/// Groups that hold no text of the document.
const SILENT: &[&str] = &[
    "fonttbl",
    "colortbl",
    "stylesheet",
    "info",
    "pict",
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
}

struct Rtf<'a> {
    bytes: &'a [u8],
    at: usize,
    out: String,
    groups: Vec<Group>,
    encoding: &'static Encoding,
    /// Bytes of the current run in the document's code page, not decoded yet.
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
        groups: vec![Group {
            silent: false,
            unicode_skip: 1,
        }],
        encoding: WINDOWS_1252,
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
        self.groups.last().copied().unwrap_or(Group {
            silent: false,
            unicode_skip: 1,
        })
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
            let (decoded, _, _) = self.encoding.decode(&self.pending);
            self.out.push_str(&decoded);
            self.pending.clear();
        }
    }

    fn write(&mut self, text: &str) {
        if !self.group().silent {
            self.flush();
            self.out.push_str(text);
        }
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
                let code = number.unwrap_or(0).rem_euclid(0x1_0000);
                let character = u32::try_from(code)
                    .ok()
                    .and_then(char::from_u32)
                    .unwrap_or('\u{fffd}');
                self.write(character.encode_utf8(&mut [0; 4]));
                self.skip = self.group().unicode_skip;
            }
            "ansicpg" => {
                let label = format!("windows-{}", number.unwrap_or(1252));
                if let Some(encoding) = Encoding::for_label(label.as_bytes()) {
                    self.encoding = encoding;
                }
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
        assert!(!outcome.partial);
        assert!(read(b"{\\rtf1 cut").partial);
    }
}
