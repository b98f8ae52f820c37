//! The adapter the command uses: every kind of source behind one port.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use docmill_core::failure::{Failure, FailureCode};
use futures::stream::{self, BoxStream, StreamExt};
use tokio::sync::mpsc;
use tokio::task;

use crate::cloud::Buckets;
use crate::filter::Filter;
use crate::key::{Bucket, Key};
use crate::local::archive::Archives;
use crate::local::files::Files;
use crate::local::sink::{Sink, Step};
use crate::local::{Place, list, outside, read_file, reason};
use crate::port::{Discovered, DiscoveredStream, Source, SourceError, one_by_one};
use crate::spec::{Prefix, Spec};

/// How far a walk may run ahead of who pulls: enough to hide the time of a directory
/// read, little enough that names never pile up.
const AHEAD: usize = 256;

/// How many cloud objects named in a list are looked up at a time.
const LOOKUPS: usize = 16;

/// What can be chosen about sources.
#[derive(Clone, Default)]
pub struct Options {
    /// Patterns of names to take; none takes all.
    pub include: Vec<String>,
    /// Patterns of names to leave out; stronger than `include`.
    pub exclude: Vec<String>,
    /// Real paths of the program's own files and folders: its database above all. They are no
    /// documents, and are never even opened: on Unix, closing any handle of a file drops all
    /// locks this process holds on it, and SQLite's are what keeps a database whole.
    pub own: Vec<PathBuf>,
    /// Real paths below which a server may read files, for whoever asks it. Then no link below
    /// them is followed, lists are refused, and what lies elsewhere is as if it were not there.
    /// `None`: the person who started the program reads their own files.
    pub roots: Option<Vec<PathBuf>>,
    /// Buckets, or parts of them, that a server may read for whoever asks it, as URLs; `None`: all.
    pub buckets: Option<Vec<String>>,
    /// Take what is behind links to folders elsewhere. Without roots only.
    pub follow_links: bool,
    /// Passwords to try on encrypted entries of archives, in order.
    pub passwords: Vec<String>,
    /// The `AWS_*`, `GOOGLE_*` and `AZURE_*` variables: credentials, endpoints, regions.
    pub cloud: Vec<(String, String)>,
}

impl Options {
    /// Everything included; cloud settings from these variables (usually `std::env::vars_os()`).
    #[must_use]
    pub fn from_variables(variables: impl Iterator<Item = (std::ffi::OsString, std::ffi::OsString)>) -> Self {
        let cloud = variables
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, _)| {
                ["AWS_", "GOOGLE_", "AZURE_"]
                    .iter()
                    .any(|start| name.starts_with(start))
            })
            .collect();
        Self {
            cloud,
            ..Self::default()
        }
    }
}

/// Keys may be secret: only their names are shown.
impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.cloud.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Options")
            .field("include", &self.include)
            .field("exclude", &self.exclude)
            .field("own", &self.own)
            .field("roots", &self.roots)
            .field("buckets", &self.buckets)
            .field("follow_links", &self.follow_links)
            .field("cloud", &names)
            .finish()
    }
}

/// Files, folders, lists, ZIP archives and buckets. Cheap to clone.
#[derive(Clone)]
pub struct Sources {
    shared: Arc<Shared>,
}

struct Shared {
    filter: Filter,
    files: Files,
    /// The parts of buckets that may be read; `None`: all.
    granted: Option<Vec<Prefix>>,
    follows_links: bool,
    archives: Archives,
    passwords: Vec<String>,
    buckets: Buckets,
    /// Taken by the first list that reads it.
    input: Mutex<Option<Box<dyn Read + Send>>>,
}

impl Sources {
    /// Sources with these options; `list:-` reads standard input.
    ///
    /// # Errors
    /// When a pattern cannot be read.
    pub fn new(options: Options) -> Result<Self, SourceError> {
        Self::with_input(options, Box::new(io::stdin()))
    }

    /// The same, with something else in the place of standard input.
    ///
    /// # Errors
    /// When a pattern cannot be read.
    pub fn with_input(options: Options, input: Box<dyn Read + Send>) -> Result<Self, SourceError> {
        let granted = options
            .buckets
            .map(|buckets| buckets.iter().map(|url| granted(url)).collect::<Result<_, _>>())
            .transpose()?;
        Ok(Self {
            shared: Arc::new(Shared {
                granted,
                files: Files::new(options.roots),
                follows_links: options.follow_links,
                filter: Filter::new(&options.include, &options.exclude, options.own)?,
                archives: Archives::default(),
                passwords: options.passwords,
                buckets: Buckets::new(options.cloud),
                input: Mutex::new(Some(input)),
            }),
        })
    }
}

/// A spec that was looked at and found usable.
enum Ready {
    Place(Place),
    List {
        title: String,
        reader: Box<dyn Read + Send>,
    },
    Remote(Prefix),
}

