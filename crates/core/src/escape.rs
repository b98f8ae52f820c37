//! Texts from outside, made safe for where they are shown. A document, a file name, a
//! provider's message can hold what steers a terminal (also the one-character forms of escape
//! sequences, U+0080 to U+009F), ends a line of a log, turns the reading order of a line
//! around, or is a formula to a spreadsheet. One function per place.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Whether a character could steer a terminal, or turn the reading order of a line around.
#[must_use]
pub fn is_hostile(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}'
        )
}

/// For one line of a terminal or a log: line ends and tabs become blanks, what is hostile `\u{fffd}`.
#[must_use]
pub fn line(text: &str) -> Cow<'_, str> {
    replaced(text, |c| match c {
        '\n' | '\r' | '\t' => Some(' '),
        c if is_hostile(c) => Some(char::REPLACEMENT_CHARACTER),
        _ => None,
    })
}

/// For several lines of a terminal: line feeds stay.
#[must_use]
pub fn lines(text: &str) -> Cow<'_, str> {
    let hostile = |c| match c {
        '\n' => None,
        '\t' => Some(' '),
        c if is_hostile(c) => Some(char::REPLACEMENT_CHARACTER),
        _ => None,
    };
    if text.contains("\r\n") {
        return Cow::Owned(replaced(&text.replace("\r\n", "\n"), hostile).into_owned());
    }
    replaced(text, hostile)
}

/// For JSON that is written already: what is hostile can only stand inside its strings, where it
/// becomes `\u009b`. The document means the same as before.
#[must_use]
pub fn json(written: &str) -> Cow<'_, str> {
    let raw = |c: char| !c.is_ascii_control() && is_hostile(c);
    if !written.chars().any(raw) {
        return Cow::Borrowed(written);
    }
    let mut escaped = String::with_capacity(written.len() + 16);
    for c in written.chars() {
        if raw(c) {
            // All of them are in the basic plane: one unit each.
            let _ = write!(escaped, "\\u{:04x}", u32::from(c));
        } else {
            escaped.push(c);
        }
    }
    Cow::Owned(escaped)
}

/// Whether a spreadsheet would take this text of a CSV file for a formula (OWASP, "CSV
/// injection"): by its first character, also in its full-width form.
#[must_use]
pub fn is_formula(text: &str) -> bool {
    text.trim_start_matches(' ').starts_with([
        '=', '+', '-', '@', '\t', '\r', '\n', '|', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}',
    ])
}

/// For a text in a CSV file that a spreadsheet opens: a formula gets the `'` in front that makes it
/// a text there.
#[must_use]
pub fn spreadsheet(text: &str) -> Cow<'_, str> {
    if is_formula(text) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}

fn replaced(text: &str, with: impl Fn(char) -> Option<char>) -> Cow<'_, str> {
    if !text.chars().any(|c| with(c).is_some()) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|c| with(c).unwrap_or(c)).collect())
}
