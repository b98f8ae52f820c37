//! Files that appear whole or not at all.
//!
//! Everything is written under a temporary name in the folder where it will stay
//! (a rename is only atomic within one file system), synced, and renamed at the
//! very end. A new folder is built beside its place and renamed as a whole; into a
//! folder that exists files are renamed one by one, the documents last, so that a
//! reader who waits for that file finds the others there.

use std::fs::{self, File};
use std::io::{self, BufWriter, IsTerminal as _, Write};
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, TempDir};

use super::terminal::Terminal;
use super::{ExportError, Format, Target};

/// What a file name keeps of a table's name.
const MAX_NAME: usize = 100;

/// The files of one export, before they are in place.
pub(super) struct Stage {
    place: Place,
    extension: &'static str,
    files: Vec<Staged>,
}

enum Place {
    File(PathBuf),
    /// Built beside its place.
    NewFolder {
        work: TempDir,
        folder: PathBuf,
    },
    Folder(PathBuf),
    /// Standard output, a pipe or a device: written as it comes.
    Through(PathBuf),
    Stdout,
}

struct Staged {
    temporary: NamedTempFile,
    path: PathBuf,
}

impl Stage {
    pub(super) fn new(target: &Target, format: Format) -> Result<Self, ExportError> {
        let place = match target {
            Target::Stdout => Place::Stdout,
            Target::File(path) => file_place(path)?,
            Target::Folder(folder) => folder_place(folder)?,
        };
        Ok(Self {
            place,
            extension: format.as_str(),
            files: Vec::new(),
        })
    }

    /// Opens the file of a table; the documents' table comes first.
    pub(super) fn create(&mut self, table: &str) -> Result<Output, ExportError> {
        let first = self.files.is_empty();
        let file_name = format!("{}.{}", self.unique(&safe_name(table)), self.extension);
        let (folder, path) = match &self.place {
            Place::Stdout => return Ok(Output::stdout(self.extension == Format::Jsonl.as_str())),
            Place::Through(path) => return Output::through(path),
            Place::File(path) if first => (parent(path), path.clone()),
            Place::File(path) => {
                let stem = path.file_stem().unwrap_or_default().to_string_lossy();
                (parent(path), path.with_file_name(format!("{stem}.{file_name}")))
            }
            Place::NewFolder { work, .. } => (work.path(), work.path().join(file_name)),
            Place::Folder(folder) => (folder.as_path(), folder.join(file_name)),
        };
        let temporary = temporary_in(folder).map_err(|error| ExportError::file(&path, error))?;
        let file = temporary
            .as_file()
            .try_clone()
            .map_err(|error| ExportError::file(&path, error))?;
        let output = Output {
            path: Some(path.clone()),
            writer: BufWriter::new(Box::new(file)),
        };
        self.files.push(Staged { temporary, path });
        Ok(output)
    }

    /// Where files for work in between belong: on the file system of the result.
    pub(super) fn scratch_folder(&self) -> PathBuf {
        match &self.place {
            Place::File(path) => parent(path).to_owned(),
            Place::NewFolder { work, .. } => work.path().to_owned(),
            Place::Folder(folder) => folder.clone(),
            Place::Through(_) | Place::Stdout => std::env::temp_dir(),
        }
    }

    /// Makes sure that the bytes survive a power cut.
    pub(super) fn sync(&self) -> Result<(), ExportError> {
        for staged in &self.files {
            let synced = staged.temporary.as_file().sync_all();
            synced.map_err(|error| ExportError::file(&staged.path, error))?;
        }
        Ok(())
    }

    /// Puts everything in place; the first file of the answer is the documents'.
    pub(super) fn publish(self) -> Result<Vec<PathBuf>, ExportError> {
        let mut paths = Vec::with_capacity(self.files.len());
        for staged in self.files.into_iter().rev() {
            let path = staged.path;
            staged
                .temporary
                .persist(&path)
                .map_err(|error| ExportError::file(&path, error.error))?;
            paths.push(path);
        }
        paths.reverse();
        match self.place {
            Place::NewFolder { work, folder } => {
                sync_folder(work.path())?;
                // From here on the temporary folder is not ours to remove.
                let work = work.keep();
                if let Err(error) = fs::rename(&work, &folder) {
                    // Best effort: the export failed anyhow, and that is what is told.
                    let _ = fs::remove_dir_all(&work);
                    return Err(ExportError::file(&folder, error));
                }
                sync_folder(parent(&folder))?;
                let named = |path: PathBuf| path.file_name().map(|name| folder.join(name));
                Ok(paths.into_iter().filter_map(named).collect())
            }
            Place::Folder(folder) => sync_folder(&folder).map(|()| paths),
            Place::File(path) => sync_folder(parent(&path)).map(|()| paths),
            Place::Through(_) | Place::Stdout => Ok(paths),
        }
    }

