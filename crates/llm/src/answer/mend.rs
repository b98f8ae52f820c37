//! Small faults in JSON that do not change what it says: a comma before a
//! closing bracket, a raw line break inside a text.

use std::fmt::Write as _;

/// The text without such faults. Anything else stays as it is.
pub(super) fn mended(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut inside = false;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        if inside {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => inside = false,
                '\n' => {
                    out.push_str("\\n");
                    continue;
                }
                '\r' => {
                    out.push_str("\\r");
                    continue;
                }
                '\t' => {
                    out.push_str("\\t");
                    continue;
                }
                c if u32::from(c) < 0x20 => {
                    let _ = write!(out, "\\u{:04x}", u32::from(c));
                    continue;
                }
                _ => {}
            }
        } else if c == '"' {
            inside = true;
        } else if c == ',' && closes_next(text.get(at + 1..).unwrap_or_default()) {
            continue;
        }
        out.push(c);
    }
    out
}

fn closes_next(rest: &str) -> bool {
    rest.trim_start().starts_with(['}', ']'])
}

/// The end of the bracket that opens `text`, one behind it. `None`: it is not closed.
pub(super) fn closed(text: &str) -> Option<usize> {
    let mut depth = 0usize;
    let mut inside = false;
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if inside => escaped = true,
            b'"' => inside = !inside,
            b'{' | b'[' if !inside => depth += 1,
            b'}' | b']' if !inside => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
    }
    None
}
