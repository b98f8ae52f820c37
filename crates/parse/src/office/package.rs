//! A ZIP archive of XML parts, read within limits: a part that unpacks to gigabytes
//! or nests thousands of elements is refused, whatever its compressed size.

use std::io::{Cursor, Read as _};

use docmill_core::failure::{Failure, FailureCode};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::corrupt;
use crate::limits;

/// An opened archive.
pub(super) struct Package<'a> {
    archive: zip::ZipArchive<Cursor<&'a [u8]>>,
}

impl<'a> Package<'a> {
    pub(super) fn open(content: &'a [u8]) -> Result<Self, Failure> {
        Ok(Self {
            archive: zip::ZipArchive::new(Cursor::new(content)).map_err(corrupt)?,
        })
    }

    /// Names of parts that begin and end like this, in the order of the numbers in them
    /// ("slide2" before "slide10").
    pub(super) fn names(&self, prefix: &str, suffix: &str) -> Vec<String> {
        let mut names: Vec<String> = self
            .archive
            .file_names()
            .take(limits::ZIP_ENTRIES)
            .flatten()
            .filter(|name| {
                name.starts_with(prefix) && name.ends_with(suffix) && !name[prefix.len()..].contains('/')
            })
            .map(std::borrow::Cow::into_owned)
            .collect();
        names.sort_by_key(|name| {
            let digits: String = name[prefix.len()..]
                .chars()
                .filter(char::is_ascii_digit)
                .collect();
            (digits.parse::<u64>().unwrap_or(0), name.clone())
        });
        names
    }

    /// The text of a part; `None` when there is none of that name.
    pub(super) fn part(&mut self, name: &str) -> Result<Option<String>, Failure> {
        Ok(self.bytes(name)?.map(|bytes| crate::text::decode(&bytes)))
    }

    /// The content of a part; `None` when there is none of that name.
    pub(super) fn bytes(&mut self, name: &str) -> Result<Option<Vec<u8>>, Failure> {
        let entry = match self.archive.by_name(name) {
            Ok(entry) => entry,
            Err(zip::result::ZipError::FileNotFound) => return Ok(None),
            Err(error) => return Err(corrupt(error)),
        };
        let mut bytes = Vec::new();
        entry
            .take(limits::ENTRY_BYTES + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| corrupt(format!("{name}: {error}")))?;
        if bytes.len() as u64 > limits::ENTRY_BYTES {
            let message = format!(
                "its part {name} unpacks to more than {} MB",
                limits::ENTRY_BYTES >> 20
            );
            return Err(Failure::new(FailureCode::ParseLimit, message));
        }
        Ok(Some(bytes))
    }
}

/// What a walk over XML meets.
pub(super) enum Node<'a> {
    /// An element begins; its name without prefix.
    Start(&'a str, &'a BytesStart<'a>),
    /// An element ends.
    End(&'a str),
    /// Text.
    Text(&'a str),
}

/// Walks over XML, calling `visit` for everything. Stops quietly at the first thing that
/// is not well-formed (what came before it counts); refuses depths no document has.
pub(super) fn walk(xml: &str, visit: &mut dyn FnMut(Node<'_>)) -> Result<bool, Failure> {
    let mut reader = Reader::from_str(xml);
    reader.config_mut().check_end_names = false;
    let mut depth = 0_usize;
    loop {
        match reader.read_event() {
            Ok(Event::Start(start)) => {
                depth += 1;
                if depth > limits::XML_DEPTH {
                    let message = format!("elements are nested more than {} deep", limits::XML_DEPTH);
                    return Err(Failure::new(FailureCode::ParseLimit, message));
                }
                visit(Node::Start(start.local_name().as_ref(), &start));
            }
            Ok(Event::Empty(start)) => {
                let name = start.local_name().as_ref().to_owned();
                visit(Node::Start(&name, &start));
                visit(Node::End(&name));
            }
            Ok(Event::End(end)) => {
                depth = depth.saturating_sub(1);
                visit(Node::End(end.local_name().as_ref()));
            }
            Ok(Event::Text(text)) => {
                visit(Node::Text(&text));
            }
            Ok(Event::CData(data)) => {
                visit(Node::Text(&data));
            }
            Ok(Event::GeneralRef(reference)) => {
                if let Some(text) = entity(&reference) {
                    visit(Node::Text(&text));
                }
            }
            Ok(Event::Eof) => return Ok(true),
            Ok(_) => {}
            Err(_) => return Ok(false),
        }
    }
}

/// Only characters and the five names every XML has: entities a document declares itself
/// are how XML bombs work.
fn entity(reference: &quick_xml::events::BytesRef<'_>) -> Option<String> {
    if let Ok(Some(character)) = reference.resolve_char_ref() {
        return Some(character.to_string());
    }
    quick_xml::escape::resolve_predefined_entity(reference).map(str::to_owned)
}

/// The value of an attribute, by its name without prefix.
pub(super) fn attribute(start: &BytesStart<'_>, name: &str) -> Option<String> {
    start
        .attributes()
        .flatten()
        .find(|attribute| attribute.key.local_name().as_ref() == name)
        .map(|attribute| attribute.value.into_owned())
}
