//! Standard output that is a terminal: what a document says is shown, and does not steer it.

use std::io::{self, Write};

use docmill_core::escape;

/// Passes text on with what could steer a terminal taken out.
pub(super) struct Terminal<W> {
    inner: W,
    /// JSON keeps its meaning; other texts get a mark in the place of a character.
    json: bool,
    /// The beginning of a character whose end has not come yet.
    rest: Vec<u8>,
}

impl<W: Write> Terminal<W> {
    pub(super) fn new(inner: W, json: bool) -> Self {
        Self {
            inner,
            json,
            rest: Vec::new(),
        }
    }
}

impl<W: Write> Write for Terminal<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.rest.extend_from_slice(bytes);
        let whole = match std::str::from_utf8(&self.rest) {
            Ok(_) => self.rest.len(),
            // An end that is missing; anything else is no text at all, and is passed as marks.
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            Err(_) => self.rest.len(),
        };
        let text = String::from_utf8_lossy(&self.rest[..whole]);
        let shown = if self.json {
            escape::json(&text)
        } else {
            escape::lines(&text)
        };
        self.inner.write_all(shown.as_bytes())?;
        self.rest.drain(..whole);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(json: bool, pieces: &[&[u8]]) -> String {
        let mut terminal = Terminal::new(Vec::new(), json);
        for piece in pieces {
            terminal.write_all(piece).unwrap();
        }
        String::from_utf8(terminal.inner).unwrap()
    }

    #[test]
    fn characters_that_come_in_pieces_are_judged_whole() {
        assert_eq!(
            shown(false, &[b"a\xc2", b"\x9bb\n\xe2\x80", b"\xaec"]),
            "a\u{fffd}b\n\u{fffd}c"
        );
        assert_eq!(shown(true, &[b"\"\xc2", b"\x9b\xc3\xa4\""]), "\"\\u009b\u{e4}\"");
    }
}
