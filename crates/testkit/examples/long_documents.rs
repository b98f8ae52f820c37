//! Writes the long documents that are measured: `long_documents FOLDER`.

use std::path::PathBuf;
use std::{env, fs, io};

use docmill_testkit::documents;

fn main() -> io::Result<()> {
    let folder = PathBuf::from(env::args_os().nth(1).unwrap_or_else(|| "long".into()));
    for (name, content) in [
        ("pdf/book.pdf", documents::pdf(300, 2000).0),
        (
            "xlsx/sheet.xlsx",
            documents::xlsx(20_000).map_err(io::Error::other)?,
        ),
        ("csv/sheet.csv", documents::csv(20_000)),
    ] {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap_or(&folder))?;
        fs::write(&path, content)?;
        println!("{}", path.display());
    }
    Ok(())
}
