//! `docmill ocr install`: the networks for text recognition, out of the Python packages that
//! carry them.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use sha2::{Digest as _, Sha256};

use crate::args::{Context, OcrArgs, OcrVerb};
use crate::exit::Exit;
use crate::fault::Fault;
use crate::wire::{NETWORK_FILES, NetworkFile, own_network_folder};

/// Bytes of a network at most.
const LARGEST: u64 = 64 * 1024 * 1024;

/// Carries out the verb.
pub fn perform(args: OcrArgs, context: &Context) -> Result<Exit, Fault> {
    let OcrVerb::Install { wheel } = args.verb;
    let named = std::env::var_os("DOCMILL_OCR_MODELS").map(PathBuf::from);
    let folder = named.or_else(own_network_folder).ok_or_else(|| {
        Fault::usage("there is no home folder to keep the networks in")
            .hint("name one: DOCMILL_OCR_MODELS=FOLDER")
    })?;
    let fetched = tempfile::tempdir().map_err(|error| failed(&format!("no temporary folder: {error}")))?;
    let wheels = if wheel.is_empty() {
        context.ui.say("fetching the networks with pip");
        fetch(fetched.path())?
    } else {
        wheel
    };
    // All are looked at before the first is put in place.
    let mut contents = Vec::new();
    for file in NETWORK_FILES {
        contents.push((file, network(&file, &wheels)?));
    }
    fs::create_dir_all(&folder).map_err(|error| cannot_write(&folder, &error))?;
    for (file, content) in contents {
        let (path, new) = (folder.join(file.name), folder.join(format!("{}.new", file.name)));
        fs::write(&new, content)
            .and_then(|()| fs::rename(&new, &path))
            .map_err(|error| cannot_write(&path, &error))?;
    }
    context.ui.say(&format!(
        "installed in {}; scans are read with them from now on",
        folder.display()
    ));
    Ok(Exit::Ok)
}

fn failed(message: &str) -> Fault {
    Fault::new(Exit::Failure, message)
}

fn cannot_write(path: &Path, error: &std::io::Error) -> Fault {
    failed(&format!("{} could not be written: {error}", path.display()))
}

/// The packages, fetched by pip: which knows the index, the proxy and the certificates of this machine.
fn fetch(folder: &Path) -> Result<Vec<PathBuf>, Fault> {
    for NetworkFile { package, .. } in NETWORK_FILES {
        // One of them says that it needs an older Python; only the files within are wanted.
        let arguments = [
            "--no-deps",
            "--only-binary=:all:",
            "--python-version=3.11",
            "--quiet",
        ];
        let run = Command::new("python3")
            .args(["-m", "pip", "download", "--disable-pip-version-check"])
            .args(arguments)
            .arg("--dest")
            .arg(folder)
            .arg(package)
            .stdin(Stdio::null())
            .output();
        let by_hand = format!(
            "fetch {} elsewhere (pip download --no-deps) and name both files with --wheel",
            NETWORK_FILES.map(|file| file.package).join(" and ")
        );
        let output = run.map_err(|error| {
            failed(&format!("python3 could not be started: {error}")).hint(by_hand.clone())
        })?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            let last = said
                .lines()
                .rev()
                .find(|line| !line.trim().is_empty())
                .unwrap_or("it said nothing");
            return Err(failed(&format!("pip could not fetch {package}: {last}")).hint(by_hand));
        }
    }
    let entries = fs::read_dir(folder).map_err(|error| cannot_write(folder, &error))?;
    Ok(entries
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| path.extension() == Some(OsStr::new("whl")))
        .collect())
}

/// The content of a network, out of whichever package carries it, when it is the right one.
fn network(file: &NetworkFile, wheels: &[PathBuf]) -> Result<Vec<u8>, Fault> {
    let mut reason = format!(
        "none of the packages carries {}: {} does",
        file.within, file.package
    );
    for wheel in wheels {
        let unreadable = |error: &dyn std::fmt::Display| {
            Fault::usage(format!(
                "{} is no package that can be read: {error}",
                wheel.display()
            ))
            .hint("a package is the .whl file that pip download fetches")
        };
        let archive = File::open(wheel).map_err(|error| unreadable(&error))?;
        let mut archive = zip::ZipArchive::new(archive).map_err(|error| unreadable(&error))?;
        let Ok(entry) = archive.by_name(file.within) else {
            continue;
        };
        let mut content = Vec::new();
        entry
            .take(LARGEST)
            .read_to_end(&mut content)
            .map_err(|error| unreadable(&error))?;
        let hash = Sha256::digest(&content);
        let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        if hash == file.sha256 {
            return Ok(content);
        }
        reason = format!(
            "{} carries another {} than is known here",
            wheel.display(),
            file.within
        );
    }
    Err(failed(&reason).hint("nothing was changed"))
}
