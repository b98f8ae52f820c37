//! What to say about a path that cannot be used, and which one was perhaps meant.

use std::fs;
use std::io;
use std::path::Path;

use super::reason;
use crate::port::SourceError;
use crate::spec::distance;

/// How many neighbours are compared; a folder of a million files shall not delay a typo's message.
const NEIGHBOURS: usize = 10_000;

pub(super) fn explain(given: &Path, error: &io::Error) -> SourceError {
    let shown = given.display();
    match error.kind() {
        io::ErrorKind::NotFound => {
            let message = format!("{shown} does not exist");
            match neighbour(given) {
                Some(near) => SourceError::new(message, format!("did you mean {near}?")),
                None => SourceError::new(
                    message,
                    "check the path; relative paths start in the current folder",
                ),
            }
        }
        io::ErrorKind::PermissionDenied => SourceError::new(
            format!("{shown} may not be read: permission denied"),
            "run docmill as a user who may read it, or change its permissions",
        ),
        _ => SourceError::plain(format!("{shown} cannot be read: {}", reason(error))),
    }
}

/// The name most like the missing one in the folder where it should be.
fn neighbour(given: &Path) -> Option<String> {
    let wanted = given.file_name()?.to_str()?;
    let parent = match given.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let (edits, name) = fs::read_dir(parent)
        .ok()?
        .take(NEIGHBOURS)
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .map(|name| (distance(&name.to_lowercase(), &wanted.to_lowercase()), name))
        .min()?;
    let allowed = (wanted.chars().count() / 3).max(1);
    (edits <= allowed).then(|| given.with_file_name(name).display().to_string())
}
