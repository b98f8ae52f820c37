//! One server for a data folder; and where it is, for commands that would rather use it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::PathBuf;

use docmill_engine::private;

use crate::args::Context;
use crate::exit::Exit;
use crate::fault::Fault;

/// Held for as long as the server lives: the system lets go of it at any death.
pub struct ServerLock {
    file: File,
}

fn path(context: &Context) -> PathBuf {
    context.data_dir.join("server.lock")
}

fn open(context: &Context) -> std::io::Result<File> {
    private::file()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(path(context))
}

fn unusable(context: &Context, error: &std::io::Error) -> Fault {
    Fault::new(
        Exit::Store,
        format!("{} cannot be used: {error}", path(context).display()),
    )
}

impl ServerLock {
    /// Takes the folder for this server.
    pub fn take(context: &Context) -> Result<Self, Fault> {
        let file = open(context).map_err(|error| unusable(context, &error))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { file }),
            Err(TryLockError::WouldBlock) => {
                let at = running(context).unwrap_or_default();
                Err(Fault::usage(format!(
                    "a server works on {} already",
                    context.data_dir.display()
                ))
                .hint(format!("it is at {at}; --data-dir chooses another folder")))
            }
            Err(TryLockError::Error(error)) => Err(unusable(context, &error)),
        }
    }

    /// Says where the server is.
    pub fn announce(&self, url: &str) -> Result<(), Fault> {
        let write = || -> std::io::Result<()> {
            let mut file = &self.file;
            file.set_len(0)?;
            file.rewind()?;
            file.write_all(url.as_bytes())
        };
        write().map_err(|error| {
            Fault::new(
                Exit::Store,
                format!("the server's address cannot be kept: {error}"),
            )
        })
    }
}

/// Where the server of this folder is, when one is running.
pub fn running(context: &Context) -> Option<String> {
    let mut file = OpenOptions::new().read(true).open(path(context)).ok()?;
    match file.try_lock_shared() {
        // Nobody holds it: what it says is old.
        Ok(()) => None,
        Err(_) => {
            let mut url = String::new();
            file.read_to_string(&mut url).ok()?;
            Some(url)
        }
    }
}
