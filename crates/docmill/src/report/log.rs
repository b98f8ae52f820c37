//! The lines of a log: whatever a document, a name or a provider said stays on its line, and
//! steers nothing.

use std::io::{self, Write};

use docmill_core::escape;

/// Standard error for log lines. Each write is one whole line, as the formatter makes them.
#[derive(Debug, Clone, Copy)]
pub struct Lines {
    /// Lines are JSON documents.
    pub json: bool,
    /// The formatter's own colours pass; it takes those of others out itself.
    pub color: bool,
}

impl Lines {
    fn washed(self, text: &str) -> String {
        if self.json {
            return escape::json(text).into_owned();
        }
        let passes = |c: char| c == '\n' || (c == '\u{1b}' && self.color);
        text.chars()
            .map(|c| match escape::is_hostile(c) && !passes(c) {
                true => char::REPLACEMENT_CHARACTER,
                false => c,
            })
            .collect()
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        io::stderr().lock().write_all(self.washed(&text).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_a_log_is_one_line_and_steers_nothing() {
        let plain = Lines {
            json: false,
            color: false,
        };
        assert_eq!(
            plain.washed("INFO a\u{9b}2J\u{202e}b\u{1b}[2J\n"),
            "INFO a\u{fffd}2J\u{fffd}b\u{fffd}[2J\n"
        );
        let json = Lines {
            json: true,
            color: false,
        };
        assert_eq!(json.washed("{\"m\":\"\u{9b}\"}\n"), "{\"m\":\"\\u009b\"}\n");
    }
}
