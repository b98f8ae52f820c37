//! Says where the built dashboard is. Without one the program builds all the same, and
//! serves a page that says how to get it.

use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let dist = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web/dist");
    fs::create_dir_all(&dist)?;
    let dist = fs::canonicalize(dist)?;
    println!("cargo::rerun-if-changed={}", dist.display());
    if env::var("PROFILE").is_ok_and(|profile| profile == "release") && !dist.join("index.html").exists() {
        println!("cargo::warning=the dashboard is not built; npm ci && npm run build in web/ builds it");
    }
    Ok(())
}
