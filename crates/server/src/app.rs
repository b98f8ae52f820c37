//! What every route works with.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use docmill_core::access::Lifetime;
use docmill_core::id::BatchId;
use docmill_core::plan::Plan;
use docmill_core::price::Price;
use docmill_core::time::Timestamp;
use docmill_engine::dispatch::Dispatcher;
use docmill_engine::{Engine, EngineError};
use docmill_store::{BatchRow, Store};
use tokio::sync::watch;

use crate::access::audit::Recent;
use crate::access::oidc::Oidc;
use crate::access::tries::Tries;
use crate::access::{OidcOptions, PublicUrl};
use crate::alerts::{PostOffice, PostOptions};
use crate::feed::Feeds;
use crate::limits::Limits;
use crate::machine::Machine;
use crate::problem::Problem;
use crate::pulse::Pulse;
use crate::request_id::{OnRequest, Requests};
use crate::seal::Seal;
use crate::views::ModelView;

/// The port: what only those know who join the concrete parts.
#[async_trait]
pub trait Workshop: Send + Sync {
    /// What a model costs.
    ///
    /// # Errors
    /// When nobody knows.
    fn price(&self, model: &str, base_url: Option<&str>) -> Result<Price, EngineError>;

    /// Models that can be named, those that can be called first.
    fn models(&self) -> Vec<ModelView>;

    /// The price of each of these models, for comparisons.
    fn prices(&self) -> Vec<(String, Price, bool)>;

    /// A free call that proves that key, address and model are right.
    ///
    /// # Errors
    /// When they are not, with what to do.
    async fn probe(&self, plan: &Plan) -> Result<(), EngineError>;

    /// The built-in templates: name and text.
    fn templates(&self) -> Vec<(&'static str, &'static str)>;
}

/// Who can reach the server. It follows from how it is started, and never changes while it runs:
/// no row of the database, present, absent or damaged, opens it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Only this machine: who sits at it may do everything, until there is a key.
    ThisMachine,
    /// Others too: every request needs a key.
    Others,
}

/// How the server is to run.
#[derive(Debug, Clone)]
pub struct Config {
    /// Who can reach it.
    pub reach: Reach,
    /// Where it listens.
    pub address: SocketAddr,
    /// Names it may be called by, beside its own address and localhost.
    pub hosts: Vec<String>,
    /// Folders below which documents may be read.
    pub roots: Vec<PathBuf>,
    /// Folder for uploads, exports and the like.
    pub data_dir: PathBuf,
    /// Largest upload of one file, in bytes.
    pub max_upload_bytes: u64,
    /// How alerts are delivered.
    pub post: PostOptions,
    /// Where the dashboard is, when it is not at the root: `/docmill`.
    pub base_path: String,
    /// Where browsers find the server, when something stands in front of it.
    pub public_url: Option<PublicUrl>,
    /// How long who signs in stays signed in.
    pub lifetime: Lifetime,
    /// Seals secrets that must be kept.
    pub seal: Seal,
    /// Who else vouches for people.
    pub oidc: Option<OidcOptions>,
    /// What is done with a request's span before it is answered.
    pub on_request: Option<OnRequest>,
}

/// What every route works with. Cheap to clone.
#[derive(Clone)]
pub struct App {
    /// The engine.
    pub engine: Engine,
    /// What works in the background.
    pub dispatcher: Dispatcher,
    /// Speeds and outlooks.
    pub pulse: Pulse,
    /// What the server takes of its machine.
    pub machine: Machine,
    /// What only those know who join the concrete parts.
    pub workshop: Arc<dyn Workshop>,
    /// Who takes alerts where they go.
    pub post: PostOffice,
    /// How the server is to run.
    pub config: Arc<Config>,
    /// How much anybody may hold at once.
    pub limits: Limits,
    /// Seals secrets that must be kept.
    pub seal: Seal,
    pub(crate) oidc: Option<Oidc>,
    pub(crate) feeds: Feeds,
    pub(crate) tries: Tries,
    pub(crate) requests: Requests,
    pub(crate) recent: Recent,
    /// Counts up when sessions or keys end: streams look whether theirs was among them.
    pub(crate) ended: Arc<watch::Sender<u64>>,
}

