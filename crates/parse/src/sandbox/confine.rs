//! What the system forbids a child beside its limits (Landlock, on Linux): to open any file
//! but those that tesseract consists of and the networks' own, to run any program but tesseract, to use TCP, to
//! signal or talk to processes that are not its own. A document that takes over its reader
//! can then spoil its own result and nothing else. What it was handed came through a pipe,
//! and its keys and settings were taken from its environment before it began.
//!
//! What calls of the system are left to it, `calls` decides.

/// How far the system helps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Confinement {
    /// Files of the machine cannot be opened.
    pub files: bool,
    /// No TCP port can be used.
    pub network: bool,
    /// Other processes cannot be signalled or talked to.
    pub processes: bool,
    /// Calls of the system that reading a document does not need are refused, sockets among them.
    pub calls: bool,
}

impl Confinement {
    /// What is missing, in words; empty: nothing.
    #[must_use]
    pub fn missing(self) -> Vec<&'static str> {
        [
            (self.files, "opening other files is not forbidden"),
            (self.network, "TCP is not forbidden by Landlock"),
            (self.processes, "signals to other processes are not forbidden"),
            (self.calls, "calls of the system are not filtered"),
        ]
        .into_iter()
        .filter(|(there, _)| !there)
        .map(|(_, what)| what)
        .collect()
    }
}

/// What this system forbids a worker, tried on a thread that ends at once.
#[must_use]
pub fn support() -> Confinement {
    std::thread::spawn(|| confine().unwrap_or_default())
        .join()
        .unwrap_or_default()
}

