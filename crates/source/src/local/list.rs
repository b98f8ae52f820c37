//! A list of paths and URLs, one a line (or one after each NUL, as `find -print0`
//! writes them): a file, or whatever comes in on standard input.

use std::io::{self, BufRead, BufReader, Read};
use std::ops::ControlFlow;
use std::path::{Component, Path, PathBuf};

use super::sink::Sink;
use super::{Place, printable, reason};
use crate::key::os_string;
use crate::port::SourceError;
use crate::spec::Spec;

/// Longer than any path; keeps a binary file that was given by mistake from filling memory.
const MAX_LINE: usize = 64 << 10;

/// Yields what the list names. A line that cannot be used becomes a notice: one bad line
/// shall not cost the other 9,999 documents.
pub(crate) fn produce(reader: impl Read, title: &str, sink: &Sink<'_>) -> ControlFlow<()> {
    let mut reader = BufReader::new(reader);
    let unreadable =
        |error: &io::Error| SourceError::plain(format!("{title} cannot be read: {}", reason(error)));
    let separator = match reader.fill_buf() {
        Ok(start) if start.contains(&0) => 0,
        Ok(_) => b'\n',
        Err(error) => return sink.error(unreadable(&error)),
    };
    let mut number = 0_u64;
    let mut line = Vec::new();
    loop {
        line.clear();
        let limit = u64::try_from(MAX_LINE).unwrap_or(u64::MAX);
        match (&mut reader).take(limit).read_until(separator, &mut line) {
            Ok(0) => return ControlFlow::Continue(()),
            Ok(_) => {}
            Err(error) => return sink.error(unreadable(&error)),
        }
        number += 1;
        if line.len() >= MAX_LINE {
            return sink.error(SourceError::new(
                format!("line {number} of {title} is longer than a path can be"),
                "give a text file with one path or URL a line",
            ));
        }
        let entry = trimmed(&line, separator, number == 1);
        if !entry.is_empty() {
            one(entry, &format!("line {number} of {title}"), sink)?;
        }
    }
}

/// The line without its end, the mark some editors put at the start of a file, and,
/// where lines are lines, the carriage return Windows adds.
fn trimmed(line: &[u8], separator: u8, first: bool) -> &[u8] {
    let line = line.strip_suffix(&[separator]).unwrap_or(line);
    let line = match first {
        true => line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line),
        false => line,
    };
    match separator {
        b'\n' => line.strip_suffix(b"\r").unwrap_or(line),
        _ => line,
    }
}

fn one(entry: &[u8], origin: &str, sink: &Sink<'_>) -> ControlFlow<()> {
    let spec = match std::str::from_utf8(entry) {
        Ok(text) => Spec::parse(text),
        // Not text, so not a URL: a file name in another encoding.
        Err(_) => match os_string(entry.to_vec()) {
            Some(name) => Ok(Spec::Path(PathBuf::from(name))),
            None => Err(SourceError::plain("the name is not UTF-8")),
        },
    };
    let place = match spec {
        Ok(Spec::Path(path)) => match Place::of(&path, sink.filter(), sink.files()) {
            // What was written in the list tells documents apart better than the bare file name.
            Ok(Place::File { path: real, bytes }) => {
                return sink.document(super::file(&real, shown(&path), bytes));
            }
            place => place,
        },
        Ok(Spec::Remote(prefix)) => return sink.remote(origin.to_owned(), prefix),
        Ok(Spec::List(_) | Spec::ListFromInput) => Err(SourceError::plain("a list cannot name another list")),
        Err(error) => Err(error),
    };
    match place {
        Ok(place) => place.produce(sink),
        Err(error) => sink.notice(format!("{origin} was left out: {error}")),
    }
}

/// The path as it was written, without what climbs or starts at the root.
fn shown(path: &Path) -> String {
    let parts: Vec<String> = path
        .components()
        .filter_map(|part| match part {
            Component::Normal(name) => Some(printable(&name.to_string_lossy())),
            _ => None,
        })
        .collect();
    parts.join("/")
}
