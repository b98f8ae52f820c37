//! What a user types to say where documents are, made into a value.

use std::path::PathBuf;

use crate::key::{Bucket, Key};
use crate::port::SourceError;

/// Whose cloud store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scheme {
    /// Amazon S3 and everything that speaks its protocol.
    S3,
    /// Google Cloud Storage.
    Gcs,
    /// Azure Blob Storage.
    Azure,
}

impl Scheme {
    /// The one spelling used in keys.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Gcs => "gs",
            Self::Azure => "az",
        }
    }

    /// What people call it.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::S3 => "S3",
            Self::Gcs => "Google Cloud Storage",
            Self::Azure => "Azure Blob Storage",
        }
    }

    /// Reads any of the spellings in use.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "s3" | "s3a" | "s3n" => Some(Self::S3),
            "gs" | "gcs" => Some(Self::Gcs),
            "az" | "azure" | "abfs" | "abfss" | "adl" => Some(Self::Azure),
            _ => None,
        }
    }
}

/// One place to look for documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Spec {
    /// A file, folder or ZIP archive on this machine.
    Path(PathBuf),
    /// A file with one spec a line.
    List(PathBuf),
    /// The same from standard input.
    ListFromInput,
    /// What is in a bucket.
    Remote(Prefix),
}

/// A part of a bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Prefix {
    pub bucket: Bucket,
    /// The object or folder, as typed, without a slash at its ends.
    pub path: String,
    /// How names below `path` are taken.
    pub extent: Extent,
}

/// What a prefix stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Extent {
    /// The object of that name, or, if there is none, the folder (`s3://bucket/2024`).
    ObjectOrFolder,
    /// The folder (`s3://bucket/2024/`).
    Folder,
    /// Every object whose key begins so (`s3://bucket/2024/inv*`).
    Beginning,
}

const SCHEMES: [&str; 4] = ["file", "s3", "gs", "az"];

impl Spec {
    /// Reads what the user typed. Looks at nothing but the text.
    pub fn parse(text: &str) -> Result<Self, SourceError> {
        if text.is_empty() {
            return Err(SourceError::new(
                "a source is empty",
                "name a folder, a file, a ZIP archive, or a URL such as s3://bucket/prefix",
            ));
        }
        if let Some(list) = text.strip_prefix("list:").filter(|rest| !rest.starts_with("//")) {
            return Ok(match list {
                "-" => Self::ListFromInput,
                path => Self::List(PathBuf::from(path)),
            });
        }
        match text.split_once("://") {
            Some((scheme, rest)) if is_scheme(scheme) => Self::url(text, scheme, rest),
            _ => Ok(Self::Path(PathBuf::from(text))),
        }
    }

    fn url(text: &str, scheme: &str, rest: &str) -> Result<Self, SourceError> {
        let lower = scheme.to_ascii_lowercase();
        if let Some(scheme) = Scheme::parse(&lower) {
            return Prefix::parse(scheme, rest).map(Self::Remote);
        }
        match (lower.as_str(), Key::parse(text)) {
            ("file", Some(Key::File(path))) => Ok(Self::Path(path)),
            ("file", _) => Err(SourceError::new(
                format!("“{text}” is not a complete file URL"),
                "write file:///absolute/path, or just the path",
            )),
            ("zip", _) => Err(SourceError::new(
                format!("an entry of a ZIP archive cannot be a source by itself (“{text}”)"),
                "give the archive's path, and choose entries with --include",
            )),
            ("http" | "https", _) => Err(SourceError::new(
                format!("docmill does not download from web addresses (“{text}”)"),
                "download the files first, or give the bucket as s3://, gs:// or az://",
            )),
            _ => Err(unknown_scheme(text, &lower)),
        }
    }
}

impl Prefix {
    fn parse(scheme: Scheme, rest: &str) -> Result<Self, SourceError> {
        let (name, path) = rest.split_once('/').unwrap_or((rest, ""));
        if !is_bucket_name(name) {
            return Err(SourceError::new(
                format!("“{}://{rest}” names no bucket", scheme.as_str()),
                format!("write {}://BUCKET/PREFIX", scheme.as_str()),
            ));
        }
        let (path, extent) = match path.strip_suffix('*') {
            Some(beginning) => (beginning.trim_start_matches('/'), Extent::Beginning),
            None if path.is_empty() || path.ends_with('/') => (path.trim_matches('/'), Extent::Folder),
            None => (path.trim_matches('/'), Extent::ObjectOrFolder),
        };
        Ok(Self {
            bucket: Bucket {
                scheme,
                name: name.to_owned(),
            },
            path: path.to_owned(),
            extent,
        })
    }

    /// Whether an object's key lies in this part of the bucket.
    pub fn contains(&self, path: &str) -> bool {
        match (self.extent, path.strip_prefix(&self.path)) {
            (_, None) => false,
            (Extent::Beginning, Some(_)) => true,
            (Extent::Folder | Extent::ObjectOrFolder, Some(rest)) => {
                self.path.is_empty() || rest.is_empty() || rest.starts_with('/')
            }
        }
    }

    /// Whether everything `wanted` stands for lies in this part.
    pub fn covers(&self, wanted: &Self) -> bool {
        let all_below = match wanted.extent {
            // `2024*` is also `2024-secret`, which is not below `2024`.
            Extent::Beginning if self.extent != Extent::Beginning && !self.path.is_empty() => {
                wanted.path.len() > self.path.len()
            }
            _ => true,
        };
        self.bucket == wanted.bucket && all_below && self.contains(&wanted.path)
    }

    /// The prefix as a person would type it.
    pub fn shown(&self) -> String {
        let end = match self.extent {
            Extent::ObjectOrFolder => "",
            Extent::Folder if self.path.is_empty() => "",
            Extent::Folder => "/",
            Extent::Beginning => "*",
        };
        format!("{}/{}{end}", self.bucket, self.path)
    }
}

/// Whether a name can be one of a bucket at any vendor. The name becomes part of a URL, and often of
/// its host: nothing in it may end the host or begin another (`evil.example/?`, `evil.example#`).
pub(crate) fn is_bucket_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '$' | '@'))
}

/// `C://x` and `./a://b` are paths; `ftp://x` is a URL nobody here can read.
fn is_scheme(text: &str) -> bool {
    text.len() > 1
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
}

fn unknown_scheme(text: &str, scheme: &str) -> SourceError {
    let message = format!("docmill knows no source of the kind “{scheme}://” (in “{text}”)");
    let near = SCHEMES
        .iter()
        .map(|known| (distance(known, scheme), known))
        .min()
        .filter(|(edits, known)| *edits <= 1 || *edits * 2 < known.len());
    match near {
        Some((_, known)) => SourceError::new(message, format!("did you mean {known}://?")),
        None => SourceError::new(
            message,
            "use a path, s3://bucket/prefix, gs://bucket/prefix or az://container/prefix",
        ),
    }
}

/// How many single-character edits lie between two words.
pub(crate) fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut next = Vec::with_capacity(row.len());
        next.push(i + 1);
        for (window, to) in row.windows(2).zip(&b) {
            let [diagonal, above] = window else { continue };
            let left = next.last().copied().unwrap_or(0);
            let substitution = diagonal + usize::from(from != *to);
            next.push(substitution.min(above + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}
