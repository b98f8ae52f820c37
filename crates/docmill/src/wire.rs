//! The only place that names concrete parts: which store, which sources, which reader,
//! which providers.

mod model_list;
mod providers;
mod secrets;
mod server_lock;
mod shop;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use docmill_core::outbound::{Origin, Policy};
use docmill_engine::export::Target;
use docmill_engine::settings::Passwords;
use docmill_engine::{Engine, Parts, Settings, SystemClock, private};
use docmill_parse::sandbox::{self, Sandbox};
use docmill_parse::{Documents, OcrEngine, Reader};
use docmill_source::{Source, Sources};
use docmill_store::sqlite::{Options, SqliteStore};
use docmill_store::{Store, StoreError};

use crate::args::{Context, OutFile};
use crate::exit::Exit;
use crate::fault::Fault;
use crate::report::text::{bytes, counted};

pub use docmill_parse::sandbox::support as sandbox_support;
pub use docmill_parse::{NETWORK_FILES, NetworkFile, Tool, own_network_folder, tools};
pub use model_list::{Listed, Local, local_servers, models};
pub use providers::{Providers, price};
pub use secrets::variable;
pub use server_lock::{ServerLock, running};
pub use shop::Shop;

/// The hidden verb under which this program reads documents for itself.
const PARSE_WORKER: &str = "parse-worker";

/// What working on documents needs beside the database.
#[derive(Debug, Clone, Default)]
pub struct Needs {
    /// Passwords to try on encrypted documents.
    pub passwords: Vec<String>,
    /// Patterns of names to take.
    pub include: Vec<String>,
    /// Patterns of names to leave out.
    pub exclude: Vec<String>,
    /// Where this command writes its results: those of the last time are no documents.
    pub results: Option<OutFile>,
    /// Take what is behind links to folders elsewhere.
    pub follow_links: bool,
    /// Where documents may be read for others; `None`: the person here reads their own.
    pub roots: Option<Vec<PathBuf>>,
    /// Buckets that may be read for others; `None`: all.
    pub buckets: Option<Vec<String>>,
    /// Model servers that others may choose; `None`: the person here chooses.
    pub model_addresses: Option<Vec<Origin>>,
    /// No model will be called.
    pub only_counts: bool,
    /// Largest document taken; `None`: the default.
    pub max_document_bytes: Option<u64>,
}

/// The engine with all its parts, and the providers for what is asked before it starts.
pub fn engine(
    context: &Context,
    store: Arc<dyn Store>,
    needs: Needs,
) -> Result<(Engine, Arc<Providers>), Fault> {
    let mut options = docmill_source::Options::from_variables(std::env::vars_os());
    options.include = needs.include;
    options.passwords.clone_from(&needs.passwords);
    options.exclude = needs.exclude;
    options.roots = needs.roots;
    options.buckets = needs.buckets;
    options.follow_links = needs.follow_links;
    options.own = own_files(context);
    options.own.extend(needs.results.iter().flat_map(result_files));
    let sources = Sources::new(options).map_err(docmill_engine::EngineError::from)?;
    let mut settings = Settings::new(context.data_dir.clone());
    settings.passwords = Passwords::new(needs.passwords);
    settings.ocr_engine = ocr_engine()?;
    if let Some(seconds) = store_patience()? {
        settings.store_patience = seconds;
    }
    if let Some(limit) = needs.max_document_bytes {
        settings.max_document_bytes = limit;
    }
    let variables = secrets::variable;
    let providers = Arc::new(if needs.only_counts {
        Providers::only_counting(variables)
    } else {
        let policy = match needs.model_addresses {
            None => Policy::OwnUser,
            Some(trusted) => Policy::Server { trusted },
        };
        Providers::new(variables, policy)
    });
    let parts = Parts {
        store,
        source: Arc::new(sources) as Arc<dyn Source>,
        reader: reader()?,
        providers: Arc::clone(&providers) as Arc<dyn docmill_engine::Providers>,
        clock: Arc::new(SystemClock::default()),
    };
    Ok((Engine::new(parts, settings), providers))
}

/// How long an answer waits for a database that takes nothing, when somebody says so.
/// What reads pictures of text: the best that is installed, or what `DOCMILL_OCR` says.
fn ocr_engine() -> Result<Option<OcrEngine>, Fault> {
    let typed = std::env::var("DOCMILL_OCR").unwrap_or_default();
    match typed.as_str() {
        "" | "auto" => Ok(docmill_parse::best_engine()),
        name => {
            let hint = "it is auto, pp-ocr or tesseract; docmill doctor says what is installed";
            let engine = OcrEngine::ALL.into_iter().find(|engine| engine.name() == name);
            let engine = engine.ok_or_else(|| Fault::usage(format!("DOCMILL_OCR is {name:?}")).hint(hint))?;
            if docmill_parse::is_installed(engine) {
                Ok(Some(engine))
            } else {
                Err(Fault::usage(format!("DOCMILL_OCR is {name}, which is not installed")).hint(hint))
            }
        }
    }
}

fn store_patience() -> Result<Option<Duration>, Fault> {
    let Ok(typed) = std::env::var("DOCMILL_STORE_PATIENCE") else {
        return Ok(None);
    };
    let seconds = typed
        .parse::<u32>()
        .ok()
        .filter(|seconds| (1..=3600).contains(seconds));
    let seconds = seconds.ok_or_else(|| {
        Fault::usage(format!("DOCMILL_STORE_PATIENCE is {typed:?}"))
            .hint("it is a number of seconds, 1 to 3600")
    })?;
    Ok(Some(Duration::from_secs(u64::from(seconds))))
}

