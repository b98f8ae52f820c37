//! The engine: takes a batch from a pile of files to checked data.
//!
//! It joins the four ports (source, reader, provider, store) and decides nothing
//! that matters by itself: states, money, retries, pacing and judging are pure
//! functions of core, which the engine carries out. It keeps nothing in memory
//! that the store does not have, so `kill -9` is a normal event and starting is
//! recovery. Memory is bounded by what is in hand, never by the batch.
//!
//! - [`open`]: find or make the batch a person means.
//! - [`ingest`]: discover, hash, add.
//! - [`profile`]: read everything once, count tokens, estimate.
//! - [`run`]: lease → read → reserve → call → judge → commit.
//! - [`dispatch`]: several batches at once, jobs in the background, going on after a restart.
//! - [`look`]: a document as a person sees it: pages, words, prompts.
//! - [`export`]: results as CSV, JSON Lines, Parquet and XLSX.
//! - [`recovery`]: who is dead, and what they left behind.
//! - [`hours`]: when a batch may call.
//! - [`telemetry`]: what goes on, for those who operate it.
//! - [`forget`]: what was learned from documents goes.
//! - [`private`]: files and folders that only their owner may look into.

pub mod clock;
pub mod dispatch;
mod error;
pub mod export;
pub mod forget;
pub mod hours;
pub mod ingest;
pub mod jobs;
mod journal;
mod lane;
mod learning;
mod loader;
pub mod look;
mod measure;
pub mod open;
mod pace_memory;
mod pipeline;
pub mod private;
pub mod profile;
mod readings;
pub mod reconcile;
pub mod recovery;
pub mod run;
pub mod settings;
pub mod spending;
mod spool;
pub mod telemetry;
pub mod values;

use std::sync::Arc;

use docmill_core::plan::Plan;
use docmill_llm::Provider;
use docmill_parse::Reader;
use docmill_source::Source;
use docmill_store::Store;

pub use clock::{Clock, SystemClock};
pub use error::{EngineError, ModelTrouble};
pub use lane::{LaneStatus, Trouble};
pub use settings::Settings;

/// A provider that answers for a plan, and the model's name as that provider knows it.
#[derive(Clone)]
pub struct Resolved {
    /// Who is called.
    pub provider: Arc<dyn Provider>,
    /// The model's name without the provider.
    pub model: String,
    /// What calls have in common that share a rate limit: provider, address, key, model.
    pub lane: String,
}

/// The port: something that knows which provider a plan means. Implemented where
/// concrete providers are known.
pub trait Providers: Send + Sync {
    /// The provider of a plan.
    ///
    /// # Errors
    /// When the plan names nothing that can be called (no key, unknown provider), with what to do.
    fn resolve(&self, plan: &Plan) -> Result<Resolved, EngineError>;
}

/// The concrete parts the engine joins.
#[derive(Clone)]
pub struct Parts {
    /// Where everything is kept.
    pub store: Arc<dyn Store>,
    /// Where documents come from.
    pub source: Arc<dyn Source>,
    /// What reads them.
    pub reader: Arc<dyn Reader>,
    /// Who answers.
    pub providers: Arc<dyn Providers>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
}

/// The engine. Cheap to clone; one per process.
#[derive(Clone)]
pub struct Engine {
    parts: Parts,
    settings: Arc<Settings>,
    lanes: Arc<lane::Lanes>,
    /// When this process last looked for dead workers.
    recovered_at: Arc<tokio::sync::Mutex<Option<tokio::time::Instant>>>,
    learnings: Arc<learning::Learnings>,
    /// Batches that documents are being added to: their runs wait for more.
    adding: Arc<ingest::Adding>,
    calls: Arc<telemetry::CallMetrics>,
    origins: Arc<telemetry::Origins>,
    trouble: Arc<telemetry::StoreTrouble>,
}

impl Engine {
    /// An engine of these parts.
    #[must_use]
    pub fn new(parts: Parts, settings: Settings) -> Self {
        Self {
            parts,
            settings: Arc::new(settings),
            lanes: Arc::default(),
            recovered_at: Arc::default(),
            learnings: Arc::default(),
            adding: Arc::default(),
            calls: Arc::default(),
            origins: Arc::default(),
            trouble: Arc::default(),
        }
    }

    /// Calls since this process began.
    #[must_use]
    pub fn call_metrics(&self) -> &telemetry::CallMetrics {
        &self.calls
    }

    /// Why this batch does not get on at the moment, in words: its provider lets nothing through, or
    /// the database takes nothing.
    #[must_use]
    pub fn trouble_of(&self, batch: docmill_core::id::BatchId) -> Option<String> {
        self.store_trouble().or_else(|| {
            let lanes = self.lanes();
            let mut its = lanes.iter().filter(|lane| lane.batches.contains(&batch));
            its.find_map(|lane| lane.trouble.as_ref().map(|trouble| self.in_words(trouble)))
        })
    }

    /// What a provider's trouble means, for people.
    #[must_use]
    pub fn in_words(&self, trouble: &Trouble) -> String {
        let seconds = self.now().since_ms(trouble.since).max(0) / 1000;
        let minutes = self.settings.policy.longest_wait.as_secs() / 60;
        format!(
            "no call has got through for {seconds} s ({}); it is tried now and then, for up to {minutes} minutes",
            trouble.last
        )
    }

    /// Why the database takes nothing at the moment, while answers wait for it.
    #[must_use]
    pub fn store_trouble(&self) -> Option<String> {
        self.trouble.now()
    }

    /// Answers that were paid for and wait beside the database.
    #[must_use]
    pub fn spooled(&self) -> usize {
        spool::Spool::new(&self.settings.data_dir).len()
    }

    /// A request asked for this batch to be worked on: log lines about its calls say which.
    pub fn asked_by(&self, batch: docmill_core::id::BatchId, request: String) {
        self.origins.note(batch, request);
    }

    /// How busy each lane is that has batches in it.
    #[must_use]
    pub fn lanes(&self) -> Vec<LaneStatus> {
        self.lanes.status(self.parts.clock.now())
    }

    /// How the engine works on this machine.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Which provider a plan means.
    #[must_use]
    pub fn providers(&self) -> &Arc<dyn Providers> {
        &self.parts.providers
    }

    /// Whether the documents of these sources may be read by this process. Opens nothing.
    ///
    /// # Errors
    /// When they may not, with what to do.
    pub fn permits(&self, sources: &[String]) -> Result<(), EngineError> {
        Ok(self.parts.source.permits(sources)?)
    }

    /// The store, for looking.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.parts.store
    }
}