impl Shared {
    /// Checks what can be checked at once. Blocking.
    fn ready(&self, spec: Spec) -> Result<Ready, SourceError> {
        match spec {
            Spec::Path(path) => Place::of(&path, &self.filter, &self.files).map(Ready::Place),
            Spec::Remote(prefix) => {
                self.may_list(&prefix)?;
                Ok(Ready::Remote(prefix))
            }
            // A list names what it likes, and standard input is not the asker's.
            Spec::List(_) | Spec::ListFromInput if self.files.is_confined() => Err(no_lists()),
            Spec::List(path) => open_list(&path),
            Spec::ListFromInput => {
                let mut input = self.input.lock().unwrap_or_else(PoisonError::into_inner);
                match input.take() {
                    Some(reader) => Ok(Ready::List {
                        title: "standard input".to_owned(),
                        reader,
                    }),
                    None => Err(SourceError::plain(
                        "standard input can be read as a list only once",
                    )),
                }
            }
        }
    }

    fn may_list(&self, wanted: &Prefix) -> Result<(), SourceError> {
        let Some(granted) = &self.granted else {
            return Ok(());
        };
        if granted.iter().any(|prefix| prefix.covers(wanted)) {
            return Ok(());
        }
        Err(SourceError::new(
            format!("{} is no bucket this server may read from", wanted.shown()),
            format!("start docmill serve with --bucket {}", wanted.bucket),
        ))
    }

    fn may_read(&self, bucket: &Bucket, path: &str) -> bool {
        self.granted.as_ref().is_none_or(|granted| {
            granted
                .iter()
                .any(|prefix| prefix.bucket == *bucket && prefix.contains(path))
        })
    }

    fn stream(self: Arc<Self>, ready: Ready) -> DiscoveredStream {
        match ready {
            Ready::Remote(prefix) => self.buckets.list(prefix, self.filter.clone()),
            Ready::Place(place) => self.walk(move |sink| {
                let _ended = place.produce(sink);
            }),
            Ready::List { title, reader } => self.walk(move |sink| {
                let _ended = list::produce(reader, &title, sink);
            }),
        }
    }

    /// Runs a blocking walk beside the stream it feeds. The walk waits while nobody pulls,
    /// and ends soon after the stream is dropped.
    fn walk(self: Arc<Self>, walk: impl FnOnce(&Sink<'_>) + Send + 'static) -> DiscoveredStream {
        let (sender, receiver) = mpsc::channel(AHEAD);
        let producer = Arc::clone(&self);
        let walking = task::spawn_blocking(move || {
            let shared = &producer;
            walk(&Sink::new(
                &sender,
                &shared.filter,
                &shared.files,
                shared.follows_links,
            ));
        });
        let found = stream::unfold((receiver, Some(walking)), async |(mut receiver, walking)| {
            if let Some(step) = receiver.recv().await {
                return Some((step, (receiver, walking)));
            }
            // The walk is over; one that died must not look like one that found no more.
            let error = walking?.await.err()?;
            let error = SourceError::plain(format!(
                "listing the documents stopped by a fault of docmill: {error}"
            ));
            Some((Step::Yield(Err(error)), (receiver, None)))
        });
        found
            .map(move |step| Arc::clone(&self).look_up(step))
            .buffered(LOOKUPS)
            .flatten()
            .boxed()
    }

    async fn look_up(self: Arc<Self>, step: Step) -> BoxStream<'static, Result<Discovered, SourceError>> {
        match step {
            Step::Yield(item) => stream::iter([item]).boxed(),
            Step::Remote { origin, prefix } => {
                // Looked up here, so that several are on their way at once.
                let mut listed = self.buckets.list(prefix, self.filter.clone()).peekable();
                let _looked_up = std::pin::Pin::new(&mut listed).peek().await;
                listed
                    .map(move |item| {
                        item.or_else(|error| {
                            Ok(Discovered::Notice(format!("{origin} was left out: {error}")))
                        })
                    })
                    .boxed()
            }
        }
    }
}

/// A part of a bucket that a server is let read.
fn granted(url: &str) -> Result<Prefix, SourceError> {
    match Spec::parse(url)? {
        Spec::Remote(prefix) => Ok(prefix),
        _ => Err(SourceError::new(
            format!("“{url}” is no bucket"),
            "write it like s3://bucket or s3://bucket/prefix",
        )),
    }
}

fn no_lists() -> SourceError {
    SourceError::new(
        "a server takes no lists of files",
        "name the folders, or upload the documents",
    )
}

