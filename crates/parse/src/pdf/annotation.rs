//! Annotations: what people wrote on a page without it being drawn there, as sticky notes
//! and comments on marked text.

use hayro::hayro_syntax::object::Dict;
use hayro::hayro_syntax::page::Page;

use crate::pdf::strings;

/// Annotations of a page that are looked at.
const MOST: usize = 2000;

/// Set on annotations that nobody is shown.
const HIDDEN: u32 = 1 << 1;

/// What annotations say that the page's text does not, one line each.
pub(crate) fn unseen(page: &Page<'_>, text: &str) -> Vec<String> {
    let annotations: Vec<Dict<'_>> = strings::list(page.raw(), "Annots");
    let squeezed = squeeze(text);
    annotations
        .iter()
        .take(MOST)
        .filter(|annotation| annotation.get::<u32>("F").unwrap_or(0) & HIDDEN == 0)
        .filter_map(line)
        .filter(|(_, said)| !squeezed.contains(&squeeze(said)))
        .map(|(line, _)| line)
        .collect()
}

fn squeeze(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}

/// The line for an annotation, and what it says.
fn line(annotation: &Dict<'_>) -> Option<(String, String)> {
    let kind = strings::name(annotation, "Subtype")?;
    if matches!(kind.as_str(), "Widget" | "Popup" | "Link") {
        return None;
    }
    let said = strings::text(annotation, "Contents")?.replace('\n', " ");
    let what = match kind.as_str() {
        "FreeText" => "Text",
        "Highlight" | "Underline" | "StrikeOut" | "Squiggly" | "Caret" => "Comment",
        "Stamp" => "Stamp",
        "FileAttachment" => "Attached file",
        _ => "Note",
    };
    let line = match strings::text(annotation, "T") {
        Some(author) if kind != "FileAttachment" => format!("[{what} by {author}: {said}]"),
        _ => format!("[{what}: {said}]"),
    };
    Some((line, said))
}
