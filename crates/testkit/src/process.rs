//! Programs under test: started, killed without warning, started again.

use std::ffi::OsString;
use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};

use serde::Deserialize;

/// A program of this workspace that was built beside the running test.
///
/// # Errors
/// When it was not built.
pub fn built_binary(name: &str) -> io::Result<PathBuf> {
    let test = std::env::current_exe()?;
    let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    // The test is in target/debug/deps, the program in target/debug.
    let found = test
        .ancestors()
        .skip(1)
        .take(2)
        .map(|folder| folder.join(&file))
        .find(|path| path.is_file());
    found.ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::NotFound,
            format!("{file} is not built; run `cargo build --workspace --bins` first"),
        )
    })
}

/// A running program; killed when dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Process {
    /// Starts a program.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(command: &mut Command) -> io::Result<Self> {
        Ok(Self {
            child: command.spawn()?,
        })
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Kills it as `kill -9` does and waits until it is gone.
    ///
    /// # Errors
    /// When it cannot be killed.
    pub fn kill(&mut self) -> io::Result<ExitStatus> {
        self.child.kill()?;
        self.child.wait()
    }

    /// Sends it a signal by its name, as `kill -STOP` does.
    ///
    /// # Errors
    /// When it cannot be sent.
    #[cfg(unix)]
    pub fn signal(&self, name: &str) -> io::Result<()> {
        signal(self.id(), name)
    }

    /// How it ended, if it has.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// Its standard error, once, when it was started with a pipe.
    pub fn take_stderr(&mut self) -> Option<ChildStderr> {
        self.child.stderr.take()
    }

    /// Its standard output, once, when it was started with a pipe.
    pub fn take_stdout(&mut self) -> Option<ChildStdout> {
        self.child.stdout.take()
    }
}

/// Sends a process a signal by its name.
///
/// # Errors
/// When it cannot be sent.
#[cfg(unix)]
pub fn signal(process: u32, name: &str) -> io::Result<()> {
    let status = Command::new("kill")
        .arg(format!("-{name}"))
        .arg(process.to_string())
        .status()?;
    match status.success() {
        true => Ok(()),
        false => Err(io::Error::other(format!("kill -{name} {process}: {status}"))),
    }
}

/// The children of a process, by their ids (Linux).
#[cfg(target_os = "linux")]
#[must_use]
pub fn children(process: u32) -> Vec<u32> {
    let all = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let ids = all.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    ids.filter(|id| parent(*id) == Some(process)).collect()
}

/// The fourth field of `/proc/ID/stat`; the second is a name in brackets that may hold anything.
#[cfg(target_os = "linux")]
fn parent(process: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(1)?.parse().ok()
}

/// The stand-in provider as a process of its own.
#[derive(Debug)]
pub struct StandinProcess {
    process: Process,
    binary: PathBuf,
    arguments: Vec<OsString>,
    port: u16,
}

#[derive(Deserialize)]
struct Hello {
    address: std::net::SocketAddr,
}

impl StandinProcess {
    /// Starts it with these arguments (without `--port`) on a free port.
    ///
    /// # Errors
    /// When it cannot be started or does not say where it listens.
    pub fn start(binary: &Path, arguments: impl IntoIterator<Item = OsString>) -> io::Result<Self> {
        let arguments: Vec<OsString> = arguments.into_iter().collect();
        let (process, port) = launch(binary, &arguments, 0)?;
        Ok(Self {
            process,
            binary: binary.to_owned(),
            arguments,
            port,
        })
    }

    /// What a client is given as the base URL; the same after a restart.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://127.0.0.1:{}/v1", self.port)
    }

    /// Its process id.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Kills it as `kill -9` does.
    ///
    /// # Errors
    /// When it cannot be killed.
    pub fn kill(&mut self) -> io::Result<()> {
        self.process.kill().map(|_| ())
    }

    /// Starts it again on the same port, with the same books, to behave otherwise.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn behave(&mut self, behaviour: &str) -> io::Result<()> {
        let given = self.arguments.iter().position(|word| word == "--behaviour");
        if let Some(at) = given {
            self.arguments.drain(at..(at + 2).min(self.arguments.len()));
        }
        self.arguments.extend(["--behaviour".into(), behaviour.into()]);
        self.restart()
    }

    /// Starts it again on the same port, with the same books.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn restart(&mut self) -> io::Result<()> {
        self.process.kill()?;
        (self.process, self.port) = launch(&self.binary, &self.arguments, self.port)?;
        Ok(())
    }
}

fn launch(binary: &Path, arguments: &[OsString], port: u16) -> io::Result<(Process, u16)> {
    let mut process = Process::start(
        Command::new(binary)
            .arg("--port")
            .arg(port.to_string())
            .args(arguments)
            .stdout(Stdio::piped()),
    )?;
    let mut line = String::new();
    if let Some(stdout) = process.take_stdout() {
        BufReader::new(stdout).read_line(&mut line)?;
    }
    let hello: Hello = serde_json::from_str(&line).map_err(|_| {
        io::Error::other(format!(
            "{} did not say where it listens: {line:?}",
            binary.display()
        ))
    })?;
    Ok((process, hello.address.port()))
}
