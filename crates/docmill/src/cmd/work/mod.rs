//! What `run`, `estimate`, `resume` and `retry` have in common.
//!
//! - [`order`]: what is to be done with which documents; opening the batch, adding them.
//! - [`money`]: counting, showing and asking, before anything is spent.
//! - [`attend`]: working, with progress, hearing a person who wants it to stop.
//! - [`outcome`]: what came of it, and ways on.

mod attend;
mod money;
mod order;
mod outcome;

use std::sync::{Arc, Mutex, PoisonError};

use docmill_core::id::BatchId;
use docmill_engine::Engine;
use docmill_store::{BatchRow, Store};

use crate::args::{Context, OutFile, SourceArgs, passwords};
use crate::fault::Fault;
use crate::place::Place;
use crate::wire::{self, Needs, Providers};

pub use attend::Signals;
pub use money::{Consent, profile};
pub use order::{FoundBatch, Order};
pub use outcome::{exit_of, finish, finish_while_adding, tell};

/// Everything needed to work.
pub struct Bench {
    /// The engine.
    pub engine: Engine,
    /// Its providers.
    pub providers: Arc<Providers>,
    /// Its store.
    pub store: Arc<dyn Store>,
}

impl Bench {
    /// A bench for new documents; their results will go to `results`.
    pub fn for_run(args: &SourceArgs, results: Option<OutFile>, context: &Context) -> Result<Self, Fault> {
        let needs = Needs {
            results,
            ..needs(args)?
        };
        Self::new(wire::store_to_work(context)?, needs, context)
    }

    /// A bench for counting new documents: no model is called.
    pub fn for_estimate(args: &SourceArgs, context: &Context) -> Result<Self, Fault> {
        let needs = Needs {
            only_counts: true,
            ..needs(args)?
        };
        Self::new(wire::store_to_work(context)?, needs, context)
    }

    /// A bench for a batch that is there.
    pub fn new(store: Arc<dyn Store>, needs: Needs, context: &Context) -> Result<Self, Fault> {
        let (engine, providers) = wire::engine(context, Arc::clone(&store), needs)?;
        Ok(Self {
            engine,
            providers,
            store,
        })
    }

    /// The same database, as a place.
    pub fn place(&self) -> Place {
        Place::Here(Arc::clone(&self.store))
    }

    /// The batch as it is now.
    pub async fn row(&self, id: BatchId) -> Result<BatchRow, Fault> {
        Ok(self.store.batch(id).await?)
    }
}

fn needs(args: &SourceArgs) -> Result<Needs, Fault> {
    Ok(Needs {
        passwords: passwords(&args.passwords)?,
        include: args.include.clone(),
        exclude: args.exclude.clone(),
        follow_links: args.follow_links,
        max_document_bytes: Some(args.max_document_bytes),
        ..Needs::default()
    })
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
