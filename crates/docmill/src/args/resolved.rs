//! Arguments that have touched the system: folders found, files read.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use docmill_engine::export::{CsvStyle, Format, Target};

use super::{GlobalArgs, OutArgs, PasswordArgs, SourceArgs};
use crate::exit::Exit;
use crate::fault::Fault;
use crate::report::Ui;

/// What every verb works with.
#[derive(Debug)]
pub struct Context {
    /// Folder of the database.
    pub data_dir: PathBuf,
    /// Address of the server that is to do it.
    pub server: Option<String>,
    /// How to talk.
    pub ui: Ui,
}

impl Context {
    /// From what was typed.
    pub fn new(global: &GlobalArgs) -> Result<Self, Fault> {
        Ok(Self {
            data_dir: data_dir(global.data_dir.as_deref())?,
            server: global.server.clone().filter(|url| !url.trim().is_empty()),
            ui: Ui::new(global),
        })
    }

    /// The database's file.
    pub fn database(&self) -> PathBuf {
        self.data_dir.join("docmill.db")
    }
}

/// The folder of the database: as typed, else where such things live on this system.
pub fn data_dir(typed: Option<&Path>) -> Result<PathBuf, Fault> {
    if let Some(typed) = typed {
        return absolute(typed);
    }
    let home = || {
        env::var_os("HOME")
            .or_else(|| env::var_os("USERPROFILE"))
            .map(PathBuf::from)
    };
    let base = match env::var_os("XDG_DATA_HOME")
        .map(PathBuf::from)
        .filter(|base| base.is_absolute())
    {
        Some(base) => Some(base),
        None if cfg!(target_os = "macos") => home().map(|home| home.join("Library/Application Support")),
        None if cfg!(windows) => env::var_os("LOCALAPPDATA").map(PathBuf::from),
        None => home().map(|home| home.join(".local/share")),
    };
    base.map(|base| base.join("docmill")).ok_or_else(|| {
        Fault::usage("there is no home folder to keep the database in")
            .hint("choose a folder with --data-dir")
    })
}

fn absolute(path: &Path) -> Result<PathBuf, Fault> {
    std::path::absolute(path)
        .map_err(|error| Fault::usage(format!("the folder {} cannot be used: {error}", path.display())))
}

/// The sources as they are stored: paths made absolute, so that the same words typed in
/// another folder mean another batch.
pub fn absolute_sources(args: &SourceArgs) -> Result<Vec<String>, Fault> {
    let mut sources = Vec::new();
    for source in &args.sources {
        sources.push(absolute_source(source)?);
    }
    for list in &args.from {
        let list = if list == "-" {
            "-".to_owned()
        } else {
            absolute_source(list)?
        };
        sources.push(format!("list:{list}"));
    }
    Ok(sources)
}

fn absolute_source(source: &str) -> Result<String, Fault> {
    if source.is_empty() {
        return Err(Fault::usage("a source is empty")
            .hint("name a folder, files, a ZIP archive or a URL such as s3://bucket/prefix"));
    }
    // `C:\…` is no URL: a scheme has more than one letter.
    let is_url = source
        .split_once("://")
        .is_some_and(|(scheme, _)| scheme.len() > 1);
    if is_url || source.starts_with("list:") {
        return Ok(source.to_owned());
    }
    let path = absolute(Path::new(source))?;
    if let Err(error) = fs::metadata(&path) {
        let reason = match error.kind() {
            std::io::ErrorKind::NotFound => "does not exist".to_owned(),
            std::io::ErrorKind::PermissionDenied => "may not be read".to_owned(),
            _ => format!("cannot be read: {error}"),
        };
        return Err(Fault::usage(format!("{} {reason}", path.display()))
            .hint("check the path; a source is a folder, a file, a ZIP archive, or a URL such as s3://bucket/prefix"));
    }
    path.into_os_string().into_string().map_err(|path| {
        Fault::usage(format!("the path {} is not Unicode", path.display()))
            .hint("name the folder above it; documents inside may have any name")
    })
}

