//! A disk and a clock that misbehave on command, for a program under test (Linux).

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

/// What replaces the C library's functions.
const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/shim/faults.c");

/// Orders for a program that was started with [`Faults::arm`].
#[derive(Debug)]
pub struct Faults {
    library: PathBuf,
    orders: PathBuf,
    below: PathBuf,
}

/// What may go wrong; the default is nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct Orders {
    /// Seconds by which the wall clock is off.
    pub clock: i64,
    /// Of a thousand writes so many find the disk full.
    pub full: u32,
    /// And so many find it read-only.
    pub readonly: u32,
}

impl Faults {
    /// Faults for files below a folder. Compiles the shim, once per process.
    ///
    /// # Errors
    /// When there is no C compiler or the orders cannot be written.
    pub fn below(folder: &Path, orders: PathBuf) -> io::Result<Self> {
        let faults = Self {
            library: library()?,
            orders,
            below: folder.to_owned(),
        };
        faults.order(Orders::default())?;
        Ok(faults)
    }

    /// Lets a program that is about to be started obey.
    pub fn arm(&self, command: &mut Command) {
        command
            .env("LD_PRELOAD", &self.library)
            .env("DOCMILL_FAULTS", &self.orders)
            .env("DOCMILL_FAULTS_BELOW", &self.below);
    }

    /// Says what goes wrong from now on.
    ///
    /// # Errors
    /// When the orders cannot be written.
    pub fn order(&self, orders: Orders) -> io::Result<()> {
        let Orders {
            clock,
            full,
            readonly,
        } = orders;
        // Renamed into place: whoever reads it reads all of it.
        let partial = self.orders.with_extension("partial");
        std::fs::write(
            &partial,
            format!("clock {clock}\nfull {full}\nreadonly {readonly}\n"),
        )?;
        std::fs::rename(partial, &self.orders)
    }
}

fn library() -> io::Result<PathBuf> {
    static LIBRARY: OnceLock<Result<(tempfile::TempDir, PathBuf), String>> = OnceLock::new();
    let made = LIBRARY.get_or_init(|| {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let library = folder.path().join("faults.so");
        let output = Command::new("cc")
            .args(["-O1", "-shared", "-fPIC", "-o"])
            .arg(&library)
            .args([SOURCE, "-ldl"])
            .output()
            .map_err(|error| format!("cc: {error}"))?;
        match output.status.success() {
            true => Ok((folder, library)),
            false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        }
    });
    match made {
        Ok((_, library)) => Ok(library.clone()),
        Err(reason) => Err(io::Error::other(reason.clone())),
    }
}