impl App {
    /// All of it, over an engine.
    ///
    /// # Errors
    /// When the system's certificates cannot be read.
    pub fn new(engine: Engine, workshop: Arc<dyn Workshop>, config: Config) -> std::io::Result<Self> {
        let post = PostOffice::new(config.post.clone())?;
        let oidc = config.oidc.clone().map(Oidc::new).transpose()?;
        Ok(Self {
            dispatcher: Dispatcher::new(engine.clone()),
            engine,
            pulse: Pulse::new(),
            machine: Machine::default(),
            workshop,
            post,
            limits: Limits::default(),
            seal: config.seal.clone(),
            config: Arc::new(config),
            oidc,
            feeds: Feeds::default(),
            tries: Tries::default(),
            requests: Requests::default(),
            recent: Recent::default(),
            ended: Arc::new(watch::Sender::new(0)),
        })
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &dyn Store {
        self.engine.store().as_ref()
    }

    /// What time it is.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.engine.now()
    }

    /// The batch a path names: by full id, the short id's digits, name, or `last`.
    ///
    /// # Errors
    /// When there is none.
    pub async fn batch(&self, reference: &str) -> Result<BatchRow, Problem> {
        Ok(self.store().find_batch(reference).await?)
    }

    /// The same, when only the id is needed.
    ///
    /// # Errors
    /// When there is none.
    pub async fn batch_id(&self, reference: &str) -> Result<BatchId, Problem> {
        if let Ok(id) = reference.parse::<BatchId>() {
            return Ok(id);
        }
        Ok(self.batch(reference).await?.id)
    }

    /// A source as it is kept: below an allowed folder, or a bucket.
    ///
    /// # Errors
    /// When it is neither.
    pub fn allowed_source(&self, source: &str) -> Result<String, Problem> {
        let source = source.trim();
        if ["s3://", "gs://", "az://"]
            .iter()
            .any(|scheme| source.starts_with(scheme))
        {
            let sources = [source.to_owned()];
            self.engine.permits(&sources)?;
            let [source] = sources;
            return Ok(source);
        }
        if let Some(upload) = source.strip_prefix("upload:") {
            let folder = self.upload_folder(upload)?;
            return path_text(&folder);
        }
        if source.starts_with("list:") || source.contains("://") {
            return Err(Problem::unprocessable(
                "source",
                format!("{source} cannot be used over the network"),
            )
            .hint("name a folder, a ZIP archive, or a bucket such as s3://bucket/prefix"));
        }
        let path = self.allowed_path(Path::new(source))?;
        path_text(&path)
    }

    /// The real path of a folder or file below an allowed one.
    ///
    /// # Errors
    /// When it does not exist or lies elsewhere.
    pub fn allowed_path(&self, path: &Path) -> Result<PathBuf, Problem> {
        let outside = || {
            let roots: Vec<String> = self
                .config
                .roots
                .iter()
                .map(|root| root.display().to_string())
                .collect();
            let hint = if roots.is_empty() {
                "upload the documents, or start docmill serve with --root FOLDER".to_owned()
            } else {
                format!("documents may be read below {}", roots.join(", "))
            };
            Problem::unprocessable(
                "source",
                format!(
                    "{} is not below an allowed folder, or is not there",
                    path.display()
                ),
            )
            .hint(hint)
        };
        if !path.is_absolute() {
            return Err(Problem::unprocessable(
                "source",
                format!("{} is not an absolute path", path.display()),
            )
            .hint("a path on the server begins at its root"));
        }
        // Links are followed before it is compared, so that none leads out.
        let real = std::fs::canonicalize(path).map_err(|_| outside())?;
        if self.config.roots.iter().any(|root| real.starts_with(root)) {
            Ok(real)
        } else {
            Err(outside())
        }
    }

    /// The folder of an upload.
    ///
    /// # Errors
    /// When its name is none that this server gave.
    pub fn upload_folder(&self, upload: &str) -> Result<PathBuf, Problem> {
        let id: uuid::Uuid = upload
            .parse()
            .map_err(|_| Problem::not_found(format!("there is no upload {upload:?}")))?;
        Ok(self.config.data_dir.join("uploads").join(id.to_string()))
    }
}

fn path_text(path: &Path) -> Result<String, Problem> {
    path.to_str()
        .map(str::to_owned)
        .ok_or_else(|| Problem::unprocessable("source", "the path is not Unicode"))
}
