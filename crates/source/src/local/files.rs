//! Every file and folder of this machine is opened here, and nowhere else in this crate.
//!
//! The person at the command line reads what they may read anyway, links and all. A
//! server reads for others: it is given *roots*, and then a path is opened beneath the
//! root it belongs to, without following a single link on the way. Whoever may write
//! into an allowed folder can therefore not make the server read outside of it, neither
//! by a link that is there from the start nor by one that takes a folder's place later:
//! there is no moment between looking and opening.

use std::ffi::OsString;
use std::fs::{self, File, Metadata};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

/// Where files may be opened. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Files {
    /// Real paths of folders; `None`: anywhere, links are followed.
    roots: Option<Vec<PathBuf>>,
}

/// One entry of a folder.
#[derive(Debug)]
pub(crate) struct Entry {
    pub name: OsString,
    pub file_type: FileType,
}

/// To read without waiting: opening a pipe that nobody writes to would otherwise block for ever.
const READ: OFlags = OFlags::RDONLY
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);

const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);

impl Files {
    pub fn new(roots: Option<Vec<PathBuf>>) -> Self {
        Self { roots }
    }

    /// Whether files are read for others than the person who started the program.
    pub fn is_confined(&self) -> bool {
        self.roots.is_some()
    }

    /// Whether a path lies where files may be opened. Looks at the text alone.
    pub fn permits(&self, path: &Path) -> bool {
        match &self.roots {
            None => true,
            Some(_) => self.root_of(path).is_some(),
        }
    }

    /// The real path of what a person named. A confined program takes only paths that are real
    /// already: following a link here would be what opening refuses to do.
    pub fn locate(&self, given: &Path) -> io::Result<PathBuf> {
        if !self.is_confined() {
            return fs::canonicalize(given);
        }
        self.metadata(given)?;
        Ok(given.to_path_buf())
    }

    /// Opens a regular file. What a path has become in the meantime is not followed: anything
    /// else is refused.
    pub fn open(&self, path: &Path) -> io::Result<(File, Metadata)> {
        // Opening a device can already do something; so it is looked at first.
        if !self.metadata(path)?.is_file() {
            return Err(no_file());
        }
        let file = File::from(self.descriptor(path, READ)?);
        let metadata = file.metadata()?;
        if metadata.is_file() {
            Ok((file, metadata))
        } else {
            Err(no_file())
        }
    }

    /// What is at a path.
    pub fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        if self.is_confined() {
            File::from(self.descriptor(path, LOOK)?).metadata()
        } else {
            fs::metadata(path)
        }
    }

    /// The entries of a folder, sorted by name so that every run sees the same order.
    pub fn entries(&self, path: &Path) -> io::Result<Vec<Entry>> {
        let folder = self.descriptor(path, FOLDER)?;
        let mut entries = Vec::new();
        for entry in Dir::read_from(&folder)? {
            let entry = entry?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            let file_type = match entry.file_type() {
                // Not every file system tells.
                FileType::Unknown => {
                    let found = rustix::fs::statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW)?;
                    FileType::from_raw_mode(found.st_mode)
                }
                known => known,
            };
            entries.push(Entry {
                name: OsString::from_vec(name.to_bytes().to_vec()),
                file_type,
            });
        }
        entries.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    fn root_of(&self, path: &Path) -> Option<&Path> {
        let plain = path.is_absolute()
            && path
                .components()
                .all(|part| matches!(part, Component::RootDir | Component::Normal(_)));
        let roots = self.roots.as_deref().filter(|_| plain)?;
        roots
            .iter()
            .map(PathBuf::as_path)
            .filter(|root| path.starts_with(root))
            // The nearest: a link above it was followed when the root was named.
            .max_by_key(|root| root.as_os_str().len())
    }

    fn descriptor(&self, path: &Path, flags: OFlags) -> io::Result<OwnedFd> {
        if !self.is_confined() {
            return Ok(rustix::fs::open(path, flags, Mode::empty())?);
        }
        let root = self.root_of(path).ok_or_else(outside)?;
        let below = path.strip_prefix(root).map_err(|_| outside())?;
        beneath(root, below, flags).map_err(|error| match error {
            // What the system says when a link is on the way.
            Errno::LOOP | Errno::XDEV | Errno::MLINK => {
                io::Error::other("there is a link on the way to it, and a server follows none")
            }
            other => other.into(),
        })
    }
}

#[cfg(target_os = "linux")]
const LOOK: OFlags = OFlags::PATH.union(OFlags::CLOEXEC);
#[cfg(not(target_os = "linux"))]
const LOOK: OFlags = READ;

fn no_file() -> io::Error {
    io::Error::other("it is no longer a file")
}

fn outside() -> io::Error {
    io::Error::other("it is outside the folders this server may read from")
}

