//! Files that a PDF carries: named, so that nobody believes they were read.

use hayro::hayro_syntax::Pdf;
use hayro::hayro_syntax::object::{Array, Dict, Object};

use crate::outcome::Outcome;
use crate::pdf::strings;

/// Files that are looked at, and how deep the tree of their names may be.
const MOST: usize = 200;
const DEEPEST: usize = 16;

/// A file inside the PDF.
pub(crate) struct Attached {
    pub(crate) name: String,
}

/// Says in the document's notes which files it carries.
pub(crate) fn tell(pdf: &Pdf, outcome: &mut Outcome) {
    let files = files(pdf);
    if files.is_empty() {
        return;
    }
    let names: Vec<String> = files
        .iter()
        .take(10)
        .map(|file| format!("“{}”", file.name))
        .collect();
    let more = match files.len() - names.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let what = if files.len() == 1 {
        "a file that was not read"
    } else {
        "files that were not read"
    };
    outcome.missing(format!("The PDF carries {what}: {}{more}.", names.join(", ")));
}

/// All files that the document names, each once.
pub(crate) fn files(pdf: &Pdf) -> Vec<Attached> {
    let mut files: Vec<Attached> = Vec::new();
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
        add(None, &specification, &mut files);
    }
    for page in pdf.pages().iter().take(1000) {
        for annotation in strings::list(page.raw(), "Annots") {
            if let Some(specification) = annotation.get::<Dict<'_>>("FS")
                && strings::name(&annotation, "Subtype").as_deref() == Some("FileAttachment")
            {
                add(None, &specification, &mut files);
            }
        }
    }
    files
}

fn walk<'a>(node: &Dict<'a>, depth: usize, files: &mut Vec<Attached>) {
    if let Some(names) = node.get::<Array<'a>>("Names") {
        let mut name = None;
        for object in names.iter::<Object<'a>>().take(MOST * 2) {
            match object {
                Object::String(text) => name = Some(strings::decode(text.as_bytes())),
                Object::Dict(specification) => add(name.take(), &specification, files),
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

fn add<'a>(named: Option<String>, specification: &Dict<'a>, files: &mut Vec<Attached>) {
    let name = strings::text(specification, "UF")
        .or_else(|| strings::text(specification, "F"))
        .or(named)
        .unwrap_or_else(|| "without a name".to_owned());
    if files.len() >= MOST || files.iter().any(|file| file.name == name) {
        return;
    }
    files.push(Attached { name });
}
