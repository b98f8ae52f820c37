//! Files and folders that only their owner may look into.
//!
//! The data folder holds other people's documents, answers about them and who may use the
//! server. Whatever docmill makes in it is made private, whatever the umask says; what an
//! earlier version or a careless copy left open is closed when the folder is opened.
//!
//! A private folder hides everything below it, so only what lies directly in the data
//! folder is looked at. The data folder itself is closed only when nothing but docmill's own
//! files are in it: somebody may have chosen a folder they share.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// What docmill keeps in its data folder, beside the database's own files.
const OWN: [&str; 6] = [
    "readings",
    "workers",
    "exports",
    "uploads",
    "spool",
    "server.lock",
];

/// How the database and the files beside it begin.
const DATABASE: &str = "docmill.db";

/// What could be looked into by others, and is private now.
#[derive(Debug, Default)]
pub struct Mended {
    /// Closed.
    pub closed: Vec<PathBuf>,
    /// Still open, and why.
    pub refused: Vec<(PathBuf, io::Error)>,
}

/// Makes a folder and those above it that are missing, for the owner alone.
///
/// # Errors
/// When the system refuses.
pub fn create_folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(path)
}

/// Options under which a new file is for the owner alone.
#[must_use]
pub fn file() -> OpenOptions {
    // Only where there are modes is there anything to set.
    #[cfg_attr(not(unix), expect(unused_mut, reason = "nothing to set"))]
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    options
}

/// Whether a name in the data folder is docmill's.
#[must_use]
pub fn is_own(name: &str) -> bool {
    OWN.contains(&name) || name.starts_with(DATABASE)
}

/// Closes what others may look into. Links are left alone: what they point to is not ours.
#[cfg(unix)]
#[must_use]
pub fn mend(folder: &Path) -> Mended {
    let mut mended = Mended::default();
    let mut is_shared = false;
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if !is_own(&entry.file_name().to_string_lossy()) {
            is_shared = true;
            continue;
        }
        // Of the entry itself, not of what a link points to.
        if let Ok(metadata) = entry.metadata()
            && !metadata.is_symlink()
        {
            mended.close(&entry.path(), &metadata);
        }
    }
    if !is_shared && let Ok(metadata) = fs::metadata(folder) {
        mended.close(folder, &metadata);
    }
    mended
}

/// Nothing to close: there are no modes.
#[cfg(not(unix))]
#[must_use]
pub fn mend(_folder: &Path) -> Mended {
    Mended::default()
}

#[cfg(unix)]
impl Mended {
    fn close(&mut self, path: &Path, metadata: &fs::Metadata) {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = metadata.permissions().mode();
        if mode & 0o077 == 0 {
            return;
        }
        match fs::set_permissions(path, fs::Permissions::from_mode(mode & 0o7700)) {
            Ok(()) => self.closed.push(path.to_owned()),
            Err(error) => self.refused.push((path.to_owned(), error)),
        }
    }
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    fn open_to_all(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    #[test]
    fn what_is_made_is_for_its_owner_alone() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("a/b");
        create_folder(&folder).unwrap();
        file()
            .create(true)
            .write(true)
            .truncate(false)
            .open(folder.join("f"))
            .unwrap();
        assert_eq!(mode(&home.path().join("a")), 0o700);
        assert_eq!(mode(&folder), 0o700);
        assert_eq!(mode(&folder.join("f")), 0o600);
    }

    #[test]
    fn what_was_left_open_is_closed_once() {
        let home = tempfile::tempdir().unwrap();
        open_to_all(home.path(), 0o755);
        fs::write(home.path().join("docmill.db-wal"), "x").unwrap();
        open_to_all(&home.path().join("docmill.db-wal"), 0o644);
        fs::create_dir(home.path().join("readings")).unwrap();
        open_to_all(&home.path().join("readings"), 0o755);
        let mended = mend(home.path());
        assert_eq!((mended.closed.len(), mended.refused.len()), (3, 0));
        assert_eq!(mode(home.path()), 0o700);
        assert_eq!(mode(&home.path().join("docmill.db-wal")), 0o600);
        assert_eq!(mode(&home.path().join("readings")), 0o700);
        assert!(mend(home.path()).closed.is_empty(), "nothing is left to close");
    }

    /// `--data-dir .` in a folder of documents must not take the documents from others.
    #[test]
    fn a_folder_that_holds_other_things_keeps_its_mode() {
        let home = tempfile::tempdir().unwrap();
        open_to_all(home.path(), 0o755);
        for name in ["docmill.db", "letter.txt"] {
            fs::write(home.path().join(name), "x").unwrap();
            open_to_all(&home.path().join(name), 0o644);
        }
        let outside = tempfile::tempdir().unwrap();
        open_to_all(outside.path(), 0o755);
        std::os::unix::fs::symlink(outside.path(), home.path().join("uploads")).unwrap();
        assert_eq!(mend(home.path()).closed, [home.path().join("docmill.db")]);
        assert_eq!(mode(home.path()), 0o755);
        assert_eq!(mode(&home.path().join("letter.txt")), 0o644);
        assert_eq!(mode(outside.path()), 0o755, "what a link points to is not ours");
    }
}