/// Opens what is at `below` under the folder `root`, following no link below the root.
fn beneath(root: &Path, below: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
    if below.as_os_str().is_empty() {
        return rustix::fs::open(root, flags, Mode::empty());
    }
    let base = rustix::fs::open(root, FOLDER, Mode::empty())?;
    #[cfg(target_os = "linux")]
    match at_once(&base, below, flags) {
        // Kernels before 5.6, and containers whose filter does not know the call.
        Err(Errno::NOSYS | Errno::PERM) => {}
        opened => return opened,
    }
    step_by_step(base, below, flags)
}

/// In one call of the system.
#[cfg(target_os = "linux")]
fn at_once(base: &OwnedFd, below: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
    use rustix::fs::{ResolveFlags, openat2};
    /// The call gives up when something on the way is renamed at the same moment.
    const TRIES: u32 = 8;
    let resolve = ResolveFlags::BENEATH
        .union(ResolveFlags::NO_SYMLINKS)
        .union(ResolveFlags::NO_MAGICLINKS);
    let mut tries = 0;
    loop {
        tries += 1;
        match openat2(base, below, flags, Mode::empty(), resolve) {
            Err(Errno::AGAIN) if tries < TRIES => {}
            opened => return opened,
        }
    }
}

/// Folder by folder, each opened in the one before.
fn step_by_step(mut base: OwnedFd, below: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
    let mut parts = below.components().peekable();
    while let Some(part) = parts.next() {
        let Component::Normal(name) = part else {
            return Err(Errno::XDEV);
        };
        let flags = if parts.peek().is_some() { FOLDER } else { flags };
        let opened = rustix::fs::openat(&base, name, flags.union(OFlags::NOFOLLOW), Mode::empty());
        // A folder that is asked for and is a link is "not a folder" to some systems.
        base = match opened {
            Err(Errno::NOTDIR) if is_link(&base, name) => return Err(Errno::LOOP),
            opened => opened?,
        };
        // Looking does not open, so a link at the end comes back as itself.
        if flags == LOOK && is_itself_a_link(&base)? {
            return Err(Errno::LOOP);
        }
    }
    Ok(base)
}

fn is_link(base: &OwnedFd, name: &std::ffi::OsStr) -> bool {
    rustix::fs::statat(base, name, AtFlags::SYMLINK_NOFOLLOW)
        .is_ok_and(|found| FileType::from_raw_mode(found.st_mode) == FileType::Symlink)
}

fn is_itself_a_link(opened: &OwnedFd) -> Result<bool, Errno> {
    Ok(FileType::from_raw_mode(rustix::fs::fstat(opened)?.st_mode) == FileType::Symlink)
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;
    use std::os::unix::fs::symlink;

    use super::*;

    /// Both ways of opening refuse the same and give the same.
    #[test]
    fn no_link_below_the_root_is_followed() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        fs::create_dir_all(root.join("in/deep")).unwrap();
        fs::write(root.join("in/deep/a.txt"), "a").unwrap();
        symlink("a.txt", root.join("in/deep/near.txt")).unwrap();
        symlink("/etc/passwd", root.join("in/far.txt")).unwrap();
        symlink("in", root.join("same")).unwrap();
        symlink("/", root.join("all")).unwrap();
        let base = || rustix::fs::open(&root, FOLDER, Mode::empty()).unwrap();
        for flags in [READ, LOOK] {
            let at_once = |path: &str| beneath(&root, Path::new(path), flags);
            let by_steps = |path: &str| step_by_step(base(), Path::new(path), flags);
            for open in [&at_once as &dyn Fn(&str) -> _, &by_steps] {
                assert!(open("in/deep/a.txt").is_ok());
                for refused in [
                    "in/deep/near.txt",
                    "in/far.txt",
                    "same/deep/a.txt",
                    "all/etc/passwd",
                    "../x",
                ] {
                    let error = open(refused).unwrap_err();
                    assert!(matches!(error, Errno::LOOP | Errno::XDEV), "{refused}: {error}");
                }
            }
        }
        let mut text = String::new();
        File::from(step_by_step(base(), Path::new("in/deep/a.txt"), READ).unwrap())
            .read_to_string(&mut text)
            .unwrap();
        assert_eq!(text, "a");
    }

    #[test]
    fn a_path_outside_all_roots_is_refused_by_its_text() {
        let files = Files::new(Some(vec![PathBuf::from("/data/in"), PathBuf::from("/data/up")]));
        for (path, permitted) in [
            ("/data/in/a/b.pdf", true),
            ("/data/up", true),
            ("/data/input", false),
            ("/data/in/../secret", false),
            ("data/in/a", false),
            ("/etc/passwd", false),
        ] {
            assert_eq!(files.permits(Path::new(path)), permitted, "{path}");
        }
        assert!(files.open(Path::new("/etc/passwd")).is_err());
        assert!(Files::default().permits(Path::new("/etc/passwd")));
    }
}
