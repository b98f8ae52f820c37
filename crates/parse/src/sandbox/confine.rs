//! What the system forbids a child beside its limits: to write any file, to bind or connect
//! any TCP port, to signal or talk to processes that are not its own (Landlock, on Linux).
//! A document that takes over its reader can then spoil its own result and nothing else.
//!
//! Reading stays allowed: tesseract is started from here, with its libraries and data.

/// How far the system helps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Confined {
    /// It forbids at least writing.
    Yes,
    /// It does not know how: an older kernel, or another system.
    No,
}

/// Confines the calling thread and all that it will start, for good. To be called before
/// there are other threads.
///
/// # Errors
/// When the system knows how and refuses.
#[cfg(target_os = "linux")]
pub(crate) fn confine() -> std::io::Result<Confined> {
    use landlock::{
        ABI, Access, AccessFs, AccessNet, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetStatus, Scope,
        path_beneath_rules,
    };
    // What a kernel does not know of these is left out by the crate.
    let newest = ABI::V6;
    let writing = AccessFs::from_write(newest);
    let restrict = || {
        Ruleset::default()
            .handle_access(writing)?
            .handle_access(AccessNet::from_all(newest))?
            .scope(Scope::from_all(newest))?
            .create()?
            // What is written there is gone.
            .add_rules(path_beneath_rules(["/dev/null"], writing))?
            .restrict_self()
    };
    let status = restrict().map_err(std::io::Error::other)?;
    Ok(match status.ruleset {
        RulesetStatus::FullyEnforced | RulesetStatus::PartiallyEnforced => Confined::Yes,
        RulesetStatus::NotEnforced => Confined::No,
    })
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn confine() -> std::io::Result<Confined> {
    Ok(Confined::No)
}

#[cfg(test)]
mod tests {
    use std::io::ErrorKind;
    use std::net::{TcpListener, TcpStream};
    use std::process::Command;

    use super::*;

    /// Only the thread that asks is confined, so that a test can be.
    #[test]
    fn a_confined_thread_writes_nothing_and_calls_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let kept = folder.path().join("kept.txt");
        std::fs::write(&kept, "as it was").unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let confined = std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                if confine().unwrap() == Confined::No {
                    return Confined::No;
                }
                let refused = |error: std::io::Error| error.kind() == ErrorKind::PermissionDenied;
                assert!(std::fs::write(&kept, "spoiled").is_err_and(refused));
                assert!(std::fs::write(folder.path().join("new.txt"), "new").is_err_and(refused));
                assert!(std::fs::remove_file(&kept).is_err_and(refused));
                assert!(std::fs::rename(&kept, folder.path().join("other.txt")).is_err_and(refused));
                // Reading and starting programs goes on; what they start is confined too.
                assert_eq!(std::fs::read_to_string(&kept).unwrap(), "as it was");
                let touched = Command::new("touch")
                    .arg(folder.path().join("by-child.txt"))
                    .output()
                    .unwrap();
                assert!(!touched.status.success());
                // Kernels before 6.7 know files only.
                match TcpStream::connect(address) {
                    Ok(_) => {}
                    Err(error) => assert!(refused(error)),
                }
                Confined::Yes
            });
            thread.join().unwrap()
        });
        if confined == Confined::Yes {
            let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
            assert_eq!(names.len(), 1, "nothing came, nothing went");
        }
    }
}