/// The passwords to try, those of the file last.
pub fn passwords(args: &PasswordArgs) -> Result<Vec<String>, Fault> {
    let mut passwords = args.password.clone();
    if let Some(file) = &args.passwords {
        let text = fs::read_to_string(file).map_err(|error| {
            Fault::usage(format!(
                "the passwords in {} cannot be read: {error}",
                file.display()
            ))
            .hint("give a text file with one password a line")
        })?;
        // Blanks belong to passwords; line ends do not.
        passwords.extend(text.lines().filter(|line| !line.is_empty()).map(str::to_owned));
    }
    Ok(passwords)
}

/// Where results go, and in which format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutFile {
    /// Where to.
    pub target: Target,
    /// The format.
    pub format: Format,
    /// With evidence columns.
    pub evidence: bool,
    /// How CSV is written.
    pub csv: CsvStyle,
}

/// What `--out`, `--format` and `--evidence` say; `None` without `--out`.
///
/// A path is a file when its extension names a format, and a folder when it is one, ends
/// in a slash or has no extension.
pub fn out_target(args: &OutArgs) -> Result<Option<OutFile>, Fault> {
    let Some(out) = &args.out else { return Ok(None) };
    let path = PathBuf::from(out);
    let of_path = Format::of_path(&path);
    // What is there and no folder is written to as it is: files, pipes, devices.
    let is_something_else = path.exists() && !path.is_dir();
    let is_folder = path.is_dir() || out.ends_with(['/', '\\']) || path.extension().is_none();
    let (target, format) = if out == "-" {
        (Target::Stdout, args.format.unwrap_or(Format::Csv))
    } else if is_folder && !is_something_else && of_path.is_none() {
        (
            Target::Folder(absolute(&path)?),
            args.format.unwrap_or(Format::Csv),
        )
    } else {
        let format = args.format.or(of_path).ok_or_else(|| {
            Fault::new(
                Exit::Usage,
                format!("the name {out:?} does not say which format to write"),
            )
            .hint("end it in .csv, .jsonl, .parquet or .xlsx, or say --format")
        })?;
        (Target::File(absolute(&path)?), format)
    };
    Ok(Some(OutFile {
        target,
        format,
        evidence: args.evidence,
        csv: CsvStyle {
            excel_safe: args.excel_safe,
            bom: args.bom,
        },
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(out: &str, format: Option<Format>) -> Result<OutFile, Fault> {
        let args = OutArgs {
            out: Some(out.to_owned()),
            format,
            evidence: false,
            excel_safe: false,
            bom: false,
        };
        out_target(&args).map(Option::unwrap)
    }

    #[test]
    fn the_name_says_the_format() {
        let file = target("/x/out.XLSX", None).unwrap();
        assert_eq!(
            (file.target, file.format),
            (Target::File("/x/out.XLSX".into()), Format::Xlsx)
        );
        let file = target("/x/out", Some(Format::Parquet)).unwrap();
        assert_eq!(
            (file.target, file.format),
            (Target::Folder("/x/out".into()), Format::Parquet)
        );
        let file = target("/x/out.data", Some(Format::Csv)).unwrap();
        assert_eq!(
            (file.target, file.format),
            (Target::File("/x/out.data".into()), Format::Csv)
        );
        assert_eq!(target("-", None).unwrap().target, Target::Stdout);
        assert_eq!(target("/x/out.data", None).unwrap_err().exit, Exit::Usage);
    }

    #[test]
    fn urls_and_lists_stay_as_typed() {
        for source in ["s3://bucket/a b/", "list:-", "file:///tmp"] {
            assert_eq!(absolute_source(source).unwrap(), source);
        }
        let missing = absolute_source("no/such/folder").unwrap_err();
        assert!(
            missing.message.ends_with("no/such/folder does not exist"),
            "{}",
            missing.message
        );
        assert_eq!(missing.exit, Exit::Usage);
    }
}