fn open_list(path: &Path) -> Result<Ready, SourceError> {
    let unusable = |what: String| {
        SourceError::new(
            format!("the list {} cannot be used: {what}", path.display()),
            "give a text file with one path or URL a line",
        )
    };
    let file = File::open(path).map_err(|error| unusable(reason(&error)))?;
    let metadata = file.metadata().map_err(|error| unusable(reason(&error)))?;
    if metadata.is_dir() {
        return Err(unusable("it is a folder".to_owned()));
    }
    Ok(Ready::List {
        title: path.display().to_string(),
        reader: Box::new(file),
    })
}

#[async_trait]
impl Source for Sources {
    async fn discover(&self, specs: &[String]) -> Result<DiscoveredStream, SourceError> {
        if specs.is_empty() {
            return Err(SourceError::new(
                "no source was given",
                "name a folder, files, a ZIP archive or a URL such as s3://bucket/prefix",
            ));
        }
        let specs = specs
            .iter()
            .map(|text| Spec::parse(text))
            .collect::<Result<Vec<_>, _>>()?;
        let shared = Arc::clone(&self.shared);
        let ready = task::spawn_blocking(move || {
            specs
                .into_iter()
                .map(|spec| shared.ready(spec))
                .collect::<Result<Vec<_>, _>>()
        })
        .await
        .map_err(|error| SourceError::plain(format!("looking at the sources failed: {error}")))??;
        let shared = Arc::clone(&self.shared);
        Ok(stream::iter(ready)
            .flat_map(move |ready| Arc::clone(&shared).stream(ready))
            .boxed())
    }

    fn permits(&self, specs: &[String]) -> Result<(), SourceError> {
        let files = &self.shared.files;
        specs.iter().try_for_each(|spec| match Spec::parse(spec)? {
            Spec::Path(path) if !files.permits(&path) => Err(outside(&path)),
            Spec::List(_) | Spec::ListFromInput if files.is_confined() => Err(no_lists()),
            Spec::Remote(prefix) => self.shared.may_list(&prefix),
            _ => Ok(()),
        })
    }

    async fn read_many(&self, keys: &[&str], limit: u64) -> Vec<Result<Bytes, Failure>> {
        let files = keys.iter().map(|key| match Key::parse(key) {
            Some(Key::File(path)) if !self.shared.filter.is_own(&path) => Some(path),
            _ => None,
        });
        let Some(paths) = files.collect::<Option<Vec<PathBuf>>>() else {
            return one_by_one(self, keys, limit).await;
        };
        let shared = Arc::clone(&self.shared);
        let read = move || {
            let read = |path| read_file(&shared.files, path, limit);
            paths.iter().map(|path| read(path)).collect()
        };
        task::spawn_blocking(read)
            .await
            .unwrap_or_else(|error| vec![Err(broken(&error)); keys.len()])
    }

    async fn read(&self, key: &str, limit: u64) -> Result<Bytes, Failure> {
        match Key::parse(key) {
            Some(Key::File(path)) if self.shared.filter.is_own(&path) => Err(Failure::new(
                FailureCode::SourceUnreadable,
                format!("{} is docmill's own file", path.display()),
            )),
            Some(Key::File(path)) => {
                let shared = Arc::clone(&self.shared);
                blocking(move || read_file(&shared.files, &path, limit)).await
            }
            Some(Key::ZipEntry { archive, entry }) => self.read_entry(archive, entry, limit).await,
            Some(Key::ZipNamesake {
                archive,
                entry,
                number,
            }) => {
                let shared = Arc::clone(&self.shared);
                blocking(move || {
                    shared
                        .archives
                        .read_namesake(&shared.files, &archive, &entry, number, limit)
                })
                .await
            }
            Some(Key::Object { bucket, path }) if !self.shared.may_read(&bucket, &path) => Err(Failure::new(
                FailureCode::SourceUnreadable,
                format!("{bucket} is no bucket this server may read from"),
            )),
            Some(Key::Object { bucket, path }) => self.shared.buckets.read(&bucket, &path, limit).await,
            None => Err(Failure::new(
                FailureCode::SourceUnreadable,
                format!("“{key}” is not a key docmill can read"),
            )),
        }
    }
}

impl Sources {
    async fn read_entry(&self, archive: PathBuf, entry: Vec<u8>, limit: u64) -> Result<Bytes, Failure> {
        let shared = Arc::clone(&self.shared);
        blocking(move || {
            shared
                .archives
                .read(&shared.files, &archive, &entry, &shared.passwords, limit)
        })
        .await
    }
}

async fn blocking(read: impl FnOnce() -> Result<Bytes, Failure> + Send + 'static) -> Result<Bytes, Failure> {
    task::spawn_blocking(read)
        .await
        .unwrap_or_else(|error| Err(broken(&error)))
}

fn broken(error: &task::JoinError) -> Failure {
    Failure::new(
        FailureCode::SourceUnreadable,
        format!("reading the document failed: {error}"),
    )
}
