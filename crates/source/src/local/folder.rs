//! A folder and all below it, depth first, each folder in the order of its names.
//!
//! A link that stays inside needs no following: what it leads to comes by itself. A link
//! to a file elsewhere is a document, but a link to a folder elsewhere sweeps in
//! everything behind it, so it is followed only when that was asked for; every document
//! is then yielded under its real path, once. A server follows none.
//! Only the names of the folders on the way down are in memory.

use std::fs;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::vec;

use rustix::fs::FileType;

use super::files::Entry;
use super::sink::Sink;
use super::{archive, file, printable, reason};
use crate::filter::is_hidden;

/// Yields the documents of the folder `root`, which is a real, absolute path.
pub(crate) fn walk(root: &Path, sink: &Sink<'_>) -> ControlFlow<()> {
    let mut walk = Walk {
        sink,
        tops: vec![root.to_path_buf()],
        levels: Vec::new(),
        links_left_out: 0,
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
    walk.further_links()
}

/// Links that are told one by one; a folder of a million would otherwise fill the log.
const LINKS_TOLD: u64 = 10;

struct Walk<'a> {
    sink: &'a Sink<'a>,
    /// The real folders whose whole content is part of this walk.
    tops: Vec<PathBuf>,
    /// The folders from the root down to where the walk is.
    levels: Vec<Level>,
    links_left_out: u64,
}

struct Level {
    path: PathBuf,
    name: String,
    entries: vec::IntoIter<Entry>,
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
        match self.sink.files().entries(&path) {
            Ok(entries) => {
                let entries = entries.into_iter();
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
        } else {
            match entry.file_type {
                FileType::Symlink => self.follow(&path, name),
                FileType::Directory => self.enter(path, name),
                FileType::RegularFile => self.document(&path, name),
                _ => self
                    .sink
                    .notice(format!("{name} was left out: it is not a regular file")),
            }
        }
    }

    fn follow(&mut self, link: &Path, name: String) -> ControlFlow<()> {
        let target = match fs::canonicalize(link) {
            Ok(target) if self.within(&target) => return ControlFlow::Continue(()),
            // Not even whether there is anything behind it is said to those a server works for.
            _ if self.sink.files().is_confined() => {
                return self.left_out(&name, "it leads out of the folder, and a server follows no links");
            }
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
            return self.document(&target, name);
        }
        if !target.is_dir() {
            return self
                .sink
                .notice(format!("{name} was left out: it is not a regular file"));
        }
        if self.tops.iter().any(|top| top.starts_with(&target)) {
            return self.sink.notice(format!(
                "the link {name} was left out: it leads back to a folder above"
            ));
        }
        if !self.sink.follows_links() {
            return self.left_out(
                &name,
                "it leads to a folder elsewhere; --follow-links takes what is behind it",
            );
        }
        self.tops.push(target.clone());
        self.enter(target, name)
    }

    fn left_out(&mut self, name: &str, why: &str) -> ControlFlow<()> {
        self.links_left_out += 1;
        if self.links_left_out > LINKS_TOLD {
            return ControlFlow::Continue(());
        }
        self.sink.notice(format!("the link {name} was left out: {why}"))
    }

    fn further_links(&self) -> ControlFlow<()> {
        match self.links_left_out.saturating_sub(LINKS_TOLD) {
            0 => ControlFlow::Continue(()),
            1 => self.sink.notice("1 further link was left out".to_owned()),
            more => self.sink.notice(format!("{more} further links were left out")),
        }
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
        let files = self.sink.files();
        if archive::is_named_so(path) && archive::has_signature(files, path).unwrap_or(false) {
            match archive::check(files, path) {
                Ok(archive::Content::Documents) => return archive::list(path, &name, self.sink),
                Ok(archive::Content::OneDocument) => {}
                Err(reason) => {
                    return self
                        .sink
                        .notice(format!("the ZIP archive {name} was left out: {reason}"));
                }
            }
        }
        match files.metadata(path) {
            Ok(metadata) => self.sink.document(file(path, name, metadata.len())),
            Err(error) => self
                .sink
                .notice(format!("{name} was left out: {}", reason(&error))),
        }
    }
}

fn broken(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "what it points to does not exist".to_owned(),
        _ => reason(error),
    }
}