/// Confines the calling thread and all that it will start, for good. To be called before
/// there are other threads.
///
/// # Errors
/// When the system knows how and refuses.
#[cfg(target_os = "linux")]
pub(crate) fn confine() -> std::io::Result<Confinement> {
    let (files, network, processes) = linux::restrict().map_err(std::io::Error::other)?;
    Ok(Confinement {
        files,
        network,
        processes,
        calls: super::calls::filter()?,
    })
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn confine() -> std::io::Result<Confinement> {
    Ok(Confinement::default())
}

#[cfg(target_os = "linux")]
mod linux {
    use std::path::{Path, PathBuf};

    use landlock::{
        ABI, Access, AccessFs, AccessNet, BitFlags, LandlockStatus, Ruleset, RulesetAttr, RulesetCreatedAttr,
        RulesetError, RulesetStatus, Scope, path_beneath_rules,
    };

    use crate::ocr;

    /// Where systems keep libraries and what they need to be found.
    const LIBRARIES: [&str; 7] = [
        "/lib",
        "/lib64",
        "/usr/lib",
        "/usr/lib64",
        "/usr/local/lib",
        "/etc/ld.so.cache",
        "/dev/urandom",
    ];

    /// Where tesseract's languages are.
    const LANGUAGES: [&str; 4] = [
        "/usr/share/tesseract-ocr",
        "/usr/share/tessdata",
        "/usr/local/share/tesseract-ocr",
        "/usr/local/share/tessdata",
    ];

    /// What starts a program that is linked to libraries; the system runs it too.
    const LOADERS: [&str; 5] = [
        "/lib64/ld-linux-x86-64.so.2",
        "/lib/ld-linux-aarch64.so.1",
        "/lib/ld-linux-armhf.so.3",
        "/lib/ld-musl-x86_64.so.1",
        "/lib/ld-musl-aarch64.so.1",
    ];

    fn there(paths: impl IntoIterator<Item = PathBuf>) -> Vec<PathBuf> {
        paths.into_iter().filter(|path| path.exists()).collect()
    }

    /// Files, network and processes: which of them are closed now.
    pub(super) fn restrict() -> Result<(bool, bool, bool), RulesetError> {
        // What a kernel does not know of these is left out by the crate.
        let newest = ABI::V6;
        let reading = AccessFs::ReadFile | AccessFs::ReadDir;
        let running = AccessFs::ReadFile | AccessFs::Execute;
        let null: BitFlags<AccessFs> = AccessFs::ReadFile | AccessFs::WriteFile;
        let (mut readable, mut programs) = (Vec::new(), Vec::new());
        // Without tesseract nothing is ever started.
        if let Some(program) = ocr::program() {
            let own = std::env::var_os("TESSDATA_PREFIX").map(PathBuf::from);
            let usual = LIBRARIES.iter().chain(&LANGUAGES).map(PathBuf::from);
            readable = there(usual.chain(own));
            programs = there(LOADERS.iter().map(PathBuf::from).chain([program.to_path_buf()]));
        }
        let networks = ocr::network_files().into_iter().flatten();
        let status = Ruleset::default()
            .handle_access(AccessFs::from_all(newest))?
            .handle_access(AccessNet::from_all(newest))?
            .scope(Scope::from_all(newest))?
            .create()?
            .add_rules(path_beneath_rules(readable, reading))?
            .add_rules(path_beneath_rules(networks, BitFlags::from(AccessFs::ReadFile)))?
            .add_rules(path_beneath_rules(programs, running))?
            .add_rules(path_beneath_rules([Path::new("/dev/null")], null))?
            .restrict_self()?;
        let level = match status.landlock {
            LandlockStatus::Available { effective_abi, .. } => effective_abi,
            _ => ABI::Unsupported,
        };
        let enforced = status.ruleset != RulesetStatus::NotEnforced;
        Ok((
            enforced && level >= ABI::V1,
            enforced && level >= ABI::V4,
            enforced && level >= ABI::V6,
        ))
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::io::ErrorKind;
    use std::net::{TcpListener, TcpStream, UdpSocket};
    use std::os::unix::net::UnixStream;
    use std::process::Command;

    use super::*;

    /// Only the thread that asks is confined, so that a test can be.
    #[test]
    fn a_confined_thread_opens_nothing_calls_nobody_and_starts_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let kept = folder.path().join("kept.txt");
        std::fs::write(&kept, "as it was").unwrap();
        let mut opened = std::fs::File::open(&kept).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let confined = std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                let confined = confine().unwrap();
                let refused = |error: std::io::Error| error.kind() == ErrorKind::PermissionDenied;
                if confined.files {
                    assert!(std::fs::read(&kept).is_err_and(refused));
                    for secret in [
                        "/etc/passwd",
                        "/proc/self/environ",
                        "/proc/1/status",
                        "/root",
                        "/",
                    ] {
                        let read = std::fs::read(secret)
                            .map(drop)
                            .or_else(|_| std::fs::read_dir(secret).map(drop));
                        assert!(read.is_err(), "{secret}");
                    }
                    assert!(std::fs::write(&kept, "spoiled").is_err_and(refused));
                    assert!(std::fs::write(folder.path().join("new.txt"), "new").is_err_and(refused));
                    assert!(std::fs::remove_file(&kept).is_err());
                    assert!(std::fs::rename(&kept, folder.path().join("other.txt")).is_err());
                    assert!(
                        Command::new("touch")
                            .arg(folder.path().join("by-child.txt"))
                            .output()
                            .is_err()
                    );
                    assert!(Command::new("/bin/sh").args(["-c", "id"]).output().is_err());
                    // What was handed in before stays open: that is how a document comes.
                    let mut text = String::new();
                    std::io::Read::read_to_string(&mut opened, &mut text).unwrap();
                    assert_eq!(text, "as it was");
                }
                if confined.network || confined.calls {
                    assert!(TcpStream::connect(address).is_err());
                    assert!(TcpListener::bind("127.0.0.1:0").is_err());
                }
                if confined.calls {
                    assert!(UdpSocket::bind("127.0.0.1:0").is_err_and(refused));
                    assert!(UnixStream::pair().is_err_and(refused));
                }
                confined
            });
            thread.join().unwrap()
        });
        assert_eq!(confined, support(), "what doctor says is what a worker gets");
        let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
        assert_eq!(names.len(), 1, "nothing came, nothing went");
    }
}