    /// `name`, or with a number behind it when a file of this export has it already
    /// (names that differ only in case are one file on some systems).
    fn unique(&self, name: &str) -> String {
        let is_taken = |candidate: &str| {
            let end = format!("{candidate}.{}", self.extension).to_lowercase();
            self.files.iter().any(|staged| {
                let path = staged
                    .path
                    .file_name()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .to_lowercase();
                path == end || path.ends_with(&format!(".{end}"))
            })
        };
        let mut candidate = name.to_owned();
        let mut number = 1_u32;
        while is_taken(&candidate) {
            number += 1;
            candidate = format!("{name}-{number}");
        }
        candidate
    }
}

fn file_place(path: &Path) -> Result<Place, ExportError> {
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => Err(ExportError::WrongPlace {
            path: path.to_owned(),
            found: "a folder",
            wanted: "a file",
        }),
        // Renaming a file over a pipe or a device would replace it.
        Ok(found) if !found.is_file() => Ok(Place::Through(path.to_owned())),
        // Through a link to what it names: the link stays.
        Ok(_) => Ok(Place::File(
            fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()),
        )),
        Err(_) => Ok(Place::File(path.to_owned())),
    }
}

fn folder_place(folder: &Path) -> Result<Place, ExportError> {
    match fs::metadata(folder) {
        Ok(found) if found.is_dir() => Ok(Place::Folder(folder.to_owned())),
        Ok(_) => Err(ExportError::WrongPlace {
            path: folder.to_owned(),
            found: "a file",
            wanted: "a folder",
        }),
        Err(_) => {
            let mut builder = tempfile::Builder::new();
            builder.prefix(".docmill-");
            open_permissions(&mut builder, 0o777);
            let work = builder
                .tempdir_in(parent(folder))
                .map_err(|error| ExportError::file(folder, error))?;
            Ok(Place::NewFolder {
                work,
                folder: folder.to_owned(),
            })
        }
    }
}

fn temporary_in(folder: &Path) -> io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".docmill-");
    open_permissions(&mut builder, 0o666);
    builder.tempfile_in(folder)
}

/// Temporary files are private by default; these become results, which get what the
/// user's umask says, like any file a program makes.
#[cfg(unix)]
fn open_permissions(builder: &mut tempfile::Builder<'_, '_>, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    builder.permissions(fs::Permissions::from_mode(mode));
}

#[cfg(not(unix))]
fn open_permissions(_builder: &mut tempfile::Builder<'_, '_>, _mode: u32) {}

/// A rename survives a power cut once its folder is synced.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> Result<(), ExportError> {
    File::open(folder)
        .and_then(|file| file.sync_all())
        .map_err(|error| ExportError::file(folder, error))
}

#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> Result<(), ExportError> {
    Ok(())
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        Some(_) => Path::new("."),
        None => path,
    }
}

/// A table's name as part of a file name: field names come from templates and may
/// hold anything.
fn safe_name(table: &str) -> String {
    let safe: String = table
        .chars()
        .take(MAX_NAME)
        .map(|c| {
            if c.is_alphanumeric() || matches!(c, '.' | '_' | '-') {
                c
            } else {
                '_'
            }
        })
        .collect();
    match safe.trim_start_matches('.') {
        "" => "list".to_owned(),
        name => name.to_owned(),
    }
}

/// Where a table's bytes go.
pub(super) struct Output {
    path: Option<PathBuf>,
    writer: BufWriter<Box<dyn Write + Send>>,
}

impl Output {
    fn stdout(json: bool) -> Self {
        let stdout = io::stdout();
        let writer: Box<dyn Write + Send> = if stdout.is_terminal() {
            Box::new(Terminal::new(stdout, json))
        } else {
            Box::new(stdout)
        };
        Self {
            path: None,
            writer: BufWriter::new(writer),
        }
    }

    fn through(path: &Path) -> Result<Self, ExportError> {
        let file = fs::OpenOptions::new().write(true).open(path);
        let file = file.map_err(|error| ExportError::file(path, error))?;
        Ok(Self {
            path: Some(path.to_owned()),
            writer: BufWriter::new(Box::new(file)),
        })
    }

    /// What a failed write means for the person.
    pub(super) fn blame(&self) -> impl Fn(io::Error) -> ExportError + use<> {
        let path = self.path.clone();
        move |error| match &path {
            Some(path) => ExportError::file(path, error),
            None => ExportError::Stdout(error),
        }
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.writer.write_all(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::safe_name;

    #[test]
    fn field_names_cannot_leave_the_folder() {
        assert_eq!(safe_name("line_items.taxes"), "line_items.taxes");
        assert_eq!(safe_name("../../etc/passwd"), "_.._etc_passwd");
        assert_eq!(safe_name("Käufe & mehr"), "Käufe___mehr");
        assert_eq!(safe_name(".."), "list");
        assert_eq!(safe_name(&"x".repeat(1000)).len(), 100);
    }
}
