//! Files that a PDF carries: read like documents inside it.

use std::io::Read as _;

use flate2::read::ZlibDecoder;
use hayro::hayro_syntax::Filter;
use hayro::hayro_syntax::Pdf;
use hayro::hayro_syntax::object::{Array, Dict, Object, Stream};

use crate::inner::Reading;
use crate::limits;
use crate::outcome::Outcome;
use crate::pdf::strings;

/// Files that are looked at, and how deep the tree of their names may be.
const MOST: usize = 200;
const DEEPEST: usize = 16;

/// A file inside the PDF.
struct Attached<'a> {
    name: String,
    content: Option<Stream<'a>>,
}

/// Adds what the files say that the document carries.
pub(crate) fn add(pdf: &Pdf, reading: &Reading<'_>, outcome: &mut Outcome) {
    // Unpacking is work, also of what is not read then.
    let mut left = limits::INNER_BYTES;
    for Attached { name, content } in files(pdf) {
        let title = format!("Attachment: {name}");
        let unpacked = content.ok_or_else(|| "its content is not there".to_owned());
        match unpacked.and_then(|stream| unpack(&stream, left.min(limits::ENTRY_BYTES))) {
            Ok(content) => {
                left = left.saturating_sub(content.len() as u64);
                reading.add(&title, &name, &content, outcome);
            }
            Err(reason) => {
                left = left.saturating_sub(limits::ENTRY_BYTES);
                outcome.missing(format!("{title} was not read: {reason}."));
            }
        }
    }
}

/// A file's content, when that is no more than so many bytes.
fn unpack(stream: &Stream<'_>, most: u64) -> Result<Vec<u8>, String> {
    if most == 0 {
        return Err(
            "the files before it took all the room there is for files inside one document".to_owned(),
        );
    }
    let raw = stream.raw_data();
    let too_large = || format!("it is larger than {} MB", most >> 20);
    match stream.filters().as_slice() {
        [] if raw.len() as u64 <= most => Ok(raw.into_owned()),
        [] => Err(too_large()),
        [Filter::FlateDecode] => {
            let mut content = Vec::new();
            let mut decoder = ZlibDecoder::new(&*raw).take(most + 1);
            // What was unpacked before damage is what other programs show, too.
            if decoder.read_to_end(&mut content).is_err() && content.is_empty() {
                return Err("it is damaged".to_owned());
            }
            if content.len() as u64 > most {
                return Err(too_large());
            }
            Ok(content)
        }
        _ => Err("it is packed in an unusual way".to_owned()),
    }
}

/// All files that the document names, each once.
fn files(pdf: &Pdf) -> Vec<Attached<'_>> {
    let mut files: Vec<Attached<'_>> = Vec::new();
    let Some(catalog) = pdf.xref().get::<Dict<'_>>(pdf.xref().root_id()) else {
        return files;
    };
    if let Some(tree) = catalog
        .get::<Dict<'_>>("Names")
        .and_then(|names| names.get::<Dict<'_>>("EmbeddedFiles"))
    {
        walk(&tree, DEEPEST, &mut files);
    }
    for specification in strings::list(&catalog, "AF") {
        name(None, &specification, &mut files);
    }
    for page in pdf.pages().iter().take(1000) {
        for annotation in strings::list(page.raw(), "Annots") {
            if let Some(specification) = annotation.get::<Dict<'_>>("FS")
                && strings::name(&annotation, "Subtype").as_deref() == Some("FileAttachment")
            {
                name(None, &specification, &mut files);
            }
        }
    }
    files
}

fn walk<'a>(node: &Dict<'a>, depth: usize, files: &mut Vec<Attached<'a>>) {
    if let Some(names) = node.get::<Array<'a>>("Names") {
        let mut name = None;
        for object in names.iter::<Object<'a>>().take(MOST * 2) {
            match object {
                Object::String(text) => name = Some(strings::decode(text.as_bytes())),
                Object::Dict(specification) => self::name(name.take(), &specification, files),
                _ => {}
            }
        }
    }
    if depth > 0 {
        for kid in strings::list(node, "Kids") {
            walk(&kid, depth - 1, files);
        }
    }
}

fn name<'a>(named: Option<String>, specification: &Dict<'a>, files: &mut Vec<Attached<'a>>) {
    let name = strings::text(specification, "UF")
        .or_else(|| strings::text(specification, "F"))
        .or(named)
        .unwrap_or_else(|| "without a name".to_owned());
    if files.len() >= MOST || files.iter().any(|file| file.name == name) {
        return;
    }
    let streams = specification.get::<Dict<'a>>("EF");
    let content = streams.and_then(|streams| {
        let stream = streams.get::<Stream<'a>>("UF");
        stream.or_else(|| streams.get::<Stream<'a>>("F"))
    });
    files.push(Attached { name, content });
}
