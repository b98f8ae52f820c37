//! Templates by what a person types: the name of a built-in one, or a file.

use std::fs;
use std::path::Path;

use docmill_core::template::Template;

use crate::fault::Fault;

/// Name and text of every built-in template, from `templates/`.
const BUILT_IN: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/templates.rs"));

/// Largest template file read: far beyond any that a model could be sent.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// The built-in templates, by name.
pub fn built_in() -> Result<Vec<Template>, Fault> {
    BUILT_IN
        .iter()
        .map(|(stem, text)| Ok(Template::from_text(stem, text)?))
        .collect()
}

/// Name and text of every built-in template.
pub const fn texts() -> &'static [(&'static str, &'static str)] {
    BUILT_IN
}

/// The names of the built-in templates.
pub fn names() -> Vec<&'static str> {
    BUILT_IN.iter().map(|(stem, _)| *stem).collect()
}

/// The template a person means: a file when it looks like one, else a built-in name.
pub fn find(typed: &str) -> Result<Template, Fault> {
    if let Some((stem, text)) = BUILT_IN.iter().find(|(stem, _)| *stem == typed) {
        return Ok(Template::from_text(stem, text)?);
    }
    if looks_like_a_file(typed) {
        return of_file(Path::new(typed));
    }
    Err(
        Fault::usage(format!("there is no template {typed:?}")).hint(format!(
            "built in: {}; or name a TOML or JSON file",
            names().join(", ")
        )),
    )
}

/// Whether a person means a file, and no name.
pub fn looks_like_a_file(typed: &str) -> bool {
    let path = Path::new(typed);
    typed.contains(['/', '\\']) || path.extension().is_some() || path.is_file()
}

/// The template of a file.
pub fn of_file(path: &Path) -> Result<Template, Fault> {
    let shown = path.display();
    let unreadable = |error: std::io::Error| {
        Fault::usage(format!("the template {shown} cannot be read: {error}")).hint(
            "a template is a TOML or JSON file, or a JSON Schema; docmill template show receipt prints one",
        )
    };
    let size = fs::metadata(path).map_err(unreadable)?.len();
    if size > MAX_BYTES {
        return Err(Fault::usage(format!(
            "the template {shown} is larger than any model could take"
        )));
    }
    let text = fs::read_to_string(path).map_err(unreadable)?;
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    Template::from_text(&stem, &text).map_err(|error| {
        Fault::usage(format!("the template {shown} cannot be used: {error}"))
            .hint("docmill template show receipt prints a working one to begin from")
    })
}

/// The text of a built-in template, as it is written.
pub fn source(name: &str) -> Option<&'static str> {
    BUILT_IN
        .iter()
        .find(|(stem, _)| *stem == name)
        .map(|(_, text)| *text)
}
