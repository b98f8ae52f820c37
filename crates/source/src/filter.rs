//! Which documents the user wants: `--include` and `--exclude` patterns.

use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::port::SourceError;

/// Include and exclude patterns, compiled. A pattern without a `/` matches a file or
/// folder name at any depth; case does not matter (`*.pdf` also takes `SCAN.PDF`).
/// They decide about every document, also one that was named by itself.
#[derive(Debug, Clone)]
pub(crate) struct Filter {
    /// `None` includes everything.
    include: Option<GlobSet>,
    exclude: GlobSet,
    /// Real paths that are never opened; see [`crate::Options::own`].
    own: Vec<PathBuf>,
}

impl Filter {
    pub fn new(include: &[String], exclude: &[String], own: Vec<PathBuf>) -> Result<Self, SourceError> {
        Ok(Self {
            own,
            include: if include.is_empty() {
                None
            } else {
                Some(compile("--include", include)?)
            },
            exclude: compile("--exclude", exclude)?,
        })
    }

    /// Whether the document of this name is wanted.
    pub fn accepts(&self, name: &str) -> bool {
        self.include.as_ref().is_none_or(|include| include.is_match(name)) && !self.excludes(name)
    }

    /// Whether a real path is one of the program's own files or folders.
    pub fn is_own(&self, path: &Path) -> bool {
        self.own.iter().any(|own| path.starts_with(own))
    }

    /// Whether a folder need not be entered at all.
    pub fn excludes(&self, name: &str) -> bool {
        self.exclude.is_match(name)
    }
}

fn compile(option: &str, patterns: &[String]) -> Result<GlobSet, SourceError> {
    let mut set = GlobSetBuilder::new();
    for pattern in patterns {
        let trimmed = pattern.trim_end_matches('/');
        let anywhere = if trimmed.contains('/') {
            trimmed.trim_start_matches('/').to_owned()
        } else {
            format!("**/{trimmed}")
        };
        // A pattern that names a folder stands for all that is in it.
        for pattern_text in [anywhere.clone(), format!("{anywhere}/**")] {
            let glob = GlobBuilder::new(&pattern_text)
                .case_insensitive(true)
                .literal_separator(true)
                .build()
                .map_err(|error| {
                    SourceError::new(
                        format!(
                            "the {option} pattern “{pattern}” cannot be read: {}",
                            error.kind()
                        ),
                        "write patterns like *.pdf, 2024/**/*.png or {invoice,receipt}*.pdf",
                    )
                })?;
            set.add(glob);
        }
    }
    set.build().map_err(|error| {
        SourceError::plain(format!("the {option} patterns cannot be used together: {error}"))
    })
}

/// Files and folders that programs leave behind and nobody means: names that begin
/// with a dot, Office's lock files, thumbnails.
pub(crate) fn is_hidden(name: &str) -> bool {
    name.starts_with('.')
        || name.starts_with("~$")
        || name == "__MACOSX"
        || name.eq_ignore_ascii_case("thumbs.db")
        || name.eq_ignore_ascii_case("desktop.ini")
}
