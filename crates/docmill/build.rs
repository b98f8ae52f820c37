//! Lists the files of `templates/` so that they are built into the program: adding a
//! template is adding a file.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../templates");
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut files: Vec<PathBuf> = Vec::new();
    // A folder without templates is not kept by version control.
    let entries = fs::read_dir(&folder)
        .map(Iterator::collect::<Vec<_>>)
        .unwrap_or_default();
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            files.push(fs::canonicalize(path)?);
        }
    }
    files.sort();
    let mut source = String::from("&[\n");
    for file in files {
        let stem = file.file_stem().unwrap_or_default().to_string_lossy();
        // Writing to a String cannot fail.
        let _ = writeln!(
            source,
            "    ({stem:?}, include_str!({:?})),",
            file.display().to_string()
        );
    }
    source.push_str("]\n");
    let out = env::var_os("OUT_DIR").map(PathBuf::from).unwrap_or_default();
    fs::write(out.join("templates.rs"), source)
}
