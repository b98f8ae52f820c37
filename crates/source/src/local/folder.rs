//! A folder and all below it, depth first, each folder in the order of its names.
//!
//! Links are followed, once: every document is yielded under its real path, and a
//! linked folder that was or will be read anyway, or that leads back up, is left
//! out. So a walk ends whatever the links do, and no document comes twice.
//! Only the names of the folders on the way down are in memory.

use std::ffi::OsString;
use std::fs::{self, FileType};
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::vec;

use super::sink::Sink;
use super::{archive, file, printable, reason};
use crate::filter::is_hidden;

/// Yields the documents of the folder `root`, which is a real, absolute path.
pub(crate) fn walk(root: &Path, sink: &Sink<'_>) -> ControlFlow<()> {
    let mut walk = Walk {
        sink,
        tops: vec![root.to_path_buf()],
        levels: Vec::new(),
    };
    walk.enter(root.to_path_buf(), String::new())?;
    while let Some(level) = walk.levels.last_mut() {
        match level.entries.next() {
            Some(entry) => {
                let path = level.path.join(&entry.name);
                let name = level.child(&entry.name.to_string_lossy());
                walk.visit(path, name, entry)?;
            }
            None => {
                walk.levels.pop();
            }
        }
    }
    ControlFlow::Continue(())
}

struct Walk<'a> {
    sink: &'a Sink<'a>,
    /// The real folders whose whole content is part of this walk.
    tops: Vec<PathBuf>,
    /// The folders from the root down to where the walk is.
    levels: Vec<Level>,
}

struct Level {
    path: PathBuf,
    name: String,
    entries: vec::IntoIter<Entry>,
}

struct Entry {
    name: OsString,
    file_type: FileType,
}

impl Level {
    fn child(&self, file_name: &str) -> String {
        let file_name = printable(file_name);
        if self.name.is_empty() {
            file_name
        } else {
            format!("{}/{file_name}", self.name)
        }
    }
}

impl Walk<'_> {
    fn enter(&mut self, path: PathBuf, name: String) -> ControlFlow<()> {
        match entries(&path) {
            Ok(entries) => {
                self.levels.push(Level { path, name, entries });
                ControlFlow::Continue(())
            }
            Err(error) => self.sink.notice(format!(
                "the folder {} was left out: {}",
                path.display(),
                reason(&error)
            )),
        }
    }

    fn visit(&mut self, path: PathBuf, name: String, entry: Entry) -> ControlFlow<()> {
        if is_hidden(&entry.name.to_string_lossy())
            || self.sink.excludes(&name)
            || self.sink.filter().is_own(&path)
        {
            ControlFlow::Continue(())
        } else if entry.file_type.is_symlink() {
            self.follow(&path, name)
        } else if entry.file_type.is_dir() {
            self.enter(path, name)
        } else if entry.file_type.is_file() {
            self.document(&path, name)
        } else {
            self.sink
                .notice(format!("{name} was left out: it is not a regular file"))
        }
    }

    fn follow(&mut self, link: &Path, name: String) -> ControlFlow<()> {
        let target = match fs::canonicalize(link) {
            Ok(target) => target,
            Err(error) => {
                return self
                    .sink
                    .notice(format!("the link {name} was left out: {}", broken(&error)));
            }
        };
        if self.sink.filter().is_own(&target) {
            return ControlFlow::Continue(());
        }
        if target.is_file() {
            // What is linked from inside comes under its own path anyway.
            return if self.within(&target) {
                ControlFlow::Continue(())
            } else {
                self.document(&target, name)
            };
        }
        if !target.is_dir() {
            return self
                .sink
                .notice(format!("{name} was left out: it is not a regular file"));
        }
        if self.within(&target) {
            return ControlFlow::Continue(());
        }
        if self.tops.iter().any(|top| top.starts_with(&target)) {
            return self.sink.notice(format!(
                "the link {name} was left out: it leads back to a folder above"
            ));
        }
        self.tops.push(target.clone());
        self.enter(target, name)
    }

    /// Whether the walk comes by this path without following a link.
    fn within(&self, target: &Path) -> bool {
        self.tops.iter().any(|top| match target.strip_prefix(top) {
            Ok(below) => below.iter().all(|part| !is_hidden(&part.to_string_lossy())),
            Err(_) => false,
        })
    }

    fn document(&self, path: &Path, name: String) -> ControlFlow<()> {
        // Only what is called .zip is opened here: looking into every file of a large
        // folder would cost a read each.
        if archive::is_named_so(path) && archive::has_signature(path).unwrap_or(false) {
            match archive::check(path) {
                Ok(archive::Content::Documents) => return archive::list(path, &name, self.sink),
                Ok(archive::Content::OneDocument) => {}
                Err(reason) => {
                    return self
                        .sink
                        .notice(format!("the ZIP archive {name} was left out: {reason}"));
                }
            }
        }
        match fs::metadata(path) {
            Ok(metadata) => self.sink.document(file(path, name, metadata.len())),
            Err(error) => self
                .sink
                .notice(format!("{name} was left out: {}", reason(&error))),
        }
    }
}

/// The entries of one folder, sorted by name so that every run sees the same order.
fn entries(path: &Path) -> io::Result<vec::IntoIter<Entry>> {
    let mut entries = fs::read_dir(path)?
        .map(|entry| {
            let entry = entry?;
            Ok(Entry {
                name: entry.file_name(),
                file_type: entry.file_type()?,
            })
        })
        .collect::<io::Result<Vec<_>>>()?;
    entries.sort_unstable_by(|a, b| a.name.cmp(&b.name));
    Ok(entries.into_iter())
}

fn broken(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "what it points to does not exist".to_owned(),
        _ => reason(error),
    }
}
