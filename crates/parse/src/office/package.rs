//! A ZIP archive of XML parts, read within limits: a part that unpacks to gigabytes
//! or nests thousands of elements is refused, whatever its compressed size.

use std::io::{Cursor, Read as _};

use docmill_core::failure::{Failure, FailureCode};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use super::corrupt;
use crate::limits;

/// An opened archive.
pub(crate) struct Package<'a> {
    archive: zip::ZipArchive<Cursor<&'a [u8]>>,
}

impl<'a> Package<'a> {
    pub(crate) fn open(content: &'a [u8]) -> Result<Self, Failure> {
        Ok(Self {
            archive: zip::ZipArchive::new(Cursor::new(content)).map_err(corrupt)?,
        })
    }

    /// Names of parts that begin and end like this, in the order of the numbers in them
    /// ("slide2" before "slide10").
    pub(crate) fn names(&self, prefix: &str, suffix: &str) -> Vec<String> {
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

    /// Whether there is a part of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.archive.index_for_name(name).is_some()
    }

    /// The text of a part; `None` when there is none of that name.
    pub(crate) fn part(&mut self, name: &str) -> Result<Option<String>, Failure> {
        Ok(self.bytes(name)?.map(|bytes| {
            let declared = crate::encoding::declared_in(&bytes);
            crate::encoding::decode(&bytes, declared.as_deref()).text
        }))
    }

    /// What a part calls its neighbours by; nothing where it has none.
    pub(crate) fn relations(&mut self, part: &str) -> Relations {
        let (folder, file) = part.rsplit_once('/').unwrap_or(("", part));
        let mut targets = Vec::new();
        let name = format!("{folder}/_rels/{file}.rels");
        if let Ok(Some(xml)) = self.part(name.trim_start_matches('/')) {
            // A damaged list names what it names until then.
            let _whole = walk(&xml, &mut |node| {
                if let Node::Start("Relationship", start) = node {
                    let is_inside = attribute(start, "TargetMode").as_deref() != Some("External");
                    if let (Some(id), Some(target)) = (attribute(start, "Id"), attribute(start, "Target"))
                        && is_inside
                    {
                        let kind = attribute(start, "Type").unwrap_or_default();
                        targets.push((id, kind, resolved(folder, &target)));
                    }
                }
            });
        }
        Relations { targets }
    }

    /// The content of a part; `None` when there is none of that name.
    pub(crate) fn bytes(&mut self, name: &str) -> Result<Option<Vec<u8>>, Failure> {
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

/// What a part of an Office document calls its neighbours by (ECMA-376 part 2, 8.3).
#[derive(Debug, Default)]
pub(crate) struct Relations {
    /// Id, type and part.
    targets: Vec<(String, String, String)>,
}

impl Relations {
    /// The part of this id.
    pub(crate) fn target(&self, id: Option<&str>) -> Option<String> {
        let id = id?;
        let found = self.targets.iter().find(|(known, ..)| known == id)?;
        Some(found.2.clone())
    }

    /// The parts whose type ends like this ("/comments").
    pub(crate) fn of_type(&self, ending: &str) -> Vec<String> {
        let alike = self.targets.iter().filter(|(_, kind, _)| kind.ends_with(ending));
        alike.map(|(.., target)| target.clone()).collect()
    }
}

/// A part's name as seen from the folder of another: "../charts/chart1.xml".
fn resolved(folder: &str, target: &str) -> String {
    let target = target.replace('\\', "/");
    let mut parts: Vec<&str> = match target.strip_prefix('/') {
        Some(_) => Vec::new(),
        None => folder.split('/').filter(|part| !part.is_empty()).collect(),
    };
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// What a walk over XML meets.
pub(crate) enum Node<'a> {
    /// An element begins; its name without prefix.
    Start(&'a str, &'a BytesStart<'a>),
    /// An element ends.
    End(&'a str),
    /// Text.
    Text(&'a str),
}

/// Walks over XML, calling `visit` for everything. Stops quietly at the first thing that
/// is not well-formed (what came before it counts); refuses depths no document has.
pub(crate) fn walk(xml: &str, visit: &mut dyn FnMut(Node<'_>)) -> Result<bool, Failure> {
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
pub(crate) fn attribute(start: &BytesStart<'_>, name: &str) -> Option<String> {
    start
        .attributes()
        .flatten()
        .find(|attribute| attribute.key.local_name().as_ref() == name)
        .map(|attribute| {
            let raw = attribute.value;
            quick_xml::escape::unescape(&raw).map_or_else(|_| raw.to_string(), std::borrow::Cow::into_owned)
        })
}