/// What docmill keeps on disk, by its real path: a folder that holds documents may hold this too.
fn own_files(context: &Context) -> Vec<PathBuf> {
    let folder = fs::canonicalize(&context.data_dir).unwrap_or_else(|_| context.data_dir.clone());
    let database = [
        "docmill.db",
        "docmill.db-wal",
        "docmill.db-shm",
        "docmill.db-journal",
        "docmill.db.marker",
    ];
    let beside = [
        "readings",
        "workers",
        "exports",
        "spool",
        "server.lock",
        docmill_server::seal::KEY_FILE,
    ];
    database
        .iter()
        .chain(&beside)
        .map(|name| folder.join(name))
        .collect()
}

/// The files of an earlier export to the same place.
fn result_files(out: &OutFile) -> Vec<PathBuf> {
    let extension = out.format.as_str();
    let main = match &out.target {
        Target::File(path) => path.clone(),
        Target::Folder(folder) => folder.join(format!("documents.{extension}")),
        Target::Stdout => return Vec::new(),
    };
    let (Some(Ok(folder)), Some(stem)) = (main.parent().map(fs::canonicalize), main.file_stem()) else {
        return Vec::new();
    };
    // Lists stand beside their documents: results.items.csv.
    let start = format!("{}.", stem.to_string_lossy());
    let end = format!(".{extension}");
    let names = fs::read_dir(&folder).into_iter().flatten().flatten();
    names
        .map(|entry| entry.file_name())
        .filter(|name| {
            let name = name.to_string_lossy();
            (name.starts_with(&start) && name.ends_with(&end)) || Some(name.as_ref()) == file_name(&main)
        })
        .map(|name| folder.join(name))
        .collect()
}

fn file_name(path: &Path) -> Option<&str> {
    path.file_name()?.to_str()
}

fn reader() -> Result<Arc<dyn Reader>, Fault> {
    let config = sandbox::Config::this_program(PARSE_WORKER).map_err(|error| {
        Fault::new(
            Exit::Failure,
            format!("the system does not say where docmill itself is: {error}"),
        )
    })?;
    Ok(Arc::new(Documents::new(Sandbox::new(config))))
}

/// Reads documents for a parent process until that closes the pipe.
pub fn parse_worker() -> std::process::ExitCode {
    sandbox::child::main()
}

/// The store, to look only; `None`: there is none yet.
pub fn store_to_look(context: &Context) -> Result<Option<Arc<dyn Store>>, Fault> {
    let path = context.database();
    if is_absent(&path) {
        return Ok(None);
    }
    make_private(context);
    let options = Options {
        read_only: true,
        ..Options::default()
    };
    Ok(Some(Arc::new(SqliteStore::open(&path, &options)?)))
}

/// The store, to look at something that must be there.
pub fn store_with_batches(context: &Context) -> Result<Arc<dyn Store>, Fault> {
    store_to_look(context)?.ok_or_else(|| no_batches(context))
}

/// The store, to change something that must be there.
pub fn store_to_steer(context: &Context) -> Result<Arc<dyn Store>, Fault> {
    let path = context.database();
    if is_absent(&path) {
        return Err(no_batches(context));
    }
    make_private(context);
    open_to_write(context)
}

/// The store, made when there is none.
pub fn store_to_work(context: &Context) -> Result<Arc<dyn Store>, Fault> {
    make_data_dir(context)?;
    make_private(context);
    open_to_write(context)
}

/// The store, to write down that somebody looked.
pub fn store_to_note(context: &Context) -> Result<Arc<dyn Store>, StoreError> {
    Ok(Arc::new(SqliteStore::open(
        &context.database(),
        &Options::default(),
    )?))
}

fn open_to_write(context: &Context) -> Result<Arc<dyn Store>, Fault> {
    let store = SqliteStore::open(&context.database(), &Options::default())?;
    if let Some(check) = store.check() {
        let extent = if check.whole {
            "all of it"
        } else {
            "what matters most of it"
        };
        context.ui.say(&format!(
            "docmill did not end in order last time; the database ({}) was checked, {extent}, in {:.1} s, and is sound",
            bytes(check.bytes),
            check.took.as_secs_f64()
        ));
    }
    Ok(Arc::new(store))
}

/// Makes the data folder.
pub fn make_data_dir(context: &Context) -> Result<(), Fault> {
    let folder = &context.data_dir;
    private::create_folder(folder).map_err(|error| {
        Fault::new(
            Exit::Store,
            format!("the folder {} cannot be made: {error}", folder.display()),
        )
        .hint("choose another folder with --data-dir")
    })
}

/// The database's file, which must be there.
pub fn database_with_batches(context: &Context) -> Result<PathBuf, Fault> {
    // Opened once, so that one that cannot be used says why.
    drop(store_with_batches(context)?);
    Ok(context.database())
}

/// Closes what others could look into, and says so: earlier versions left it open.
fn make_private(context: &Context) {
    let private::Mended { closed, refused } = private::mend(&context.data_dir);
    if !closed.is_empty() {
        context.ui.say(&format!(
            "others could look into {}; it is private now ({} closed)",
            context.data_dir.display(),
            counted(closed.len() as u64, "file")
        ));
    }
    for (path, error) in refused {
        context
            .ui
            .say(&format!("others can look into {}: {error}", path.display()));
    }
}

/// Only what is certainly not there counts: what cannot be looked at shall say why. A database
/// that was there before is not absent but missing, and opening it says so.
fn is_absent(path: &Path) -> bool {
    let is_there = |path: &Path| path.try_exists().unwrap_or(true);
    !is_there(path) && !SqliteStore::was_there(path)
}

fn no_batches(context: &Context) -> Fault {
    Fault::usage(format!("there are no batches in {}", context.data_dir.display()))
        .hint("docmill run SOURCE --template TEMPLATE makes one; --data-dir chooses another folder")
}
