//! What the system must not tell others about this process: its memory holds keys, passwords
//! of documents, and the documents themselves.

/// No core file, and no look into the memory of this process by others of the same user. First
/// of all, and best effort: where the system does not know how, it does as it did.
pub fn harden() {
    #[cfg(unix)]
    {
        use rustix::process::{Resource, Rlimit, setrlimit};
        let none = Rlimit {
            current: Some(0),
            maximum: Some(0),
        };
        let _ = setrlimit(Resource::Core, none);
    }
    // Where cores go to a program (systemd-coredump), the limit alone does not hold.
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{DumpableBehavior, set_dumpable_behavior};
        let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
    }
}
